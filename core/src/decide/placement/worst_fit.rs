//! Worst-fit: the node with the most CPU and device capacity left over once the task stands on it.
//!
//! Score: `trunc(100 ((c - q) / 2 C + (G - g) / 2 D))`, the mirror of best-fit. Source: Johnson (see
//! first-fit). Good for keeping load low on every node while the cluster is far from full; it strands
//! capacity when it fills up.

use super::PlacementPolicy;
use super::best_fit::left_over;
use super::scale::Scale;
use crate::model::{ClassId, Cluster, NodeId};

pub(in crate::decide) struct WorstFit {
    scale: Scale,
}

impl WorstFit {
    pub(in crate::decide) fn new(scale: Scale) -> Self {
        Self { scale }
    }
}

impl PlacementPolicy for WorstFit {
    fn score(&mut self, cluster: &Cluster, class: ClassId, node: NodeId) -> f32 {
        let (cpu, device_milli) = left_over(cluster, class, node);
        let score = 100.0 * (0.5 * cpu / self.scale.cpu + 0.5 * device_milli / self.scale.device_milli);
        score.trunc() as f32
    }
}
