//! Fragmentation gradient descent (FGD): the node, and the device, where the task makes the least free
//! device capacity unusable for the expected mix of tasks.
//!
//! Score: `trunc(100 sigmoid((F - F') / 1000))` with F the node's fragmentation before and F' after,
//! in thousandths of a device; the best device of the node counts, the lowest-numbered of equals. The
//! truncation matters: it lets near-equal nodes tie, and the fixed order then fills node after node.
//! Source: Weng et al., "Beware of Fragmentation", USENIX ATC 2023. Good on GPU clusters with many shared
//! devices and a mix that is known from history.

use super::{PlacementPolicy, tightest_devices};
use crate::model::fragmentation::{DevicesLeft, TargetWorkload};
use crate::model::{ClassId, Cluster, DeviceSet, NodeId, ResourceSchema};

pub(in crate::decide) struct FragmentationGradientDescent {
    target: TargetWorkload,
}

impl FragmentationGradientDescent {
    pub(in crate::decide) fn new(target: TargetWorkload) -> Self {
        Self { target }
    }

    /// The score of the node and the devices that reach it.
    fn best(&self, cluster: &Cluster, class: ClassId, node: NodeId) -> (f32, DeviceSet) {
        let demand = &cluster.class(class).demand;
        let cpu_before = cluster.free(node)[ResourceSchema::CPU];
        let cpu_after = cpu_before - demand.resources[ResourceSchema::CPU];
        let mut devices = DevicesLeft::of_node(cluster, node);
        let before = self.target.fragmentation(cpu_before, &devices);
        let score_of = |devices: &DevicesLeft| {
            let growth = before - self.target.fragmentation(cpu_after, devices);
            (1.0 / (1.0 + (-growth / 1000.0).exp()) * 100.0).trunc() as f32
        };
        let Some(wanted) = demand.devices else {
            return (score_of(&devices), DeviceSet::NONE);
        };
        if !wanted.is_sharing() {
            let taken = tightest_devices(cluster, node, &wanted);
            for index in taken.iter() {
                devices.take(index, wanted.milli);
            }
            return (score_of(&devices), taken);
        }
        let mut best = (f32::NEG_INFINITY, DeviceSet::NONE);
        for index in 0..devices.free().len() {
            let free = devices.free()[index];
            // Equal devices give equal scores: only the first of them can win.
            let seen = devices.free()[..index].contains(&free) && !devices.mixed();
            if free < wanted.milli || seen || !devices.accepted(index, &wanted) {
                continue;
            }
            devices.take(index, wanted.milli);
            let score = score_of(&devices);
            devices.give(index, wanted.milli);
            if score > best.0 {
                best = (score, DeviceSet::one(index));
            }
        }
        best
    }
}

impl PlacementPolicy for FragmentationGradientDescent {
    fn score(&mut self, cluster: &Cluster, class: ClassId, node: NodeId) -> f32 {
        self.best(cluster, class, node).0
    }

    fn devices(&mut self, cluster: &Cluster, class: ClassId, node: NodeId) -> DeviceSet {
        self.best(cluster, class, node).1
    }
}
