//! What the cluster refuses, what it undoes, and what its invariants and its document form say.

use super::fragmentation::{ShapeKey, TargetWorkload};
use super::invariants::{Violation, check};
use super::*;

/// Two nodes of 8 cores and 16 GiB: one with two GPUs of model A, one with one of model B.
fn small() -> Cluster {
    let mut cluster = Cluster::new(ResourceSchema::cpu_and_memory());
    let a = cluster.add_model(DeviceKind::Gpu, "A").expect("few models");
    let b = cluster.add_model(DeviceKind::Gpu, "B").expect("few models");
    cluster.add_node(NodeSpec::new("first", vec![8000, 16384], vec![a, a])).expect("a sound node");
    cluster.add_node(NodeSpec::new("second", vec![8000, 16384], vec![b])).expect("a sound node");
    cluster
}

fn task(cluster: &mut Cluster, name: &str, cpu: i64, devices: Option<DeviceDemand>) -> TaskId {
    let class = cluster.add_class(TaskClass::of_demand([cpu, 1024], devices)).expect("a sound demand");
    cluster.add_task(Task::new(name, class))
}

fn gpus(count: u16, milli: u16) -> Option<DeviceDemand> {
    Some(DeviceDemand { count, milli, accept: ModelSet::ANY })
}

fn at(node: u32, devices: &[usize]) -> Placement {
    Placement { node: NodeId(node), devices: devices.iter().copied().collect() }
}

#[test]
fn a_task_placed_and_removed_leaves_the_cluster_as_it_was() {
    let mut cluster = small();
    let t = task(&mut cluster, "t", 3000, gpus(1, 400));
    cluster.place(t, at(0, &[1])).expect("it fits");
    assert_eq!(cluster.free(NodeId(0)), [5000, 15360]);
    assert_eq!(cluster.devices_free(NodeId(0)), [1000, 600]);
    assert_eq!(cluster.device_milli_held(), 400);
    assert_eq!(cluster.remove(t), Some(at(0, &[1])));
    assert_eq!(cluster.free(NodeId(0)), [8000, 16384]);
    assert_eq!(cluster.devices_free(NodeId(0)), [1000, 1000]);
    assert_eq!(cluster.remove(t), None);
    assert_eq!(check(&cluster), Ok(()));
}

#[test]
fn a_refused_placement_says_why_and_changes_nothing() {
    let mut cluster = small();
    let only_b = DeviceDemand { count: 1, milli: 1000, accept: ModelSet::NONE.with(ModelId(1)) };
    let cases = [
        (task(&mut cluster, "cpu", 9000, None), at(0, &[]), Obstacle::InsufficientResource),
        (task(&mut cluster, "gpus", 1, gpus(2, 1000)), at(1, &[0]), Obstacle::InsufficientDevices),
        (task(&mut cluster, "model", 1, Some(only_b)), at(0, &[0]), Obstacle::DeviceModelMismatch),
    ];
    let mut said = Vec::new();
    for (task, place, obstacle) in cases {
        let refused = PlaceError::Forbidden { task, node: place.node, obstacle };
        assert_eq!(cluster.place(task, place), Err(refused));
        said.push(cluster.refusal(&refused));
    }
    let node = |id| cluster.node_name(NodeId(id)).to_owned();
    let cpu = cluster.schema().names()[0].clone();
    let free = cluster.free(NodeId(0))[0];
    assert_eq!(
        said,
        [
            format!(
                "task `cpu` cannot stand on node `{}`: it asks for 9000 of `{cpu}`, {free} are left",
                node(0)
            ),
            format!("task `gpus` cannot stand on node `{}`: too few devices have enough left", node(1)),
            format!(
                "task `model` cannot stand on node `{}`: there is no device of an accepted model",
                node(0)
            ),
        ]
    );
    let t = task(&mut cluster, "t", 1, gpus(1, 1000));
    for wrong in [at(0, &[]), at(0, &[0, 1]), at(0, &[2])] {
        assert_eq!(cluster.place(t, wrong), Err(PlaceError::WrongDevices { task: t, node: NodeId(0) }));
    }
    cluster.set_health(NodeId(0), Health::Cordoned);
    let refused = PlaceError::Forbidden { task: t, node: NodeId(0), obstacle: Obstacle::NodeNotReady };
    assert_eq!(cluster.place(t, at(0, &[0])), Err(refused));
    assert_eq!(check(&cluster), Ok(()));
    assert_eq!(cluster.free(NodeId(0)), cluster.capacity(NodeId(0)));
}

#[test]
fn a_device_out_of_service_takes_no_task_and_comes_back_with_what_it_still_holds() {
    let mut cluster = small();
    let [on, off] = ["on", "off"].map(|name| task(&mut cluster, name, 1, gpus(1, 400)));
    cluster.place(on, at(0, &[1])).expect("it fits");
    let known_to = cluster.changes().end();
    assert!(cluster.set_device_health(NodeId(0), 1, false));
    assert_eq!(cluster.changes().since(known_to), Some(&[NodeId(0)][..]), "kept scores must refresh");
    assert_eq!(cluster.devices_free(NodeId(0)), [1000, 0]);
    assert_eq!(check(&cluster), Ok(()), "the task on it may stay");
    assert_eq!(
        cluster.place(off, at(0, &[1])),
        Err(PlaceError::WrongDevices { task: off, node: NodeId(0) }),
        "nothing new"
    );
    let wide = task(&mut cluster, "wide", 1, gpus(2, 100));
    assert_eq!(cluster.obstacle(NodeId(0), cluster.task(wide).class), Some(Obstacle::InsufficientDevices));
    let text = ClusterDocument::of_cluster(&cluster, 0);
    assert_eq!(text.to_cluster().map(|c| ClusterDocument::of_cluster(&c, 0)), Ok(text));
    let mut repaired_first = cluster.clone();
    assert!(repaired_first.set_device_health(NodeId(0), 1, true));
    assert_eq!(repaired_first.devices_free(NodeId(0)), [1000, 600]);
    assert_eq!(check(&repaired_first), Ok(()));
    cluster.remove(on);
    assert_eq!((cluster.devices_free(NodeId(0)), check(&cluster)), (&[1000, 0][..], Ok(())));
    assert!(cluster.set_device_health(NodeId(0), 1, true));
    assert_eq!((cluster.devices_free(NodeId(0)), check(&cluster)), (&[1000, 1000][..], Ok(())));
    assert!(!cluster.set_device_health(NodeId(0), 1, true), "it is in service already");
    assert!(!cluster.set_device_health(NodeId(0), 2, false), "there is no third device");
    cluster.device_free[1] = 999;
    assert_eq!(check(&cluster), Err(Violation::DeviceBooks(NodeId(0), 1)));
}

#[test]
fn a_cordoned_node_takes_those_that_may_enter_what_carries_its_label() {
    let mut cluster = small();
    let by_others = NamedSelector { key: "cordoned-by".to_owned(), values: vec!["others".to_owned()] };
    let labelled = NodeSpec {
        labels: vec![("cordoned-by".to_owned(), "others".to_owned())],
        ..NodeSpec::new("labelled", vec![8000, 16384], vec![])
    };
    let labelled = cluster.add_node(labelled).expect("a sound node");
    let named = NamedRules { enters_cordoned: Some(by_others), ..NamedRules::default() };
    let rules = named.to_rules(&mut cluster);
    assert_eq!(NamedRules::of(&rules, &cluster), named);
    let class = TaskClass { rules, ..TaskClass::of_demand([1000, 1024], None) };
    let class = cluster.add_class(class).expect("a sound demand");
    let [enters, stays_out] =
        [class, cluster.add_class(TaskClass::of_demand([1000, 1024], None)).expect("sound")];
    let free = |cluster: &Cluster, class| -> Vec<NodeId> {
        cluster.nodes().filter(|&node| cluster.obstacle(node, class).is_none()).collect()
    };
    for node in [NodeId(1), labelled] {
        cluster.set_health(node, Health::Cordoned);
    }
    assert_eq!(free(&cluster, enters), [NodeId(0), labelled], "not where nothing says so");
    assert_eq!(free(&cluster, stays_out), [NodeId(0)]);
    for health in [Health::Sick, Health::Down] {
        cluster.set_health(labelled, health);
        assert_eq!(free(&cluster, enters), [NodeId(0)], "{health:?}");
    }
}

#[test]
fn a_task_cannot_stand_twice() {
    let mut cluster = small();
    let t = task(&mut cluster, "t", 1, None);
    cluster.place(t, at(0, &[])).expect("it fits");
    assert_eq!(cluster.place(t, at(1, &[])), Err(PlaceError::AlreadyPlaced(t)));
}

#[test]
fn half_a_gang_is_a_violation() {
    let mut cluster = small();
    let gang = cluster.add_gang();
    let class = cluster.add_class(TaskClass::of_demand([1, 1], None)).expect("a sound demand");
    let members =
        ["a", "b"].map(|name| cluster.add_task(Task { gang: Some(gang), ..Task::new(name, class) }));
    cluster.place(members[0], at(0, &[])).expect("it fits");
    assert_eq!(check(&cluster), Err(Violation::GangInPart(gang)));
    cluster.place(members[1], at(1, &[])).expect("it fits");
    assert_eq!(check(&cluster), Ok(()));
}

#[test]
fn an_owner_stays_within_its_quota() {
    let mut cluster = small();
    let owner = cluster.owner("team");
    cluster.set_quota(owner, Some(Quota { resources: vec![8000, 8000].into(), device_milli: 1000 }));
    let class = cluster.add_class(TaskClass::of_demand([1, 1], gpus(1, 600))).expect("a sound demand");
    let tasks =
        ["a", "b"].map(|name| cluster.add_task(Task { owner: Some(owner), ..Task::new(name, class) }));
    cluster.place(tasks[0], at(0, &[0])).expect("within the quota");
    let refused = PlaceError::Forbidden { task: tasks[1], node: NodeId(0), obstacle: Obstacle::Quota };
    assert_eq!(cluster.place(tasks[1], at(0, &[1])), Err(refused));
}

#[test]
fn anti_affinity_binds_the_later_task_too() {
    let mut cluster = small();
    let group = cluster.group("web");
    let mut loner = TaskClass::of_demand([1, 1], None);
    loner.rules.anti_affinity.push(GroupRule { group, scope: Scope::Node });
    let mut member = TaskClass::of_demand([2, 2], None);
    member.group = Some(group);
    let [loner, member] = [loner, member].map(|c| cluster.add_class(c).expect("a sound class"));
    let first = cluster.add_task(Task::new("loner", loner));
    let second = cluster.add_task(Task::new("member", member));
    cluster.place(first, at(0, &[])).expect("it fits");
    assert!(cluster.looks_around(member));
    assert_eq!(cluster.obstacle_around(NodeId(0), member), Some(Obstacle::AntiAffinity));
    cluster.place(second, at(1, &[])).expect("the other node is free of loners");
}

#[test]
fn a_document_comes_back_as_the_same_cluster() {
    let mut cluster = small();
    let t = task(&mut cluster, "t", 3000, gpus(1, 400));
    let _pending = task(&mut cluster, "pending", 100_000, gpus(1, 1000));
    cluster.place(t, at(0, &[1])).expect("it fits");
    cluster.set_health(NodeId(0), Health::Sick);
    let snapshot = ClusterDocument::of_cluster(&cluster, 7);
    let text = serde_json::to_string(&snapshot).expect("plain data");
    let read: ClusterDocument = serde_json::from_str(&text).expect("what was written");
    assert_eq!(read, snapshot);
    let back = read.to_cluster().expect("it is sound");
    assert_eq!(ClusterDocument::of_cluster(&back, 7), snapshot);
    assert_eq!(check(&back), Ok(()));
}

#[test]
fn a_document_that_contradicts_itself_is_refused() {
    type Break = fn(&mut ClusterDocument);
    let mut cluster = small();
    let t = task(&mut cluster, "t", 3000, gpus(1, 400));
    cluster.place(t, at(0, &[1])).expect("it fits");
    let sound = ClusterDocument::of_cluster(&cluster, 0);
    let broken: [(&str, Break); 6] = [
        ("not among the nodes", |s| s.tasks[0].node = Some("third".into())),
        ("it asks for 9000 of `cpu_millicores`, 8000 are left", |s| s.tasks[0].demand[0] = 9000),
        ("used twice", |s| s.nodes[1].name = "first".into()),
        ("devices named", |s| s.tasks[0].device_indices = vec![700]),
        ("expected one for each of 2 resources", |s| s.nodes[0].capacity.truncate(1)),
        ("has -1 of `memory_mib`", |s| s.nodes[0].capacity[1] = -1),
    ];
    for (expected, breaks) in broken {
        let mut snapshot = sound.clone();
        breaks(&mut snapshot);
        let error = snapshot.to_cluster().expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn limits_are_explicit() {
    let mut cluster = small();
    let models = vec![ModelId(0); DEVICES_PER_NODE_MAX + 1];
    assert!(cluster.add_node(NodeSpec::new("wide", vec![1, 1], models)).is_err());
    assert!(cluster.add_node(NodeSpec::new("huge", vec![AMOUNT_MAX + 1, 1], vec![])).is_err());
    assert!(cluster.add_node(NodeSpec::new("strange", vec![1, 1], vec![ModelId(9)])).is_err());
    assert!(cluster.add_class(TaskClass::of_demand([1, 1], gpus(1, 1001))).is_err());
    assert!(cluster.add_class(TaskClass::of_demand([1, 1], gpus(0, 1000))).is_err());
    for i in 2..DEVICE_MODELS_MAX {
        cluster.add_model(DeviceKind::Npu, &format!("m{i}")).expect("within the limit");
    }
    assert!(cluster.add_model(DeviceKind::Npu, "one more").is_err());
    assert!(ResourceSchema::new(Vec::<String>::new()).is_err());
    assert!(ResourceSchema::new(["a", "a"]).is_err());
}

#[test]
fn fragmentation_is_what_the_workload_cannot_use() {
    let mut cluster = small();
    let shape = |cpu, milli, count| ShapeKey { cpu_millicores: cpu, milli, count, spec: String::new() };
    let half = TargetWorkload::from_counts(vec![(shape(1000, 500, 1), ModelSet::ANY, 1)], 1.0);
    assert_eq!(half.cluster_fragmentation(&cluster), 0.0);
    let t = task(&mut cluster, "t", 1000, gpus(1, 700));
    cluster.place(t, at(0, &[0])).expect("it fits");
    // 300 of the first device are too little; the second is whole.
    assert_eq!(half.node_fragmentation(&cluster, NodeId(0)), 300.0);
    // Half of the tasks need no device, so they can use none of the 1300 left.
    let mixed = vec![(shape(1000, 500, 1), ModelSet::ANY, 1), (shape(1000, 0, 0), ModelSet::ANY, 1)];
    let mixed = TargetWorkload::from_counts(mixed, 1.0);
    assert_eq!(mixed.node_fragmentation(&cluster, NodeId(0)), 0.5 * 300.0 + 0.5 * 1300.0);
    // Two whole devices cannot be had on either node any more.
    let pair = TargetWorkload::from_counts(vec![(shape(1000, 1000, 2), ModelSet::ANY, 1)], 1.0);
    assert_eq!(pair.cluster_fragmentation(&cluster), 1300.0 + 1000.0);
}

#[test]
fn the_checksum_of_bytes_is_fnv_1a_as_published() {
    for (text, sum) in
        [("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8)]
    {
        assert_eq!(digest::fnv(text.bytes().map(u64::from)), sum, "{text}");
    }
}

#[test]
fn a_domain_whose_last_node_is_gone_is_spread_over_no_more() {
    let mut cluster = Cluster::new(ResourceSchema::cpu_and_memory());
    for node in 0..3 {
        let mut spec = NodeSpec::new(format!("n{node}"), vec![8000, 100], vec![]);
        spec.labels.push(("rack".to_owned(), format!("r{node}")));
        cluster.add_node(spec).expect("a sound node");
    }
    let (rack, group) = (cluster.label_key("rack"), cluster.group("web"));
    let rules = Rules { spread: vec![SpreadRule { group, key: rack, skew_max: 1 }], ..Rules::default() };
    let class = TaskClass { rules, group: Some(group), ..TaskClass::of_demand([1, 1], None) };
    let class = cluster.add_class(class).expect("a sound class");
    for (name, node) in [("a", 0), ("b", 1)] {
        let task = cluster.add_task(Task::new(name, class));
        cluster.place(task, at(node, &[])).expect("it is spread");
    }
    assert_eq!(cluster.obstacle_around(NodeId(0), class), Some(Obstacle::Spread));
    cluster.remove_node(NodeId(2));
    assert_eq!(cluster.obstacle_around(NodeId(0), class), None, "there are two racks");
    // A rack that comes again under the number of one that was freed is a new one.
    cluster.free_unused();
    let mut spec = NodeSpec::new("n3", vec![8000, 100], vec![]);
    spec.labels.push(("rack".to_owned(), "r9".to_owned()));
    let node = cluster.add_node(spec).expect("a sound node");
    assert_eq!(cluster.labels_of(node).collect::<Vec<_>>(), [("rack", "r9")]);
    assert_eq!(cluster.obstacle_around(NodeId(0), class), Some(Obstacle::Spread));
}
