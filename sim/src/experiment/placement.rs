//! One run of a placement study: tasks arrive one by one and never leave; each is placed at once or
//! dropped. Protocol and sampling are those of the FGD study (Weng et al., USENIX ATC 2023, artifact).

use std::sync::atomic::{AtomicBool, Ordering};

use lepton_core::decide::placement::Placer;
use lepton_core::model::{Cluster, DEVICE_MILLI, PlaceError, Task};
use serde::Serialize;

use super::heat::{HeatFrame, HeatKeeper};
use crate::Clock;
use crate::workload::{Arrivals, PlacementWorkload};

/// Values by arrived load, in whole percent of the cluster's device capacity.
///
/// The value of a load is the mean over the arrivals that fall on it. A load that none falls on has the value of the
/// load before it: nothing arrived in between, so nothing changed. Within a run the allocation never falls.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    /// 0, 1, 2, ... up to the load of the run.
    pub load_percent: Vec<u32>,
    /// Held device capacity, percent of all; `None` where the sequence ends before that load, and everywhere where
    /// there are no devices or none is asked for.
    pub allocation_percent: Vec<Option<f64>>,
    /// Free device capacity that the target workload cannot use, percent of all; `None` likewise.
    pub fragmentation_percent: Vec<Option<f64>>,
}

/// How far a run goes and what it keeps.
#[derive(Debug, Clone, Copy)]
pub struct RunLimits<'a> {
    /// Device demand that is to arrive, as a multiple of the capacity: where the curve ends.
    pub load: f64,
    /// Loads, percent, ascending, at which the state of every node is kept.
    pub heat_at: &'a [u32],
    /// Ends the run without a result when it turns true.
    pub stop: &'a AtomicBool,
}

/// The result of one run.
#[derive(Debug, Clone)]
pub struct PlacementRun {
    /// Allocation and fragmentation by arrived load.
    pub curve: Curve,
    /// Tasks that arrived.
    pub decisions: usize,
    /// Tasks that found a place.
    pub placed: usize,
    /// Wall time of the whole run, seconds.
    pub seconds: f64,
    /// Time of each decision, nanoseconds, in order of arrival.
    pub latency_nanos: Vec<u32>,
    /// The cluster at the end.
    pub cluster: Cluster,
    /// The state of the nodes at each load of `heat_at`.
    pub heat: Vec<HeatFrame>,
}

/// A rule that a policy broke, in the names of the cluster: a fault of the policy, never of the input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BrokenRule(String);

impl BrokenRule {
    pub(super) fn of(cluster: &Cluster, error: PlaceError) -> Self {
        Self(cluster.refusal(&error))
    }
}

/// Replays `arrivals` under the policy of `placer`; `None` when it was stopped.
///
/// # Errors
/// When the policy proposes a placement that breaks a rule.
pub fn run_placement(
    workload: &PlacementWorkload,
    arrivals: &Arrivals,
    mut placer: Placer,
    limits: RunLimits<'_>,
    clock: &dyn Clock,
) -> Result<Option<PlacementRun>, BrokenRule> {
    let started = clock.now_nanos();
    let mut cluster = workload.cluster.clone();
    let capacity = cluster.device_milli_capacity();
    let mut node_fragmentation: Vec<f64> =
        cluster.nodes().map(|n| workload.target.node_fragmentation(&cluster, n)).collect();
    let mut fragmentation: f64 = node_fragmentation.iter().sum();
    let mut sampler = Sampler::new(limits.load, capacity, fragmentation);
    let mut latency_nanos = Vec::with_capacity(arrivals.order.len());
    let mut heat = HeatKeeper::new(&cluster, limits.heat_at);
    let (mut arrived, mut placed) = (0, 0);
    for &row in &arrivals.order {
        if limits.stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let entry = &workload.tasks[row as usize];
        let task = cluster.add_task(Task::new(entry.name.clone(), entry.class));
        let before = clock.now_nanos();
        let place = placer.place(&cluster, task);
        latency_nanos.push(u32::try_from(clock.now_nanos() - before).unwrap_or(u32::MAX));
        arrived += cluster.demand(task).device_milli();
        let mut changed = None;
        if let Some(place) = place {
            cluster.place(task, place).map_err(|error| BrokenRule::of(&cluster, error))?;
            placed += 1;
            let now = workload.target.node_fragmentation(&cluster, place.node);
            let kept = &mut node_fragmentation[place.node.index()];
            fragmentation += now - *kept;
            *kept = now;
            changed = Some(place.node);
        }
        let load = sampler.add(arrived, cluster.device_milli_held(), fragmentation);
        heat.arrived(&cluster, load, changed);
    }
    Ok(Some(PlacementRun {
        curve: sampler.curve(),
        decisions: arrivals.order.len(),
        placed,
        seconds: (clock.now_nanos() - started) as f64 / 1e9,
        latency_nanos,
        cluster,
        heat: heat.frames(),
    }))
}

/// Means of the samples that fall on each whole percent of load.
struct Sampler {
    /// Device demand that is to arrive, thousandths of a device.
    wanted_milli: f64,
    capacity_milli: i64,
    arrived_milli: i64,
    /// Free and useless devices of the empty cluster, thousandths.
    fragmentation_before: f64,
    count: Vec<u32>,
    allocation: Vec<f64>,
    fragmentation: Vec<f64>,
}

impl Sampler {
    fn new(load: f64, capacity_milli: i64, fragmentation_before: f64) -> Self {
        let loads = percent_of_load(load) as usize + 1;
        Self {
            wanted_milli: load * capacity_milli as f64,
            capacity_milli,
            arrived_milli: 0,
            fragmentation_before,
            count: vec![0; loads],
            allocation: vec![0.0; loads],
            fragmentation: vec![0.0; loads],
        }
    }

    /// Takes in the state after an arrival, in thousandths of a device, and gives its load in percent. What arrives
    /// beyond the load of the run belongs to no load.
    fn add(&mut self, arrived: i64, held: i64, fragmentation: f64) -> u32 {
        self.arrived_milli = arrived;
        let percent = |milli: f64| 100.0 * milli / self.capacity_milli.max(1) as f64;
        let load = percent(arrived as f64).round_ties_even();
        let at = load as usize;
        if at < self.count.len() {
            self.count[at] += 1;
            self.allocation[at] += two_decimals(percent(held as f64));
            self.fragmentation[at] += percent(fragmentation);
        }
        load as u32
    }

    fn curve(&self) -> Curve {
        Curve {
            load_percent: (0..self.count.len() as u32).collect(),
            allocation_percent: self.means(&self.allocation, 0.0),
            fragmentation_percent: self.means(&self.fragmentation, self.fragmentation_before),
        }
    }

    /// The means by load, each carried on to where the next sample is. A drawn sequence ends when the next task would
    /// pass the load, so within a device of it: it has reached it.
    fn means(&self, sums: &[f64], before_milli: f64) -> Vec<Option<f64>> {
        if self.capacity_milli == 0 || self.arrived_milli == 0 {
            return vec![None; sums.len()];
        }
        let whole = self.arrived_milli as f64 + f64::from(DEVICE_MILLI) >= self.wanted_milli;
        let last = self.count.iter().rposition(|&n| n > 0).unwrap_or(0);
        let mut value = two_decimals(100.0 * before_milli / self.capacity_milli as f64);
        let means = sums.iter().zip(&self.count).enumerate().map(|(load, (sum, &n))| {
            if n > 0 {
                value = two_decimals(sum / f64::from(n));
            }
            (whole || load <= last).then_some(value)
        });
        means.collect()
    }
}

/// The whole percent that a load, a multiple of the capacity, lies at or below.
pub(super) fn percent_of_load(load: f64) -> u32 {
    let percent = 100.0 * load;
    let near = percent.round();
    // 1.1 x 100 is a little more than 110.
    if (percent - near).abs() < 1e-6 { near as u32 } else { percent.ceil() as u32 }
}

fn two_decimals(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use lepton_core::decide::placement::PlacementPolicy;
    use lepton_core::model::{ClassId, DeviceSet, NodeId};

    use super::*;
    use crate::FrozenClock;
    use crate::generate::openb_like;
    use crate::workload::sequence;

    /// Takes no device, whatever the task asks for.
    struct Careless;

    impl PlacementPolicy for Careless {
        fn score(&mut self, _: &Cluster, _: ClassId, _: NodeId) -> f32 {
            0.0
        }

        fn devices(&mut self, _: &Cluster, _: ClassId, _: NodeId) -> DeviceSet {
            DeviceSet::NONE
        }
    }

    #[test]
    fn a_broken_rule_names_the_task_and_the_node() {
        let workload = openb_like(20);
        let placer = Placer::new(Box::new(Careless), workload.cluster.nodes().collect());
        let limits = RunLimits { load: 1.0, heat_at: &[], stop: &AtomicBool::new(false) };
        let run = run_placement(&workload, &sequence(&workload, 1.0, 1), placer, limits, &FrozenClock);
        let said = run.expect_err("a task without the devices that it asks for").to_string();
        let named = workload.tasks.iter().any(|task| said.contains(&format!("task `{}`", task.name)));
        assert!(named && said.contains("cannot stand on node `"), "{said}");
    }
}
