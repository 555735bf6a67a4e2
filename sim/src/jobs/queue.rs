//! The queue of the general simulation: hands out the waiting jobs one after the other in a policy's order,
//! pass by pass. Jobs that must wait on are left in it; only a start takes one out.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use lepton_core::decide::queue::{JobFacts, MachineView, QueuePolicy, ScoreChange, WaitingColumns};

use super::Jobs;
use super::order::{RankedOrder, WaitingOrder as _, sortable};

/// The waiting jobs under one policy.
pub(super) struct Queue<'a> {
    policy: &'a dyn QueuePolicy,
    change: ScoreChange,
    ranked: RankedOrder,
    /// Where the pass through the ranks stands.
    rank_from: usize,
    columns: Columns,
    /// What is left of the pass, for scores that change.
    left: BinaryHeap<Reverse<(u64, u32)>>,
}

/// Waiting jobs in order of submission, for scores that change.
#[derive(Default)]
struct Columns {
    index: Vec<u32>,
    submit_seconds: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
    scores: Vec<f64>,
}

impl<'a> Queue<'a> {
    pub(super) fn new(jobs: &Jobs, policy: &'a dyn QueuePolicy) -> Self {
        let change = policy.change();
        let mut ranked = RankedOrder::default();
        if change == ScoreChange::Never {
            ranked.prepare(jobs, 0..jobs.len(), policy);
        }
        Self { policy, change, ranked, rank_from: 0, columns: Columns::default(), left: BinaryHeap::new() }
    }

    pub(super) fn policy(&self) -> &'a dyn QueuePolicy {
        self.policy
    }

    pub(super) fn len(&self) -> usize {
        if self.change == ScoreChange::Never { self.ranked.len() } else { self.columns.index.len() }
    }

    /// Adds a job that has come, or has come back after a failure.
    pub(super) fn add(&mut self, index: u32, facts: &JobFacts) {
        if self.change == ScoreChange::Never {
            self.ranked.add(index);
            return;
        }
        let c = &mut self.columns;
        let at = c.index.partition_point(|&i| i < index);
        let [first, second] = self.policy.coefficients(facts);
        c.index.insert(at, index);
        c.submit_seconds.insert(at, facts.submit_seconds);
        c.first.insert(at, first);
        c.second.insert(at, second);
    }

    /// Takes out a job that has started.
    pub(super) fn remove(&mut self, index: u32) {
        if self.change == ScoreChange::Never {
            self.ranked.remove(index);
            return;
        }
        let c = &mut self.columns;
        if let Ok(at) = c.index.binary_search(&index) {
            c.index.remove(at);
            c.submit_seconds.remove(at);
            c.first.remove(at);
            c.second.remove(at);
        }
    }

    /// Starts a pass; `facts` is asked where scores depend on the state.
    pub(super) fn begin_pass(&mut self, machine: &MachineView<'_>, facts: impl Fn(u32) -> JobFacts) {
        self.rank_from = 0;
        if self.change == ScoreChange::Never {
            return;
        }
        let c = &mut self.columns;
        if self.change == ScoreChange::WithState {
            for (at, &index) in c.index.iter().enumerate() {
                [c.first[at], c.second[at]] = self.policy.coefficients(&facts(index));
            }
        }
        let waiting =
            WaitingColumns { submit_seconds: &c.submit_seconds, first: &c.first, second: &c.second };
        self.policy.score_all(machine, waiting, &mut c.scores);
        let mut left = std::mem::take(&mut self.left).into_vec();
        left.clear();
        left.extend(c.index.iter().zip(&c.scores).map(|(&i, &s)| Reverse((sortable(s), i))));
        self.left = BinaryHeap::from(left);
    }

    /// The next job of the pass.
    pub(super) fn next(&mut self) -> Option<u32> {
        if self.change != ScoreChange::Never {
            return self.left.pop().map(|Reverse((_, index))| index);
        }
        let (rank, index) = self.ranked.next_from(self.rank_from)?;
        self.rank_from = rank + 1;
        Some(index)
    }

    /// Where a job stands among the waiting ones, for scores that change.
    pub(super) fn position(&self, index: u32) -> Option<usize> {
        self.columns.index.binary_search(&index).ok()
    }

    /// The waiting jobs in no particular order.
    pub(super) fn waiting(&self) -> Vec<u32> {
        if self.change == ScoreChange::Never { self.ranked.waiting() } else { self.columns.index.clone() }
    }
}
