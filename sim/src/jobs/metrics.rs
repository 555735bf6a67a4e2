//! What a schedule was worth: waiting, completion, slowdown, use of the machine.

use std::collections::BTreeMap;
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
    /// Sum of run x size over nodes x (last start - first submission): the studies' "utilisation". What runs on after
    /// the last start is in it but the time that it takes is not, so it may be above 1.
    pub use_to_last_start: f64,
    /// The same up to the last end, which is at most 1.
    pub utilization: f64,
    /// From the first submission to the last end, in seconds.
    pub makespan_seconds: i64,
}

impl SequenceMetrics {
    /// Metrics of the jobs of `range`, which started at `start_seconds`; jobs that never start are left out. `None` when
    /// none started.
    pub fn of(jobs: &Jobs, range: Range<usize>, start_seconds: &[i64], nodes: u32) -> Option<Self> {
        let (mut slowdown, mut wait_sum, mut run_sum, mut area) = (0.0, 0i64, 0i64, 0i64);
        let (mut first, mut last_start, mut last_end) = (None, i64::MIN, i64::MIN);
        let mut count = 0u32;
        for (&start, j) in start_seconds.iter().zip(range).filter(|s| *s.0 != SequenceSimulator::NEVER) {
            let wait = start - jobs.submit_seconds[j];
            let run = jobs.run_seconds[j];
            slowdown += bounded_slowdown(wait as f64, f64::from(run));
            wait_sum += wait;
            run_sum += i64::from(run);
            area += i64::from(run) * i64::from(jobs.size[j]);
            first = first.or(Some(jobs.submit_seconds[j]));
            last_start = last_start.max(start);
            last_end = last_end.max(start + i64::from(run));
            count += 1;
        }
        let (first, n) = (first?, f64::from(count));
        let share_up_to = |last: i64| {
            let capacity = f64::from(nodes) * (last - first) as f64;
            if capacity > 0.0 { area as f64 / capacity } else { 0.0 }
        };
        Some(Self {
            mean_bounded_slowdown: slowdown / n,
            mean_wait_seconds: wait_sum as f64 / n,
            mean_completion_seconds: (wait_sum + run_sum) as f64 / n,
            use_to_last_start: share_up_to(last_start),
            utilization: share_up_to(last_end),
            makespan_seconds: last_end - first,
        })
    }
}

/// Arithmetic mean; a mean over nothing is no number.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// How values are distributed; percentiles by nearest rank. Of no values there are none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Distribution {
    /// Arithmetic mean.
    pub mean: Option<f64>,
    /// 50th percentile.
    pub median: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// Highest value.
    pub max: Option<f64>,
}

impl Distribution {
    /// Of the values, which are brought into another order.
    pub fn of(values: &mut [f64]) -> Self {
        let mean = mean(values);
        let mut percentile = |share: f64| {
            let rank = (share * values.len() as f64).ceil() as usize;
            let rank = rank.clamp(1, values.len().max(1));
            (!values.is_empty()).then(|| *values.select_nth_unstable_by(rank - 1, f64::total_cmp).1)
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
    /// Owners with at least one finished job. Jobs that say no owner are nobody's.
    pub owners: usize,
    /// Jain's index of the owners' means: 1 when all are equal, 1/owners when one has it all.
    pub jain_index: Option<f64>,
    /// The owner with the highest mean.
    pub worst_owner: Option<String>,
    /// That mean.
    pub worst_owner_mean_bounded_slowdown: Option<f64>,
}

impl Fairness {
    /// Of what became of the owners' jobs.
    pub fn of(owners: &[OwnerFigures]) -> Self {
        let named = || owners.iter().filter(|o| !o.owner.is_empty());
        let served = || named().filter_map(|o| Some((o, o.mean_bounded_slowdown?)));
        let count = served().count();
        let sum: f64 = served().map(|o| o.1).sum();
        let squares: f64 = served().map(|o| o.1 * o.1).sum();
        let worst = served().max_by(|a, b| a.1.total_cmp(&b.1));
        Self {
            owners: count,
            jain_index: (squares > 0.0).then(|| sum * sum / (count as f64 * squares)),
            worst_owner: worst.map(|w| w.0.owner.clone()),
            worst_owner_mean_bounded_slowdown: worst.map(|w| w.1),
        }
    }
}

/// What became of the jobs of one owner.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct OwnerFigures {
    /// The owner's name.
    pub owner: String,
    /// Jobs that came.
    pub jobs: usize,
    /// Jobs that ran to their end.
    pub finished: usize,
    /// Run time x size of the finished jobs, in unit-seconds.
    pub work_unit_seconds: f64,
    /// Mean bounded slowdown of the finished jobs.
    pub mean_bounded_slowdown: Option<f64>,
    /// Their mean wait, in seconds.
    pub mean_wait_seconds: Option<f64>,
    /// Their mean time from submission to end, in seconds.
    pub mean_completion_seconds: Option<f64>,
}

/// Sums over the jobs of one owner.
#[derive(Debug, Clone, Default)]
struct OwnerSums {
    jobs: usize,
    finished: usize,
    work_unit_seconds: f64,
    slowdown: f64,
    wait_seconds: f64,
    completion_seconds: f64,
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
    /// By the owner's name.
    by_owner: BTreeMap<String, OwnerSums>,
}

impl Samples {
    /// Of the jobs of a run.
    pub fn of(jobs: &Jobs, outcome: &Outcome) -> Self {
        Self::of_jobs(jobs, 0..jobs.len(), |i| {
            let wait = outcome.wait_seconds(jobs, i)?;
            Some((wait, outcome.end_seconds[i] - jobs.submit_seconds[i]))
        })
    }

    /// Of a sequence whose jobs started at `start_seconds`.
    pub fn of_sequence(jobs: &Jobs, range: Range<usize>, start_seconds: &[i64]) -> Self {
        let from = range.start;
        Self::of_jobs(jobs, range, |i| {
            let start = Some(start_seconds[i - from]).filter(|&start| start != SequenceSimulator::NEVER)?;
            let wait = start - jobs.submit_seconds[i];
            Some((wait, wait + i64::from(jobs.run_seconds[i])))
        })
    }

    /// Of the jobs of `range`; `times` gives wait and time to completion of one that finished.
    fn of_jobs(jobs: &Jobs, range: Range<usize>, times: impl Fn(usize) -> Option<(i64, i64)>) -> Self {
        let mut samples = Self::default();
        let mut by_owner = vec![OwnerSums::default(); jobs.owners.len()];
        for i in range {
            let owner = jobs.owner[i] as usize;
            if owner >= by_owner.len() {
                by_owner.resize(owner + 1, OwnerSums::default());
            }
            let sums = &mut by_owner[owner];
            sums.jobs += 1;
            let Some((wait, completion)) = times(i) else { continue };
            let run = f64::from(jobs.run_seconds[i]);
            let (wait, completion, slowdown) =
                (wait as f64, completion as f64, bounded_slowdown(wait as f64, run));
            sums.finished += 1;
            sums.work_unit_seconds += run * f64::from(jobs.size[i]);
            sums.slowdown += slowdown;
            sums.wait_seconds += wait;
            sums.completion_seconds += completion;
            samples.wait_seconds.push(wait);
            samples.completion_seconds.push(completion);
            samples.bounded_slowdown.push(slowdown);
        }
        let named = by_owner.into_iter().enumerate().filter(|(_, sums)| sums.jobs > 0);
        samples.by_owner =
            named.map(|(i, sums)| (jobs.owners.get(i).cloned().unwrap_or_default(), sums)).collect();
        samples
    }

    /// Adds another run's jobs.
    pub fn pool(&mut self, other: &Self) {
        self.wait_seconds.extend(&other.wait_seconds);
        self.completion_seconds.extend(&other.completion_seconds);
        self.bounded_slowdown.extend(&other.bounded_slowdown);
        for (owner, more) in &other.by_owner {
            let own = self.by_owner.entry(owner.clone()).or_default();
            own.jobs += more.jobs;
            own.finished += more.finished;
            own.work_unit_seconds += more.work_unit_seconds;
            own.slowdown += more.slowdown;
            own.wait_seconds += more.wait_seconds;
            own.completion_seconds += more.completion_seconds;
        }
    }

    /// What became of the jobs of each owner, those with the most work first.
    pub fn owners(&self) -> Vec<OwnerFigures> {
        let figures = self.by_owner.iter().map(|(owner, sums)| {
            let mean = |sum: f64| (sums.finished > 0).then(|| sum / sums.finished as f64);
            OwnerFigures {
                owner: owner.clone(),
                jobs: sums.jobs,
                finished: sums.finished,
                work_unit_seconds: sums.work_unit_seconds,
                mean_bounded_slowdown: mean(sums.slowdown),
                mean_wait_seconds: mean(sums.wait_seconds),
                mean_completion_seconds: mean(sums.completion_seconds),
            }
        });
        let mut figures: Vec<OwnerFigures> = figures.collect();
        figures.sort_by(|a, b| b.work_unit_seconds.total_cmp(&a.work_unit_seconds));
        figures
    }
}
