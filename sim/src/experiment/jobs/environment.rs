//! Ordering jobs as an environment of learning: sequences of jobs on an empty machine, in the loop of
//! [`SequenceSimulator`]; a policy is judged by the [reward](super::reward) beside the best of the fixed rules.
//!
//! Windows of one trace share its jobs, so what is learned from, what policies are chosen on and what the result is
//! judged on are parts of the trace that follow one another ([`Split`]), and the windows of the later two do not overlap.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lepton_core::decide::policy::{JobsModel, LearnedOrder, NetworkShape, queue_kind};
use lepton_core::decide::queue::QueuePolicy;
use lepton_core::decide::queue_policies::queue_policy;
use lepton_learn::{Apart, Environment, RecordedEnvironment};

use super::reward::jobs_reward;
use super::saved::jobs_checksum;
use super::windows::{Split, WINDOW_JOBS_LEAST, consecutive, drawn_window};
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
        /// Parts of the trace that shape a model: windows to learn from and to choose on lie in them, each within one;
        /// what follows the last one is held out. Empty for the first two thirds of the trace, or for all of it where it
        /// is too short for anything to be kept apart.
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
    windows: Windows,
    apart: KeptApart,
    stop: Option<&'static AtomicBool>,
}

/// Which windows of a trace are played.
#[derive(Debug, Clone)]
enum Windows {
    /// One is drawn for each seed from these parts; two may overlap.
    Drawn(Vec<Range<usize>>),
    /// These, one for each of the seeds.
    Given(Vec<(u64, Range<usize>)>),
    /// These, which do not overlap, in turn.
    InTurn(Vec<Range<usize>>),
}

/// What is kept apart from learning.
#[derive(Debug, Clone)]
enum KeptApart {
    OtherSeeds,
    Later(Box<[JobsEnvironment; 2]>),
    Nothing(String),
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
        let (windows, apart) = (Windows::Drawn(Vec::new()), KeptApart::OtherSeeds);
        let mut all = Self {
            name,
            source,
            length,
            backfill,
            rules,
            shape: JobsModel::shape(),
            windows,
            apart,
            stop: None,
        };
        let JobSource::Trace { jobs, parts, .. } = &all.source else { return all };
        let split = Split::new(jobs.len(), parts, length);
        let later = [split.checks, split.held_out]
            .map(|windows| Self { windows: Windows::InTurn(windows), ..all.clone() });
        all.windows = Windows::Drawn(split.learned);
        all.apart = match split.too_short {
            None => KeptApart::Later(Box::new(later)),
            Some(reason) => KeptApart::Nothing(reason),
        };
        all
    }

    /// The same environment, and what it keeps apart; when `stop` turns true, no more episodes are played and they are
    /// worth NaN.
    #[must_use]
    pub fn ended_by(self, stop: &'static AtomicBool) -> Self {
        let apart = match self.apart {
            KeptApart::Later(later) => KeptApart::Later(Box::new(later.map(|e| e.ended_by(stop)))),
            other => other,
        };
        Self { stop: Some(stop), apart, ..self }
    }

    /// The same over windows that do not overlap, one for each seed, to compare models on: in the parts that were named,
    /// or else in the part of the trace that no training without named parts learns from. Invented machines stay as they
    /// are.
    ///
    /// # Errors
    /// In words, when there are not so many windows of a length that says something.
    pub fn to_compare(&self, seeds: &[u64]) -> Result<Self, String> {
        let JobSource::Trace { jobs, parts, .. } = &self.source else { return Ok(self.clone()) };
        let parts = match parts.is_empty() {
            true => std::iter::once(Split::held_out_from(jobs.len())..jobs.len()).collect(),
            false => parts.clone(),
        };
        let windows = consecutive(&parts, self.length, seeds.len()).ok_or_else(|| {
            let among: usize = parts.iter().map(Range::len).sum();
            format!(
                "{among} of its {} jobs are there to compare on, too few for {} sequences of at least \
                 {WINDOW_JOBS_LEAST} jobs that do not overlap",
                jobs.len(),
                seeds.len()
            )
        })?;
        let windows = Windows::Given(seeds.iter().copied().zip(windows).collect());
        Ok(Self { windows, apart: KeptApart::OtherSeeds, ..self.clone() })
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
            JobSource::Trace { jobs, nodes, .. } => {
                let range = self.window(seed);
                let mut drawn = Jobs { owners: jobs.owners.clone(), ..Jobs::with_capacity(range.len()) };
                range.for_each(|i| drawn.push(jobs.get(i)));
                Drawn { jobs: drawn, nodes: *nodes }
            }
        }
    }

    /// The reward of a policy on a sequence, and when it started each job. No number once nothing is to be played any more.
    pub(super) fn run(&self, drawn: &Drawn, policy: &dyn QueuePolicy) -> (f64, Vec<i64>) {
        let Drawn { jobs, nodes } = drawn;
        let mut simulator = SequenceSimulator::default();
        let never = AtomicBool::new(false);
        let (range, stop) = (0..jobs.len(), self.stop.unwrap_or(&never));
        match simulator.run_unless_stopped(jobs, range, *nodes, policy, self.backfill, stop) {
            Some(started) => (jobs_reward(jobs, started, *nodes), started.to_vec()),
            None => (f64::NAN, vec![SequenceSimulator::NEVER; jobs.len()]),
        }
    }

    /// Whether nothing is to be played any more.
    fn has_ended(&self) -> bool {
        self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// The jobs of the sequence of a seed.
    fn window(&self, seed: u64) -> Range<usize> {
        let in_turn = |count: usize| (seed % count.max(1) as u64) as usize;
        match &self.windows {
            Windows::Drawn(parts) => drawn_window(parts, self.length, seed),
            Windows::InTurn(windows) => windows.get(in_turn(windows.len())).cloned().unwrap_or_default(),
            Windows::Given(windows) => {
                let own = windows.iter().find(|(of, _)| *of == seed);
                own.or_else(|| windows.get(in_turn(windows.len()))).map_or(0..0, |(_, window)| window.clone())
            }
        }
    }

    fn reward(&self, drawn: &Drawn, policy: &dyn QueuePolicy) -> f64 {
        self.run(drawn, policy).0
    }
}

impl Environment for JobsEnvironment {
    fn name(&self) -> &str {
        &self.name
    }

    fn about(&self) -> String {
        let of = match &self.source {
            JobSource::Generated(_) => String::new(),
            JobSource::Trace { jobs, nodes, parts } => {
                let parts: Vec<String> =
                    parts.iter().map(|p| format!(", part {}..{}", p.start, p.end)).collect();
                let sum = jobs_checksum(jobs);
                format!(" of {} with the check sum {sum:016x} on {nodes} nodes{}", jobs.len(), parts.concat())
            }
        };
        format!("{}: sequences of {} jobs{of}", self.name, self.length)
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

    fn apart(&self) -> Apart<'_> {
        match &self.apart {
            KeptApart::OtherSeeds => Apart::OtherSeeds,
            KeptApart::Later(later) => Apart::Later { checks: &later[0], held_out: &later[1] },
            KeptApart::Nothing(reason) => Apart::Nothing(reason),
        }
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

    fn of_trace(jobs: usize, parts: Vec<Range<usize>>, length: usize) -> JobsEnvironment {
        let (jobs, nodes) = BatchMachines::default().draw(jobs, 7);
        JobsEnvironment::new("trace", JobSource::Trace { jobs: Arc::new(jobs), nodes, parts }, length, false)
    }

    #[test]
    fn what_a_trace_is_judged_on_comes_after_all_that_was_learned_from() {
        for parts in [Vec::new(), vec![100..700, 0..90]] {
            let environment = of_trace(1800, parts, 64);
            let Apart::Later { checks, held_out } = environment.apart() else { panic!("long enough") };
            let jobs_of = |e: &JobsEnvironment, seeds: Range<u64>| {
                let windows: Vec<Range<usize>> = seeds.map(|seed| e.window(seed)).collect();
                (windows.iter().map(|w| w.start).min(), windows.iter().map(|w| w.end).max())
            };
            let KeptApart::Later(later) = &environment.apart else { panic!("the same") };
            assert_eq!((checks.name(), held_out.name()), ("trace", "trace"));
            let (_, learned_until) = jobs_of(&environment, 1_000_000..1_000_400);
            let (checked_from, checked_until) = jobs_of(&later[0], 2_000_000_000..2_000_000_002);
            let (judged_from, judged_until) = jobs_of(&later[1], 3_000_000_000..3_000_000_005);
            assert!(learned_until <= checked_from && checked_until <= judged_from);
            assert!(judged_until <= Some(1800));
        }
    }

    #[test]
    fn of_a_short_trace_nothing_is_kept_apart_and_the_reason_said() {
        let environment = of_trace(60, vec![], 1024);
        let Apart::Nothing(reason) = environment.apart() else { panic!("60 jobs are too few") };
        assert!(reason.contains("60 jobs"), "{reason}");
        assert_eq!(environment.window(1), 0..60, "all of it is learned from");
        assert!(environment.to_compare(&[1, 2, 3]).is_err_and(|e| e.contains("of its 60 jobs")));
    }

    #[test]
    fn each_seed_of_a_comparison_has_a_window_of_its_own() {
        let environment = of_trace(3000, vec![], 1024);
        let seeds = [1, 11, 21, 5];
        let compared = environment.to_compare(&seeds).expect("long enough");
        let mut windows: Vec<Range<usize>> = seeds.iter().map(|&seed| compared.window(seed)).collect();
        windows.sort_by_key(|w| w.start);
        assert!(windows.windows(2).all(|two| two[0].end <= two[1].start), "{windows:?}");
        assert!(windows[0].start >= 2000, "{windows:?}");
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
