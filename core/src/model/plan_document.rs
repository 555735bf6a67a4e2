//! A plan as a document: the one file format of all commands that write or carry out plans.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Moving, Part, PartKey, Plan, Waiting};

/// The version of [`PlanDocument`] that is written.
pub const PLAN_VERSION: u32 = 1;

/// A plan in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanDocument {
    /// Version of the format.
    pub version: u32,
    /// When the plan was made, seconds.
    pub time_seconds: u64,
    /// How tasks may move for every rule to hold after each step.
    pub moving: Moving,
    /// The parts in order.
    pub parts: Vec<Part>,
    /// Tasks that wait on.
    #[serde(default)]
    pub waiting: Vec<Waiting>,
}

/// A document that is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Another version of the format.
    #[error("the plan is of version {version}, expected {PLAN_VERSION}. Maybe another lepton wrote it")]
    Version {
        /// The version given.
        version: u32,
    },
    /// Two parts of one key.
    #[error("two parts have the key {key}")]
    DuplicateKey {
        /// The key.
        key: PartKey,
    },
    /// A part comes after one that is not before it.
    #[error("part {key} is to come after {after}, which is not before it")]
    After {
        /// The part.
        key: PartKey,
        /// The part named.
        after: PartKey,
    },
    /// A part without steps.
    #[error("part {key} has no steps")]
    Empty {
        /// The part.
        key: PartKey,
    },
    /// A gain or cost that is no number.
    #[error("part {key} has a gain of {gain} and a cost of {cost}, expected finite numbers")]
    Worth {
        /// The part.
        key: PartKey,
        /// Its gain.
        gain: String,
        /// Its cost.
        cost: String,
    },
}

impl PlanDocument {
    /// The document of a plan.
    pub fn of(plan: &Plan, moving: Moving, time_seconds: u64) -> Self {
        let Plan { parts, waiting } = plan.clone();
        Self { version: PLAN_VERSION, time_seconds, moving, parts, waiting }
    }

    /// The plan of this document, checked.
    ///
    /// # Errors
    /// When it is of another version or contradicts itself.
    pub fn into_plan(self) -> Result<Plan, PlanError> {
        if self.version != PLAN_VERSION {
            return Err(PlanError::Version { version: self.version });
        }
        let mut before = BTreeSet::new();
        for &Part { key, ref steps, ref after, gain, cost, .. } in &self.parts {
            if steps.is_empty() {
                return Err(PlanError::Empty { key });
            }
            if !(gain.is_finite() && cost.is_finite()) {
                return Err(PlanError::Worth { key, gain: gain.to_string(), cost: cost.to_string() });
            }
            if let Some(&after) = after.iter().find(|&a| !before.contains(a)) {
                return Err(PlanError::After { key, after });
            }
            if !before.insert(key) {
                return Err(PlanError::DuplicateKey { key });
            }
        }
        Ok(Plan { parts: self.parts, waiting: self.waiting })
    }
}
