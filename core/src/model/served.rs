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

/// Who places what waits, the learned placement or the rule, and for which mix of tasks that was found out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Placing {
    /// The version of the mix that it was rehearsed for; 0 before the first rehearsal.
    pub mix_version: u64,
    /// Who places, with what the model allocated more than the rule on tasks that came since, percent of the devices.
    pub served: Served,
}

impl Default for Placing {
    /// A placement is learned on other clusters: here it serves once it is rehearsed.
    fn default() -> Self {
        Self { mix_version: 0, served: Served::new(Serving::Rule) }
    }
}

impl Default for Served {
    /// A model that ships has passed its gate, so it serves until it is seen to be worse.
    fn default() -> Self {
        Self::new(Serving::Model)
    }
}
