//! The waiting jobs in a policy's order: sorted once where scores never change, rescored at each choice
//! where they change with waiting.

use std::ops::Range;

use lepton_core::decide::queue::pass::sortable;
use lepton_core::decide::queue::{Held, MachineView, QueuePolicy, WaitingColumns};

use super::Jobs;
use crate::engine::IndexSet;

/// Waiting jobs of a sequence, told by their index within a run's range of jobs (0 = the first submitted).
pub(super) trait WaitingOrder {
    /// Gets ready for a run over `range` of `jobs`, with nothing waiting.
    fn prepare(&mut self, jobs: &Jobs, range: Range<usize>, policy: &dyn QueuePolicy);
    /// Adds a job; each is submitted after all those added before.
    fn add(&mut self, index: u32);
    /// Takes a job out.
    fn remove(&mut self, index: u32);
    /// The job that goes next, or `None` when nothing waits.
    fn choose(&mut self, machine: &MachineView<'_>) -> Option<u32>;
    /// The job that goes next of those that may start ahead of `held`, which is to start in `in_seconds`; `None` when
    /// the policy would rather hold on for it, or there is none.
    fn choose_ahead_of(
        &mut self,
        held: u32,
        in_seconds: f64,
        machine: &MachineView<'_>,
        may: impl Fn(u32) -> bool,
    ) -> Option<u32>;
    /// The waiting job's key in the order of the last choice; lower goes first.
    fn key(&self, index: u32) -> u64;
    /// Whether nothing waits.
    fn is_empty(&self) -> bool;
}

/// For scores that never change: every job's rank is found once, the waiting ranks are an index set.
#[derive(Debug, Default)]
pub(super) struct RankedOrder {
    keyed: Vec<(u64, u32)>,
    rank: Vec<u32>,
    waiting: IndexSet,
}

impl WaitingOrder for RankedOrder {
    fn prepare(&mut self, jobs: &Jobs, range: Range<usize>, policy: &dyn QueuePolicy) {
        self.waiting.reset(range.len());
        self.keyed.clear();
        self.keyed
            .extend((0u32..).zip(range).map(|(i, j)| (sortable(policy.coefficients(&jobs.facts(j))[0]), i)));
        self.keyed.sort_unstable();
        self.rank.clear();
        self.rank.resize(self.keyed.len(), 0);
        for (rank, &(_, index)) in (0u32..).zip(&self.keyed) {
            self.rank[index as usize] = rank;
        }
    }

    fn add(&mut self, index: u32) {
        self.waiting.insert(self.rank[index as usize] as usize);
    }

    fn remove(&mut self, index: u32) {
        self.waiting.remove(self.rank[index as usize] as usize);
    }

    fn choose(&mut self, _machine: &MachineView<'_>) -> Option<u32> {
        self.waiting.first().map(|rank| self.keyed[rank].1)
    }

    fn choose_ahead_of(
        &mut self,
        _held: u32,
        _in_seconds: f64,
        _machine: &MachineView<'_>,
        may: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        self.waiting.iter().map(|rank| self.keyed[rank].1).find(|&index| may(index))
    }

    fn key(&self, index: u32) -> u64 {
        u64::from(self.rank[index as usize])
    }

    fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

/// For scores that change with waiting: columns in order of submission, all rescored at each choice.
#[derive(Debug, Default)]
pub(super) struct ScoredOrder {
    all: Vec<[f64; 3]>,
    index: Vec<u32>,
    submit_seconds: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
    scores: Vec<f64>,
}

impl ScoredOrder {
    fn choose_with(&mut self, policy: &dyn QueuePolicy, machine: &MachineView<'_>) -> Option<u32> {
        let waiting =
            WaitingColumns { submit_seconds: &self.submit_seconds, first: &self.first, second: &self.second };
        policy.score_all(machine, waiting, &mut self.scores);
        lowest(&self.scores).map(|at| self.index[at])
    }
}

/// Position of the lowest score, the first of equal ones.
fn lowest(scores: &[f64]) -> Option<usize> {
    let min = scores.iter().copied().fold(f64::INFINITY, f64::min);
    scores.iter().position(|&s| s == min).or(if scores.is_empty() { None } else { Some(0) })
}

/// A [`ScoredOrder`] together with the policy that scores it.
pub(super) struct ScoredBy<'a> {
    pub(super) order: &'a mut ScoredOrder,
    pub(super) policy: &'a dyn QueuePolicy,
}

impl WaitingOrder for ScoredBy<'_> {
    fn prepare(&mut self, jobs: &Jobs, range: Range<usize>, policy: &dyn QueuePolicy) {
        let o = &mut *self.order;
        for column in [&mut o.submit_seconds, &mut o.first, &mut o.second, &mut o.scores] {
            column.clear();
        }
        o.index.clear();
        o.all.clear();
        o.all.extend(range.map(|j| {
            let facts = jobs.facts(j);
            let [first, second] = policy.coefficients(&facts);
            [facts.submit_seconds, first, second]
        }));
    }

    fn add(&mut self, index: u32) {
        let o = &mut *self.order;
        let [submit, first, second] = o.all[index as usize];
        o.index.push(index);
        o.submit_seconds.push(submit);
        o.first.push(first);
        o.second.push(second);
    }

    fn remove(&mut self, index: u32) {
        let o = &mut *self.order;
        if let Ok(at) = o.index.binary_search(&index) {
            o.index.remove(at);
            o.submit_seconds.remove(at);
            o.first.remove(at);
            o.second.remove(at);
        }
    }

    fn choose(&mut self, machine: &MachineView<'_>) -> Option<u32> {
        self.order.choose_with(self.policy, machine)
    }

    fn choose_ahead_of(
        &mut self,
        held: u32,
        in_seconds: f64,
        machine: &MachineView<'_>,
        may: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        let o = &mut *self.order;
        if !o.index.iter().any(|&index| may(index)) {
            return None;
        }
        let position = o.index.binary_search(&held).ok()?;
        let machine = MachineView { held: Some(Held { position, in_seconds }), ..*machine };
        o.choose_with(self.policy, &machine);
        let allowed = o.index.iter().zip(&o.scores).filter(|(i, _)| **i == held || may(**i));
        let first = allowed.min_by(|a, b| a.1.total_cmp(b.1)).map(|(&index, _)| index);
        first.filter(|&index| index != held)
    }

    fn key(&self, index: u32) -> u64 {
        let o = &*self.order;
        o.index.binary_search(&index).map_or(u64::MAX, |at| sortable(o.scores[at]))
    }

    fn is_empty(&self) -> bool {
        self.order.index.is_empty()
    }
}
