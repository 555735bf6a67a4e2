//! What the rebalancing problem, its exact deltas and the search promise.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::candidates::Candidates;
use super::*;
use crate::decide::search::Crossover;

/// The worked example of the challenge's problem statement.
fn example() -> ProblemParts {
    let node = |neighbourhood, location, capacity: [u64; 2], safety: [u64; 2]| {
        let (capacity, safety) = (capacity.to_vec(), safety.to_vec());
        RebalanceNode { neighbourhood, location, capacity, safety }
    };
    let task = |service, need: [u64; 2], move_cost| RebalanceTask { service, need: need.to_vec(), move_cost };
    ProblemParts {
        resources: vec![
            ResourceRule { transient: true, load_weight: 100 },
            ResourceRule { transient: false, load_weight: 10 },
        ],
        nodes: vec![
            node(0, 0, [30, 400], [16, 80]),
            node(0, 0, [10, 240], [8, 160]),
            node(1, 1, [15, 100], [12, 80]),
            node(1, 2, [10, 100], [8, 80]),
        ],
        move_costs: MoveCosts::from_rows(&[
            vec![0, 1, 4, 5],
            vec![1, 0, 3, 4],
            vec![4, 3, 0, 2],
            vec![5, 4, 2, 0],
        ]),
        services: vec![
            RebalanceService { spread_min: 2, depends_on: vec![] },
            RebalanceService { spread_min: 1, depends_on: vec![0] },
        ],
        tasks: vec![task(0, [12, 10], 1000), task(0, [10, 20], 100), task(1, [6, 200], 1)],
        balance: vec![BalanceGoal { of: 0, to: 1, target: 20, weight: 10 }],
        weights: MoveWeights { task: 1, service: 10, node: 100 },
        initial: vec![0, 3, 0],
    }
}

pub(super) fn problem(parts: ProblemParts) -> RebalanceProblem {
    RebalanceProblem::new(parts).expect("the problem is sound")
}

/// A random sound problem. Needs fit the capacities by construction; spread and dependencies are what the
/// running placement happens to keep.
pub(super) fn random_problem(seed: u64) -> RebalanceProblem {
    let mut chance = Pcg64Mcg::seed_from_u64(seed);
    let (resources, nodes) = (chance.random_range(1..7_usize), chance.random_range(2..9_usize));
    let (services, tasks) = (chance.random_range(1..12_usize), chance.random_range(1..30_usize));
    let mut amounts =
        |count: usize, max: u64| -> Vec<u64> { (0..count).map(|_| chance.random_range(0..=max)).collect() };
    // Some clusters are so full that most moves must wait for others.
    let slack_max = [4, 15, 40][amounts(1, 2)[0] as usize];
    let (service_of, homes) = (amounts(tasks, services as u64 - 1), amounts(tasks, nodes as u64 - 1));
    let mut listed: Vec<RebalanceTask> = Vec::new();
    let mut initial: Vec<u32> = Vec::new();
    for (&service, &home) in service_of.iter().zip(&homes) {
        let service = service as u32;
        if listed.iter().zip(&initial).any(|(t, &n)| t.service == service && n == home as u32) {
            continue;
        }
        listed.push(RebalanceTask { service, need: amounts(resources, 20), move_cost: amounts(1, 50)[0] });
        initial.push(home as u32);
    }
    let mut move_costs = MoveCosts::for_nodes(nodes);
    let nodes = (0..nodes)
        .map(|node| {
            let used = |r: usize| -> u64 {
                let here = listed.iter().zip(&initial).filter(|(_, n)| **n == node as u32);
                here.map(|(t, _)| t.need[r]).sum()
            };
            let slack = amounts(resources, slack_max);
            let capacity: Vec<u64> = (0..resources).map(|r| used(r) + slack[r]).collect();
            let mut row: Vec<u32> = amounts(nodes, 9).iter().map(|&cost| cost as u32).collect();
            row[node] = 0;
            move_costs.push_row(&row);
            RebalanceNode {
                neighbourhood: amounts(1, 2)[0] as u32,
                location: amounts(1, 4)[0] as u32,
                safety: capacity.iter().map(|&c| c / 2).collect(),
                capacity,
            }
        })
        .collect::<Vec<_>>();
    let rules = (0..resources)
        .map(|_| ResourceRule { transient: amounts(1, 2)[0] == 0, load_weight: amounts(1, 9)[0] })
        .collect();
    let balance = (0..amounts(1, 2)[0])
        .map(|_| BalanceGoal {
            of: amounts(1, resources as u64 - 1)[0] as u32,
            to: amounts(1, resources as u64 - 1)[0] as u32,
            target: amounts(1, 3)[0],
            weight: amounts(1, 5)[0],
        })
        .collect();
    let hosts = |s: usize| {
        let nodes = &nodes;
        let here = listed.iter().zip(&initial).filter(move |(t, _)| t.service as usize == s);
        here.map(move |(_, &n)| &nodes[n as usize])
    };
    let services = (0..services)
        .map(|s| {
            let mut locations: Vec<u32> = hosts(s).map(|n| n.location).collect();
            locations.sort_unstable();
            locations.dedup();
            let there =
                |other: usize| hosts(s).all(|n| hosts(other).any(|m| m.neighbourhood == n.neighbourhood));
            let depends_on =
                (0..services).filter(|&o| o != s && there(o)).take(2).map(|o| o as u32).collect();
            RebalanceService { spread_min: locations.len().saturating_sub(1) as u32, depends_on }
        })
        .collect();
    problem(ProblemParts {
        resources: rules,
        nodes,
        move_costs,
        services,
        tasks: listed,
        balance,
        weights: MoveWeights { task: 1, service: 10, node: 3 },
        initial,
    })
}

pub(super) fn search(problem: &RebalanceProblem, options: &RebalanceOptions) -> Vec<u32> {
    let board = Board::new(problem.cost(problem.initial()).total());
    let found =
        rebalance(problem, options, &Surroundings { seconds: &|| 0.0, stopped: &|| false, board: &board });
    assert_eq!(board.best_cost(), problem.cost(&found).total(), "the board shows what was found");
    found
}

pub(super) fn options(evaluations: u64) -> RebalanceOptions {
    RebalanceOptions {
        seed: 7,
        threads: 1,
        islands: 2,
        budget: Budget::Evaluations(evaluations),
        moves_max: None,
        method: Method::Hybrid,
    }
}

#[test]
fn the_worked_example_costs_what_the_problem_statement_says() {
    let problem = problem(example());
    assert_eq!(problem.cost(&[0, 3, 0]).total(), 4200);
    assert_eq!(problem.cost(&[0, 2, 0]).total(), 3510);
    let best = CostTerms { load: 0, balance: 2100, task_move: 101, service_move: 10, node_move: 200 };
    let terms = problem.cost(&[0, 2, 1]);
    assert_eq!(terms.total(), 2411);
    assert_eq!((terms.task_move, terms.service_move), (best.task_move, best.service_move));
}

#[test]
fn the_optimum_of_the_worked_example_is_found() {
    assert_eq!(search(&problem(example()), &options(200_000)), [0, 2, 1]);
}

#[test]
fn each_broken_rule_is_named() {
    let problem = problem(example());
    let violation = |placement: &[u32]| problem.first_violation(placement);
    assert!(matches!(violation(&[2, 3, 0]), None | Some(RuleViolation::Dependency { .. })));
    assert!(matches!(violation(&[3, 2, 0]), Some(RuleViolation::Capacity { node: 3, resource: 0, .. })));
    assert!(matches!(
        violation(&[0, 0, 0]),
        Some(RuleViolation::Conflict { service: 0, node: 0 }) | Some(RuleViolation::Capacity { .. })
    ));
    assert!(matches!(violation(&[0, 1, 0]), Some(RuleViolation::Spread { service: 0, locations: 1, .. })));
    assert!(matches!(
        violation(&[2, 3, 1]),
        Some(RuleViolation::Dependency { service: 1, on: 0, neighbourhood: 0 })
    ));
}

#[test]
fn a_problem_whose_running_placement_breaks_a_rule_is_refused() {
    let mut parts = example();
    parts.tasks[2].need[1] = 401;
    let error = RebalanceProblem::new(parts).expect_err("node 0 is over its capacity");
    assert_eq!(
        error.to_string(),
        "the running placement breaks a rule: node 0 holds 411 of resource 1, its capacity is 400"
    );
}

#[test]
fn inconsistent_problems_are_refused() {
    type Damage = fn(&mut ProblemParts);
    let broken: [(&str, Damage); 9] = [
        ("node 1 has a cost of 5 for moving to itself", |p| {
            p.move_costs =
                MoveCosts::from_rows(&[vec![0; 4], vec![0, 5, 0, 0], vec![0, 0, 5, 0], vec![0; 4]]);
        }),
        ("3 nodes of the move costs", |p| p.move_costs = MoveCosts::from_rows(&[(); 3].map(|()| vec![0; 3]))),
        ("1 rows of move costs, expected 4", |p| {
            p.move_costs = MoveCosts::for_nodes(4);
            p.move_costs.push_row(&[0; 4]);
        }),
        ("service of a task 2 does not exist", |p| p.tasks[0].service = 2),
        ("node of a task 4 does not exist", |p| p.initial[0] = 4),
        ("2 entries of the running placement", |p| p.initial.truncate(2)),
        ("1 needs of a task", |p| p.tasks[0].need.truncate(1)),
        ("resource of a balance goal 2", |p| p.balance[0].to = 2),
        ("could reach", |p| p.balance[0].weight = u64::from(u32::MAX)),
    ];
    for (expected, break_it) in broken {
        let mut parts = example();
        if expected == "could reach" {
            parts.nodes[0].capacity[1] = u64::from(u32::MAX);
        }
        break_it(&mut parts);
        let said = RebalanceProblem::new(parts).expect_err(expected).to_string();
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn the_result_for_a_number_of_evaluations_does_not_depend_on_threads() {
    let problem = random_problem(11);
    let results: Vec<_> = [1, 2, 4]
        .map(|threads| search(&problem, &RebalanceOptions { threads, islands: 4, ..options(900_000) }))
        .into();
    assert_eq!(results[0], results[1]);
    assert_eq!(results[0], results[2]);
}

#[test]
fn a_search_that_is_stopped_at_once_changes_nothing() {
    let problem = random_problem(3);
    let board = Board::new(problem.cost(problem.initial()).total());
    let surroundings = Surroundings { seconds: &|| 0.0, stopped: &|| true, board: &board };
    assert_eq!(rebalance(&problem, &options(1_000_000), &surroundings), problem.initial());
}

/// Locations that services lack and services missing where others depend on them, counted from scratch.
fn broken_rules(problem: &RebalanceProblem, placement: &[u32]) -> usize {
    let parts = problem.parts();
    let places = |service: usize, place: &dyn Fn(&RebalanceNode) -> u32| -> BTreeSet<u32> {
        let own = parts.tasks.iter().zip(placement).filter(|(task, _)| task.service as usize == service);
        own.map(|(_, &node)| place(&parts.nodes[node as usize])).collect()
    };
    let broken = |service: usize| {
        let spec = &parts.services[service];
        let locations = places(service, &|node| node.location);
        let own = places(service, &|node| node.neighbourhood);
        let on: BTreeSet<u32> =
            spec.depends_on.iter().copied().filter(|&on| on as usize != service).collect();
        let missing = |&on: &u32| own.difference(&places(on as usize, &|node| node.neighbourhood)).count();
        let empty = own.is_empty();
        let lacking = (spec.spread_min as usize).saturating_sub(locations.len());
        if empty { 0 } else { lacking + on.iter().map(missing).sum::<usize>() }
    };
    (0..parts.services.len()).map(broken).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn deltas_equal_a_recomputation_after_any_moves(seed in any::<u64>()) {
        let problem = random_problem(seed);
        let mut chance = Pcg64Mcg::seed_from_u64(seed ^ 1);
        let mut state = PlacementState::with_overload(&problem, problem.initial(), u32::MAX);
        let (tasks, nodes) = (problem.task_count() as u32, problem.node_count() as u32);
        for _ in 0..200 {
            let before = problem.cost(state.placement()).total() as f64;
            let (a, b) = (chance.random_range(0..tasks), chance.random_range(0..tasks));
            let mut moved = state.placement().to_vec();
            let delta = if chance.random() {
                let to = chance.random_range(0..nodes);
                moved[a as usize] = to;
                state.shift_delta(a, to, f64::INFINITY).inspect(|&d| state.shift(a, to, d))
            } else {
                moved.swap(a as usize, b as usize);
                state.swap_delta(a, b, f64::INFINITY).inspect(|&d| state.swap(a, b, d))
            };
            match delta {
                Some(delta) => {
                    prop_assert_eq!(state.placement(), &moved);
                    let after = problem.cost(&moved).total() as f64;
                    prop_assert_eq!(after - before, delta.cost);
                    prop_assert_eq!(state.cost() as f64, after);
                    prop_assert_eq!(state.moved() as usize, problem.moved_count(&moved));
                    let violation = problem.first_violation(&moved);
                    let capacity = matches!(
                        violation,
                        Some(RuleViolation::Capacity { .. } | RuleViolation::Transient { .. })
                    );
                    prop_assert_eq!(capacity, state.nodes_over() > 0, "{:?}", violation);
                    prop_assert!(capacity || violation.is_none(), "{:?}", violation);
                }
                None if moved != state.placement() => {
                    let broken = problem.first_violation(&moved);
                    prop_assert!(broken.is_some(), "a move was refused that keeps every rule");
                }
                None => {}
            }
        }
    }

    #[test]
    fn soft_rules_are_counted_and_priced_exactly(seed in any::<u64>(), price in 1.0..1e6_f64) {
        let problem = random_problem(seed);
        let mut chance = Pcg64Mcg::seed_from_u64(seed ^ 5);
        let mut soft = PlacementState::with_overload(&problem, problem.initial(), u32::MAX);
        soft.adapt_penalties(1.0, 0.0, true);
        soft.set_rule_price(price);
        let (tasks, nodes) = (problem.task_count() as u32, problem.node_count() as u32);
        for _ in 0..200 {
            let (a, b) = (chance.random_range(0..tasks), chance.random_range(0..tasks));
            let before = soft.broken_rules();
            let delta = if chance.random() {
                let to = chance.random_range(0..nodes);
                soft.shift_delta(a, to, f64::INFINITY).inspect(|&d| soft.shift(a, to, d))
            } else {
                soft.swap_delta(a, b, f64::INFINITY).inspect(|&d| soft.swap(a, b, d))
            };
            let Some(delta) = delta else { continue };
            let broken = broken_rules(&problem, soft.placement());
            prop_assert_eq!(soft.broken_rules() as usize, broken);
            prop_assert_eq!(delta.overload, (broken as f64 - f64::from(before)) * price);
            prop_assert_eq!(soft.cost(), problem.cost(soft.placement()).total());
        }
    }

    #[test]
    fn moves_that_are_emphasised_count_more_and_cost_the_same(seed in any::<u64>(), emphasis in 0.0..1e3) {
        let problem = random_problem(seed);
        let mut chance = Pcg64Mcg::seed_from_u64(seed ^ 4);
        let mut plain = PlacementState::with_overload(&problem, problem.initial(), u32::MAX);
        let mut emphasised = plain.clone();
        emphasised.set_emphasis(emphasis);
        let (tasks, nodes) = (problem.task_count() as u32, problem.node_count() as u32);
        for _ in 0..100 {
            let (a, b) = (chance.random_range(0..tasks), chance.random_range(0..tasks));
            let to = chance.random_range(0..nodes);
            let swap = chance.random();
            let delta = |state: &PlacementState<'_>| {
                let limit = f64::INFINITY;
                if swap { state.swap_delta(a, b, limit) } else { state.shift_delta(a, to, limit) }
            };
            let (Some(delta), more) = (delta(&plain), delta(&emphasised)) else { continue };
            let moves_before = problem.cost(plain.placement()).moves() as f64;
            for state in [&mut plain, &mut emphasised] {
                if swap { state.swap(a, b, delta) } else { state.shift(a, to, delta) }
            }
            let grown = problem.cost(plain.placement()).moves() as f64 - moves_before;
            let more = more.map(|more| (more.cost, more.overload - delta.overload));
            prop_assert_eq!(more.map(|more| more.0), Some(delta.cost));
            let counted = more.map_or(f64::NAN, |more| more.1);
            prop_assert!((counted - emphasis * grown).abs() <= 1e-6 * (1.0 + delta.overload.abs() + counted.abs()));
        }
    }

    #[test]
    fn a_chain_costs_what_its_two_shifts_cost_and_pricing_it_changes_nothing(seed in any::<u64>()) {
        let problem = random_problem(seed);
        let mut chance = Pcg64Mcg::seed_from_u64(seed ^ 2);
        let mut state = PlacementState::with_overload(&problem, problem.initial(), u32::MAX);
        let (tasks, nodes) = (problem.task_count() as u32, problem.node_count() as u32);
        for _ in 0..100 {
            let before = (state.placement().to_vec(), state.cost(), state.nodes_over());
            let other = chance.random_range(0..tasks);
            let first = (chance.random_range(0..tasks), before.0[other as usize]);
            let second = (other, chance.random_range(0..nodes));
            let chain = state.chain_delta(first, second, f64::INFINITY);
            prop_assert_eq!((state.placement().to_vec(), state.cost(), state.nodes_over()), before.clone());
            let Some((there, onward)) = chain else { continue };
            state.shift(first.0, first.1, there);
            state.shift(second.0, second.1, onward);
            let (was, now) = (before.1 as f64, problem.cost(state.placement()).total() as f64);
            prop_assert_eq!(now - was, there.plus(onward).cost);
            prop_assert_eq!(state.cost() as f64, now);
        }
    }

    #[test]
    fn a_task_never_fits_where_it_is_no_candidate(seed in any::<u64>()) {
        let problem = random_problem(seed);
        let candidates = Candidates::new(&problem);
        let mut chance = Pcg64Mcg::seed_from_u64(seed ^ 3);
        for task in 0..problem.task_count() as u32 {
            let list = candidates.list(task);
            for node in 0..problem.node_count() as u32 {
                prop_assert!(list.is_empty() || list.contains(&node) == candidates.allows(task, node));
                if candidates.allows(task, node) {
                    continue;
                }
                // Whoever else has left.
                let mut placement = problem.initial().to_vec();
                for at in &mut placement {
                    if chance.random() {
                        *at = chance.random_range(0..problem.node_count() as u32);
                    }
                }
                placement[task as usize] = node;
                prop_assert!(problem.first_violation(&placement).is_some());
            }
        }
    }

    #[test]
    fn a_move_is_refused_only_above_its_limit(seed in any::<u64>()) {
        let problem = random_problem(seed);
        let state = PlacementState::with_overload(&problem, problem.initial(), u32::MAX);
        for task in 0..problem.task_count() as u32 {
            for node in 0..problem.node_count() as u32 {
                let Some(delta) = state.shift_delta(task, node, f64::INFINITY) else { continue };
                let price = delta.penalised();
                prop_assert_eq!(state.shift_delta(task, node, price), Some(delta));
                prop_assert_eq!(state.shift_delta(task, node, price - 1.0), None);
            }
        }
    }

    #[test]
    fn what_is_found_keeps_every_rule_and_the_limit_on_moves(
        seed in any::<u64>(),
        moves_max in 0..6_usize,
        method in prop_oneof![Just(Method::Hybrid), Just(Method::LocalSearch), Just(Method::Evolution)],
    ) {
        let problem = random_problem(seed);
        let options = RebalanceOptions { moves_max: Some(moves_max), method, ..options(400_000) };
        let found = search(&problem, &options);
        prop_assert_eq!(problem.first_violation(&found), None);
        prop_assert!(problem.moved_count(&found) <= moves_max);
        prop_assert!(problem.cost(&found).total() <= problem.cost(problem.initial()).total());
        prop_assert!(problem.cost(&found).total() >= problem.lower_bound());
    }

    #[test]
    fn children_of_two_plans_keep_every_rule_but_capacity(seed in any::<u64>()) {
        let problem = random_problem(seed);
        let parents = [1, 2].map(|s| search(&problem, &RebalanceOptions { seed: s, ..options(100_000) }));
        let cross = GroupingCrossover { problem: &problem, moves_max: u32::MAX };
        let child = cross.cross(&parents[0], &parents[1], &mut Pcg64Mcg::seed_from_u64(seed));
        let violation = problem.first_violation(&child);
        let allowed = matches!(
            violation,
            None | Some(RuleViolation::Capacity { .. } | RuleViolation::Transient { .. })
        );
        prop_assert!(allowed, "{:?}", violation);
        for (task, node) in child.iter().enumerate() {
            prop_assert!(parents.iter().any(|p| p[task] == *node));
        }
    }
}
