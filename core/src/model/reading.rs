//! Readings: what sources tell of the cluster, in names, before anything is believed.

use serde::{Deserialize, Serialize};

use super::{DeviceKind, DeviceSet, Health};

/// What one source tells at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Readings {
    /// The source's name.
    pub source: String,
    /// When the source last looked, seconds.
    pub time_seconds: u64,
    /// What it saw, in order.
    pub readings: Vec<Reading>,
}

/// One thing seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Reading {
    /// A node is there.
    NodeAdded(NodeReading),
    /// A node's state.
    NodeState {
        /// The node.
        node: String,
        /// Its state.
        health: Health,
        /// Whether it was this loop that cordoned it.
        cordoned_by_loop: bool,
    },
    /// A counter or gauge of a node that may speak of coming faults, such as `corrected_memory_errors_per_hour`.
    Signal {
        /// The node.
        node: String,
        /// Its name, with the unit last.
        signal: String,
        /// Its value, at least 0; 0 takes the signal back.
        value: f64,
    },
    /// A task wants a place.
    TaskSubmitted(TaskReading),
    /// A task stands somewhere.
    TaskPlaced {
        /// The task.
        task: String,
        /// The node.
        node: String,
        /// Its devices there.
        devices: DeviceSet,
    },
    /// A task lost its place and wants another: its node failed, or it was evicted.
    TaskUnplaced {
        /// The task.
        task: String,
    },
    /// A placed task has been told to go and still stands where it was.
    TaskLeaving {
        /// The task.
        task: String,
    },
    /// A task is done, or gone for another reason.
    TaskEnded {
        /// The task.
        task: String,
    },
    /// What a placed task really uses.
    TaskUse {
        /// The task.
        task: String,
        /// Use of each resource, in the order of the schema.
        amounts: Vec<i64>,
        /// Work that would be lost if its node failed now, seconds.
        unsaved_seconds: u64,
    },
}

/// A node as a source describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeReading {
    /// Unique name.
    pub name: String,
    /// Capacity of each resource, in the order of the schema.
    pub capacity: Vec<i64>,
    /// Kind and model of each device.
    pub devices: Vec<(DeviceKind, String)>,
    /// Whether it works.
    pub health: Health,
}

/// A task as a source describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskReading {
    /// Unique name.
    pub name: String,
    /// Amount of each resource, in the order of the schema.
    pub demand: Vec<i64>,
    /// Devices asked for and thousandths of each; 0 and 0 without.
    pub devices: (u16, u16),
    /// Higher is more important.
    pub priority: i32,
    /// How long it stands still when it is moved, seconds.
    pub pause_seconds: u32,
    /// Never moved or preempted.
    pub do_not_disrupt: bool,
    /// When it was submitted, seconds.
    pub submitted_seconds: u64,
}
