//! Every change that is proposed is carried out on a fresh copy of a random cluster, and the task is then placed by the rules.

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::*;
use crate::decide::placement::tightest_devices;
use crate::model::{
    Cluster, DeviceDemand, DeviceKind, DeviceSet, GroupRule, Health, ModelSet, NodeId, NodeSpec, Obstacle,
    Placement, Quota, ResourceSchema, Rules, Scope, Selector, Task, TaskClass, TaskId,
};

fn random_cluster(seed: u64) -> Cluster {
    let mut chance = Pcg64Mcg::seed_from_u64(seed);
    let mut cluster = Cluster::new(ResourceSchema::cpu_and_memory());
    let models = ["A", "B"].map(|m| cluster.add_model(DeviceKind::Gpu, m).expect("few models"));
    for i in 0..4 {
        let devices = vec![models[chance.random_range(0..2)]; chance.random_range(0..4)];
        let mut spec =
            NodeSpec::new(format!("n{i}"), vec![chance.random_range(4_000..16_000), 1000], devices);
        spec.labels.push(("disk".to_owned(), ["fast", "slow"][chance.random_range(0..2)].to_owned()));
        cluster.add_node(spec).expect("a sound node");
    }
    let (disk, group, owner) = (cluster.label_key("disk"), cluster.group("apart"), cluster.owner("someone"));
    let fast = cluster.label_value(disk, "fast");
    cluster.set_quota(owner, Some(Quota { resources: vec![20_000, 2000].into(), device_milli: 2000 }));
    for i in 0..30 {
        let devices = (chance.random_range(0..3) > 0).then(|| {
            let (count, milli) = if chance.random() { (chance.random_range(1..4), 1000) } else { (1, 400) };
            let only = ModelSet::NONE.with(models[chance.random_range(0..2)]);
            DeviceDemand { count, milli, accept: if chance.random() { only } else { ModelSet::ANY } }
        });
        let mut class = TaskClass::of_demand([chance.random_range(1..6) * 1000, 100], devices);
        if chance.random_range(0..4) == 0 {
            class.rules.selectors.push(Selector { key: disk, values: vec![fast] });
        }
        if chance.random_range(0..5) == 0 {
            let anti_affinity = vec![GroupRule { group, scope: Scope::Node }];
            class.rules = Rules { anti_affinity, ..class.rules };
            class.group = Some(group);
        }
        let class = cluster.add_class(class).expect("a sound class");
        let task = cluster.add_task(Task {
            owner: (chance.random_range(0..4) == 0).then_some(owner),
            do_not_disrupt: chance.random_range(0..8) == 0,
            ..Task::new(format!("t{i}"), class)
        });
        put(&mut cluster, task, NodeId::from(chance.random_range(0..4)));
    }
    if chance.random() {
        cluster.set_health(NodeId::from(chance.random_range(0..4)), Health::Cordoned);
    }
    cluster
}

/// Places the task by the rules; whether they allow it.
fn put(cluster: &mut Cluster, task: TaskId, node: NodeId) -> bool {
    let devices = cluster.demand(task).devices;
    let devices = devices.map_or(DeviceSet::NONE, |demand| tightest_devices(cluster, node, &demand));
    cluster.place(task, Placement { node, devices }).is_ok()
}

fn fits_after(cluster: &Cluster, task: TaskId, node: NodeId, changes: &[Change]) -> bool {
    let mut cluster = cluster.clone();
    changes.iter().all(|change| change.apply(&mut cluster, task)) && put(&mut cluster, task, node)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn after_the_suggested_change_the_task_is_placed_and_nothing_in_it_is_idle(seed in any::<u64>()) {
        let cluster = random_cluster(seed);
        for task in cluster.waiting().collect::<Vec<_>>() {
            for node in cluster.nodes() {
                let WhyNot { obstacles, remedies } = why_not(&cluster, task, node);
                prop_assert_eq!(obstacles.is_empty(), fits_after(&cluster, task, node, &[]));
                for Remedy { changes } in &remedies {
                    prop_assert!(fits_after(&cluster, task, node, changes), "{:?} does not help", changes);
                    for left_out in 0..changes.len() {
                        let mut less = changes.clone();
                        less.remove(left_out);
                        prop_assert!(!fits_after(&cluster, task, node, &less), "{:?} is idle", changes[left_out]);
                    }
                }
            }
            if let Some((node, remedy)) = nearest_fit(&cluster, task) {
                prop_assert!(fits_after(&cluster, task, node, &remedy.changes));
                let more = cluster.nodes().flat_map(|n| why_not(&cluster, task, n).remedies);
                prop_assert!(more.into_iter().all(|other| other.changes.len() >= remedy.changes.len()));
            }
        }
    }
}

/// One node of 8 cores and two devices, full of a large task and a small one; a third waits.
fn crowded() -> (Cluster, TaskId) {
    let mut cluster = Cluster::new(ResourceSchema::cpu_and_memory());
    let model = cluster.add_model(DeviceKind::Gpu, "A").expect("few models");
    cluster.add_node(NodeSpec::new("n0", vec![8000, 100], vec![model; 2])).expect("a sound node");
    let asks = |cluster: &mut Cluster, name: &str, cpu, devices: Option<DeviceDemand>| {
        let class = cluster.add_class(TaskClass::of_demand([cpu, 1], devices)).expect("a sound class");
        cluster.add_task(Task::new(name, class))
    };
    let devices = |count| Some(DeviceDemand { count, milli: 1000, accept: ModelSet::ANY });
    let large = asks(&mut cluster, "large", 5000, devices(1));
    let small = asks(&mut cluster, "small", 2000, None);
    let waits = asks(&mut cluster, "waits", 3000, devices(1));
    assert!(put(&mut cluster, large, NodeId(0)) && put(&mut cluster, small, NodeId(0)));
    (cluster, waits)
}

#[test]
fn the_smallest_change_comes_first_and_is_told_in_names() {
    let (cluster, waits) = crowded();
    let found = why_not(&cluster, waits, NodeId(0));
    assert_eq!(found.obstacles, [Obstacle::InsufficientResource]);
    let told: Vec<String> = found.remedies.iter().map(|r| r.changes[0].to_string()).collect();
    assert_eq!(told, ["small leaves n0", "it asks for 1000 instead of 3000 of cpu_millicores"]);
}

#[test]
fn what_must_not_be_disturbed_is_not_asked_to_leave() {
    let (mut cluster, waits) = crowded();
    for name in ["large", "small"] {
        let task = cluster.live_tasks().find(|&t| &*cluster.task(t).name == name).expect("it is there");
        cluster.set_move(task, 0.0, true);
    }
    let found = why_not(&cluster, waits, NodeId(0));
    assert_eq!(found.remedies.len(), 1);
    assert!(matches!(found.remedies[0].changes[..], [Change::AskLess { to: 1000, .. }]), "{found:?}");
}

#[test]
fn a_task_that_fits_has_nothing_in_its_way() {
    let (mut cluster, waits) = crowded();
    cluster.set_health(NodeId(0), Health::Sick);
    assert_eq!(why_not(&cluster, waits, NodeId(0)).obstacles[0], Obstacle::NodeNotReady);
    let small = TaskId(1);
    cluster.remove(small);
    cluster.set_health(NodeId(0), Health::Up);
    assert_eq!(why_not(&cluster, waits, NodeId(0)), WhyNot { obstacles: Vec::new(), remedies: Vec::new() });
}
