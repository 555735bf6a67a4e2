//! Dot-product: the node whose free capacity is least aligned with the demand, so that large free vectors
//! are kept for later.
//!
//! Score: `trunc(100 (1 - (c q / C^2 + G g / D^2) / 2))` with the letters of best-fit. Source: the FGD
//! study's form of Grandl et al., "Multi-resource packing for cluster schedulers" (Tetris), SIGCOMM 2014.
//! Good when CPU and devices are about equally scarce.

use super::PlacementPolicy;
use super::best_fit::device_milli_free;
use super::scale::Scale;
use crate::model::{ClassId, Cluster, NodeId, ResourceSchema};

pub(in crate::decide) struct DotProduct {
    scale: Scale,
}

impl DotProduct {
    pub(in crate::decide) fn new(scale: Scale) -> Self {
        Self { scale }
    }
}

impl PlacementPolicy for DotProduct {
    fn score(&mut self, cluster: &Cluster, class: ClassId, node: NodeId) -> f32 {
        let demand = &cluster.class(class).demand;
        let cpu = (cluster.free(node)[ResourceSchema::CPU] * demand.resources[ResourceSchema::CPU]) as f64;
        let devices = (device_milli_free(cluster, node) * demand.device_milli()) as f64;
        let Scale { cpu: c, device_milli: d } = self.scale;
        let score = 100.0 * (1.0 - (cpu / (c * c) + devices / (d * d)) / 2.0);
        score.trunc() as f32
    }
}
