//! What `decide` hands to `execute`: ordered steps, each with its reason, expected gain and cost; and what
//! came of them.

use serde::{Deserialize, Serialize};

use super::{DeviceSet, NodeId, Obstacle, Placement, TaskId};

impl Serialize for Placement {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.node, self.devices).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Placement {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (node, devices) = <(NodeId, DeviceSet)>::deserialize(deserializer)?;
        Ok(Self { node, devices })
    }
}

/// One thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Place a pending task.
    Place {
        /// The task.
        task: TaskId,
        /// Where it goes.
        to: Placement,
    },
    /// Move a placed task.
    Migrate {
        /// The task.
        task: TaskId,
        /// Where it stands.
        from: Placement,
        /// Where it goes.
        to: Placement,
    },
    /// Take a placed task off its node and back to pending.
    Preempt {
        /// The task.
        task: TaskId,
        /// Where it stands.
        from: Placement,
    },
    /// Let a node take no new tasks.
    Cordon {
        /// The node.
        node: NodeId,
    },
    /// Let a node that the loop cordoned take tasks again.
    Uncordon {
        /// The node.
        node: NodeId,
    },
}

/// Why a step is proposed: one dominant, stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Reason {
    /// The task waits and fits.
    PendingTaskFits,
    /// The node is above the safety level of load.
    NodeOverloaded,
    /// The node is failing or expected to.
    NodeFailing,
    /// The move frees capacity that was stranded.
    StrandedCapacity,
    /// The signs of a coming fault are gone.
    NodeCalm,
    /// A more important task needs the room.
    HigherPriority,
}

/// One step of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What to do.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// Expected gain, in units of the objective.
    pub gain: f64,
    /// Expected cost, in the same units.
    pub cost: f64,
}

/// Ordered steps; every rule holds after each single one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Plan {
    /// The steps in order.
    pub steps: Vec<Step>,
    /// Tasks that wait on, and the obstacle that most nodes put up.
    pub unplaced: Vec<(TaskId, Obstacle)>,
}

/// What became of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepResult {
    /// Carried out.
    Done,
    /// The world had changed: why it was refused. Nothing was done.
    Refused(String),
    /// Carried out in part and taken back: why, and where that left things.
    Undone(String),
}

/// What became of a plan, step by step.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// One result for each step carried out or tried, in order.
    pub results: Vec<StepResult>,
}
