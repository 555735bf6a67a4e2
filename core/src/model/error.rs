//! Errors of the model: a value that cannot be part of a cluster, a placement that breaks a rule.

use std::fmt;

use super::{NodeId, TaskId, counted};

/// A node, task or resource that cannot be part of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// A schema with no resource or too many.
    #[error("a cluster names {count} resources, expected 1 to {max}")]
    ResourceCount {
        /// How many were named.
        count: usize,
        /// The limit.
        max: usize,
    },
    /// Two things of a kind with one name.
    #[error("the {kind} name `{name}` is used twice")]
    DuplicateName {
        /// node, resource, ...
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A vector of amounts of the wrong length.
    #[error("`{name}` gives {given} amounts, expected one for each of {expected} resources")]
    AmountCount {
        /// Node or class.
        name: String,
        /// Amounts given.
        given: usize,
        /// Resources of the schema.
        expected: usize,
    },
    /// An amount that is negative or over the limit.
    #[error("`{name}` has {amount} of `{resource}`, expected 0 to {max}")]
    AmountRange {
        /// Node or class.
        name: String,
        /// Resource.
        resource: String,
        /// The amount.
        amount: i64,
        /// The limit.
        max: i64,
    },
    /// Too many devices on a node or models in a cluster.
    #[error("`{name}` has {count} {what}, expected at most {max}")]
    TooMany {
        /// Node or cluster.
        name: String,
        /// What there are too many of.
        what: &'static str,
        /// How many.
        count: usize,
        /// The limit.
        max: usize,
    },
    /// A device demand outside the limits.
    #[error("a task asks for {} of {milli} milli each, expected 1 to 64 of 1 to 1000", counted(usize::from(*count), "device", "devices"))]
    DeviceDemand {
        /// Devices asked for.
        count: u16,
        /// Thousandths on each.
        milli: u16,
    },
    /// A name that is not there.
    #[error("there is no {kind} `{name}`")]
    Unknown {
        /// node, task, ...
        kind: &'static str,
        /// The name.
        name: String,
    },
}

/// Why a task cannot stand on a node: one dominant reason, as a stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Obstacle {
    /// The node is down, sick or cordoned.
    NodeNotReady,
    /// The node lacks a label that the task's selectors ask for.
    LabelMismatch,
    /// The node has no device of an accepted model.
    DeviceModelMismatch,
    /// Too little of a resource is left.
    InsufficientResource,
    /// Too few devices have enough left.
    InsufficientDevices,
    /// A task that must not be near is there.
    AntiAffinity,
    /// A task that must be near is not there.
    Affinity,
    /// The failure domains would be filled too unevenly.
    Spread,
    /// The owner's quota is used up.
    Quota,
    /// Nodes would take the task alone, but not all of its gang.
    Gang,
}

impl Obstacle {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::NodeNotReady,
        Self::LabelMismatch,
        Self::DeviceModelMismatch,
        Self::InsufficientResource,
        Self::InsufficientDevices,
        Self::AntiAffinity,
        Self::Affinity,
        Self::Spread,
        Self::Quota,
        Self::Gang,
    ];

    /// Its code in files and on screens.
    pub fn code(self) -> &'static str {
        match self {
            Self::NodeNotReady => "NodeNotReady",
            Self::LabelMismatch => "LabelMismatch",
            Self::DeviceModelMismatch => "DeviceModelMismatch",
            Self::InsufficientResource => "InsufficientResource",
            Self::InsufficientDevices => "InsufficientDevices",
            Self::AntiAffinity => "AntiAffinity",
            Self::Affinity => "Affinity",
            Self::Spread => "Spread",
            Self::Quota => "Quota",
            Self::Gang => "Gang",
        }
    }
}

/// As a clause that says what is so on the node.
impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NodeNotReady => "the node is down, sick or cordoned",
            Self::LabelMismatch => "the node lacks a label that the task asks for",
            Self::DeviceModelMismatch => "there is no device of an accepted model",
            Self::InsufficientResource => "too little of a resource is left",
            Self::InsufficientDevices => "too few devices have enough left",
            Self::AntiAffinity => "a task that it must not be near is there",
            Self::Affinity => "a task that it must be near is not there",
            Self::Spread => "failure domains would be filled too unevenly",
            Self::Quota => "the owner's quota is used up",
            Self::Gang => "a node would take it alone, and its gang as a whole fits nowhere",
        })
    }
}

/// A placement that was refused. The cluster is as it was. [`Cluster::refusal`](super::Cluster::refusal) says it with names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// The task has a place already.
    #[error("the task has a place already")]
    AlreadyPlaced(TaskId),
    /// A rule forbids it.
    #[error("{obstacle}")]
    Forbidden {
        /// The task.
        task: TaskId,
        /// The node.
        node: NodeId,
        /// The dominant reason.
        obstacle: Obstacle,
    },
    /// The devices named are not the number asked for, do not exist, or have too little left.
    #[error("the devices named are not as many as it asks for, are not there or have too little left")]
    WrongDevices {
        /// The task.
        task: TaskId,
        /// The node.
        node: NodeId,
    },
}
