//! What the events so far amount to: the nodes and tasks as they were told last. Of each thing the newest event counts, by the time at
//! which it happened; an older one that comes later changes nothing, nor does one that comes twice.

use std::collections::{BTreeMap, BTreeSet};

use lepton_core::model::{DeviceSet, Health, NodeReading, Reading, TaskReading};
use serde::{Deserialize, Serialize};

use super::event::{BadMessage, Event, NodeUse, PlacedTask, What};

/// Limits of what is kept in memory.
const NODES_MAX: usize = 100_000;
const TASKS_MAX: usize = 1_000_000;
/// What is gone is remembered for so long, seconds, so that an older event does not bring it back.
const GONE_SECONDS: u64 = 3600;

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is known from now on.
    News,
    /// Something newer is known.
    Late,
    /// It speaks of a node that is not known.
    Unknown,
}

/// Things that are kept, each under its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Node,
    Task,
    GoneNode,
    GoneTask,
}

impl Kind {
    pub(super) const ALL: [(&str, Self); 4] = [
        ("node", Self::Node),
        ("task", Self::Task),
        ("gone-node", Self::GoneNode),
        ("gone-task", Self::GoneTask),
    ];

    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}

/// Something to be kept: its kind and name, and what is to be kept of it, or nothing.
pub(super) type Thing = (Kind, String, Option<String>);

/// A node as it was told last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Node {
    reading: NodeReading,
    /// When it was like this, and when anything was told of it last.
    described_seconds: u64,
    heard_seconds: u64,
    /// What it uses in all; none where that was never told.
    used: Option<Vec<i64>>,
    signals: BTreeMap<String, f64>,
    /// Signals that the loop has been told.
    #[serde(skip)]
    signals_told: BTreeSet<String>,
    /// Whether others were heard of and this one was not.
    #[serde(skip)]
    silent: bool,
}

/// A task as it was told last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Task {
    told: PlacedTask,
    described_seconds: u64,
    used: Option<(Vec<i64>, u64)>,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct World {
    nodes: BTreeMap<String, Node>,
    tasks: BTreeMap<String, Task>,
    /// Tasks by the node that they are told to be on, which may not be known.
    on: BTreeMap<String, BTreeSet<String>>,
    gone_nodes: BTreeMap<String, u64>,
    gone_tasks: BTreeMap<String, u64>,
    /// The newest moment at which a node was told of, seconds since 1970.
    newest_seconds: u64,
    /// What the loop has not been told.
    news: Changed,
    /// Nodes and tasks that it has been told of.
    known: Changed,
    /// What is not on the disk.
    unkept: BTreeSet<(Kind, String)>,
}

/// Names.
#[derive(Debug, Default)]
struct Changed {
    nodes: BTreeSet<String>,
    tasks: BTreeSet<String>,
}

/// Readings in an order in which each finds what it speaks of.
#[derive(Debug, Default)]
struct Told {
    nodes: Vec<Reading>,
    ended: Vec<Reading>,
    tasks: Vec<Reading>,
    places: Vec<Reading>,
    rest: Vec<Reading>,
}

impl Told {
    fn all(self) -> Vec<Reading> {
        [self.nodes, self.ended, self.tasks, self.places, self.rest].concat()
    }
}

impl World {
    pub(super) fn newest_seconds(&self) -> u64 {
        self.newest_seconds
    }

    pub(super) fn knows_node(&self, name: &str) -> bool {
        self.nodes.contains_key(name)
    }

    pub(super) fn has_nodes(&self) -> bool {
        !self.nodes.is_empty()
    }

    /// Takes in an event; a line of a log only tells that its node is alive.
    ///
    /// # Errors
    /// When there would be more than fits.
    pub(super) fn take(&mut self, event: &Event) -> Result<Taken, BadMessage> {
        let at = event.seconds;
        Ok(match &event.what {
            What::Node(node) => {
                if !self.nodes.contains_key(&node.name) && self.nodes.len() >= NODES_MAX {
                    return Err(BadMessage::TooMany("more than 100,000 nodes"));
                }
                self.node(node, at)
            }
            What::NodeGone(name) => self.node_gone(name, at),
            What::Reading(of) => self.node_use(of, at),
            What::Task(task) => {
                if !self.tasks.contains_key(&task.reading.name) && self.tasks.len() >= TASKS_MAX {
                    return Err(BadMessage::TooMany("more than 1,000,000 tasks"));
                }
                self.task(task, at)
            }
            What::TaskEnded(name) => self.task_ended(name, at),
            What::Log { node, .. } => {
                let Some(known) = self.nodes.get_mut(node) else { return Ok(Taken::Unknown) };
                known.heard_seconds = known.heard_seconds.max(at);
                self.newest_seconds = self.newest_seconds.max(at);
                Taken::News
            }
        })
    }

    fn node(&mut self, told: &NodeReading, at: u64) -> Taken {
        if self.gone_nodes.get(&told.name).is_some_and(|gone| *gone > at) {
            return Taken::Late;
        }
        if self.gone_nodes.remove(&told.name).is_some() {
            self.unkept.insert((Kind::GoneNode, told.name.clone()));
        }
        match self.nodes.get_mut(&told.name) {
            Some(node) if node.described_seconds > at => return Taken::Late,
            Some(node) => {
                node.reading = told.clone();
                node.described_seconds = at;
                node.heard_seconds = node.heard_seconds.max(at);
            }
            None => {
                let node = Node {
                    reading: told.clone(),
                    described_seconds: at,
                    heard_seconds: at,
                    used: None,
                    signals: BTreeMap::new(),
                    signals_told: BTreeSet::new(),
                    silent: false,
                };
                self.nodes.insert(told.name.clone(), node);
                // Tasks that were told to be on it can be told now.
                self.news.tasks.extend(self.on.get(&told.name).into_iter().flatten().cloned());
            }
        }
        self.node_changed(&told.name, at);
        Taken::News
    }

    fn node_gone(&mut self, name: &str, at: u64) -> Taken {
        if self.nodes.get(name).is_some_and(|node| node.described_seconds > at) {
            return Taken::Late;
        }
        if self.nodes.remove(name).is_none() && self.gone_nodes.get(name).is_some_and(|gone| *gone >= at) {
            return Taken::Late;
        }
        self.gone_nodes.insert(name.to_owned(), at);
        self.unkept.insert((Kind::GoneNode, name.to_owned()));
        self.news.tasks.extend(self.on.get(name).into_iter().flatten().cloned());
        self.node_changed(name, at);
        Taken::News
    }

    fn node_use(&mut self, told: &NodeUse, at: u64) -> Taken {
        let Some(node) = self.nodes.get_mut(&told.node) else { return Taken::Unknown };
        if node.heard_seconds > at {
            return Taken::Late;
        }
        node.heard_seconds = at;
        if told.used.is_some() {
            node.used.clone_from(&told.used);
        }
        node.signals.clone_from(&told.signals);
        for (name, used, unsaved_seconds) in &told.tasks {
            if let Some(task) = self.tasks.get_mut(name) {
                task.used = Some((used.clone(), *unsaved_seconds));
                self.news.tasks.insert(name.clone());
                self.unkept.insert((Kind::Task, name.clone()));
            }
        }
        self.node_changed(&told.node, at);
        Taken::News
    }

    fn task(&mut self, told: &PlacedTask, at: u64) -> Taken {
        let name = &told.reading.name;
        let newer = self.tasks.get(name).is_some_and(|task| task.described_seconds > at);
        if newer || self.gone_tasks.get(name).is_some_and(|gone| *gone > at) {
            return Taken::Late;
        }
        if self.gone_tasks.remove(name).is_some() {
            self.unkept.insert((Kind::GoneTask, name.clone()));
        }
        let used = self.leave_node(name).and_then(|before| {
            // What it used elsewhere says nothing of here.
            let stays =
                before.told.place.as_ref().map(|(node, _)| node) == told.place.as_ref().map(|(node, _)| node);
            before.used.filter(|_| stays)
        });
        if let Some((node, _)) = &told.place {
            self.on.entry(node.clone()).or_default().insert(name.clone());
            self.news.nodes.insert(node.clone());
        }
        self.tasks.insert(name.clone(), Task { told: told.clone(), described_seconds: at, used });
        self.news.tasks.insert(name.clone());
        self.unkept.insert((Kind::Task, name.clone()));
        Taken::News
    }

    fn task_ended(&mut self, name: &str, at: u64) -> Taken {
        if self.tasks.get(name).is_some_and(|task| task.described_seconds > at) {
            return Taken::Late;
        }
        if self.leave_node(name).is_none() && self.gone_tasks.get(name).is_some_and(|gone| *gone >= at) {
            return Taken::Late;
        }
        self.gone_tasks.insert(name.to_owned(), at);
        self.unkept.insert((Kind::GoneTask, name.to_owned()));
        self.unkept.insert((Kind::Task, name.to_owned()));
        self.news.tasks.insert(name.to_owned());
        Taken::News
    }

    /// Takes a task away with its mark on its node; what was known of it.
    fn leave_node(&mut self, name: &str) -> Option<Task> {
        let task = self.tasks.remove(name)?;
        if let Some((node, _)) = &task.told.place {
            if let Some(on) = self.on.get_mut(node) {
                on.remove(name);
                if on.is_empty() {
                    self.on.remove(node);
                }
            }
            self.news.nodes.insert(node.clone());
        }
        Some(task)
    }

    fn node_changed(&mut self, name: &str, at: u64) {
        self.newest_seconds = self.newest_seconds.max(at);
        self.news.nodes.insert(name.to_owned());
        self.unkept.insert((Kind::Node, name.to_owned()));
    }

    /// What has changed and is not on the disk.
    pub(super) fn unkept(&self) -> Vec<Thing> {
        let body = |kind: &Kind, name: &String| match kind {
            Kind::Node => self.nodes.get(name).and_then(|node| serde_json::to_string(node).ok()),
            Kind::Task => self.tasks.get(name).and_then(|task| serde_json::to_string(task).ok()),
            Kind::GoneNode => self.gone_nodes.get(name).map(u64::to_string),
            Kind::GoneTask => self.gone_tasks.get(name).map(u64::to_string),
        };
        self.unkept.iter().map(|(kind, name)| (*kind, name.clone(), body(kind, name))).collect()
    }

    /// That is on the disk now. What has been gone for long is forgotten.
    pub(super) fn kept(&mut self) {
        self.unkept.clear();
        let until = self.newest_seconds.saturating_sub(GONE_SECONDS);
        for (gone, kind) in [(&mut self.gone_nodes, Kind::GoneNode), (&mut self.gone_tasks, Kind::GoneTask)] {
            let old: Vec<String> =
                gone.iter().filter(|(_, at)| **at < until).map(|(name, _)| name.clone()).collect();
            for name in old {
                gone.remove(&name);
                self.unkept.insert((kind, name));
            }
        }
    }

    /// Takes up what was kept.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn recall(&mut self, kind: Kind, name: String, body: &str) -> Result<(), String> {
        let wrong = |error: &dyn std::fmt::Display| format!("{} `{name}`: {error}", kind.name());
        match kind {
            Kind::Node => {
                let node: Node = serde_json::from_str(body).map_err(|error| wrong(&error))?;
                self.newest_seconds = self.newest_seconds.max(node.heard_seconds);
                self.nodes.insert(name, node);
            }
            Kind::Task => {
                let task: Task = serde_json::from_str(body).map_err(|error| wrong(&error))?;
                if let Some((node, _)) = &task.told.place {
                    self.on.entry(node.clone()).or_default().insert(name.clone());
                }
                self.tasks.insert(name, task);
            }
            Kind::GoneNode | Kind::GoneTask => {
                let at: u64 = body.parse().map_err(|error: std::num::ParseIntError| wrong(&error))?;
                if kind == Kind::GoneNode {
                    self.newest_seconds = self.newest_seconds.max(at);
                }
                let gone = if kind == Kind::GoneNode { &mut self.gone_nodes } else { &mut self.gone_tasks };
                gone.insert(name, at);
            }
        }
        Ok(())
    }

    /// Nodes that were not heard of for so long while others were.
    pub(super) fn hush(&mut self, fresh_seconds: u64) -> Vec<String> {
        let since = self.newest_seconds.saturating_sub(fresh_seconds);
        let mut silent = Vec::new();
        for (name, node) in &mut self.nodes {
            let is_silent = node.heard_seconds < since;
            if node.silent != is_silent {
                node.silent = is_silent;
                self.news.nodes.insert(name.clone());
            }
            if is_silent {
                silent.push(name.clone());
            }
        }
        silent
    }

    /// What has changed since it was told last.
    pub(super) fn tell_news(&mut self) -> Vec<Reading> {
        let Changed { nodes, tasks } = std::mem::take(&mut self.news);
        let mut told = Told::default();
        for name in &nodes {
            self.tell_node(name, &mut told);
        }
        for name in &tasks {
            self.tell_task(name, &mut told);
        }
        told.all()
    }

    /// All there is.
    pub(super) fn tell_all(&mut self) -> Vec<Reading> {
        (self.news, self.known) = (Changed::default(), Changed::default());
        let mut told = Told::default();
        let (nodes, tasks): (Vec<String>, Vec<String>) =
            (self.nodes.keys().cloned().collect(), self.tasks.keys().cloned().collect());
        for name in &nodes {
            self.tell_node(name, &mut told);
        }
        for name in &tasks {
            self.tell_task(name, &mut told);
        }
        told.all()
    }

    fn tell_node(&mut self, name: &str, told: &mut Told) {
        let rest = format!("rest-of-{name}");
        let Some(node) = self.nodes.get_mut(name) else {
            self.tell_end(&rest, told);
            if self.known.nodes.remove(name) {
                told.nodes.push(Reading::NodeRemoved { node: name.to_owned() });
            }
            return;
        };
        let mut reading = node.reading.clone();
        if node.silent && reading.health == Health::Up {
            reading.health = Health::Cordoned;
        }
        let signals: BTreeSet<String> = node.signals.keys().cloned().collect();
        for signal in node.signals_told.union(&signals) {
            let value = node.signals.get(signal).copied().unwrap_or(0.0);
            told.rest.push(Reading::Signal { node: name.to_owned(), signal: signal.clone(), value });
        }
        node.signals_told = signals;
        let capacity = reading.capacity.clone();
        self.known.nodes.insert(name.to_owned());
        told.nodes.push(Reading::NodeAdded(reading));
        let Some(used) = node.used.clone() else { return };
        let on = self.on.get(name).into_iter().flatten();
        let of_tasks = on.filter_map(|task| self.tasks.get(task)?.used.as_ref());
        let mut amounts = used;
        for (used, _) in of_tasks {
            amounts.iter_mut().zip(used).for_each(|(left, used)| *left -= used);
        }
        let task = TaskReading {
            name: rest.clone(),
            demand: vec![0; amounts.len()],
            do_not_disrupt: true,
            ..TaskReading::default()
        };
        self.known.tasks.insert(rest.clone());
        told.tasks.push(Reading::TaskSubmitted(task));
        told.places.push(Reading::TaskPlaced {
            task: rest.clone(),
            node: name.to_owned(),
            devices: DeviceSet::NONE,
        });
        told.rest.push(Reading::TaskUse {
            task: rest,
            amounts: possible(amounts, &capacity),
            unsaved_seconds: 0,
        });
    }

    fn tell_task(&mut self, name: &str, told: &mut Told) {
        let Some(task) = self.tasks.get(name) else { return self.tell_end(name, told) };
        let on = task.told.place.as_ref().map(|(node, devices)| (node, *devices, self.nodes.get(node)));
        match on {
            Some((node, devices, Some(on))) => {
                let (task_name, node) = (name.to_owned(), node.clone());
                told.places.push(Reading::TaskPlaced { task: task_name.clone(), node, devices });
                if let Some((used, unsaved_seconds)) = &task.used {
                    let amounts = possible(used.clone(), &on.reading.capacity);
                    let unsaved_seconds = *unsaved_seconds;
                    told.rest.push(Reading::TaskUse { task: task_name, amounts, unsaved_seconds });
                }
            }
            // It does not wait: it is somewhere of which nothing is known yet.
            Some((node, _, None)) if !self.gone_nodes.contains_key(node) => return self.tell_end(name, told),
            _ => told.places.push(Reading::TaskUnplaced { task: name.to_owned() }),
        }
        told.tasks.push(Reading::TaskSubmitted(task.told.reading.clone()));
        self.known.tasks.insert(name.to_owned());
    }

    fn tell_end(&mut self, task: &str, told: &mut Told) {
        if self.known.tasks.remove(task) {
            told.ended.push(Reading::TaskEnded { task: task.to_owned() });
        }
    }
}

/// Amounts that can be believed: nothing of what is not there.
fn possible(amounts: Vec<i64>, capacity: &[i64]) -> Vec<i64> {
    let each = amounts.into_iter().zip(capacity);
    each.map(|(used, capacity)| if *capacity == 0 { 0 } else { used.max(0) }).collect()
}
