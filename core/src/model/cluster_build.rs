//! Saying what a cluster has: nodes and labels, classes, tasks, gangs, owners. Amounts, names and counts are
//! checked here, once, so that everything after may rely on them. It places nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cluster::Owner;
use super::{
    AMOUNT_MAX, ClassId, Cluster, DEVICE_MILLI, DEVICE_MODELS_MAX, DEVICES_PER_NODE_MAX, DeviceKind,
    DeviceModel, GangId, GroupId, Health, LabelKey, LabelValue, ModelError, ModelId, ModelSet, Name, NodeId,
    NodeSpec, OwnerId, Quota, Task, TaskClass, TaskId,
};

impl Cluster {
    /// The id of a device model, added when it is new.
    ///
    /// # Errors
    /// When the cluster has [`DEVICE_MODELS_MAX`] others already.
    pub fn add_model(&mut self, kind: DeviceKind, name: &str) -> Result<ModelId, ModelError> {
        let known = self.models.iter().position(|m| m.kind == kind && m.name == name);
        let index = known.unwrap_or(self.models.len());
        if index >= DEVICE_MODELS_MAX {
            return Err(ModelError::TooMany {
                name: name.to_owned(),
                what: "device models before it",
                count: index,
                max: DEVICE_MODELS_MAX,
            });
        }
        if known.is_none() {
            self.models.push(DeviceModel { kind, name: name.to_owned() });
        }
        Ok(ModelId(index as u8))
    }

    /// Adds a node.
    ///
    /// # Errors
    /// When its name is taken, an amount is out of range, or it has too many devices.
    pub fn add_node(&mut self, spec: NodeSpec) -> Result<NodeId, ModelError> {
        self.check_spec(&spec)?;
        if self.node_by_name.contains_key(&spec.name) {
            return Err(ModelError::DuplicateName { kind: "node", name: spec.name.to_string() });
        }
        if let Some(node) = self.retired_nodes.pop() {
            Arc::make_mut(&mut self.node_by_name).insert(spec.name.clone(), node);
            Arc::make_mut(&mut self.node_names)[node.index()] = spec.name.clone();
            self.update_node(node, &spec)?;
            return Ok(node);
        }
        let node = NodeId::from(self.node_count());
        Arc::make_mut(&mut self.node_by_name).insert(spec.name.clone(), node);
        Arc::make_mut(&mut self.node_names).push(spec.name);
        self.health.push(spec.health);
        self.capacity.extend_from_slice(&spec.capacity);
        self.free.extend_from_slice(&spec.capacity);
        self.held.extend(spec.capacity.iter().map(|_| 0));
        self.node_models.push(spec.devices.iter().fold(ModelSet::NONE, |set, &m| set.with(m)));
        self.device_free.extend(spec.devices.iter().map(|_| DEVICE_MILLI));
        self.device_held.extend(spec.devices.iter().map(|_| 0));
        self.device_in_service.extend(spec.devices.iter().map(|_| true));
        self.device_model.extend_from_slice(&spec.devices);
        self.device_start.push(self.device_free.len() as u32);
        self.hosted.push(Vec::new());
        Arc::make_mut(&mut self.labels).add_node();
        self.set_labels(node, &spec.labels);
        self.inventory_version += 1;
        self.changes.fit_to(self.node_count());
        self.changes.push(node, self.inventory_version);
        Ok(node)
    }

    /// Whether amounts, devices and their models are in range.
    pub(super) fn check_spec(&self, spec: &NodeSpec) -> Result<(), ModelError> {
        self.check_amounts(&spec.name, &spec.capacity)?;
        if spec.devices.len() > DEVICES_PER_NODE_MAX {
            return Err(ModelError::TooMany {
                name: spec.name.to_string(),
                what: "devices",
                count: spec.devices.len(),
                max: DEVICES_PER_NODE_MAX,
            });
        }
        match spec.devices.iter().find(|m| usize::from(m.0) >= self.models.len()) {
            Some(model) => Err(ModelError::Unknown { kind: "device model", name: model.0.to_string() }),
            None => Ok(()),
        }
    }

    /// The id of a label key, added when it is new.
    pub fn label_key(&mut self, name: &str) -> LabelKey {
        let nodes = self.node_names.len();
        Arc::make_mut(&mut self.labels).key(name, nodes)
    }

    /// The id of a value under a label key, added when it is new.
    pub fn label_value(&mut self, key: LabelKey, name: &str) -> LabelValue {
        Arc::make_mut(&mut self.labels).value(key, name)
    }

    /// The id of a group of tasks, added when it is new.
    pub fn group(&mut self, name: &str) -> GroupId {
        if let Some(known) = self.group_names.iter().position(|g| &**g == name) {
            return GroupId::from(known);
        }
        let names = Arc::make_mut(&mut self.group_names);
        if let Some(index) = self.retired_groups.pop() {
            names[index] = name.into();
            return GroupId::from(index);
        }
        names.push(name.into());
        self.group_nodes.push(Arc::default());
        GroupId::from(self.group_nodes.len() - 1)
    }

    /// The id of an owner, added (without quota) when it is new.
    pub fn owner(&mut self, name: &str) -> OwnerId {
        if let Some(known) = self.owners.iter().position(|o| &*o.name == name) {
            return OwnerId::from(known);
        }
        let held = Quota { resources: vec![0; self.schema.len()].into(), device_milli: 0 };
        let owner = Owner { name: name.into(), quota: None, held };
        if let Some(index) = self.retired_owners.pop() {
            self.owners[index] = owner;
            return OwnerId::from(index);
        }
        self.owners.push(owner);
        OwnerId::from(self.owners.len() - 1)
    }

    /// Sets or lifts an owner's quota. What is placed already stays.
    pub fn set_quota(&mut self, owner: OwnerId, quota: Option<Quota>) {
        self.owners[owner.index()].quota = quota;
    }

    /// The id of a class, added when it is new.
    ///
    /// # Errors
    /// When an amount or the device demand is out of range.
    pub fn add_class(&mut self, class: TaskClass) -> Result<ClassId, ModelError> {
        self.check_amounts("task class", &class.demand.resources)?;
        if let Some(d) = class.demand.devices {
            let fine =
                (1..=DEVICES_PER_NODE_MAX as u16).contains(&d.count) && (1..=DEVICE_MILLI).contains(&d.milli);
            if !fine {
                return Err(ModelError::DeviceDemand { count: d.count, milli: d.milli });
            }
        }
        if let Some(&known) = self.class_ids.get(&class) {
            return Ok(known);
        }
        for rule in &class.rules.anti_affinity {
            if !self.repelled_from.iter().any(|(known, _)| known == rule) {
                self.repelled_from.push((*rule, BTreeMap::new()));
            }
        }
        let id = match self.retired_classes.pop() {
            Some(id) => {
                Arc::make_mut(&mut self.classes)[id.index()] = class.clone();
                id
            }
            None => {
                Arc::make_mut(&mut self.classes).push(class.clone());
                self.class_epochs.push(0);
                ClassId::from(self.classes.len() - 1)
            }
        };
        Arc::make_mut(&mut self.class_ids).insert(class, id);
        Ok(id)
    }

    /// A new, empty gang without a name.
    pub fn add_gang(&mut self) -> GangId {
        Arc::make_mut(&mut self.gangs).push(Vec::new());
        Arc::make_mut(&mut self.gang_names).push(Name::default());
        GangId::from(self.gangs.len() - 1)
    }

    /// The gang of that name, added when it is new.
    pub fn gang(&mut self, name: &str) -> GangId {
        if let Some(&known) = self.gang_by_name.get(name) {
            return known;
        }
        let gang = match self.retired_gangs.pop() {
            Some(index) => GangId::from(index),
            None => self.add_gang(),
        };
        Arc::make_mut(&mut self.gang_names)[gang.index()] = name.into();
        Arc::make_mut(&mut self.gang_by_name).insert(name.into(), gang);
        gang
    }

    /// Adds a task, not yet placed. The id of a retired task may be used again.
    pub fn add_task(&mut self, task: Task) -> TaskId {
        let id = self.retired.pop().unwrap_or(TaskId::from(self.tasks.len()));
        if let Some(gang) = task.gang {
            Arc::make_mut(&mut self.gangs)[gang.index()].push(id);
        }
        if id.index() < self.tasks.len() {
            Arc::make_mut(&mut self.tasks)[id.index()] = task;
            self.alive[id.index()] = true;
        } else {
            Arc::make_mut(&mut self.tasks).push(task);
            self.placements.push(None);
            self.alive.push(true);
        }
        id
    }

    /// Forgets a task that is done: takes it off its node and gives its id free for a later one.
    pub fn retire(&mut self, task: TaskId) {
        self.remove(task);
        self.alive[task.index()] = false;
        if let Some(gang) = Arc::make_mut(&mut self.tasks)[task.index()].gang.take() {
            Arc::make_mut(&mut self.gangs)[gang.index()].retain(|&t| t != task);
        }
        self.retired.push(task);
    }

    /// Sets a node's health. Tasks on it stay until they are removed.
    pub fn set_health(&mut self, node: NodeId, health: Health) {
        self.health[node.index()] = health;
        self.changes.push(node, health as u64);
    }

    /// Takes a device out of service or puts it back: while it is out, it has nothing free, so that no task is
    /// placed on it. Tasks on it stay until they are removed. False, and nothing changed, when there is no
    /// such device or it is so already.
    pub fn set_device_health(&mut self, node: NodeId, device: usize, in_service: bool) -> bool {
        let before = self.devices_in_service(node).get(device).copied();
        if before.is_none_or(|before| before == in_service) {
            return false;
        }
        let at = self.device_start[node.index()] as usize + device;
        self.device_in_service[at] = in_service;
        let left = u32::from(DEVICE_MILLI).saturating_sub(self.device_held[at]) as u16;
        self.device_free[at] = if in_service { left } else { 0 };
        self.changes.push(node, (device as u64) << 8 ^ u64::from(in_service));
        true
    }

    /// Whether there is one amount for each resource, all in range.
    ///
    /// # Errors
    /// When there is not; `name` says whose amounts they are.
    pub fn check_amounts(&self, name: &str, amounts: &[i64]) -> Result<(), ModelError> {
        if amounts.len() != self.schema.len() {
            return Err(ModelError::AmountCount {
                name: name.to_owned(),
                given: amounts.len(),
                expected: self.schema.len(),
            });
        }
        for (resource, &amount) in self.schema.names().iter().zip(amounts) {
            if !(0..=AMOUNT_MAX).contains(&amount) {
                return Err(ModelError::AmountRange {
                    name: name.to_owned(),
                    resource: resource.clone(),
                    amount,
                    max: AMOUNT_MAX,
                });
            }
        }
        Ok(())
    }
}
