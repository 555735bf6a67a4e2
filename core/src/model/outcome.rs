//! What became of a plan: part by part, step by step.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::PartKey;

/// What became of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepResult {
    /// Carried out.
    Done,
    /// Begun; a later turn learns how it ends.
    Underway,
    /// The world had changed: why it was refused. Nothing was done.
    Refused(String),
    /// Carried out, at least in part, and taken back: why, and what could not be taken back.
    Undone(String),
    /// Not begun, since a step or part that it needs was not done.
    NotTried,
}

/// What became of one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartOutcome {
    /// The part.
    pub key: PartKey,
    /// One result for each of its steps.
    pub results: Vec<StepResult>,
}

impl PartOutcome {
    /// Whether every step is done.
    pub fn is_done(&self) -> bool {
        self.results.iter().all(|r| *r == StepResult::Done)
    }

    /// Whether a step is under way.
    pub fn is_underway(&self) -> bool {
        self.results.contains(&StepResult::Underway)
    }
}

/// What became of a plan, and of parts of earlier plans that were under way.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// The parts tried, in order.
    pub parts: Vec<PartOutcome>,
    /// Why carrying out ended early: the journal could not be written, and then nothing more was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halted: Option<String>,
}

impl Outcome {
    /// What became of the steps of each part that was tried.
    pub fn results(&self) -> BTreeMap<PartKey, &[StepResult]> {
        self.parts.iter().map(|part| (part.key, part.results.as_slice())).collect()
    }
}
