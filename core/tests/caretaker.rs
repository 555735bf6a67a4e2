//! What the caretaker decides on small clusters, assessed as the loop assesses them.

use std::collections::BTreeMap;

use lepton_core::analyze::assess;
use lepton_core::decide::plan::{Caretaker, DecideConfig, Decided, Decider, Situation};
use lepton_core::model::{
    Action, Health, Move, Name, NodeId, NodeSpec, Obstacle, Placement, Plan, Reason, ResourceSchema,
    Settings, Snapshot, Task, TaskClass, TaskId, TaskState, Waiting,
};

/// Nodes of 10 cores and 100 MiB, named n0, n1, ...
fn cluster_of(nodes: usize) -> Snapshot {
    let mut snapshot = Snapshot::new(ResourceSchema::cpu_and_memory());
    for i in 0..nodes {
        let spec = NodeSpec::new(format!("n{i}"), vec![10_000, 100], vec![]);
        snapshot.cluster.add_node(spec).expect("a sound node");
        snapshot.signals.push(BTreeMap::new());
    }
    snapshot.time_seconds = 10_000;
    snapshot
}

/// A sign that speaks for a failure of the node with this probability.
fn sign(snapshot: &mut Snapshot, node: usize, probability: f64) {
    let value = -4.0 * (1.0 - probability).ln();
    snapshot.signals[node].insert("device_errors_per_hour".into(), (value, snapshot.time_seconds));
}

/// A task of `cpu` millicores that uses `used` of them: on a node, or pending.
fn task(snapshot: &mut Snapshot, cpu: i64, used: i64, on: Option<u32>) -> TaskId {
    let class = snapshot.cluster.add_class(TaskClass::of_demand([cpu, 1], None)).expect("a sound class");
    let name = format!("t{}", snapshot.tasks.len());
    let id = snapshot.cluster.add_task(Task::new(name, class));
    let state = TaskState { pause_seconds: 60, unsaved_seconds: 600, ..TaskState::default() };
    snapshot.tasks.push(TaskState { used: on.map_or_else(Vec::new, |_| vec![used, 1]), ..state });
    snapshot.arrivals.count(&snapshot.cluster.class(class).demand);
    snapshot.arrivals.publish(&mut snapshot.mix);
    match on {
        Some(node) => {
            let place = Placement { node: NodeId(node), devices: lepton_core::model::DeviceSet::NONE };
            snapshot.cluster.place(id, place).expect("it fits");
        }
        None => {
            snapshot.pending.insert(id);
        }
    }
    id
}

fn decide(snapshot: &Snapshot) -> Decided {
    let config = DecideConfig { policy: "best-fit".into(), ..DecideConfig::default() };
    let mut caretaker = Caretaker::new(config, 0).expect("a known policy");
    let assessment = assess(snapshot, &Settings::default());
    caretaker.decide(&Situation::new(snapshot, &assessment, &Plan::default(), 1))
}

fn actions(decided: &Decided) -> Vec<(Reason, Option<String>, Option<String>)> {
    let node = |action: &Action| match action {
        Action::Cordon { node } | Action::Uncordon { node } => Some(node.to_string()),
        other => other.to().map(|spot| spot.node.to_string()),
    };
    let named = decided.plan.steps();
    named.map(|(part, step)| (part.reason, step.task().map(ToString::to_string), node(step))).collect()
}

/// What [`actions`] says of a step.
fn step(reason: Reason, task: Option<TaskId>, node: u32) -> (Reason, Option<String>, Option<String>) {
    (reason, task.map(|t| format!("t{}", t.0)), Some(format!("n{node}")))
}

#[test]
fn a_calm_cluster_gets_an_empty_plan() {
    let mut snapshot = cluster_of(2);
    task(&mut snapshot, 5000, 5000, Some(0));
    assert_eq!(decide(&snapshot), Decided::default());
}

#[test]
fn what_waits_is_placed_where_it_leaves_the_node_below_the_safety_level() {
    let mut snapshot = cluster_of(2);
    task(&mut snapshot, 6000, 6000, Some(0));
    let waiting = task(&mut snapshot, 3000, 0, None);
    let decided = decide(&snapshot);
    // Best-fit prefers n0, which would be used to 90%.
    assert_eq!(actions(&decided), [step(Reason::PendingTaskFits, Some(waiting), 1)]);
    let record = &decided.records[0];
    assert_eq!(record.candidates.len(), 2);
    assert_eq!((record.candidates[0].node.as_str(), record.candidates[0].safe), ("n0", false));
    assert_eq!((record.candidates[1].node.as_str(), record.candidates[1].safe), ("n1", true));
    assert!(snapshot.cluster.placement(waiting).is_none(), "deciding changes nothing");
}

#[test]
fn without_a_safe_node_the_best_one_is_taken() {
    let mut snapshot = cluster_of(1);
    let waiting = task(&mut snapshot, 9000, 0, None);
    assert_eq!(actions(&decide(&snapshot)), [step(Reason::PendingTaskFits, Some(waiting), 0)]);
}

#[test]
fn a_task_that_fits_nowhere_waits_and_the_obstacle_is_named() {
    let mut snapshot = cluster_of(2);
    let giant = task(&mut snapshot, 11_000, 0, None);
    let small = task(&mut snapshot, 1000, 0, None);
    let decided = decide(&snapshot);
    let waits =
        Waiting { task: snapshot.cluster.task(giant).name.clone(), obstacle: Obstacle::InsufficientResource };
    assert_eq!(decided.plan.waiting, [waits]);
    assert_eq!(actions(&decided).len(), 1, "the small task behind it is not held up");
    assert_eq!(actions(&decided)[0], step(Reason::PendingTaskFits, Some(small), 0));
}

#[test]
fn a_hot_node_gives_away_just_enough() {
    let mut snapshot = cluster_of(2);
    for _ in 0..3 {
        task(&mut snapshot, 3000, 3000, Some(0));
    }
    let decided = decide(&snapshot);
    let actions = actions(&decided);
    assert_eq!(actions.len(), 1, "one move brings it from 90% to 60%");
    assert_eq!((actions[0].0, actions[0].2.as_deref()), (Reason::NodeOverloaded, Some("n1")));
    let part = &decided.plan.parts[0];
    assert!(part.gain > part.cost, "{part:?}");
}

#[test]
fn a_move_that_does_not_pay_is_not_made() {
    let mut snapshot = cluster_of(2);
    for _ in 0..3 {
        let t = task(&mut snapshot, 3000, 2700, Some(0));
        snapshot.tasks[t.index()].pause_seconds = 100_000;
    }
    assert_eq!(actions(&decide(&snapshot)), []);
}

#[test]
fn a_task_that_was_just_moved_or_must_not_be_disturbed_stays() {
    let mut snapshot = cluster_of(3);
    let moved = task(&mut snapshot, 4500, 4500, Some(0));
    snapshot.memory.moves.record(Move {
        time_seconds: 9_000,
        task: snapshot.cluster.task(moved).name.clone(),
        owner: None,
        from: Name::from("n1"),
        to: Some(Name::from("n0")),
    });
    let class = snapshot.cluster.task(moved).class;
    let pinned = snapshot.cluster.add_task(Task { do_not_disrupt: true, ..Task::new("pinned", class) });
    snapshot.tasks.push(TaskState { used: vec![4500, 1], pause_seconds: 60, ..TaskState::default() });
    let place = snapshot.cluster.placement(moved).expect("placed above");
    snapshot.cluster.place(pinned, place).expect("it fits");
    assert_eq!(actions(&decide(&snapshot)), [], "both tasks of the hot node are bound");
    snapshot.time_seconds = 9_000 + 3600;
    let decided = decide(&snapshot);
    assert_eq!(actions(&decided), [step(Reason::NodeOverloaded, Some(moved), 2)], "not back to n1");
}

#[test]
fn a_failing_node_is_cordoned_and_cleared_before_its_work_is_lost() {
    let mut snapshot = cluster_of(3);
    let worker = task(&mut snapshot, 2000, 1000, Some(0));
    sign(&mut snapshot, 0, 0.9);
    sign(&mut snapshot, 1, 0.8);
    let decided = decide(&snapshot);
    let want = [
        step(Reason::NodeFailing, None, 0),
        step(Reason::NodeFailing, Some(worker), 2),
        step(Reason::NodeFailing, None, 1),
    ];
    assert_eq!(actions(&decided), want);
    assert_eq!(snapshot.cluster.health(NodeId(0)), Health::Up, "deciding changes nothing");
}

#[test]
fn a_node_cordoned_by_the_loop_comes_back_when_the_signs_are_gone() {
    let mut snapshot = cluster_of(2);
    for node in [0, 1] {
        snapshot.cluster.set_health(NodeId(node), Health::Cordoned);
    }
    snapshot.cordoned_by_loop.insert(NodeId(1));
    assert_eq!(actions(&decide(&snapshot)), [step(Reason::NodeCalm, None, 1)], "not the other's");
    sign(&mut snapshot, 1, 0.9);
    assert_eq!(actions(&decide(&snapshot)), []);
}

#[test]
fn the_same_input_gives_the_same_plan_and_the_digest_says_so() {
    let mut snapshot = cluster_of(4);
    for i in 0..6 {
        task(&mut snapshot, 2000 + 100 * i, 2500, Some((i % 2) as u32));
    }
    task(&mut snapshot, 1000, 0, None);
    let first = decide(&snapshot);
    assert!(!first.records.is_empty());
    assert_eq!(decide(&snapshot), first);
    sign(&mut snapshot, 3, 0.1);
    assert_ne!(decide(&snapshot).records[0].input_digest, first.records[0].input_digest);
}
