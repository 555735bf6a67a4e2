//! Load: how much of each node is used, promised and held, and how evenly.

use crate::model::{Cluster, DEVICE_MILLI, NodeId, NodeLoad, Snapshot};

/// Per resource: real use as a share of demand over all placed tasks whose use is known; 1 while none is.
pub(super) fn use_of_demand(snapshot: &Snapshot) -> Vec<f64> {
    let cluster = &snapshot.cluster;
    let mut sums = vec![(0_i64, 0_i64); cluster.schema().len()];
    for node in cluster.nodes() {
        for &task in cluster.hosted(node) {
            let known = snapshot.task(task).used.iter().zip(&cluster.demand(task).resources);
            for (sum, (used, demanded)) in sums.iter_mut().zip(known) {
                *sum = (sum.0 + used, sum.1 + demanded);
            }
        }
    }
    let share =
        |&(used, demanded): &(i64, i64)| if demanded == 0 { 1.0 } else { used as f64 / demanded as f64 };
    sums.iter().map(share).collect()
}

/// nodes x resources: what is really used, in the resource's unit; tasks of unknown use count with so many times their
/// demand.
pub(super) fn used(snapshot: &Snapshot, use_of_demand: &[f64]) -> Vec<f64> {
    let of =
        |node| use_of_demand.iter().enumerate().map(move |(r, &expected)| snapshot.used(node, r, expected));
    snapshot.cluster.nodes().flat_map(of).collect()
}

/// Load of one node.
pub(super) fn of_node(snapshot: &Snapshot, node: NodeId, used: &[f64]) -> NodeLoad {
    let cluster = &snapshot.cluster;
    let mut load = NodeLoad::default();
    let resources = cluster.schema().len();
    for (resource, &capacity) in cluster.capacity(node).iter().enumerate() {
        if capacity > 0 {
            let used = used[node.index() * resources + resource] / capacity as f64;
            let promised = (capacity - cluster.free(node)[resource]) as f64 / capacity as f64;
            load.used = load.used.max(used);
            load.promised = load.promised.max(promised);
        }
    }
    load.devices_held = devices_held(cluster, &[node]);
    load
}

/// Share of the device capacity of these nodes that is held; 0 without devices.
pub(super) fn devices_held(cluster: &Cluster, nodes: &[NodeId]) -> f64 {
    let (mut free, mut all) = (0, 0);
    for &node in nodes {
        let devices = cluster.devices_free(node);
        free += devices.iter().map(|&f| u64::from(f)).sum::<u64>();
        all += devices.len() as u64 * u64::from(DEVICE_MILLI);
    }
    if all == 0 { 0.0 } else { (all - free) as f64 / all as f64 }
}

/// Mean and standard deviation; zeros of nothing.
pub(super) fn mean_and_deviation(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let (count, sum) = values.clone().fold((0_u32, 0.0), |(n, s), v| (n + 1, s + v));
    if count == 0 {
        return (0.0, 0.0);
    }
    let mean = sum / f64::from(count);
    let squares: f64 = values.map(|v| (v - mean) * (v - mean)).sum();
    (mean, (squares / f64::from(count)).sqrt())
}
