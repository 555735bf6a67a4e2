//! Deciding for a running cluster: from the snapshot and its assessment to a plan of ordered steps, each
//! with its reason, its expected gain and its cost, and a record of why.

mod acts;
mod caretaker;
mod draft;
mod expected_use;
mod gang;
mod lepton;
mod lepton_config;
mod place_only;
mod queue_order;
mod records;

pub use caretaker::Caretaker;
pub use expected_use::LoadBasis;
pub use lepton::Lepton;
pub use lepton_config::{Acts, LeptonConfig};
pub use place_only::PlaceOnly;

use crate::decide::guard::Compared;
use crate::model::digest::Digest;
use crate::model::{Assessment, DecisionRecord, MoveLimits, Plan, RecentTasks, Serving, Snapshot};

/// What was decided.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decided {
    /// What to do.
    pub plan: Plan,
    /// One record per step of the plan, by its key, and one per task that waits for a new reason.
    pub records: Vec<DecisionRecord>,
}

/// What a turn looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// All there is.
    #[default]
    Whole,
    /// What waits, and the heat of nodes before it, since what comes free would else be taken before it can cool a node; by the assessment of the
    /// last whole turn, brought up to date where tasks have come or gone. So a task that comes need not wait until all nodes are assessed.
    Waiting,
}

/// All that a decision depends on, beside the decider's settings.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The cluster as it is believed to be.
    pub snapshot: &'a Snapshot,
    /// What that means.
    pub assessment: &'a Assessment,
    /// What a long search on an earlier snapshot has found; empty where there was none.
    pub proposal: &'a Plan,
    /// Number of the turn.
    pub turn: u64,
    /// What is to be decided.
    pub scope: Scope,
    /// Digest of what it depends on: equal digests mean equal situations.
    pub digest: u64,
}

impl<'a> Situation<'a> {
    /// All there is: its digest is made of the whole snapshot and assessment.
    pub fn new(snapshot: &'a Snapshot, assessment: &'a Assessment, proposal: &'a Plan, turn: u64) -> Self {
        let mut digest = Digest::default();
        snapshot.digest(&mut digest);
        assessment.digest(&mut digest, &snapshot.cluster);
        for action in proposal.parts.iter().flat_map(|part| &part.steps) {
            digest.text(action.kind().name());
            digest.text(action.task().map_or("", |task| task));
            for spot in action.from().into_iter().chain(action.to()) {
                digest.text(&spot.node);
                digest.number(spot.devices.0);
            }
        }
        Self { snapshot, assessment, proposal, turn, scope: Scope::Whole, digest: digest.value() }
    }

    /// Digest of all of it, and of the decider's settings as text: equal digests mean equal inputs.
    pub fn digest(&self, settings: &str) -> u64 {
        let mut digest = Digest::default();
        digest.numbers([self.turn, self.digest]);
        digest.text(settings);
        digest.value()
    }
}

/// Whoever decides for the running cluster.
pub trait Decider {
    /// Decides. Equal situations give equal plans, whatever was asked before: what a decider keeps between turns only
    /// makes it faster.
    fn decide(&mut self, situation: &Situation<'_>) -> Decided;

    /// What the learned order that it decides by and the rule in its place would each have reached on the tasks that have ended
    /// lately, under the one that serves; none where it has no learned order, or those tasks say nothing.
    fn compare(&self, _recent: &RecentTasks, _serving: Serving) -> Option<Compared> {
        None
    }
}

/// What the decision is bound by. Gains and costs are in device-minutes: one minute of one device (or of a
/// node's CPU share of one device) lost or won.
#[derive(Debug, Clone, PartialEq)]
pub struct DecideConfig {
    /// The placement policy that scores nodes.
    pub policy: String,
    /// By what load of the nodes tasks are placed.
    pub place_by: LoadBasis,
    /// Tasks are placed where the node's busiest resource is expected to stay below this share: the room up
    /// to the safety level is for what use rises by later.
    pub placement_level: f64,
    /// A move must gain more than this many times its cost.
    pub gain_over_cost: f64,
    /// How long a node is expected to stay hot when nothing is done, minutes.
    pub hot_minutes: f64,
    /// Nodes whose chance of a failure within the hour is at least this take tasks only where no other node can, and lose those that
    /// are worth moving.
    pub wary_level: f64,
    /// Time a task is expected to wait for a new place when its node fails, minutes.
    pub restart_minutes: f64,
    /// A task that was moved is left alone for so long, seconds.
    pub cool_down_seconds: u64,
    /// Limits on moves.
    pub moves: MoveLimits,
}

impl Default for DecideConfig {
    fn default() -> Self {
        Self {
            policy: "fgd".to_owned(),
            place_by: LoadBasis::Used,
            placement_level: 0.7,
            gain_over_cost: 2.0,
            hot_minutes: 30.0,
            wary_level: 0.02,
            restart_minutes: 5.0,
            cool_down_seconds: 3600,
            moves: MoveLimits::default(),
        }
    }
}
