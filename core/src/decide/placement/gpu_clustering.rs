//! GPU-clustering: tasks that ask for the same number of devices are kept together.
//!
//! The kind of a task is "shares one device" or its number of devices. Score (0 for tasks without devices):
//! `floor(25 (D - G) / D)` for the device capacity in use, plus 75 on a node that runs only tasks of that
//! kind, 50 where it runs them among others, 25 where it runs no task with devices, 0 otherwise. Source:
//! the FGD study's form of Xiao et al., "Gandiva", OSDI 2018. Good when large tasks would otherwise find
//! every node nibbled at.

use super::PlacementPolicy;
use super::best_fit::device_milli_free;
use super::scale::Scale;
use crate::model::{ClassId, Cluster, DeviceDemand, NodeId};

pub(in crate::decide) struct GpuClustering {
    scale: Scale,
}

impl GpuClustering {
    pub(in crate::decide) fn new(scale: Scale) -> Self {
        Self { scale }
    }
}

impl PlacementPolicy for GpuClustering {
    fn score(&mut self, cluster: &Cluster, class: ClassId, node: NodeId) -> f32 {
        let Some(demand) = cluster.class(class).demand.devices else {
            return 0.0;
        };
        let (mut same, mut other) = (false, false);
        for &task in cluster.hosted(node) {
            if let Some(hosted) = cluster.demand(task).devices {
                let alike = kind(&hosted) == kind(&demand);
                same |= alike;
                other |= !alike;
            }
        }
        let company = match (same, other) {
            (true, false) => 75.0,
            (true, true) => 50.0,
            (false, false) => 25.0,
            (false, true) => 0.0,
        };
        let most = self.scale.device_milli;
        let used = (25.0 * (most - device_milli_free(cluster, node) as f64) / most).floor();
        (company + used) as f32
    }
}

/// 0 for sharing tasks, otherwise the number of devices.
fn kind(demand: &DeviceDemand) -> u16 {
    if demand.is_sharing() { 0 } else { demand.count }
}
