//! The waiting units in a policy's order: handed out one after the other, pass by pass. Units that must wait on are left
//! in it; only a start takes one out.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::ops::Bound;

use crate::decide::queue::{JobFacts, MachineView, QueuePolicy, ScoreChange, WaitingColumns};

/// The waiting units under one policy. A unit is told by its number; numbers rise with submission, and units of equal
/// score go by them.
#[derive(Debug)]
pub struct WaitingQueue<'a> {
    policy: &'a dyn QueuePolicy,
    change: ScoreChange,
    /// (key, unit), for scores that never change.
    ranked: BTreeSet<(u64, u32)>,
    /// Where the pass through the ranks stands.
    last: Option<(u64, u32)>,
    columns: Columns,
    /// What is left of the pass, for scores that change.
    left: BinaryHeap<Reverse<(u64, u32)>>,
}

/// Waiting units in order of their numbers, for scores that change.
#[derive(Debug, Default)]
struct Columns {
    unit: Vec<u32>,
    submit_seconds: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
    scores: Vec<f64>,
}

impl<'a> WaitingQueue<'a> {
    /// An empty queue in the order of a policy.
    pub fn new(policy: &'a dyn QueuePolicy) -> Self {
        Self {
            policy,
            change: policy.change(),
            ranked: BTreeSet::new(),
            last: None,
            columns: Columns::default(),
            left: BinaryHeap::new(),
        }
    }

    /// Whose order it is.
    pub fn policy(&self) -> &'a dyn QueuePolicy {
        self.policy
    }

    /// How the scores move.
    pub fn change(&self) -> ScoreChange {
        self.change
    }

    /// Number of waiting units.
    pub fn len(&self) -> usize {
        if self.change == ScoreChange::Never { self.ranked.len() } else { self.columns.unit.len() }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a unit that has come, or has come back.
    pub fn add(&mut self, facts: &JobFacts) {
        let [first, second] = self.policy.coefficients(facts);
        if self.change == ScoreChange::Never {
            self.ranked.insert((sortable(first), facts.unit));
            return;
        }
        let c = &mut self.columns;
        let at = c.unit.partition_point(|&u| u < facts.unit);
        c.unit.insert(at, facts.unit);
        c.submit_seconds.insert(at, facts.submit_seconds);
        c.first.insert(at, first);
        c.second.insert(at, second);
    }

    /// Takes out a unit that has started or is gone.
    pub fn remove(&mut self, unit: u32) {
        if self.change == ScoreChange::Never {
            let handed_out = self.last.filter(|last| last.1 == unit);
            let known = handed_out.or_else(|| self.ranked.iter().copied().find(|r| r.1 == unit));
            if let Some(rank) = known {
                self.ranked.remove(&rank);
            }
            return;
        }
        let c = &mut self.columns;
        if let Ok(at) = c.unit.binary_search(&unit) {
            c.unit.remove(at);
            c.submit_seconds.remove(at);
            c.first.remove(at);
            c.second.remove(at);
        }
    }

    /// Starts a pass from the front; `facts` is asked where scores depend on the state.
    pub fn begin(&mut self, machine: &MachineView<'_>, facts: impl Fn(u32) -> JobFacts) {
        self.last = None;
        if self.change == ScoreChange::Never {
            return;
        }
        let c = &mut self.columns;
        if self.change == ScoreChange::WithState {
            for (at, &unit) in c.unit.iter().enumerate() {
                [c.first[at], c.second[at]] = self.policy.coefficients(&facts(unit));
            }
        }
        let waiting =
            WaitingColumns { submit_seconds: &c.submit_seconds, first: &c.first, second: &c.second };
        self.policy.score_all(machine, waiting, &mut c.scores);
        let mut left = std::mem::take(&mut self.left).into_vec();
        left.clear();
        left.extend(c.unit.iter().zip(&c.scores).map(|(&u, &s)| Reverse((sortable(s), u))));
        self.left = BinaryHeap::from(left);
    }

    /// The next unit of the pass.
    pub fn next_unit(&mut self) -> Option<u32> {
        if self.change != ScoreChange::Never {
            return self.left.pop().map(|Reverse((_, unit))| unit);
        }
        let next = match self.last {
            None => self.ranked.first(),
            Some(last) => self.ranked.range((Bound::Excluded(last), Bound::Unbounded)).next(),
        };
        let next = next.copied();
        self.last = next.or(self.last);
        next.map(|(_, unit)| unit)
    }

    /// Where a unit stands among the waiting ones, for scores that change.
    pub fn position(&self, unit: u32) -> Option<usize> {
        self.columns.unit.binary_search(&unit).ok()
    }

    /// The waiting units in no particular order.
    pub fn units(&self) -> Vec<u32> {
        if self.change == ScoreChange::Never {
            self.ranked.iter().map(|rank| rank.1).collect()
        } else {
            self.columns.unit.clone()
        }
    }
}

/// A key whose unsigned order is the order of the scores; -0 counts as 0, NaN as the highest.
pub fn sortable(score: f64) -> u64 {
    let score = if score.is_nan() { f64::INFINITY } else { score + 0.0 };
    let bits = score.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}
