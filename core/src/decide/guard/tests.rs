//! Who serves after which results, and rehearsals whose end is known.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::decide::placement::Placer;
use crate::decide::placement_policies::{PlacementContext, placement_policy};
use crate::decide::policy::{LearnedPlacement, Mix, PlacementModel, WEIGHTS};
use crate::model::Serving;
use crate::model::fragmentation::TargetWorkload;
use crate::model::{
    ClassId, Cluster, DeviceDemand, DeviceKind, ModelSet, NodeSpec, ResourceSchema, Task, TaskClass,
};

fn after(options: GuardOptions, serving: Serving, gains: &[f64]) -> (Serving, GuardReason) {
    let mut guard = Guard::new(options, serving);
    let decisions: Vec<GuardDecision> = gains.iter().map(|&gain| guard.observe(50.0 + gain, 50.0)).collect();
    let last = decisions.last().expect("at least one gain");
    assert_eq!(guard.serving(), last.serving);
    (last.serving, last.reason)
}

#[test]
fn the_model_takes_over_when_it_is_shown_to_gain_the_margin() {
    let options = GuardOptions::default();
    assert_eq!(
        after(options, Serving::Rule, &[0.3, 0.5, 0.4, 0.4]),
        (Serving::Model, GuardReason::ModelGainsMargin)
    );
    let too_little = (Serving::Rule, GuardReason::ModelGainsTooLittle);
    assert_eq!(after(options, Serving::Rule, &[0.01; 6]), too_little, "less than the margin");
    assert_eq!(after(options, Serving::Rule, &[3.0, -2.0, 4.0, -1.0]), too_little, "may be chance");
    assert_eq!(after(options, Serving::Rule, &[9.0; 3]), (Serving::Rule, GuardReason::TooFewResults));
}

#[test]
fn the_rule_takes_over_when_the_window_is_worse() {
    let options = GuardOptions::default();
    let gains = [0.5, 0.4, -0.9, -0.1];
    assert_eq!(after(options, Serving::Model, &gains[..3]), (Serving::Model, GuardReason::TooFewResults));
    assert_eq!(after(options, Serving::Model, &gains), (Serving::Rule, GuardReason::ModelIsWorse));
    assert_eq!(after(options, Serving::Model, &[0.0; 30]), (Serving::Model, GuardReason::ModelHolds));
}

#[test]
fn only_the_window_counts() {
    let options = GuardOptions { window: 5, ..GuardOptions::default() };
    let gains: Vec<f64> = std::iter::repeat_n(5.0, 50).chain(std::iter::repeat_n(-2.0, 4)).collect();
    assert_eq!(after(options, Serving::Model, &gains), (Serving::Rule, GuardReason::ModelIsWorse));
}

#[test]
fn a_result_that_is_no_number_speaks_against_the_model_and_not_for_it() {
    let mut guard = Guard::new(GuardOptions::default(), Serving::Model);
    assert_eq!(guard.observe(1.0, f64::NAN).reason, GuardReason::RuleResultUnusable);
    assert_eq!(guard.serving(), Serving::Model);
    for result in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut guard = Guard::new(GuardOptions::default(), Serving::Model);
        let decision = guard.observe(result, 1.0);
        assert_eq!((decision.serving, decision.reason), (Serving::Rule, GuardReason::ModelResultUnusable));
    }
}

#[test]
fn a_guard_goes_on_after_it_was_written_and_read() {
    let mut guard = Guard::new(GuardOptions::default(), Serving::Rule);
    for gain in [0.4, 0.5, 0.6] {
        guard.observe(gain, 0.0);
    }
    let text = serde_json::to_string(&guard.clone().into_served()).expect("numbers can be written");
    let served = serde_json::from_str(&text).expect("just written");
    let mut read = Guard::resume(GuardOptions::default(), served);
    assert_eq!(read.observe(0.5, 0.0), guard.observe(0.5, 0.0));
    assert_eq!(read.serving(), Serving::Model);
}

#[test]
fn a_single_pair_proves_nothing_and_equal_pairs_leave_no_doubt() {
    assert_eq!(PairedGain::of(&[]), None);
    assert_eq!(PairedGain::of(&[2.0]).map(|g| g.half_width), Some(f64::INFINITY));
    assert_eq!(PairedGain::of(&[2.0, 2.0]).map(|g| (g.low(), g.high())), Some((2.0, 2.0)));
    let spread = PairedGain::of(&[1.0, 3.0]).expect("two pairs");
    assert!((spread.half_width - 12.706).abs() < 1e-9, "t of one degree, standard error 1: {spread:?}");
}

#[test]
fn the_gate_needs_the_margin_an_interval_above_zero_and_no_workload_that_is_shown_to_lose() {
    let gain = |mean, half_width| PairedGain { pairs: 10, mean, half_width };
    let gate = Gate::default();
    assert!(gate.opens(&gain(0.2, 0.1), &[gain(0.5, 0.1), gain(-0.1, 0.1)]));
    assert!(!gate.opens(&gain(0.2, 0.1), &[gain(0.5, 0.1), gain(-0.1, 0.02)]), "a loss of at least 0.08");
    assert!(!gate.opens(&gain(0.01, 0.001), &[gain(0.01, 0.001)]), "less than the margin");
    assert!(!gate.opens(&gain(0.62, 1.56), &[gain(0.62, 1.56)]), "the interval holds zero");
    assert!(!gate.opens(&gain(0.2, 0.2), &[gain(0.2, 0.2)]), "and zero is no gain");
}

#[test]
fn the_gate_opens_for_no_candidate_of_fewer_sequences_than_it_asks_for() {
    let gate = Gate::default();
    for pairs in 1..12 {
        let half_width = if pairs == 1 { f64::INFINITY } else { 0.0 };
        let gain = PairedGain { pairs, mean: 3.0, half_width };
        assert_eq!(gate.opens(&gain, &[gain]), pairs >= gate.pairs_least, "{pairs}");
    }
}

proptest! {
    /// Who is always worse has never more than the fewest results to do harm in, whatever came before.
    #[test]
    fn a_model_that_is_always_worse_does_not_serve_for_long(
        before in prop::collection::vec(-5.0..5.0_f64, 0..40),
        loss in 0.01..9.0_f64,
        window in 4_usize..30,
    ) {
        let options = GuardOptions { window, ..GuardOptions::default() };
        let mut guard = Guard::new(options, Serving::Rule);
        for gain in before {
            guard.observe(gain, 0.0);
        }
        for _ in 0..window.max(options.least) {
            guard.observe(-loss, 0.0);
        }
        prop_assert_eq!(guard.serving(), Serving::Rule);
    }

    #[test]
    fn nothing_changes_on_fewer_than_the_fewest_results(gains in prop::collection::vec(-9.0..9.0_f64, 1..60)) {
        let options = GuardOptions::default();
        let mut guard = Guard::new(options, Serving::Rule);
        let mut since = 0;
        for gain in gains {
            let before = guard.serving();
            since += 1;
            if guard.observe(gain, 0.0).serving != before {
                prop_assert!(since >= options.least);
                since = 0;
            }
        }
    }
}

/// Nodes of eight devices, and tasks that take 1, 3, 5 and 8 of them: who scatters the small ones loses.
fn cluster(nodes: usize) -> (Cluster, TargetWorkload) {
    let mut cluster = Cluster::new(ResourceSchema::cpu_and_memory());
    let model = cluster.add_model(DeviceKind::Gpu, "A").expect("one model");
    for node in 0..nodes {
        let spec = NodeSpec::new(format!("n{node}"), vec![96_000, 1_000], vec![model; 8]);
        cluster.add_node(spec).expect("a sound node");
    }
    let class = |count: u16| {
        let devices = DeviceDemand { count, milli: 1000, accept: ModelSet::ANY };
        TaskClass::of_demand([4_000 * i64::from(count), 1], Some(devices))
    };
    let counts: Vec<(ClassId, u64)> = [(1, 6), (3, 4), (5, 2), (8, 2)]
        .map(|(devices, count)| (cluster.add_class(class(devices)).expect("a sound class"), count))
        .to_vec();
    let target = TargetWorkload::from_classes(&cluster, &counts);
    (cluster, target)
}

/// A model that spreads: what FGD gains counts against a node, and what breaks up most capacity is best.
pub(super) fn contrary() -> PlacementModel {
    let mut weights = [0.0; WEIGHTS];
    (0..3).for_each(|kind| weights[kind * 9] = -2.0);
    PlacementModel::from_weights(&weights, PlacementModel::manifest_of("contrary"))
        .expect("a weight for each place")
}

fn rehearsal(cluster: &Cluster, target: &TargetWorkload, model: &PlacementModel) -> Rehearsal {
    let mix = Arc::new(Mix::new(cluster, target));
    rehearse(cluster, target, &mix, model, &RehearsalOptions::default())
}

#[test]
fn a_model_that_is_worse_on_the_cluster_never_serves_there() {
    let (cluster, target) = cluster(30);
    let rehearsal = rehearsal(&cluster, &target, &contrary());
    assert_ne!(rehearsal.serves, "lepton");
    assert_eq!(rehearsal.decision.reason, GuardReason::ModelGainsTooLittle);
    let reached = |policy| rehearsal.policies.iter().find(|p| p.policy == policy).expect("it played");
    let most = rehearsal.policies.iter().map(|p| p.allocation_percent).fold(0.0, f64::max);
    assert!(reached("lepton").allocation_percent < most);
    assert_eq!(reached(rehearsal.serves).allocation_percent, most);
}

#[test]
fn a_large_cluster_is_scaled_down_and_the_same_question_gets_the_same_answer() {
    let (cluster, target) = cluster(1_000);
    let options = RehearsalOptions::default();
    let first = rehearsal(&cluster, &target, &contrary());
    assert_eq!((first.nodes, first.sequences), (options.nodes_max, 10));
    assert_eq!(first, rehearsal(&cluster, &target, &contrary()));
}

#[test]
fn without_a_mix_that_asks_for_devices_the_rule_serves_unrehearsed() {
    let (cluster, _) = cluster(4);
    let target = TargetWorkload::from_shares(&[(1_000, None, 1.0)]);
    for target in [target, TargetWorkload::default()] {
        let rehearsal = rehearsal(&cluster, &target, &PlacementModel::shipped());
        assert_eq!((rehearsal.serves, rehearsal.sequences), ("fgd", 0));
        assert_eq!(rehearsal.decision.reason, GuardReason::TooFewResults);
    }
}

#[test]
fn who_serves_after_a_rehearsal_decides_as_the_policy_of_that_name() {
    let (mut cluster, target) = cluster(12);
    for model in [contrary(), PlacementModel::shipped()] {
        let rehearsal = rehearsal(&cluster, &target, &model);
        let learned = LearnedPlacement::new(Arc::new(Mix::new(&cluster, &target)), &model);
        let context = PlacementContext { cluster: &cluster, target: &target, seed: 1, model: Some(&model) };
        let served = rehearsal.policy(&learned, &context);
        let named = placement_policy(rehearsal.serves, &context).expect("a known policy");
        let mut placers = [served, named].map(|policy| Placer::in_node_order(policy, &cluster));
        for round in 0..40 {
            let class = ClassId::from(round * 7 % 4);
            let [one, other] = placers.each_mut().map(|placer| placer.place_class(&cluster, class));
            assert_eq!(one, other);
            let Some(place) = one else { continue };
            let task = cluster.add_task(Task::new(format!("t{round}"), class));
            cluster.place(task, place).expect("it fits");
        }
    }
}
