//! The loop's memory of the moves that it made: by name, so that it outlives the turn, a task that waits in between,
//! and ids that are used again. Cool-downs, the ban on going straight back and budgets read it.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::Name;

/// How long a move is remembered, seconds.
pub const MOVES_KEPT_SECONDS: u64 = 24 * 3600;

/// One move that was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// When, seconds.
    pub time_seconds: u64,
    /// The task.
    pub task: Name,
    /// Whom the task belongs to.
    pub owner: Option<Name>,
    /// The node it left.
    pub from: Name,
    /// The node it went to; none while it only was taken off its node.
    pub to: Option<Name>,
}

/// The moves of the last [`MOVES_KEPT_SECONDS`], oldest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Move>", into = "Vec<Move>")]
pub struct RecentMoves {
    moves: VecDeque<Move>,
    /// Per task with a move: how many moves had been recorded when its last one came.
    last: HashMap<Name, u64>,
    /// Moves forgotten so far: position of the first kept one.
    forgotten: u64,
}

impl RecentMoves {
    /// Remembers a move, and forgets those that are too old beside it. Moves come in the order of time.
    pub fn record(&mut self, made: Move) {
        self.forget_before(made.time_seconds.saturating_sub(MOVES_KEPT_SECONDS));
        self.last.insert(made.task.clone(), self.forgotten + self.moves.len() as u64);
        self.moves.push_back(made);
    }

    /// A task that was taken off its node has been given a place again.
    pub fn arrived(&mut self, task: &str, node: &Name) {
        let at = self.last.get(task).and_then(|at| usize::try_from(at.checked_sub(self.forgotten)?).ok());
        if let Some(made) = at.and_then(|at| self.moves.get_mut(at)) {
            made.to.get_or_insert_with(|| node.clone());
        }
    }

    /// Forgets moves before that moment.
    pub fn forget_before(&mut self, seconds: u64) {
        while self.moves.front().is_some_and(|m| m.time_seconds < seconds) {
            let Some(old) = self.moves.pop_front() else { return };
            if self.last.get(&old.task) == Some(&self.forgotten) {
                self.last.remove(&old.task);
            }
            self.forgotten += 1;
        }
    }

    /// The last move of a task.
    pub fn last_of(&self, task: &str) -> Option<&Move> {
        let at = self.last.get(task)?.checked_sub(self.forgotten)?;
        self.moves.get(usize::try_from(at).ok()?)
    }

    /// Whether the task was moved less than `seconds` before `now_seconds`.
    pub fn is_cooling(&self, task: &str, now_seconds: u64, seconds: u64) -> bool {
        self.last_of(task).is_some_and(|m| now_seconds.saturating_sub(m.time_seconds) < seconds)
    }

    /// The moves made at or after that moment, newest first.
    pub fn since(&self, seconds: u64) -> impl Iterator<Item = &Move> {
        self.moves.iter().rev().take_while(move |m| m.time_seconds >= seconds)
    }

    /// All that are remembered, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Move> {
        self.moves.iter()
    }
}

impl From<Vec<Move>> for RecentMoves {
    fn from(moves: Vec<Move>) -> Self {
        let mut recent = Self::default();
        moves.into_iter().for_each(|made| recent.record(made));
        recent
    }
}

impl From<RecentMoves> for Vec<Move> {
    fn from(recent: RecentMoves) -> Self {
        recent.moves.into()
    }
}

impl PartialEq for RecentMoves {
    fn eq(&self, other: &Self) -> bool {
        self.moves == other.moves
    }
}
