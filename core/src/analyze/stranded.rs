//! Stranded devices: free device capacity that cannot be used because its node has too little CPU left.

use crate::model::{Cluster, NodeId, ResourceSchema};

/// CPU that a device typically needs, as a share of the node's CPU per device.
const CPU_SHARE_NEEDED: f64 = 0.25;

/// Free device capacity (thousandths) beyond what the CPU left on each node can serve, where serving a
/// device takes a quarter of the node's CPU per device.
pub(super) fn milli(cluster: &Cluster, nodes: &[NodeId]) -> i64 {
    let of_node = |&node: &NodeId| {
        let devices = cluster.devices_free(node);
        if devices.is_empty() {
            return 0;
        }
        let free: i64 = devices.iter().map(|&f| i64::from(f)).sum();
        let per_device = cluster.capacity(node)[ResourceSchema::CPU] as f64 / devices.len() as f64;
        let needed = (CPU_SHARE_NEEDED * per_device).max(1.0);
        let served = (cluster.free(node)[ResourceSchema::CPU] as f64 / needed * 1000.0) as i64;
        (free - served).max(0)
    };
    nodes.iter().map(of_node).sum()
}
