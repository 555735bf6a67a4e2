//! What defragmentation promises: plans that break no rule at any step, exact prices, few moves, equal results.

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::draft::Draft;
use super::problem::Lens;
use super::*;
use crate::decide::policy::PlacementModel;
use crate::decide::search::Method;
use crate::model::fragmentation::TargetWorkload;
use crate::model::invariants::{self, Violation};
use crate::model::{
    Action, Binding, Cluster, DeviceDemand, DeviceKind, GroupRule, Health, ModelSet, Moving, NodeId,
    NodeSpec, Placement, Quota, ResourceSchema, Rules, Scope, Task, TaskClass, TaskId, replay,
};

pub(super) fn plan(cluster: &Cluster, objective: Objective, options: DefragmentOptions) -> Defragmentation {
    let problem = DefragmentProblem::new(cluster, &whole_devices(), objective, None);
    let surroundings = DefragmentSurroundings { seconds: &|| 0.0, stopped: &|| false, progress: &|_, _| () };
    defragment(&problem, &options, &surroundings)
}

pub(super) fn options(moves_max: usize) -> DefragmentOptions {
    DefragmentOptions {
        seed: 3,
        threads: 1,
        islands: 2,
        effort: Effort::Rounds(30),
        moves_max,
        method: Method::Hybrid,
        waves: WaveLimits::default(),
    }
}

/// A mix of tasks with a whole device each.
pub(super) fn whole_devices() -> TargetWorkload {
    TargetWorkload::from_shares(&[(1000, Some(demand(1, 1000)), 1.0)])
}

pub(super) fn demand(count: u16, milli: u16) -> DeviceDemand {
    DeviceDemand { count, milli, accept: ModelSet::ANY }
}

/// Nodes of 16 cores with so many GPUs each.
pub(super) fn cluster_of(gpus: &[usize]) -> Cluster {
    let mut cluster = Cluster::new(ResourceSchema::cpu_and_memory());
    let model = cluster.add_model(DeviceKind::Gpu, "A").expect("few models");
    for (i, &count) in gpus.iter().enumerate() {
        let spec = NodeSpec::new(format!("n{i}"), vec![16_000, 1 << 20], vec![model; count]);
        cluster.add_node(spec).expect("a sound node");
    }
    cluster
}

pub(super) fn add(
    cluster: &mut Cluster,
    cpu: i64,
    devices: Option<DeviceDemand>,
    at: Option<(u32, &[usize])>,
) -> TaskId {
    let class = cluster.add_class(TaskClass::of_demand([cpu, 1], devices)).expect("a sound class");
    let task = cluster.add_task(Task::new(format!("t{}", cluster.tasks().len()), class));
    if let Some((node, devices)) = at {
        let place = Placement { node: NodeId(node), devices: devices.iter().copied().collect() };
        cluster.place(task, place).expect("it fits");
    }
    task
}

#[test]
fn a_task_of_two_devices_fits_after_the_one_move_that_it_takes() {
    let mut cluster = cluster_of(&[2, 2]);
    add(&mut cluster, 1000, Some(demand(1, 300)), Some((0, &[0])));
    add(&mut cluster, 1000, Some(demand(1, 600)), Some((1, &[0])));
    let wide = add(&mut cluster, 1000, Some(demand(2, 1000)), None);
    let found = plan(&cluster, Objective::default(), options(10));
    assert_eq!((found.moves, found.placed, found.plan.waiting.len()), (1, 1, 0));
    assert!(
        matches!(&found.plan.parts[0].steps[..], [_, Action::Place { task, .. }] if *task == cluster.task(wide).name)
    );
    assert_eq!(replay(&found.plan, &mut cluster, Moving::StandTwice, |_, _| ()), Ok(()));
}

#[test]
fn who_makes_room_may_make_another_leave_first() {
    // The wide task needs node 0, whose tenant fits only on node 1 once its tenant has gone to node 2.
    let mut cluster = cluster_of(&[2, 1, 1]);
    add(&mut cluster, 9_000, Some(demand(1, 1000)), Some((0, &[0])));
    add(&mut cluster, 8_000, Some(demand(1, 1000)), Some((1, &[0])));
    add(&mut cluster, 8_000, None, Some((2, &[])));
    add(&mut cluster, 10_000, Some(demand(2, 1000)), None);
    let found = plan(&cluster, Objective::default(), options(10));
    assert_eq!((found.moves, found.placed), (2, 1));
    let bindings: Vec<_> = found.plan.parts.iter().map(|part| (part.steps.len(), part.binding)).collect();
    assert_eq!(bindings, [(3, Binding::AllOrNone)], "of use is only the whole of a chain");
    assert_eq!(replay(&found.plan, &mut cluster, Moving::StandTwice, |_, _| ()), Ok(()));
}

#[test]
fn without_waiting_tasks_capacity_is_joined_for_the_expected_mix() {
    let mut cluster = cluster_of(&[1, 1, 1]);
    for node in 0..2 {
        add(&mut cluster, 1000, Some(demand(1, 500)), Some((node, &[0])));
    }
    let found = plan(&cluster, Objective::default(), options(10));
    assert_eq!((found.moves, found.terms[0][1], found.terms[1][1]), (1, 1.0, 0.0));
    let steady = Objective { weights: [20.0, 2.0, 3.0, 0.0, 0.0, 0.0], ..Objective::default() };
    assert_eq!(plan(&cluster, steady, options(10)).moves, 0, "a device is not worth three moves here");
}

#[test]
fn nothing_moves_when_nothing_is_gained() {
    let mut cluster = cluster_of(&[1, 1]);
    for node in 0..2 {
        add(&mut cluster, 1000, Some(demand(1, 1000)), Some((node, &[0])));
    }
    let waits = add(&mut cluster, 1000, Some(demand(1, 1000)), None);
    let found = plan(&cluster, Objective::default(), options(10));
    assert!(found.plan.parts.is_empty());
    assert_eq!(found.plan.waiting.iter().map(|w| &w.task).collect::<Vec<_>>(), [&cluster.task(waits).name]);
}

#[test]
fn a_cluster_without_nodes_has_an_empty_plan() {
    let mut cluster = cluster_of(&[]);
    add(&mut cluster, 1000, None, None);
    let found = plan(&cluster, Objective::default(), options(5));
    assert_eq!((found.plan.parts.len(), found.plan.waiting.len()), (0, 1));
}

#[test]
fn a_gang_is_placed_whole_or_not_at_all() {
    for (gpus, placed) in [([2, 1], 3), ([2, 0], 0)] {
        let mut cluster = cluster_of(&gpus);
        let gang = cluster.add_gang();
        let class = TaskClass::of_demand([1000, 1], Some(demand(1, 1000)));
        let class = cluster.add_class(class).expect("a sound class");
        for name in ["a", "b", "c"] {
            cluster.add_task(Task { gang: Some(gang), ..Task::new(name, class) });
        }
        assert_eq!(plan(&cluster, Objective::default(), options(5)).placed, placed, "{gpus:?}");
    }
}

#[test]
fn the_result_for_a_number_of_rounds_does_not_depend_on_threads() {
    let cluster = random_cluster(5);
    let results: Vec<_> = [1, 2, 4]
        .map(|threads| {
            let options = DefragmentOptions { threads, islands: 4, ..options(8) };
            plan(&cluster, Objective::default(), options)
        })
        .into();
    assert_eq!(results[0], results[1]);
    assert_eq!(results[0], results[2]);
}

/// A random cluster with every kind of rule, filled at random, with some tasks waiting.
pub(super) fn random_cluster(seed: u64) -> Cluster {
    let mut chance = Pcg64Mcg::seed_from_u64(seed);
    let mut cluster = Cluster::new(ResourceSchema::cpu_and_memory());
    let models = ["A", "B"].map(|m| cluster.add_model(DeviceKind::Gpu, m).expect("few models"));
    for i in 0..chance.random_range(2..9) {
        let count = chance.random_range(0..5);
        let devices = (0..count).map(|_| models[usize::from(chance.random_range(0..4) == 0)]).collect();
        let mut spec =
            NodeSpec::new(format!("n{i}"), vec![chance.random_range(4_000..20_000), 1000], devices);
        spec.labels.push(("zone".to_owned(), format!("z{}", chance.random_range(0..2))));
        cluster.add_node(spec).expect("a sound node");
    }
    let (zone, group) = (cluster.label_key("zone"), cluster.group("apart"));
    let owner = cluster.owner("someone");
    cluster.set_quota(owner, Some(Quota { resources: vec![30_000, 1000].into(), device_milli: 4000 }));
    let gangs = [cluster.add_gang(), cluster.add_gang()];
    for i in 0..chance.random_range(1..40) {
        let devices = (chance.random_range(0..5) > 0).then(|| {
            let count = if chance.random_range(0..4) == 0 { chance.random_range(1..4) } else { 1 };
            let milli = if count > 1 { 1000 } else { [200, 300, 500, 700, 1000][chance.random_range(0..5)] };
            let only = ModelSet::NONE.with(models[chance.random_range(0..2)]);
            DeviceDemand {
                count,
                milli,
                accept: if chance.random_range(0..4) == 0 { only } else { ModelSet::ANY },
            }
        });
        let mut class = TaskClass::of_demand([chance.random_range(1..6) * 1000, 10], devices);
        if chance.random_range(0..6) == 0 {
            let scope = if chance.random() { Scope::Node } else { Scope::Domain(zone) };
            let anti_affinity = vec![GroupRule { group, scope }];
            class =
                TaskClass { rules: Rules { anti_affinity, ..Rules::default() }, group: Some(group), ..class };
        }
        let class = cluster.add_class(class).expect("a sound class");
        let task = cluster.add_task(Task {
            owner: (chance.random_range(0..4) == 0).then_some(owner),
            gang: None,
            priority: chance.random_range(-1..3),
            move_cost: f32::from(chance.random_range(0..3_u8)),
            do_not_disrupt: chance.random_range(0..8) == 0,
            ..Task::new(format!("t{i}"), class)
        });
        let node = NodeId::from(chance.random_range(0..cluster.node_count()));
        if cluster.fits(node, class) {
            let fitting = devices.map_or_else(Vec::new, |d| {
                crate::decide::placement::fitting_devices(&cluster, node, &d)
                    .take(usize::from(d.count))
                    .collect()
            });
            // What a rule forbids waits.
            let _ = cluster.place(task, Placement { node, devices: fitting.into_iter().collect() });
        }
    }
    for (i, gang) in gangs.into_iter().enumerate() {
        let class = TaskClass::of_demand([1000, 1], Some(demand(1, 1000)));
        let class = cluster.add_class(class).expect("a sound class");
        for member in 0..2 {
            cluster.add_task(Task { gang: Some(gang), ..Task::new(format!("g{i}-{member}"), class) });
        }
    }
    let node = NodeId::from(chance.random_range(0..cluster.node_count()));
    match chance.random_range(0..3) {
        0 => cluster.set_health(node, Health::Sick),
        1 => {
            cluster.set_device_health(node, 0, false);
        }
        _ => {}
    }
    cluster
}

/// A device that is half used, beside an idle one, on each of two nodes: together the halves free a device.
#[test]
fn a_move_that_frees_a_whole_device_is_made_for_its_worth_alone() {
    let mut cluster = cluster_of(&[1, 1]);
    for node in 0..2 {
        add(&mut cluster, 1000, Some(demand(1, 500)), Some((node, &[0])));
    }
    let (expected, model) = (whole_devices(), PlacementModel::shipped());
    let moves = |model: Option<&PlacementModel>, weight: f64| {
        let objective = Objective { weights: [20.0, 0.0, 1.0, 0.0, 0.0, weight], ..Objective::default() };
        let problem = DefragmentProblem::new(&cluster, &expected, objective, model);
        let surroundings =
            DefragmentSurroundings { seconds: &|| 0.0, stopped: &|| false, progress: &|_, _| () };
        defragment(&problem, &options(8), &surroundings).moves
    };
    assert_eq!(moves(Some(&model), 2.0), 1, "by its worth");
    assert_eq!(moves(Some(&model), 0.0), 0, "without weight");
    assert_eq!(moves(None, 2.0), 1, "without a model by fragmentation");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_plan_breaks_no_rule_after_any_step(seed in any::<u64>(), moves_max in 0_usize..12) {
        let cluster = random_cluster(seed);
        let objective = Objective { weights: [20.0, 3.0, 1.0, 2.0, 1.0, 0.0], safety_level: 0.7 };
        let found = plan(&cluster, objective, options(moves_max));
        let mut after = cluster.clone();
        let replayed = replay(&found.plan, &mut after, Moving::StandTwice, |step, cluster| {
            match invariants::check(cluster) {
                // A gang comes member by member, one right after the other.
                Ok(()) | Err(Violation::GangInPart(_)) => {}
                Err(broken) => panic!("after step {step}: {broken}"),
            }
        });
        prop_assert_eq!(replayed, Ok(()));
        prop_assert_eq!(invariants::check(&after), Ok(()), "gangs stand whole in the end");
        let migrations = found.plan.steps().filter(|(_, s)| matches!(s, Action::Migrate { .. })).count();
        prop_assert!(migrations == found.moves && migrations <= moves_max);
        prop_assert!(found.cost[1] <= found.cost[0] + 1e-9);
        for task in (0..cluster.tasks().len()).map(TaskId::from) {
            let stood = cluster.placement(task);
            prop_assert!(stood.is_none() || after.placement(task).is_some(), "nobody is put out");
            if cluster.task(task).do_not_disrupt {
                prop_assert!(stood.is_none() || after.placement(task) == stood);
            }
        }
    }

    #[test]
    fn the_price_of_a_plan_is_the_difference_of_the_objective_from_scratch(seed in any::<u64>()) {
        let cluster = random_cluster(seed);
        let objective = Objective { weights: [20.0, 3.0, 1.5, 2.0, 1.0, 0.0], safety_level: 0.7 };
        let found = plan(&cluster, objective, options(8));
        let problem = DefragmentProblem::new(&cluster, &whole_devices(), objective, None);
        let objective = problem.objective();
        for (cost, terms) in found.cost.iter().zip(&found.terms) {
            let scratch: f64 = terms.iter().zip(&objective.weights).map(|(t, w)| t * w).sum();
            prop_assert!((cost - scratch).abs() < 1e-6, "{cost} {scratch}");
        }
        let sum: f64 = found.plan.parts.iter().map(|p| p.gain - p.cost).sum();
        prop_assert!((found.cost[0] - found.cost[1] - sum).abs() < 1e-6, "gains and costs of the steps add up");
    }

    #[test]
    fn with_nothing_waiting_moves_give_back_more_learned_worth_than_they_cost(seed in any::<u64>()) {
        let mut cluster = random_cluster(seed);
        let waiting: Vec<TaskId> = cluster.waiting().collect();
        waiting.into_iter().for_each(|task| cluster.retire(task));
        let (expected, model) = (whole_devices(), PlacementModel::shipped());
        let problem = DefragmentProblem::new(&cluster, &expected, Objective::default(), Some(&model));
        let surroundings = DefragmentSurroundings { seconds: &|| 0.0, stopped: &|| false, progress: &|_, _| () };
        let found = defragment(&problem, &options(8), &surroundings);
        let [before, after] = found.terms;
        let (given_back, moved) = (2.0 * (before[5] - after[5]), after[2]);
        prop_assert!(found.moves == 0 || given_back > moved, "{given_back} given back for {moved}");
        prop_assert!((found.cost[0] - found.cost[1] - (given_back - moved)).abs() < 1e-6, "nothing else counts");
        prop_assert!(found.plan.parts.iter().all(|part| part.gain > part.cost), "each part pays: {:?}", found.plan);
    }

    #[test]
    fn no_move_of_a_plan_can_be_left_out_for_nothing(seed in any::<u64>()) {
        let cluster = random_cluster(seed);
        let found = plan(&cluster, Objective::default(), options(8));
        let problem = DefragmentProblem::new(&cluster, &whole_devices(), Objective::default(), None);
        for (at, (_, step)) in found.plan.steps().enumerate() {
            if !matches!(step, Action::Migrate { .. }) {
                continue;
            }
            let mut draft = Draft::new(&problem, Lens::Counted);
            let others = found.plan.steps().enumerate().filter(|&(i, _)| i != at);
            let possible = others.into_iter().all(|(_, (_, step))| {
                let task = cluster.live_tasks().find(|&t| Some(&cluster.task(t).name) == step.task());
                let to = step.to().and_then(|to| to.placement(&cluster));
                task.zip(to).is_some_and(|(task, to)| draft.step(task, to))
            });
            let saves = possible && draft.cost() < found.cost[1] - 1e-9;
            prop_assert!(!saves, "without step {at} the plan is as good: {step:?}");
        }
    }
}
