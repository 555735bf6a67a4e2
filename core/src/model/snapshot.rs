//! The cluster as the loop believes it to be at one moment: who stands where, what is really used, what
//! waits, how old the belief is. Collect keeps it true; the other stages read it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::{
    Arrivals, Cluster, EndedTask, ExpectedMix, GangId, Health, Memory, Mode, Modes, Name, NodeId, NodeSpec,
    Obstacle, Placement, RecentTasks, ResourceSchema, Statement, Task, TaskId, Waiting,
};

/// What is known of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceState {
    /// Its number among the sources.
    pub number: u32,
    /// When it last looked, seconds.
    pub looked_seconds: u64,
    /// The number that its next message should have.
    pub next_sequence: Option<u64>,
    /// Readings since its last complete list that could not be believed.
    pub rejected: u64,
    /// Whether it should be asked for a complete list.
    pub wants_list: bool,
}

impl SourceState {
    /// A source of which nothing was heard yet.
    pub fn new(number: u32) -> Self {
        Self { number, looked_seconds: 0, next_sequence: None, rejected: 0, wants_list: false }
    }

    /// Takes in the number of a message; returns whether it repeats what was told before. A gap asks for a list.
    pub fn takes(&mut self, sequence: Option<u64>, complete: bool) -> bool {
        if let (Some(sequence), Some(next)) = (sequence, self.next_sequence) {
            if sequence < next {
                return true;
            }
            self.wants_list |= sequence > next;
        }
        self.next_sequence = sequence.map(|s| s.saturating_add(1)).or(self.next_sequence);
        if complete {
            (self.rejected, self.wants_list) = (0, false);
        }
        false
    }
}

/// What is known of a task beside its place.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TaskState {
    /// When it was submitted, seconds.
    pub submitted_seconds: u64,
    /// How long its user says that it runs, seconds.
    pub requested_seconds: Option<u64>,
    /// When its present run began, seconds.
    pub started_seconds: Option<u64>,
    /// How long its earlier runs took together, seconds.
    pub ran_seconds: u64,
    /// Number of the source that tells of it.
    pub source: u32,
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

/// Fewest tasks that have gone before unused classes and names are looked for.
const GONE_MIN: usize = 256;

/// The cluster at one moment, as believed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Snapshot {
    /// The moment, seconds.
    pub time_seconds: u64,
    /// Nodes, tasks, placements.
    pub cluster: Cluster,
    /// Per [`TaskId`].
    pub tasks: Vec<TaskState>,
    /// Tasks without a place, with those that a part under way has a hand on; [`Snapshot::waiting`] leaves these out.
    pub pending: BTreeSet<TaskId>,
    /// Per [`NodeId`]: the signals told of it, by name, with their last value and when it was told, seconds.
    pub signals: Vec<BTreeMap<Name, (f64, u64)>>,
    /// Nodes that this loop cordoned, and may therefore uncordon.
    pub cordoned_by_loop: BTreeSet<NodeId>,
    /// The sources.
    pub sources: BTreeMap<String, SourceState>,
    /// Per [`NodeId`]: number of the source that tells of it.
    pub node_source: Vec<u32>,
    /// Sources that have not looked for too long: with any, nothing is to be acted on.
    pub stale: BTreeSet<String>,
    /// Readings that were absurd or spoke of unknown things, and were not used: how many so far.
    pub rejected: u64,
    /// The tasks that have come so far, by shape.
    pub arrivals: Arrivals,
    /// How tasks have come and gone lately.
    pub recent: RecentTasks,
    /// The mix that decisions reckon with: what had come at its version.
    pub mix: ExpectedMix,
    /// What the loop remembers of its own deeds: moves made, parts under way.
    pub memory: Memory,
    /// Tasks that have gone since unused classes and names were last freed.
    pub(super) gone: usize,
    /// What the loop may do with whose tasks.
    #[serde(default, skip_serializing_if = "Modes::is_one")]
    pub modes: Modes,
    /// Tasks by name.
    pub task_by_name: HashMap<Name, TaskId>,
}

impl Snapshot {
    /// A snapshot of a cluster of which nothing is known yet.
    pub fn new(schema: ResourceSchema) -> Self {
        Self {
            time_seconds: 0,
            cluster: Cluster::new(schema),
            tasks: Vec::new(),
            pending: BTreeSet::new(),
            signals: Vec::new(),
            cordoned_by_loop: BTreeSet::new(),
            sources: BTreeMap::new(),
            node_source: Vec::new(),
            stale: BTreeSet::new(),
            rejected: 0,
            arrivals: Arrivals::default(),
            recent: RecentTasks::default(),
            mix: ExpectedMix::default(),
            memory: Memory::default(),
            gone: 0,
            modes: Modes::default(),
            task_by_name: HashMap::new(),
        }
    }

    /// A snapshot of a cluster of which no more is known than how it stands.
    pub fn of_cluster(cluster: Cluster, time_seconds: u64) -> Self {
        let names = cluster.live_tasks().map(|task| (cluster.task(task).name.clone(), task)).collect();
        let pending = cluster.waiting().collect();
        let (tasks, nodes) = (cluster.tasks().len(), cluster.node_count());
        Self {
            time_seconds,
            pending,
            task_by_name: names,
            tasks: vec![TaskState::default(); tasks],
            signals: vec![BTreeMap::new(); nodes],
            node_source: vec![0; nodes],
            cluster,
            ..Self::new(ResourceSchema::cpu_and_memory())
        }
    }

    /// The tasks that wait for a decision: there, without a place, not in the hand of a part under way, and not left alone.
    pub fn waiting(&self) -> Vec<TaskId> {
        let underway = self.memory.tasks_underway();
        let free =
            |task: &TaskId| !underway.contains(&*self.cluster.task(*task).name) && !self.is_left_alone(*task);
        self.pending.iter().copied().filter(free).collect()
    }

    /// The same in the order of the queue: the more important first, then who came first.
    pub fn queue(&self) -> Vec<TaskId> {
        let mut tasks = self.waiting();
        tasks.sort_by_key(|&t| {
            (std::cmp::Reverse(self.cluster.task(t).priority), self.task(t).submitted_seconds, t)
        });
        tasks
    }

    /// The waiting units (a task, or a gang whole) in the order of the queue: a gang stands where its first member stands.
    pub fn queue_units(&self) -> Vec<Vec<TaskId>> {
        let mut of_gang: HashMap<GangId, usize> = HashMap::new();
        let mut units: Vec<Vec<TaskId>> = Vec::new();
        for task in self.queue() {
            let gang = self.cluster.task(task).gang;
            match gang.and_then(|gang| of_gang.get(&gang)) {
                Some(&at) => units[at].push(task),
                None => {
                    of_gang.extend(gang.map(|gang| (gang, units.len())));
                    units.push(vec![task]);
                }
            }
        }
        units
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
                self.cluster.put_back(task, left);
            }
            return false;
        }
        let state = &mut self.tasks[task.index()];
        state.waits_for = None;
        state.leaving = false;
        state.started_seconds.get_or_insert(self.time_seconds);
        self.pending.remove(&task);
        true
    }

    /// A task has no place and wants one.
    pub fn waits(&mut self, task: TaskId) {
        self.cluster.remove(task);
        let now = self.time_seconds;
        let state = &mut self.tasks[task.index()];
        state.ran_seconds += state.started_seconds.take().map_or(0, |started| now.saturating_sub(started));
        state.leaving = false;
        self.pending.insert(task);
    }

    /// A task has run to its end, or was taken back before it began.
    pub fn task_ended(&mut self, task: TaskId) {
        let state = &self.tasks[task.index()];
        if let Some(started) = state.started_seconds {
            self.recent.note_end(EndedTask {
                submitted_seconds: state.submitted_seconds,
                requested_seconds: state.requested_seconds,
                ran_seconds: state.ran_seconds + self.time_seconds.saturating_sub(started),
                ended_seconds: self.time_seconds,
                size: self.cluster.size_in_devices(task),
                priority: self.cluster.task(task).priority,
            });
        }
        self.task_gone(task);
    }

    /// A task is done, or gone for another reason.
    pub fn task_gone(&mut self, task: TaskId) {
        self.task_by_name.remove(&self.cluster.task(task).name);
        self.cluster.retire(task);
        self.pending.remove(&task);
        self.gone += 1;
        // Looking for what nobody needs any more takes as long as there are tasks, so it is done after as many have gone.
        if self.gone > self.task_by_name.len() + GONE_MIN {
            self.cluster.free_unused();
            self.gone = 0;
        }
    }

    /// A node is gone; its tasks have lost their places.
    pub fn node_gone(&mut self, node: NodeId) {
        for task in self.cluster.remove_node(node) {
            self.waits(task);
        }
        self.cordoned_by_loop.remove(&node);
        if let Some(signals) = self.signals.get_mut(node.index()) {
            signals.clear();
        }
    }

    /// Whether a node is as the spec says, but for its health by the loop's own cordon.
    pub fn is_as_told(&self, node: NodeId, spec: &NodeSpec) -> bool {
        let cluster = &self.cluster;
        let mut labels: Vec<(&str, &str)> = cluster.labels_of(node).collect();
        let mut told: Vec<(&str, &str)> = spec.labels.iter().map(|(k, v)| (&**k, &**v)).collect();
        labels.sort_unstable();
        told.sort_unstable();
        cluster.capacity(node) == &*spec.capacity
            && cluster.device_models(node) == &*spec.devices
            && cluster.health(node) == spec.health
            && labels == told
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

    /// The signals told of a node, with their last values.
    pub fn signals_of(&self, node: NodeId) -> impl Iterator<Item = (&str, f64)> {
        self.signals.get(node.index()).into_iter().flatten().map(|(signal, &(value, _))| (&**signal, value))
    }

    /// Device-minutes that standing still during a move of the task costs.
    pub fn move_cost(&self, task: TaskId) -> f64 {
        self.cluster.size_in_devices(task) * f64::from(self.task(task).pause_seconds) / 60.0
    }

    /// Whose the task is; nobody's where it has no owner.
    pub fn owner_of(&self, task: TaskId) -> Option<&str> {
        self.cluster.task(task).owner.map(|owner| self.cluster.owner_name(owner))
    }

    /// What the loop may do with a task.
    pub fn mode_of(&self, task: TaskId) -> Mode {
        if self.modes.is_one() { self.modes.rest } else { self.modes.of(self.owner_of(task)) }
    }

    /// Whether only the tasks of others are decided on. A loop that decides on nobody's leaves none alone: what it would do is then asked of all.
    pub fn is_left_alone(&self, task: TaskId) -> bool {
        !self.modes.is_one() && self.mode_of(task) == Mode::Observe && self.modes.most() != Mode::Observe
    }

    /// A copy of the cluster to plan on. Room that parts under way will need, or will need again if they are taken back, is
    /// held on it, and what is left alone may neither be moved nor stopped.
    pub fn draft_cluster(&self) -> Cluster {
        let mut cluster = self.cluster.clone();
        if !self.modes.is_one() {
            self.cluster.live_tasks().filter(|&t| self.is_left_alone(t)).for_each(|t| cluster.fasten(t));
        }
        for (name, spot) in self.memory.underway().flat_map(Statement::promised) {
            let (Some(&task), Some(place)) = (self.task_by_name.get(&**name), spot.placement(&cluster))
            else {
                continue;
            };
            if self.cluster.placement(task) != Some(place) {
                let owner = self.cluster.task(task).owner.filter(|_| self.cluster.placement(task).is_none());
                let class = self.cluster.task(task).class;
                let held = cluster.add_task(Task {
                    owner,
                    do_not_disrupt: true,
                    ..Task::new(format!("room for {name}"), class)
                });
                cluster.put_back(held, place);
            }
        }
        cluster
    }

    /// Real use of a resource by a task, or `expected` times its demand while unknown.
    pub fn task_use(&self, task: TaskId, resource: usize, expected: f64) -> f64 {
        match self.task(task).used.get(resource) {
            Some(&used) => used as f64,
            None => expected * self.cluster.demand(task).resources[resource] as f64,
        }
    }
}
