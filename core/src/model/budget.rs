//! How much may be moved: limits over the last hour, counted from the moves that the loop remembers, so that they hold over
//! turns and restarts.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{Name, RecentMoves};

/// The time over which moves are counted, seconds.
const WINDOW_SECONDS: u64 = 3600;

/// Limits on moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveLimits {
    /// Most moves in one turn, however small the cluster is.
    pub per_turn: usize,
    /// Most moves in one turn for each thousand nodes, where that is more.
    pub per_turn_and_thousand_nodes: usize,
    /// Most moves in an hour.
    pub per_hour: usize,
    /// Most moves in an hour that come from or go to one node.
    pub per_node_hour: usize,
    /// Most moves in an hour of the tasks of one owner.
    pub per_owner_hour: usize,
}

impl Default for MoveLimits {
    fn default() -> Self {
        Self {
            per_turn: 20,
            per_turn_and_thousand_nodes: 0,
            per_hour: usize::MAX,
            per_node_hour: usize::MAX,
            per_owner_hour: usize::MAX,
        }
    }
}

impl MoveLimits {
    /// The limits for a cluster of so many nodes.
    #[must_use]
    pub fn for_nodes(self, nodes: usize) -> Self {
        let grown = nodes.saturating_mul(self.per_turn_and_thousand_nodes) / 1000;
        Self { per_turn: self.per_turn.max(grown), ..self }
    }
}

/// What of the limits is left in a turn.
#[derive(Debug, Clone)]
pub struct MoveBudget {
    limits: MoveLimits,
    in_turn: usize,
    in_hour: usize,
    of_node: HashMap<Name, usize>,
    of_owner: HashMap<Name, usize>,
}

impl MoveBudget {
    /// What the moves of the last hour leave.
    pub fn new(limits: MoveLimits, moves: &RecentMoves, now_seconds: u64) -> Self {
        let (of_node, of_owner) = (HashMap::new(), HashMap::new());
        let mut budget = Self { limits, in_turn: 0, in_hour: 0, of_node, of_owner };
        for made in moves.since(now_seconds.saturating_sub(WINDOW_SECONDS)) {
            budget.note(&made.from, made.to.as_ref(), made.owner.as_ref(), 1);
        }
        budget.in_turn = 0;
        budget
    }

    /// Whether a move has room in all limits; if so it is counted.
    pub fn take(&mut self, from: &Name, to: &Name, owner: Option<&Name>) -> bool {
        let limits = self.limits;
        let node = |name: &Name| self.of_node.get(name).is_none_or(|&n| n < limits.per_node_hour);
        let fits = self.in_turn < limits.per_turn
            && self.in_hour < limits.per_hour
            && node(from)
            && node(to)
            && owner.and_then(|o| self.of_owner.get(o)).is_none_or(|&n| n < limits.per_owner_hour);
        if fits {
            self.note(from, Some(to), owner, 1);
        }
        fits
    }

    /// Takes a move back that was counted and is not made after all.
    pub fn give_back(&mut self, from: &Name, to: &Name, owner: Option<&Name>) {
        self.note(from, Some(to), owner, -1);
    }

    fn note(&mut self, from: &Name, to: Option<&Name>, owner: Option<&Name>, sign: isize) {
        let add = |count: &mut usize| *count = count.saturating_add_signed(sign);
        add(&mut self.in_turn);
        add(&mut self.in_hour);
        for node in [Some(from), to].into_iter().flatten() {
            add(self.of_node.entry(node.clone()).or_insert(0));
        }
        if let Some(owner) = owner {
            add(self.of_owner.entry(owner.clone()).or_insert(0));
        }
    }
}
