//! The world's clock: events in order of time, and what each does.

use lepton_core::analyze::risk::Severity;
use lepton_core::collect::Source;
use lepton_core::model::{
    Answer, Call, Cluster, DeviceSet, DocumentDemand, Health, NodeId, NodeReading, Placement, Reading,
    Readings, ResourceSchema, Task, TaskId, TaskReading,
};
use rand_pcg::Pcg64Mcg;

use super::faults::NodeEvent;
use super::measure::Measures;
use super::script::{Script, TaskScript, WorldConfig, rhythm};
use crate::engine::EventQueue;

/// The signal that announces a failure, and its value at which a failure within the hour has the probability 1 - 1/e.
const SIGN: &str = "corrected_memory_errors_per_hour";
const SIGN_SCALE: f64 = 100.0;

/// Time between two measures of the state.
const SAMPLE_SECONDS: u64 = 60;

#[derive(Debug, Clone, Copy)]
enum Event {
    Arrives(usize),
    /// The task ends, if this is still its run of that number.
    Ends(usize, u32),
    Node(u32, NodeEvent),
    /// The task, told to go, goes, if this is still its run of that number.
    Leaves(usize, u32),
}

/// How a task stands.
#[derive(Debug, Clone, Default)]
pub(super) struct Life {
    /// Its id in the world's cluster while it is there.
    pub(super) id: Option<TaskId>,
    /// Work saved, seconds.
    saved_seconds: u64,
    /// When its present run began to work (after the pause), seconds.
    works_from_seconds: u64,
    /// Number of its present run.
    run: u32,
    first_started: Option<u64>,
    /// When its present run began, seconds.
    started_seconds: Option<u64>,
    done: bool,
    /// Whether it has been told to go and has not gone yet.
    leaving: bool,
}

/// A simulated cluster.
pub struct World {
    pub(super) config: WorldConfig,
    script: Script,
    /// Tasks of the script that it was made with, in the order in which they come.
    foreseen: usize,
    queue: EventQueue<Event>,
    now_seconds: u64,
    pub(super) cluster: Cluster,
    pub(super) lives: Vec<Life>,
    /// Per task of the cluster: which one of the script.
    script_of: Vec<usize>,
    down: Vec<bool>,
    cordoned: Vec<bool>,
    /// Whether a node has failed since it was cordoned.
    failed_since_cordon: Vec<bool>,
    /// Of each node: what its counter of corrected errors grows by in an hour.
    counter: Vec<f64>,
    /// What the next poll tells.
    outbox: Vec<Reading>,
    /// Messages told so far.
    messages: u64,
    measures: Measures,
    samples: u32,
    /// Calls that were not refused.
    calls_done: u64,
}

impl World {
    /// A world at its first second, its first tasks waiting.
    pub fn new(config: WorldConfig) -> Self {
        let script = Script::of(&config);
        let mut queue = EventQueue::default();
        for (index, task) in script.tasks.iter().enumerate() {
            queue.schedule(task.arrives_seconds as i64, Event::Arrives(index));
        }
        for &(time, node, what) in &script.node_events {
            queue.schedule(time as i64, Event::Node(node, what));
        }
        let cluster = script.workload.cluster.clone();
        let nodes = cluster.node_count();
        let mut world = Self {
            lives: vec![Life::default(); script.tasks.len()],
            foreseen: script.tasks.len(),
            script,
            config,
            queue,
            now_seconds: 0,
            cluster,
            script_of: Vec::new(),
            down: vec![false; nodes],
            cordoned: vec![false; nodes],
            failed_since_cordon: vec![false; nodes],
            counter: vec![0.0; nodes],
            outbox: Vec::new(),
            messages: 0,
            measures: Measures::default(),
            samples: 0,
            calls_done: 0,
        };
        world.advance(0);
        world
    }

    /// The resources of its nodes.
    pub fn schema(&self) -> ResourceSchema {
        self.cluster.schema().clone()
    }

    /// Its cluster as it truly is.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Lets time pass up to `to_seconds`; where that ends a minute, the state then reached is measured.
    pub fn advance(&mut self, to_seconds: u64) {
        while self.queue.next_time_seconds().is_some_and(|t| t <= to_seconds as i64) {
            let Some(event) = self.queue.pop() else { break };
            self.now_seconds = event.time_seconds as u64;
            match event.what {
                Event::Arrives(index) => self.arrive(index),
                Event::Ends(index, run) if self.lives[index].run == run => self.end(index),
                Event::Leaves(index, run) if self.lives[index].run == run => self.stop(index, 0),
                Event::Ends(..) | Event::Leaves(..) => {}
                Event::Node(node, what) => self.node_event(node, what),
            }
        }
        self.now_seconds = to_seconds;
        if to_seconds.is_multiple_of(SAMPLE_SECONDS) {
            self.sample();
        }
    }

    /// When the next task comes that the world was made with, seconds.
    pub fn next_arrival_seconds(&self) -> Option<u64> {
        // What nobody has foreseen has come already, and stands behind them.
        let foreseen = &self.script.tasks[..self.foreseen];
        let to_come = foreseen.partition_point(|task| task.arrives_seconds <= self.now_seconds);
        foreseen.get(to_come).map(|task| task.arrives_seconds)
    }

    /// Something happens to a node, now or later.
    pub(super) fn happens(&mut self, node: NodeId, what: NodeEvent, after_seconds: u64) {
        if after_seconds == 0 {
            return self.node_event(node.0, what);
        }
        self.queue.schedule((self.now_seconds + after_seconds) as i64, Event::Node(node.0, what));
    }

    /// A task comes that nobody has foreseen.
    pub(super) fn comes_now(&mut self, chance: &mut Pcg64Mcg) {
        let index = self.script.add(&self.config, self.now_seconds, chance);
        self.lives.push(Life::default());
        self.arrive(index);
    }

    fn arrive(&mut self, index: usize) {
        let owner = self.owner_of(&self.script.tasks[index]).map(|owner| self.cluster.owner(&owner));
        let task = &self.script.tasks[index];
        let class = self.script.workload.tasks[task.row].class;
        let id = self.cluster.add_task(Task {
            owner,
            priority: task.priority,
            do_not_disrupt: task.do_not_disrupt,
            ..Task::new(task_name(index), class)
        });
        if self.script_of.len() <= id.index() {
            self.script_of.resize(id.index() + 1, 0);
        }
        self.script_of[id.index()] = index;
        self.lives[index].id = Some(id);
        self.measures.arrived += 1;
        self.outbox.push(self.submitted(index));
    }

    fn end(&mut self, index: usize) {
        if let Some(id) = self.lives[index].id.take() {
            self.cluster.retire(id);
            self.lives[index].done = true;
            self.measures.finished += 1;
            self.outbox.push(Reading::TaskEnded { task: task_name(index) });
        }
    }

    fn node_event(&mut self, node: u32, what: NodeEvent) {
        let (id, at) = (NodeId(node), node as usize);
        match what {
            NodeEvent::Signs(risk) => self.counter[at] = -SIGN_SCALE * (1.0 - risk).ln(),
            NodeEvent::Counter(_) | NodeEvent::Message(_) | NodeEvent::Anomaly(_) if self.down[at] => return,
            NodeEvent::Counter(by) => self.counter[at] = by,
            NodeEvent::Message(severity) => return self.tell_signal(id, message_signal(severity), 1.0),
            NodeEvent::Anomaly(score) => return self.tell_signal(id, "anomaly_score", score),
            NodeEvent::Fails => {
                self.down[at] = true;
                self.failed_since_cordon[at] = true;
                self.counter[at] = 0.0;
                self.measures.failures += 1;
                let mut hosted = self.cluster.hosted(id).to_vec();
                hosted.sort_unstable();
                for task in hosted {
                    self.interrupt(task);
                }
            }
            NodeEvent::Recovers => {
                self.down[at] = false;
                self.counter[at] = 0.0;
            }
        }
        self.outbox.push(self.signal(id));
        self.tell_state(id);
    }

    /// What a node's counter tells.
    fn signal(&self, node: NodeId) -> Reading {
        let value = self.counter[node.index()].max(0.0);
        let node = self.cluster.node_name(node).to_owned();
        Reading::Signal { node, signal: SIGN.to_owned(), value }
    }

    fn tell_signal(&mut self, node: NodeId, signal: &str, value: f64) {
        let node = self.cluster.node_name(node).to_owned();
        self.outbox.push(Reading::Signal { node, signal: signal.to_owned(), value });
    }

    /// Sets and tells a node's state from whether it is down or cordoned.
    fn tell_state(&mut self, node: NodeId) {
        let at = node.index();
        let health = match (self.down[at], self.cordoned[at]) {
            (true, _) => Health::Down,
            (false, true) => Health::Cordoned,
            (false, false) => Health::Up,
        };
        self.cluster.set_health(node, health);
        self.outbox.push(Reading::NodeState {
            node: self.cluster.node_name(node).to_owned(),
            health,
            cordoned_by_loop: self.cordoned[at],
        });
    }

    /// A node failed under a task: what was not saved is lost.
    fn interrupt(&mut self, task: TaskId) {
        let index = self.script_of[task.index()];
        let unsaved = self.unsaved_seconds(index);
        self.measures.lost_device_minutes += self.cluster.size_in_devices(task) * unsaved as f64 / 60.0;
        self.measures.interrupted += 1;
        self.stop(index, unsaved);
    }

    /// Ends a task's run, losing `lost_seconds` of its work; it is pending afterwards.
    fn stop(&mut self, index: usize, lost_seconds: u64) {
        let worked = self.now_seconds.saturating_sub(self.lives[index].works_from_seconds);
        let life = &mut self.lives[index];
        life.saved_seconds += worked - lost_seconds.min(worked);
        life.run += 1;
        life.leaving = false;
        life.started_seconds = None;
        if let Some(id) = life.id {
            self.cluster.remove(id);
            self.outbox.push(Reading::TaskUnplaced { task: task_name(index) });
        }
    }

    /// Work since the last save, seconds.
    fn unsaved_seconds(&self, index: usize) -> u64 {
        let worked = self.now_seconds.saturating_sub(self.lives[index].works_from_seconds);
        worked % self.config.checkpoint_seconds
    }

    /// Carries out a call of the loop.
    pub fn carry_out(&mut self, call: &Call) -> Answer {
        let answer = match call {
            Call::Start { task, to } => self.start(task, &to.node, to.devices).map(|()| Answer::Done),
            Call::Stop { task, .. } => self.evict(task),
            Call::Move { .. } => Err("tasks of this world stop before they move".to_owned()),
            Call::Cordon { node, cordoned } => self.set_cordon(node, *cordoned).map(|()| Answer::Done),
        };
        self.calls_done += u64::from(answer.is_ok());
        answer.unwrap_or_else(Answer::Refused)
    }

    /// Calls so far that were not refused.
    pub fn calls_done(&self) -> u64 {
        self.calls_done
    }

    /// Starts a pending task.
    pub(super) fn start(&mut self, name: &str, node: &str, devices: DeviceSet) -> Result<(), String> {
        let index = self.index_of(name)?;
        let id = self.lives[index].id.ok_or_else(|| format!("task {name} is gone"))?;
        let node_id = self.cluster.node_named(node).ok_or_else(|| format!("there is no node {node}"))?;
        self.cluster.place(id, Placement { node: node_id, devices }).map_err(|e| e.to_string())?;
        let again = self.lives[index].first_started.is_some();
        let pause = if again { u64::from(self.config.pause_seconds) } else { 0 };
        let size = self.cluster.size_in_devices(id);
        self.measures.paused_device_minutes += size * pause as f64 / 60.0;
        let work = self.script.tasks[index].work_seconds;
        let life = &mut self.lives[index];
        life.first_started.get_or_insert(self.now_seconds);
        life.started_seconds = Some(self.now_seconds);
        life.works_from_seconds = self.now_seconds + pause;
        let ends = life.works_from_seconds + work.saturating_sub(life.saved_seconds);
        self.queue.schedule(ends as i64, Event::Ends(index, life.run));
        self.outbox.push(Reading::TaskPlaced { task: name.to_owned(), node: node.to_owned(), devices });
        Ok(())
    }

    /// Stops a running task in order: its work is saved. It goes at once, or after the world's grace period.
    fn evict(&mut self, name: &str) -> Result<Answer, String> {
        let index = self.index_of(name)?;
        let placed = self.lives[index].id.is_some_and(|id| self.cluster.placement(id).is_some());
        if !placed {
            return Err(format!("task {name} does not run"));
        }
        if self.lives[index].leaving {
            return Err(format!("task {name} has been told to go already"));
        }
        self.measures.migrations += 1;
        if self.config.grace_seconds == 0 {
            self.stop(index, 0);
            return Ok(Answer::Done);
        }
        self.lives[index].leaving = true;
        let goes = self.now_seconds + self.config.grace_seconds;
        self.queue.schedule(goes as i64, Event::Leaves(index, self.lives[index].run));
        self.outbox.push(Reading::TaskLeaving { task: task_name(index) });
        Ok(Answer::Underway)
    }

    fn set_cordon(&mut self, node: &str, cordoned: bool) -> Result<(), String> {
        let id = self.cluster.node_named(node).ok_or_else(|| format!("there is no node {node}"))?;
        let before = std::mem::replace(&mut self.cordoned[id.index()], cordoned);
        if cordoned && !before {
            self.failed_since_cordon[id.index()] = false;
        }
        self.measures.false_drains +=
            usize::from(before && !cordoned && !self.failed_since_cordon[id.index()]);
        self.tell_state(id);
        Ok(())
    }

    fn index_of(&self, name: &str) -> Result<usize, String> {
        let index = name.strip_prefix("task-").and_then(|n| n.parse::<usize>().ok());
        index.filter(|&i| i < self.lives.len()).ok_or_else(|| format!("there is no task {name}"))
    }

    /// CPU that a task uses now, millicores.
    fn cpu_used(&self, task: TaskId) -> i64 {
        let script = &self.script.tasks[self.script_of[task.index()]];
        let demand = self.cluster.demand(task).resources[ResourceSchema::CPU] as f64;
        let now = match script.shape {
            Some((shape, from)) => self.config.use_shapes.at(shape, self.now_seconds + from),
            None => rhythm(self.now_seconds as f64, script.shift_hours, self.config.daily_swing),
        };
        (demand * (script.level * now).min(1.6)) as i64
    }

    /// Adds the state of this moment to the measures; called once a minute.
    fn sample(&mut self) {
        for node in self.cluster.nodes() {
            if self.cluster.health(node) == Health::Down {
                continue;
            }
            let used: i64 = self.cluster.hosted(node).iter().map(|&t| self.cpu_used(t)).sum();
            let capacity = self.cluster.capacity(node)[ResourceSchema::CPU] as f64;
            if used as f64 > self.config.safety_level * capacity {
                self.measures.hot_node_minutes += 1.0;
            }
        }
        self.samples += 1;
        self.measures.devices_held +=
            self.cluster.device_milli_held() as f64 / self.cluster.device_milli_capacity().max(1) as f64;
    }

    /// The figures so far.
    pub fn measures(&self) -> Measures {
        let (mut waits, mut milli, mut waited) = (Vec::new(), 0, 0.0);
        for (task, life) in self.script.tasks.iter().zip(&self.lives) {
            if task.arrives_seconds > self.now_seconds {
                continue;
            }
            let wait = life.first_started.unwrap_or(self.now_seconds) - task.arrives_seconds;
            let class = self.script.workload.tasks[task.row].class;
            let of_task = self.cluster.class(class).demand.device_milli();
            milli += of_task;
            waited += of_task as f64 * wait as f64;
            waits.push(wait);
        }
        waits.sort_unstable();
        let count = waits.len().max(1);
        Measures {
            mean_wait_seconds: waits.iter().sum::<u64>() as f64 / count as f64,
            mean_device_wait_seconds: waited / milli.max(1) as f64,
            p95_wait_seconds: waits.get(count * 95 / 100).copied().unwrap_or(0) as f64,
            devices_held: self.measures.devices_held / f64::from(self.samples.max(1)),
            ..self.measures.clone()
        }
    }

    fn owner_of(&self, task: &TaskScript) -> Option<String> {
        let number = task.row as u32 % self.config.owners.max(1) + 1;
        (self.config.owners > 0).then(|| format!("team-{number}"))
    }

    fn submitted(&self, index: usize) -> Reading {
        let script: &TaskScript = &self.script.tasks[index];
        let demand = &self.cluster.class(self.script.workload.tasks[script.row].class).demand;
        Reading::TaskSubmitted(TaskReading {
            name: task_name(index),
            owner: self.owner_of(script),
            demand: demand.resources.to_vec(),
            devices: demand.devices.map(|d| DocumentDemand::of(&self.cluster, d)),
            priority: script.priority,
            pause_seconds: self.config.pause_seconds,
            do_not_disrupt: script.do_not_disrupt,
            submitted_seconds: script.arrives_seconds,
            requested_seconds: script.requested_seconds,
            started_seconds: self.lives[index].started_seconds,
            ..TaskReading::default()
        })
    }

    /// A message of the world, with its number.
    fn told(&mut self, time_seconds: u64, complete: bool, readings: Vec<Reading>) -> Readings {
        self.messages += 1;
        let sequence = Some(self.messages);
        Readings { source: "world".to_owned(), time_seconds, sequence, complete, readings }
    }

    /// What each running task uses.
    fn uses(&self) -> impl Iterator<Item = Reading> + '_ {
        let running = self.cluster.nodes().flat_map(|n| self.cluster.hosted(n).iter().copied());
        running.map(|task| {
            let index = self.script_of[task.index()];
            let memory = self.cluster.demand(task).resources[ResourceSchema::MEMORY];
            Reading::TaskUse {
                task: task_name(index),
                amounts: vec![self.cpu_used(task), memory * 7 / 10],
                unsaved_seconds: self.unsaved_seconds(index),
            }
        })
    }

    /// Tasks that came and neither run nor are done.
    pub fn waiting(&self) -> usize {
        let ids = self.lives.iter().filter_map(|l| l.id);
        ids.filter(|&id| self.cluster.placement(id).is_none()).count()
    }

    /// Tasks that wait, in the order in which they came: number in the script and id.
    pub(super) fn waiting_tasks(&self) -> Vec<(usize, TaskId)> {
        let mut tasks: Vec<(usize, TaskId)> =
            self.cluster.waiting().map(|task| (self.script_of[task.index()], task)).collect();
        tasks.sort_unstable();
        tasks
    }

    /// Whether every task that came is somewhere: running, waiting or done, and none twice.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), String> {
        lepton_core::model::invariants::check(&self.cluster).map_err(|e| self.cluster.violation(&e))?;
        let hosted: usize = self.cluster.nodes().map(|n| self.cluster.hosted(n).len()).sum();
        let done = self.lives.iter().filter(|l| l.done).count();
        let Measures { arrived, finished, .. } = self.measures;
        if (done, hosted + self.waiting() + done) != (finished, arrived) {
            let waiting = self.waiting();
            return Err(format!(
                "{arrived} came; {hosted} run, {waiting} wait, {done} of {finished} are done"
            ));
        }
        Ok(())
    }
}

/// The loop's eyes: first-hand, so every poll is fresh.
impl Source for World {
    fn poll(&mut self, now_seconds: u64) -> Readings {
        let mut readings = std::mem::take(&mut self.outbox);
        readings.extend(self.uses());
        self.told(now_seconds, false, readings)
    }

    fn news(&mut self, now_seconds: u64) -> Readings {
        let readings = std::mem::take(&mut self.outbox);
        self.told(now_seconds, false, readings)
    }

    fn list(&mut self, now_seconds: u64) -> Readings {
        self.outbox.clear();
        let cluster = &self.cluster;
        let mut readings = Vec::new();
        for node in cluster.nodes() {
            let name = cluster.node_name(node).to_owned();
            let models = cluster.device_models(node).iter().map(|m| &cluster.models()[usize::from(m.0)]);
            readings.push(Reading::NodeAdded(NodeReading {
                name: name.clone(),
                capacity: cluster.capacity(node).to_vec(),
                devices: models.map(|m| (m.kind, m.name.clone())).collect(),
                health: cluster.health(node),
                devices_out_of_service: Vec::new(),
                labels: Vec::new(),
            }));
            let cordoned_by_loop = self.cordoned[node.index()];
            readings.push(Reading::NodeState {
                node: name.clone(),
                health: cluster.health(node),
                cordoned_by_loop,
            });
            readings.push(self.signal(node));
        }
        for (index, life) in self.lives.iter().enumerate() {
            let Some(id) = life.id else { continue };
            readings.push(self.submitted(index));
            if let Some(place) = cluster.placement(id) {
                let node = cluster.node_name(place.node).to_owned();
                readings.push(Reading::TaskPlaced { task: task_name(index), node, devices: place.devices });
                if life.leaving {
                    readings.push(Reading::TaskLeaving { task: task_name(index) });
                }
            }
        }
        readings.extend(self.uses());
        self.told(now_seconds, true, readings)
    }
}

/// The signal that tells of a message of this severity.
fn message_signal(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical_log_messages",
        Severity::Error => "error_log_messages",
        Severity::Warning => "warning_log_messages",
    }
}

pub(super) fn task_name(index: usize) -> String {
    format!("task-{index:06}")
}
