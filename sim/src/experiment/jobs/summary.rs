//! What the runs of one combination amount to.

use serde::Serialize;

use super::figures::JobsFigures;
use super::guarded::GuardRecord;
use super::run::{Combination, PartOutcome};
use crate::jobs::{Backfill, Distribution, Fairness, Outcome, Samples, Series};
use crate::workload::jobs::Part;

/// One run in a study.
#[derive(Debug, Clone, Serialize)]
pub struct JobsRun {
    /// First job of the sequence, where the workload is cut into sequences.
    pub start: Option<usize>,
    /// Virtual cluster, where there are several.
    pub virtual_cluster: Option<String>,
    /// Seed of what the run has of chance.
    pub seed: u64,
    /// Nodes (of a pool: units).
    pub nodes: u32,
    /// Jobs that came.
    pub jobs: usize,
    /// Jobs that ran to their end.
    pub finished: usize,
    /// Jobs left out because the machine could never hold them.
    pub too_large: usize,
    /// Mean bounded slowdown of the finished jobs.
    pub mean_bounded_slowdown: f64,
    /// Their mean wait, in seconds.
    pub mean_wait_seconds: f64,
    /// Their mean time from submission to end, in seconds.
    pub mean_completion_seconds: f64,
    /// Used share of the machine, 0 to 1.
    pub utilization: f64,
    /// From the first submission to the last end, in seconds.
    pub makespan_seconds: i64,
    /// Times a running job lost its place.
    pub preemptions: u64,
    /// Unit-seconds lost and repeated.
    pub lost_unit_seconds: u64,
    /// Wall time of the run, in seconds.
    pub seconds: f64,
    /// Curves over time.
    pub series: Option<Series>,
    /// What the guard did, where the learned policy ran under it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard: Option<GuardRecord>,
    /// What became of each job.
    #[serde(skip)]
    pub outcome: Outcome,
}

/// One combination over all runs. Means over sequences are means of the sequences' means, as in the studies
/// that define them; over virtual clusters and seeds every job counts once. Distributions are over all jobs.
#[derive(Debug, Clone, Serialize)]
pub struct JobsSummary {
    /// Queue policy.
    pub policy: String,
    /// Backfilling: none, easy or conservative.
    pub backfill: &'static str,
    /// Placement.
    pub placement: String,
    /// Runs done.
    pub runs: usize,
    /// Jobs that came, over all runs.
    pub jobs: usize,
    /// Jobs that ran to their end.
    pub finished: usize,
    /// Jobs left out because the machine could never hold them.
    pub too_large: usize,
    /// Mean bounded slowdown.
    pub mean_bounded_slowdown: f64,
    /// Mean wait, in seconds.
    pub mean_wait_seconds: f64,
    /// Mean time from submission to end, in seconds.
    pub mean_completion_seconds: f64,
    /// Used share of the machine, 0 to 1; over virtual clusters weighted by their nodes.
    pub utilization: f64,
    /// Highest share of the units in service used at any moment of any run, 0 to 1; `None` for sequences.
    pub peak_utilization: Option<f64>,
    /// Mean over time and runs of the share of the free units that are of no use; `None` for sequences.
    pub mean_fragmentation: Option<f64>,
    /// Highest mean bounded slowdown of a single run.
    pub worst_run_mean_bounded_slowdown: f64,
    /// Longest span from a first submission to a last end, in seconds.
    pub makespan_seconds: i64,
    /// Waits, in seconds.
    pub wait_seconds: Distribution,
    /// Times from submission to end, in seconds.
    pub completion_seconds: Distribution,
    /// Bounded slowdowns.
    pub bounded_slowdown: Distribution,
    /// How evenly owners were served.
    pub fairness: Fairness,
    /// Times a running job lost its place.
    pub preemptions: u64,
    /// Unit-seconds lost and repeated.
    pub lost_unit_seconds: u64,
    /// Lost unit-seconds over the unit-seconds of finished jobs.
    pub lost_share: f64,
    /// Wall time of all runs, in seconds.
    pub seconds: f64,
    /// The runs: one per sequence, virtual cluster and seed.
    pub per_sequence: Vec<JobsRun>,
    /// What the figures of a report page show, where asked for.
    #[serde(skip)]
    pub figures: Option<JobsFigures>,
}

/// How a combination's learned policy was guarded, over all its runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct GuardSummary {
    /// The rule that it is compared with, and that serves in its place.
    pub rule: &'static str,
    /// Share of the jobs that came while the model served, mean over the runs, 0 to 1.
    pub model_share: f64,
    /// Comparisons made.
    pub comparisons: usize,
    /// Times somebody else took over.
    pub changes: usize,
}

impl JobsSummary {
    /// How the learned policy was guarded; `None` where there was no guard.
    pub fn guard(&self) -> Option<GuardSummary> {
        let records: Vec<&GuardRecord> = self.per_sequence.iter().filter_map(|r| r.guard.as_ref()).collect();
        Some(GuardSummary {
            rule: records.first()?.rule,
            model_share: records.iter().map(|r| r.model_share).sum::<f64>() / records.len() as f64,
            comparisons: records.iter().map(|r| r.comparisons).sum(),
            changes: records.iter().map(|r| r.changes.len()).sum(),
        })
    }
}

/// Name of a way of backfilling.
pub(super) fn backfill_name(backfill: Backfill) -> &'static str {
    match backfill {
        Backfill::None => "none",
        Backfill::Easy => "easy",
        Backfill::Conservative => "conservative",
    }
}

fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

fn run_record(part: &Part, outcome: PartOutcome) -> JobsRun {
    let samples = &outcome.samples;
    JobsRun {
        start: part.start,
        virtual_cluster: part.virtual_cluster.clone(),
        seed: part.seed,
        nodes: part.nodes,
        jobs: part.range.len(),
        finished: samples.wait_seconds.len(),
        too_large: outcome.outcome.too_large,
        mean_bounded_slowdown: mean(&samples.bounded_slowdown),
        mean_wait_seconds: mean(&samples.wait_seconds),
        mean_completion_seconds: mean(&samples.completion_seconds),
        utilization: outcome.utilization,
        makespan_seconds: outcome.makespan_seconds,
        preemptions: outcome.outcome.interruptions,
        lost_unit_seconds: outcome.outcome.lost_unit_seconds,
        seconds: outcome.seconds,
        series: outcome.series,
        guard: outcome.guard,
        outcome: outcome.outcome,
    }
}

/// Summarises the runs (at least one) of a combination; with `segments_max` above 0 also for figures, whose
/// curves are those of the first run.
pub(super) fn summarize(
    combination: &Combination,
    runs: Vec<(&Part, PartOutcome)>,
    segments_max: usize,
) -> JobsSummary {
    let by_sequence = runs.iter().any(|(part, _)| part.start.is_some());
    let mut pooled = Samples::default();
    let mut owners = Vec::new();
    let mut records = Vec::new();
    let mut work = 0.0;
    for (_, outcome) in &runs {
        pooled.pool(&outcome.samples);
    }
    let mut distributions =
        [&mut pooled.wait_seconds, &mut pooled.completion_seconds, &mut pooled.bounded_slowdown]
            .map(|values| Distribution::of(values));
    let first = runs.first().filter(|_| segments_max > 0);
    let figures = first.map(|(part, run)| JobsFigures::of(part, run, &mut pooled, segments_max));
    for (part, outcome) in runs {
        work += outcome.work_unit_seconds;
        owners.clone_from(&outcome.owners);
        records.push(run_record(part, outcome));
    }
    let fairness = pooled.fairness(&owners);
    let over = |value: fn(&JobsRun) -> f64| mean(&records.iter().map(value).collect::<Vec<_>>());
    let means = if by_sequence {
        [
            over(|r| r.mean_bounded_slowdown),
            over(|r| r.mean_wait_seconds),
            over(|r| r.mean_completion_seconds),
        ]
    } else {
        [distributions[2].mean, distributions[0].mean, distributions[1].mean]
    };
    let series = || records.iter().filter_map(|r| r.series.as_ref());
    let fragmentation: Vec<f64> = series().map(|s| s.mean_fragmentation).collect();
    let lost: u64 = records.iter().map(|r| r.lost_unit_seconds).sum();
    let nodes: f64 = records.iter().map(|r| f64::from(r.nodes)).sum();
    let weighted: f64 = records.iter().map(|r| r.utilization * f64::from(r.nodes)).sum();
    let [wait_seconds, completion_seconds, bounded_slowdown] = std::mem::take(&mut distributions);
    JobsSummary {
        policy: combination.policy.clone(),
        backfill: backfill_name(combination.backfill),
        placement: combination.placement.clone(),
        runs: records.len(),
        jobs: records.iter().map(|r| r.jobs).sum(),
        finished: records.iter().map(|r| r.finished).sum(),
        too_large: records.iter().map(|r| r.too_large).sum(),
        mean_bounded_slowdown: means[0],
        mean_wait_seconds: means[1],
        mean_completion_seconds: means[2],
        utilization: if nodes > 0.0 { weighted / nodes } else { 0.0 },
        peak_utilization: series().map(|s| s.peak_utilization).reduce(f64::max),
        mean_fragmentation: (!fragmentation.is_empty()).then(|| mean(&fragmentation)),
        worst_run_mean_bounded_slowdown: records.iter().map(|r| r.mean_bounded_slowdown).fold(0.0, f64::max),
        makespan_seconds: records.iter().map(|r| r.makespan_seconds).max().unwrap_or(0),
        wait_seconds,
        completion_seconds,
        bounded_slowdown,
        fairness,
        preemptions: records.iter().map(|r| r.preemptions).sum(),
        lost_unit_seconds: lost,
        lost_share: if work > 0.0 { lost as f64 / work } else { 0.0 },
        seconds: records.iter().map(|r| r.seconds).sum(),
        per_sequence: records,
        figures,
    }
}
