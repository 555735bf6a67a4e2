//! Stopping less important tasks for what preempts: only whom it needs, only less important ones, and nobody where it does not help. And what
//! tasks would rather have of their node.

use std::collections::BTreeSet;

use lepton_core::analyze::assess;
use lepton_core::decide::plan::{Acts, Decider, Lepton, LeptonConfig, Situation};
use lepton_core::model::{
    Action, Call, Cluster, DeviceSet, Moving, NamedGroups, NamedPreference, NamedRules, NamedSelector,
    NamedWish, NodeId, NodeSpec, Placement, Plan, Preempts, ResourceSchema, Settings, Snapshot, Statement,
    Task, TaskClass, TaskId,
};
use proptest::prelude::*;

const CORES: i64 = 8000;

fn cluster(nodes: usize) -> Cluster {
    let mut cluster = Cluster::new(ResourceSchema::cpu_and_memory());
    for n in 0..nodes {
        let mut spec = NodeSpec::new(format!("n{n}"), vec![CORES, 64_000], vec![]);
        spec.labels = vec![("zone".to_owned(), format!("z{}", n % 2))];
        cluster.add_node(spec).expect("a new node");
    }
    cluster
}

/// A task of so many thousandths of cores; it stands where it is said to.
fn add(
    cluster: &mut Cluster,
    name: &str,
    millicores: i64,
    on: Option<u32>,
    change: impl FnOnce(&mut Task, &mut Cluster),
) -> TaskId {
    let class = cluster.add_class(TaskClass::of_demand(vec![millicores, 1], None)).expect("in range");
    let preempts = if on.is_none() { Preempts::AtOnce } else { Preempts::Never };
    let mut task = Task { preemptible: on.is_some(), preempts, ..Task::new(name, class) };
    change(&mut task, cluster);
    let id = cluster.add_task(task);
    if let Some(node) = on {
        let place = Placement { node: NodeId(node), devices: DeviceSet::NONE };
        cluster.book(id, place).expect("it may stand there");
    }
    id
}

fn plan_of(cluster: Cluster) -> (Snapshot, Plan) {
    let snapshot = Snapshot::of_cluster(cluster, 1000);
    let assessment = assess(&snapshot, &Settings::default());
    let proposal = Plan::default();
    let situation = Situation::new(&snapshot, &assessment, &proposal, 1);
    // Nothing is moved.
    let acts = Acts { relieve: false, make_room: false, ..Acts::DEFAULT };
    let mut lepton =
        Lepton::new(LeptonConfig { acts, ..LeptonConfig::default() }, 0).expect("a known policy");
    let plan = lepton.decide(&situation).plan;
    (snapshot, plan)
}

/// The tasks that a plan stops, and those that it starts with where.
fn said(plan: &Plan) -> (BTreeSet<String>, Vec<(String, String)>) {
    let (mut stopped, mut started) = (BTreeSet::new(), Vec::new());
    for (_, step) in plan.steps() {
        match step {
            Action::Preempt { task, .. } => {
                stopped.insert(task.to_string());
            }
            Action::Place { task, to } => started.push((task.to_string(), to.node.to_string())),
            _ => {}
        }
    }
    (stopped, started)
}

fn names(of: &[&str]) -> BTreeSet<String> {
    of.iter().map(ToString::to_string).collect()
}

#[test]
fn the_fewest_of_the_least_important_go_and_at_once() {
    let mut cluster = cluster(2);
    for (name, millicores, node, priority) in
        [("a", 5000, 0, 5), ("b", 3000, 0, 1), ("c", 4000, 1, 2), ("d", 2000, 1, 0), ("e", 2000, 1, 0)]
    {
        add(&mut cluster, name, millicores, Some(node), |task, _| task.priority = priority);
    }
    add(&mut cluster, "urgent", 4000, None, |task, _| task.priority = 9);
    let (_, plan) = plan_of(cluster);
    // On n1 it takes d and e, of priority 0; on n0 it would take a.
    let (stopped, started) = said(&plan);
    assert_eq!((stopped, started), (names(&["d", "e"]), vec![("urgent".to_owned(), "n1".to_owned())]));
    // Both are stopped at once, and each call says for whom.
    let part = plan.parts[0].clone();
    let owners = vec![None; part.steps.len()];
    let calls = Statement::new(part, owners, Moving::StopFirst).next_calls(10);
    let whom: Vec<_> = calls
        .iter()
        .map(|call| match call {
            Call::Stop { makes_room_for, .. } => makes_room_for.as_deref(),
            other => panic!("a stop was expected, not {other:?}"),
        })
        .collect();
    assert_eq!(whom, [Some("urgent"); 2]);
}

#[test]
fn nobody_goes_who_is_as_important_or_not_marked_or_whose_going_does_not_help() {
    let with = |priority: i32, preempts: Preempts, preemptible: bool, millicores: i64| {
        let mut cluster = cluster(1);
        add(&mut cluster, "stands", 6000, Some(0), |task, _| task.preemptible = preemptible);
        add(&mut cluster, "comes", millicores, None, |task, _| {
            (task.priority, task.preempts) = (priority, preempts);
        });
        said(&plan_of(cluster).1).0
    };
    assert_eq!(with(1, Preempts::AtOnce, true, 4000), names(&["stands"]));
    for (what, stopped) in [
        ("as important", with(0, Preempts::AtOnce, true, 4000)),
        ("never preempts", with(1, Preempts::Never, true, 4000)),
        ("may not be stopped", with(1, Preempts::AtOnce, false, 4000)),
        ("larger than the node", with(1, Preempts::AtOnce, true, 9000)),
        ("room without it", with(1, Preempts::AtOnce, true, 2000)),
    ] {
        assert_eq!(stopped, BTreeSet::new(), "{what}");
    }
}

#[test]
fn a_gang_preempts_as_one_and_goes_as_one() {
    let gang_of_two = |cores: i64| {
        let mut cluster = cluster(2);
        for node in 0..2 {
            add(&mut cluster, &format!("old-{node}"), 5000, Some(node), |task, cluster| {
                task.gang = Some(cluster.gang("old"));
            });
            add(&mut cluster, &format!("new-{node}"), cores, None, |task, cluster| {
                (task.priority, task.gang) = (1, Some(cluster.gang("new")));
            });
        }
        said(&plan_of(cluster).1)
    };
    let (stopped, started) = gang_of_two(4000);
    assert_eq!((stopped, started.len()), (names(&["old-0", "old-1"]), 2));
    assert_eq!(gang_of_two(8500), (BTreeSet::new(), Vec::new()), "no member fits, so nobody goes");
}

#[test]
fn of_the_nodes_that_are_left_the_one_that_is_liked_most_is_taken() {
    let wish = |weight: u32, wish: NamedWish| NamedPreference { weight, wish };
    let groups = |domain: Option<&str>| NamedGroups {
        groups: vec!["web".to_owned()],
        domain: domain.map(str::to_owned),
    };
    let zone = |values: &[&str]| {
        let values = values.iter().map(ToString::to_string).collect();
        NamedWish::Label(NamedSelector { key: "zone".to_owned(), values })
    };
    let placed = |preferences: Vec<NamedPreference>, count: usize| {
        let mut cluster = cluster(4);
        let web = cluster.group("web");
        let of_group = TaskClass { group: Some(web), ..TaskClass::of_demand(vec![100, 1], None) };
        let class = cluster.add_class(of_group.clone()).expect("in range");
        let there = cluster.add_task(Task::new("there", class));
        cluster
            .book(there, Placement { node: NodeId(1), devices: DeviceSet::NONE })
            .expect("it may stand there");
        let rules = NamedRules { preferences, ..NamedRules::default() }.to_rules(&mut cluster);
        let class = cluster.add_class(TaskClass { rules, ..of_group }).expect("in range");
        for n in 0..count {
            cluster.add_task(Task::new(format!("comes-{n}"), class));
        }
        let (_, started) = said(&plan_of(cluster).1);
        started.into_iter().map(|(_, node)| node).collect::<Vec<_>>()
    };
    let in_zone = |node: &String| node == "n1" || node == "n3";
    assert!(placed(vec![wish(1, zone(&["z1"]))], 3).iter().all(in_zone));
    assert!(
        placed(vec![wish(1, zone(&["z1"])), wish(2, zone(&["z0"]))], 3).iter().all(|node| !in_zone(node))
    );
    assert_eq!(placed(vec![wish(1, NamedWish::Near(groups(None)))], 2), ["n1", "n1"]);
    // Four spread over four nodes and one that stands already: each of them counts for those after it.
    let spread: BTreeSet<String> =
        placed(vec![wish(1, NamedWish::Spread(groups(None)))], 3).into_iter().collect();
    assert_eq!(spread, names(&["n0", "n2", "n3"]));
    let apart: BTreeSet<String> =
        placed(vec![wish(1, NamedWish::Apart(groups(Some("zone"))))], 1).into_iter().collect();
    assert!(!apart.iter().any(in_zone), "{apart:?}");
    // What cannot be had forbids nothing.
    assert_eq!(placed(vec![wish(1, zone(&["z9"]))], 5).len(), 5);
}

proptest! {
    #[test]
    fn whoever_is_stopped_is_less_important_and_could_not_stay(
        standing in prop::collection::vec((0u32..4, 1i64..40, -2i32..3, any::<bool>(), 0usize..6), 0..30),
        coming in prop::collection::vec((1i64..90, -1i32..5, 0usize..5), 1..8),
    ) {
        let mut cluster = cluster(4);
        for (n, (node, size, priority, preemptible, gang)) in standing.into_iter().enumerate() {
            if cluster.free(NodeId(node))[0] < size * 100 {
                continue;
            }
            add(&mut cluster, &format!("s{n}"), size * 100, Some(node), |task, cluster| {
                (task.priority, task.preemptible) = (priority, preemptible);
                task.gang = (gang < 2).then(|| cluster.gang(&format!("s{gang}")));
            });
        }
        for (n, (size, priority, gang)) in coming.into_iter().enumerate() {
            add(&mut cluster, &format!("c{n}"), size * 100, None, |task, cluster| {
                task.priority = priority;
                task.gang = (gang < 2).then(|| cluster.gang(&format!("c{gang}")));
            });
        }
        let (snapshot, plan) = plan_of(cluster);
        let before = &snapshot.cluster;
        let mut now = before.clone();
        for part in &plan.parts {
            let task = |step: &Action| snapshot.task_by_name[&**step.task().expect("of a task")];
            let (stops, starts): (Vec<&Action>, Vec<&Action>) =
                part.steps.iter().partition(|step| matches!(step, Action::Preempt { .. }));
            let least = starts.iter().map(|step| before.task(task(step)).priority).min().unwrap_or(i32::MIN);
            let victims: Vec<TaskId> = stops.iter().map(|step| task(step)).collect();
            let place = |cluster: &mut Cluster| starts.iter().all(|step| {
                let to = step.to().and_then(|to| to.placement(cluster)).expect("a known node");
                cluster.place(task(step), to).is_ok()
            });
            for &victim in &victims {
                let of = before.task(victim);
                prop_assert!(of.preemptible && of.priority < least, "{} goes", of.name);
                if let Some(gang) = of.gang {
                    let all = &before.gangs()[gang.index()];
                    prop_assert!(all.iter().all(|member| victims.contains(member)), "the gang of {} is torn", of.name);
                }
                // With it and its gang still there, what is started does not fit.
                let mut spared = now.clone();
                let goes = victims.iter().filter(|&&v| v != victim && (of.gang.is_none() || before.task(v).gang != of.gang));
                goes.for_each(|&v| {
                    spared.remove(v);
                });
                prop_assert!(!place(&mut spared), "{} could stay", of.name);
            }
            victims.iter().for_each(|&victim| {
                now.remove(victim);
            });
            prop_assert!(place(&mut now), "every step is allowed: {:?}", part.steps);
        }
    }
}
