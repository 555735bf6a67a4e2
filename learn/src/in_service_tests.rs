//! Learning beside a service on a cluster that is made here: what is learned, that the same is learned again, and who passes the gate.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use lepton_core::decide::guard::ProvingGround;
use lepton_core::decide::policy::{FEATURES, PlacementModel, WEIGHTS};
use lepton_core::model::fragmentation::TargetWorkload;
use lepton_core::model::{
    CameTask, Cluster, DeviceDemand, DeviceKind, ModelSet, NodeSpec, ResourceSchema, TaskClass,
};
use proptest::prelude::*;

use crate::{TrainOptions, adapt, adaptation_options, judge};

/// Sixteen nodes of eight GPUs and a mix of shares of a GPU and of several, of which 576 tasks came.
fn ground() -> ProvingGround {
    let mut cluster = Cluster::new(ResourceSchema::cpu_and_memory());
    let gpu = cluster.add_model(DeviceKind::Gpu, "A").expect("few models");
    for number in 0..16 {
        let cpu = if number % 2 == 0 { 96_000 } else { 48_000 };
        let spec = NodeSpec::new(format!("n{number}"), vec![cpu, 1 << 20], vec![gpu; 8]);
        cluster.add_node(spec).expect("a sound node");
    }
    let demands = [(1, 300, 3_000), (1, 700, 9_000), (1, 1000, 8_000), (2, 1000, 9_000), (6, 1000, 50_000)]
        .map(|(count, milli, cpu)| (Some(DeviceDemand { count, milli, accept: ModelSet::ANY }), cpu));
    let classes = demands.map(|(devices, cpu)| {
        (cluster.add_class(TaskClass::of_demand([cpu, 0], devices)).expect("a sound class"), 1)
    });
    let target = TargetWorkload::from_classes(&cluster, &classes);
    let came = |at: usize| CameTask { cpu_millicores: demands[at % 5].1, devices: demands[at % 5].0 };
    let came: Vec<CameTask> = (0..576).map(|at| came(at * at + at / 7)).collect();
    ProvingGround::new(&cluster, &target, &came, "fgd").expect("devices are asked for")
}

fn going_on() -> bool {
    true
}

/// Gains count the other way round: what breaks up most capacity is best.
fn contrary() -> PlacementModel {
    let mut weights = PlacementModel::untrained().weights();
    weights.chunks_exact_mut(FEATURES.len()).for_each(|of_kind| of_kind[0] = -2.0);
    PlacementModel::from_weights(&weights, PlacementModel::manifest_of("contrary"))
        .expect("a weight for each")
}

#[test]
fn from_a_bad_start_something_better_is_learned_and_the_same_again() {
    let (ground, start) = (ground(), contrary());
    let told = Cell::new(0);
    let learn = |number| {
        let progress = |_: &crate::GenerationRecord| told.set(told.get() + 1);
        adapt(&ground, &start, &adaptation_options(), (7, number), &going_on, &progress)
            .expect("nobody ends it")
    };
    let first = learn(1);
    assert_eq!((told.get(), first.generations.len()), (61, 61), "the start and each generation");
    assert_ne!(first.model.weights(), start.weights(), "something was better on the checks");
    assert_eq!(learn(1), first);
    assert_ne!(learn(2).model.weights(), first.model.weights(), "another training sees other sequences");
    // Whether it is better than the rule, too, is a matter of the gate; it is better than what it was learned from.
    let judged = judge(&ground, &first.model, &start, 3, &going_on).expect("nobody ends it");
    let judgement = judged.map_or_else(|judgement| judgement, |passed| passed.judgement().clone());
    assert_eq!((judgement.sequences.pairs, judgement.history.pairs), (120, 12));
    assert!(judgement.sequences.gain.is_some_and(|gain| gain.low() > 0.0), "{judgement:?}");
}

#[test]
fn learning_and_judging_end_where_they_are_told_to() {
    let (ground, start) = (ground(), PlacementModel::untrained());
    let left = AtomicUsize::new(40);
    let breathe = || left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok();
    let options = TrainOptions { generations_max: 0, ..adaptation_options() };
    assert_eq!(adapt(&ground, &start, &options, (7, 1), &breathe, &|_| {}), None, "it would never end");
    assert_eq!(judge(&ground, &start, &start, 1, &breathe), None);
}

#[test]
fn who_is_worse_or_no_better_does_not_pass() {
    let (ground, model) = (ground(), PlacementModel::untrained());
    let judged = |candidate: &PlacementModel, serving: &PlacementModel| {
        judge(&ground, candidate, serving, 1, &going_on).expect("nobody ends it").map_err(Box::new)
    };
    let worse = judged(&contrary(), &model).expect_err("it is worse");
    assert!(!worse.sequences.passes && !worse.history.passes, "{worse:?}");
    assert!(worse.sequences.gain.is_some_and(|gain| gain.high() < 0.0), "{worse:?}");
    assert!(judged(&model, &model).is_err(), "no gain is none");
    // Who is better than a bad one and worse than the rule is not let through either.
    let mut half = contrary().weights();
    half.iter_mut().for_each(|weight| *weight *= 0.75);
    let half = PlacementModel::from_weights(&half, PlacementModel::manifest_of("half")).expect("as many");
    let judgement = judged(&half, &contrary()).expect_err("the rule is better");
    assert!(judgement.sequences.over_rule.is_some_and(|over| over.mean < 0.0), "{judgement:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever the weights: who passes has gained, on both, by the very results that are told.
    #[test]
    fn who_passes_has_gained_on_what_was_drawn_and_on_what_came(
        weights in prop::collection::vec(-3.0_f32..3.0, WEIGHTS),
        number in 0_u64..1000,
    ) {
        let (ground, serving) = (ground(), PlacementModel::untrained());
        let candidate = PlacementModel::from_weights(&weights, PlacementModel::manifest_of("any")).expect("as many");
        let judged = judge(&ground, &candidate, &serving, number, &going_on).expect("nobody ends it");
        let passes = judged.is_ok();
        let of = match &judged { Ok(passed) => passed.judgement(), Err(of) => of };
        let gains = |shadow: &crate::Shadow| {
            let rose = shadow.candidate > shadow.serving && shadow.candidate >= shadow.rule;
            rose && shadow.gain.is_some_and(|gain| gain.mean > 0.0)
        };
        prop_assert!(!passes || (gains(&of.sequences) && gains(&of.history)), "{:?}", of);
        prop_assert!(passes || !of.passes());
    }
}
