//! Kubernetes' bin-packing score, most-allocated: the fullest node on which the task fits.
//!
//! Score: the mean over the resources of `floor(100 requested / capacity)`, rounded down; devices do not
//! count. Source: the plugin NodeResourcesFit of the Kubernetes scheduler with the MostAllocated strategy.
//! Good for clusters that are scaled down when nodes fall empty.

use super::PlacementPolicy;
use super::kube_least_allocated::requested_with;
use crate::model::{ClassId, Cluster, NodeId};

pub(in crate::decide) struct KubeMostAllocated;

impl PlacementPolicy for KubeMostAllocated {
    fn score(&mut self, cluster: &Cluster, class: ClassId, node: NodeId) -> f32 {
        let (sum, count) = requested_with(cluster, class, node)
            .fold((0, 0), |(sum, count), (capacity, requested)| {
                (sum + requested * 100 / capacity, count + 1)
            });
        if count == 0 { 0.0 } else { (sum / count) as f32 }
    }
}
