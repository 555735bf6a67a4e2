//! Grouping crossover of two plans: the child is the first plan, in which about half of the nodes get the
//! company of tasks that they have in the second. E. Falkenauer, "A hybrid grouping genetic algorithm for bin
//! packing", Journal of Heuristics 2, 1996. Rules other than capacity hold in the child; capacities are left
//! to the local search that follows.

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::{PlacementState, RebalanceProblem};
use crate::decide::search::{Crossover, Mutation};

/// The crossover of plans (a node for each task) of one problem.
#[derive(Debug, Clone, Copy)]
pub struct GroupingCrossover<'p> {
    /// The problem that both plans are for.
    pub problem: &'p RebalanceProblem,
    /// Most tasks that may stand elsewhere than where they run now.
    pub moves_max: u32,
}

impl Crossover<Vec<u32>> for GroupingCrossover<'_> {
    fn cross(&self, first: &Vec<u32>, second: &Vec<u32>, chance: &mut Pcg64Mcg) -> Vec<u32> {
        if first == second {
            return first.clone();
        }
        let mut child = PlacementState::with_overload(self.problem, first, self.moves_max);
        let inherits: Vec<bool> = (0..self.problem.node_count()).map(|_| chance.random()).collect();
        for (task, &node) in second.iter().enumerate() {
            let (task, now) = (task as u32, child.placement()[task]);
            if now != node
                && (inherits[node as usize] || inherits[now as usize])
                && let Some(delta) = child.shift_delta(task, node, f64::INFINITY)
            {
                child.shift(task, node, delta);
            }
        }
        child.placement().to_vec()
    }
}

/// Mutation by a few shifts to random nodes, so that equal parents have different children.
#[derive(Debug, Clone, Copy)]
pub struct ShiftMutation<'p> {
    /// The problem that the plan is for.
    pub problem: &'p RebalanceProblem,
    /// Most tasks that may stand elsewhere than where they run now.
    pub moves_max: u32,
    /// Number of shifts tried.
    pub shifts: usize,
}

impl Mutation<Vec<u32>> for ShiftMutation<'_> {
    fn mutate(&self, genome: &mut Vec<u32>, chance: &mut Pcg64Mcg) {
        let mut plan = PlacementState::with_overload(self.problem, genome, self.moves_max);
        for _ in 0..self.shifts {
            let task = chance.random_range(0..genome.len()) as u32;
            let node = chance.random_range(0..self.problem.node_count()) as u32;
            if let Some(delta) = plan.shift_delta(task, node, f64::INFINITY) {
                plan.shift(task, node, delta);
            }
        }
        genome.copy_from_slice(plan.placement());
    }
}
