//! Even-share: the node whose even share of resources most exceeds its even share of load.
//!
//! Source: the founding description of Lepton. With N nodes, total load L and total resources R, node i
//! with load I(i) and capacity C(i) has the load share `f(i) = L/N + I(i)/N` and the resource share
//! `g(i) = R/N + C(i)/N`; the task goes (`d(i,j) = 1`) where `f(i) - g(i)` is least. L/N and R/N are the
//! same for all nodes, so the order of the nodes is that of `(C(i) - I(i)) / N`. Good for evening out load
//! on unequal nodes; it takes no account of fragmentation.

use super::PlacementPolicy;
use super::best_fit::device_milli_free;
use crate::model::{ClassId, Cluster, NodeId};

/// Share of load `f(i) = L/N + I(i)/N` of a node with load `own` among `nodes` nodes with load `total`.
pub fn even_share_of_load(total: f64, own: f64, nodes: usize) -> f64 {
    (total + own) / nodes as f64
}

/// Share of resources `g(i) = R/N + C(i)/N` of a node of capacity `own` among `nodes` nodes with resources
/// `total`.
pub fn even_share_of_resources(total: f64, own: f64, nodes: usize) -> f64 {
    (total + own) / nodes as f64
}

/// Capacities of different resources are made comparable by dividing by the cluster's mean per node.
pub(in crate::decide) struct EvenShare {
    nodes: usize,
    mean_capacity: Vec<f64>,
    mean_device_milli: f64,
}

impl EvenShare {
    pub(in crate::decide) fn new(cluster: &Cluster) -> Self {
        let nodes = cluster.node_count().max(1);
        let mut mean_capacity = vec![0.0; cluster.schema().len()];
        for node in cluster.nodes() {
            for (mean, &capacity) in mean_capacity.iter_mut().zip(cluster.capacity(node)) {
                *mean += capacity as f64 / nodes as f64;
            }
        }
        Self {
            nodes,
            mean_capacity,
            mean_device_milli: cluster.device_milli_capacity() as f64 / nodes as f64,
        }
    }
}

impl PlacementPolicy for EvenShare {
    fn score(&mut self, cluster: &Cluster, _: ClassId, node: NodeId) -> f32 {
        let (mut load, mut capacity) = (0.0, 0.0);
        for ((mean, &all), &free) in
            self.mean_capacity.iter().zip(cluster.capacity(node)).zip(cluster.free(node))
        {
            if *mean > 0.0 {
                load += (all - free) as f64 / mean;
                capacity += all as f64 / mean;
            }
        }
        if self.mean_device_milli > 0.0 {
            let all = cluster.devices_free(node).len() as f64 * 1000.0;
            load += (all - device_milli_free(cluster, node) as f64) / self.mean_device_milli;
            capacity += all / self.mean_device_milli;
        }
        let share =
            even_share_of_resources(0.0, capacity, self.nodes) - even_share_of_load(0.0, load, self.nodes);
        share as f32
    }
}
