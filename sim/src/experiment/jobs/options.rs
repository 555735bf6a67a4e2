//! What a study of jobs is asked, and why it cannot be run.

use lepton_core::decide::policy::JobsModel;
use lepton_core::decide::queue::{QueuePolicy, RunTimes, ScoreChange};
use lepton_core::decide::queue_policies::{QueueContext, queue_policy};
use serde::Serialize;

use super::outcome::Combination;
use super::saved_run::SavedRun;
use crate::experiment::run_error::RunError;
use crate::jobs::{Backfill, Failures, Jobs, PreemptiveSettings, Settings};
use crate::workload::jobs::{JobsWorkload, MachineSpec};

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
