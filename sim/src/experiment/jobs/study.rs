//! What a study of jobs is asked and answers.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use serde::Serialize;

use super::options::{JobsStudyError, JobsStudyOptions, Protocol, combinations};
use super::outcome::PartOutcome;
use super::run::run_part;
use super::spread::{CombinationName, Verdict, spread_all, verdict};
use super::summary::{JobsRun, JobsSummary, summarize};
use crate::Clock;
use crate::experiment::run_error::{RunError, thread_pool};
use crate::readers::LeftOut;
use crate::workload::jobs::{JobsWorkload, Part};

/// A finished study: exactly what `--output json` prints and the report shows.
#[derive(Debug, Clone, Serialize)]
pub struct JobsStudy {
    /// Always "lepton".
    pub tool: &'static str,
    /// Version of Lepton.
    pub version: &'static str,
    /// The command that made it.
    pub command: String,
    /// Name of the workload.
    pub trace: String,
    /// Jobs over all parts, each counted once.
    pub jobs: usize,
    /// What a job's size counts: "node" or "GPU".
    pub unit: &'static str,
    /// Size of a job that takes one whole unit: 1, or 1000 where sizes are thousandths.
    pub unit_size: u32,
    /// Nodes over all parts; of one sequence where it is cut into sequences.
    pub nodes: u64,
    /// Which loop was run.
    pub protocol: Protocol,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// Threads used.
    pub threads: usize,
    /// Wall time of the study, seconds.
    pub seconds: f64,
    /// Whether the study was stopped before all runs were done.
    pub stopped_early: bool,
    /// What of the input is no job of the workload, and why.
    pub left_out: Vec<LeftOut>,
    /// Remarks on the input.
    pub warnings: Vec<String>,
    /// The combination that differences are taken to.
    pub baseline: Option<CombinationName>,
    /// The combination with the lowest mean bounded slowdown, and what may be said of it.
    pub verdict: Verdict,
    /// Per policy, backfilling and placement.
    pub summary: Vec<JobsSummary>,
}

/// Runs the study. `progress` is told how many jobs have come since the last call, from any thread; when
/// `stop` turns true, runs not finished are left out and what is done is kept.
///
/// # Errors
/// When a policy or placement is unknown, options do not go together, or no run was done before `stop`.
pub fn run_jobs_study(
    workload: &JobsWorkload,
    options: &JobsStudyOptions,
    clock: &dyn Clock,
    stop: &AtomicBool,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<JobsStudy, JobsStudyError> {
    let started = clock.now_nanos();
    let combinations = combinations(workload, options)?;
    if let Some(saved) = &options.resume {
        saved.check(workload, options, &combinations)?;
    }
    let tasks: Vec<(usize, usize)> =
        (0..combinations.len()).flat_map(|c| (0..workload.parts.len()).map(move |p| (c, p))).collect();
    let pool = thread_pool(options.threads)?;
    let run_one = |&(c, p): &(usize, usize)| -> Option<PartOutcome> {
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        run_part(workload, p, &combinations[c], options, clock, stop, progress)
    };
    let results: Vec<Option<PartOutcome>> = pool.install(|| tasks.par_iter().map(run_one).collect());
    let mut summary = Vec::new();
    let mut results = results.into_iter();
    for combination in &combinations {
        let outcomes: Vec<Option<PartOutcome>> = results.by_ref().take(workload.parts.len()).collect();
        // Figures are of the first part; when that was stopped, there are none.
        let figures_of = outcomes.first().and_then(Option::as_ref).map_or(0, |_| options.segments_max);
        let runs: Vec<(&Part, PartOutcome)> = (workload.parts.iter())
            .zip(outcomes)
            .filter_map(|(part, outcome)| Some((part, outcome?)))
            .collect();
        summary.push(summarize(combination, runs, workload.parts.len(), figures_of));
    }
    let done: usize = summary.iter().map(|s| s.runs).sum();
    if done == 0 {
        return Err(RunError::Stopped.into());
    }
    let baseline = spread_all(&mut summary, options.baseline.as_deref());
    let sequences = workload.parts.iter().any(|p| p.start.is_some());
    let first_seed = workload.parts.first().map_or(0, |p| p.seed);
    let counted = || workload.parts.iter().filter(|p| p.seed == first_seed);
    Ok(JobsStudy {
        tool: "lepton",
        version: env!("CARGO_PKG_VERSION"),
        command: options.command.clone(),
        trace: workload.name.clone(),
        jobs: counted().map(|p| p.range.len()).sum(),
        nodes: counted()
            .take(if sequences { 1 } else { usize::MAX })
            .map(|p| u64::from(p.nodes.count()))
            .sum(),
        unit: workload.machine.unit(),
        unit_size: workload.machine.unit_size(),
        protocol: options.protocol,
        seeds: options.seeds.clone(),
        threads: options.threads,
        seconds: (clock.now_nanos() - started) as f64 / 1e9,
        stopped_early: done < tasks.len(),
        left_out: workload.left_out.clone(),
        warnings: workload.warnings.clone(),
        baseline,
        verdict: verdict(&summary),
        summary,
    })
}

impl JobsStudy {
    /// All runs with the summary they belong to.
    pub fn runs(&self) -> impl Iterator<Item = (&JobsSummary, &JobsRun)> {
        self.summary.iter().flat_map(|s| s.per_sequence.iter().map(move |r| (s, r)))
    }
}
