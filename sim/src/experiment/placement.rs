//! One run of a placement study: tasks arrive one by one and never leave; each is placed at once or
//! dropped. Protocol and sampling are those of the FGD study (Weng et al., USENIX ATC 2023, artifact).

use lepton_core::decide::placement::Placer;
use lepton_core::model::{Cluster, DEVICE_MILLI, NodeId, PlaceError, Task};
use serde::Serialize;

use crate::Clock;
use crate::workload::{Arrivals, PlacementWorkload};

/// Values by arrived load, in whole percent of the cluster's device capacity.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    /// 0, 1, 2, ... up to the load of the run.
    pub load_percent: Vec<u32>,
    /// Held device capacity, percent of all; `None` where no arrival fell on that load.
    pub allocation_percent: Vec<Option<f64>>,
    /// Free device capacity that the target workload cannot use, percent of all.
    pub fragmentation_percent: Vec<Option<f64>>,
}

impl Curve {
    /// The allocation at a load, or at the nearest lower one that has a sample.
    pub fn allocation_at(&self, load_percent: u32) -> Option<f64> {
        last_sample(&self.allocation_percent, load_percent)
    }

    /// The fragmentation at a load, or at the nearest lower one that has a sample.
    pub fn fragmentation_at(&self, load_percent: u32) -> Option<f64> {
        last_sample(&self.fragmentation_percent, load_percent)
    }
}

fn last_sample(values: &[Option<f64>], at: u32) -> Option<f64> {
    values.iter().take(at as usize + 1).rev().find_map(|v| *v)
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
    /// Held share of each node at each load of `heat_at`, in percent (devices; CPU on nodes without).
    pub heat: Vec<Vec<u8>>,
}

/// Replays `arrivals` under the policy of `placer`. `heat_at` lists the loads (percent, ascending) at which
/// the state of every node is kept.
///
/// # Errors
/// When the policy proposes a placement that breaks a rule: a fault of the policy, never of the input.
pub fn run_placement(
    workload: &PlacementWorkload,
    arrivals: &Arrivals,
    mut placer: Placer,
    heat_at: &[u32],
    clock: &dyn Clock,
) -> Result<PlacementRun, PlaceError> {
    let started = clock.now_nanos();
    let mut cluster = workload.cluster.clone();
    let capacity = cluster.device_milli_capacity().max(1) as f64;
    let mut node_fragmentation: Vec<f64> =
        cluster.nodes().map(|n| workload.target.node_fragmentation(&cluster, n)).collect();
    let mut fragmentation: f64 = node_fragmentation.iter().sum();
    let mut sampler = Sampler::default();
    let mut latency_nanos = Vec::with_capacity(arrivals.order.len());
    let mut heat = Vec::new();
    let (mut arrived, mut placed) = (0, 0);
    for &row in &arrivals.order {
        let entry = &workload.tasks[row as usize];
        let task = cluster.add_task(Task::new(entry.name.clone(), entry.class));
        let before = clock.now_nanos();
        let place = placer.place(&cluster, task);
        latency_nanos.push(u32::try_from(clock.now_nanos() - before).unwrap_or(u32::MAX));
        arrived += cluster.demand(task).device_milli();
        if let Some(place) = place {
            cluster.place(task, place)?;
            placed += 1;
            let now = workload.target.node_fragmentation(&cluster, place.node);
            let kept = &mut node_fragmentation[place.node.index()];
            fragmentation += now - *kept;
            *kept = now;
        }
        let load = (100.0 * arrived as f64 / capacity).round_ties_even() as u32;
        sampler.add(
            load,
            100.0 * cluster.device_milli_held() as f64 / capacity,
            100.0 * fragmentation / capacity,
        );
        while heat.len() < heat_at.len() && load >= heat_at[heat.len()] {
            heat.push(used_percent(&cluster));
        }
    }
    heat.resize_with(heat_at.len(), || used_percent(&cluster));
    Ok(PlacementRun {
        curve: sampler.curve(),
        decisions: arrivals.order.len(),
        placed,
        seconds: (clock.now_nanos() - started) as f64 / 1e9,
        latency_nanos,
        cluster,
        heat,
    })
}

/// Held share of each node, percent: of its devices, or of its CPU where it has none.
fn used_percent(cluster: &Cluster) -> Vec<u8> {
    let share = |node: NodeId| {
        let devices = cluster.devices_free(node);
        if devices.is_empty() {
            let (free, all) = (cluster.free(node)[0], cluster.capacity(node)[0].max(1));
            return (100 * (all - free) / all) as u8;
        }
        let all = devices.len() as u32 * u32::from(DEVICE_MILLI);
        let free: u32 = devices.iter().map(|&f| u32::from(f)).sum();
        ((100 * (all - free) + all / 2) / all) as u8
    };
    cluster.nodes().map(share).collect()
}

/// Means of the samples that fall on each whole percent of load.
#[derive(Default)]
struct Sampler {
    count: Vec<u32>,
    allocation: Vec<f64>,
    fragmentation: Vec<f64>,
}

impl Sampler {
    fn add(&mut self, load: u32, allocation: f64, fragmentation: f64) {
        let at = load as usize;
        if self.count.len() <= at {
            self.count.resize(at + 1, 0);
            self.allocation.resize(at + 1, 0.0);
            self.fragmentation.resize(at + 1, 0.0);
        }
        self.count[at] += 1;
        self.allocation[at] += two_decimals(allocation);
        self.fragmentation[at] += fragmentation;
    }

    fn curve(&self) -> Curve {
        let mean = |sums: &[f64]| {
            let means = sums.iter().zip(&self.count);
            means.map(|(s, &n)| (n > 0).then(|| two_decimals(s / f64::from(n)))).collect()
        };
        Curve {
            load_percent: (0..self.count.len() as u32).collect(),
            allocation_percent: mean(&self.allocation),
            fragmentation_percent: mean(&self.fragmentation),
        }
    }
}

fn two_decimals(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
