//! Nodes as they are declared; their running state lives in the flat arrays of the cluster.

use serde::{Deserialize, Serialize};

use super::{ModelId, Name};

/// Whether a node can work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// Works and takes tasks.
    #[default]
    Up,
    /// Works, and takes no new tasks: cordoned by a person or by the loop.
    Cordoned,
    /// Works badly (errors, throttling): takes no new tasks, its tasks should leave.
    Sick,
    /// Gone.
    Down,
}

impl Health {
    /// Whether new tasks may be placed.
    pub fn takes_tasks(self) -> bool {
        self == Self::Up
    }
}

/// A node to be added to a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSpec {
    /// Its name, unique in the cluster.
    pub name: Name,
    /// Capacity of each resource, in the order of the cluster's schema.
    pub capacity: Vec<i64>,
    /// The model of each device, by its index on the node.
    pub devices: Vec<ModelId>,
    /// Label keys and values, e.g. ("zone", "a"), ("rack", "r17").
    pub labels: Vec<(String, String)>,
    /// Whether it works.
    pub health: Health,
}

impl NodeSpec {
    /// A healthy node without labels.
    pub fn new(name: impl Into<Name>, capacity: Vec<i64>, devices: Vec<ModelId>) -> Self {
        Self { name: name.into(), capacity, devices, labels: Vec::new(), health: Health::Up }
    }
}
