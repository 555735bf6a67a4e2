//! What a study of jobs is asked and answers.

use std::sync::atomic::{AtomicBool, Ordering};

use lepton_core::decide::policy::JobsModel;
use lepton_core::decide::queue::{QueuePolicy, RunTimes, ScoreChange};
use lepton_core::decide::queue_policies::{QueueContext, queue_policy};
use rayon::prelude::*;
use serde::Serialize;

use super::run::{Combination, PartOutcome, run_part};
use super::saved::SavedRun;
use super::spread::{CombinationName, Verdict, spread_all, verdict};
use super::summary::{JobsRun, JobsSummary, summarize};
use crate::Clock;
use crate::experiment::run_error::{RunError, thread_pool};
use crate::jobs::{Backfill, Failures, Jobs, PreemptiveSettings, Settings};
use crate::readers::LeftOut;
use crate::workload::jobs::{JobsWorkload, MachineSpec, Part};

/// Which loop is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// The batch-sequence loop of the RLScheduler study, on a pool; its own form of EASY.
    Sequence,
    /// The general simulation, event by event.
    Events,
}

/// How a study is done.
#[derive(Debug, Clone)]
pub struct JobsStudyOptions {
    /// Queue policies, in the order of the report.
    pub policies: Vec<String>,
    /// Ways of backfilling, in the order of the report.
    pub backfills: Vec<Backfill>,
    /// Placements, in the order of the report; see [`crate::workload::jobs::MachineSpec::placements`].
    pub placements: Vec<String>,
    /// Which loop.
    pub protocol: Protocol,
    /// Everything else of a run; `backfill` is taken from the list, seeds of failures from the parts.
    pub settings: Settings,
    /// How preemptive policies are run.
    pub preemptive: PreemptiveSettings,
    /// The policy that differences are taken to, with the first of the ways of backfilling and placements; `None` for no
    /// differences.
    pub baseline: Option<String>,
    /// Seeds, for the record.
    pub seeds: Vec<u64>,
    /// Threads to use.
    pub threads: usize,
    /// Most stretches of jobs kept per combination for the figures of a report page; 0 makes no figures.
    pub segments_max: usize,
    /// A run that was stopped and is to go on; then it is the only one.
    pub resume: Option<SavedRun>,
    /// The command that asked for the study, for the report.
    pub command: String,
    /// Weights of the learned policy; `None` for those it is shipped with.
    pub model: Option<JobsModel>,
    /// Whether, in the general simulation, the learned policy serves only as long as it is not worse than the best
    /// fixed rule.
    pub guarded: bool,
}

impl JobsStudyOptions {
    /// What the policies of a run of `jobs` are made from: oracles are told how long the jobs run.
    pub(super) fn context(&self, jobs: &Jobs) -> QueueContext<'_> {
        QueueContext { model: self.model.as_ref(), truth: RunTimes::new(&jobs.run_seconds) }
    }
}

/// A study that cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum JobsStudyError {
    /// A policy is not known.
    #[error("there is no queue policy `{0}`. Maybe see `lepton policy list`")]
    Policy(String),
    /// A placement is not known.
    #[error("there is no placement `{name}` on this machine; there are: {have}")]
    Placement {
        /// The name asked for.
        name: String,
        /// The names there are.
        have: String,
    },
    /// Options that do not go together.
    #[error("{0}")]
    Unsupported(String),
    /// A saved run that cannot be taken up.
    #[error("{0}")]
    Saved(String),
    /// What keeps any study from being run.
    #[error(transparent)]
    Run(#[from] RunError),
}

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

/// All combinations of policy, backfilling and placement, checked.
pub(super) fn combinations(
    workload: &JobsWorkload,
    options: &JobsStudyOptions,
) -> Result<Vec<Combination>, JobsStudyError> {
    let have = workload.machine.placements();
    if let Some(name) = options.placements.iter().find(|p| !have.contains(&p.as_str())) {
        return Err(JobsStudyError::Placement { name: name.clone(), have: have.join(", ") });
    }
    if options.settings.failures.of_devices() && matches!(workload.machine, MachineSpec::Pool) {
        let problem = "a pool of nodes has no devices that could fail. Maybe add `--gpus-per-node`";
        return Err(JobsStudyError::Unsupported(problem.to_owned()));
    }
    let mut all = Vec::new();
    for name in &options.policies {
        let policy = queue_policy(name).ok_or_else(|| JobsStudyError::Policy(name.clone()))?;
        for &backfill in &options.backfills {
            check(policy.as_ref(), backfill, options)?;
            for placement in &options.placements {
                let (policy, placement) = (name.clone(), placement.clone());
                all.push(Combination { policy, backfill, placement });
            }
        }
    }
    Ok(all)
}

/// Whether policy, backfilling and loop go together.
fn check(
    policy: &dyn QueuePolicy,
    backfill: Backfill,
    options: &JobsStudyOptions,
) -> Result<(), JobsStudyError> {
    let name = policy.name();
    let problem = match options.protocol {
        Protocol::Sequence if policy.change() == ScoreChange::WithState => {
            format!(
                "`{name}` looks at what runs, which the sequence protocol does not. Maybe add `--protocol events`"
            )
        }
        Protocol::Sequence if backfill == Backfill::Conservative => {
            "the sequence protocol has no conservative backfilling. Maybe add `--protocol events`".to_owned()
        }
        Protocol::Sequence if options.settings.failures != Failures::None => {
            "in the sequence protocol nothing fails. Maybe add `--protocol events`".to_owned()
        }
        Protocol::Events if policy.preempts() && backfill != Backfill::None => {
            format!("`{name}` preempts, so there is nothing to backfill. Maybe use `--backfill none`")
        }
        Protocol::Events if policy.preempts() && options.settings.failures != Failures::None => {
            format!("`{name}` preempts; preemptive runs have no failures. Maybe leave it out")
        }
        _ => return Ok(()),
    };
    Err(JobsStudyError::Unsupported(problem))
}

impl JobsStudy {
    /// All runs with the summary they belong to.
    pub fn runs(&self) -> impl Iterator<Item = (&JobsSummary, &JobsRun)> {
        self.summary.iter().flat_map(|s| s.per_sequence.iter().map(move |r| (s, r)))
    }
}
