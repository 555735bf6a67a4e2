//! The cluster as the loop believes it to be at one moment: who stands where, what is really used, what
//! waits, how old the belief is. Collect keeps it true; the other stages read it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Cluster, Health, Memory, NodeId, Obstacle, Placement, ResourceSchema, TaskId, Waiting};

/// What is known of a task beside its place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskState {
    /// When it was submitted, seconds.
    pub submitted_seconds: u64,
    /// How long it stands still when it is moved, seconds.
    pub pause_seconds: u32,
    /// Real use of each resource, in the order of the schema; empty while unknown.
    pub used: Vec<i64>,
    /// Work that would be lost if its node failed now, seconds.
    pub unsaved_seconds: u64,
    /// Whether it has been told to go and still stands where it was.
    pub leaving: bool,
    /// What kept it waiting at the last decision.
    pub waits_for: Option<Obstacle>,
}

/// The cluster at one moment, as believed.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The moment, seconds.
    pub time_seconds: u64,
    /// Nodes, tasks, placements.
    pub cluster: Cluster,
    /// Per [`TaskId`].
    pub tasks: Vec<TaskState>,
    /// Tasks without a place, with those that a part under way has a hand on; [`Snapshot::waiting`] leaves these out.
    pub pending: BTreeSet<TaskId>,
    /// Per [`NodeId`]: estimated probability of a failure within the next hour.
    pub risk: Vec<f64>,
    /// Nodes that this loop cordoned, and may therefore uncordon.
    pub cordoned_by_loop: BTreeSet<NodeId>,
    /// When each source last looked, seconds.
    pub sources: BTreeMap<String, u64>,
    /// Sources that have not looked for too long: with any, nothing is to be acted on.
    pub stale: BTreeSet<String>,
    /// Readings that were absurd or spoke of unknown things, and were not used: how many so far.
    pub rejected: u64,
    /// Per class: how many of its tasks have come so far; the mix that decisions reckon with.
    pub arrived: Vec<u64>,
    /// What the loop remembers of its own deeds: moves made, parts under way.
    pub memory: Memory,
    /// Tasks by name.
    pub task_by_name: HashMap<Box<str>, TaskId>,
}

impl Snapshot {
    /// A snapshot of a cluster of which nothing is known yet.
    pub fn new(schema: ResourceSchema) -> Self {
        Self {
            time_seconds: 0,
            cluster: Cluster::new(schema),
            tasks: Vec::new(),
            pending: BTreeSet::new(),
            risk: Vec::new(),
            cordoned_by_loop: BTreeSet::new(),
            sources: BTreeMap::new(),
            stale: BTreeSet::new(),
            rejected: 0,
            arrived: Vec::new(),
            memory: Memory::default(),
            task_by_name: HashMap::new(),
        }
    }

    /// The tasks that wait for a decision: there, without a place, and not in the hand of a part under way.
    pub fn waiting(&self) -> Vec<TaskId> {
        let underway = self.memory.tasks_underway();
        let free = |task: &TaskId| !underway.contains(&*self.cluster.task(*task).name);
        self.pending.iter().copied().filter(free).collect()
    }

    /// A task stands somewhere, as the world has it. False, and nothing changed, when it cannot be so.
    pub fn stands(&mut self, task: TaskId, place: Placement) -> bool {
        let before = self.cluster.placement(task);
        if before == Some(place) {
            return true;
        }
        let left = self.cluster.remove(task);
        if self.cluster.book(task, place).is_err() {
            if let Some(left) = left {
                // It was there a moment ago, so there is room.
                self.cluster.put_back(task, left);
            }
            return false;
        }
        let state = &mut self.tasks[task.index()];
        state.waits_for = None;
        state.leaving = false;
        self.pending.remove(&task);
        true
    }

    /// A task has no place and wants one.
    pub fn waits(&mut self, task: TaskId) {
        self.cluster.remove(task);
        self.tasks[task.index()].leaving = false;
        self.pending.insert(task);
    }

    /// Notes what keeps tasks waiting, so that the next turn can tell whether it is news.
    pub fn note_waiting(&mut self, waiting: &[Waiting]) {
        for Waiting { task, obstacle } in waiting {
            if let Some(task) = self.task_by_name.get(&**task) {
                self.tasks[task.index()].waits_for = Some(*obstacle);
            }
        }
    }

    /// A node's state, and whether it was this loop that cordoned it.
    pub fn set_node_state(&mut self, node: NodeId, health: Health, cordoned_by_loop: bool) {
        if cordoned_by_loop {
            self.cordoned_by_loop.insert(node);
        } else {
            self.cordoned_by_loop.remove(&node);
        }
        if self.cluster.health(node) != health {
            self.cluster.set_health(node, health);
        }
    }

    /// What is known of a task.
    pub fn task(&self, task: TaskId) -> &TaskState {
        &self.tasks[task.index()]
    }

    /// Estimated probability of a failure of a node within the next hour; a sick node has failed already.
    pub fn risk_of(&self, node: NodeId) -> f64 {
        if self.cluster.health(node) == Health::Sick { 1.0 } else { self.risk[node.index()] }
    }

    /// Real use of a resource by the tasks of a node; a task whose use is unknown counts with `expected`
    /// times its demand.
    pub fn used(&self, node: NodeId, resource: usize, expected: f64) -> f64 {
        self.cluster.hosted(node).iter().map(|&t| self.task_use(t, resource, expected)).sum()
    }

    /// Real use of a resource by a task, or `expected` times its demand while unknown.
    pub fn task_use(&self, task: TaskId, resource: usize, expected: f64) -> f64 {
        match self.task(task).used.get(resource) {
            Some(&used) => used as f64,
            None => expected * self.cluster.demand(task).resources[resource] as f64,
        }
    }
}
