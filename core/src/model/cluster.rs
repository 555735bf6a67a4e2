//! The state of a cluster as flat arrays: nodes, devices, tasks, who stands where.
//!
//! Invariant: what is free on a node is its capacity less the demands of the tasks it hosts, per resource
//! and per device, and never negative; a device out of service has nothing free ([`super::invariants`] checks
//! it from scratch).
//! It decides nothing. Its other halves: `cluster_build` says what there is, `fit` answers whether a class
//! fits and carries out placements that do.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::changes::ChangeLog;
use super::labels::Labels;
use super::{
    ClassId, DEVICE_MILLI, Demand, DeviceDemand, DeviceModel, DeviceSet, GangId, GroupId, GroupRule, Health,
    LabelKey, LabelValue, ModelId, ModelSet, Name, NodeId, OwnerId, ResourceSchema, Task, TaskClass, TaskId,
};

/// CPU that counts as much as a device, millicores.
const CPU_PER_DEVICE_MILLICORES: f64 = 16_000.0;

/// Where a task stands: the node, and which of its devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Placement {
    /// The node.
    pub node: NodeId,
    /// The devices used; empty for tasks without a device demand.
    pub devices: DeviceSet,
}

/// An owner's limit on what its placed tasks may hold together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// Amount of each resource, in the order of the schema.
    pub resources: Box<[i64]>,
    /// Thousandths of devices.
    pub device_milli: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Owner {
    pub(super) name: Box<str>,
    pub(super) quota: Option<Quota>,
    pub(super) held: Quota,
}

/// A cluster: its nodes and their devices, the tasks and their classes, and the current placements. A clone is cheap: it
/// shares names, labels and tasks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cluster {
    pub(super) schema: ResourceSchema,
    pub(super) models: Vec<DeviceModel>,
    #[serde(with = "super::written::shared")]
    pub(super) node_names: Arc<Vec<Name>>,
    #[serde(with = "super::written::shared")]
    pub(super) node_by_name: Arc<BTreeMap<Name, NodeId>>,
    pub(super) health: Vec<Health>,
    /// nodes x resources.
    pub(super) capacity: Vec<i64>,
    /// nodes x resources: what placed tasks hold; more than there is where the world overbooks.
    pub(super) held: Vec<i64>,
    /// nodes x resources: capacity less what is held, at least 0.
    pub(super) free: Vec<i64>,
    /// The devices of node i are `device_start[i]..device_start[i + 1]`.
    pub(super) device_start: Vec<u32>,
    /// What new tasks may take of each device: nothing while it is out of service.
    pub(super) device_free: Vec<u16>,
    /// What placed tasks hold of each device.
    pub(super) device_held: Vec<u32>,
    pub(super) device_in_service: Vec<bool>,
    pub(super) device_model: Vec<ModelId>,
    pub(super) node_models: Vec<ModelSet>,
    #[serde(with = "super::written::shared")]
    pub(super) labels: Arc<Labels>,
    pub(super) hosted: Vec<Vec<TaskId>>,
    #[serde(with = "super::written::shared")]
    pub(super) classes: Arc<Vec<TaskClass>>,
    #[serde(with = "super::written::shared_pairs")]
    pub(super) class_ids: Arc<HashMap<TaskClass, ClassId>>,
    #[serde(with = "super::written::shared")]
    pub(super) tasks: Arc<Vec<Task>>,
    pub(super) placements: Vec<Option<Placement>>,
    /// Per task: whether it is there at all; what is retired is not.
    pub(super) alive: Vec<bool>,
    /// Per class: how often its id has been used again.
    pub(super) class_epochs: Vec<u32>,
    /// Ids of what is gone, to be used again.
    pub(super) retired: Vec<TaskId>,
    pub(super) retired_nodes: Vec<NodeId>,
    pub(super) retired_classes: Vec<ClassId>,
    pub(super) retired_gangs: Vec<usize>,
    pub(super) retired_groups: Vec<usize>,
    pub(super) retired_owners: Vec<usize>,
    #[serde(with = "super::written::shared")]
    pub(super) gang_names: Arc<Vec<Name>>,
    #[serde(with = "super::written::shared")]
    pub(super) gang_by_name: Arc<HashMap<Name, GangId>>,
    #[serde(with = "super::written::shared")]
    pub(super) gangs: Arc<Vec<Vec<TaskId>>>,
    pub(super) owners: Vec<Owner>,
    #[serde(with = "super::written::shared")]
    pub(super) group_names: Arc<Vec<Name>>,
    /// Per group: how many of its tasks stand on each node that has some.
    #[serde(with = "super::written::each_shared")]
    pub(super) group_nodes: Vec<Arc<BTreeMap<NodeId, u32>>>,
    /// Per anti-affinity rule of some class: how many tasks that bring it along stand on each node.
    pub(super) repelled_from: Vec<(GroupRule, BTreeMap<NodeId, u32>)>,
    pub(super) device_milli_held: i64,
    pub(super) changes: ChangeLog,
    /// How often nodes, their capacities or labels changed.
    pub(super) inventory_version: u64,
}

impl Cluster {
    /// A cluster without nodes.
    pub fn new(schema: ResourceSchema) -> Self {
        Self {
            schema,
            models: Vec::new(),
            node_names: Arc::default(),
            node_by_name: Arc::default(),
            health: Vec::new(),
            capacity: Vec::new(),
            held: Vec::new(),
            free: Vec::new(),
            device_start: vec![0],
            device_free: Vec::new(),
            device_held: Vec::new(),
            device_in_service: Vec::new(),
            device_model: Vec::new(),
            node_models: Vec::new(),
            labels: Arc::default(),
            hosted: Vec::new(),
            classes: Arc::default(),
            class_ids: Arc::default(),
            tasks: Arc::default(),
            placements: Vec::new(),
            alive: Vec::new(),
            class_epochs: Vec::new(),
            retired: Vec::new(),
            retired_nodes: Vec::new(),
            retired_classes: Vec::new(),
            retired_gangs: Vec::new(),
            retired_groups: Vec::new(),
            retired_owners: Vec::new(),
            gang_names: Arc::default(),
            gang_by_name: Arc::default(),
            gangs: Arc::default(),
            owners: Vec::new(),
            group_names: Arc::default(),
            group_nodes: Vec::new(),
            repelled_from: Vec::new(),
            device_milli_held: 0,
            changes: ChangeLog::new(),
            inventory_version: 0,
        }
    }

    // ---- what there is ----

    /// The resources by name.
    pub fn schema(&self) -> &ResourceSchema {
        &self.schema
    }

    /// The device models, by [`ModelId`].
    pub fn models(&self) -> &[DeviceModel] {
        &self.models
    }

    /// How many nodes there are.
    pub fn node_count(&self) -> usize {
        self.node_names.len()
    }

    /// All nodes in order.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = NodeId> + use<> {
        (0..self.node_count()).map(NodeId::from)
    }

    /// How many devices there are.
    pub fn device_count(&self) -> usize {
        self.device_free.len()
    }

    /// Capacity of all devices together, in thousandths.
    pub fn device_milli_capacity(&self) -> i64 {
        self.device_count() as i64 * i64::from(DEVICE_MILLI)
    }

    /// Thousandths of devices held by placed tasks.
    pub fn device_milli_held(&self) -> i64 {
        self.device_milli_held
    }

    /// A node's name.
    pub fn node_name(&self, node: NodeId) -> &str {
        &self.node_names[node.index()]
    }

    /// The node of that name.
    pub fn node_named(&self, name: &str) -> Option<NodeId> {
        self.node_by_name.get(name).copied()
    }

    /// Whether the node works.
    pub fn health(&self, node: NodeId) -> Health {
        self.health[node.index()]
    }

    /// Capacity of each resource of a node.
    pub fn capacity(&self, node: NodeId) -> &[i64] {
        let r = self.schema.len();
        &self.capacity[node.index() * r..(node.index() + 1) * r]
    }

    /// What is free of each resource on a node.
    pub fn free(&self, node: NodeId) -> &[i64] {
        let r = self.schema.len();
        &self.free[node.index() * r..(node.index() + 1) * r]
    }

    fn device_range(&self, node: NodeId) -> std::ops::Range<usize> {
        self.device_start[node.index()] as usize..self.device_start[node.index() + 1] as usize
    }

    /// What is free on each device of a node, in thousandths; nothing on one that is out of service.
    pub fn devices_free(&self, node: NodeId) -> &[u16] {
        &self.device_free[self.device_range(node)]
    }

    /// Whether each device of a node is in service.
    pub fn devices_in_service(&self, node: NodeId) -> &[bool] {
        &self.device_in_service[self.device_range(node)]
    }

    /// The model of each device of a node.
    pub fn device_models(&self, node: NodeId) -> &[ModelId] {
        &self.device_model[self.device_range(node)]
    }

    /// The set of the models of a node's devices.
    pub fn node_models(&self, node: NodeId) -> ModelSet {
        self.node_models[node.index()]
    }

    /// The tasks on a node, in no particular order.
    pub fn hosted(&self, node: NodeId) -> &[TaskId] {
        &self.hosted[node.index()]
    }

    /// The node's value under a label key.
    pub fn label(&self, node: NodeId, key: LabelKey) -> Option<LabelValue> {
        self.labels.of(node, key)
    }

    /// The labels of a node, as key and value.
    pub fn labels_of(&self, node: NodeId) -> impl Iterator<Item = (&str, &str)> {
        self.labels.of_node(node)
    }

    /// How many numbers of values a label key has, those that are free among them.
    pub fn label_value_count(&self, key: LabelKey) -> usize {
        self.labels.value_count(key)
    }

    /// All classes, by [`ClassId`].
    pub fn classes(&self) -> &[TaskClass] {
        &self.classes
    }

    /// How often the id of a class has been used again: what was kept for a class is right while this is the same.
    pub fn class_epoch(&self, class: ClassId) -> u32 {
        self.class_epochs[class.index()]
    }

    /// The name of a group.
    pub fn group_name(&self, group: GroupId) -> &str {
        &self.group_names[group.index()]
    }

    /// The name of a gang; empty for one that was made without.
    pub fn gang_name(&self, gang: GangId) -> &str {
        &self.gang_names[gang.index()]
    }

    /// The name of a label key.
    pub fn label_key_name(&self, key: LabelKey) -> &str {
        self.labels.key_name(key)
    }

    /// The name of a value under a label key.
    pub fn label_value_name(&self, key: LabelKey, value: LabelValue) -> &str {
        self.labels.value_name(key, value)
    }

    /// A class.
    pub fn class(&self, class: ClassId) -> &TaskClass {
        &self.classes[class.index()]
    }

    /// The tasks that are there: not those whose id is free to be used again.
    pub fn live_tasks(&self) -> impl Iterator<Item = TaskId> + '_ {
        self.alive.iter().enumerate().filter(|&(_, &alive)| alive).map(|(index, _)| TaskId::from(index))
    }

    /// Whether the task is there and has no place.
    pub fn is_waiting(&self, task: TaskId) -> bool {
        self.alive[task.index()] && self.placements[task.index()].is_none()
    }

    /// The tasks that are there and have no place: the one meaning of waiting.
    pub fn waiting(&self) -> impl Iterator<Item = TaskId> + '_ {
        self.live_tasks().filter(|&task| self.is_waiting(task))
    }

    /// All tasks, by [`TaskId`]; with ids that are free to be used again.
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// A task.
    pub fn task(&self, task: TaskId) -> &Task {
        &self.tasks[task.index()]
    }

    /// Size of a task in devices: its device demand, or its CPU at sixteen cores a device, whichever is
    /// more.
    pub fn size_in_devices(&self, task: TaskId) -> f64 {
        let demand = self.demand(task);
        let cpu = demand.resources[ResourceSchema::CPU] as f64 / CPU_PER_DEVICE_MILLICORES;
        (demand.device_milli() as f64 / 1000.0).max(cpu)
    }

    /// Size of a node in devices, as tasks are measured: its devices, or its CPU at sixteen cores a device, whichever is more.
    pub fn node_size_in_devices(&self, node: NodeId) -> f64 {
        let cpu = self.capacity(node)[ResourceSchema::CPU] as f64 / CPU_PER_DEVICE_MILLICORES;
        (self.device_models(node).len() as f64).max(cpu)
    }

    /// What a task demands.
    pub fn demand(&self, task: TaskId) -> &Demand {
        &self.class(self.task(task).class).demand
    }

    /// Where a task stands, if it is placed.
    pub fn placement(&self, task: TaskId) -> Option<Placement> {
        self.placements[task.index()]
    }

    /// The members of each gang, by [`super::GangId`].
    pub fn gangs(&self) -> &[Vec<TaskId>] {
        &self.gangs
    }

    /// How many of a group's tasks stand on each node that has some.
    pub fn group_nodes(&self, group: GroupId) -> &BTreeMap<NodeId, u32> {
        &self.group_nodes[group.index()]
    }

    /// All owners.
    pub fn owners(&self) -> impl Iterator<Item = OwnerId> + use<> {
        (0..self.owners.len()).map(OwnerId::from)
    }

    /// How often nodes were added or removed, or their capacities or labels changed: what was made for a cluster's nodes
    /// is still right while this is the same.
    pub fn inventory_version(&self) -> u64 {
        self.inventory_version
    }

    /// An owner's name.
    pub fn owner_name(&self, owner: OwnerId) -> &str {
        &self.owners[owner.index()].name
    }

    /// An owner's quota, if it has one.
    pub fn quota(&self, owner: OwnerId) -> Option<&Quota> {
        self.owners[owner.index()].quota.as_ref()
    }

    /// What an owner's placed tasks hold together.
    pub fn held_by(&self, owner: OwnerId) -> &Quota {
        &self.owners[owner.index()].held
    }

    /// Which nodes changed, in order.
    pub fn changes(&self) -> &ChangeLog {
        &self.changes
    }

    // ---- moving things ----

    pub(super) fn hold(&mut self, task: TaskId, place: Placement, sign: i64) {
        let Task { class: class_id, owner, .. } = self.tasks[task.index()];
        let class = &self.classes[class_id.index()];
        let at = place.node.index() * self.schema.len();
        for (r, need) in class.demand.resources.iter().enumerate() {
            self.held[at + r] += sign * need;
            self.free[at + r] = (self.capacity[at + r] - self.held[at + r]).max(0);
        }
        if let Some(DeviceDemand { milli, .. }) = class.demand.devices {
            let start = self.device_start[place.node.index()] as usize;
            for at in place.devices.iter().map(|index| start + index) {
                let held = &mut self.device_held[at];
                *held = held.saturating_add_signed(sign as i32 * i32::from(milli));
                // Nothing is free of a device out of service, whoever comes or goes.
                if self.device_in_service[at] {
                    self.device_free[at] = u32::from(DEVICE_MILLI).saturating_sub(*held) as u16;
                }
            }
        }
        let milli = class.demand.device_milli();
        self.device_milli_held += sign * milli;
        if let Some(owner) = owner {
            let held = &mut self.owners[owner.index()].held;
            held.device_milli += sign * milli;
            for (held, need) in held.resources.iter_mut().zip(&class.demand.resources) {
                *held += sign * need;
            }
        }
        if let Some(group) = class.group {
            count_on(Arc::make_mut(&mut self.group_nodes[group.index()]), place.node, sign);
        }
        for (rule, nodes) in &mut self.repelled_from {
            if class.rules.anti_affinity.contains(rule) {
                count_on(nodes, place.node, sign);
            }
        }
        let (task, class) = (u64::from(task.0), u64::from(class_id.0));
        let how = place.devices.0.rotate_left(17) ^ class.rotate_left(40) ^ task << 1 ^ u64::from(sign > 0);
        self.changes.push(place.node, how);
    }

    /// Takes a task off its node. Returns where it stood, or `None` when it had no place.
    pub fn remove(&mut self, task: TaskId) -> Option<Placement> {
        let place = self.placements[task.index()].take()?;
        let hosted = &mut self.hosted[place.node.index()];
        if let Some(at) = hosted.iter().position(|&t| t == task) {
            hosted.swap_remove(at);
        }
        self.hold(task, place, -1);
        Some(place)
    }
}

/// Counts a task more (`sign` 1) or less (-1) on a node; nodes without any are left out.
fn count_on(nodes: &mut BTreeMap<NodeId, u32>, node: NodeId, sign: i64) {
    let count = nodes.entry(node).or_insert(0);
    *count = count.saturating_add_signed(sign as i32);
    if *count == 0 {
        nodes.remove(&node);
    }
}
