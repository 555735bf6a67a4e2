//! What an analyst makes of small clusters over time: who comes and goes moves no forecast, what all tasks do does, false signs lose
//! their weight.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::*;
use crate::model::{
    DeviceSet, ExpectedLoad, Health, NodeId, NodeSpec, Placement, ResourceSchema, Task, TaskClass, TaskId,
    TaskState,
};

const TURN_SECONDS: u64 = 300;
const CAPACITY: i64 = 100_000;
const HOUR: u64 = 3600;
const SIGNAL: &str = "device_errors_per_hour";

/// A cluster of nodes without devices, and who looks at it.
struct Scene {
    snapshot: Snapshot,
    analyst: Analyst,
    tasks: Vec<TaskId>,
}

impl Scene {
    fn new(nodes: usize) -> Self {
        let snapshot = Snapshot::new(ResourceSchema::cpu_and_memory());
        let mut scene = Self { snapshot, analyst: Analyst::default(), tasks: Vec::new() };
        (0..nodes).for_each(|i| scene.add_node(&format!("n{i}")));
        scene
    }

    fn add_node(&mut self, name: &str) {
        self.snapshot
            .cluster
            .add_node(NodeSpec::new(name, vec![CAPACITY, 1000], vec![]))
            .expect("a sound node");
        self.snapshot.signals.push(BTreeMap::new());
    }

    /// A task that asks for so much CPU starts on a node.
    fn start(&mut self, node: usize, demand: i64) -> TaskId {
        let class = self.snapshot.cluster.add_class(TaskClass::of_demand([demand, 10], None)).expect("sound");
        let name = format!("t{}", self.tasks.len());
        let task = self.snapshot.cluster.add_task(Task::new(name, class));
        if self.snapshot.tasks.len() <= task.index() {
            self.snapshot.tasks.resize(task.index() + 1, TaskState::default());
        }
        self.snapshot.tasks[task.index()] = TaskState { used: vec![0, 10], ..TaskState::default() };
        let place = Placement { node: NodeId(node as u32), devices: DeviceSet(0) };
        assert!(self.snapshot.stands(task, place));
        self.tasks.push(task);
        task
    }

    fn uses(&mut self, task: TaskId, cpu: f64) {
        self.snapshot.tasks[task.index()].used[0] = cpu as i64;
    }

    fn turn(&mut self) -> Assessment {
        self.snapshot.time_seconds += TURN_SECONDS;
        self.analyst.assess(&self.snapshot, &Settings::default())
    }

    fn tell(&mut self, node: usize, signal: &str, value: f64) {
        let now = self.snapshot.time_seconds;
        self.snapshot.signals[node].insert(signal.into(), (value, now));
    }

    fn set_health(&mut self, node: usize, health: Health) {
        self.snapshot.set_node_state(NodeId(node as u32), health, false);
    }
}

fn cpu(expected: &ExpectedLoad, node: usize, level: usize) -> f64 {
    expected.used[node * 2 * LEVELS.len() + level]
}

/// A wave of the day around 1.
fn wave(seconds: u64) -> f64 {
    1.0 + 0.3 * (std::f64::consts::TAU * seconds as f64 / 86_400.0).sin()
}

#[test]
fn tasks_of_constant_use_that_come_and_go_raise_no_forecast() {
    let mut scene = Scene::new(1);
    let mut chance = Pcg64Mcg::seed_from_u64(1);
    for _ in 0..600 {
        let demand = chance.random_range(1000..10_000);
        let node_is_full = scene.snapshot.cluster.free(NodeId(0))[0] < 20_000;
        if node_is_full || chance.random_bool(0.4) {
            if let Some(&task) = scene.snapshot.cluster.hosted(NodeId(0)).first() {
                scene.snapshot.task_gone(task);
            }
        } else {
            let task = scene.start(0, demand);
            scene.uses(task, demand as f64 * 0.5);
        }
        let assessment = scene.turn();
        if let Some(expected) = &assessment.expected {
            // The level leans back to what is used, so it may rise by a trace.
            assert!(cpu(expected, 0, 2) - assessment.used[0] <= 0.02 * CAPACITY as f64, "{expected:?}");
        }
    }
}

#[test]
fn a_rise_of_all_tasks_is_expected_though_they_come_and_go() {
    let mut scene = Scene::new(4);
    let mut missed = 0;
    let mut issued: Vec<(u64, f64)> = Vec::new();
    let mut peak_share = BTreeMap::new();
    for turn in 0..(6 * 86_400 / TURN_SECONDS) {
        let now = scene.snapshot.time_seconds + TURN_SECONDS;
        for node in 0..4 {
            // Each lives for five hours, one starts each quarter of an hour.
            if turn % 3 == 0 {
                scene.start(node, 4000);
                if let Some(&oldest) = scene
                    .snapshot
                    .cluster
                    .hosted(NodeId(node as u32))
                    .iter()
                    .min_by_key(|t| scene.snapshot.cluster.task(**t).name[1..].parse::<u64>().unwrap())
                    && scene.snapshot.cluster.hosted(NodeId(node as u32)).len() > 20
                {
                    scene.snapshot.task_gone(oldest);
                }
            }
            for task in scene.snapshot.cluster.hosted(NodeId(node as u32)).to_vec() {
                scene.uses(task, 2000.0 * wave(now));
            }
        }
        let assessment = scene.turn();
        peak_share.insert(now, assessment.used[0]);
        if let Some(expected) = assessment.expected.filter(|_| now > 3 * 86_400) {
            issued.push((now, cpu(&expected, 0, 1)));
            assert_eq!(expected.young, 0);
        }
    }
    for &(at, p90) in issued.iter().take(issued.len() - 20) {
        let peak = peak_share.range(at + 1..=at + HOUR).map(|(_, &used)| used).fold(0.0, f64::max);
        missed += usize::from(peak > p90 * 1.001);
        assert!(p90 < peak * 1.25, "{p90} is far above the peak, {peak}");
    }
    assert!(missed * 5 < issued.len(), "{missed} of {} peaks lie above the 90% quantile", issued.len());
}

#[test]
fn a_node_that_joins_rises_as_the_others_did() {
    let mut scene = Scene::new(8);
    let tasks: Vec<TaskId> = (0..8).map(|node| scene.start(node, 50_000)).collect();
    let mut last = None;
    for turn in 0..40 {
        for &task in &tasks {
            scene.uses(task, 10_000.0 + 300.0 * f64::from(turn));
        }
        last = scene.turn().expected;
    }
    assert!(last.is_some_and(|e| e.young == e.series), "ten hours after the start all are young");
    scene.add_node("late");
    let late = scene.start(8, 50_000);
    scene.uses(late, 20_000.0);
    let assessment = scene.turn();
    let expected = assessment.expected.expect("others are known");
    let rise = cpu(&expected, 8, 0) - 20_000.0;
    // Twelve turns of 300 make an hour, give or take a bin.
    assert!((2000.0..5000.0).contains(&rise), "{rise}");
}

#[test]
fn equal_readings_make_equal_analysts_and_a_new_one_says_that_it_is_young() {
    let play = |restart_at: Option<u64>| {
        let mut scene = Scene::new(2);
        let mut chance = Pcg64Mcg::seed_from_u64(9);
        let tasks = [scene.start(0, 30_000), scene.start(1, 20_000)];
        let mut all = Vec::new();
        for turn in 0..500 {
            if restart_at == Some(turn) {
                scene.analyst = Analyst::default();
            }
            for task in tasks {
                scene.uses(task, chance.random_range(5000.0..20_000.0));
            }
            if chance.random_bool(0.02) {
                scene.tell(0, SIGNAL, chance.random_range(0.0..9.0));
            }
            all.push(scene.turn());
        }
        all
    };
    let (one, other, anew) = (play(None), play(None), play(Some(490)));
    assert_eq!(one, other);
    let of = |assessments: &[Assessment]| assessments.last().and_then(|a| a.expected.clone()).expect("known");
    let (old, new) = (of(&one), of(&anew));
    assert_eq!((old.since_seconds, new.since_seconds), (TURN_SECONDS, 491 * TURN_SECONDS));
    assert_eq!((old.young, new.young), (0, new.series));
    assert!(new.series > 0 && old.coverage.is_some());
}

#[test]
fn stale_readings_teach_nothing() {
    let mut scene = Scene::new(1);
    let task = scene.start(0, 50_000);
    let level_after = |scene: &mut Scene, stale: bool| {
        if stale {
            scene.snapshot.stale.insert("world".into());
        }
        for turn in 0..100 {
            scene.uses(task, 100.0 * f64::from(turn));
            scene.turn();
        }
        scene.turn().expected
    };
    assert!(level_after(&mut scene, true).is_none());
}

#[test]
fn what_signs_are_followed_by_decides_what_they_are_worth() {
    let chance_after = |fails: bool| {
        let mut scene = Scene::new(1);
        let mut first = None;
        let mut last = 0.0;
        for _ in 0..30 {
            scene.tell(0, SIGNAL, 4.0);
            last = scene.turn().risk_of(NodeId(0));
            first.get_or_insert(last);
            (0..6).for_each(|_| drop(scene.turn()));
            if fails {
                scene.set_health(0, Health::Down);
                scene.turn();
            }
            scene.snapshot.signals[0].clear();
            (0..10).for_each(|_| drop(scene.turn()));
            scene.set_health(0, Health::Up);
            scene.turn();
        }
        (first.expect("told"), last)
    };
    let (first, after_failures) = chance_after(true);
    assert!((first - 0.632).abs() < 0.01, "{first}");
    assert!(after_failures > 0.9, "{after_failures}");
    let (_, after_false_ones) = chance_after(false);
    assert!(after_false_ones < 0.15, "{after_false_ones}");
}

#[test]
fn a_node_that_was_put_aside_first_has_not_failed() {
    let within_week = |aside: bool| {
        let mut scene = Scene::new(1);
        scene.turn();
        for _ in 0..5 {
            if aside {
                scene.set_health(0, Health::Cordoned);
                scene.turn();
            }
            scene.set_health(0, Health::Down);
            scene.turn();
            scene.set_health(0, Health::Up);
            scene.turn();
        }
        scene.turn().risk[0].within_week
    };
    assert!(within_week(false) > 4.0 * within_week(true), "{} {}", within_week(false), within_week(true));
}

#[test]
fn messages_that_several_sources_tell_of_one_node_add_up() {
    let within_day = |signals: &[(&str, f64)]| {
        let mut scene = Scene::new(1);
        scene.turn();
        scene.snapshot.time_seconds += 1;
        signals.iter().for_each(|(signal, value)| scene.tell(0, signal, *value));
        scene.analyst.assess(&scene.snapshot, &Settings::default()).risk[0].within_day
    };
    let together = within_day(&[("critical_log_messages", 5.0)]);
    let apart = [
        ("critical_log_messages", 1.0),
        ("critical_log_messages:logs", 2.0),
        ("critical_log_messages:kafka", 2.0),
    ];
    assert_eq!(within_day(&apart), together);
    assert!(together > within_day(&apart[..2]) && within_day(&apart[..1]) > within_day(&[("critical", 5.0)]));
}

/// A node that fails again and again after signs, and one that is told of in vain.
fn told_of_faults(scene: &mut Scene) {
    for round in 0..12 {
        scene.tell(0, SIGNAL, 3.0);
        scene.tell(1, SIGNAL, 3.0);
        (0..4).for_each(|_| drop(scene.turn()));
        if round % 2 == 0 {
            scene.set_health(0, Health::Down);
            scene.turn();
            scene.set_health(0, Health::Up);
        }
        scene.snapshot.signals.iter_mut().for_each(BTreeMap::clear);
        (0..20).for_each(|_| drop(scene.turn()));
    }
}

#[test]
fn failures_and_signs_are_known_after_a_restart_by_the_names_of_the_nodes() {
    let mut scene = Scene::new(2);
    told_of_faults(&mut scene);
    let text = serde_json::to_string(&scene.analyst.signs()).expect("numbers and names");
    let kept = || serde_json::from_str::<KeptSigns>(&text).expect("it was written so");
    let mut anew = Analyst::default();
    anew.recall_signs(kept());
    let nodes = |analyst: &Analyst| serde_json::to_value(analyst.signs()).expect("sound")["nodes"].clone();
    assert_eq!(nodes(&anew).as_array().map(Vec::len), Some(2), "what has not come yet is not forgotten");
    let nothing = Analyst::default().assess(&scene.snapshot, &Settings::default()).risk;
    for signal in [None, Some(3.0), None] {
        if let Some(value) = signal {
            scene.tell(0, SIGNAL, value);
        }
        scene.snapshot.time_seconds += TURN_SECONDS;
        let old = scene.analyst.assess(&scene.snapshot, &Settings::default());
        assert_eq!(anew.assess(&scene.snapshot, &Settings::default()).risk, old.risk);
        assert!(old.risk[0].within_week > 10.0 * nothing[0].within_week, "{:?}", old.risk[0]);
    }
    // Nodes are met by name, wherever they stand now.
    let mut other = Scene::new(0);
    other.add_node("n1");
    other.add_node("n0");
    other.snapshot.time_seconds = scene.snapshot.time_seconds;
    other.analyst.recall_signs(kept());
    let risk = other.turn().risk;
    assert!(risk[1].within_week > 2.0 * risk[0].within_week, "{risk:?}");
}

#[test]
fn kept_signs_that_are_no_signs_are_not_believed() {
    let mut scene = Scene::new(1);
    scene.tell(0, SIGNAL, 3.0);
    (0..4).for_each(|_| drop(scene.turn()));
    let sound = serde_json::to_value(scene.analyst.signs()).expect("numbers and names");
    for wrong in [-1.0_f64, 1e300] {
        let mut kept = sound.clone();
        kept["outcomes"][1][5]["failed"] = wrong.into();
        kept["nodes"][0]["signs"]["faded"][1] = (-wrong.abs()).into();
        scene.analyst.recall_signs(serde_json::from_value(kept).expect("of its form"));
        scene.tell(0, SIGNAL, 3.0);
        let risk = &scene.turn().risk[0];
        for chance in [risk.probability, risk.within_day, risk.within_week] {
            assert!((0.0..=1.0).contains(&chance), "{risk:?}");
        }
    }
}

#[test]
fn an_assessment_brought_up_to_date_says_of_use_what_a_new_one_says() {
    let mut scene = Scene::new(3);
    let tasks: Vec<TaskId> = (0..6).map(|i| scene.start(i % 3, 10_000)).collect();
    for (i, &task) in tasks.iter().enumerate() {
        scene.uses(task, 3000.0 + 500.0 * i as f64);
    }
    let mut assessment = assess_with_expected(&mut scene);
    let before = assessment.clone();
    let at = scene.snapshot.cluster.changes().end();

    scene.snapshot.task_ended(tasks[1]);
    let came = scene.start(2, 20_000);
    scene.uses(came, 7000.0);
    let changed = scene.snapshot.cluster.changes().since(at).expect("few changes").to_vec();
    super::super::restate(&mut assessment, &scene.snapshot, &changed);
    let anew = super::super::assess(&scene.snapshot, &Settings::default());
    assert_eq!(assessment.used, anew.used);
    assert_eq!(assessment.waiting, anew.waiting);
    // What is expected has changed by as much, and only on the nodes where a task came or went.
    let more = |node: usize| {
        let node = NodeId(node as u32);
        assessment.expected_use(node, 0, 0.5) - before.expected_use(node, 0, 0.5)
    };
    assert_eq!([more(0), more(1), more(2)], [0.0, -3500.0, 7000.0]);
}

/// With something expected of each node.
fn assess_with_expected(scene: &mut Scene) -> Assessment {
    let mut assessment = super::super::assess(&scene.snapshot, &Settings::default());
    let used = assessment.used.iter().flat_map(|&used| [used, 1.2 * used]).collect();
    assessment.expected = Some(ExpectedLoad { levels: vec![0.5, 0.95], used, ..ExpectedLoad::default() });
    assessment
}
