//! What generated reassignment instances promise.

use lepton_core::decide::rebalance::{PlacementState, REBALANCE_COST_MAX, RebalanceProblem};
use proptest::prelude::*;

use super::*;

fn checked(shape: &ReassignmentShape, seed: u64) -> RebalanceProblem {
    RebalanceProblem::new(reassignment(shape, seed)).expect("a generated instance keeps every rule")
}

#[test]
fn an_instance_has_the_size_and_the_rules_that_were_asked_for() {
    let shape = ReassignmentShape::of_size(200, 2_000, 6);
    let parts = reassignment(&shape, 1);
    assert_eq!((parts.nodes.len(), parts.tasks.len(), parts.resources.len()), (200, 2_000, 6));
    assert_eq!(parts.resources.iter().filter(|r| r.transient).count(), 2);
    assert_eq!(parts.balance.len(), 1);
    let distinct = |of: fn(&RebalanceNode) -> u32| {
        parts.nodes.iter().map(of).collect::<std::collections::BTreeSet<_>>().len()
    };
    assert_eq!((distinct(|n| n.location), distinct(|n| n.neighbourhood)), (20, 5));
    assert!((270..400).contains(&parts.services.len()), "{} services", parts.services.len());
    assert!(parts.services.iter().filter(|s| !s.depends_on.is_empty()).count() > 50);
    assert!(parts.services.iter().filter(|s| s.spread_min > 1).count() > 50);
}

#[test]
fn capacities_are_tight_and_the_running_placement_is_poor() {
    let problem = checked(&ReassignmentShape::of_size(100, 5_000, 3), 1);
    let parts = problem.parts();
    for r in 0..3 {
        let capacity: u64 = parts.nodes.iter().map(|n| n.capacity[r]).sum();
        let need: u64 = parts.tasks.iter().map(|t| t.need[r]).sum();
        let share = need as f64 / capacity as f64;
        assert!((0.75..=0.86).contains(&share), "{share}");
    }
    let initial = problem.cost(problem.initial()).total();
    assert!(initial > problem.lower_bound() * 5 / 4, "{initial} over {}", problem.lower_bound());
    assert!(u128::from(initial) < REBALANCE_COST_MAX);
}

#[test]
fn some_but_not_most_tasks_could_move_at_once() {
    for (nodes, tasks, resources) in [(100, 5_000, 12), (200, 2_000, 6)] {
        let problem = checked(&ReassignmentShape::of_size(nodes, tasks, resources), 1);
        let state = PlacementState::new(&problem, problem.initial()).expect("it keeps every rule");
        let mut chance = Pcg64Mcg::seed_from_u64(1);
        let pair = |_| {
            let (task, node) = (chance.random_range(0..tasks as u32), chance.random_range(0..nodes as u32));
            let delta = state.shift_delta(task, node, f64::INFINITY);
            usize::from(delta.is_some_and(|d| d.overload <= 0.0))
        };
        let possible: usize = (0..2_000).map(pair).sum();
        assert!((100..1_500).contains(&possible), "{possible} of 2000");
    }
}

#[test]
fn seeds_differ_and_repeat() {
    let shape = ReassignmentShape::of_size(20, 100, 3);
    assert_eq!(reassignment(&shape, 5), reassignment(&shape, 5));
    assert_ne!(reassignment(&shape, 5), reassignment(&shape, 6));
}

proptest! {
    #[test]
    fn instances_of_any_size_keep_every_rule(
        nodes in 1..40_usize,
        tasks in 1..200_usize,
        resources in 1..13_usize,
        seed in any::<u64>(),
    ) {
        let shape = ReassignmentShape::of_size(nodes, tasks, resources);
        let problem = RebalanceProblem::new(reassignment(&shape, seed));
        prop_assert!(problem.is_ok(), "{:?}", problem.err());
    }
}
