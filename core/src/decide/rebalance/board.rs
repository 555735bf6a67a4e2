//! Where a search in progress writes what it has found, for others to read while it runs: the best placement so
//! far, counts, and the history of the best cost.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// A moment at which the best cost had fallen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct HistoryPoint {
    /// Seconds since the start.
    pub seconds: f64,
    /// Moves evaluated by then, of all islands together.
    pub evaluations: u64,
    /// The best cost.
    pub cost: u64,
}

/// Points closer together than this share of the time so far replace each other.
const HISTORY_STEP: f64 = 0.01;
/// Points closer together than this many seconds do so too.
const HISTORY_STEP_SECONDS: f64 = 0.02;

/// What a search in progress shows.
#[derive(Debug)]
pub struct Board {
    best_cost: AtomicU64,
    moves: AtomicU64,
    evaluations: AtomicU64,
    history: Mutex<Vec<HistoryPoint>>,
}

impl Board {
    /// The running placement and its cost are the best so far.
    pub fn new(initial_cost: u64) -> Self {
        let start = HistoryPoint { seconds: 0.0, evaluations: 0, cost: initial_cost };
        Self {
            best_cost: AtomicU64::new(initial_cost),
            moves: AtomicU64::new(0),
            evaluations: AtomicU64::new(0),
            history: Mutex::new(vec![start]),
        }
    }

    /// Best cost so far.
    pub fn best_cost(&self) -> u64 {
        self.best_cost.load(Ordering::Relaxed)
    }

    /// Tasks that the best placement moves.
    pub fn moves(&self) -> u64 {
        self.moves.load(Ordering::Relaxed)
    }

    /// Moves evaluated so far.
    pub fn evaluations(&self) -> u64 {
        self.evaluations.load(Ordering::Relaxed)
    }

    /// The best cost over time.
    pub fn history(&self) -> Vec<HistoryPoint> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reports work done and, where it is better than what is known, a cost with its number of moves.
    pub(super) fn report(&self, seconds: f64, evaluations: u64, cost: u64, moves: impl Fn() -> u64) {
        let evaluations = self.evaluations.fetch_add(evaluations, Ordering::Relaxed) + evaluations;
        if cost >= self.best_cost() {
            return;
        }
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        if cost >= self.best_cost() {
            return;
        }
        self.best_cost.store(cost, Ordering::Relaxed);
        self.moves.store(moves(), Ordering::Relaxed);
        let step = (seconds * HISTORY_STEP).max(HISTORY_STEP_SECONDS);
        let replaces = history.len() > 1
            && history[history.len() - 2].seconds + step > seconds
            && history[history.len() - 1].seconds + step > seconds;
        if replaces {
            history.pop();
        }
        history.push(HistoryPoint { seconds, evaluations, cost });
    }
}
