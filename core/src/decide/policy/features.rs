//! The features of the learned placement policy: what the capacity left on a node is worth, seen from several
//! sides. A placement is judged by how they change. None depends on absolute sizes or names, so the same weights
//! serve any cluster. Rewards are positive: each feature grows with what is good to keep.

use super::mix::{DeviceSums, Mix, NodeType};
use crate::model::DeviceDemand;

/// Version of the list below: models of another version are refused.
pub const FEATURES_VERSION: u32 = 2;

/// Names of the features, in the order of a model's weights.
pub const FEATURES: [&str; 9] = [
    // Free device capacity that the mix cannot use, negated: what FGD goes by.
    "fragmentation",
    // Total price of the tasks that fit into what is left on the devices.
    "share-value",
    // The same, of tasks that also find their CPU.
    "share-value-within-cpu",
    // The same times the price of the node's devices to tasks that are bound to device models.
    "bound-model-value",
    // The same times the price of the node's devices, given the CPU beside them.
    "node-type-value",
    // Free devices beyond what the free CPU serves at the mix's ratio, negated.
    "devices-without-cpu",
    // Free CPU beyond what the free devices need, in devices, negated.
    "cpu-without-devices",
    // Whether no device of the node is in use.
    "untouched-node",
    // Devices in use that are not full, negated.
    "partly-used-devices",
];

/// Kinds of tasks, each with weights of its own, in the order of a model's rows.
pub const TASK_KINDS: [&str; 3] = ["cpu-only", "sharing", "whole-devices"];

/// Which of [`TASK_KINDS`] a task is that asks for these devices.
pub(super) fn task_kind(devices: Option<DeviceDemand>) -> usize {
    devices.map_or(0, |d| if d.is_sharing() { 1 } else { 2 })
}

/// The features of a node with this much left.
pub(super) fn features(
    mix: &Mix,
    node: &NodeType,
    cpu_millicores: i64,
    cpu_step: usize,
    devices: usize,
    sums: &DeviceSums,
) -> [f64; FEATURES.len()] {
    let cpu_in_devices = cpu_millicores as f64 * mix.devices_per_millicore;
    [
        -mix.fragmentation(node, cpu_step, sums),
        sums.worth,
        sums.worth_within_cpu,
        node.bound_price * sums.worth,
        node.type_price * sums.worth,
        -(sums.free - cpu_in_devices).max(0.0),
        -(cpu_in_devices - sums.free).max(0.0),
        if sums.whole == devices { 1.0 } else { 0.0 },
        -(sums.partly_used as f64),
    ]
}
