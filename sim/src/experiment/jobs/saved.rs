//! Stopping a run at some second and taking it up later, with the same result as if it had never been stopped.

use std::sync::atomic::{AtomicBool, Ordering};

use lepton_core::decide::policy::LEARNED_ORDER;
use lepton_core::decide::queue_policies::{queue_policy, queue_policy_with};
use lepton_core::model::digest::fnv;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::options::{JobsStudyError, JobsStudyOptions, Protocol, combinations};
use super::outcome::Combination;
use super::run::{Run, gpu_nodes, jobs_of};
use super::saved_run::{SavedRun, checksum};
use crate::experiment::run_error::RunError;
use crate::jobs::machine::{GpuNodes, Machine, Pool, Topology};
use crate::jobs::{Failures, Jobs, Recorder, Simulation};
use crate::workload::jobs::{JobsWorkload, MachineSpec, Nodes};

/// What the seed is called among the facts of a run.
const SEED: &str = "the seed";

impl SavedRun {
    /// The seed of its run.
    pub fn seed(&self) -> &str {
        self.run().iter().find(|fact| fact.0 == SEED).map_or("unknown", |fact| &fact.1)
    }

    /// Whether it is of this run, which is the only one asked for.
    pub(super) fn check(
        &self,
        workload: &JobsWorkload,
        options: &JobsStudyOptions,
        all: &[Combination],
    ) -> Result<(), JobsStudyError> {
        let run = describe(workload, options, only(workload, options, all)?);
        if let Some((saved, asked)) = self.run().iter().zip(&run).find(|(a, b)| a != b) {
            return Err(JobsStudyError::Saved(format!(
                "the saved run is another one: {} was {}, now it is {}",
                saved.0, saved.1, asked.1
            )));
        }
        match workload.machine {
            MachineSpec::Pool => self.state::<Pool>().map(drop),
            _ => self.state::<GpuNodes>().map(drop),
        }
        .map_err(JobsStudyError::Saved)
    }
}

/// A run as far as it has come.
#[derive(Debug, Clone)]
pub struct RunSoFar {
    /// Its state.
    pub saved: SavedRun,
    /// Jobs that have come.
    pub arrived: usize,
    /// Whether `stop` ended it before the second that was asked for.
    pub stopped_early: bool,
}

/// Runs the one run that is asked for (from where `options.resume` left it) up to and including what happens
/// at `stop_at_seconds`, or until `stop` turns true, and returns its state.
///
/// # Errors
/// When more than one run is asked for, its state cannot be saved, the run to go on with is another one, or
/// `stop` turned true before anything was done.
pub fn save_run(
    workload: &JobsWorkload,
    options: &JobsStudyOptions,
    stop_at_seconds: i64,
    stop: &AtomicBool,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<RunSoFar, JobsStudyError> {
    let all = combinations(workload, options)?;
    let combination = only(workload, options, &all)?;
    let part = &workload.parts[0];
    let jobs = jobs_of(part);
    let policy = queue_policy_with(&combination.policy, &options.context(&jobs))
        .ok_or_else(|| JobsStudyError::Policy(combination.policy.clone()))?;
    let run = Run {
        jobs: jobs.as_ref(),
        policy: policy.as_ref(),
        combination,
        options,
        part,
        segments_max: options.segments_max,
        stop,
        progress,
    };
    let about = describe(workload, options, combination);
    if let Some(saved) = options.resume.as_ref().filter(|s| s.stopped_at_seconds() >= stop_at_seconds) {
        return Err(JobsStudyError::Saved(format!(
            "--stop-at {stop_at_seconds}: the saved run has come to second {} already",
            saved.stopped_at_seconds()
        )));
    }
    match workload.machine {
        MachineSpec::GpuNodes { topology } => {
            run.save(gpu_nodes(part, &combination.placement, topology), about, stop_at_seconds)
        }
        _ => run.save(Pool::new(part.nodes.count()), about, stop_at_seconds),
    }
}

impl Run<'_> {
    fn save<M: Machine + Clone + Serialize + DeserializeOwned>(
        &self,
        machine: M,
        about: Vec<(String, String)>,
        stop_at_seconds: i64,
    ) -> Result<RunSoFar, JobsStudyError> {
        let settings = self.settings();
        let (mut run, mut recorder) = match &self.options.resume {
            None => {
                let recorder = Recorder::keeping(self.segments_max);
                (Simulation::new(self.jobs, machine, self.policy, &settings), recorder)
            }
            Some(saved) => {
                let (state, recorder) = saved.state::<M>().map_err(JobsStudyError::Saved)?;
                (Simulation::resume(self.jobs, self.policy, &settings, state), recorder)
            }
        };
        let (mut told, mut done_to) = (run.arrived(), None);
        let mut stopped_early = false;
        while let Some(at) = run.next_moment_seconds().filter(|&at| at <= stop_at_seconds) {
            stopped_early = self.stop.load(Ordering::Relaxed);
            if stopped_early {
                break;
            }
            run.advance(&mut recorder);
            done_to = Some(at);
            (self.progress)((run.arrived() - told) as u64);
            told = run.arrived();
        }
        let second = match (stopped_early, done_to) {
            (false, _) => stop_at_seconds,
            (true, Some(done_to)) => done_to,
            (true, None) => return Err(RunError::Stopped.into()),
        };
        let saved = SavedRun::of(about, second, &run.checkpoint(), &recorder);
        let saved = saved.map_err(|e| JobsStudyError::Saved(format!("the run cannot be saved: {e}")))?;
        Ok(RunSoFar { saved, arrived: run.arrived(), stopped_early })
    }
}

/// The only run that is asked for, if its state can be saved.
fn only<'a>(
    workload: &JobsWorkload,
    options: &JobsStudyOptions,
    all: &'a [Combination],
) -> Result<&'a Combination, JobsStudyError> {
    let unsupported = |problem: &str| Err(JobsStudyError::Unsupported(problem.to_owned()));
    let ([combination], [_]) = (all, workload.parts.as_slice()) else {
        return unsupported(
            "one run can be saved and taken up. Maybe name one policy, one backfilling, one placement, one \
             seed, and neither --clusters nor --starts",
        );
    };
    if options.protocol != Protocol::Events {
        return unsupported("the sequence protocol cannot be saved. Maybe add `--protocol events`");
    }
    if queue_policy(&combination.policy).is_some_and(|p| p.preempts()) {
        return unsupported("runs of policies that preempt cannot be saved");
    }
    if options.guarded && combination.policy == LEARNED_ORDER {
        return unsupported("a run of `lepton` under its guard cannot be saved. Maybe add `--no-guard`");
    }
    if matches!(workload.machine, MachineSpec::Cluster { .. }) {
        return unsupported("runs of openb tasks cannot be saved");
    }
    Ok(combination)
}

/// Everything that a run depends on, by name.
fn describe(
    workload: &JobsWorkload,
    options: &JobsStudyOptions,
    combination: &Combination,
) -> Vec<(String, String)> {
    let settings = &options.settings;
    let part = workload.parts.first();
    let jobs = part.map_or_else(String::new, |p| {
        format!("{} jobs with the check sum {:016x}", p.range.len(), jobs_checksum(&jobs_of(p)))
    });
    let failures = match &settings.failures {
        Failures::None => "none".to_owned(),
        Failures::Hazard { mean_seconds_between, device_mean_seconds_between, mean_repair_seconds, seed } => {
            let every = |what: &str, mean: &Option<f64>| {
                mean.map_or_else(|| format!("no {what} fails"), |s| format!("a {what} fails every {s} s"))
            };
            let (node, device) =
                (every("node", mean_seconds_between), every("device", device_mean_seconds_between));
            format!("{node}, {device}, repaired in {mean_repair_seconds} s in the mean, seed {seed}")
        }
        Failures::Recorded(outages) => {
            let sum = checksum(format!("{outages:?}").as_bytes());
            format!("a list of {} with the check sum {sum:016x}", outages.len())
        }
    };
    let machine = match &workload.machine {
        MachineSpec::GpuNodes { topology } => {
            let Topology { nodes_per_domain, nodes_per_rack } = *topology;
            format!("nodes with GPUs, {nodes_per_domain} a domain and {nodes_per_rack} a rack")
        }
        _ => "a pool".to_owned(),
    };
    let model = options.model.as_ref().map_or_else(
        || "the built-in one".to_owned(),
        |m| format!("one with the check sum {:016x}", checksum(&m.to_bytes())),
    );
    let facts = [
        ("the policy", combination.policy.clone()),
        ("the model", model),
        ("the backfilling", format!("{:?}", combination.backfill).to_lowercase()),
        ("the placement", combination.placement.clone()),
        ("the machine", machine),
        (
            "the number of nodes",
            part.map_or_else(String::new, |p| nodes_in_words(&p.nodes, &workload.machine)),
        ),
        // Another seed often makes another workload: it is told first.
        (SEED, part.map_or(0, |p| p.seed).to_string()),
        ("the workload", jobs),
        ("the queue", format!("{:?}", settings.discipline).to_lowercase()),
        (
            "the depth",
            if settings.depth_max == usize::MAX { "all".to_owned() } else { settings.depth_max.to_string() },
        ),
        (
            "the checkpoint interval",
            (settings.checkpoint_interval_seconds)
                .map_or_else(|| "none".to_owned(), |s| format!("{s} seconds")),
        ),
        ("the source of failures", failures),
    ];
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Nodes and, where they have GPUs, how many of them.
fn nodes_in_words(nodes: &Nodes, machine: &MachineSpec) -> String {
    if matches!(machine, MachineSpec::Pool) { nodes.count().to_string() } else { nodes.to_string() }
}

pub(super) fn jobs_checksum(jobs: &Jobs) -> u64 {
    let bytes = (0..jobs.len()).flat_map(|i| {
        let j = jobs.get(i);
        let values = [u64::from(j.run_seconds), u64::from(j.requested_seconds), u64::from(j.size)];
        let more = [j.id, j.submit_seconds as u64, u64::from(j.owner), j.priority as u64];
        values.into_iter().chain(more).flat_map(u64::to_le_bytes)
    });
    fnv(bytes.map(u64::from))
}
