//! What plans and fronts promise: checked from scratch after every step, in any order within a wave.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::front::visit_front;
use super::tests::{options, problem, random_problem, search};
use super::*;

/// Two tasks on two nodes, each with room for one of them, and a spare node. Of the second resource task 0 needs 9
/// units and task 1 one, which cost 10 each on every node but node 1.
fn swap_of_two(move_cost: u64) -> RebalanceProblem {
    let node = |location, free_of_charge| RebalanceNode {
        neighbourhood: 0,
        location,
        capacity: vec![10, 10],
        safety: vec![10, free_of_charge],
    };
    let task = |service, need: [u64; 2]| RebalanceTask { service, need: need.to_vec(), move_cost };
    let service = RebalanceService { spread_min: 0, depends_on: vec![] };
    problem(ProblemParts {
        resources: [1, 10].map(|load_weight| ResourceRule { transient: false, load_weight }).to_vec(),
        nodes: vec![node(0, 0), node(1, 10), node(2, 0)],
        move_costs: MoveCosts::from_rows(&[(); 3].map(|()| vec![0; 3])),
        services: vec![service.clone(), service],
        tasks: vec![task(0, [8, 9]), task(1, [8, 1])],
        balance: vec![],
        weights: MoveWeights { task: 1, service: 0, node: 0 },
        initial: vec![0, 1],
    })
}

#[test]
fn two_tasks_that_change_places_on_full_nodes_need_a_stop_over() {
    let problem = swap_of_two(1);
    let plan = OrderedMoves::order(&problem, &[1, 0]).expect("the target keeps all rules");
    assert_eq!(plan.placement, [1, 0]);
    let steps: Vec<_> = plan.steps.iter().map(|s| (s.from, s.to, s.kind)).collect();
    assert_eq!(steps.len(), 3);
    assert_eq!((steps[0].1, steps[0].2), (2, StepKind::StopOver));
    assert_eq!((plan.waves, plan.blocked.len(), plan.dropped.len()), (3, 0, 0));
}

#[test]
fn moves_that_pay_only_together_stay_and_go_together() {
    let kept = OrderedMoves::order(&swap_of_two(39), &[1, 0]).expect("the target keeps all rules");
    assert_eq!((kept.placement, kept.dropped), (vec![1, 0], vec![]));
    let dropped = OrderedMoves::order(&swap_of_two(40), &[1, 0]).expect("the target keeps all rules");
    assert_eq!((dropped.steps, dropped.dropped), (vec![], vec![0, 1]));
}

#[test]
fn a_service_with_a_task_on_every_node_is_reported_as_blocked() {
    let mut parts = swap_of_two(1).parts().clone();
    parts.tasks[1].service = 0;
    parts.nodes.truncate(2);
    parts.move_costs = MoveCosts::from_rows(&[(); 2].map(|()| vec![0; 2]));
    let plan = OrderedMoves::order(&problem(parts), &[1, 0]).expect("the target keeps all rules");
    assert_eq!((plan.steps, plan.blocked), (vec![], vec![0, 1]));
}

/// Says stop from the look with this number (from 0) on.
struct StopAt {
    look: u64,
    looks: AtomicU64,
}

impl StopAt {
    fn new(look: u64) -> Self {
        Self { look, looks: AtomicU64::new(0) }
    }

    fn stopped(&self) -> bool {
        self.looks.fetch_add(1, Ordering::Relaxed) >= self.look
    }

    fn looks(&self) -> u64 {
        self.looks.load(Ordering::Relaxed)
    }
}

#[test]
fn a_plan_that_is_stopped_at_once_clears_no_way() {
    let problem = swap_of_two(1);
    let plan = OrderedMoves::order_within(&problem, &[1, 0], PlanOptions::default(), &|| true);
    let plan = plan.expect("the target keeps all rules");
    assert_eq!((plan.steps, plan.blocked, plan.placement), (vec![], vec![0, 1], vec![0, 1]));
}

#[test]
fn a_plan_that_is_stopped_moves_nothing_rather_than_to_end_dearer() {
    // Beside the swap, task 2 makes way for its twin: it loses 30 and its twin gains 10, which only the swap
    // pays for. Once both have gone, neither alone should go home.
    let mut parts = swap_of_two(1).parts().clone();
    parts.nodes.extend([1, 0, 0].map(|like| parts.nodes[like].clone()));
    parts.move_costs = MoveCosts::from_rows(&[(); 6].map(|()| vec![0; 6]));
    parts.services.push(parts.services[0].clone());
    parts.tasks.extend([3, 1].map(|load| RebalanceTask { service: 2, need: vec![1, load], move_cost: 1 }));
    parts.initial.extend([3, 4]);
    let (problem, target) = (problem(parts), [1, 0, 5, 3]);
    let plan = OrderedMoves::order_within(&problem, &target, PlanOptions::default(), &|| true);
    let plan = plan.expect("the target keeps all rules");
    assert_eq!((plan.steps, plan.blocked), (vec![], vec![0, 1, 2, 3]));
}

/// A service with a task on every node: none of them can move, though tasks 0 and 1 would gain by a swap.
fn swap_that_nothing_can_bring_about() -> RebalanceProblem {
    let mut parts = swap_of_two(1).parts().clone();
    parts.nodes.resize(20, parts.nodes[0].clone());
    parts.tasks.resize(20, RebalanceTask { service: 0, ..parts.tasks[1].clone() });
    parts.tasks[1].service = 0;
    parts.initial = (0..20).collect();
    parts.move_costs = MoveCosts::from_rows(&[(); 20].map(|()| vec![0; 20]));
    problem(parts)
}

#[test]
fn ordering_ends_soon_after_it_is_stopped() {
    let problem = swap_that_nothing_can_bring_about();
    let mut target = problem.initial().to_vec();
    target.swap(0, 1);
    let looks = |look| {
        let stop = StopAt::new(look);
        let plan = OrderedMoves::order_within(&problem, &target, PlanOptions::default(), &|| stop.stopped());
        assert_eq!(plan.expect("the target keeps all rules").blocked, [0, 1]);
        stop.looks()
    };
    let whole = looks(u64::MAX);
    assert!(whole > 20, "without a stop it searches around the two, with {whole} looks");
    for look in [0, 10, 20] {
        assert!(looks(look) <= look + 15);
    }
}

#[test]
fn a_front_that_is_stopped_has_both_ends_and_the_points_so_far() {
    let count = 12;
    let mut parts = swap_of_two(1).parts().clone();
    let crowded = RebalanceNode { capacity: vec![100, 100], safety: vec![0, 0], ..parts.nodes[0].clone() };
    parts.nodes = [vec![crowded], vec![parts.nodes[1].clone(); count]].concat();
    parts.services = vec![parts.services[0].clone(); count];
    parts.tasks = (0..count as u32)
        .map(|i| RebalanceTask { service: i, need: vec![1 + u64::from(i) % 5, 1], move_cost: 1 })
        .collect();
    parts.initial = vec![0; count];
    parts.move_costs = MoveCosts::from_rows(&vec![vec![0; count + 1]; count + 1]);
    let problem = problem(parts);
    let target: Vec<u32> = (1..=count as u32).collect();
    let front = |look| {
        let stop = StopAt::new(look);
        let front = problem.front(&target, None, (1, 1), &|| stop.stopped());
        (front.expect("the target keeps all rules").points, stop.looks())
    };
    let (whole, looks) = front(u64::MAX);
    assert!(whole.len() == count + 1 && looks > 200);
    assert_eq!(front(0).0, [whole[0], whole[count]]);
    for look in [30, 100] {
        let (some, looks) = front(look);
        assert!(looks <= look + 25);
        assert!((3..=count).contains(&some.len()));
        assert_eq!((some[0], some[some.len() - 1]), (whole[0], whole[count]));
        for pair in some.windows(2) {
            assert!(pair[0].moves < pair[1].moves && pair[0].cost > pair[1].cost);
        }
    }
}

/// Does the node have room for all that comes in the wave while nothing of it has left?
fn all_fit_at_once(problem: &RebalanceProblem, placement: &[u32], wave: &[OrderedStep]) -> bool {
    let parts = problem.parts();
    (0..parts.nodes.len()).all(|node| {
        (0..parts.resources.len()).all(|r| {
            let here = (0..placement.len()).filter(|&t| placement[t] == node as u32);
            let coming = wave.iter().filter(|s| s.to == node as u32).map(|s| s.task as usize);
            let held: u64 = here.chain(coming).map(|t| parts.tasks[t].need[r]).sum();
            held <= parts.nodes[node].capacity[r]
        })
    })
}

/// Carries the plan out in any order within its waves and asserts that no rule is ever broken.
fn assert_safe(problem: &RebalanceProblem, plan: &OrderedMoves, seed: u64) {
    let mut chance = Pcg64Mcg::seed_from_u64(seed);
    let mut placement = problem.initial().to_vec();
    for number in 1..=plan.waves {
        let mut wave: Vec<_> = plan.steps.iter().filter(|s| s.wave == number).copied().collect();
        assert!(!wave.is_empty());
        assert!(all_fit_at_once(problem, &placement, &wave));
        let before = placement.clone();
        for _ in 0..3 {
            placement.clone_from(&before);
            wave.shuffle(&mut chance);
            for step in &wave {
                assert_eq!(placement[step.task as usize], step.from);
                placement[step.task as usize] = step.to;
                assert_eq!(problem.first_violation(&placement), None);
            }
        }
    }
    assert_eq!(placement, plan.placement);
    let fall: i64 = plan.steps.iter().map(|s| s.gain - s.cost).sum();
    let (before, after) = (problem.cost(problem.initial()).total(), plan.cost(problem).total());
    assert_eq!(fall, before as i64 - after as i64);
}

fn limits(seed: u64) -> PlanOptions {
    let mut chance = Pcg64Mcg::seed_from_u64(seed);
    let mut limit = || chance.random::<bool>().then(|| chance.random_range(1..5));
    PlanOptions { moves_max: limit(), moves_per_wave: limit(), moves_per_owner: limit(), seed }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_plan_keeps_every_rule_after_each_step_in_any_order_within_a_wave(seed in any::<u64>()) {
        let problem = random_problem(seed);
        let target = search(&problem, &options(400_000));
        let plan = OrderedMoves::order(&problem, &target).expect("the search keeps all rules");
        assert_safe(&problem, &plan, seed);
    }

    #[test]
    fn a_plan_ends_as_cheaply_as_its_target_unless_tasks_are_blocked(seed in any::<u64>()) {
        let problem = random_problem(seed);
        let target = search(&problem, &options(400_000));
        let plan = OrderedMoves::order(&problem, &target).expect("the search keeps all rules");
        let (cost, before) = (plan.cost(&problem).total(), problem.cost(problem.initial()).total());
        let most = if plan.blocked.is_empty() { problem.cost(&target).total() } else { before };
        prop_assert!(cost <= most);
        for &task in &plan.blocked {
            prop_assert_ne!(plan.placement[task as usize], target[task as usize]);
        }
    }

    #[test]
    fn every_move_of_a_plan_pays_and_no_task_is_left_at_a_stop_over(seed in any::<u64>()) {
        let problem = random_problem(seed);
        let target = search(&problem, &options(100_000));
        let plan = OrderedMoves::order(&problem, &target).expect("the search keeps all rules");
        for (task, &home) in problem.initial().iter().enumerate() {
            let mut back = plan.placement.clone();
            back[task] = home;
            let pays = problem.cost(&back).total() > plan.cost(&problem).total();
            prop_assert!(plan.placement[task] == home || problem.first_violation(&back).is_some() || pays);
            let last = plan.steps.iter().rfind(|s| s.task == task as u32);
            prop_assert!(last.is_none_or(|s| s.kind == StepKind::Move && s.to == plan.placement[task]));
        }
    }

    #[test]
    fn a_plan_that_is_stopped_is_safe_and_no_dearer_than_to_move_nothing(
        seed in any::<u64>(),
        look in 0..40_u64,
    ) {
        let problem = random_problem(seed);
        let (target, stop) = (search(&problem, &options(100_000)), StopAt::new(look));
        let plan = OrderedMoves::order_within(&problem, &target, limits(seed), &|| stop.stopped());
        let plan = plan.expect("the search keeps all rules");
        assert_safe(&problem, &plan, seed);
        prop_assert!(plan.cost(&problem).total() <= problem.cost(problem.initial()).total());
    }

    #[test]
    fn limits_on_disruption_are_kept(seed in any::<u64>()) {
        let problem = random_problem(seed);
        let limits = limits(seed);
        let target = search(&problem, &RebalanceOptions { moves_max: limits.moves_max, ..options(100_000) });
        let plan = OrderedMoves::order_within(&problem, &target, limits, &|| false);
        let plan = plan.expect("the search keeps all rules");
        let mut in_wave: BTreeMap<u32, usize> = BTreeMap::new();
        let mut of_owner: BTreeMap<(u32, u32), usize> = BTreeMap::new();
        let mut tasks: Vec<u32> = plan.steps.iter().map(|s| s.task).collect();
        for step in &plan.steps {
            *in_wave.entry(step.wave).or_default() += 1;
            *of_owner.entry((step.wave, problem.parts().tasks[step.task as usize].service)).or_default() += 1;
        }
        tasks.sort_unstable();
        tasks.dedup();
        let within = |count: usize, limit: Option<usize>| limit.is_none_or(|most| count <= most);
        prop_assert!(within(tasks.len(), limits.moves_max));
        prop_assert!(in_wave.values().all(|&n| within(n, limits.moves_per_wave)));
        prop_assert!(of_owner.values().all(|&n| within(n, limits.moves_per_owner)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn each_point_of_a_front_keeps_every_rule_and_is_beaten_by_none(seed in any::<u64>()) {
        let problem = random_problem(seed);
        let found = search(&problem, &options(100_000));
        let mut seen = Vec::new();
        let mut broken = None;
        visit_front(&problem, &found, (seed, 1), &|| false, &mut |state| {
            broken = broken.or(problem.first_violation(state.placement()));
            assert_eq!(state.cost(), problem.cost(state.placement()).total(), "the cost is exact");
            seen.push((problem.moved_count(state.placement()), state.cost()));
        });
        prop_assert_eq!(broken, None);
        let most = problem.moved_count(&found);
        let drawn = problem.front(&found, Some(most), (seed, 2), &|| false).expect("the search keeps all rules");
        let front = drawn.points;
        prop_assert_eq!(front[0], FrontPoint { moves: 0, cost: problem.cost(problem.initial()).total() });
        for pair in front.windows(2) {
            prop_assert!(pair[0].moves < pair[1].moves && pair[0].cost > pair[1].cost);
        }
        prop_assert!(front.iter().all(|p| seen.contains(&(p.moves, p.cost))));
        let last = front[front.len() - 1];
        prop_assert!(last.cost <= problem.cost(&found).total() && last.moves <= most);
        let best = (problem.moved_count(&drawn.placement), problem.cost(&drawn.placement).total());
        prop_assert_eq!(best, (last.moves, last.cost), "the best placement known is the last point");
        prop_assert_eq!(problem.first_violation(&drawn.placement), None);
    }
}
