//! A placement study: every policy on every seed, in parallel, and what it amounts to.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use lepton_core::decide::placement::Placer;
use lepton_core::decide::placement_policies::UnknownPolicy;
use lepton_core::model::NodeId;
use rayon::prelude::*;

use super::heat::{HeatFrame, HeatPolicy, heat_loads, heat_of};
use super::placement::BrokenRule;
use super::run_error::{RunError, thread_pool};
use super::served::ServedPolicies;
use super::study_options::StudyOptions;
use super::study_result::{PlacementStudy, RunRecord};
use super::study_summary::{finding, record, summarize, without_result};
use super::{PlacementRun, RunLimits, run_placement};
use crate::Clock;
use crate::workload::{Arrivals, PlacementWorkload, sequence};

/// A study that cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// A policy is not known.
    #[error(transparent)]
    Policy(#[from] UnknownPolicy),
    /// A policy broke a rule.
    #[error("policy `{policy}`, seed {seed}: broke a rule: {error}. This is a fault in Lepton")]
    RuleBroken {
        /// The policy.
        policy: String,
        /// The seed.
        seed: u64,
        /// The rule.
        error: BrokenRule,
    },
    /// What keeps any study from being run.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Runs the study. `done` is called after each run, from any thread; when `stop` turns true, runs that have not ended
/// are left out and what is done is kept.
///
/// # Errors
/// When a policy is unknown, breaks a rule, or nothing was done before `stop`.
pub fn run_study(
    workload: &PlacementWorkload,
    options: &StudyOptions,
    clock: &dyn Clock,
    stop: &AtomicBool,
    done: &(dyn Fn() + Sync),
) -> Result<PlacementStudy, StudyError> {
    let started = clock.now_nanos();
    let mut names = options.policies.clone();
    names.extend(options.baseline.clone());
    let served = ServedPolicies::new(workload, &names, options.model.as_ref(), options.guarded)?;
    let asked: Vec<(&str, u64)> = (options.seeds.iter())
        .flat_map(|&seed| options.policies.iter().map(move |policy| (policy.as_str(), seed)))
        .collect();
    let heat_at = if options.heat { heat_loads(&workload.cluster, options.load) } else { Vec::new() };
    let results = run_all(&served, options, &asked, &heat_at, clock, stop, done)?;

    let (mut runs, mut heat_policies) = (Vec::new(), Vec::new());
    for (run, frames) in results {
        if !frames.is_empty() {
            let policy = run.policy.clone();
            let (model_percent, used_percent) =
                frames.into_iter().map(|f| (f.model_percent, f.used_percent)).unzip();
            heat_policies.push(HeatPolicy { policy, model_percent, used_percent });
        }
        runs.push(run);
    }
    if runs.is_empty() {
        return Err(RunError::Stopped.into());
    }
    let place = |policy: &str| options.policies.iter().position(|p| p == policy);
    runs.sort_by_key(|run| (place(&run.policy), run.seed));
    heat_policies.sort_by_key(|one| place(&one.policy));
    let heat = !heat_policies.is_empty();
    let heat = heat.then(|| heat_of(&workload.cluster, options.seeds[0], heat_at, heat_policies));
    Ok(PlacementStudy {
        tool: "lepton",
        version: env!("CARGO_PKG_VERSION"),
        command: options.command.clone(),
        trace: workload.name.clone(),
        nodes: workload.cluster.node_count(),
        devices: workload.cluster.device_count(),
        tasks_in_trace: workload.tasks.len(),
        load: options.load,
        seeds: options.seeds.clone(),
        baseline: options.baseline.clone(),
        threads: options.threads,
        seconds: (clock.now_nanos() - started) as f64 / 1e9,
        stopped_early: runs.len() < asked.len(),
        runs_asked: asked.len(),
        summary: summarize(options, &runs),
        without_result: without_result(workload.cluster.device_count(), &runs),
        finding: finding(options, &runs),
        guard: served.rehearsal().cloned(),
        runs,
        heat,
    })
}

/// What a run leaves: its record, and a map of the nodes per load (none without heat maps).
type RunResult = (RunRecord, Vec<HeatFrame>);

/// The runs asked for, in parallel, in an order that leaves all policies with nearly the same seeds when it is
/// stopped; those that have not ended before `stop` are missing.
fn run_all(
    served: &ServedPolicies<'_>,
    options: &StudyOptions,
    asked: &[(&str, u64)],
    heat_at: &[u32],
    clock: &dyn Clock,
    stop: &AtomicBool,
    done: &(dyn Fn() + Sync),
) -> Result<Vec<RunResult>, StudyError> {
    let sequences: BTreeMap<u64, Arrivals> =
        options.seeds.iter().map(|&seed| (seed, arrivals_of(served.workload, options.load, seed))).collect();
    let pool = thread_pool(options.threads)?;
    let one = |&(name, seed): &(&str, u64)| {
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        let heat_at = if Some(&seed) == options.seeds.first() { heat_at } else { &[] };
        let limits = RunLimits { load: options.load, heat_at, stop };
        let run = run_one(served, &sequences[&seed], name, seed, limits, clock).transpose()?;
        done();
        Some(run.map(|mut run| {
            let frames = std::mem::take(&mut run.heat);
            (record(name, seed, options.load, run), frames)
        }))
    };
    // A bridge hands the runs out one by one, in their order.
    let results: Vec<Result<_, StudyError>> =
        pool.install(|| asked.iter().par_bridge().filter_map(one).collect());
    results.into_iter().collect()
}

fn run_one(
    served: &ServedPolicies<'_>,
    arrivals: &Arrivals,
    name: &str,
    seed: u64,
    limits: RunLimits<'_>,
    clock: &dyn Clock,
) -> Result<Option<PlacementRun>, StudyError> {
    let policy = served.policy(name, seed)?;
    let mut order: Vec<NodeId> = served.workload.cluster.nodes().collect();
    order.sort_by_key(|n| arrivals.node_rank[n.index()]);
    run_placement(served.workload, arrivals, Placer::new(policy, order), limits, clock)
        .map_err(|error| StudyError::RuleBroken { policy: name.to_owned(), seed, error })
}

/// The given sequence of the seed, or a drawn one.
pub(super) fn arrivals_of(workload: &PlacementWorkload, load: f64, seed: u64) -> Arrivals {
    workload.arrivals.get(&seed).cloned().unwrap_or_else(|| sequence(workload, load, seed))
}
