//! The record that every decision leaves: enough to say later why, and why not otherwise.

use serde::{Deserialize, Serialize};

use super::{Action, ActionKind, Obstacle, PartKey, Reason, StepResult};

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

/// Which step of a plan a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StepKey {
    /// The part.
    pub part: PartKey,
    /// The step's position in the part, from 0.
    pub step: u32,
}

/// One decision. Names, not ids: a record outlives the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// The turn.
    pub turn: u64,
    /// Number of the decision in the turn, from 0.
    pub number: u32,
    /// The step that it is about; none where a task waits on.
    pub step: Option<StepKey>,
    /// When, seconds.
    pub time_seconds: u64,
    /// Digest of what was decided upon: equal digests mean equal inputs.
    pub input_digest: u64,
    /// What was decided.
    pub action: ActionKind,
    /// The task, where one is concerned.
    pub task: Option<String>,
    /// Where it came from.
    pub from: Option<String>,
    /// Where it goes, or the node that is cordoned.
    pub to: Option<String>,
    /// The dominant reason; none for waiting.
    pub reason: Option<Reason>,
    /// The policy that chose the node.
    pub policy: String,
    /// The best candidates, the chosen one among them.
    pub candidates: Vec<Candidate>,
    /// How many nodes each rule ruled out.
    pub ruled_out: Vec<(Obstacle, usize)>,
    /// What keeps the task waiting, where it waits.
    pub waits_for: Option<Obstacle>,
    /// Expected gain, device-minutes.
    pub gain: f64,
    /// Expected cost, device-minutes.
    pub cost: f64,
    /// What came of it; none while it was not tried.
    pub result: Option<StepResult>,
}

impl DecisionRecord {
    /// Fills in what the action says: its kind, task and nodes.
    #[must_use]
    pub fn with_action(mut self, action: &Action) -> Self {
        self.action = action.kind();
        self.task = action.task().map(ToString::to_string);
        self.from = action.from().map(|spot| spot.node.to_string());
        self.to = match action {
            Action::Cordon { node } | Action::Uncordon { node } => Some(node.to_string()),
            Action::Place { to, .. } | Action::Migrate { to, .. } => Some(to.node.to_string()),
            Action::Preempt { .. } => None,
        };
        self
    }
}
