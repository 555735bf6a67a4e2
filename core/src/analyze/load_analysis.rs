//! Load in detail, for people and reports: per resource and node what is used, what is allocated and the gap between
//! them, how even it is, where it is hot and cold, what is the bottleneck, and which free capacity is stranded and why. `assess` keeps
//! the few numbers that deciders need; this is what lies behind them.

use serde::Serialize;

use super::load;
use crate::model::fragmentation::TargetWorkload;
use crate::model::{Cluster, DEVICE_MILLI, Health, NodeId, Settings, Snapshot};

/// A node used below this share of the safety level, in its busiest resource, is cold.
const COLD_SHARE: f64 = 0.25;
/// A resource of which a node has less than this share free is used up.
const USED_UP: f64 = 0.02;
/// What the devices are called among the resources.
const DEVICES: &str = "devices";

/// Load of one resource over the working nodes, or of the devices.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResourceLoad {
    /// Its name; `devices` for the devices, whose use is what is held.
    pub resource: String,
    /// Share of the capacity really used.
    pub used: f64,
    /// Share of the capacity promised to tasks.
    pub allocated: f64,
    /// What is promised and not used: `allocated - used`.
    pub gap: f64,
    /// Coefficient of variation of the nodes' use: 0 is perfect balance.
    pub variation: f64,
    /// Use of the busiest node over the mean: 1 is perfect balance.
    pub max_over_mean: f64,
    /// The busiest node.
    pub busiest: Option<NodeId>,
}

/// Why free capacity cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum StrandedCause {
    /// The node has no CPU left to go with it.
    NoCpu,
    /// The node has no memory, or another resource, left to go with it.
    NoOtherResource,
    /// The node takes no new tasks, or is down.
    NodeClosed,
    /// The device is out of service.
    DeviceOut,
    /// What is left of a device is smaller than what is usually asked for.
    Fragment,
}

impl StrandedCause {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::NoCpu, Self::NoOtherResource, Self::NodeClosed, Self::DeviceOut, Self::Fragment];

    /// Its code in files and on screens.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoCpu => "NoCpu",
            Self::NoOtherResource => "NoOtherResource",
            Self::NodeClosed => "NodeClosed",
            Self::DeviceOut => "DeviceOut",
            Self::Fragment => "Fragment",
        }
    }
}

/// Free capacity that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Stranded {
    /// Why.
    pub cause: StrandedCause,
    /// How much, in thousandths of a device.
    pub device_milli: i64,
    /// Nodes that have part in it.
    pub nodes: usize,
}

/// The load of a cluster in detail.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct LoadAnalysis {
    /// Each resource, then the devices if there are any.
    pub resources: Vec<ResourceLoad>,
    /// Working nodes above the safety level, the worst first.
    pub hot: Vec<NodeId>,
    /// Working nodes of which the busiest resource is used below a quarter of the safety level, the idlest first.
    pub cold: Vec<NodeId>,
    /// The resource that is allocated most: what the next tasks will wait for.
    pub bottleneck: Option<String>,
    /// Free device capacity that cannot be used, by cause.
    pub stranded: Vec<Stranded>,
    /// Free device capacity that the expected tasks cannot use, in devices; `None` without expected tasks.
    pub fragmentation: Option<f64>,
}

/// Analyses the load of the snapshot; `expected` is the mix of tasks that is to come, if one is known.
/// O(nodes x resources + placed tasks).
pub fn analyze_load(
    snapshot: &Snapshot,
    settings: &Settings,
    expected: Option<&TargetWorkload>,
) -> LoadAnalysis {
    let cluster = &snapshot.cluster;
    let working: Vec<NodeId> = cluster.nodes().filter(|&n| cluster.health(n) != Health::Down).collect();
    let uses = load::TaskUse::of(snapshot);
    let used = uses.used(&uses.use_of_demand());
    let busiest = |node: NodeId| load::of_node(snapshot, node, &used).used;
    let mut by_use: Vec<(f64, NodeId)> = working.iter().map(|&n| (busiest(n), n)).collect();
    by_use.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let resources = resources(snapshot, &working, &used);
    let bottleneck = resources.iter().max_by(|a, b| a.allocated.total_cmp(&b.allocated));
    LoadAnalysis {
        hot: by_use.iter().filter(|(used, _)| *used > settings.safety_level).map(|(_, n)| *n).collect(),
        cold: by_use
            .iter()
            .rev()
            .filter(|(used, _)| *used < COLD_SHARE * settings.safety_level)
            .map(|(_, n)| *n)
            .collect(),
        bottleneck: bottleneck.filter(|r| r.allocated > 0.0).map(|r| r.resource.clone()),
        stranded: stranded(cluster),
        fragmentation: expected
            .map(|workload| workload.cluster_fragmentation(cluster) / f64::from(DEVICE_MILLI)),
        resources,
    }
}

fn resources(snapshot: &Snapshot, working: &[NodeId], used: &[f64]) -> Vec<ResourceLoad> {
    let cluster = &snapshot.cluster;
    let mut all: Vec<ResourceLoad> = cluster
        .schema()
        .names()
        .iter()
        .enumerate()
        .map(|(r, name)| {
            let of = |node: NodeId| {
                let capacity = cluster.capacity(node)[r] as f64;
                (
                    used[node.index() * cluster.schema().len() + r],
                    capacity - cluster.free(node)[r] as f64,
                    capacity,
                )
            };
            of_resource(name, working, of)
        })
        .collect();
    if working.iter().any(|&n| !cluster.devices_free(n).is_empty()) {
        let of = |node: NodeId| {
            let devices = cluster.devices_free(node);
            let capacity = devices.len() as f64 * f64::from(DEVICE_MILLI);
            let held = capacity - devices.iter().map(|&f| f64::from(f)).sum::<f64>();
            (held, held, capacity)
        };
        all.push(of_resource(DEVICES, working, of));
    }
    all
}

/// `of` gives what a node uses, has promised, and has in all.
fn of_resource(name: &str, working: &[NodeId], of: impl Fn(NodeId) -> (f64, f64, f64)) -> ResourceLoad {
    let (mut used, mut allocated, mut capacity) = (0.0, 0.0, 0.0);
    let mut shares = Vec::new();
    for &node in working {
        let (node_used, node_allocated, node_capacity) = of(node);
        used += node_used;
        allocated += node_allocated;
        capacity += node_capacity;
        if node_capacity > 0.0 {
            shares.push((node_used / node_capacity, node));
        }
    }
    let (mean, deviation) = load::mean_and_deviation(shares.iter().map(|(share, _)| *share));
    let busiest = shares.iter().max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
    let share = |amount: f64| if capacity > 0.0 { amount / capacity } else { 0.0 };
    ResourceLoad {
        resource: name.to_owned(),
        used: share(used),
        allocated: share(allocated),
        gap: share(allocated) - share(used),
        variation: if mean > 0.0 { deviation / mean } else { 0.0 },
        max_over_mean: if mean > 0.0 { busiest.map_or(1.0, |(most, _)| most / mean) } else { 1.0 },
        busiest: busiest.filter(|(most, _)| *most > 0.0).map(|(_, node)| *node),
    }
}

/// Free device capacity by the first cause that keeps tasks from it.
fn stranded(cluster: &Cluster) -> Vec<Stranded> {
    let mut found = StrandedCause::ALL.map(|cause| Stranded { cause, device_milli: 0, nodes: 0 });
    for node in cluster.nodes() {
        for (found, milli) in found.iter_mut().zip(stranded_of(cluster, node)) {
            found.device_milli += milli;
            found.nodes += usize::from(milli > 0);
        }
    }
    found.into_iter().filter(|s| s.device_milli > 0).collect()
}

/// The same of one node, thousandths of devices in the order of [`StrandedCause::ALL`].
pub(super) fn stranded_of(cluster: &Cluster, node: NodeId) -> [i64; StrandedCause::ALL.len()] {
    let closed = cluster.health(node) != Health::Up;
    let free = |r: usize| cluster.free(node)[r] as f64 / (cluster.capacity(node)[r] as f64).max(1.0);
    let no_cpu = cluster.capacity(node).first().is_some_and(|&c| c > 0) && free(0) < USED_UP;
    let other = (1..cluster.capacity(node).len()).any(|r| cluster.capacity(node)[r] > 0 && free(r) < USED_UP);
    let mut milli = [0_i64; 5];
    for (&free, &in_service) in cluster.devices_free(node).iter().zip(cluster.devices_in_service(node)) {
        let cause = match () {
            () if closed => StrandedCause::NodeClosed,
            () if !in_service => StrandedCause::DeviceOut,
            () if no_cpu => StrandedCause::NoCpu,
            () if other => StrandedCause::NoOtherResource,
            // Parts below a tenth of a device serve hardly any task.
            () if free < DEVICE_MILLI / 10 => StrandedCause::Fragment,
            () => continue,
        };
        milli[StrandedCause::ALL.iter().position(|c| *c == cause).unwrap_or(0)] +=
            i64::from(if in_service { free } else { DEVICE_MILLI });
    }
    milli
}

#[cfg(test)]
mod tests;
