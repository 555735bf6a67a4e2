//! The learned worth of what is left on a node: V(s) is its sum over the nodes. What the learned placement adds to fgd's gain is
//! the change of weighted features; weighted as the mix asks for its kinds of tasks, the same features say what a state is worth,
//! whatever led to it.

use super::features::{FEATURES, TASK_KINDS, features, task_kind};
use super::mix::Mix;
use super::model::PlacementModel;
use crate::model::fragmentation::TargetWorkload;
use crate::model::{Cluster, DEVICE_MILLI, NodeId, ResourceSchema};

/// A model's worth of free capacity on the nodes of one cluster, to one mix of tasks, in devices.
#[derive(Debug)]
pub struct NodeValue {
    mix: Mix,
    weights: [f64; FEATURES.len()],
    /// Per node: what it is worth with nothing on it.
    idle: Vec<f64>,
}

impl NodeValue {
    /// For the expected tasks on this cluster, whatever stands on it now.
    pub fn new(cluster: &Cluster, expected: &TargetWorkload, model: &PlacementModel) -> Self {
        let mut shares = [0.0; TASK_KINDS.len()];
        for shape in expected.all_shapes() {
            shares[task_kind(shape.devices)] += shape.share;
        }
        let mut weights = [0.0; FEATURES.len()];
        // The first feature is fragmentation, negated: fgd's own gain, which the model corrects.
        weights[0] = 1.0;
        for (row, share) in model.correction.iter().zip(shares) {
            for (sum, &weight) in weights.iter_mut().zip(row) {
                *sum += share * f64::from(weight);
            }
        }
        let mut value = Self { mix: Mix::new(cluster, expected), weights, idle: Vec::new() };
        let idle = |node: NodeId| {
            let free = vec![DEVICE_MILLI; cluster.devices_free(node).len()];
            value.of(node, cluster.capacity(node)[ResourceSchema::CPU], &free)
        };
        value.idle = cluster.nodes().map(idle).collect();
        value
    }

    /// What is left on the node is worth: so much CPU, and so much of each device, in thousandths.
    fn of(&self, node: NodeId, cpu_millicores: i64, free: &[u16]) -> f64 {
        let (node_type, step) = (self.mix.node_type(node), self.mix.cpu_step(cpu_millicores));
        let sums = self.mix.sums(node_type, step, free);
        let features = features(&self.mix, node_type, cpu_millicores, step, free.len(), &sums);
        features.iter().zip(&self.weights).map(|(feature, weight)| feature * weight).sum()
    }

    /// What of the node's worth is taken with so much left.
    pub fn taken(&self, node: NodeId, cpu_millicores: i64, free: &[u16]) -> f64 {
        self.idle[node.index()] - self.of(node, cpu_millicores, free)
    }
}
