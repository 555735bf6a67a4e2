//! What the loop remembers of its own deeds: how far turns are numbered, what is under way, which moves were made. It is
//! what the journal's entries amount to, in life and after a restart alike.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{PartKey, Placing, RecentMoves, Served, Statement};

/// The loop's memory.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// The last turn whose number is used up.
    pub turn: u64,
    /// Moves that were made.
    pub moves: RecentMoves,
    /// Who says in which order waiting tasks are started, the learned order or its rule.
    #[serde(default)]
    pub order: Served,
    /// Who places them, the learned placement or its rule.
    #[serde(default)]
    pub placing: Placing,
    /// Parts begun and not over.
    pub(super) underway: BTreeMap<PartKey, Statement>,
}

impl Memory {
    /// The parts that are under way, in the order in which they were proposed.
    pub fn underway(&self) -> impl Iterator<Item = &Statement> {
        self.underway.values()
    }

    /// A part that is under way.
    pub fn statement(&self, key: PartKey) -> Option<&Statement> {
        self.underway.get(&key)
    }

    /// The names of all tasks that parts under way have a hand on.
    pub fn tasks_underway(&self) -> BTreeSet<&str> {
        self.underway.values().flat_map(Statement::tasks).map(|name| &**name).collect()
    }

    /// A new turn: ways back that were blocked may be tried again.
    pub fn wake(&mut self) {
        self.underway.values_mut().for_each(Statement::wake);
    }
}
