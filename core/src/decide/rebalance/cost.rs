//! What a placement costs, term by term, recomputed from scratch in integers, and what no placement can
//! undercut. The search keeps its own running sums; this is what they are checked against.

use serde::Serialize;

use super::RebalanceProblem;

/// The weighted terms of the objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct CostTerms {
    /// Use above the safety capacities.
    pub load: u64,
    /// Free amounts that miss their company.
    pub balance: u64,
    /// The moved tasks' own costs.
    pub task_move: u64,
    /// The largest number of moved tasks in one service.
    pub service_move: u64,
    /// From node to node.
    pub node_move: u64,
}

impl CostTerms {
    /// The sum of the terms.
    pub fn total(&self) -> u64 {
        self.load + self.balance + self.moves()
    }

    /// What the moves cost.
    pub fn moves(&self) -> u64 {
        self.task_move + self.service_move + self.node_move
    }
}

impl RebalanceProblem {
    /// The cost of a placement (a node for each task), whether or not it keeps the rules.
    pub fn cost(&self, placement: &[u32]) -> CostTerms {
        let parts = &self.parts;
        let resources = parts.resources.len();
        let mut used = vec![0_u64; parts.nodes.len() * resources];
        let mut moved_of = vec![0_u64; parts.services.len()];
        let mut terms = CostTerms::default();
        for ((task, &node), &home) in parts.tasks.iter().zip(placement).zip(&parts.initial) {
            for (r, need) in task.need.iter().enumerate() {
                used[node as usize * resources + r] += need;
            }
            if node != home {
                moved_of[task.service as usize] += 1;
                terms.task_move += task.move_cost * parts.weights.task;
                terms.node_move += u64::from(parts.move_costs.cost(home, node)) * parts.weights.node;
            }
        }
        terms.service_move = moved_of.iter().max().copied().unwrap_or(0) * parts.weights.service;
        for (node, used) in parts.nodes.iter().zip(used.chunks(resources)) {
            for (r, rule) in parts.resources.iter().enumerate() {
                terms.load += used[r].saturating_sub(node.safety[r]) * rule.load_weight;
            }
            for goal in &parts.balance {
                let free = |r: u32| node.capacity[r as usize] as i128 - used[r as usize] as i128;
                let missing = i128::from(goal.target) * free(goal.of) - free(goal.to);
                terms.balance += missing.max(0) as u64 * goal.weight;
            }
        }
        terms
    }

    /// Cost that no placement can undercut: total use is the same in every placement, so what exceeds the
    /// sum of the safety capacities, and what the sums of the free amounts miss, is paid somewhere. Move
    /// costs are ignored.
    pub fn lower_bound(&self) -> u64 {
        let parts = &self.parts;
        let sum =
            |of: &dyn Fn(usize) -> u64, count: usize| (0..count).map(|i| i128::from(of(i))).sum::<i128>();
        let (nodes, tasks) = (parts.nodes.len(), parts.tasks.len());
        let mut bound = 0_i128;
        for (r, rule) in parts.resources.iter().enumerate() {
            let need = sum(&|t| parts.tasks[t].need[r], tasks);
            let safe = sum(&|n| parts.nodes[n].safety[r].min(parts.nodes[n].capacity[r]), nodes);
            bound += (need - safe).max(0) * i128::from(rule.load_weight);
        }
        for goal in &parts.balance {
            let free = |r: u32| {
                let r = r as usize;
                sum(&|n| parts.nodes[n].capacity[r], nodes) - sum(&|t| parts.tasks[t].need[r], tasks)
            };
            let missing = i128::from(goal.target) * free(goal.of) - free(goal.to);
            bound += missing.max(0) * i128::from(goal.weight);
        }
        u64::try_from(bound).unwrap_or(u64::MAX)
    }

    /// Number of tasks that do not stand where they run now.
    pub fn moved_count(&self, placement: &[u32]) -> usize {
        placement.iter().zip(&self.parts.initial).filter(|(now, home)| now != home).count()
    }
}
