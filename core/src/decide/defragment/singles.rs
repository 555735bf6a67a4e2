//! Moves taken one at a time, each time the one that pays best by all that then fits where the task left: one large task that
//! moves on may let many small ones in, which no chain that is made for one of them shows.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::Over;
use super::build::{Chain, ROUNDING};
use super::draft::Draft;
use super::finish::Finished;
use super::problem::{DefragmentProblem, Lens};
use crate::model::{ClassId, NodeId, Placement, TaskId};

/// The chains in order: what fits without a move, then each move with what it makes room for.
pub(super) struct Singles {
    chains: Vec<Chain>,
    /// By number of moves: how many of the chains, and the objective that they reach.
    ends: Vec<(usize, f64)>,
}

impl Singles {
    /// Takes moves as long as one pays, at most so many.
    pub(super) fn taken(problem: &DefragmentProblem<'_>, moves_max: usize, over: Over<'_>) -> Self {
        let waiting = problem.kinds.iter().map(|k| k.units.iter().rev().copied().collect()).collect();
        let draft = Draft::new(problem, Lens::Counted);
        let mut greedy = Greedy { draft, waiting, rooms: BTreeMap::new(), offers: BinaryHeap::new() };
        let chains = greedy.fill(over);
        let mut taken = Self { ends: vec![(chains.len(), greedy.draft.cost())], chains };
        let nodes: Vec<NodeId> = greedy.draft.cluster.nodes().collect();
        nodes.into_iter().for_each(|node| greedy.offer(node));
        while taken.ends.len() <= moves_max
            && !over()
            && let Some(chains) = greedy.next(over)
        {
            taken.chains.extend(chains);
            taken.ends.push((taken.chains.len(), greedy.draft.cost()));
        }
        taken
    }

    /// The plan of at most so many moves.
    pub(super) fn within(&self, moves_max: usize) -> Finished {
        let moves = moves_max.min(self.ends.len() - 1);
        let (chains, cost) = self.ends[moves];
        Finished { chains: self.chains[..chains].to_vec(), cost, moves }
    }
}

/// What a move is worth, in millionths; whose node; the class of the task.
type Offer = (i64, Reverse<NodeId>, ClassId);

/// A draft with moves on offer.
struct Greedy<'a> {
    draft: Draft<'a>,
    /// By kind: units that wait.
    waiting: Vec<Vec<usize>>,
    /// By class: nodes that had room when first asked, the fullest first.
    rooms: BTreeMap<ClassId, Vec<NodeId>>,
    /// The worth is what it was when last looked at: later it is rarely more.
    offers: BinaryHeap<Offer>,
}

impl Greedy<'_> {
    /// Places what fits without a move, the dearest first; gangs wait on.
    fn fill(&mut self, over: Over<'_>) -> Vec<Chain> {
        let problem = self.draft.problem;
        let mut chains = Vec::new();
        for kind in 0..self.waiting.len() {
            while let Some(&unit) = self.waiting[kind].last()
                && !over()
                && let &[task] = &problem.units[unit].tasks[..]
                && let Some(node) = self.room(self.draft.cluster.task(task).class, None)
            {
                let before = self.draft.cost();
                let mark = self.draft.mark();
                let Some(step) = onto(&mut self.draft, task, node) else { break };
                if self.draft.cost() >= before - ROUNDING {
                    self.draft.back_to(mark);
                    break;
                }
                self.waiting[kind].pop();
                chains.push(Chain { places: Some((kind, unit)), steps: vec![step] });
            }
        }
        chains
    }

    /// Offers the tasks of the node, one of each class, of unknown worth.
    fn offer(&mut self, node: NodeId) {
        let cluster = &self.draft.cluster;
        let movable = cluster.hosted(node).iter().filter(|&&t| self.draft.problem.may_move(t));
        let mut classes: Vec<ClassId> = movable.map(|&t| cluster.task(t).class).collect();
        classes.sort_unstable();
        classes.dedup();
        self.offers.extend(classes.into_iter().map(|class| (i64::MAX, Reverse(node), class)));
    }

    /// Takes the best move that pays.
    fn next(&mut self, over: Over<'_>) -> Option<Vec<Chain>> {
        while let Some((_, Reverse(node), class)) = self.offers.pop() {
            if over() {
                return None;
            }
            let (mark, before) = (self.draft.mark(), self.draft.cost());
            let Some(chains) = self.moved(node, class) else { continue };
            let gain = before - self.draft.cost();
            let worth = (gain * 1e6) as i64;
            if gain > ROUNDING && self.offers.peek().is_none_or(|best| best.0 <= worth) {
                let units = |kind| chains.iter().filter(|c| c.places.is_some_and(|(k, _)| k == kind)).count();
                for kind in 0..self.waiting.len() {
                    let left = self.waiting[kind].len() - units(kind);
                    self.waiting[kind].truncate(left);
                }
                self.offer(node);
                self.offer(chains[0].steps[0].1.node);
                return Some(chains);
            }
            self.draft.back_to(mark);
            if gain > ROUNDING {
                self.offers.push((worth, Reverse(node), class));
            }
        }
        None
    }

    /// Moves a task of the class off the node and lets in what then fits, the dearest first.
    fn moved(&mut self, node: NodeId, class: ClassId) -> Option<Vec<Chain>> {
        let problem = self.draft.problem;
        let of_class = |t: &&TaskId| self.draft.cluster.task(**t).class == class && problem.may_move(**t);
        let hosted = self.draft.cluster.hosted(node).iter().filter(of_class);
        let task = *hosted.min_by(|a, b| problem.move_cost(**a).total_cmp(&problem.move_cost(**b)))?;
        let to = self.room(class, Some(node))?;
        let mut chains = vec![Chain { places: None, steps: vec![onto(&mut self.draft, task, to)?] }];
        for (kind, units) in self.waiting.iter().enumerate() {
            for &unit in units.iter().rev() {
                let &[task] = &problem.units[unit].tasks[..] else { break };
                let class = self.draft.cluster.task(task).class;
                if !self.draft.cluster.fits(node, class) {
                    break;
                }
                let Some(step) = onto(&mut self.draft, task, node) else { break };
                chains.push(Chain { places: Some((kind, unit)), steps: vec![step] });
            }
        }
        Some(chains)
    }

    /// A node other than `from` with room for the class.
    fn room(&mut self, class: ClassId, from: Option<NodeId>) -> Option<NodeId> {
        let cluster = &self.draft.cluster;
        let known = self.rooms.entry(class).or_insert_with(|| {
            let mut nodes: Vec<NodeId> = cluster.nodes().filter(|&n| cluster.fits(n, class)).collect();
            nodes.sort_by_cached_key(|&n| {
                let devices: u64 = cluster.devices_free(n).iter().map(|&f| u64::from(f)).sum();
                (devices, cluster.free(n).to_vec(), n)
            });
            nodes
        });
        known.iter().copied().find(|&n| Some(n) != from && cluster.fits(n, class))
    }
}

/// Puts the task onto the node; the step, if it is allowed.
fn onto(draft: &mut Draft<'_>, task: TaskId, node: NodeId) -> Option<(TaskId, Placement)> {
    let (_, devices) = draft.growth(draft.cluster.task(task).class, node, &[])?;
    let to = Placement { node, devices };
    draft.step(task, to).then_some((task, to))
}
