//! The record that every decision leaves: enough to say later why, and why not otherwise.

use serde::{Deserialize, Serialize};

use super::{Action, ActionKind, Obstacle, PartKey, Reason, StepResult};

/// What the score of a node is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreTerm {
    /// What the placement policy says, weighted.
    Policy,
    /// Use of the node's busiest resource with the task on it.
    Use,
    /// Breaking into a node whose devices are all free, which tasks of whole nodes need.
    WholeNode,
    /// CPU that the node will lack when its free devices are taken by the mean task.
    LackingCpu,
}

impl ScoreTerm {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Policy, Self::Use, Self::WholeNode, Self::LackingCpu];

    /// Its stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Use => "use",
            Self::WholeNode => "whole_node",
            Self::LackingCpu => "lacking_cpu",
        }
    }
}

/// A node that was considered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The node's name.
    pub node: String,
    /// The policy's score, higher is better.
    pub score: f32,
    /// What the score is made of, in shares of the node's use; the terms add up to it. Nothing where it has one term alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<(ScoreTerm, f64)>,
    /// Expected use of the node's busiest resource with the task on it, as a share of its capacity.
    pub expected_use: f64,
    /// Whether it stays below the safety level.
    pub safe: bool,
}

/// Nodes that a record names of each rule. A record is kept for each decision, so it holds no list of all of a large cluster.
pub const NODES_NAMED: usize = 24;

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
    /// Some of them by name: of each rule the first [`NODES_NAMED`] in the order of the nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ruled_out_nodes: Vec<(Obstacle, Vec<String>)>,
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
