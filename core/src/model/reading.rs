//! Readings: what sources tell of the cluster, in names, before anything is believed.

use serde::{Deserialize, Serialize};

use super::{DeviceKind, DeviceSet, DocumentDemand, Health, NamedRules, Preempts};

/// What one source tells at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Readings {
    /// The source's name.
    pub source: String,
    /// When the source last looked, seconds.
    pub time_seconds: u64,
    /// Number of this message among those of the source, one more each time: a gap means that some were lost, and what was
    /// told already is not told again. None of a source that does not count.
    #[serde(default)]
    pub sequence: Option<u64>,
    /// Whether this is everything there is: what is left out is gone.
    #[serde(default)]
    pub complete: bool,
    /// What it saw, in order.
    pub readings: Vec<Reading>,
}

/// One thing seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "most readings are of tasks")]
pub enum Reading {
    /// A node is there, and is like this.
    NodeAdded(NodeReading),
    /// A node is gone.
    NodeRemoved {
        /// The node.
        node: String,
    },
    /// Whether a device is in service.
    DeviceState {
        /// The node.
        node: String,
        /// Index of the device on it.
        device: usize,
        /// Whether it works.
        in_service: bool,
    },
    /// What an owner's placed tasks may hold together.
    OwnerQuota {
        /// The owner.
        owner: String,
        /// Amount of each resource, in the order of the schema, and thousandths of devices; none lifts the quota.
        quota: Option<(Vec<i64>, i64)>,
    },
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
    /// A task is there, and is like this. It wants a place while none is told.
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
    /// Indices of the devices that are out of service.
    #[serde(default)]
    pub devices_out_of_service: Vec<usize>,
    /// Label keys and values.
    #[serde(default)]
    pub labels: Vec<(String, String)>,
    /// Whether it works.
    pub health: Health,
}

/// A task as a source describes it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TaskReading {
    /// Unique name.
    pub name: String,
    /// Amount of each resource, in the order of the schema.
    pub demand: Vec<i64>,
    /// Devices asked for.
    #[serde(default)]
    pub devices: Option<DocumentDemand>,
    /// Who it belongs to.
    #[serde(default)]
    pub owner: Option<String>,
    /// The gang it is a member of: placed with all others or not at all.
    #[serde(default)]
    pub gang: Option<String>,
    /// The group it belongs to, for rules of this and other tasks.
    #[serde(default)]
    pub group: Option<String>,
    /// What binds it beside capacity and device model.
    #[serde(default)]
    pub rules: NamedRules,
    /// How long its user says that it runs, seconds.
    #[serde(default)]
    pub requested_seconds: Option<u64>,
    /// When its present run began, seconds.
    #[serde(default)]
    pub started_seconds: Option<u64>,
    /// What a move of it costs beside its standing still, device-minutes.
    #[serde(default)]
    pub move_cost: f32,
    /// Higher is more important.
    pub priority: i32,
    /// How long it stands still when it is moved, seconds.
    pub pause_seconds: u32,
    /// Never moved, and stopped only where `preemptible` says so.
    pub do_not_disrupt: bool,
    /// When less important tasks are stopped for it.
    #[serde(default)]
    pub preempts: Preempts,
    /// Whether it may be stopped for a more important one that preempts at once.
    #[serde(default)]
    pub preemptible: bool,
    /// When it was submitted, seconds.
    pub submitted_seconds: u64,
}
