//! The record that every decision leaves: enough to say later why, and why not otherwise.

use serde::{Deserialize, Serialize};

use super::{Obstacle, Reason, StepResult};

/// A node that was considered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The node's name.
    pub node: String,
    /// The policy's score, higher is better.
    pub score: f32,
    /// Expected use of the node's busiest resource with the task on it, as a share of its capacity.
    pub expected_use: f64,
    /// Whether it stays below the safety level.
    pub safe: bool,
}

/// One decision. Names, not ids: a record outlives the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// Number of the cycle and of the decision in it.
    pub id: (u64, u32),
    /// When, seconds.
    pub time_seconds: u64,
    /// Digest of what was decided upon: equal digests mean equal inputs.
    pub input_digest: u64,
    /// What was decided, in words: `place`, `migrate`, `cordon`, `uncordon` or `wait`.
    pub action: String,
    /// The task, where one is concerned.
    pub task: Option<String>,
    /// Where it came from.
    pub from: Option<String>,
    /// Where it goes, or the node that is cordoned.
    pub to: Option<String>,
    /// The dominant reason; none for `wait`.
    pub reason: Option<Reason>,
    /// The policy that chose the node.
    pub policy: String,
    /// The best candidates, the chosen one among them.
    pub candidates: Vec<Candidate>,
    /// How many nodes each rule ruled out.
    pub ruled_out: Vec<(Obstacle, usize)>,
    /// Expected gain, device-minutes.
    pub gain: f64,
    /// Expected cost, device-minutes.
    pub cost: f64,
    /// What came of it; none while it was not tried.
    pub result: Option<StepResult>,
}
