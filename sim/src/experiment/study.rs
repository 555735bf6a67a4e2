//! A placement study: every policy on every seed, in parallel, and what it amounts to.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use lepton_core::decide::guard::Rehearsal;
use lepton_core::decide::placement::Placer;
use lepton_core::decide::placement_policies::UnknownPolicy;
use lepton_core::decide::policy::PlacementModel;
use lepton_core::model::{NodeId, PlaceError};
use rayon::prelude::*;
use serde::Serialize;

use super::run_error::{RunError, thread_pool};
use super::served::ServedPolicies;
use super::{Curve, Paired, PlacementRun, paired, run_placement, spread};
use crate::Clock;
use crate::workload::{Arrivals, PlacementWorkload, sequence};

/// Heat maps are kept for clusters up to this many nodes.
const HEAT_NODES_MAX: usize = 5_000;
/// Distance of the loads at which the heat maps are kept, percent.
const HEAT_STEP_PERCENT: u32 = 5;

/// What to run.
#[derive(Debug, Clone)]
pub struct StudyOptions {
    /// Policy names, in the order of the report.
    pub policies: Vec<String>,
    /// One run per policy and seed.
    pub seeds: Vec<u64>,
    /// Device demand that arrives, as a multiple of the cluster's device capacity.
    pub load: f64,
    /// The policy that others are compared with, pair by pair.
    pub baseline: Option<String>,
    /// Threads to use.
    pub threads: usize,
    /// Keep the per-node state of the first seed for the report.
    pub heat: bool,
    /// The command that asked for the study, for the report.
    pub command: String,
    /// Weights of the learned policy; `None` for those it is shipped with.
    pub model: Option<PlacementModel>,
    /// Let a fixed rule serve in the place of the learned policy where a rehearsal does not show it to be better.
    pub guarded: bool,
}

impl Default for StudyOptions {
    /// No policies yet; one seed, arrivals up to 130%, one thread, the shipped model under its guard.
    fn default() -> Self {
        Self {
            policies: Vec::new(),
            seeds: vec![42],
            load: 1.3,
            baseline: None,
            threads: 1,
            heat: false,
            command: String::new(),
            model: None,
            guarded: true,
        }
    }
}

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
        error: PlaceError,
    },
    /// What keeps any study from being run.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// A finished study: exactly what `--output json` prints and the report shows.
#[derive(Debug, Clone, Serialize)]
pub struct PlacementStudy {
    /// Always "lepton".
    pub tool: &'static str,
    /// Version of Lepton.
    pub version: &'static str,
    /// The command that made it.
    pub command: String,
    /// Name of the workload.
    pub trace: String,
    /// Nodes of the cluster.
    pub nodes: usize,
    /// Devices of the cluster.
    pub devices: usize,
    /// Tasks in the list.
    pub tasks_in_trace: usize,
    /// Device demand that arrived, as a multiple of the capacity.
    pub load: f64,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// The policy others are compared with.
    pub baseline: Option<String>,
    /// Threads used.
    pub threads: usize,
    /// Wall time of the study, seconds.
    pub seconds: f64,
    /// Whether the study was stopped before all runs were done.
    pub stopped_early: bool,
    /// All runs: by policy, then seed.
    pub runs: Vec<RunRecord>,
    /// Per policy.
    pub summary: Vec<PolicySummary>,
    /// Who serves under the learned policy's name, and why; `None` without it or its guard.
    pub guard: Option<Rehearsal>,
    /// Per-node state of the first seed; only for a report.
    pub heat: Option<Heat>,
}

/// One run in a [`PlacementStudy`].
#[derive(Debug, Clone, Serialize)]
pub struct RunRecord {
    /// The policy.
    pub policy: String,
    /// The seed.
    pub seed: u64,
    /// Allocation and fragmentation by arrived load.
    pub curve: Curve,
    /// Allocation (percent of all devices) at 100% arrived and at the end.
    pub allocation_at: BTreeMap<String, f64>,
    /// Fragmentation (percent of all devices), likewise.
    pub fragmentation_at: BTreeMap<String, f64>,
    /// Tasks that arrived.
    pub decisions: usize,
    /// Tasks placed.
    pub placed: usize,
    /// Tasks dropped.
    pub dropped: usize,
    /// Wall time of the run, seconds.
    pub seconds: f64,
    /// Median time of a decision, microseconds.
    pub latency_p50_us: f64,
    /// 99th percentile of the time of a decision, microseconds.
    pub latency_p99_us: f64,
}

/// One policy over all seeds.
#[derive(Debug, Clone, Serialize)]
pub struct PolicySummary {
    /// The policy.
    pub policy: String,
    /// Runs done.
    pub runs: usize,
    /// Allocation at 100% arrived and at the end, percent of all devices.
    pub allocation_at: BTreeMap<String, PointSummary>,
    /// Fragmentation, likewise.
    pub fragmentation_at: BTreeMap<String, PointSummary>,
    /// Mean tasks that arrived.
    pub decisions: f64,
    /// Mean wall time of a run, seconds.
    pub seconds: f64,
    /// Median over the runs of the median time of a decision, microseconds.
    pub latency_p50_us: f64,
    /// Median over the runs of its 99th percentile, microseconds.
    pub latency_p99_us: f64,
}

/// A value over the seeds, and against the baseline on the same seeds.
#[derive(Debug, Clone, Serialize)]
pub struct PointSummary {
    /// Mean.
    pub mean: f64,
    /// Sample standard deviation.
    pub sd: f64,
    /// Difference to the baseline, pair by pair; `None` for the baseline itself or without one.
    pub paired: Option<Paired>,
}

/// Per-node state of one seed for all policies.
#[derive(Debug, Clone, Serialize)]
pub struct Heat {
    /// The seed.
    pub seed: u64,
    /// The loads, percent.
    pub load_percent: Vec<u32>,
    /// The nodes.
    pub nodes: Vec<HeatNode>,
    /// Per policy.
    pub policies: Vec<HeatPolicy>,
}

/// A node of a [`Heat`].
#[derive(Debug, Clone, Serialize)]
pub struct HeatNode {
    /// Its name.
    pub name: String,
    /// Model of its devices, empty without.
    pub model: String,
    /// How many devices it has.
    pub devices: usize,
}

/// A policy of a [`Heat`].
#[derive(Debug, Clone, Serialize)]
pub struct HeatPolicy {
    /// The policy.
    pub policy: String,
    /// Per load, per node: held share in percent.
    pub used_percent: Vec<Vec<u8>>,
}

/// Runs the study. `done` is called after each run, from any thread; when `stop` turns true, runs not yet
/// begun are left out and what is done is kept.
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
    let with_heat = options.heat && workload.cluster.node_count() <= HEAT_NODES_MAX;
    let heat_at = if with_heat { heat_loads(options.load) } else { Vec::new() };
    let results = run_all(&served, options, &asked, &heat_at, clock, stop, done)?;

    let (mut runs, mut heat_policies) = (Vec::new(), Vec::new());
    for (run, used_percent) in results {
        if !used_percent.is_empty() {
            heat_policies.push(HeatPolicy { policy: run.policy.clone(), used_percent });
        }
        runs.push(run);
    }
    if runs.is_empty() {
        return Err(RunError::Stopped.into());
    }
    let place = |run: &RunRecord| options.policies.iter().position(|p| *p == run.policy);
    runs.sort_by_key(|run| (place(run), run.seed));
    let heat = with_heat.then(|| heat_of(workload, options.seeds[0], heat_at, heat_policies));
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
        summary: summarize(options, &runs),
        guard: served.rehearsal().cloned(),
        runs,
        heat,
    })
}

/// What a run leaves: its record, and per load the held share of each node (empty without heat maps).
type RunResult = (RunRecord, Vec<Vec<u8>>);

/// The runs asked for, in parallel; those not begun before `stop` are missing.
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
        let run = run_one(served, &sequences[&seed], name, seed, heat_at, clock);
        done();
        Some(run.map(|mut run| {
            let used_percent = std::mem::take(&mut run.heat);
            (record(name, seed, options.load, run), used_percent)
        }))
    };
    let results: Vec<Option<Result<_, StudyError>>> = pool.install(|| asked.par_iter().map(one).collect());
    results.into_iter().flatten().collect()
}

fn run_one(
    served: &ServedPolicies<'_>,
    arrivals: &Arrivals,
    name: &str,
    seed: u64,
    heat_at: &[u32],
    clock: &dyn Clock,
) -> Result<PlacementRun, StudyError> {
    let policy = served.policy(name, seed)?;
    let mut order: Vec<NodeId> = served.workload.cluster.nodes().collect();
    order.sort_by_key(|n| arrivals.node_rank[n.index()]);
    run_placement(served.workload, arrivals, Placer::new(policy, order), heat_at, clock)
        .map_err(|error| StudyError::RuleBroken { policy: name.to_owned(), seed, error })
}

/// The loads at which heat maps are kept, percent.
fn heat_loads(load: f64) -> Vec<u32> {
    (1..).map(|i| i * HEAT_STEP_PERCENT).take_while(|&at| f64::from(at) <= load * 100.0 + 0.5).collect()
}

/// The given sequence of the seed, or a drawn one.
pub(super) fn arrivals_of(workload: &PlacementWorkload, load: f64, seed: u64) -> Arrivals {
    workload.arrivals.get(&seed).cloned().unwrap_or_else(|| sequence(workload, load, seed))
}

/// The loads that tables speak of: 100% where it is reached, and the end.
fn points(load: f64) -> Vec<u32> {
    let end = (load * 100.0).round() as u32;
    if end > 100 { vec![100, end] } else { vec![end] }
}

fn record(policy: &str, seed: u64, load: f64, mut run: PlacementRun) -> RunRecord {
    let at = |value: &dyn Fn(u32) -> Option<f64>| {
        points(load).into_iter().filter_map(|p| Some((p.to_string(), value(p)?))).collect()
    };
    run.latency_nanos.sort_unstable();
    let quantile = |q: f64| {
        let last = run.latency_nanos.len().saturating_sub(1);
        let nanos = run.latency_nanos.get((q * last as f64).round() as usize).copied();
        f64::from(nanos.unwrap_or(0)) / 1e3
    };
    RunRecord {
        policy: policy.to_owned(),
        seed,
        allocation_at: at(&|p| run.curve.allocation_at(p)),
        fragmentation_at: at(&|p| run.curve.fragmentation_at(p)),
        decisions: run.decisions,
        placed: run.placed,
        dropped: run.decisions - run.placed,
        seconds: run.seconds,
        latency_p50_us: quantile(0.5),
        latency_p99_us: quantile(0.99),
        curve: run.curve,
    }
}

fn summarize(options: &StudyOptions, runs: &[RunRecord]) -> Vec<PolicySummary> {
    let of = |policy: &str| runs.iter().filter(|r| r.policy == policy).collect::<Vec<_>>();
    let base = options.baseline.as_deref().map_or_else(Vec::new, of);
    let summaries = options.policies.iter().map(|policy| {
        let own = of(policy);
        let point = |value: &dyn Fn(&RunRecord) -> Option<f64>| {
            let values: Vec<f64> = own.iter().filter_map(|r| value(r)).collect();
            let differences = own.iter().filter_map(|r| {
                let twin = base.iter().find(|b| b.seed == r.seed && b.policy != r.policy)?;
                Some(value(r)? - value(twin)?)
            });
            let differences: Vec<f64> = differences.collect();
            spread(&values).map(|s| PointSummary { mean: s.mean, sd: s.sd, paired: paired(&differences) })
        };
        let at = |value: &dyn Fn(&RunRecord, &str) -> Option<f64>| {
            let points = points(options.load).into_iter().map(|p| p.to_string());
            points.filter_map(|p| point(&|r| value(r, &p)).map(|s| (p, s))).collect()
        };
        let mean = |value: &dyn Fn(&RunRecord) -> f64| {
            own.iter().map(|r| value(r)).sum::<f64>() / own.len().max(1) as f64
        };
        let median = |value: &dyn Fn(&RunRecord) -> f64| {
            let mut values: Vec<f64> = own.iter().map(|r| value(r)).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or(0.0)
        };
        PolicySummary {
            policy: policy.clone(),
            runs: own.len(),
            allocation_at: at(&|r, p| r.allocation_at.get(p).copied()),
            fragmentation_at: at(&|r, p| r.fragmentation_at.get(p).copied()),
            decisions: mean(&|r| r.decisions as f64),
            seconds: mean(&|r| r.seconds),
            latency_p50_us: median(&|r| r.latency_p50_us),
            latency_p99_us: median(&|r| r.latency_p99_us),
        }
    });
    summaries.collect()
}

fn heat_of(
    workload: &PlacementWorkload,
    seed: u64,
    load_percent: Vec<u32>,
    policies: Vec<HeatPolicy>,
) -> Heat {
    let cluster = &workload.cluster;
    let nodes = cluster.nodes().map(|node| HeatNode {
        name: cluster.node_name(node).to_owned(),
        model: (cluster.device_models(node).first())
            .map_or_else(String::new, |m| cluster.models()[usize::from(m.0)].name.clone()),
        devices: cluster.devices_free(node).len(),
    });
    Heat { seed, load_percent, nodes: nodes.collect(), policies }
}
