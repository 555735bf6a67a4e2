//! A cluster as a document: what a file, an API or another program exchanges with Lepton. Names instead of
//! ids, units in the names of amounts.
//!
//! A document may be wrong; [`ClusterDocument::to_cluster`] checks it all. The state that decisions work on
//! is [`Cluster`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fragmentation::TargetWorkload;
use super::{
    Cluster, Demand, DeviceDemand, DeviceKind, DeviceSet, Health, ModelError, ModelSet, NamedRules, NodeId,
    NodeSpec, Obstacle, PlaceError, Placement, Preempts, Quota, ResourceSchema, Task, TaskClass, TaskId,
    counted,
};

/// Stands for the models of a demand that none of the cluster's meets: an empty list accepts any.
pub(crate) const NO_MODEL: &str = "none of this cluster";

/// Largest share of a shape before they are brought to a sum of 1.
const SHARE_MAX: f64 = 1e12;

/// A whole cluster at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterDocument {
    /// Seconds since the start of the trace, or of the epoch for a live cluster.
    pub time_seconds: u64,
    /// The resources, by name with the unit last.
    pub resources: Vec<String>,
    /// The nodes.
    pub nodes: Vec<DocumentNode>,
    /// Placed and pending tasks.
    pub tasks: Vec<DocumentTask>,
    /// Owners with a quota; may be left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quotas: Vec<DocumentQuota>,
    /// The mix of tasks that is expected; may be left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<DocumentShape>,
}

/// What the placed tasks of an owner may hold together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentQuota {
    /// The owner.
    pub owner: String,
    /// Amount of each resource, in the order of `resources`.
    pub resources: Vec<i64>,
    /// Thousandths of devices.
    pub device_milli: i64,
}

/// A shape of the expected mix of a [`ClusterDocument`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentShape {
    /// CPU asked for, millicores.
    pub cpu_millicores: i64,
    /// Devices asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub devices: Option<DocumentDemand>,
    /// How often, beside the shares of the others; above 0.
    pub share: f64,
}

/// A node of a [`ClusterDocument`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentNode {
    /// Unique name.
    pub name: String,
    /// Capacity of each resource, in the order of `resources`.
    pub capacity: Vec<i64>,
    /// Devices in the order of their index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<DocumentDevices>,
    /// Indices of the devices that are out of service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices_out_of_service: Vec<usize>,
    /// Labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Whether it works.
    #[serde(default)]
    pub health: Health,
}

/// A run of equal devices of a [`DocumentNode`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentDevices {
    /// What they are.
    pub kind: DeviceKind,
    /// Model name.
    pub model: String,
    /// How many.
    pub count: usize,
}

/// A task of a [`ClusterDocument`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentTask {
    /// Unique name.
    pub name: String,
    /// Amount of each resource, in the order of `resources`.
    pub demand: Vec<i64>,
    /// Devices asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub devices: Option<DocumentDemand>,
    /// Who it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Name of the gang it is a member of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gang: Option<String>,
    /// The group it belongs to, for rules of this and other tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What binds it beside capacity and device model.
    #[serde(default, skip_serializing_if = "NamedRules::is_empty")]
    pub rules: NamedRules,
    /// Higher is more important.
    #[serde(default)]
    pub priority: i32,
    /// Cost of a move, in units of the objective.
    #[serde(default)]
    pub move_cost: f32,
    /// Never moved, and stopped only where `preemptible` says so.
    #[serde(default)]
    pub do_not_disrupt: bool,
    /// When less important tasks are stopped for it.
    #[serde(default, skip_serializing_if = "Preempts::is_usual")]
    pub preempts: Preempts,
    /// Whether it may be stopped for a more important one that preempts at once.
    #[serde(default, skip_serializing_if = "is_false")]
    pub preemptible: bool,
    /// The node it stands on; pending without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Indices of the devices it uses there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub device_indices: Vec<usize>,
}

/// A device demand of a [`DocumentTask`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentDemand {
    /// How many devices.
    pub count: u16,
    /// Thousandths of each.
    pub milli: u16,
    /// Accepted model names; empty accepts any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
}

/// A document that contradicts itself.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DocumentError {
    /// A node, task or resource is out of range.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A task names a node that is not there.
    #[error("task `{task}` stands on node `{node}`, which is not among the nodes")]
    UnknownNode {
        /// The task.
        task: String,
        /// The node named.
        node: String,
    },
    /// A node has no such device.
    #[error("node `{node}` has {}, so device {device} cannot be out of service", counted(*count, "device", "devices"))]
    UnknownDevice {
        /// The node.
        node: String,
        /// The index named.
        device: usize,
        /// How many devices there are.
        count: usize,
    },
    /// A shape of the expected mix that no task can have.
    #[error("shape {number} of the expected mix: {problem}")]
    Shape {
        /// Position, from 1.
        number: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// A task stands where it cannot.
    #[error("task `{task}` cannot stand on node `{node}`: {cause}")]
    Misplaced {
        /// The task.
        task: String,
        /// The node.
        node: String,
        /// Why not.
        cause: String,
    },
}

impl ClusterDocument {
    /// The document of a cluster, without an expected mix.
    pub fn of_cluster(cluster: &Cluster, time_seconds: u64) -> Self {
        let there = cluster.nodes().filter(|&node| cluster.is_there(node));
        let nodes = there.map(|node| node_of(cluster, node)).collect();
        let tasks = cluster.live_tasks().map(|task| task_of(cluster, task)).collect();
        Self {
            time_seconds,
            resources: cluster.schema().names().to_vec(),
            nodes,
            tasks,
            quotas: quotas_of(cluster),
            expected: Vec::new(),
        }
    }

    /// The document with the expected mix of tasks.
    #[must_use]
    pub fn with_expected(mut self, cluster: &Cluster, expected: &TargetWorkload) -> Self {
        let shapes = expected.shares().map(|(cpu_millicores, devices, share)| {
            let devices = devices.map(|d| demand_of(cluster, d));
            DocumentShape { cpu_millicores, devices, share }
        });
        self.expected = shapes.collect();
        self
    }

    /// The expected mix, in terms of the cluster that [`ClusterDocument::to_cluster`] made of this document.
    ///
    /// # Errors
    /// When a shape is out of range.
    pub fn expected_workload(&self, cluster: &Cluster) -> Result<TargetWorkload, DocumentError> {
        let mut shapes = Vec::with_capacity(self.expected.len());
        for (at, shape) in self.expected.iter().enumerate() {
            let refuse = |problem| Err(DocumentError::Shape { number: at + 1, problem });
            if !(shape.share > 0.0 && shape.share <= SHARE_MAX) {
                return refuse("its share is not a number above 0");
            }
            if !(0..=super::AMOUNT_MAX).contains(&shape.cpu_millicores) {
                return refuse("its CPU is out of range");
            }
            let devices = shape.devices.as_ref().map(|d| d.to_demand(cluster));
            let in_range = |d: &DeviceDemand| {
                (1..=super::DEVICES_PER_NODE_MAX as u16).contains(&d.count)
                    && (1..=super::DEVICE_MILLI).contains(&d.milli)
            };
            if !devices.as_ref().is_none_or(in_range) {
                return refuse("it asks for 1 to 64 devices of 1 to 1000 milli each");
            }
            shapes.push((shape.cpu_millicores, devices, shape.share));
        }
        Ok(TargetWorkload::from_shares(&shapes))
    }

    /// The cluster of this document, all placements checked.
    ///
    /// # Errors
    /// When something is named twice, out of range, unknown or stands where it cannot.
    pub fn to_cluster(&self) -> Result<Cluster, DocumentError> {
        let mut cluster = Cluster::new(ResourceSchema::new(self.resources.iter().cloned())?);
        for node in &self.nodes {
            let mut devices = Vec::new();
            for run in &node.devices {
                let model = cluster.add_model(run.kind, &run.model)?;
                devices.extend(std::iter::repeat_n(model, run.count.min(super::DEVICES_PER_NODE_MAX + 1)));
            }
            let mut spec = NodeSpec::new(node.name.as_str(), node.capacity.clone(), devices);
            spec.health = node.health;
            spec.labels = node.labels.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
            cluster.add_node(spec)?;
        }
        let mut names = std::collections::BTreeSet::new();
        for task in &self.tasks {
            if !names.insert(task.name.as_str()) {
                return Err(ModelError::DuplicateName { kind: "task", name: task.name.clone() }.into());
            }
            add_task(&mut cluster, task)?;
        }
        for DocumentQuota { owner, resources, device_milli } in &self.quotas {
            cluster.check_amounts(owner, resources)?;
            let owner = cluster.owner(owner);
            let quota = Quota { resources: resources.clone().into(), device_milli: *device_milli };
            cluster.set_quota(owner, Some(quota));
        }
        // Last, for tasks may still stand on such devices.
        for (node, named) in cluster.nodes().zip(&self.nodes) {
            for &device in &named.devices_out_of_service {
                if device >= cluster.devices_free(node).len() {
                    let (node, count) = (named.name.clone(), cluster.devices_free(node).len());
                    return Err(DocumentError::UnknownDevice { node, device, count });
                }
                cluster.set_device_health(node, device, false);
            }
        }
        Ok(cluster)
    }
}

impl DocumentDemand {
    /// The demand in terms of a cluster: of the models named those that it knows.
    pub fn to_demand(&self, cluster: &Cluster) -> DeviceDemand {
        let named = cluster.models().iter().enumerate().filter(|(_, m)| self.models.contains(&m.name));
        let named = named.fold(ModelSet::NONE, |set, (i, _)| set.with(super::ModelId(i as u8)));
        let accept = if self.models.is_empty() { ModelSet::ANY } else { named };
        DeviceDemand { count: self.count, milli: self.milli, accept }
    }

    /// The demand in names.
    pub fn of(cluster: &Cluster, demand: DeviceDemand) -> Self {
        demand_of(cluster, demand)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

fn quotas_of(cluster: &Cluster) -> Vec<DocumentQuota> {
    let of = |owner| {
        let Quota { resources, device_milli } = cluster.quota(owner)?.clone();
        let owner = cluster.owner_name(owner).to_owned();
        Some(DocumentQuota { owner, resources: resources.into(), device_milli })
    };
    cluster.owners().filter_map(of).collect()
}

fn node_of(cluster: &Cluster, node: NodeId) -> DocumentNode {
    let mut devices: Vec<DocumentDevices> = Vec::new();
    for id in cluster.device_models(node) {
        let model = &cluster.models()[usize::from(id.0)];
        match devices.last_mut() {
            Some(run) if run.kind == model.kind && run.model == model.name => run.count += 1,
            _ => devices.push(DocumentDevices { kind: model.kind, model: model.name.clone(), count: 1 }),
        }
    }
    DocumentNode {
        name: cluster.node_name(node).to_owned(),
        capacity: cluster.capacity(node).to_vec(),
        devices,
        devices_out_of_service: (cluster.devices_in_service(node).iter().enumerate())
            .filter_map(|(i, &in_service)| (!in_service).then_some(i))
            .collect(),
        labels: cluster.labels_of(node).map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
        health: cluster.health(node),
    }
}

fn task_of(cluster: &Cluster, id: TaskId) -> DocumentTask {
    let task = cluster.task(id);
    let demand = cluster.demand(id);
    let place = cluster.placement(id);
    DocumentTask {
        name: task.name.to_string(),
        demand: demand.resources.to_vec(),
        devices: demand.devices.map(|d| demand_of(cluster, d)),
        owner: task.owner.map(|o| cluster.owner_name(o).to_owned()),
        gang: task.gang.map(|g| match cluster.gang_name(g) {
            "" => format!("gang-{}", g.0),
            name => name.to_owned(),
        }),
        group: cluster.class(task.class).group.map(|g| cluster.group_name(g).to_owned()),
        rules: NamedRules::of(&cluster.class(task.class).rules, cluster),
        priority: task.priority,
        move_cost: task.move_cost,
        do_not_disrupt: task.do_not_disrupt,
        preempts: task.preempts,
        preemptible: task.preemptible,
        node: place.map(|p| cluster.node_name(p.node).to_owned()),
        device_indices: place.map_or_else(Vec::new, |p| p.devices.iter().collect()),
    }
}

fn demand_of(cluster: &Cluster, demand: DeviceDemand) -> DocumentDemand {
    let DeviceDemand { count, milli, accept } = demand;
    let named = (cluster.models().iter().enumerate())
        .filter(|&(i, _)| accept.contains(super::ModelId(i as u8)))
        .map(|(_, m)| m.name.clone());
    let mut models = if accept == ModelSet::ANY { Vec::new() } else { named.collect() };
    if models.is_empty() && accept != ModelSet::ANY {
        models.push(NO_MODEL.to_owned());
    }
    DocumentDemand { count, milli, models }
}

fn add_task(cluster: &mut Cluster, task: &DocumentTask) -> Result<(), DocumentError> {
    let devices = task.devices.as_ref().map(|d| d.to_demand(cluster));
    let demand = Demand { resources: task.demand.clone().into(), devices };
    let rules = task.rules.to_rules(cluster);
    let group = task.group.as_deref().map(|g| cluster.group(g));
    let class = cluster.add_class(TaskClass { demand, rules, group })?;
    let gang = task.gang.as_deref().map(|g| cluster.gang(g));
    let owner = task.owner.as_deref().map(|o| cluster.owner(o));
    let id = cluster.add_task(Task {
        name: task.name.as_str().into(),
        class,
        owner,
        gang,
        priority: task.priority,
        move_cost: task.move_cost,
        do_not_disrupt: task.do_not_disrupt,
        preempts: task.preempts,
        preemptible: task.preemptible,
    });
    let Some(name) = &task.node else { return Ok(()) };
    let unknown = || DocumentError::UnknownNode { task: task.name.clone(), node: name.clone() };
    let node = cluster.node_named(name).ok_or_else(unknown)?;
    let misplaced = |cluster: &Cluster, error| {
        let cause = cluster.refusal_cause(&error);
        DocumentError::Misplaced { task: task.name.clone(), node: name.clone(), cause }
    };
    if task.device_indices.iter().any(|&i| i >= cluster.devices_free(node).len()) {
        return Err(misplaced(cluster, PlaceError::WrongDevices { task: id, node }));
    }
    let devices = task.device_indices.iter().copied().collect::<DeviceSet>();
    stands(cluster, id, Placement { node, devices }).map_err(|error| misplaced(cluster, error))
}

/// Books a task where the document says it stands. A document is written by hand or by another program, so it must fit.
fn stands(cluster: &mut Cluster, task: TaskId, place: Placement) -> Result<(), PlaceError> {
    let class = cluster.task(task).class;
    let need = &cluster.class(class).demand.resources;
    if cluster.free(place.node).iter().zip(need).any(|(free, need)| free < need) {
        let obstacle = Obstacle::InsufficientResource;
        return Err(PlaceError::Forbidden { task, node: place.node, obstacle });
    }
    if !cluster.devices_right(class, place) {
        return Err(PlaceError::WrongDevices { task, node: place.node });
    }
    cluster.book(task, place)
}
