//! Deciding for a running cluster: from the snapshot and its assessment to a plan of ordered steps, each
//! with its reason, its expected gain and its cost, and a record of why.

mod caretaker;
mod expected_use;
mod place_only;
mod records;

pub use caretaker::Caretaker;
pub use place_only::PlaceOnly;

use crate::model::{Assessment, DecisionRecord, Plan, Snapshot};

/// What was decided.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decided {
    /// What to do.
    pub plan: Plan,
    /// One record per step of the plan, by its key, and one per task that waits for a new reason.
    pub records: Vec<DecisionRecord>,
}

/// Whoever decides for the running cluster.
pub trait Decider {
    /// Decides. The same snapshot, assessment and cycle give the same plan, whatever was asked before.
    /// The snapshot's cluster is used for trying things out and is as before on return.
    fn decide(&mut self, snapshot: &mut Snapshot, assessment: &Assessment, cycle: u64) -> Decided;
}

/// What the decision is bound by. Gains and costs are in device-minutes: one minute of one device (or of a
/// node's CPU share of one device) lost or won.
#[derive(Debug, Clone, PartialEq)]
pub struct DecideConfig {
    /// The placement policy that scores nodes.
    pub policy: String,
    /// A node's busiest resource is to stay below this share of its capacity.
    pub safety_level: f64,
    /// Tasks are placed where the node's busiest resource is expected to stay below this share: the room up
    /// to the safety level is for what use rises by later.
    pub placement_level: f64,
    /// A move must gain more than this many times its cost.
    pub gain_over_cost: f64,
    /// How long a node is expected to stay hot when nothing is done, minutes.
    pub hot_minutes: f64,
    /// Time a task is expected to wait for a new place when its node fails, minutes.
    pub restart_minutes: f64,
    /// A task that was moved is left alone for so long, seconds.
    pub cool_down_seconds: u64,
    /// Most migrations in one plan.
    pub moves_max: usize,
}

impl Default for DecideConfig {
    fn default() -> Self {
        Self {
            policy: "fgd".to_owned(),
            safety_level: 0.8,
            placement_level: 0.7,
            gain_over_cost: 2.0,
            hot_minutes: 30.0,
            restart_minutes: 5.0,
            cool_down_seconds: 3600,
            moves_max: 20,
        }
    }
}
