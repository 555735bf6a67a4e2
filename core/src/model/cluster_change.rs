//! What changes of a cluster that lives: nodes that go or get another capacity, tasks that become others, classes, gangs,
//! groups and owners that nobody needs any more. Ids of what is gone are used again, so that memory stays flat.

use std::sync::Arc;

use super::labels::SpokenOf;
use super::{
    ClassId, Cluster, DEVICE_MILLI, DeviceSet, GroupId, Health, ModelError, ModelId, ModelSet, Name, NodeId,
    NodeSpec, Placement, Preference, Rules, Scope, Selector, Task, TaskId,
};

impl Cluster {
    /// Gives a node what the spec says of capacity, devices, labels and health. Tasks on it stay, whether there is
    /// room for them or not; devices that are gone are taken from them.
    ///
    /// # Errors
    /// When an amount is out of range or there are too many devices; the node is then as it was.
    pub fn update_node(&mut self, node: NodeId, spec: &NodeSpec) -> Result<(), ModelError> {
        self.check_spec(spec)?;
        let hosted: Vec<(TaskId, Option<Placement>)> = if self.device_models(node) == &*spec.devices {
            Vec::new()
        } else {
            self.hosted(node).to_vec().into_iter().map(|task| (task, self.remove(task))).collect()
        };
        self.set_devices(node, &spec.devices);
        let resources = self.schema.len();
        let at = node.index() * resources;
        self.capacity[at..at + resources].copy_from_slice(&spec.capacity);
        for (task, place) in hosted {
            if let Some(place) = place {
                let there: DeviceSet = place.devices.iter().filter(|&i| i < spec.devices.len()).collect();
                self.put_back(task, Placement { node, devices: there });
            }
        }
        for r in at..at + resources {
            self.free[r] = (self.capacity[r] - self.held[r]).max(0);
        }
        self.set_labels(node, &spec.labels);
        self.health[node.index()] = spec.health;
        self.inventory_version += 1;
        self.changes.push(node, self.inventory_version);
        Ok(())
    }

    /// Takes a node out of the cluster; its tasks lose their places, which are returned. Its id stays as a node without name
    /// and capacity that is down, until another node takes it.
    pub fn remove_node(&mut self, node: NodeId) -> Vec<TaskId> {
        let name = self.node_names[node.index()].clone();
        if Arc::make_mut(&mut self.node_by_name).remove(&name).is_none() {
            return Vec::new();
        }
        let tasks = self.hosted(node).to_vec();
        for &task in &tasks {
            self.remove(task);
        }
        self.set_devices(node, &[]);
        let resources = self.schema.len();
        let at = node.index() * resources;
        self.capacity[at..at + resources].fill(0);
        self.free[at..at + resources].fill(0);
        self.set_labels(node, &[]);
        self.health[node.index()] = Health::Down;
        Arc::make_mut(&mut self.node_names)[node.index()] = Name::default();
        self.retired_nodes.push(node);
        self.inventory_version += 1;
        self.changes.push(node, self.inventory_version);
        tasks
    }

    /// Whether the node is part of the cluster: not one that has gone.
    pub fn is_there(&self, node: NodeId) -> bool {
        self.node_named(&self.node_names[node.index()]) == Some(node)
    }

    /// Gives the node these devices, all free and in service; no task may hold any.
    fn set_devices(&mut self, node: NodeId, devices: &[ModelId]) {
        if self.device_models(node) == devices {
            return;
        }
        let range = self.device_start[node.index()] as usize..self.device_start[node.index() + 1] as usize;
        let (before, after) = (range.len(), devices.len());
        self.device_free.splice(range.clone(), devices.iter().map(|_| DEVICE_MILLI));
        self.device_held.splice(range.clone(), devices.iter().map(|_| 0));
        self.device_in_service.splice(range.clone(), devices.iter().map(|_| true));
        self.device_model.splice(range, devices.iter().copied());
        for start in &mut self.device_start[node.index() + 1..] {
            *start = (*start as usize + after - before) as u32;
        }
        self.node_models[node.index()] = devices.iter().fold(ModelSet::NONE, |set, &m| set.with(m));
    }

    pub(super) fn set_labels(&mut self, node: NodeId, labels: &[(String, String)]) {
        Arc::make_mut(&mut self.labels).clear(node);
        for (key, value) in labels {
            let key = self.label_key(key);
            let value = self.label_value(key, value);
            Arc::make_mut(&mut self.labels).set(node, key, value);
        }
    }

    /// Puts another task in the place of one: of another class, owner, gang or priority. It stays where it stands.
    pub fn replace_task(&mut self, id: TaskId, task: Task) {
        let place = self.remove(id);
        let before = Arc::make_mut(&mut self.tasks);
        let before = std::mem::replace(&mut before[id.index()], task);
        if before.gang != self.task(id).gang {
            if let Some(gang) = before.gang {
                Arc::make_mut(&mut self.gangs)[gang.index()].retain(|&t| t != id);
            }
            if let Some(gang) = self.task(id).gang {
                Arc::make_mut(&mut self.gangs)[gang.index()].push(id);
            }
        }
        if let Some(place) = place {
            self.put_back(id, place);
        }
    }

    /// Sets what a move of the task costs, and whether it may be disturbed at all.
    pub fn set_move(&mut self, task: TaskId, cost: f32, do_not_disrupt: bool) {
        let task = &mut Arc::make_mut(&mut self.tasks)[task.index()];
        (task.move_cost, task.do_not_disrupt) = (cost, do_not_disrupt);
    }

    /// A task may be neither moved nor stopped any more.
    pub fn fasten(&mut self, task: TaskId) {
        let task = &mut Arc::make_mut(&mut self.tasks)[task.index()];
        (task.do_not_disrupt, task.preemptible) = (true, false);
    }

    /// Whether more is held of a node than it has: the world may do so, Lepton never does.
    pub fn is_overbooked(&self, node: NodeId) -> bool {
        let r = self.schema.len();
        let held = &self.held[node.index() * r..(node.index() + 1) * r];
        let devices = self.device_start[node.index()] as usize..self.device_start[node.index() + 1] as usize;
        held.iter().zip(self.capacity(node)).any(|(held, all)| held > all)
            || self.device_held[devices].iter().any(|&held| held > u32::from(DEVICE_MILLI))
    }

    /// Frees what no task or node needs any more: classes, then labels, gangs, groups and owners. O(tasks + classes). Whoever holds ids of
    /// classes must not call it.
    pub fn free_unused(&mut self) {
        let mut classes = vec![false; self.classes.len()];
        let mut owners = vec![false; self.owners.len()];
        let live: Vec<TaskId> = self.live_tasks().collect();
        for &task in &live {
            let task = self.task(task);
            classes[task.class.index()] = true;
            if let Some(owner) = task.owner {
                owners[owner.index()] = true;
            }
        }
        for (index, _) in classes.iter().enumerate().filter(|&(_, &used)| !used) {
            self.free_class(ClassId::from(index));
        }
        self.free_groups();
        for index in 0..self.gangs.len() {
            if self.gangs[index].is_empty() && !self.gang_names[index].is_empty() {
                let name = std::mem::take(&mut Arc::make_mut(&mut self.gang_names)[index]);
                Arc::make_mut(&mut self.gang_by_name).remove(&name);
                self.retired_gangs.push(index);
            }
        }
        for (index, _) in owners.iter().enumerate().filter(|&(_, &used)| !used) {
            let owner = &mut self.owners[index];
            if owner.quota.is_none() && !owner.name.is_empty() {
                owner.name = "".into();
                self.retired_owners.push(index);
            }
        }
    }

    fn free_class(&mut self, class: ClassId) {
        let content = &self.classes[class.index()];
        if self.class_ids.get(content) == Some(&class) {
            Arc::make_mut(&mut self.class_ids).remove(content);
            self.retired_classes.push(class);
            // What kept scores for it must not take its successor for it.
            self.class_epochs[class.index()] += 1;
        }
    }

    /// Frees the groups, rules and labels that no class speaks of.
    fn free_groups(&mut self) {
        let mut spoken_of = vec![false; self.group_names.len()];
        let mut repelling = Vec::new();
        let mut labels = SpokenOf::default();
        for (index, class) in self.classes.iter().enumerate() {
            if self.class_ids.get(class) != Some(&ClassId::from(index)) {
                continue;
            }
            let Rules { selectors, enters_cordoned, affinity, anti_affinity, spread, preferences } =
                &class.rules;
            let liked = preferences.iter().filter_map(Preference::selector);
            for Selector { key, values } in selectors.iter().chain(enters_cordoned).chain(liked) {
                labels.keys.insert(*key);
                labels.values.extend(values.iter().map(|&value| (*key, value)));
            }
            let scopes = affinity.iter().map(|rule| rule.scope).chain(anti_affinity.iter().map(|r| r.scope));
            let domains = scopes.filter_map(|scope| match scope {
                Scope::Node => None,
                Scope::Domain(key) => Some(key),
            });
            labels.keys.extend(domains.chain(spread.iter().map(|rule| rule.key)));
            labels.keys.extend(preferences.iter().filter_map(Preference::key));
            let groups = affinity.iter().flat_map(|r| r.groups.iter().copied());
            let groups = groups.chain(anti_affinity.iter().map(|r| r.group));
            let groups = groups.chain(spread.iter().map(|r| r.group)).chain(class.group);
            let groups = groups.chain(preferences.iter().flat_map(|p| p.groups().iter().copied()));
            groups.for_each(|group: GroupId| spoken_of[group.index()] = true);
            repelling.extend(anti_affinity.iter().copied());
        }
        Arc::make_mut(&mut self.labels).free_unused(&labels);
        self.repelled_from.retain(|(rule, _)| repelling.contains(rule));
        for (index, _) in spoken_of.iter().enumerate().filter(|&(_, &spoken)| !spoken) {
            if !self.group_names[index].is_empty() {
                Arc::make_mut(&mut self.group_names)[index] = Name::default();
                self.retired_groups.push(index);
            }
        }
    }
}

#[cfg(test)]
impl Cluster {
    /// How many places memory is held for, those that are free among them: tasks, nodes, classes, gangs, groups, owners, rules,
    /// label keys and label values.
    pub(crate) fn kept(&self) -> [usize; 9] {
        let [keys, values] = self.labels.kept();
        [
            self.tasks.len(),
            self.node_names.len(),
            self.classes.len(),
            self.gangs.len(),
            self.group_names.len(),
            self.owners.len(),
            self.repelled_from.len(),
            keys,
            values,
        ]
    }
}
