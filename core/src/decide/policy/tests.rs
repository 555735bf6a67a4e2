//! Prices on mixes whose right prices are known, the scorer's beginning, and files that must be refused.

use super::model::WEIGHTS;
use super::share_value::{Size, groups, prices, worth};
use super::type_prices::{Asked, Supply, device_prices};
use super::*;
use crate::decide::placement::{PlacementPolicy, Placer};
use crate::decide::placement_policies::{PlacementContext, placement_policy};
use crate::model::fragmentation::TargetWorkload;
use crate::model::{
    ClassId, Cluster, DeviceDemand, DeviceKind, ModelSet, NodeId, NodeSpec, ResourceSchema, Task, TaskClass,
};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::sync::Arc;

/// Sizes in hundredths of a device, equally frequent.
fn sizes(cells: &[usize]) -> Vec<Size> {
    cells.iter().map(|&cells| Size { cells, accept: u64::MAX, weight: 1.0 }).collect()
}

/// Their prices where all run on all devices.
fn prices_anywhere(sizes: &[Size]) -> Vec<f64> {
    prices(sizes, &groups(sizes, &[1]).1)
}

#[test]
fn a_size_costs_the_part_of_a_device_that_nothing_else_can_use() {
    // 0.81 leaves room for nobody; two of 0.5 fill a device.
    let price = prices_anywhere(&sizes(&[50, 81]));
    assert!((price[0] - 0.5).abs() < 0.01 && (price[1] - 1.0).abs() < 0.01, "{price:?}");
}

#[test]
fn sizes_that_only_fit_together_share_a_price_of_one() {
    let price = prices_anywhere(&sizes(&[30, 70]));
    assert!((price[0] + price[1] - 1.0).abs() < 0.02, "{price:?}");
}

#[test]
fn sizes_that_accept_no_device_in_common_do_not_share_one() {
    let sizes = [Size { cells: 30, accept: 1, weight: 1.0 }, Size { cells: 70, accept: 2, weight: 1.0 }];
    let (group_of, groups) = groups(&sizes, &[1, 2, 3, 1]);
    assert_eq!((group_of, groups.len()), (vec![0, 1, 2, 0], 3));
    let price = prices(&sizes, &groups[..2]);
    assert!((price[0] - 1.0 / 3.0).abs() < 0.01 && (price[1] - 1.0).abs() < 0.01, "{price:?}");
    let left = worth(&sizes, &groups[0], &price);
    assert!((left[100] - 1.0).abs() < 0.01 && left[29] == 0.0, "three of the smaller fill its device");
}

#[test]
fn no_packing_of_a_device_is_worth_more_than_the_whole_device() {
    let all = sizes(&[5, 11, 16, 22, 23, 32, 37, 46, 47, 55, 65, 81, 100]);
    let price = prices_anywhere(&all);
    let left = worth(&all, &groups(&all, &[1]).1[0], &price);
    assert!((left[100] - 1.0).abs() < 1e-9, "{}", left[100]);
    assert!(left.windows(2).all(|pair| pair[0] <= pair[1]), "more capacity is never worth less");
}

fn supply(devices: f64) -> Supply {
    Supply { devices, cores: devices * 10.0 }
}

fn asked(share: f64, runs_on: [bool; 2]) -> Asked {
    Asked { share, devices: 1.0, cores: 5.0, runs_on: runs_on.to_vec() }
}

#[test]
fn a_type_that_tasks_are_bound_to_is_dearer() {
    let price = device_prices(
        &[supply(10.0), supply(90.0)],
        &[asked(0.4, [true, false]), asked(0.6, [true, true])],
        false,
    );
    assert!(price[0] > price[1] + 0.2, "{price:?}");
}

#[test]
fn types_that_all_tasks_accept_cost_the_same() {
    let price = device_prices(&[supply(10.0), supply(90.0)], &[asked(1.0, [true, true])], false);
    assert!(price.iter().all(|p| p.abs() < 1e-9), "{price:?}");
}

#[test]
fn a_mix_without_devices_has_no_prices() {
    let none = Asked { share: 1.0, devices: 0.0, cores: 1.0, runs_on: vec![true] };
    assert_eq!(device_prices(&[supply(4.0)], &[none], true), [0.0]);
}

/// Nodes of two models, and tasks of all kinds, some bound to a model.
fn small_cluster(seed: u64) -> Cluster {
    let mut chance = Pcg64Mcg::seed_from_u64(seed);
    let mut cluster = Cluster::new(ResourceSchema::cpu_and_memory());
    let models = ["A", "B"].map(|name| cluster.add_model(DeviceKind::Gpu, name).expect("few models"));
    for node in 0..20 {
        let devices = vec![models[node % 2]; chance.random_range(0..=8)];
        let capacity = vec![chance.random_range(8_000..96_000), 1_000_000];
        cluster.add_node(NodeSpec::new(format!("n{node}"), capacity, devices)).expect("a sound node");
    }
    for _ in 0..15 {
        let count = [0, 1, 1, 1, 2][chance.random_range(0..5)];
        let milli = if count == 1 { 10 * chance.random_range(1..=100) } else { 1000 };
        let accept = if chance.random_bool(0.3) { ModelSet::NONE.with(models[1]) } else { ModelSet::ANY };
        let devices = (count > 0).then_some(DeviceDemand { count, milli, accept });
        let class = TaskClass::of_demand([chance.random_range(0..16_000), 1], devices);
        cluster.add_class(class).expect("a sound class");
    }
    cluster
}

fn all_classes_alike(cluster: &Cluster) -> TargetWorkload {
    let counts: Vec<(ClassId, u64)> = (0..cluster.classes().len()).map(|c| (ClassId::from(c), 1)).collect();
    TargetWorkload::from_classes(cluster, &counts)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Learning starts at the best fixed rule: without a correction the scores are in the order of FGD's gain.
    #[test]
    fn the_untrained_policy_goes_by_the_fall_of_fragmentation(seed in any::<u64>()) {
        let mut cluster = small_cluster(seed);
        let target = all_classes_alike(&cluster);
        let mix = Arc::new(Mix::new(&cluster, &target));
        let mut policy = LearnedPlacement::new(mix, &PlacementModel::untrained());
        let context = PlacementContext { cluster: &cluster, target: &target, seed, model: None };
        let mut placer = Placer::in_node_order(placement_policy("best-fit", &context).expect("a known policy"), &cluster);
        let mut chance = Pcg64Mcg::seed_from_u64(seed);
        for step in 0..60 {
            let class = ClassId::from(chance.random_range(0..cluster.classes().len()));
            let fitting: Vec<NodeId> = cluster.nodes().filter(|&n| cluster.fits(n, class)).collect();
            for node in fitting {
                let score = f64::from(policy.score(&cluster, class, node));
                let devices = policy.devices(&cluster, class, node);
                let before = target.node_fragmentation(&cluster, node);
                let task = cluster.add_task(Task::new("probe", class));
                cluster.place(task, crate::model::Placement { node, devices }).expect("the policy keeps the rules");
                let steps = (before - target.node_fragmentation(&cluster, node)) / 1000.0 * 25.0;
                cluster.remove(task);
                prop_assert!((steps - score) > -1e-6 && (steps - score) < 1.0 + 1e-6, "{} {}", steps, score);
            }
            if let Some(place) = placer.place_class(&cluster, class) {
                let task = cluster.add_task(Task::new(format!("t{step}"), class));
                cluster.place(task, place).expect("it fits");
            }
        }
    }

    /// A file gives back what was written into it, and nothing once any bit of it has changed or it ends early.
    #[test]
    fn a_model_file_is_read_back_or_refused(seed in any::<u64>(), at in any::<prop::sample::Index>(), bit in 0..8) {
        let mut chance = Pcg64Mcg::seed_from_u64(seed);
        let weights: [f32; WEIGHTS] = std::array::from_fn(|_| chance.random_range(-9.0..9.0));
        let mut manifest = PlacementModel::manifest_of("a \"quoted\" name");
        manifest.trained_on = vec!["default".into(), "cpu250".into()];
        manifest.figures.insert("held_out_gain".into(), 1.25);
        let model = PlacementModel::from_weights(&weights, manifest).expect("a weight for each place");
        let bytes = model.to_bytes();
        prop_assert_eq!(PlacementModel::from_bytes(&bytes), Ok(model.clone()));
        let mut damaged = bytes.clone();
        damaged[at.index(bytes.len())] ^= 1_u8 << bit;
        if let Ok(read) = PlacementModel::from_bytes(&damaged) {
            // Only a change that leaves the header's meaning as it was (the kind of its white space) may pass.
            prop_assert_eq!(&read, &model);
        }
        prop_assert!(PlacementModel::from_bytes(&bytes[..at.index(bytes.len())]).is_err());
    }

    #[test]
    fn bytes_that_are_no_model_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(PlacementModel::from_bytes(&bytes).is_err());
    }
}

#[test]
fn a_model_over_other_features_is_refused_with_both_lists() {
    let mut model = PlacementModel::untrained();
    model.manifest.features.swap(0, 1);
    let error = PlacementModel::from_bytes(&model.to_bytes()).expect_err("the order is another").to_string();
    assert!(
        error.contains("(share-value, fragmentation,") && error.contains("(fragmentation, share-value,"),
        "{error}"
    );
    let mut model = PlacementModel::untrained();
    model.manifest.features_version = FEATURES_VERSION + 1;
    let error = PlacementModel::from_bytes(&model.to_bytes()).expect_err("a later version").to_string();
    assert!(error.contains("train it anew"), "{error}");
}

#[test]
fn a_model_for_other_decisions_is_refused() {
    let mut model = PlacementModel::untrained();
    model.manifest.kind = "jobs".into();
    let error = PlacementModel::from_bytes(&model.to_bytes()).expect_err("it is for jobs");
    assert_eq!(error.to_string(), "is a model of kind `jobs`, expected `placement`");
}

#[test]
fn weights_that_are_no_numbers_are_refused() {
    let mut weights = PlacementModel::untrained().weights();
    weights[3] = f32::NAN;
    let model = PlacementModel::from_weights(&weights, PlacementModel::manifest_of("nan"))
        .expect("a weight for each place");
    let error = PlacementModel::from_bytes(&model.to_bytes()).expect_err("it is NaN").to_string();
    assert_eq!(error, "tensor `correction`: number 3 is NaN, expected a finite number");
}

#[test]
fn the_shipped_model_is_sound_and_says_where_it_comes_from() {
    let Manifest { command, trained_on, training_seeds, .. } = PlacementModel::shipped().manifest;
    assert!(command.starts_with("lepton train placement"), "{command}");
    assert!(!trained_on.is_empty() && !training_seeds.is_empty());
}

#[test]
fn a_task_that_anybody_can_host_leaves_the_bound_model_free() {
    let mut cluster = Cluster::new(ResourceSchema::cpu_and_memory());
    let [a, b] = ["A", "B"].map(|name| cluster.add_model(DeviceKind::Gpu, name).expect("few models"));
    for (name, model) in [("a", a), ("b", b)] {
        cluster.add_node(NodeSpec::new(name, vec![64_000, 64_000], vec![model; 8])).expect("a sound node");
    }
    let class =
        |accept| TaskClass::of_demand([1_000, 1_000], Some(DeviceDemand { count: 1, milli: 1000, accept }));
    let anywhere = cluster.add_class(class(ModelSet::ANY)).expect("a sound class");
    let bound = cluster.add_class(class(ModelSet::NONE.with(a))).expect("a sound class");
    let target = TargetWorkload::from_classes(&cluster, &[(anywhere, 40), (bound, 60)]);
    let context = PlacementContext { cluster: &cluster, target: &target, seed: 0, model: None };
    let mut placer =
        Placer::in_node_order(placement_policy("lepton", &context).expect("a known policy"), &cluster);
    let place = placer.place_class(&cluster, anywhere).expect("it fits");
    assert_eq!(cluster.node_name(place.node), "b");
}

#[test]
fn a_size_that_no_node_has_a_device_for_leaves_every_score_a_number() {
    for cpu in [0, 64_000] {
        let mut cluster = Cluster::new(ResourceSchema::cpu_and_memory());
        let [a, b] = ["A", "B"].map(|name| cluster.add_model(DeviceKind::Gpu, name).expect("few models"));
        let node = cluster.add_node(NodeSpec::new("a", vec![cpu, 64_000], vec![a; 8])).expect("a sound node");
        let class = |count, milli, accept| {
            TaskClass::of_demand([cpu / 64, 1_000], Some(DeviceDemand { count, milli, accept }))
        };
        let classes = [class(1, 620, ModelSet::NONE.with(b)), class(2, 1000, ModelSet::NONE.with(a))]
            .map(|class| cluster.add_class(class).expect("a sound class"));
        let target = all_classes_alike(&cluster);
        let mix = Arc::new(Mix::new(&cluster, &target));
        let mut policy = LearnedPlacement::new(mix, &PlacementModel::shipped());
        let score = policy.score(&cluster, classes[1], node);
        assert!(score.is_finite(), "{score} with {cpu} millicores on each node");
    }
}
