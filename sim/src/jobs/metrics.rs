//! What a schedule was worth: waiting, completion, slowdown, use of the machine.

use std::ops::Range;

use serde::Serialize;

use super::{Jobs, Outcome, SequenceSimulator};

/// Run times below this count as this in the bounded slowdown, in seconds.
pub const SLOWDOWN_BOUND_SECONDS: f64 = 10.0;

/// max(1, (wait + run) / max(run, 10 s)).
pub fn bounded_slowdown(wait_seconds: f64, run_seconds: f64) -> f64 {
    ((wait_seconds + run_seconds) / run_seconds.max(SLOWDOWN_BOUND_SECONDS)).max(1.0)
}

/// Means over one sequence of jobs, as the studies on batch sequences define them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SequenceMetrics {
    /// Mean of the bounded slowdown.
    pub mean_bounded_slowdown: f64,
    /// Mean wait from submission to start, in seconds.
    pub mean_wait_seconds: f64,
    /// Mean time from submission to end, in seconds.
    pub mean_completion_seconds: f64,
    /// Sum of run x size over nodes x (last start - first submission).
    pub utilization: f64,
}

impl SequenceMetrics {
    /// Metrics of the jobs of `range`, which started at `start_seconds`; jobs that never start are left out.
    pub fn of(jobs: &Jobs, range: Range<usize>, start_seconds: &[i64], nodes: u32) -> Self {
        let first = jobs.submit_seconds[range.start];
        let (mut slowdown, mut wait_sum, mut run_sum, mut area) = (0.0, 0i64, 0i64, 0i64);
        let (mut last, mut count) = (first, 0u32);
        for (&start, j) in start_seconds.iter().zip(range).filter(|s| *s.0 != SequenceSimulator::NEVER) {
            let wait = start - jobs.submit_seconds[j];
            let run = jobs.run_seconds[j];
            slowdown += bounded_slowdown(wait as f64, f64::from(run));
            wait_sum += wait;
            run_sum += i64::from(run);
            area += i64::from(run) * i64::from(jobs.size[j]);
            last = last.max(start);
            count += 1;
        }
        let n = f64::from(count.max(1));
        let capacity = f64::from(nodes) * (last - first) as f64;
        Self {
            mean_bounded_slowdown: slowdown / n,
            mean_wait_seconds: wait_sum as f64 / n,
            mean_completion_seconds: (wait_sum + run_sum) as f64 / n,
            utilization: if capacity > 0.0 { area as f64 / capacity } else { 0.0 },
        }
    }
}

/// How values are distributed; percentiles by nearest rank.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Distribution {
    /// Arithmetic mean.
    pub mean: f64,
    /// 50th percentile.
    pub median: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Highest value.
    pub max: f64,
}

impl Distribution {
    /// Of the values, which are brought into another order; all zero when there is none.
    pub fn of(values: &mut [f64]) -> Self {
        if values.is_empty() {
            return Self::default();
        }
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let mut percentile = |share: f64| {
            let rank = (share * values.len() as f64).ceil() as usize;
            *values.select_nth_unstable_by(rank.clamp(1, values.len()) - 1, f64::total_cmp).1
        };
        Self {
            mean,
            median: percentile(0.5),
            p95: percentile(0.95),
            p99: percentile(0.99),
            max: percentile(1.0),
        }
    }
}

/// How evenly owners were served, by the mean bounded slowdown of their jobs.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Fairness {
    /// Owners with at least one finished job.
    pub owners: usize,
    /// Jain's index of the owners' means: 1 when all are equal, 1/owners when one has it all.
    pub jain_index: f64,
    /// The owner with the highest mean.
    pub worst_owner: Option<String>,
    /// That mean.
    pub worst_owner_mean_bounded_slowdown: f64,
}

/// Waiting, completion and slowdown of finished jobs, one value each; runs can be pooled.
#[derive(Debug, Clone, Default)]
pub struct Samples {
    /// Waits, in seconds.
    pub wait_seconds: Vec<f64>,
    /// Times from submission to end, in seconds.
    pub completion_seconds: Vec<f64>,
    /// Bounded slowdowns.
    pub bounded_slowdown: Vec<f64>,
    /// Per owner: sum of bounded slowdowns and number of jobs.
    by_owner: Vec<(f64, u64)>,
}

impl Samples {
    /// Of the finished jobs of a run.
    pub fn of(jobs: &Jobs, outcome: &Outcome) -> Self {
        let mut samples = Self::default();
        for i in 0..jobs.len() {
            if let Some(wait) = outcome.wait_seconds(jobs, i) {
                samples.add(jobs, i, wait, outcome.end_seconds[i] - jobs.submit_seconds[i]);
            }
        }
        samples
    }

    /// Of a sequence whose jobs started at `start_seconds`.
    pub fn of_sequence(jobs: &Jobs, range: Range<usize>, start_seconds: &[i64]) -> Self {
        let mut samples = Self::default();
        for (&start, i) in start_seconds.iter().zip(range).filter(|s| *s.0 != SequenceSimulator::NEVER) {
            let wait = start - jobs.submit_seconds[i];
            samples.add(jobs, i, wait, wait + i64::from(jobs.run_seconds[i]));
        }
        samples
    }

    fn add(&mut self, jobs: &Jobs, i: usize, wait_seconds: i64, completion_seconds: i64) {
        let slowdown = bounded_slowdown(wait_seconds as f64, f64::from(jobs.run_seconds[i]));
        self.wait_seconds.push(wait_seconds as f64);
        self.completion_seconds.push(completion_seconds as f64);
        self.bounded_slowdown.push(slowdown);
        let owner = jobs.owner[i] as usize;
        if owner >= self.by_owner.len() {
            self.by_owner.resize(owner + 1, (0.0, 0));
        }
        self.by_owner[owner].0 += slowdown;
        self.by_owner[owner].1 += 1;
    }

    /// Adds another run's jobs; both runs name the same owners by the same numbers.
    pub fn pool(&mut self, other: &Self) {
        self.wait_seconds.extend(&other.wait_seconds);
        self.completion_seconds.extend(&other.completion_seconds);
        self.bounded_slowdown.extend(&other.bounded_slowdown);
        if other.by_owner.len() > self.by_owner.len() {
            self.by_owner.resize(other.by_owner.len(), (0.0, 0));
        }
        for (own, more) in self.by_owner.iter_mut().zip(&other.by_owner) {
            own.0 += more.0;
            own.1 += more.1;
        }
    }

    /// How evenly the owners were served; `owners` are their names.
    pub fn fairness(&self, owners: &[String]) -> Fairness {
        let means: Vec<(usize, f64)> = (self.by_owner.iter().enumerate())
            .filter(|(_, o)| o.1 > 0)
            .map(|(owner, o)| (owner, o.0 / o.1 as f64))
            .collect();
        let sum: f64 = means.iter().map(|m| m.1).sum();
        let squares: f64 = means.iter().map(|m| m.1 * m.1).sum();
        let worst = means.iter().max_by(|a, b| a.1.total_cmp(&b.1));
        Fairness {
            owners: means.len(),
            jain_index: if squares > 0.0 { sum * sum / (means.len() as f64 * squares) } else { 1.0 },
            worst_owner: worst.and_then(|&(owner, _)| owners.get(owner).cloned()),
            worst_owner_mean_bounded_slowdown: worst.map_or(0.0, |w| w.1),
        }
    }
}
