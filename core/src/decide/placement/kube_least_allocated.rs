//! Kubernetes' default scores: least-allocated (the emptiest node) plus balanced-allocation (resources used
//! in equal shares), each from 0 to 100 and of equal weight.
//!
//! Least-allocated: the mean over the resources of `floor(100 (capacity - requested) / capacity)`, rounded
//! down. Balanced-allocation: `trunc(100 (1 - sd))` with sd the standard deviation of the requested shares.
//! As in the stock configuration the resources are CPU, memory and what else the cluster names; devices do
//! not count. Source: the plugins NodeResourcesFit and NodeResourcesBalancedAllocation of the Kubernetes
//! scheduler. Good for services that share a cluster that is never full; it spreads GPU tasks thinly.

use super::PlacementPolicy;
use crate::model::{ClassId, Cluster, NodeId};

pub(in crate::decide) struct KubeLeastAllocated;

impl PlacementPolicy for KubeLeastAllocated {
    fn score(&mut self, cluster: &Cluster, class: ClassId, node: NodeId) -> f32 {
        let (mut sum, mut count) = (0, 0);
        let (mut shares, mut squares) = (0.0, 0.0);
        for (capacity, requested) in requested_with(cluster, class, node) {
            sum += (capacity - requested) * 100 / capacity;
            count += 1;
            let share = requested as f64 / capacity as f64;
            shares += share;
            squares += share * share;
        }
        if count == 0 {
            return 0.0;
        }
        let mean = shares / count as f64;
        let deviation = (squares / count as f64 - mean * mean).max(0.0).sqrt();
        let balanced = (100.0 * (1.0 - deviation)).trunc();
        (sum / count) as f32 + balanced as f32
    }
}

/// Capacity and requested amount, the class included, of each resource that the node has.
pub(super) fn requested_with(
    cluster: &Cluster,
    class: ClassId,
    node: NodeId,
) -> impl Iterator<Item = (i64, i64)> {
    let demand = &cluster.class(class).demand.resources;
    (cluster.capacity(node).iter().zip(cluster.free(node)).zip(demand))
        .filter(|&((&capacity, _), _)| capacity > 0)
        .map(|((&capacity, free), need)| (capacity, capacity - free + need))
}
