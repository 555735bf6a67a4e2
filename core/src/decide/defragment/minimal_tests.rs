//! Plans are minimal: where one move is enough there is one, as many tasks are placed as few moves allow, and no part of
//! the moves would do.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::tests::{add, demand, options, plan, random_cluster};
use super::*;
use crate::model::fragmentation::TargetWorkload;
use crate::model::{
    Action, ActionKind, Cluster, DeviceDemand, DeviceKind, DeviceSet, ModelSet, NodeId, NodeSpec, Placement,
    ResourceSchema, Task, TaskClass, TaskId,
};

/// Full nodes of model A with tasks that may run anywhere, empty nodes of model B, and tasks that need a device of A.
fn full_and_empty(nodes: usize, gpus: [usize; 2], waiting: usize) -> Cluster {
    let mut cluster = Cluster::new(ResourceSchema::cpu_and_memory());
    let models = ["A", "B"].map(|m| cluster.add_model(DeviceKind::Gpu, m).expect("few models"));
    for (model, count) in models.into_iter().zip(gpus) {
        for i in 0..nodes {
            let spec = NodeSpec::new(format!("{model:?}{i}"), vec![96_000, 1 << 20], vec![model; count]);
            cluster.add_node(spec).expect("a sound node");
        }
    }
    for node in 0..nodes {
        for device in 0..gpus[0] {
            add(&mut cluster, 4000, Some(demand(1, 1000)), Some((node as u32, &[device])));
        }
    }
    for _ in 0..waiting {
        let only = DeviceDemand { count: 1, milli: 1000, accept: ModelSet::NONE.with(models[0]) };
        add(&mut cluster, 4000, Some(only), None);
    }
    cluster
}

#[test]
fn one_move_is_made_where_one_is_enough() {
    let one = full_and_empty(1, [8, 16], 1);
    let big = full_and_empty(5, [8, 8], 1);
    let ten = full_and_empty(5, [8, 8], 10);
    for (cluster, waiting) in [(&one, 1), (&big, 1), (&ten, 10)] {
        let found = plan(cluster, Objective::default(), options(usize::MAX));
        assert_eq!((found.placed, found.moves), (waiting, waiting));
    }
}

#[test]
fn one_large_task_moves_on_where_that_lets_many_small_ones_in() {
    let mut cluster = full_and_empty(1, [8, 8], 9);
    let only_a = cluster.add_model(DeviceKind::Gpu, "A").expect("it is there");
    let spec = NodeSpec::new("large", vec![96_000, 1 << 20], vec![only_a; 8]);
    cluster.add_node(spec).expect("a sound node");
    add(&mut cluster, 4000, Some(demand(8, 1000)), Some((2, &[0, 1, 2, 3, 4, 5, 6, 7])));
    let found =
        plan(&cluster, Objective::default(), DefragmentOptions { effort: Effort::Rounds(1), ..options(1) });
    assert_eq!((found.placed, found.moves), (8, 1));
}

#[test]
fn with_a_limit_on_moves_as_many_are_placed_as_moves_are_allowed() {
    for (nodes, gpus, waiting) in [(1, [8, 16], 1), (5, [8, 8], 1), (5, [8, 8], 10)] {
        let cluster = full_and_empty(nodes, gpus, waiting);
        for moves_max in [0, 1, 2, 5, 10, 20] {
            let found = plan(&cluster, Objective::default(), options(moves_max));
            let expected = waiting.min(moves_max);
            assert_eq!(
                (found.placed, found.moves),
                (expected, expected),
                "{waiting} wait, {moves_max} moves"
            );
        }
    }
}

#[test]
fn what_waits_does_not_change_what_free_capacity_is_worth() {
    // Half-full devices could be joined; while a task waits that fits anyway nothing moves for that.
    let mut cluster = tests::cluster_of(&[1, 1, 1]);
    for node in 0..2 {
        add(&mut cluster, 1000, Some(demand(1, 500)), Some((node, &[0])));
    }
    add(&mut cluster, 1000, Some(demand(1, 1000)), None);
    let found = plan(&cluster, Objective::default(), options(10));
    assert_eq!((found.placed, found.moves), (1, 0));
}

/// A small cluster of devices, filled at random, with up to three tasks waiting.
fn small_cluster(seed: u64) -> Cluster {
    let mut chance = Pcg64Mcg::seed_from_u64(seed);
    let mut cluster = Cluster::new(ResourceSchema::cpu_and_memory());
    let models = ["A", "B"].map(|m| cluster.add_model(DeviceKind::Gpu, m).expect("few models"));
    for i in 0..3 {
        let count = chance.random_range(0..4);
        let model = models[usize::from(chance.random_range(0..3) == 0)];
        let spec = NodeSpec::new(format!("n{i}"), vec![8_000, 1000], vec![model; count]);
        cluster.add_node(spec).expect("a sound node");
    }
    let placed_max = chance.random_range(2..7);
    let mut placed = 0;
    for i in 0..12 {
        let waits = i >= 9;
        let devices = (chance.random_range(0..6) > 0).then(|| {
            let count = if chance.random_range(0..4) == 0 { 2 } else { 1 };
            let milli = if count > 1 { 1000 } else { [500, 1000][chance.random_range(0..2)] };
            let only = ModelSet::NONE.with(models[0]);
            let accept = if chance.random_range(0..3) == 0 { only } else { ModelSet::ANY };
            DeviceDemand { count, milli, accept }
        });
        let cpu = chance.random_range(1..5) * 1000;
        let class = cluster.add_class(TaskClass::of_demand([cpu, 1], devices)).expect("a sound class");
        let node = NodeId::from(chance.random_range(0..3));
        if waits {
            cluster.add_task(Task::new(format!("t{i}"), class));
        } else if placed < placed_max && cluster.fits(node, class) {
            let task = cluster.add_task(Task::new(format!("t{i}"), class));
            let place = places(&cluster, task).into_iter().find(|p| p.node == node).expect("it fits there");
            cluster.place(task, place).expect("it fits");
            placed += 1;
        }
    }
    cluster
}

/// Every place where the task fits now, beside itself if it stands somewhere.
fn places(cluster: &Cluster, task: TaskId) -> Vec<Placement> {
    let class = cluster.task(task).class;
    let mut found = Vec::new();
    for node in cluster.nodes().filter(|&n| cluster.fits(n, class)) {
        let count = cluster.devices_free(node).len();
        let wanted = cluster.demand(task).devices.map_or(0, |d| u32::from(d.count));
        for set in (0..1_u64 << count).filter(|s| s.count_ones() == wanted) {
            let place = Placement { node, devices: DeviceSet(set) };
            if cluster.devices_right(class, place) && cluster.placement(task) != Some(place) {
                found.push(place);
            }
        }
    }
    found
}

/// The least demand that is left waiting, over all ways to place.
fn least_waiting(cluster: &mut Cluster, waiting: &[TaskId], objective: &Objective) -> f64 {
    let Some((&task, rest)) = waiting.split_first() else { return 0.0 };
    let mut least = objective.waiting(cluster, task) + least_waiting(cluster, rest, objective);
    for place in places(cluster, task) {
        cluster.place(task, place).expect("it fits");
        least = least.min(least_waiting(cluster, rest, objective));
        cluster.remove(task);
    }
    least
}

/// The least objective that at most so many moves reach, over all moves and placements.
fn least_cost(cluster: &mut Cluster, waiting: &[TaskId], moves_max: usize, objective: &Objective) -> f64 {
    let mut least = objective.unplaced() * least_waiting(cluster, waiting, objective);
    if moves_max == 0 {
        return least;
    }
    for task in (0..cluster.tasks().len()).map(TaskId::from) {
        let Some(from) = cluster.placement(task) else { continue };
        for to in places(cluster, task) {
            cluster.remove(task);
            cluster.place(task, to).expect("it fits");
            let price = objective.migration() * objective.moving(cluster, task);
            least = least.min(price + least_cost(cluster, waiting, moves_max - 1, objective));
            cluster.remove(task);
            cluster.place(task, from).expect("it stood there");
        }
    }
    least
}

/// The steps of a plan as kind, task and place.
fn steps_of(cluster: &Cluster, found: &Defragmentation) -> Vec<(ActionKind, TaskId, Placement)> {
    let step = |step: &Action| {
        let task = cluster.live_tasks().find(|&t| Some(&cluster.task(t).name) == step.task())?;
        Some((step.kind(), task, step.to()?.placement(cluster)?))
    };
    found.plan.steps().filter_map(|(_, s)| step(s)).collect()
}

fn waiting_in(cluster: &Cluster) -> Vec<TaskId> {
    (0..cluster.tasks().len()).map(TaskId::from).filter(|&t| cluster.placement(t).is_none()).collect()
}

#[test]
fn a_small_plan_is_as_good_as_the_best_of_all_plans() {
    for (seed, moves_max) in (0..60).flat_map(|seed| (0..3).map(move |most| (seed, most))) {
        let mut cluster = small_cluster(seed);
        let options = DefragmentOptions { effort: Effort::Rounds(100), ..options(moves_max) };
        let found = plan(&cluster, Objective::default(), options).cost[1];
        let waiting = waiting_in(&cluster);
        let best = least_cost(&mut cluster, &waiting, moves_max, &Objective::default());
        assert!((found - best).abs() < 1e-6, "seed {seed}, {moves_max} moves: {found}, the best is {best}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_part_of_the_moves_is_enough_for_what_is_placed(seed in any::<u64>()) {
        let cluster = small_cluster(seed);
        let found = plan(&cluster, Objective::default(), options(8));
        let of_kind = |kind| steps_of(&cluster, &found).into_iter().filter(move |s| s.0 == kind);
        let moves: Vec<(TaskId, Placement)> = of_kind(ActionKind::Migrate).map(|s| (s.1, s.2)).collect();
        let placed: Vec<TaskId> = of_kind(ActionKind::Place).map(|s| s.1).collect();
        for set in 0..(1_usize << moves.len()) - 1 {
            let mut after = cluster.clone();
            for (_, &(task, to)) in moves.iter().enumerate().filter(|(i, _)| set >> i & 1 == 1) {
                if places(&after, task).contains(&to) {
                    after.remove(task);
                    after.place(task, to).expect("it fits");
                }
            }
            let left = least_waiting(&mut after, &placed, &Objective::default());
            prop_assert!(left > 0.0, "moves {set:b} of {moves:?} are enough");
        }
    }

    #[test]
    fn no_move_of_a_larger_plan_can_be_left_out(seed in any::<u64>()) {
        let cluster = random_cluster(seed);
        let found = plan(&cluster, Objective::default(), options(12));
        let steps = steps_of(&cluster, &found);
        for left_out in (0..steps.len()).filter(|&i| steps[i].0 == ActionKind::Migrate) {
            let mut after = cluster.clone();
            let mut all_placed = true;
            for (_, &(kind, task, to)) in steps.iter().enumerate().filter(|&(i, _)| i != left_out) {
                if kind == ActionKind::Place {
                    all_placed &= after.place(task, to).is_ok();
                } else if after.fits(to.node, after.task(task).class) {
                    let stood = after.remove(task);
                    if let (Err(_), Some(from)) = (after.place(task, to), stood) {
                        after.put_back(task, from);
                    }
                }
            }
            prop_assert!(!all_placed || waiting_in(&cluster).is_empty(), "step {left_out} is not needed");
        }
    }
}

/// The fewest moves, below `most`, after which all of `placed` find room; every state that moves lead to is looked at once.
fn fewest_moves(cluster: &Cluster, placed: &[TaskId], most: usize) -> Option<usize> {
    let state = |c: &Cluster| {
        c.live_tasks().map(|t| c.placement(t).map(|p| (p.node, p.devices.0))).collect::<Vec<_>>()
    };
    let mut seen = BTreeSet::from([state(cluster)]);
    let mut level = vec![cluster.clone()];
    for moves in 0..most {
        let mut next = Vec::new();
        for mut now in level {
            if least_waiting(&mut now, placed, &Objective::default()) == 0.0 {
                return Some(moves);
            }
            for task in now.live_tasks().filter(|&t| now.placement(t).is_some()).collect::<Vec<_>>() {
                for to in places(&now, task) {
                    let mut after = now.clone();
                    after.remove(task);
                    after.place(task, to).expect("it fits");
                    if seen.insert(state(&after)) {
                        next.push(after);
                    }
                }
            }
        }
        level = next;
    }
    None
}

#[test]
fn nothing_fewer_than_the_moves_of_a_plan_is_enough_for_what_it_places() {
    for seed in 0..300 {
        let cluster = small_cluster(seed);
        for moves_max in [3, 5, 8] {
            let found = plan(&cluster, Objective::default(), options(moves_max));
            let steps = steps_of(&cluster, &found);
            let placed = steps.iter().filter(|s| s.0 == ActionKind::Place).map(|s| s.1).collect::<Vec<_>>();
            let fewer = fewest_moves(&cluster, &placed, found.moves);
            assert_eq!(fewer, None, "seed {seed}, at most {moves_max}: {} moves", found.moves);
        }
    }
}

#[test]
fn an_empty_mix_is_no_reason_to_move() {
    let mut cluster = tests::cluster_of(&[1, 1]);
    for node in 0..2 {
        add(&mut cluster, 1000, Some(demand(1, 500)), Some((node, &[0])));
    }
    let problem = DefragmentProblem::new(&cluster, &TargetWorkload::default(), Objective::default(), None);
    let surroundings = DefragmentSurroundings { seconds: &|| 0.0, stopped: &|| false, progress: &|_, _| () };
    assert_eq!(defragment(&problem, &options(5), &surroundings).moves, 0);
}
