//! Whether a class fits on a node, and why not: the hard rules. Every policy chooses only among nodes
//! that pass here; the same checks guard each placement.

use std::collections::BTreeMap;

use super::{
    ClassId, Cluster, DeviceDemand, GroupId, GroupRule, Health, LabelKey, Moving, NearRule, NodeId, Obstacle,
    PlaceError, Placement, Scope, Selector, SpreadRule, TaskClass, TaskId,
};

impl Cluster {
    /// How many devices of the node have room for the demand.
    pub fn devices_fitting(&self, node: NodeId, demand: &DeviceDemand) -> usize {
        let free = self.devices_free(node);
        if self.node_models(node).within(demand.accept) {
            return free.iter().filter(|&&f| f >= demand.milli).count();
        }
        let models = self.device_models(node).iter();
        free.iter().zip(models).filter(|&(&f, &m)| f >= demand.milli && demand.accept.contains(m)).count()
    }

    /// Whether the class may stand on the node as far as the node alone tells: health, labels, device
    /// model, free resources, free devices. Rules about other tasks are [`Cluster::obstacle_around`].
    pub fn fits(&self, node: NodeId, class: ClassId) -> bool {
        let class = self.class(class);
        let enough = self.free(node).iter().zip(&class.demand.resources).all(|(free, need)| free >= need);
        enough
            && self.is_open(node, class)
            && class.demand.devices.is_none_or(|d| {
                d.accept.meets(self.node_models(node))
                    && self.devices_fitting(node, &d) >= usize::from(d.count)
            })
            && self.labels_match(node, class)
    }

    /// Whether the class may ever stand on the node as far as what never changes tells: labels and device models.
    pub fn suits(&self, node: NodeId, class: ClassId) -> bool {
        let class = self.class(class);
        class.demand.devices.is_none_or(|d| d.accept.meets(self.node_models(node)))
            && self.labels_match(node, class)
    }

    /// Whether the node takes tasks of the class: it works, and nobody has cordoned it who means them too.
    fn is_open(&self, node: NodeId, class: &TaskClass) -> bool {
        let health = self.health(node);
        health.takes_tasks()
            || health == Health::Cordoned
                && class.rules.enters_cordoned.as_ref().is_some_and(|selector| self.carries(node, selector))
    }

    fn labels_match(&self, node: NodeId, class: &TaskClass) -> bool {
        class.rules.selectors.iter().all(|selector| self.carries(node, selector))
    }

    fn carries(&self, node: NodeId, selector: &Selector) -> bool {
        self.label(node, selector.key).is_some_and(|value| selector.values.contains(&value))
    }

    /// What keeps the class off the node, looking at the node alone; `None` when nothing does.
    pub fn obstacle(&self, node: NodeId, class: ClassId) -> Option<Obstacle> {
        if self.fits(node, class) {
            return None;
        }
        let class = self.class(class);
        Some(if !self.is_open(node, class) {
            Obstacle::NodeNotReady
        } else if !self.labels_match(node, class) {
            Obstacle::LabelMismatch
        } else if class.demand.devices.is_some_and(|d| !d.accept.meets(self.node_models(node))) {
            Obstacle::DeviceModelMismatch
        } else if self.free(node).iter().zip(&class.demand.resources).any(|(free, need)| free < need) {
            Obstacle::InsufficientResource
        } else {
            Obstacle::InsufficientDevices
        })
    }

    /// Of the resources the one that is too short for the class on most nodes; none where there is enough everywhere.
    pub fn scarcest_resource(&self, class: ClassId) -> Option<&str> {
        let need = &self.class(class).demand.resources;
        let short_on =
            |at: usize| self.nodes().filter(|&node| self.free(node).get(at) < need.get(at)).count();
        let counts = (0..need.len()).map(|at| (short_on(at), at)).filter(|&(count, _)| count > 0);
        let (_, at) = counts.max_by_key(|&(count, at)| (count, std::cmp::Reverse(at)))?;
        self.schema().names().get(at).map(String::as_str)
    }

    /// What keeps the class off the node because of tasks elsewhere: affinity, anti-affinity (which
    /// binds both sides, whoever came first), spread.
    pub fn obstacle_around(&self, node: NodeId, class: ClassId) -> Option<Obstacle> {
        if self.keeps_apart(node, class) {
            return Some(Obstacle::AntiAffinity);
        }
        let class = self.class(class);
        let rules = &class.rules;
        let lonely = |r: &NearRule| {
            let is_domain = |&n: &NodeId| self.together(n, n, r.scope);
            let nowhere = |&g: &GroupId| !self.group_nodes(g).keys().any(is_domain);
            let first_of_own = class.group.is_some_and(|own| r.groups.contains(&own))
                && is_domain(&node)
                && r.groups.iter().all(nowhere);
            !first_of_own
                && !r.groups.iter().any(|&g| self.tasks_near(node, r.scope, self.group_nodes(g)) > 0)
        };
        if rules.affinity.iter().any(lonely) {
            return Some(Obstacle::Affinity);
        }
        rules.spread.iter().any(|r| self.spread_broken_by(node, r)).then_some(Obstacle::Spread)
    }

    /// Whether the class keeps away from a task near the node, or one of these from it: no task that comes changes that.
    pub fn keeps_apart(&self, node: NodeId, class: ClassId) -> bool {
        let class = self.class(class);
        let near = |r: &GroupRule| self.tasks_near(node, r.scope, self.group_nodes(r.group)) > 0;
        class.rules.anti_affinity.iter().any(near) || self.repelled(node, class.group)
    }

    /// What keeps the task within its owner's quota from being placed.
    pub fn obstacle_of_quota(&self, task: TaskId) -> Option<Obstacle> {
        let owner = self.task(task).owner?;
        let quota = self.quota(owner)?;
        let held = self.held_by(owner);
        let demand = self.demand(task);
        let over = held.device_milli + demand.device_milli() > quota.device_milli
            || (held.resources.iter().zip(&demand.resources).zip(&quota.resources))
                .any(|((held, need), most)| held + need > *most);
        over.then_some(Obstacle::Quota)
    }

    fn together(&self, a: NodeId, b: NodeId, scope: Scope) -> bool {
        match scope {
            Scope::Node => a == b,
            Scope::Domain(key) => self.label(a, key).is_some() && self.label(a, key) == self.label(b, key),
        }
    }

    /// Whether a task near the node brings along an anti-affinity to the group.
    fn repelled(&self, node: NodeId, group: Option<GroupId>) -> bool {
        let Some(group) = group else { return false };
        let mut rules = self.repelled_from.iter().filter(|(rule, _)| rule.group == group);
        rules.any(|(rule, nodes)| self.tasks_near(node, rule.scope, nodes) > 0)
    }

    /// Whether a decision about the class must look at tasks elsewhere: because of a rule of its own, or
    /// because another class keeps away from its group.
    pub fn looks_around(&self, class: ClassId) -> bool {
        let class = self.class(class);
        class.rules.look_around()
            || class.group.is_some_and(|g| self.repelled_from.iter().any(|(rule, _)| rule.group == g))
    }

    /// How many of the tasks counted per node in `nodes` stand near `node`.
    pub(super) fn tasks_near(&self, node: NodeId, scope: Scope, nodes: &BTreeMap<NodeId, u32>) -> u32 {
        match scope {
            Scope::Node => nodes.get(&node).copied().unwrap_or(0),
            scope => nodes.iter().filter(|&(&n, _)| self.together(n, node, scope)).map(|(_, c)| c).sum(),
        }
    }

    /// The group's tasks per value of the key.
    fn spread_counts(&self, group: GroupId, key: LabelKey) -> Vec<u32> {
        let mut counts = vec![0; self.label_value_count(key)];
        for (&node, count) in self.group_nodes(group) {
            if let Some(value) = self.label(node, key) {
                counts[value.index()] += count;
            }
        }
        counts
    }

    fn spread_broken_by(&self, node: NodeId, rule: &SpreadRule) -> bool {
        let Some(value) = self.label(node, rule.key) else {
            return true;
        };
        let counts = self.spread_counts(rule.group, rule.key);
        // A domain of which no node is left is none.
        let least = self.labels.carried(rule.key).map(|value| counts[value.index()]).min().unwrap_or(0);
        counts[value.index()] + 1 > least + rule.skew_max
    }

    /// Whether the devices named are the number asked for, exist, are accepted and have room.
    pub fn devices_right(&self, class: ClassId, place: Placement) -> bool {
        let Some(demand) = self.class(class).demand.devices else {
            return place.devices.is_empty();
        };
        let free = self.devices_free(place.node);
        let models = self.device_models(place.node);
        place.devices.len() == usize::from(demand.count)
            && place
                .devices
                .iter()
                .all(|i| i < free.len() && free[i] >= demand.milli && demand.accept.contains(models[i]))
    }

    /// Places a task.
    ///
    /// # Errors
    /// When the task has a place, a rule forbids this one, or the devices are not right; the cluster is
    /// then as it was.
    pub fn place(&mut self, task: TaskId, place: Placement) -> Result<(), PlaceError> {
        let node = place.node;
        let class = self.task(task).class;
        if self.placement(task).is_some() {
            return Err(PlaceError::AlreadyPlaced(task));
        }
        let obstacle = self
            .obstacle(node, class)
            .or_else(|| self.obstacle_around(node, class))
            .or_else(|| self.obstacle_of_quota(task));
        if let Some(obstacle) = obstacle {
            return Err(PlaceError::Forbidden { task, node, obstacle });
        }
        if !self.devices_right(class, place) {
            return Err(PlaceError::WrongDevices { task, node });
        }
        self.put_back(task, place);
        Ok(())
    }

    /// Moves a placed task to where it may stand. One that stands twice needs room beside its old place.
    ///
    /// # Errors
    /// When a rule forbids the new place or the devices are not right; the cluster is then as it was.
    pub fn migrate(&mut self, task: TaskId, to: Placement, moving: Moving) -> Result<(), PlaceError> {
        let class = self.task(task).class;
        if moving == Moving::StandTwice {
            if let Some(obstacle) = self.obstacle(to.node, class) {
                return Err(PlaceError::Forbidden { task, node: to.node, obstacle });
            }
            if !self.devices_right(class, to) {
                return Err(PlaceError::WrongDevices { task, node: to.node });
            }
        }
        let from = self.remove(task);
        let moved = self.place(task, to);
        if let (Err(_), Some(from)) = (&moved, from) {
            self.put_back(task, from);
        }
        moved
    }

    /// Puts a task back where it just stood: the room is there, and rules that have come to forbid the
    /// place since (the node fell sick) do not drive it away.
    pub fn put_back(&mut self, task: TaskId, place: Placement) {
        self.placements[task.index()] = Some(place);
        self.hosted[place.node.index()].push(task);
        self.hold(task, place, 1);
    }

    /// Books a task where the world says it stands. Neither rules nor capacity are asked: the world is right, also where
    /// it holds more than there is.
    ///
    /// # Errors
    /// When the task has a place, or the node has no such device.
    pub fn book(&mut self, task: TaskId, place: Placement) -> Result<(), PlaceError> {
        if self.placement(task).is_some() {
            return Err(PlaceError::AlreadyPlaced(task));
        }
        let devices = self.devices_free(place.node).len();
        if place.devices.iter().any(|index| index >= devices) {
            return Err(PlaceError::WrongDevices { task, node: place.node });
        }
        self.put_back(task, place);
        Ok(())
    }
}
