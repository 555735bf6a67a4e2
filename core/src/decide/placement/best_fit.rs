//! Best-fit: the node with the least CPU and device capacity left over once the task stands on it.
//!
//! Score: `trunc(100 (1 - (c - q) / 2 C - (G - g) / 2 D))`, where c and G are the free CPU and device
//! capacity, q and g what the task asks for, C and D the largest of any node. Source: the FGD study (Weng
//! et al., USENIX ATC 2023). Good when whole free nodes must be kept for large tasks; the strongest of the
//! simple rules on mixed GPU workloads.

use super::PlacementPolicy;
use super::scale::Scale;
use crate::model::{ClassId, Cluster, NodeId, ResourceSchema};

pub(in crate::decide) struct BestFit {
    scale: Scale,
}

impl BestFit {
    pub(in crate::decide) fn new(scale: Scale) -> Self {
        Self { scale }
    }
}

impl PlacementPolicy for BestFit {
    fn score(&mut self, cluster: &Cluster, class: ClassId, node: NodeId) -> f32 {
        let (cpu, device_milli) = left_over(cluster, class, node);
        let score = 100.0 * (1.0 - 0.5 * cpu / self.scale.cpu - 0.5 * device_milli / self.scale.device_milli);
        score.trunc() as f32
    }
}

/// CPU (millicores) and device capacity (thousandths) left on the node with one more task of the class.
pub(super) fn left_over(cluster: &Cluster, class: ClassId, node: NodeId) -> (f64, f64) {
    let demand = &cluster.class(class).demand;
    let cpu = cluster.free(node)[ResourceSchema::CPU] - demand.resources[ResourceSchema::CPU];
    (cpu as f64, (device_milli_free(cluster, node) - demand.device_milli()) as f64)
}

/// Free device capacity of a node, thousandths.
pub(super) fn device_milli_free(cluster: &Cluster, node: NodeId) -> i64 {
    cluster.devices_free(node).iter().map(|&f| i64::from(f)).sum()
}
