//! What the runs of one combination amount to.

use serde::Serialize;

use super::figures::JobsFigures;
use super::guarded::GuardRecord;
use super::outcome::{Combination, PartOutcome};
use super::sampled::JobsSpread;
use crate::jobs::{Backfill, Distribution, Fairness, Outcome, OwnerFigures, Samples, Series, mean};
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
    /// GPUs in all; of a pool its units.
    pub units: u64,
    /// Jobs that came.
    pub jobs: usize,
    /// Jobs that ran to their end. All means are over these, and there are none where it is 0.
    pub finished: usize,
    /// Jobs left out because the machine could never hold them.
    pub too_large: usize,
    /// Jobs that the machine could hold and that did not finish.
    pub unfinished: usize,
    /// Mean bounded slowdown of the finished jobs.
    pub mean_bounded_slowdown: Option<f64>,
    /// Their mean wait, in seconds.
    pub mean_wait_seconds: Option<f64>,
    /// Their mean time from submission to end, in seconds.
    pub mean_completion_seconds: Option<f64>,
    /// Used share of the machine up to the last end, 0 to 1.
    pub utilization: Option<f64>,
    /// Work of all jobs over the machine's capacity up to the last start, as the studies of batch sequences define
    /// utilisation; may be above 1. `None` outside of the sequence protocol.
    pub use_to_last_start: Option<f64>,
    /// From the first submission of a job that the machine can hold to the last end, in seconds.
    pub makespan_seconds: Option<i64>,
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
    /// Runs asked for; more than are done in a study that was stopped.
    pub runs_planned: usize,
    /// Jobs that came, over all runs.
    pub jobs: usize,
    /// Jobs that ran to their end. All means are over these, and there are none where it is 0.
    pub finished: usize,
    /// Jobs left out because the machine could never hold them.
    pub too_large: usize,
    /// Jobs that the machine could hold and that did not finish.
    pub unfinished: usize,
    /// Mean bounded slowdown.
    pub mean_bounded_slowdown: Option<f64>,
    /// Mean wait, in seconds.
    pub mean_wait_seconds: Option<f64>,
    /// Mean time from submission to end, in seconds.
    pub mean_completion_seconds: Option<f64>,
    /// Used share of the machine up to the last end, 0 to 1; over virtual clusters weighted by their units.
    pub utilization: Option<f64>,
    /// Mean over the sequences of what [`JobsRun::use_to_last_start`] says of each.
    pub use_to_last_start: Option<f64>,
    /// Deviation over seeds or sequences and differences to the baseline; `None` with fewer than two of them.
    pub spread: Option<JobsSpread>,
    /// Highest share of the units in service used at any moment of any run, 0 to 1; `None` for sequences.
    pub peak_utilization: Option<f64>,
    /// Mean over time and runs of the share of the free units that are of no use; `None` for sequences.
    pub mean_fragmentation: Option<f64>,
    /// Highest mean bounded slowdown of a single run.
    pub worst_run_mean_bounded_slowdown: Option<f64>,
    /// Longest span from a first submission to a last end, in seconds.
    pub makespan_seconds: Option<i64>,
    /// Waits, in seconds.
    pub wait_seconds: Distribution,
    /// Times from submission to end, in seconds.
    pub completion_seconds: Distribution,
    /// Bounded slowdowns.
    pub bounded_slowdown: Distribution,
    /// How evenly owners were served.
    pub fairness: Fairness,
    /// What became of each owner's jobs, those with the most work first; empty where all jobs have one owner.
    pub owners: Vec<OwnerFigures>,
    /// Times a running job lost its place.
    pub preemptions: u64,
    /// Unit-seconds lost and repeated.
    pub lost_unit_seconds: u64,
    /// Lost unit-seconds over the unit-seconds of finished jobs; `None` when no job finished.
    pub lost_share: Option<f64>,
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

fn run_record(part: &Part, outcome: PartOutcome) -> JobsRun {
    let samples = &outcome.samples;
    let (jobs, finished, too_large) =
        (part.range.len(), samples.wait_seconds.len(), outcome.outcome.too_large);
    JobsRun {
        start: part.start,
        virtual_cluster: part.virtual_cluster.clone(),
        seed: part.seed,
        nodes: part.nodes.count(),
        units: part.nodes.units(),
        jobs,
        finished,
        too_large,
        unfinished: jobs.saturating_sub(finished + too_large),
        mean_bounded_slowdown: mean(&samples.bounded_slowdown),
        mean_wait_seconds: mean(&samples.wait_seconds),
        mean_completion_seconds: mean(&samples.completion_seconds),
        utilization: outcome.utilization,
        use_to_last_start: outcome.use_to_last_start,
        makespan_seconds: outcome.makespan_seconds,
        preemptions: outcome.outcome.interruptions,
        lost_unit_seconds: outcome.outcome.lost_unit_seconds,
        seconds: outcome.seconds,
        series: outcome.series,
        guard: outcome.guard,
        outcome: outcome.outcome,
    }
}

/// Mean of a figure over the runs that have it.
fn mean_over(records: &[JobsRun], figure: impl Fn(&JobsRun) -> Option<f64>) -> Option<f64> {
    mean(&records.iter().filter_map(figure).collect::<Vec<f64>>())
}

/// Summarises the runs done of a combination, `planned` in all; with `segments_max` above 0 also for figures, whose
/// curves are those of the first run. The spread is left to the study, which knows the baseline.
pub(super) fn summarize(
    combination: &Combination,
    runs: Vec<(&Part, PartOutcome)>,
    planned: usize,
    segments_max: usize,
) -> JobsSummary {
    let by_sequence = runs.iter().any(|(part, _)| part.start.is_some());
    let mut pooled = Samples::default();
    for (_, outcome) in &runs {
        pooled.pool(&outcome.samples);
    }
    let [wait_seconds, completion_seconds, bounded_slowdown] =
        [&mut pooled.wait_seconds, &mut pooled.completion_seconds, &mut pooled.bounded_slowdown]
            .map(|values| Distribution::of(values));
    let first = runs.first().filter(|_| segments_max > 0);
    let figures = first.map(|(part, run)| JobsFigures::of(part, run, &mut pooled, segments_max));
    let work: f64 = runs.iter().map(|(_, outcome)| outcome.work_unit_seconds).sum();
    let records: Vec<JobsRun> = runs.into_iter().map(|(part, outcome)| run_record(part, outcome)).collect();
    let means = if by_sequence {
        [
            mean_over(&records, |r| r.mean_bounded_slowdown),
            mean_over(&records, |r| r.mean_wait_seconds),
            mean_over(&records, |r| r.mean_completion_seconds),
        ]
    } else {
        [bounded_slowdown.mean, wait_seconds.mean, completion_seconds.mean]
    };
    let owners = pooled.owners();
    let series = || records.iter().filter_map(|r| r.series.as_ref());
    let fragmentation: Vec<f64> =
        series().filter(|s| !s.time_seconds.is_empty()).map(|s| s.mean_fragmentation).collect();
    let sum = |count: fn(&JobsRun) -> usize| records.iter().map(count).sum();
    let lost: u64 = records.iter().map(|r| r.lost_unit_seconds).sum();
    JobsSummary {
        policy: combination.policy.clone(),
        backfill: backfill_name(combination.backfill),
        placement: combination.placement.clone(),
        runs: records.len(),
        runs_planned: planned,
        jobs: sum(|r| r.jobs),
        finished: sum(|r| r.finished),
        too_large: sum(|r| r.too_large),
        unfinished: sum(|r| r.unfinished),
        mean_bounded_slowdown: means[0],
        mean_wait_seconds: means[1],
        mean_completion_seconds: means[2],
        utilization: utilization(&records),
        use_to_last_start: mean_over(&records, |r| r.use_to_last_start),
        spread: None,
        peak_utilization: series().map(|s| s.peak_utilization).reduce(f64::max),
        mean_fragmentation: mean(&fragmentation),
        worst_run_mean_bounded_slowdown: (records.iter().filter_map(|r| r.mean_bounded_slowdown))
            .reduce(f64::max),
        makespan_seconds: records.iter().filter_map(|r| r.makespan_seconds).max(),
        wait_seconds,
        completion_seconds,
        bounded_slowdown,
        fairness: Fairness::of(&owners),
        owners: if owners.len() > 1 { owners } else { Vec::new() },
        preemptions: records.iter().map(|r| r.preemptions).sum(),
        lost_unit_seconds: lost,
        lost_share: (work > 0.0).then(|| lost as f64 / work),
        seconds: records.iter().map(|r| r.seconds).sum(),
        per_sequence: records,
        figures,
    }
}

/// Used share over several runs, weighted by their units.
pub(super) fn utilization<'a>(runs: impl IntoIterator<Item = &'a JobsRun>) -> Option<f64> {
    let (mut used, mut units) = (0.0, 0.0);
    for run in runs {
        let Some(share) = run.utilization else { continue };
        used += share * run.units as f64;
        units += run.units as f64;
    }
    (units > 0.0).then(|| used / units)
}
