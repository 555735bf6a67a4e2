//! Leaving out of a plan what nothing needs: a move stays only where a task could not be placed without it, or where it is
//! clearly worth its price. What is tried is a look at the nodes that a move touches, not at the whole plan.

use std::collections::BTreeMap;

use super::Over;
use super::build::Chain;
use super::draft::Draft;
use super::problem::{DefragmentProblem, Lens};
use crate::model::fragmentation::DevicesLeft;
use crate::model::{NodeId, Placement, TaskId};

/// What a move must gain, in its own price, to stay though no task needs it.
const CLEARLY: f64 = 1.5;
/// Most steps that are left out together.
const GROUP_MAX: usize = 32;
/// Most passes over the plan.
const PASSES_MAX: usize = 8;

/// The chains without the moves that nothing needs. Where each try is a replay of the whole plan it gives what it has
/// come to once it is over; else it takes no time to speak of.
pub(super) fn prune(problem: &DefragmentProblem<'_>, chains: &[Chain], over: Over<'_>) -> Vec<Chain> {
    let steps = chains.iter().enumerate().flat_map(|(at, c)| c.steps.iter().map(move |s| (at, *s)));
    let mut left: Vec<Chain> = chains.iter().map(|c| Chain { places: c.places, steps: Vec::new() }).collect();
    for (chain, step) in prune_steps(problem, steps, over) {
        left[chain].steps.push(step);
    }
    left.retain(|c| !c.steps.is_empty());
    left
}

/// The same for steps in any other order that is allowed, each with the number of its chain.
pub(super) fn prune_steps(
    problem: &DefragmentProblem<'_>,
    steps: impl Iterator<Item = (usize, (TaskId, Placement))>,
    over: Over<'_>,
) -> Vec<(usize, (TaskId, Placement))> {
    let mut pruning = Pruning::new(problem, steps);
    pruning.leave_out_groups(over);
    let stay = pruning.steps.iter().zip(&pruning.stays).filter(|(_, stays)| **stays);
    stay.map(|(s, _)| (s.chain, (s.task, s.to))).collect()
}

/// A step of the plan.
#[derive(Debug, Clone, Copy)]
struct Planned {
    chain: usize,
    task: TaskId,
    to: Placement,
    is_move: bool,
}

/// What is left of a node after the steps that touch it.
struct Left {
    resources: Vec<i64>,
    devices: DevicesLeft,
}

/// A plan of which steps are being left out.
struct Pruning<'a> {
    problem: &'a DefragmentProblem<'a>,
    steps: Vec<Planned>,
    stays: Vec<bool>,
    of_task: BTreeMap<TaskId, Vec<usize>>,
    /// The steps of every task that ever stands on the node.
    near: BTreeMap<NodeId, Vec<usize>>,
    /// Does a rule of a task look at other nodes? Then each try is a replay of the whole plan.
    looks_around: bool,
}

impl<'a> Pruning<'a> {
    fn new(
        problem: &'a DefragmentProblem<'a>,
        in_order: impl Iterator<Item = (usize, (TaskId, Placement))>,
    ) -> Self {
        let cluster = problem.cluster;
        let mut steps = Vec::new();
        let mut of_task: BTreeMap<TaskId, Vec<usize>> = BTreeMap::new();
        for (chain, (task, to)) in in_order {
            let earlier = of_task.entry(task).or_default();
            let is_move = cluster.placement(task).is_some() || !earlier.is_empty();
            earlier.push(steps.len());
            steps.push(Planned { chain, task, to, is_move });
        }
        let mut near: BTreeMap<NodeId, Vec<usize>> = BTreeMap::new();
        for (&task, own) in &of_task {
            let mut nodes: Vec<NodeId> = own.iter().map(|&i| steps[i].to.node).collect();
            nodes.extend(cluster.placement(task).map(|p| p.node));
            nodes.sort_unstable();
            nodes.dedup();
            nodes.iter().for_each(|&n| near.entry(n).or_default().extend(own));
        }
        near.values_mut().for_each(|steps| steps.sort_unstable());
        let looks_around = steps.iter().any(|s| cluster.looks_around(cluster.task(s.task).class));
        Self { problem, stays: vec![true; steps.len()], steps, of_task, near, looks_around }
    }

    /// Goes over the moves, the last first, and leaves out each that can go, with those that then have to.
    fn leave_out_groups(&mut self, over: Over<'_>) {
        for _ in 0..PASSES_MAX {
            let mut any = false;
            for at in (0..self.steps.len()).rev() {
                if self.looks_around && over() {
                    return;
                }
                any |= self.stays[at] && self.steps[at].is_move && self.leave_out(&[at]);
            }
            if self.problem.nodes_count() {
                any |= self.leave_out_exchanges();
            }
            if !any {
                return;
            }
        }
    }

    /// Moves that belong together may pay only together, and not even so.
    fn leave_out_exchanges(&mut self) -> bool {
        let mut of_chain: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, step) in self.steps.iter().enumerate().filter(|&(at, s)| s.is_move && self.stays[at]) {
            of_chain.entry(step.chain).or_default().push(at);
        }
        of_chain.into_values().fold(false, |any, moves| any | self.leave_out(&moves))
    }

    /// Leaves the moves out, and with them what stands in the way of that; or changes nothing.
    fn leave_out(&mut self, moves: &[usize]) -> bool {
        let mut out = Vec::new();
        let mut touched = Vec::new();
        moves.iter().for_each(|&at| self.take_out(at, &mut out, &mut touched));
        let mut possible = true;
        while possible {
            let Some((node, blocked)) = self.first_blocked(&touched) else { break };
            let way = if self.steps[blocked].is_move {
                Some(blocked)
            } else {
                node.and_then(|node| self.last_guest(node, blocked))
            };
            match way.filter(|_| out.len() < GROUP_MAX) {
                Some(at) => self.take_out(at, &mut out, &mut touched),
                None => possible = false,
            }
        }
        let possible = possible && !self.is_worth(&out, &touched);
        if !possible {
            out.iter().for_each(|&at| self.stays[at] = true);
        }
        possible
    }

    /// The first step found that is not allowed any more, with the node where it has no room if it is that.
    fn first_blocked(&self, touched: &[NodeId]) -> Option<(Option<NodeId>, usize)> {
        let crowded = touched.iter().find_map(|&node| Some((Some(node), self.left_on(node).err()?)));
        crowded.or_else(|| if self.looks_around { Some((None, self.first_refused()?)) } else { None })
    }

    /// Takes a step out, and a later one of the task that then leads nowhere; notes the nodes this may crowd.
    fn take_out(&mut self, at: usize, out: &mut Vec<usize>, touched: &mut Vec<NodeId>) {
        if !self.stays[at] {
            return;
        }
        let from = self.from(at);
        self.stays[at] = false;
        out.push(at);
        touched.extend(from.map(|f| f.node).filter(|n| !touched.contains(n)));
        let next = self.of_task[&self.steps[at].task].iter().copied().find(|&i| i > at && self.stays[i]);
        if let Some(next) = next.filter(|&i| self.from(i) == Some(self.steps[i].to)) {
            self.take_out(next, out, touched);
        }
    }

    /// Where the task of the step stands before it.
    fn from(&self, at: usize) -> Option<Placement> {
        let step = &self.steps[at];
        let earlier = self.of_task[&step.task].iter().rev().find(|&&i| i < at && self.stays[i]);
        earlier.map_or_else(|| self.problem.cluster.placement(step.task), |&i| Some(self.steps[i].to))
    }

    /// What is left of the node in the end, or the first step that finds no room there.
    fn left_on(&self, node: NodeId) -> Result<Left, usize> {
        let cluster = self.problem.cluster;
        let mut left =
            Left { resources: cluster.free(node).to_vec(), devices: DevicesLeft::of_node(cluster, node) };
        for &at in self.near.get(&node).map_or(&[][..], Vec::as_slice) {
            if !self.stays[at] {
                continue;
            }
            let Planned { task, to, .. } = self.steps[at];
            let demand = cluster.demand(task);
            let milli = demand.devices.map_or(0, |d| d.milli);
            if to.node == node {
                let enough = left.resources.iter().zip(&demand.resources).all(|(left, need)| left >= need)
                    && to.devices.iter().all(|i| left.devices.free()[i] >= milli);
                if !enough {
                    return Err(at);
                }
                left.resources.iter_mut().zip(&demand.resources).for_each(|(left, need)| *left -= need);
                to.devices.iter().for_each(|i| left.devices.take(i, milli));
            }
            if let Some(from) = self.from(at).filter(|f| f.node == node) {
                left.resources.iter_mut().zip(&demand.resources).for_each(|(left, need)| *left += need);
                let in_service = cluster.devices_in_service(node);
                from.devices.iter().filter(|&i| in_service[i]).for_each(|i| left.devices.give(i, milli));
            }
        }
        Ok(left)
    }

    /// The last move that has brought a task to the node which is still there at the step.
    fn last_guest(&self, node: NodeId, step: usize) -> Option<usize> {
        let near = self.near.get(&node)?;
        near.iter().rev().copied().find(|&at| {
            let Planned { task, to, is_move, .. } = self.steps[at];
            let leaves = || self.of_task[&task].iter().any(|&i| i > at && i < step && self.stays[i]);
            at < step && self.stays[at] && is_move && to.node == node && !leaves()
        })
    }

    /// Do the steps, which have been taken out, gain clearly more than they cost, apart from what they make room for?
    fn is_worth(&mut self, out: &[usize], touched: &[NodeId]) -> bool {
        if !self.problem.nodes_count() {
            return false;
        }
        let mut nodes = touched.to_vec();
        nodes.extend(out.iter().map(|&at| self.steps[at].to.node));
        nodes.sort_unstable();
        nodes.dedup();
        let without = self.cost_of(&nodes);
        out.iter().for_each(|&at| self.stays[at] = true);
        let with = self.cost_of(&nodes);
        out.iter().for_each(|&at| self.stays[at] = false);
        let price: f64 = out.iter().map(|&at| self.problem.move_cost(self.steps[at].task)).sum();
        without - with >= CLEARLY * price
    }

    fn cost_of(&self, nodes: &[NodeId]) -> f64 {
        let left = nodes.iter().filter_map(|&n| Some((n, self.left_on(n).ok()?)));
        left.map(|(n, l)| self.problem.node_cost(Lens::Counted, n, &l.resources, &l.devices)).sum()
    }

    /// The first step that some rule does not allow at its turn.
    fn first_refused(&self) -> Option<usize> {
        let mut draft = Draft::new(self.problem, Lens::Counted);
        let mut left = (0..self.steps.len()).filter(|&at| self.stays[at]);
        left.find(|&at| !draft.step(self.steps[at].task, self.steps[at].to))
    }
}
