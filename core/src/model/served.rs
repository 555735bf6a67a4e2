//! A learned policy in service: who decides, it or the rule, and what that stands on. The guard reads and writes it; the loop's
//! memory keeps it, so that a model that was taken down stays down over a restart.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Who decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Serving {
    /// The best fixed rule.
    Rule,
    /// The learned model.
    Model,
}

/// A learned policy in service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Served {
    /// Who decides.
    pub serving: Serving,
    /// What the model gained over the rule in each comparison since then, the newest last, in the unit of the results.
    pub gains: VecDeque<f64>,
}

impl Served {
    /// Without a comparison yet.
    pub fn new(serving: Serving) -> Self {
        Self { serving, gains: VecDeque::new() }
    }
}

impl Default for Served {
    /// A model that ships has passed its gate, so it serves until it is seen to be worse.
    fn default() -> Self {
        Self::new(Serving::Model)
    }
}
