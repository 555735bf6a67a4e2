//! The belief against the truth: whatever is lost, told twice or told out of order, after a complete list the belief is the
//! truth; and what is gone takes no memory.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::*;
use crate::model::invariants::check_books;
use crate::model::{
    ClusterDocument, DeviceKind, DeviceSet, DocumentDemand, Health, NO_MODEL, NamedGroupRule, NamedRules,
    NodeReading, Reading, ResourceSchema, Snapshot, TaskReading,
};

/// A cluster that changes by chance and tells of it.
struct Truth {
    chance: Pcg64Mcg,
    nodes: BTreeMap<String, NodeReading>,
    tasks: BTreeMap<String, (TaskReading, Option<(String, DeviceSet)>)>,
    named: u32,
    messages: u64,
}

impl Truth {
    fn new(seed: u64) -> Self {
        let chance = Pcg64Mcg::seed_from_u64(seed);
        Self { chance, nodes: BTreeMap::new(), tasks: BTreeMap::new(), named: 0, messages: 0 }
    }

    fn told(&mut self, complete: bool, readings: Vec<Reading>) -> Readings {
        self.messages += 1;
        let sequence = Some(self.messages);
        Readings { source: "truth".into(), time_seconds: 60 * self.messages, sequence, complete, readings }
    }

    fn name(&mut self, kind: &str) -> String {
        self.named += 1;
        format!("{kind}{}", self.named)
    }

    fn some_node(&mut self) -> Option<String> {
        let at = self.chance.random_range(0..self.nodes.len().max(1));
        self.nodes.keys().nth(at).cloned()
    }

    fn some_task(&mut self) -> Option<String> {
        let at = self.chance.random_range(0..self.tasks.len().max(1));
        self.tasks.keys().nth(at).cloned()
    }

    fn node(&mut self, name: String) -> Reading {
        let devices = self.chance.random_range(0..4);
        let out = (0..devices).filter(|_| self.chance.random_bool(0.2)).collect();
        let node = NodeReading {
            name: name.clone(),
            capacity: vec![self.chance.random_range(1..6) * 1000, 16_384],
            devices: vec![(DeviceKind::Gpu, ["A", "B"][self.chance.random_range(0..2)].into()); devices],
            devices_out_of_service: out,
            labels: vec![("rack".into(), format!("r{}", self.chance.random_range(0..3)))],
            health: if self.chance.random_bool(0.1) { Health::Down } else { Health::Up },
        };
        self.nodes.insert(name, node.clone());
        // A node that comes again with other devices has let go of those that its tasks held.
        let there: DeviceSet = (0..devices).collect();
        for (_, place) in self.tasks.values_mut() {
            if let Some((_, held)) = place.as_mut().filter(|(on, _)| *on == node.name) {
                *held = held.iter().filter(|&d| there.contains(d)).collect();
            }
        }
        Reading::NodeAdded(node)
    }

    fn task(&mut self) -> Reading {
        let name = self.name("t");
        let group = format!("g{}", self.chance.random_range(0..4));
        let apart = NamedGroupRule { group: group.clone(), domain: None };
        let rules = NamedRules { anti_affinity: vec![apart], ..NamedRules::default() };
        let bound = self.chance.random_bool(0.3);
        let task = TaskReading {
            name: name.clone(),
            demand: vec![self.chance.random_range(1..4) * 500, 1024],
            devices: self.chance.random_bool(0.5).then(|| DocumentDemand {
                count: 1,
                milli: 100 * self.chance.random_range(1..11),
                models: if self.chance.random_bool(0.3) { vec!["B".into()] } else { vec![] },
            }),
            owner: Some(format!("o{}", self.chance.random_range(0..5))),
            gang: self.chance.random_bool(0.2).then(|| format!("gang{}", self.named / 3)),
            group: bound.then_some(group),
            rules: if bound { rules } else { NamedRules::default() },
            priority: self.chance.random_range(0..3),
            submitted_seconds: 60 * self.messages,
            requested_seconds: Some(3600),
            ..TaskReading::default()
        };
        self.tasks.insert(name, (task.clone(), None));
        Reading::TaskSubmitted(task)
    }

    /// Something happens. The world asks nobody whether there is room.
    fn event(&mut self) -> Option<Reading> {
        Some(match self.chance.random_range(0..10) {
            0 => {
                let name = self.name("n");
                self.node(name)
            }
            1 => {
                let name = self.some_node()?;
                self.node(name)
            }
            2 if self.chance.random_bool(0.3) => {
                let node = self.some_node()?;
                self.nodes.remove(&node);
                for (_, place) in self.tasks.values_mut() {
                    if place.as_ref().is_some_and(|(name, _)| *name == node) {
                        *place = None;
                    }
                }
                Reading::NodeRemoved { node }
            }
            2..=5 => self.task(),
            6 | 7 => {
                let (task, node) = (self.some_task()?, self.some_node()?);
                let has = self.nodes[&node].devices.len();
                let wants = self.tasks[&task].0.devices.is_some();
                let devices = if wants && has > 0 {
                    DeviceSet::one(self.chance.random_range(0..has))
                } else {
                    DeviceSet::NONE
                };
                self.tasks.get_mut(&task)?.1 = Some((node.clone(), devices));
                Reading::TaskPlaced { task, node, devices }
            }
            8 => {
                let task = self.some_task()?;
                self.tasks.get_mut(&task)?.1 = None;
                Reading::TaskUnplaced { task }
            }
            _ => {
                let task = self.some_task()?;
                self.tasks.remove(&task);
                Reading::TaskEnded { task }
            }
        })
    }

    fn poll(&mut self) -> Readings {
        let readings = (0..8).filter_map(|_| self.event()).collect();
        self.told(false, readings)
    }

    fn list(&mut self) -> Readings {
        let mut readings: Vec<Reading> = self.nodes.values().cloned().map(Reading::NodeAdded).collect();
        for (task, place) in self.tasks.values() {
            readings.push(Reading::TaskSubmitted(task.clone()));
            if let Some((node, devices)) = place.clone() {
                readings.push(Reading::TaskPlaced { task: task.name.clone(), node, devices });
            }
        }
        // A list need not be in any order.
        for at in (1..readings.len()).rev() {
            let other = self.chance.random_range(0..=at);
            readings.swap(at, other);
        }
        self.told(true, readings)
    }
}

/// What is believed of nodes and tasks, in names, in an order of its own.
fn believed(snapshot: &Snapshot) -> ClusterDocument {
    let mut document = ClusterDocument::of_cluster(&snapshot.cluster, 0);
    // A model that no node has any more means the same as a model that none ever had: nothing fits.
    let known = |model: &String| document.nodes.iter().any(|n| n.devices.iter().any(|d| d.model == *model));
    for devices in document
        .tasks
        .iter_mut()
        .filter_map(|task| task.devices.as_mut())
        .filter(|devices| !devices.models.is_empty())
    {
        devices.models.retain(known);
        if devices.models.is_empty() {
            devices.models.push(NO_MODEL.to_owned());
        }
    }
    document.nodes.sort_by(|a, b| a.name.cmp(&b.name));
    document.tasks.sort_by(|a, b| a.name.cmp(&b.name));
    document
}

fn listen(snapshot: &mut Snapshot, told: &Readings) -> bool {
    merge(snapshot, told, told.time_seconds, &CollectConfig::default())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn after_a_complete_list_the_belief_is_the_truth(seed in any::<u64>(), noise in proptest::collection::vec(0_u8..10, 60)) {
        let mut truth = Truth::new(seed);
        let mut belief = Snapshot::new(ResourceSchema::cpu_and_memory());
        let mut held_back = Vec::new();
        for what in noise {
            let told = truth.poll();
            match what {
                // Lost.
                0 | 1 => {}
                // Told twice.
                2 => {
                    listen(&mut belief, &told);
                    listen(&mut belief, &told);
                }
                // Told late, after others.
                3 => held_back.push(told),
                _ => {
                    listen(&mut belief, &told);
                    held_back.drain(..).for_each(|late| { listen(&mut belief, &late); });
                }
            }
            prop_assert_eq!(check_books(&belief.cluster), Ok(()));
        }
        let list = truth.list();
        prop_assert!(!listen(&mut belief, &list), "after a list no list is wanted");
        // What was on its way all the time comes after the list, and is old.
        held_back.drain(..).for_each(|late| { listen(&mut belief, &late); });
        let mut fresh = Snapshot::new(ResourceSchema::cpu_and_memory());
        listen(&mut fresh, &list);
        prop_assert_eq!(believed(&belief), believed(&fresh));
        prop_assert_eq!(check_books(&belief.cluster), Ok(()));
        let places = |s: &Snapshot| s.cluster.live_tasks().filter(|&t| s.cluster.placement(t).is_some()).count();
        let truly = truth.tasks.values().filter(|(_, place)| place.is_some()).count();
        prop_assert_eq!((places(&belief), belief.task_by_name.len()), (truly, truth.tasks.len()));
        let waiting: Vec<_> = belief.cluster.waiting().collect();
        prop_assert_eq!(belief.waiting(), waiting, "one meaning of waiting");
    }

    /// Without noise no list is needed: the belief follows the truth.
    #[test]
    fn what_is_told_once_and_in_order_needs_no_list(seed in any::<u64>()) {
        let mut truth = Truth::new(seed);
        let mut belief = Snapshot::new(ResourceSchema::cpu_and_memory());
        let first = truth.list();
        listen(&mut belief, &first);
        for _ in 0..40 {
            let told = truth.poll();
            if listen(&mut belief, &told) {
                // A device model that nobody had told of may be one that tasks wait for by name.
                let list = truth.list();
                listen(&mut belief, &list);
            }
        }
        let list = truth.list();
        let mut fresh = Snapshot::new(ResourceSchema::cpu_and_memory());
        listen(&mut fresh, &list);
        prop_assert_eq!(believed(&belief), believed(&fresh));
        prop_assert_eq!(belief.rejected, 0);
    }
}

#[test]
fn a_gap_and_many_absurd_readings_ask_for_a_list() {
    let mut truth = Truth::new(1);
    let mut belief = Snapshot::new(ResourceSchema::cpu_and_memory());
    let list = truth.list();
    assert!(!listen(&mut belief, &list));
    let _lost = truth.poll();
    let next = truth.told(false, vec![]);
    assert!(listen(&mut belief, &next), "a message is missing");
    let list = truth.list();
    assert!(!listen(&mut belief, &list));
    let absurd = truth.told(false, vec![Reading::TaskEnded { task: "nobody".into() }; 21]);
    assert!(listen(&mut belief, &absurd), "too much cannot be believed");
}

#[test]
fn a_world_that_holds_more_than_there_is_is_believed_and_nothing_more_fits() {
    let mut belief = Snapshot::new(ResourceSchema::cpu_and_memory());
    let node = NodeReading {
        name: "n".into(),
        capacity: vec![1000, 1024],
        devices: vec![(DeviceKind::Gpu, "A".into())],
        devices_out_of_service: vec![],
        labels: vec![],
        health: Health::Up,
    };
    let mut readings = vec![Reading::NodeAdded(node)];
    for name in ["a", "b", "c"] {
        let devices = Some(DocumentDemand { count: 1, milli: 800, models: vec![] });
        let task =
            TaskReading { name: name.into(), demand: vec![800, 100], devices, ..TaskReading::default() };
        readings.push(Reading::TaskSubmitted(task));
        let placed = Reading::TaskPlaced { task: name.into(), node: "n".into(), devices: DeviceSet::one(0) };
        readings.push(placed);
    }
    let told = Readings { source: "s".into(), time_seconds: 0, sequence: None, complete: false, readings };
    merge(&mut belief, &told, 0, &CollectConfig::default());
    let node = belief.cluster.node_named("n").expect("it is there");
    assert_eq!((belief.rejected, belief.cluster.hosted(node).len()), (0, 3));
    assert!(belief.cluster.is_overbooked(node));
    assert_eq!((belief.cluster.free(node)[0], belief.cluster.devices_free(node)[0]), (0, 0));
    for name in ["a", "b"] {
        let task = belief.task_by_name[name];
        belief.waits(task);
    }
    assert!(!belief.cluster.is_overbooked(node));
    assert_eq!((belief.cluster.free(node)[0], belief.cluster.devices_free(node)[0]), (200, 200));
}

#[test]
fn what_is_gone_takes_no_memory() {
    let mut truth = Truth::new(5);
    let mut belief = Snapshot::new(ResourceSchema::cpu_and_memory());
    let sizes = |belief: &Snapshot| {
        let more = [belief.task_by_name.len(), belief.tasks.len(), belief.signals.len()];
        [&belief.cluster.kept()[..], &more].concat()
    };
    let mut after_a_while = Vec::new();
    for turn in 0..10_000 {
        let mut told = truth.poll();
        // As many end as come, and every class, gang and owner of a while ago is gone.
        while truth.tasks.len() > 50 {
            let oldest = truth.tasks.keys().min_by_key(|name| name[1..].parse::<u32>().unwrap_or(0));
            let task = oldest.expect("there are some").clone();
            truth.tasks.remove(&task);
            told.readings.push(Reading::TaskEnded { task });
        }
        while truth.nodes.len() > 20 {
            let node = truth.some_node().expect("there are some");
            truth.nodes.remove(&node);
            for (_, place) in truth.tasks.values_mut() {
                if place.as_ref().is_some_and(|(name, _)| *name == node) {
                    *place = None;
                }
            }
            told.readings.push(Reading::NodeRemoved { node });
        }
        // Each turn has classes and labels of its own.
        for reading in &mut told.readings {
            if let Reading::NodeAdded(node) = reading {
                node.labels.push(("rack".into(), format!("r-{turn}")));
                node.labels.push((format!("turn-{}", turn / 100), "yes".into()));
            }
            if let Reading::TaskSubmitted(task) = reading {
                task.demand[1] += i64::from(turn);
                task.group = task.group.as_ref().map(|group| format!("{group}-{turn}"));
                task.owner = Some(format!("owner-{turn}"));
            }
        }
        if listen(&mut belief, &told) {
            belief.sources.values_mut().for_each(|source| source.wants_list = false);
        }
        if turn == 3000 {
            after_a_while = sizes(&belief);
        }
    }
    for (now, then) in sizes(&belief).iter().zip(&after_a_while) {
        assert!(*now <= 2 * then, "{:?} after 10,000 turns, {after_a_while:?} after 3,000", sizes(&belief));
    }
    assert_eq!(check_books(&belief.cluster), Ok(()));
}
