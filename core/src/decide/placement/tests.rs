//! What each placement policy chooses, and that kept scores equal scores from scratch on any cluster.

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::*;
use crate::decide::placement_policies::{PLACEMENT_POLICIES, PlacementContext, placement_policy};
use crate::model::fragmentation::TargetWorkload;
use crate::model::{
    DeviceKind, GroupRule, Health, ModelSet, NearRule, NodeSpec, Quota, ResourceSchema, Rules, Scope,
    Selector, SpreadRule, Task, TaskClass, TaskId, invariants,
};

/// The source's worked example: 3 nodes, L = 100, R = 200, I = 20 each, C = 10, 20, 30.
#[test]
fn even_share_gives_the_worked_example_and_chooses_node_3() {
    let f: Vec<f64> = [20.0, 20.0, 20.0].iter().map(|&i| even_share_of_load(100.0, i, 3)).collect();
    let g: Vec<f64> = [10.0, 20.0, 30.0].iter().map(|&c| even_share_of_resources(200.0, c, 3)).collect();
    let rounded = |v: &[f64]| v.iter().map(|x| format!("{x:.2}")).collect::<Vec<_>>();
    assert_eq!(rounded(&f), ["40.00", "40.00", "40.00"]);
    assert_eq!(rounded(&g), ["70.00", "73.33", "76.67"]);

    let mut cluster = Cluster::new(ResourceSchema::new(["capacity"]).expect("one resource"));
    for (name, capacity) in [("1", 10), ("2", 20), ("3", 30)] {
        cluster.add_node(NodeSpec::new(name, vec![capacity], vec![])).expect("a small node");
    }
    let class = cluster.add_class(TaskClass::of_demand([1], None)).expect("a small demand");
    let place = placer("even-share", &cluster, 0).place_class(&cluster, class).expect("it fits");
    assert_eq!(cluster.node_name(place.node), "3");
}

fn placer(policy: &str, cluster: &Cluster, seed: u64) -> Placer {
    let counts: Vec<(ClassId, u64)> = (0..cluster.classes().len()).map(|c| (ClassId::from(c), 1)).collect();
    let target = TargetWorkload::from_classes(cluster, &counts);
    let context = PlacementContext { cluster, target: &target, seed, model: None };
    Placer::in_node_order(placement_policy(policy, &context).expect("a known policy"), cluster)
}

#[test]
fn an_unknown_policy_is_refused_with_the_list_of_those_there_are() {
    let cluster = Cluster::new(ResourceSchema::cpu_and_memory());
    let target = TargetWorkload::default();
    let context = PlacementContext { cluster: &cluster, target: &target, seed: 0, model: None };
    let error = placement_policy("fdg", &context).err().expect("there is none");
    assert!(error.to_string().contains("there are: lepton, random"), "{error}");
}

/// A cluster of a few nodes with devices of several models (some nodes mix them), labels, and classes with
/// every kind of demand and rule.
fn random_cluster(seed: u64) -> Cluster {
    let mut chance = Pcg64Mcg::seed_from_u64(seed);
    let mut cluster = Cluster::new(ResourceSchema::cpu_and_memory());
    let models: Vec<_> = [(DeviceKind::Gpu, "A"), (DeviceKind::Gpu, "B"), (DeviceKind::Npu, "C")]
        .map(|(kind, name)| cluster.add_model(kind, name).expect("few models"))
        .to_vec();
    for node in 0..chance.random_range(1..40) {
        let mixed = chance.random_bool(0.2);
        let model = models[chance.random_range(0..3)];
        let devices = (0..chance.random_range(0..=8))
            .map(|_| if mixed { models[chance.random_range(0..3)] } else { model })
            .collect();
        let capacity = vec![chance.random_range(0..64_000), chance.random_range(0..256_000)];
        let mut spec = NodeSpec::new(format!("n{node}"), capacity, devices);
        if chance.random_bool(0.8) {
            spec.labels.push(("rack".into(), format!("r{}", chance.random_range(0..4))));
        }
        if chance.random_bool(0.1) {
            spec.health = [Health::Cordoned, Health::Sick, Health::Down][chance.random_range(0..3)];
        }
        cluster.add_node(spec).expect("a sound node");
    }
    let rack = cluster.label_key("rack");
    let groups = [cluster.group("web"), cluster.group("db")];
    for _ in 0..12 {
        let count = [0, 0, 1, 1, 1, 2, 4][chance.random_range(0..7)];
        let milli = if count == 1 { chance.random_range(1..=1000) } else { 1000 };
        let accept = match chance.random_range(0..4) {
            0 => ModelSet::NONE.with(models[0]),
            1 => ModelSet::NONE.with(models[1]).with(models[2]),
            _ => ModelSet::ANY,
        };
        let devices = (count > 0).then_some(DeviceDemand { count, milli, accept });
        let mut class =
            TaskClass::of_demand([chance.random_range(0..16_000), chance.random_range(0..64_000)], devices);
        let group = groups[chance.random_range(0..2)];
        let scope = if chance.random_bool(0.5) { Scope::Node } else { Scope::Domain(rack) };
        let mut rules = Rules::default();
        match chance.random_range(0..8) {
            0 => rules.selectors.push(Selector { key: rack, values: vec![cluster.label_value(rack, "r1")] }),
            1 => rules.anti_affinity.push(GroupRule { group, scope }),
            2 => rules.affinity.push(NearRule { groups: vec![group], scope }),
            3 => rules.spread.push(SpreadRule { group, key: rack, skew_max: 1 }),
            _ => {}
        }
        class.rules = rules;
        class.group = chance.random_bool(0.5).then_some(group);
        cluster.add_class(class).expect("a sound class");
    }
    let owner = cluster.owner("team");
    cluster.set_quota(owner, Some(Quota { resources: vec![200_000, 800_000].into(), device_milli: 20_000 }));
    cluster
}

/// Whether `place` is the best by scoring every node anew, and the first of equals.
fn is_best_from_scratch(
    cluster: &Cluster,
    policy: &mut dyn PlacementPolicy,
    class: ClassId,
    place: Option<NodeId>,
) -> bool {
    let mut best: Option<(f32, NodeId)> = None;
    for node in cluster.nodes() {
        if cluster.fits(node, class) && cluster.obstacle_around(node, class).is_none() {
            let score = policy.score(cluster, class, node);
            if best.is_none_or(|(most, _)| score > most) {
                best = Some((score, node));
            }
        }
    }
    best.map(|b| b.1) == place
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever is placed, removed or marked sick: every decision of every policy is the one that scoring
    /// all nodes from scratch gives, its placement is accepted, and the invariants hold.
    #[test]
    fn every_policy_decides_as_from_scratch_and_breaks_no_rule(seed in any::<u64>(), which in 0..PLACEMENT_POLICIES.len()) {
        let name = PLACEMENT_POLICIES[which].name;
        let mut cluster = random_cluster(seed);
        let mut chance = Pcg64Mcg::seed_from_u64(seed ^ 1);
        let mut engine = placer(name, &cluster, seed);
        let counts: Vec<(ClassId, u64)> = (0..cluster.classes().len()).map(|c| (ClassId::from(c), 1)).collect();
        let target = TargetWorkload::from_classes(&cluster, &counts);
        let mut reference = placement_policy(name, &PlacementContext { cluster: &cluster, target: &target, seed, model: None })
            .expect("a known policy");
        let owner = cluster.owner("team");
        let mut placed: Vec<TaskId> = Vec::new();
        for step in 0..150 {
            match chance.random_range(0..10) {
                0..=6 => {
                    let class = ClassId::from(chance.random_range(0..cluster.classes().len()));
                    let mut task = Task::new(format!("t{step}"), class);
                    task.owner = chance.random_bool(0.2).then_some(owner);
                    let task = cluster.add_task(task);
                    let within_quota = cluster.obstacle_of_quota(task).is_none();
                    let place = engine.place(&cluster, task);
                    if within_quota && !reference.by_chance() {
                        prop_assert!(is_best_from_scratch(&cluster, reference.as_mut(), class, place.map(|p| p.node)));
                    }
                    if let Some(place) = place {
                        prop_assert!(within_quota);
                        prop_assert_eq!(cluster.place(task, place), Ok(()));
                        placed.push(task);
                    } else if within_quota {
                        let fits = |n: NodeId| cluster.fits(n, class) && cluster.obstacle_around(n, class).is_none();
                        prop_assert!(!cluster.nodes().any(fits), "it fits somewhere and was not placed");
                    }
                }
                7..=8 if !placed.is_empty() => {
                    let task = placed.swap_remove(chance.random_range(0..placed.len()));
                    prop_assert!(cluster.remove(task).is_some());
                }
                _ => {
                    let node = NodeId::from(chance.random_range(0..cluster.node_count()));
                    let health = [Health::Up, Health::Up, Health::Sick, Health::Down][chance.random_range(0..4)];
                    cluster.set_health(node, health);
                    if let Some(last) = cluster.devices_free(node).len().checked_sub(1) {
                        let device = chance.random_range(0..=last);
                        cluster.set_device_health(node, device, chance.random_bool(0.5));
                    }
                }
            }
            prop_assert_eq!(invariants::check(&cluster), Ok(()));
        }
    }

    /// The cached score of each node equals a fresh one after any sequence of changes.
    #[test]
    fn cached_scores_equal_fresh_ones(seed in any::<u64>(), which in 0..PLACEMENT_POLICIES.len()) {
        let name = PLACEMENT_POLICIES[which].name;
        let mut cluster = random_cluster(seed);
        let mut chance = Pcg64Mcg::seed_from_u64(seed ^ 2);
        let mut engine = placer(name, &cluster, seed);
        let mut placed: Vec<TaskId> = Vec::new();
        for step in 0..100 {
            let class = ClassId::from(chance.random_range(0..cluster.classes().len()));
            if step % 16 == 5 {
                let node = NodeId::from(chance.random_range(0..cluster.node_count()));
                cluster.set_device_health(node, 0, step % 32 == 5);
            } else if step % 4 == 3 && !placed.is_empty() {
                cluster.remove(placed.swap_remove(chance.random_range(0..placed.len())));
            } else if let Some(place) = engine.place_class(&cluster, class) {
                let task = cluster.add_task(Task::new(format!("t{step}"), class));
                prop_assert_eq!(cluster.place(task, place), Ok(()));
                placed.push(task);
            }
        }
        let mut fresh = placer(name, &cluster, seed);
        for class in (0..cluster.classes().len()).map(ClassId::from) {
            for node in cluster.nodes() {
                // The FGD target and the packing scale are of the empty cluster in both.
                prop_assert_eq!(engine.score(&cluster, class, node), fresh.score(&cluster, class, node));
            }
        }
    }
}

#[test]
fn the_log_of_changes_may_overflow_between_two_decisions_of_a_class() {
    let mut cluster = Cluster::new(ResourceSchema::cpu_and_memory());
    let node = cluster.add_node(NodeSpec::new("n", vec![10, 10], vec![])).expect("a small node");
    let class = cluster.add_class(TaskClass::of_demand([10, 10], None)).expect("a small demand");
    let task = cluster.add_task(Task::new("t", class));
    let mut engine = placer("best-fit", &cluster, 0);
    let place = engine.place(&cluster, task).expect("the node is empty");
    assert_eq!(place.node, node);
    for _ in 0..10_000 {
        cluster.place(task, place).expect("it fits");
        cluster.remove(task);
    }
    cluster.place(task, place).expect("it fits");
    assert_eq!(engine.place_class(&cluster, class), None, "the node is full");
}
