//! Adding to a draft: a pending unit finds room where few tasks must leave, and each of those finds another node
//! first. Each such chain of steps is taken in an order in which every step is allowed at its turn.

use std::collections::BTreeMap;

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::Over;
use super::draft::Draft;
use super::eject::{Ejection, cheapest_ejection};
use super::index::NodeIndex;
use crate::model::{ClassId, NodeId, Placement, TaskId};

/// Steps that are taken together or not at all: moves, and the placement of the unit they make room for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chain {
    /// Kind and unit that is placed at the end.
    pub(super) places: Option<(usize, usize)>,
    pub(super) steps: Vec<(TaskId, Placement)>,
}

/// How far moves may hang on each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// Who leaves goes where there is room.
    Shallow,
    /// Who leaves may make others leave in turn.
    Deep,
}

/// Nodes asked for one step before it is given up.
const NODES_ASKED_MAX: usize = 6;
/// Nodes of which tasks are tried away for one step.
const EJECTIONS_MAX: usize = 4;
/// Costs closer than this are equal: sums of many terms.
pub(super) const ROUNDING: f64 = 1e-9;
/// Nodes looked at for an exchange.
const EXCHANGE_NODES: usize = 40;

/// Completes drafts; keeps what it knows of nodes between calls. Over, it adds nothing more.
pub(super) struct Builder<'a> {
    over: Over<'a>,
    depth: Depth,
    moves_max: usize,
    /// A node that nobody goes to for now, so that another way is tried.
    shunned: Option<NodeId>,
    /// By class: where a task of the class goes best as things are.
    direct: Vec<Option<NodeIndex>>,
    /// By depth and class: the node from which it costs least to make tasks leave for it. Kept while the node
    /// stays as it is, though what the leaving tasks find elsewhere may change: a guess, tried before it counts.
    eject: [Vec<Option<NodeIndex>>; 2],
    /// By class: cost of the best new place for one of its tasks, infinite where there is none.
    relocation: Vec<f64>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(draft: &Draft<'_>, moves_max: usize, over: Over<'a>) -> Self {
        let none = vec![None; draft.cluster.classes().len()];
        Self {
            over,
            depth: Depth::Shallow,
            moves_max,
            shunned: None,
            direct: none.clone(),
            relocation: vec![f64::INFINITY; none.len()],
            eject: [none.clone(), none],
        }
    }

    /// Lets nobody go to the node, or again to any.
    pub(super) fn shun(&mut self, node: Option<NodeId>) {
        self.shunned = node;
    }

    pub(super) fn moves_max(&self) -> usize {
        self.moves_max
    }

    /// Asks where tasks of each class would go now.
    pub(super) fn look_around(&mut self, draft: &mut Draft<'_>, depth: Depth) {
        self.depth = Depth::Shallow;
        self.eject.iter_mut().flatten().flatten().for_each(NodeIndex::let_in);
        for class in 0..self.relocation.len() {
            let index = self.direct_index(draft, ClassId::from(class));
            self.relocation[class] = index.least().unwrap_or(f64::INFINITY);
            self.direct[class] = Some(index);
        }
        if depth == Depth::Deep {
            let homeless: Vec<usize> =
                (0..self.relocation.len()).filter(|&c| self.relocation[c].is_infinite()).collect();
            let costs: Vec<f64> = homeless
                .iter()
                .map(|&c| self.eject_index(draft, ClassId::from(c)).least().unwrap_or(f64::INFINITY))
                .collect();
            homeless.into_iter().zip(costs).for_each(|(class, cost)| self.relocation[class] = cost);
        }
        self.depth = depth;
    }

    /// The index of the class, up to date; taken out, to be put back.
    fn direct_index(&mut self, draft: &mut Draft<'_>, class: ClassId) -> NodeIndex {
        let nodes = draft.cluster.node_count();
        let mut index = self.direct[class.index()].take().unwrap_or_else(|| NodeIndex::new(nodes));
        index.refresh(draft, self.over, |draft, node| {
            draft.cluster.fits(node, class).then(|| draft.growth(class, node, &[]))?.map(|(cost, _)| cost)
        });
        index
    }

    fn eject_index(&mut self, draft: &mut Draft<'_>, class: ClassId) -> &mut NodeIndex {
        let nodes = draft.cluster.node_count();
        let relocation = &self.relocation;
        let index =
            self.eject[self.depth as usize][class.index()].get_or_insert_with(|| NodeIndex::new(nodes));
        index.refresh(draft, self.over, |draft, node| {
            cheapest_ejection(draft, class, node, &|c| relocation[c.index()]).map(|e| e.cost)
        });
        index
    }

    /// Places the unit, with others leaving where they must, each move counted at `price` at least. None, and
    /// the draft as before, when that does not pay.
    pub(super) fn place(
        &mut self,
        draft: &mut Draft<'_>,
        kind: usize,
        unit: usize,
        price: f64,
    ) -> Option<Chain> {
        let (mark, before, moves) = (draft.mark(), draft.cost(), draft.moves());
        let mut steps = Vec::new();
        let problem = draft.problem;
        let tasks = &problem.units[unit].tasks;
        let levels = self.depth as usize + 1;
        let mut placed = tasks.iter().all(|&t| self.insert(draft, t, levels, &mut Vec::new(), &mut steps));
        if placed && tasks.len() > 1 {
            // A gang comes in one go, after all moves.
            steps.sort_by_key(|(task, _)| tasks.contains(task));
            draft.back_to(mark);
            placed = steps.iter().all(|&(task, to)| draft.step(task, to));
        }
        let taken = draft.moves() - moves;
        let surcharge = taken as f64 * (price - problem.objective.migration()).max(0.0);
        if !placed || draft.moves() > self.moves_max || draft.cost() + surcharge >= before - ROUNDING {
            draft.back_to(mark);
            return None;
        }
        Some(Chain { places: Some((kind, unit)), steps })
    }

    /// Moves a task to where the whole becomes cheaper.
    pub(super) fn tidy(&mut self, draft: &mut Draft<'_>, task: TaskId) -> Option<Chain> {
        let (mark, before) = (draft.mark(), draft.cost());
        let mut steps = Vec::new();
        let done = self.insert(draft, task, 0, &mut Vec::new(), &mut steps);
        if done && draft.moves() <= self.moves_max && draft.cost() < before - ROUNDING {
            return Some(Chain { places: None, steps });
        }
        draft.back_to(mark);
        None
    }

    /// Puts a task (pending, or to be moved) on a node not among `avoid`; others leave for it at most `levels`
    /// deep.
    fn insert(
        &mut self,
        draft: &mut Draft<'_>,
        task: TaskId,
        levels: usize,
        avoid: &mut Vec<NodeId>,
        steps: &mut Vec<(TaskId, Placement)>,
    ) -> bool {
        let class = draft.cluster.task(task).class;
        let from = draft.cluster.placement(task).map(|p| p.node);
        let mut index = self.direct_index(draft, class);
        let node = index.cheapest(NODES_ASKED_MAX + avoid.len(), |node| {
            !avoid.contains(&node)
                && Some(node) != from
                && Some(node) != self.shunned
                && onto(draft, task, node, steps)
        });
        self.direct[class.index()] = Some(index);
        node.is_some() || levels > 0 && self.insert_by_ejection(draft, task, levels, avoid, steps)
    }

    fn insert_by_ejection(
        &mut self,
        draft: &mut Draft<'_>,
        task: TaskId,
        levels: usize,
        avoid: &mut Vec<NodeId>,
        steps: &mut Vec<(TaskId, Placement)>,
    ) -> bool {
        let class = draft.cluster.task(task).class;
        let from = draft.cluster.placement(task).map(|p| p.node);
        for _ in 0..EJECTIONS_MAX {
            if (self.over)() {
                return false;
            }
            let shunned = self.shunned;
            let index = self.eject_index(draft, class);
            let asked_max = NODES_ASKED_MAX + avoid.len();
            let node = index.cheapest(asked_max, |node| {
                !avoid.contains(&node) && Some(node) != from && Some(node) != shunned
            });
            let Some(node) = node else { return false };
            let relocation = &self.relocation;
            let ejection = cheapest_ejection(draft, class, node, &|c| relocation[c.index()]);
            let (mark, taken) = (draft.mark(), steps.len());
            if let Some(Ejection { tasks, .. }) = ejection
                && draft.moves() + tasks.len() <= self.moves_max
            {
                avoid.push(node);
                let left = tasks.iter().all(|&t| self.insert(draft, t, levels - 1, avoid, steps));
                avoid.pop();
                if left && onto(draft, task, node, steps) {
                    return true;
                }
            }
            draft.back_to(mark);
            steps.truncate(taken);
            if let Some(index) = &mut self.eject[self.depth as usize][class.index()] {
                index.rule_out(node);
            }
        }
        false
    }

    /// Lets a task of the node `near` change places with tasks elsewhere that leave more of what is scarce here.
    /// One side stops over on a third node, for no place is free before it is left.
    pub(super) fn exchange(
        &mut self,
        draft: &mut Draft<'_>,
        near: NodeId,
        chance: &mut Pcg64Mcg,
    ) -> Option<Chain> {
        let hosted = draft.cluster.hosted(near);
        let out = *hosted.get(chance.random_range(0..hosted.len().max(1)))?;
        let (far, tasks) = partner(draft, near, out, chance)?;
        let mark = draft.mark();
        let mut avoid = vec![near, far];
        for out_first in [false, true] {
            let mut steps = Vec::new();
            let waits: &[TaskId] = if out_first { std::slice::from_ref(&out) } else { &tasks };
            let mut fine = waits.iter().all(|&t| self.insert(draft, t, 0, &mut avoid, &mut steps));
            fine = fine && (out_first || onto(draft, out, far, &mut steps));
            fine = fine && tasks.iter().all(|&t| onto(draft, t, near, &mut steps));
            fine = fine && (!out_first || onto(draft, out, far, &mut steps));
            if fine && draft.moves() <= self.moves_max {
                return Some(Chain { places: None, steps });
            }
            draft.back_to(mark);
        }
        None
    }
}

/// The node, of some drawn, where `out` is best exchanged for tasks that then fit on `near`.
fn partner(
    draft: &mut Draft<'_>,
    near: NodeId,
    out: TaskId,
    chance: &mut Pcg64Mcg,
) -> Option<(NodeId, Vec<TaskId>)> {
    let class = draft.cluster.task(out).class;
    let mut cost_near: BTreeMap<ClassId, f64> = BTreeMap::new();
    let mut best: Option<(NodeId, Ejection)> = None;
    for _ in 0..EXCHANGE_NODES {
        let far = NodeId::from(chance.random_range(0..draft.cluster.node_count()));
        if far == near || draft.cluster.fits(far, class) {
            continue;
        }
        for at in 0..draft.cluster.hosted(far).len() {
            let theirs = draft.cluster.task(draft.cluster.hosted(far)[at]).class;
            if theirs != class && !cost_near.contains_key(&theirs) {
                let growth = draft.growth(theirs, near, &[out]).map_or(f64::INFINITY, |(growth, _)| growth);
                cost_near.insert(theirs, growth);
            }
        }
        let cost_of = |c: ClassId| cost_near.get(&c).copied().unwrap_or(f64::INFINITY);
        if let Some(found) = cheapest_ejection(draft, class, far, &cost_of)
            && best.as_ref().is_none_or(|(_, b)| found.cost < b.cost)
        {
            best = Some((far, found));
        }
    }
    best.map(|(far, ejection)| (far, ejection.tasks))
}

/// Puts a task onto the node, on the devices that suit it best.
fn onto(draft: &mut Draft<'_>, task: TaskId, node: NodeId, steps: &mut Vec<(TaskId, Placement)>) -> bool {
    let class = draft.cluster.task(task).class;
    let Some((_, devices)) = draft.growth(class, node, &[]) else { return false };
    let to = Placement { node, devices };
    let done = draft.step(task, to);
    if done {
        steps.push((task, to));
    }
    done
}
