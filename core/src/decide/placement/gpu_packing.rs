//! GPU-packing: devices in use first, then free devices of nodes in use, then empty nodes.
//!
//! Score (0 for tasks without devices): a node whose f devices are all free `max(33 - f, f)`; otherwise
//! over the k tightest fitting devices, when u > 0 of them are free `max(50 - u, 33)`, else
//! `max(100 - floor(sum floor(r_i / 10) / 10), 50)` with r_i the thousandths left. Source: the FGD study's
//! form of Weng et al., "MLaaS in the wild", NSDI 2022. Good when shared devices are many and whole nodes
//! must stay free for gangs.

use super::{PlacementPolicy, tightest_devices};
use crate::model::{ClassId, Cluster, DEVICE_MILLI, NodeId};

pub(in crate::decide) struct GpuPacking;

impl PlacementPolicy for GpuPacking {
    fn score(&mut self, cluster: &Cluster, class: ClassId, node: NodeId) -> f32 {
        let Some(demand) = cluster.class(class).demand.devices else {
            return 0.0;
        };
        let free = cluster.devices_free(node);
        if free.iter().all(|&f| f == DEVICE_MILLI) {
            let all = free.len() as f32;
            return (33.0 - all).max(all);
        }
        let chosen = tightest_devices(cluster, node, &demand);
        let opened = chosen.iter().filter(|&i| free[i] == DEVICE_MILLI).count();
        if opened > 0 {
            return (50.0 - opened as f32).max(33.0);
        }
        let left: u32 = chosen.iter().map(|i| u32::from(free[i] / 10)).sum();
        (100.0 - (left / 10) as f32).max(50.0)
    }
}
