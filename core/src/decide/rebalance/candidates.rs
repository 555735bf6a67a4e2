//! Where each task could stand at all, whatever else moves: its need must fit the empty node, and what is
//! transient must fit beside the tasks that run there now, since these weigh on the node until all moves are
//! done. With transient resources most pairs of task and node fall out, and the search need not try them.

use super::RebalanceProblem;
use super::problem::LANES;

/// Up to so many pairs of task and node are looked at beforehand; beyond it every pair is tried.
const PAIRS_MAX: usize = 1 << 24;
/// Longest list of nodes kept for one task; tasks with more choice are served by drawing again.
const LIST_MAX: usize = 256;

/// The pairs of task and node that are not ruled out from the start.
#[derive(Debug, Clone)]
pub(super) struct Candidates {
    /// Bit per task and node; empty when every pair counts as possible.
    bits: Vec<u64>,
    words: usize,
    /// Bounds of the task's part of `nodes`.
    start: Vec<u32>,
    nodes: Vec<u32>,
}

impl Candidates {
    /// Looks at every pair once, unless there are too many.
    pub(super) fn new(problem: &RebalanceProblem) -> Self {
        let (tasks, nodes) = (problem.task_count(), problem.node_count());
        let words = nodes.div_ceil(64);
        let mut candidates = Self { bits: Vec::new(), words, start: vec![0; tasks + 1], nodes: Vec::new() };
        if tasks.saturating_mul(nodes) > PAIRS_MAX {
            return candidates;
        }
        let fixed = held_by_home_tasks(problem);
        candidates.bits = vec![0; tasks * words];
        let mut list = Vec::with_capacity(nodes);
        for task in 0..tasks {
            list.clear();
            list.extend((0..nodes as u32).filter(|&node| fits(problem, &fixed, task, node as usize)));
            for &node in &list {
                candidates.bits[task * words + node as usize / 64] |= 1 << (node % 64);
            }
            if list.len() <= LIST_MAX && list.len() < nodes {
                candidates.nodes.extend_from_slice(&list);
            }
            candidates.start[task + 1] = candidates.nodes.len() as u32;
        }
        candidates
    }

    /// Could the task stand there?
    #[inline]
    pub(super) fn allows(&self, task: u32, node: u32) -> bool {
        let word = task as usize * self.words + node as usize / 64;
        self.bits.get(word).is_none_or(|bits| bits >> (node % 64) & 1 == 1)
    }

    /// The nodes where the task could stand, when they are few; empty when any may be tried.
    #[inline]
    pub(super) fn list(&self, task: u32) -> &[u32] {
        &self.nodes[self.start[task as usize] as usize..self.start[task as usize + 1] as usize]
    }
}

/// Rows by node: what the tasks that run there now hold of transient resources, moved or not.
fn held_by_home_tasks(problem: &RebalanceProblem) -> Vec<[f64; LANES]> {
    let mut fixed = vec![[0.0; LANES]; problem.nodes * problem.blocks];
    for (task, &home) in problem.initial().iter().enumerate() {
        for b in 0..problem.blocks {
            let (all, stays) = need(problem, task, b);
            for l in 0..LANES {
                fixed[home as usize * problem.blocks + b][l] += all[l] - stays[l];
            }
        }
    }
    fixed
}

/// The task's need in the block, and the part of it that is not transient.
fn need(problem: &RebalanceProblem, task: usize, block: usize) -> ([f64; LANES], [f64; LANES]) {
    let row = 2 * task * problem.blocks + block;
    (problem.need[row], problem.need[row + problem.blocks])
}

fn fits(problem: &RebalanceProblem, fixed: &[[f64; LANES]], task: usize, node: usize) -> bool {
    if problem.initial()[task] as usize == node {
        return true;
    }
    (0..problem.blocks).all(|b| {
        let (all, stays) = need(problem, task, b);
        let (capacity, fixed) =
            (problem.capacity[node * problem.blocks + b], fixed[node * problem.blocks + b]);
        (0..LANES).all(|l| {
            // Only what is transient weighs beside the home tasks for certain; a need of 0 fits anywhere.
            let beside = if all[l] > stays[l] { fixed[l] } else { 0.0 };
            all[l] == 0.0 || all[l] + beside <= capacity[l]
        })
    })
}
