//! One run of a study: one part of the workload under one combination.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

use lepton_core::decide::placement::Placer;
use lepton_core::decide::placement_policies::{PlacementContext, placement_policy};
use lepton_core::decide::policy::LEARNED_ORDER;
use lepton_core::decide::queue::QueuePolicy;
use lepton_core::decide::queue_policies::queue_policy_with;
use serde::de::DeserializeOwned;

use super::guarded::JobsGuard;
use super::options::{JobsStudyOptions, Protocol};
use super::outcome::{Combination, PartOutcome};
use crate::Clock;
use crate::jobs::machine::{ClusterMachine, GangPlacement, GpuNodes, Machine, Pool, Topology};
use crate::jobs::{
    Backfill, Failures, Jobs, NEVER, Outcome, PreemptiveSimulation, Recorder, Samples, SequenceMetrics,
    SequenceSimulator, Settings, Simulation,
};
use crate::workload::jobs::{JobsWorkload, MachineSpec, Part};

/// Moments between two tellings of progress.
const MOMENTS_PER_TELLING: u32 = 2048;

/// Runs one part of the workload, by its index; `None` when it was stopped. Stretches are kept of part 0 alone.
pub fn run_part(
    workload: &JobsWorkload,
    part_index: usize,
    combination: &Combination,
    options: &JobsStudyOptions,
    clock: &dyn Clock,
    stop: &AtomicBool,
    progress: &(dyn Fn(u64) + Sync),
) -> Option<PartOutcome> {
    let part = workload.parts.get(part_index)?;
    let policy = |jobs: &Jobs| queue_policy_with(&combination.policy, &options.context(jobs));
    let segments_max = if part_index == 0 { options.segments_max } else { 0 };
    let begun = clock.now_nanos();
    let mut outcome = if options.protocol == Protocol::Sequence {
        let outcome = sequence(part, policy(&part.jobs)?.as_ref(), combination.backfill, stop)?;
        progress(part.range.len() as u64);
        outcome
    } else {
        let jobs = jobs_of(part);
        let policy = policy(&jobs)?;
        let (jobs, policy) = (jobs.as_ref(), policy.as_ref());
        let run = Run { jobs, policy, combination, options, part, segments_max, stop, progress };
        match &workload.machine {
            MachineSpec::Pool => run.on_or_resumed(&|| Pool::new(part.nodes.count()), part.nodes.units()),
            MachineSpec::GpuNodes { topology } => {
                let make = || gpu_nodes(part, &combination.placement, *topology);
                run.on_or_resumed(&make, part.nodes.units())
            }
            MachineSpec::Cluster { cluster, target } => {
                let context = PlacementContext { cluster, target, seed: part.seed, model: None };
                let units = cluster.device_milli_capacity().max(0) as u64;
                let make = || {
                    let placement = placement_policy(&combination.placement, &context);
                    let placement = placement.expect("the study has checked the names of placements");
                    let placer = Placer::in_node_order(placement, cluster);
                    ClusterMachine::new(cluster.as_ref().clone(), placer, target.clone())
                };
                run.on(&make, units)
            }
        }?
    };
    outcome.seconds = (clock.now_nanos() - begun) as f64 / 1e9;
    Some(outcome)
}

/// The jobs of a part alone.
pub(super) fn jobs_of(part: &Part) -> Cow<'_, Jobs> {
    let (jobs, range) = (part.jobs.as_ref(), part.range.clone());
    if range == (0..jobs.len()) {
        return Cow::Borrowed(jobs);
    }
    let mut out = Jobs::with_capacity(range.len());
    out.owners.clone_from(&jobs.owners);
    for i in range {
        out.push(jobs.get(i));
    }
    Cow::Owned(out)
}

/// A run of the sequence protocol; `None` when it was stopped.
fn sequence(
    part: &Part,
    policy: &dyn QueuePolicy,
    backfill: Backfill,
    stop: &AtomicBool,
) -> Option<PartOutcome> {
    let mut simulator = SequenceSimulator::default();
    let (jobs, range) = (part.jobs.as_ref(), part.range.clone());
    let nodes = part.nodes.count();
    let backfills = backfill != Backfill::None;
    let started = simulator.run_unless_stopped(jobs, range.clone(), nodes, policy, backfills, stop)?;
    let metrics = SequenceMetrics::of(jobs, range.clone(), started, nodes);
    let ends = started.iter().zip(range.clone()).map(|(&start, i)| {
        if start == SequenceSimulator::NEVER { NEVER } else { start + i64::from(jobs.run_seconds[i]) }
    });
    let end_seconds: Vec<i64> = ends.collect();
    let first_fitting = end_seconds.iter().zip(range.clone()).find(|e| *e.0 != NEVER).map(|e| e.1);
    let fit = end_seconds.iter().filter(|&&e| e != NEVER).count();
    Some(PartOutcome {
        samples: Samples::of_sequence(jobs, range.clone(), started),
        utilization: metrics.map(|m| m.utilization),
        use_to_last_start: metrics.map(|m| m.use_to_last_start),
        work_unit_seconds: (end_seconds.iter().zip(range.clone()).filter(|e| *e.0 != NEVER))
            .map(|(_, i)| f64::from(jobs.run_seconds[i]) * f64::from(jobs.size[i]))
            .sum(),
        makespan_seconds: metrics.map(|m| m.makespan_seconds),
        first_seconds: first_fitting.map_or(0, |i| jobs.submit_seconds[i]),
        outcome: Outcome {
            start_seconds: started.to_vec(),
            too_large: range.len() - fit,
            starts: fit as u64,
            end_seconds,
            ..Outcome::default()
        },
        series: None,
        segments: Vec::new(),
        guard: None,
        seconds: 0.0,
    })
}

/// A run of the general simulation.
pub(super) struct Run<'a> {
    pub(super) jobs: &'a Jobs,
    pub(super) policy: &'a dyn QueuePolicy,
    pub(super) combination: &'a Combination,
    pub(super) options: &'a JobsStudyOptions,
    pub(super) part: &'a Part,
    pub(super) segments_max: usize,
    pub(super) stop: &'a AtomicBool,
    pub(super) progress: &'a (dyn Fn(u64) + Sync),
}

impl Run<'_> {
    /// Runs on a machine as `make` makes it, which has `units` units when all is in service.
    fn on<M: Machine>(&self, make: &dyn Fn() -> M, units: u64) -> Option<PartOutcome> {
        let mut recorder = Recorder::keeping(self.segments_max);
        let machine = make();
        let capacity = self.capacity(&machine, units);
        if self.policy.preempts() {
            let settings = &self.options.preemptive;
            let mut run = PreemptiveSimulation::new(self.jobs, machine, self.policy, settings);
            self.watch(|| (run.advance(&mut recorder), run.arrived()))?;
            return Some(self.summed_up(run.into_outcome(), recorder, capacity));
        }
        let settings = self.settings();
        if self.options.guarded && self.policy.name() == LEARNED_ORDER {
            return self.under_guard(make, &settings, recorder, capacity);
        }
        self.to_the_end(Simulation::new(self.jobs, machine, self.policy, &settings), recorder, capacity)
    }

    /// The same with the guard, who says from block to block whether model or rule serves.
    fn under_guard<M: Machine>(
        &self,
        make: &dyn Fn() -> M,
        settings: &Settings,
        mut recorder: Recorder,
        capacity: Capacity,
    ) -> Option<PartOutcome> {
        let mut guard = JobsGuard::new(self.jobs, make, self.policy, settings);
        let mut running = Some(Simulation::new(self.jobs, make(), guard.policy(), settings));
        self.watch(|| {
            let Some(mut run) = running.take() else { return (false, self.jobs.len()) };
            let (more, arrived) = (run.advance(&mut recorder), run.arrived());
            let now = run.now_seconds();
            if guard.observe(self.jobs, arrived, now, &run.outcome().end_seconds) {
                run = Simulation::resume(self.jobs, guard.policy(), settings, run.into_state());
            }
            running = Some(run);
            (more, arrived)
        })?;
        let outcome = running.map(Simulation::into_outcome).unwrap_or_default();
        let record = guard.into_record(self.jobs.len());
        Some(PartOutcome { guard: Some(record), ..self.summed_up(outcome, recorder, capacity) })
    }

    /// The same, from where a saved run left off if there is one.
    fn on_or_resumed<M: Machine + DeserializeOwned>(
        &self,
        make: &dyn Fn() -> M,
        units: u64,
    ) -> Option<PartOutcome> {
        let Some(saved) = &self.options.resume else { return self.on(make, units) };
        // The study has made sure that the state can be read.
        let (state, recorder) = saved.state::<M>().ok()?;
        let (settings, capacity) = (self.settings(), self.capacity(&make(), units));
        self.to_the_end(Simulation::resume(self.jobs, self.policy, &settings, state), recorder, capacity)
    }

    fn to_the_end<M: Machine>(
        &self,
        mut run: Simulation<'_, M>,
        mut recorder: Recorder,
        capacity: Capacity,
    ) -> Option<PartOutcome> {
        self.watch(|| (run.advance(&mut recorder), run.arrived()))?;
        Some(self.summed_up(run.into_outcome(), recorder, capacity))
    }

    fn capacity<M: Machine>(&self, machine: &M, units: u64) -> Capacity {
        let fits = |&i: &usize| machine.could_hold(i as u32, self.jobs.size[i]);
        let first = (0..self.jobs.len()).find(fits);
        Capacity { units, first_seconds: first.map_or(0, |i| self.jobs.submit_seconds[i]) }
    }

    fn summed_up(&self, outcome: Outcome, recorder: Recorder, capacity: Capacity) -> PartOutcome {
        let ended = || outcome.end_seconds.iter().zip(0..).filter(|e| *e.0 != NEVER);
        let makespan_seconds = ended().map(|e| e.0 - capacity.first_seconds).max();
        let area: f64 = ended()
            .map(|(_, i): (_, usize)| f64::from(self.jobs.run_seconds[i]) * f64::from(self.jobs.size[i]))
            .sum();
        let there = capacity.units as f64 * makespan_seconds.unwrap_or(0) as f64;
        PartOutcome {
            samples: Samples::of(self.jobs, &outcome),
            utilization: (there > 0.0).then(|| area / there),
            use_to_last_start: None,
            work_unit_seconds: area,
            makespan_seconds,
            outcome,
            first_seconds: capacity.first_seconds,
            series: Some(recorder.series.series()),
            segments: recorder.segments,
            guard: None,
            seconds: 0.0,
        }
    }

    pub(super) fn settings(&self) -> Settings {
        let mut settings = self.options.settings.clone();
        settings.backfill = self.combination.backfill;
        if let Failures::Hazard { seed, .. } = &mut settings.failures {
            *seed = self.part.seed;
        }
        settings
    }

    /// Takes step after step until there is none; `None` when stopped. A step says whether there was one and
    /// how many jobs have come.
    fn watch(&self, mut step: impl FnMut() -> (bool, usize)) -> Option<()> {
        let mut told = 0;
        for moment in 1u32.. {
            let (more, arrived) = step();
            if !more || moment % MOMENTS_PER_TELLING == 0 {
                (self.progress)((arrived - told) as u64);
                told = arrived;
                if !more {
                    return Some(());
                }
            }
            // A moment may take long where the queue is long.
            if self.stop.load(Ordering::Relaxed) {
                return None;
            }
        }
        Some(())
    }
}

/// What the work of a run is set against.
#[derive(Clone, Copy)]
struct Capacity {
    /// Units when all is in service.
    units: u64,
    /// First submission of a job that the machine could ever hold, in seconds: a larger one is in no figure.
    first_seconds: i64,
}

/// The nodes of a part.
pub(super) fn gpu_nodes(part: &Part, placement: &str, topology: Topology) -> GpuNodes {
    GpuNodes::of_sizes(part.nodes.sizes().collect(), gang_placement(placement), topology)
}

/// The gang placement of that name.
fn gang_placement(name: &str) -> GangPlacement {
    match name {
        "spread" => GangPlacement::Spread,
        "topology" => GangPlacement::Topology,
        _ => GangPlacement::Consolidate,
    }
}
