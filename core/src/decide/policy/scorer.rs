//! The learned placement policy: fragmentation gradient descent plus a learned correction.
//!
//! A placement's gain is the fall of the node's fragmentation, in devices, plus the weighted change of the
//! [features](super::features); the score is that gain in whole steps, so that near-equal nodes tie, plus a
//! fraction for how full the node is. With all weights 0 it is FGD with even steps in place of a sigmoid. It is
//! a function of the class, the state of that node and the mix, and takes well under a microsecond.

use std::sync::Arc;

use super::features::{FEATURES, features, task_kind};
use super::mix::{DeviceSums, Mix, NodeType};
use super::model::PlacementModel;
use crate::decide::placement::{PlacementPolicy, tightest_devices};
use crate::model::{ClassId, Cluster, DEVICE_MILLI, DeviceSet, NodeId, ResourceSchema};

/// Steps of a device in which FGD's gain is counted before a model changes it.
const STEPS_PER_DEVICE: f64 = 25.0;
/// Gains that differ by less than this are equal but for rounding.
const ROUNDING: f64 = 1e-9;
/// The fraction stays below one step.
const FRACTION_MAX: f64 = 0.9;

/// A model at work on one cluster with one mix.
#[derive(Debug, Clone)]
pub struct LearnedPlacement {
    mix: Arc<Mix>,
    correction: [[f64; FEATURES.len()]; 3],
    steps_per_device: f64,
    fullness: f64,
}

impl LearnedPlacement {
    /// The policy of this model on the cluster and mix.
    pub fn new(mix: Arc<Mix>, model: &PlacementModel) -> Self {
        let [step, fullness] = model.rounding.map(f64::from);
        Self {
            mix,
            correction: model.correction.map(|row| row.map(f64::from)),
            steps_per_device: STEPS_PER_DEVICE * step.exp(),
            fullness,
        }
    }

    /// The score of the node and the devices that reach it.
    fn best(&self, cluster: &Cluster, class: ClassId, node: NodeId) -> (f32, DeviceSet) {
        let mix = &*self.mix;
        let demand = &cluster.class(class).demand;
        let free = cluster.devices_free(node);
        let cpu_before = cluster.free(node)[ResourceSchema::CPU];
        let cpu_after = cpu_before - demand.resources[ResourceSchema::CPU];
        let (step_before, step_after) = (mix.cpu_step(cpu_before), mix.cpu_step(cpu_after));
        let node_type = mix.node_type(node);
        let before = mix.sums(node_type, step_before, free);
        let judge = Judge {
            scorer: self,
            node_type,
            devices: free.len(),
            cpu: (cpu_after, step_after),
            before: features(mix, node_type, cpu_before, step_before, free.len(), &before),
            weights: &self.correction[task_kind(demand.devices)],
            fraction: self.fraction(before.free, free.len()),
        };
        let rest = if step_before == step_after { before } else { mix.sums(node_type, step_after, free) };
        let Some(wanted) = demand.devices else { return (judge.score(&rest), DeviceSet::NONE) };
        let with_less = |taken: DeviceSet| {
            let mut after = rest;
            for index in taken.iter() {
                mix.count(node_type, step_after, free[index], -1.0, &mut after);
                mix.count(node_type, step_after, free[index] - wanted.milli, 1.0, &mut after);
            }
            judge.score(&after)
        };
        if !wanted.is_sharing() {
            let taken = tightest_devices(cluster, node, &wanted);
            return (with_less(taken), taken);
        }
        let models = cluster.device_models(node);
        let mut best = (f32::NEG_INFINITY, DeviceSet::NONE);
        for (index, &left) in free.iter().enumerate() {
            // Equal devices give equal scores: only the first of them can win.
            let seen = (0..index).any(|i| free[i] == left && models[i] == models[index]);
            if left < wanted.milli || seen || !wanted.accept.contains(models[index]) {
                continue;
            }
            let score = with_less(DeviceSet::one(index));
            if score > best.0 {
                best = (score, DeviceSet::one(index));
            }
        }
        best
    }

    /// What is added for a node that is already in use.
    fn fraction(&self, free: f64, devices: usize) -> f64 {
        let used = if devices == 0 { 0.0 } else { 1.0 - free / devices as f64 };
        (self.fullness * used).clamp(-FRACTION_MAX, FRACTION_MAX)
    }
}

/// Scores what a placement leaves of one node.
struct Judge<'a> {
    scorer: &'a LearnedPlacement,
    node_type: &'a NodeType,
    devices: usize,
    /// CPU left after the placement: millicores and their step.
    cpu: (i64, usize),
    before: [f64; FEATURES.len()],
    weights: &'a [f64; FEATURES.len()],
    fraction: f64,
}

impl Judge<'_> {
    fn score(&self, after: &DeviceSums) -> f32 {
        let mix = &*self.scorer.mix;
        let after = features(mix, self.node_type, self.cpu.0, self.cpu.1, self.devices, after);
        let change = |i: usize| after[i] - self.before[i];
        let correction: f64 = (0..FEATURES.len()).map(|i| self.weights[i] * change(i)).sum();
        let gain = change(0) + correction;
        ((gain * self.scorer.steps_per_device + ROUNDING).floor() + self.fraction) as f32
    }
}

impl PlacementPolicy for LearnedPlacement {
    fn score(&mut self, cluster: &Cluster, class: ClassId, node: NodeId) -> f32 {
        self.best(cluster, class, node).0
    }

    fn devices(&mut self, cluster: &Cluster, class: ClassId, node: NodeId) -> DeviceSet {
        self.best(cluster, class, node).1
    }
}

const _: () = assert!(DEVICE_MILLI == 1000, "the tables have a place for each thousandth of a device");
