//! What a plan is worth: named, weighted terms. All but the unplaced demand and the moves are sums over nodes, and a
//! node's part depends on what is free on that node alone, so a step changes the parts of two nodes.
//!
//! Fragmentation and worth are about tasks that may come. While tasks wait they buy no move: those that are here come first.

use crate::model::fragmentation::{DevicesLeft, TargetWorkload};
use crate::model::{Cluster, DEVICE_MILLI, NodeId, ResourceSchema, SAFETY_LEVEL, TaskId};

/// A term by name, with its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TermInfo {
    /// Name in objective files and results.
    pub name: &'static str,
    /// What one unit of it is.
    pub unit: &'static str,
}

/// The terms of the objective, in the order of [`Objective::weights`].
pub const OBJECTIVE_TERMS: [TermInfo; 6] = [
    TermInfo {
        name: "unplaced",
        unit: "a device (or 16 cores) of pending demand left waiting, times 1 + priority",
    },
    TermInfo { name: "fragmentation", unit: "a free device that the expected tasks cannot use, in the mean" },
    TermInfo { name: "migration", unit: "a moved task, plus its own move cost" },
    TermInfo { name: "overload", unit: "a node whose use is its whole capacity above the safety level" },
    TermInfo {
        name: "imbalance",
        unit: "a node whose devices are full while its CPU is idle, or the reverse",
    },
    TermInfo {
        name: "worth",
        unit: "a device's learned worth to the expected tasks, taken by what stands there",
    },
];

/// Weights of the terms, and the safety level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Objective {
    /// By term, in the order of [`OBJECTIVE_TERMS`]; each finite and not negative.
    pub weights: [f64; OBJECTIVE_TERMS.len()],
    /// Share of a node's capacity above which use counts as overload, 0 to 1.
    pub safety_level: f64,
}

impl Default for Objective {
    /// A device placed is worth twenty moves. With nothing waiting, a move that gives back a device's worth is worth two.
    /// Fragmentation was measured to be no guide to what can come (docs/benchmarks/defragmentation.md), so it has no weight.
    fn default() -> Self {
        Self { weights: [20.0, 0.0, 1.0, 0.0, 0.0, 2.0], safety_level: SAFETY_LEVEL }
    }
}

impl Objective {
    /// Whether the learned worth of what is left has a weight.
    pub fn counts_worth(&self) -> bool {
        self.weights[5] > 0.0
    }

    pub(super) fn unplaced(&self) -> f64 {
        self.weights[0]
    }

    pub(super) fn migration(&self) -> f64 {
        self.weights[2]
    }

    /// A move of the task, unweighted.
    pub(super) fn moving(&self, cluster: &Cluster, task: TaskId) -> f64 {
        1.0 + f64::from(cluster.task(task).move_cost.max(0.0))
    }

    /// The task left waiting, unweighted.
    pub(super) fn waiting(&self, cluster: &Cluster, task: TaskId) -> f64 {
        let demand = cluster.demand(task);
        let size = match demand.devices {
            Some(d) => d.total_milli() as f64 / f64::from(DEVICE_MILLI),
            None => cluster.size_in_devices(task),
        };
        let priority = f64::from(cluster.task(task).priority);
        let factor = if priority < 0.0 { 1.0 / (1.0 - priority) } else { 1.0 + priority };
        size * factor
    }

    /// The terms of a node with these resources and devices left, unweighted: fragmentation, overload,
    /// imbalance. Of a mix without shapes nothing is fragmented.
    pub fn node_terms(
        &self,
        cluster: &Cluster,
        target: &TargetWorkload,
        node: NodeId,
        left: &[i64],
        devices: &DevicesLeft,
    ) -> [f64; 3] {
        let [.., overload, imbalance, _] = self.weights;
        let milli = f64::from(DEVICE_MILLI);
        let fragmented = if target.is_empty() {
            0.0
        } else {
            target.fragmentation(left[ResourceSchema::CPU], devices) / milli
        };
        if overload == 0.0 && imbalance == 0.0 {
            return [fragmented, 0.0, 0.0];
        }
        let capacity = cluster.capacity(node);
        let used = |r: usize| 1.0 - left[r] as f64 / capacity[r].max(1) as f64;
        let above = (0..left.len()).map(|r| (used(r) - self.safety_level).max(0.0)).fold(0.0, f64::max);
        let count = devices.free().len();
        let uneven = if count == 0 {
            0.0
        } else {
            let free: f64 = devices.free().iter().map(|&f| f64::from(f)).sum();
            (1.0 - free / (count as f64 * milli) - used(ResourceSchema::CPU)).powi(2)
        };
        [fragmented, above, uneven]
    }
}
