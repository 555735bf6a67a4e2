//! A change of a cluster or of what a task asks for, in names, that can be carried out on a copy of the cluster.

use std::fmt;

use serde::Serialize;

use crate::model::{
    Cluster, DeviceDemand, Health, NodeId, NodeSpec, OwnerId, Quota, Task, TaskClass, TaskId,
};

/// One thing that would have to be otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// The node takes tasks: it is repaired or no longer cordoned.
    OpenNode {
        /// The node.
        node: String,
    },
    /// The node carries a label.
    LabelNode {
        /// The node.
        node: String,
        /// Label key.
        key: String,
        /// Its value.
        value: String,
    },
    /// The task accepts another device model.
    AcceptModel {
        /// The model.
        model: String,
    },
    /// The task asks for less of a resource.
    AskLess {
        /// The resource.
        resource: String,
        /// How much it asks for.
        from: i64,
        /// How much it may ask for.
        to: i64,
    },
    /// The task asks for fewer devices.
    AskFewerDevices {
        /// How many it asks for.
        from: u16,
        /// How many it may ask for.
        to: u16,
    },
    /// The task asks for a smaller share of each device, in thousandths.
    AskSmallerShare {
        /// The share that it asks for.
        from: u16,
        /// The share that it may ask for.
        to: u16,
    },
    /// Another task leaves the node.
    Leave {
        /// The task.
        task: String,
        /// The node.
        node: String,
    },
    /// The owner may hold more.
    RaiseQuota {
        /// The owner.
        owner: String,
        /// Amount of each resource, in the order of the schema.
        resources: Vec<i64>,
        /// Thousandths of devices.
        device_milli: i64,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenNode { node } => write!(f, "{node} takes tasks (repaired, or no longer cordoned)"),
            Self::LabelNode { node, key, value } => write!(f, "{node} carries the label {key}={value}"),
            Self::AcceptModel { model } => write!(f, "it accepts the device model {model}"),
            Self::AskLess { resource, from, to } => {
                write!(f, "it asks for {to} instead of {from} of {resource}")
            }
            Self::AskFewerDevices { from, to } => write!(f, "it asks for {to} instead of {from} devices"),
            Self::AskSmallerShare { from, to } => {
                write!(f, "it asks for {to} instead of {from} thousandths of each device")
            }
            Self::Leave { task, node } => write!(f, "{task} leaves {node}"),
            Self::RaiseQuota { owner, .. } => write!(f, "the quota of {owner} is raised by what it asks for"),
        }
    }
}

impl Change {
    /// Carries the change out, for this task. False when it cannot be.
    #[must_use]
    pub fn apply(&self, cluster: &mut Cluster, task: TaskId) -> bool {
        match self {
            Self::OpenNode { node } => on_node(cluster, node, |cluster, node| {
                cluster.set_health(node, Health::Up);
                true
            }),
            Self::LabelNode { node, key, value } => on_node(cluster, node, |cluster, node| {
                let mut spec = spec_of(cluster, node);
                spec.labels.retain(|(of, _)| of != key);
                spec.labels.push((key.clone(), value.clone()));
                cluster.update_node(node, &spec).is_ok()
            }),
            Self::AcceptModel { model } => {
                let model = cluster.models().iter().position(|of| of.name == *model);
                let Some(model) = model else { return false };
                asks(cluster, task, |class| {
                    with_devices(class, |d| d.accept = d.accept.with(crate::model::ModelId(model as u8)));
                })
            }
            Self::AskLess { resource, to, .. } => {
                let at = cluster.schema().names().iter().position(|name| name == resource);
                let Some(at) = at else { return false };
                asks(cluster, task, |class| class.demand.resources[at] = *to)
            }
            Self::AskFewerDevices { to, .. } => {
                asks(cluster, task, |class| with_devices(class, |d| d.count = *to))
            }
            Self::AskSmallerShare { to, .. } => {
                asks(cluster, task, |class| with_devices(class, |d| d.milli = *to))
            }
            Self::Leave { task, node } => on_node(cluster, node, |cluster, node| {
                let named = |&&t: &&TaskId| *cluster.task(t).name == **task;
                let leaves = cluster.hosted(node).iter().find(named).copied();
                leaves.is_some_and(|task| cluster.remove(task).is_some())
            }),
            Self::RaiseQuota { owner, resources, device_milli } => {
                let owner: OwnerId = cluster.owner(owner);
                let quota = Quota { resources: resources.clone().into(), device_milli: *device_milli };
                cluster.set_quota(owner, Some(quota));
                true
            }
        }
    }
}

fn on_node(cluster: &mut Cluster, node: &str, then: impl FnOnce(&mut Cluster, NodeId) -> bool) -> bool {
    match cluster.node_named(node) {
        Some(node) => then(cluster, node),
        None => false,
    }
}

fn spec_of(cluster: &Cluster, node: NodeId) -> NodeSpec {
    let labels = cluster.labels_of(node).map(|(key, value)| (key.to_owned(), value.to_owned()));
    NodeSpec {
        name: cluster.node_name(node).into(),
        capacity: cluster.capacity(node).into(),
        devices: cluster.device_models(node).into(),
        labels: labels.collect(),
        health: cluster.health(node),
    }
}

fn with_devices(class: &mut TaskClass, change: impl FnOnce(&mut DeviceDemand)) {
    if let Some(devices) = &mut class.demand.devices {
        change(devices);
    }
}

/// The task asks for something else.
fn asks(cluster: &mut Cluster, task: TaskId, change: impl FnOnce(&mut TaskClass)) -> bool {
    let mut class = cluster.class(cluster.task(task).class).clone();
    change(&mut class);
    let Ok(class) = cluster.add_class(class) else { return false };
    let changed = Task { class, ..cluster.task(task).clone() };
    cluster.replace_task(task, changed);
    true
}
