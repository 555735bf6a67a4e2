//! The guard of the learned order of jobs in the general simulation. Two shadows of the machine take the jobs that
//! have come so far, one under the model and one under the rule; what jobs waited in each says who serves from now on.
//!
//! The shadows stay a block of jobs behind, and of a job that has not ended on the machine itself they take what it asks
//! for as its run time, so nothing is known before its time. It deliberately is not in the sequence protocol, whose
//! sequences are shorter than the evidence.

use std::ops::Range;

use lepton_core::decide::guard::{Guard, GuardDecision, GuardOptions};
use lepton_core::decide::queue::{QueuePolicy, SmallestAreaFirst};
use lepton_core::model::Serving;
use serde::Serialize;

use crate::jobs::machine::Machine;
use crate::jobs::{Jobs, NEVER, SLOWDOWN_BOUND_SECONDS, Settings, Simulation, State};

/// Jobs between two comparisons.
const BLOCK_JOBS: usize = 256;

/// What the guard did in a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GuardRecord {
    /// The rule that the model is compared with, and that serves in its place.
    pub rule: &'static str,
    /// Comparisons made.
    pub comparisons: usize,
    /// Share of the jobs that came while the model served, 0 to 1.
    pub model_share: f64,
    /// When somebody else took over, and why.
    pub changes: Vec<GuardChange>,
}

/// A change of who serves.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GuardChange {
    /// When, in seconds of the trace's own clock.
    pub at_seconds: i64,
    /// Who serves from then on, and why.
    pub decision: GuardDecision,
}

/// The guard of one run.
pub(super) struct JobsGuard<'a, M> {
    settings: &'a Settings,
    /// The jobs as the shadows know them.
    jobs: Jobs,
    model: Shadow<'a, M>,
    rule: Shadow<'a, M>,
    guard: Guard,
    /// Jobs that the shadows have taken.
    taken: usize,
    under_model: usize,
    record: GuardRecord,
}

impl<'a, M: Machine> JobsGuard<'a, M> {
    /// For a run of `jobs` on a machine as `make` makes it, empty.
    pub(super) fn new(
        jobs: &Jobs,
        make: &dyn Fn() -> M,
        model: &'a dyn QueuePolicy,
        settings: &'a Settings,
    ) -> Self {
        let jobs = Jobs { run_seconds: jobs.requested_seconds.clone(), ..jobs.clone() };
        let rule = &SmallestAreaFirst;
        let shadow = |policy| Shadow::new(&jobs, make(), policy, settings);
        Self {
            settings,
            model: shadow(model),
            rule: shadow(rule),
            guard: Guard::new(GuardOptions::default(), Serving::Model),
            taken: 0,
            under_model: 0,
            record: GuardRecord { rule: rule.name(), comparisons: 0, model_share: 0.0, changes: Vec::new() },
            jobs,
        }
    }

    /// Who serves.
    pub(super) fn policy(&self) -> &'a dyn QueuePolicy {
        match self.guard.serving() {
            Serving::Model => self.model.policy,
            Serving::Rule => self.rule.policy,
        }
    }

    /// Takes in that `arrived` jobs have come and when jobs have ended, and says whether somebody else serves now.
    /// `jobs` are those of the run itself.
    pub(super) fn observe(&mut self, jobs: &Jobs, arrived: usize, now: i64, end_seconds: &[i64]) -> bool {
        if arrived < self.taken + 2 * BLOCK_JOBS {
            return false;
        }
        let block = self.taken..arrived - BLOCK_JOBS;
        for job in block.clone().filter(|&job| end_seconds[job] != NEVER) {
            self.jobs.run_seconds[job] = jobs.run_seconds[job];
        }
        if self.guard.serving() == Serving::Model {
            self.under_model += arrived - self.counted();
        }
        self.taken = block.end;
        let model = self.model.take(&self.jobs, block.clone(), self.settings);
        let rule = self.rule.take(&self.jobs, block, self.settings);
        let before = self.guard.serving();
        let decision = self.guard.observe(-model, -rule);
        self.record.comparisons += 1;
        let changed = decision.serving != before;
        if changed {
            self.record.changes.push(GuardChange { at_seconds: now, decision });
        }
        changed
    }

    /// Jobs that came up to the last comparison.
    fn counted(&self) -> usize {
        if self.taken == 0 { 0 } else { self.taken + BLOCK_JOBS }
    }

    /// What it did, when `arrived` jobs have come in all.
    pub(super) fn into_record(self, arrived: usize) -> GuardRecord {
        let last = if self.guard.serving() == Serving::Model { arrived - self.counted() } else { 0 };
        let model_share = (self.under_model + last) as f64 / arrived.max(1) as f64;
        GuardRecord { model_share, ..self.record }
    }
}

/// A machine on which one policy alone decides.
struct Shadow<'a, M> {
    policy: &'a dyn QueuePolicy,
    /// `None` only while a simulation has it.
    state: Option<State<M>>,
    /// Jobs that waited at the end of the last block.
    waiting: Vec<usize>,
    now_seconds: i64,
}

impl<'a, M: Machine> Shadow<'a, M> {
    fn new(jobs: &Jobs, machine: M, policy: &'a dyn QueuePolicy, settings: &Settings) -> Self {
        let state = Simulation::new(jobs, machine, policy, settings).into_state();
        let now_seconds = jobs.submit_seconds.first().copied().unwrap_or(0);
        Self { policy, state: Some(state), waiting: Vec::new(), now_seconds }
    }

    /// Goes on until the last job of the block has come. How much the jobs' slowdowns have grown by waiting, per job of
    /// the block.
    fn take(&mut self, jobs: &Jobs, block: Range<usize>, settings: &Settings) -> f64 {
        let Some(state) = self.state.take() else { return f64::NAN };
        let until = block.clone().last().map_or(self.now_seconds, |last| jobs.submit_seconds[last]);
        let mut run = Simulation::resume(jobs, self.policy, settings, state);
        while run.next_moment_seconds().is_some_and(|at| at <= until) {
            run.advance(&mut ());
        }
        let count = block.len().max(1) as f64;
        self.waiting.extend(block.filter(|&job| run.machine().could_hold(job as u32, jobs.size[job])));
        let starts = &run.outcome().start_seconds;
        let grown = |&job: &usize| {
            let waited = starts[job].min(until) - self.now_seconds.max(jobs.submit_seconds[job]);
            waited as f64 / f64::from(jobs.requested_seconds[job]).max(SLOWDOWN_BOUND_SECONDS)
        };
        let grown: f64 = self.waiting.iter().map(grown).sum();
        self.waiting.retain(|&job| starts[job] == NEVER);
        self.now_seconds = until;
        self.state = Some(run.into_state());
        grown / count
    }
}

#[cfg(test)]
mod tests;
