//! What the loop may do, and with whose tasks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Name;

/// What the loop may do, in order of trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Look and assess; decide nothing.
    Observe,
    /// Decide and show the plan; carry out only what a person has approved.
    Recommend,
    /// Decide and carry out.
    Act,
}

/// What it may do with the tasks of each owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Modes {
    /// With tasks of owners that are not named, with those of nobody, and with nodes.
    #[serde(rename = "mode")]
    pub rest: Mode,
    /// With those of these owners.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub owners: BTreeMap<Name, Mode>,
}

impl Default for Modes {
    fn default() -> Self {
        Self::all(Mode::Act)
    }
}

impl Modes {
    /// The same with everybody's.
    pub fn all(mode: Mode) -> Self {
        Self { rest: mode, owners: BTreeMap::new() }
    }

    /// Whether it may do the same with everybody's.
    pub fn is_one(&self) -> bool {
        self.owners.is_empty()
    }

    /// With the tasks of this owner, or of nobody.
    pub fn of(&self, owner: Option<&str>) -> Mode {
        owner.and_then(|owner| self.owners.get(owner)).copied().unwrap_or(self.rest)
    }

    /// The most that it may do with anybody's.
    pub fn most(&self) -> Mode {
        self.owners.values().copied().fold(self.rest, Mode::max)
    }

    /// Whether it is so with anybody's.
    pub fn has(&self, mode: Mode) -> bool {
        self.rest == mode || self.owners.values().any(|of| *of == mode)
    }
}
