//! Ordering jobs as an environment of learning: sequences of jobs on an empty machine, in the loop of
//! [`SequenceSimulator`]; a policy is judged by the [reward](super::reward) beside the best of the fixed rules.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lepton_core::decide::policy::{JobsModel, LearnedOrder, NetworkShape, queue_kind};
use lepton_core::decide::queue::QueuePolicy;
use lepton_core::decide::queue_policies::queue_policy;
use lepton_learn::{Environment, RecordedEnvironment};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::reward::jobs_reward;
use crate::generate::BatchMachines;
use crate::jobs::{Jobs, SequenceSimulator};

/// The fixed rules to beat: those of the published table of batch sequences.
pub const BATCH_RULES: [&str; 13] = [
    "fcfs",
    "wfp3-published",
    "unicep-published",
    "sjf",
    "f1",
    "wfp3",
    "unicep",
    "saf",
    "sqaf",
    "smallest",
    "f2",
    "f3",
    "f4",
];

/// Where the sequences of an environment come from.
#[derive(Debug, Clone)]
pub enum JobSource {
    /// Windows of a trace.
    Trace {
        /// The trace, in order of submission.
        jobs: Arc<Jobs>,
        /// Nodes of its machine.
        nodes: u32,
        /// Parts of the trace that windows lie in, each within one of them.
        parts: Vec<Range<usize>>,
    },
    /// A machine and jobs of its own for each seed.
    Generated(BatchMachines),
}

/// Sequences of jobs to learn their order on.
#[derive(Debug, Clone)]
pub struct JobsEnvironment {
    name: String,
    source: JobSource,
    length: usize,
    backfill: bool,
    rules: Arc<[Box<dyn QueuePolicy>]>,
    pub(super) shape: NetworkShape,
    stop: Option<&'static AtomicBool>,
}

/// A sequence and its machine.
pub(super) struct Drawn {
    pub(super) jobs: Jobs,
    nodes: u32,
}

impl JobsEnvironment {
    /// Sequences of up to `length` jobs from `source`, with or without backfilling.
    pub fn new(name: &str, source: JobSource, length: usize, backfill: bool) -> Self {
        let name = format!("{name}{}", if backfill { " backfill" } else { "" });
        let rules = BATCH_RULES.iter().filter_map(|rule| queue_policy(rule)).collect();
        Self { name, source, length, backfill, rules, shape: JobsModel::shape(), stop: None }
    }

    /// The same environment; when `stop` turns true, no more episodes are played and they are worth NaN.
    #[must_use]
    pub fn ended_by(self, stop: &'static AtomicBool) -> Self {
        Self { stop: Some(stop), ..self }
    }

    /// Which kind of queue it is, see [`queue_kind`]: a trace by its requested times, invented machines by their users.
    pub fn queue_kind(&self) -> usize {
        let exact = match &self.source {
            JobSource::Generated(machines) => machines.noisy_share == 0.0,
            JobSource::Trace { jobs, .. } => jobs.requested_seconds == jobs.run_seconds,
        };
        queue_kind(self.backfill, exact)
    }

    pub(super) fn draw(&self, seed: u64) -> Drawn {
        match &self.source {
            JobSource::Generated(machines) => {
                let (jobs, nodes) = machines.draw(self.length, seed);
                Drawn { jobs, nodes }
            }
            JobSource::Trace { jobs, nodes, parts } => {
                let range = window(parts, self.length, seed);
                let mut drawn = Jobs { owners: jobs.owners.clone(), ..Jobs::with_capacity(range.len()) };
                range.for_each(|i| drawn.push(jobs.get(i)));
                Drawn { jobs: drawn, nodes: *nodes }
            }
        }
    }

    /// The reward of a policy on a sequence, and when it started each job.
    pub(super) fn run(&self, drawn: &Drawn, policy: &dyn QueuePolicy) -> (f64, Vec<i64>) {
        let Drawn { jobs, nodes } = drawn;
        let mut simulator = SequenceSimulator::default();
        let started = simulator.run(jobs, 0..jobs.len(), *nodes, policy, self.backfill);
        (jobs_reward(jobs, started, *nodes), started.to_vec())
    }

    /// Whether nothing is to be played any more.
    fn has_ended(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    fn reward(&self, drawn: &Drawn, policy: &dyn QueuePolicy) -> f64 {
        self.run(drawn, policy).0
    }
}

/// A window of up to `length` jobs within one of the parts; each start within them is equally likely.
fn window(parts: &[Range<usize>], length: usize, seed: u64) -> Range<usize> {
    let mut chance = Pcg64Mcg::seed_from_u64(seed);
    let starts = |part: &Range<usize>| part.len().saturating_sub(length) + 1;
    let mut at = chance.random_range(0..parts.iter().map(starts).sum::<usize>().max(1));
    for part in parts {
        if at < starts(part) {
            return part.start + at..(part.start + at + length).min(part.end);
        }
        at -= starts(part);
    }
    0..0
}

impl Environment for JobsEnvironment {
    fn name(&self) -> &str {
        &self.name
    }

    fn play(&self, weights: &[f32], seed: u64) -> f64 {
        if self.has_ended() {
            return f64::NAN;
        }
        let model = JobsModel::from_weights(weights, JobsModel::manifest_of("candidate"));
        model.map_or(f64::NEG_INFINITY, |model| self.reward(&self.draw(seed), &LearnedOrder::new(&model)))
    }

    fn play_best_rule(&self, seed: u64) -> f64 {
        if self.has_ended() {
            return f64::NAN;
        }
        let drawn = self.draw(seed);
        self.rules.iter().map(|rule| self.reward(&drawn, rule.as_ref())).fold(f64::NEG_INFINITY, f64::max)
    }

    fn rules(&self) -> Vec<&'static str> {
        BATCH_RULES.to_vec()
    }

    fn play_rule(&self, rule: &str, seed: u64) -> f64 {
        if self.has_ended() {
            return f64::NAN;
        }
        let policy = queue_policy(rule).expect("only names of `rules` are asked for");
        self.reward(&self.draw(seed), policy.as_ref())
    }

    fn recorded(&self) -> Option<&dyn RecordedEnvironment> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(backfill: bool) -> JobsEnvironment {
        JobsEnvironment::new("test", JobSource::Generated(BatchMachines::default()), 120, backfill)
    }

    #[test]
    fn an_episode_depends_on_weights_and_seed_alone() {
        let weights = JobsModel::shipped().weights().to_vec();
        for environment in [environment(false), environment(true)] {
            assert_eq!(environment.play(&weights, 5), environment.play(&weights, 5));
            assert_ne!(environment.play(&weights, 5), environment.play(&weights, 6));
        }
    }

    #[test]
    fn windows_lie_within_one_part_and_short_parts_are_taken_whole() {
        let parts = [10..30, 50..55, 60..72];
        let mut seen = [false; 3];
        for seed in 0..200 {
            let range = window(&parts, 12, seed);
            let part = parts.iter().position(|p| p.start <= range.start && range.end <= p.end);
            let part = part.expect("within one part");
            assert_eq!(range.len(), [12, 5, 12][part]);
            seen[part] = true;
        }
        assert_eq!(seen, [true; 3]);
    }

    #[test]
    fn a_record_without_temperature_tells_of_the_same_schedule() {
        let weights = JobsModel::guess().weights().to_vec();
        for environment in [environment(false), environment(true)] {
            let episode = environment.record(&weights, 3, 0.0);
            assert_eq!(episode.value, environment.play(&weights, 3));
            assert!(episode.decisions.len() >= 120, "a decision for each job at least");
            for decision in &episode.decisions {
                assert_eq!(decision.candidates.len(), decision.base.len() * environment.shape().candidate);
                assert!(decision.chosen < decision.base.len());
            }
            // What waiting costs adds up to the mean slowdown, but for the bound of very short jobs.
            let slowdown = (-episode.value).exp();
            let paid: f64 = episode.decisions.iter().map(|d| -f64::from(d.reward) * slowdown).sum();
            assert!(paid < slowdown && paid > slowdown - 1.01, "{paid} of {slowdown}");
        }
    }

    #[test]
    fn with_temperature_other_schedules_are_tried_each_the_same_for_the_same_arguments() {
        let (environment, weights) = (environment(true), JobsModel::untrained().weights().to_vec());
        let hot = environment.record(&weights, 3, 2.0);
        assert_eq!(hot, environment.record(&weights, 3, 2.0));
        assert_ne!(hot.value, environment.play(&weights, 3));
    }
}
