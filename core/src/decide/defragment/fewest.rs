//! Fewer moves for what a plan places: with few moves, the parts of these moves are tried, then all plans of fewer, whatever
//! tasks they move, as far as a bounded search gets. Who waits goes where there is room, or where few leave for it; who leaves
//! does the same.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::Over;
use super::build::Chain;
use super::draft::Draft;
use super::problem::{DefragmentProblem, Lens};
use crate::model::{ClassId, Cluster, DeviceSet, NodeId, Placement, TaskId};

/// Up to so many moves and placed tasks.
const MOVES_MAX: usize = 8;
const PLACED_MAX: usize = 32;
/// Up to so many placed tasks are taken up in every order; for who comes later, there may be less to move.
const ORDERED_MAX: usize = 4;
/// Aims taken up in all, for one number of moves.
const TRIES_MAX: usize = 20_000;
/// Rooms tried for one task: those that it fills best.
const ROOMS_MAX: usize = 12;
/// Most tasks that leave a node for one to come.
const LEAVING_MAX: usize = 3;
/// Most tasks of a node that are looked at as such.
const HOSTED_MAX: usize = 24;
/// Nodes looked at between two looks at the wish to end.
const NODES_BETWEEN_LOOKS: usize = 64;

/// A cheaper plan of fewer moves for the same units, if there is one.
pub(super) fn with_fewest(
    problem: &DefragmentProblem<'_>,
    chains: &[Chain],
    over: Over<'_>,
) -> Option<Vec<Chain>> {
    let steps = || chains.iter().flat_map(|c| c.steps.iter().copied());
    let (moves, placings): (Vec<_>, Vec<_>) = steps().partition(|s| problem.cluster.placement(s.0).is_some());
    if problem.nodes_count() || !(1..=MOVES_MAX).contains(&moves.len()) || placings.len() > PLACED_MAX {
        return None;
    }
    let mut search = Search::new(problem, over);
    // The largest has the fewest places.
    let mut tasks: Vec<TaskId> = placings.iter().map(|s| s.0).collect();
    tasks.sort_by(|&a, &b| problem.waiting_cost(a).total_cmp(&problem.waiting_cost(b)).then(b.cmp(&a)));
    let orders = if tasks.len() > ORDERED_MAX { vec![tasks] } else { orders_of(&tasks) };
    (0..moves.len()).find_map(|most| {
        search.tries = TRIES_MAX;
        let found = sets_of(&moves, most).iter().any(|part| search.reach_by(part, &orders[0]))
            || orders.iter().any(|order| search.reach(&mut finding(order), most));
        found.then(|| in_chains(problem, chains, &search.steps))
    })
}

fn finding(tasks: &[TaskId]) -> Vec<Aim> {
    tasks.iter().map(|&task| Aim::Find { task }).collect()
}

/// The tasks in every order, the one they come in first.
fn orders_of(tasks: &[TaskId]) -> Vec<Vec<TaskId>> {
    let Some((&last, others)) = tasks.split_last() else { return vec![Vec::new()] };
    let orders = orders_of(others);
    (0..tasks.len())
        .rev()
        .flat_map(|at| orders.iter().map(move |order| [&order[..at], &[last], &order[at..]].concat()))
        .collect()
}

/// The moves first, each then possible all the more, and the units after them.
fn in_chains(problem: &DefragmentProblem<'_>, chains: &[Chain], steps: &[(TaskId, Placement)]) -> Vec<Chain> {
    let is_move = |s: &&(TaskId, Placement)| problem.cluster.placement(s.0).is_some();
    let moved = Chain { places: None, steps: steps.iter().filter(is_move).copied().collect() };
    let placed = chains.iter().filter_map(|c| c.places).map(|(kind, unit)| {
        let tasks = &problem.units[unit].tasks;
        Chain {
            places: Some((kind, unit)),
            steps: steps.iter().filter(|s| tasks.contains(&s.0)).copied().collect(),
        }
    });
    [moved].into_iter().filter(|c| !c.steps.is_empty()).chain(placed).collect()
}

/// What is still to be done.
#[derive(Debug, Clone, Copy)]
enum Aim {
    /// The task stands somewhere, on no node that is being cleared, and not where it stands now.
    Find { task: TaskId },
    /// The task stands on the node, which has been cleared for it.
    Enter { task: TaskId, node: NodeId },
}

/// Tasks that leave a node.
type Leaving = (NodeId, Vec<TaskId>);

/// Depth-first over the ways to reach all aims.
struct Search<'a> {
    draft: Draft<'a>,
    /// As it was before any step.
    before: Draft<'a>,
    over: Over<'a>,
    steps: Vec<(TaskId, Placement)>,
    /// Nodes that tasks are leaving for others to come.
    cleared: Vec<NodeId>,
    tries: usize,
    /// By class: nodes with room before any step.
    rooms: BTreeMap<ClassId, Vec<NodeId>>,
    /// By class and how many leave: who, before any step.
    leaving: BTreeMap<(ClassId, usize), Rc<Vec<Leaving>>>,
}

impl<'a> Search<'a> {
    fn new(problem: &'a DefragmentProblem<'a>, over: Over<'a>) -> Self {
        let draft = Draft::new(problem, Lens::Counted);
        Self {
            before: draft.clone(),
            draft,
            over,
            steps: Vec::new(),
            cleared: Vec::new(),
            tries: 0,
            rooms: BTreeMap::new(),
            leaving: BTreeMap::new(),
        }
    }

    /// Finds places for the tasks after these moves and no others; or leaves all as it was.
    fn reach_by(&mut self, moves: &[(TaskId, Placement)], tasks: &[TaskId]) -> bool {
        let mark = self.draft.mark();
        let possible = moves.iter().all(|&(task, to)| self.draft.step(task, to));
        self.steps.extend(if possible { moves } else { &[] });
        let reached = possible && self.reach(&mut finding(tasks), 0);
        if !reached {
            self.steps.clear();
            self.draft.back_to(mark);
        }
        reached
    }

    /// Reaches the aims, the last first, with so many moves more than they speak of; or leaves all as it was.
    fn reach(&mut self, aims: &mut Vec<Aim>, moves_left: usize) -> bool {
        let Some(aim) = aims.pop() else { return true };
        self.tries = self.tries.saturating_sub(1);
        let reached = self.tries > 0
            && !(self.over)()
            && match aim {
                Aim::Enter { task, node } => self.enter(task, node, aims, moves_left),
                Aim::Find { task } => self.find(task, aims, moves_left),
            };
        if !reached {
            aims.push(aim);
        }
        reached
    }

    /// The task goes onto the node, on devices of each kind of fullness in turn; then the other aims.
    fn enter(&mut self, task: TaskId, node: NodeId, aims: &mut Vec<Aim>, moves_left: usize) -> bool {
        let cleared = self.cleared.clone();
        self.cleared.retain(|&n| n != node);
        for devices in devices(&mut self.draft, task, node) {
            let mark = self.draft.mark();
            let to = Placement { node, devices };
            if self.draft.step(task, to) {
                self.steps.push((task, to));
                if self.reach(aims, moves_left) {
                    return true;
                }
                self.steps.pop();
            }
            self.draft.back_to(mark);
        }
        self.cleared = cleared;
        false
    }

    fn find(&mut self, task: TaskId, aims: &mut Vec<Aim>, moves_left: usize) -> bool {
        let class = self.draft.cluster.task(task).class;
        let from = self.draft.cluster.placement(task).map(|p| p.node);
        let touched = self.touched();
        for node in self.rooms(class, &touched) {
            let open = Some(node) != from && !self.cleared.contains(&node);
            if open && self.enter(task, node, aims, moves_left) {
                return true;
            }
        }
        for count in 1..=moves_left.min(LEAVING_MAX) {
            let known = self.leaving(class, count);
            let known = known.iter().filter(|(node, _)| !touched.contains(node)).cloned();
            let mut found: Vec<Leaving> = Vec::new();
            for &node in &touched {
                found.extend(leaving_of(&mut self.draft, &self.steps, class, node, count));
            }
            for (node, tasks) in found.into_iter().chain(known) {
                let open = Some(node) != from && !self.cleared.contains(&node);
                if open && self.clear(task, (node, &tasks), aims, moves_left - count, &touched) {
                    return true;
                }
            }
        }
        false
    }

    /// The tasks leave the node and `task` goes there.
    fn clear(
        &mut self,
        task: TaskId,
        (node, leaving): (NodeId, &[TaskId]),
        aims: &mut Vec<Aim>,
        moves_left: usize,
        touched: &BTreeSet<NodeId>,
    ) -> bool {
        let class = |t: TaskId, search: &Self| search.draft.cluster.task(t).class;
        let homeless = leaving.iter().filter(|&&t| self.rooms(class(t, self), touched).is_empty()).count();
        if homeless > moves_left {
            return false;
        }
        let known = aims.len();
        aims.push(Aim::Enter { task, node });
        aims.extend(leaving.iter().map(|&task| Aim::Find { task }));
        self.cleared.push(node);
        let reached = self.reach(aims, moves_left);
        if !reached {
            self.cleared.pop();
            aims.truncate(known);
        }
        reached
    }

    /// Nodes that the steps so far have touched.
    fn touched(&self) -> BTreeSet<NodeId> {
        let left = self.steps.iter().filter_map(|s| self.before.cluster.placement(s.0));
        self.steps.iter().map(|s| s.1.node).chain(left.map(|p| p.node)).collect()
    }

    /// Nodes where a task of the class has room now, the fullest first.
    fn rooms(&mut self, class: ClassId, touched: &BTreeSet<NodeId>) -> Vec<NodeId> {
        let before = &self.before.cluster;
        let known = self.rooms.entry(class).or_insert_with(|| {
            let mut nodes: Vec<_> = before.nodes().filter(|&n| before.fits(n, class)).collect();
            nodes.sort_by_cached_key(|&n| {
                let devices: u64 = before.devices_free(n).iter().map(|&f| u64::from(f)).sum();
                (devices, before.free(n).to_vec(), n)
            });
            nodes
        });
        let known = known.iter().copied().filter(|n| !touched.contains(n)).take(ROOMS_MAX);
        let now = &self.draft.cluster;
        known.chain(touched.iter().copied().filter(|&n| now.fits(n, class))).collect()
    }

    /// Who could leave which node before any step, so that the class has room.
    fn leaving(&mut self, class: ClassId, count: usize) -> Rc<Vec<Leaving>> {
        let before = &mut self.before;
        let found = self.leaving.entry((class, count)).or_insert_with(|| {
            let nodes: Vec<NodeId> = before.cluster.nodes().collect();
            let look = |&n: &NodeId| n.index() % NODES_BETWEEN_LOOKS != 0 || !(self.over)();
            let nodes = nodes.into_iter().take_while(look);
            Rc::new(nodes.flat_map(|node| leaving_of(before, &[], class, node, count)).collect())
        });
        Rc::clone(found)
    }
}

/// Sets of so many tasks of the node, who have not moved yet and none of whom could stay, whose leaving makes room for
/// the class. Of sets that are alike there is one.
fn leaving_of(
    draft: &mut Draft<'_>,
    moved: &[(TaskId, Placement)],
    class: ClassId,
    node: NodeId,
    count: usize,
) -> Vec<Leaving> {
    if !draft.cluster.suits(node, class) || !draft.cluster.health(node).takes_tasks() {
        return Vec::new();
    }
    let movable = |t: &&TaskId| draft.problem.may_move(**t) && moved.iter().all(|s| s.0 != **t);
    let hosted = draft.cluster.hosted(node).iter().filter(movable);
    let mut hosted: Vec<TaskId> = hosted.copied().collect();
    let cost = |t: &TaskId| draft.problem.move_cost(*t);
    hosted.sort_by(|a, b| cost(a).total_cmp(&cost(b)).then(a.cmp(b)));
    hosted.truncate(HOSTED_MAX);
    let mut seen = BTreeSet::new();
    let mut sets = Vec::new();
    for tasks in sets_of(&hosted, count) {
        let fits = |draft: &mut Draft<'_>, tasks: &[TaskId]| draft.growth(class, node, tasks).is_some();
        let mut kinds: Vec<_> = tasks.iter().map(|&t| kind_of(&draft.cluster, t)).collect();
        kinds.sort_unstable();
        let all_needed = |draft: &mut Draft<'_>| {
            (0..count).all(|out| {
                let others: Vec<TaskId> = (0..count).filter(|&i| i != out).map(|i| tasks[i]).collect();
                !fits(draft, &others)
            })
        };
        if seen.insert(kinds) && fits(draft, &tasks) && all_needed(draft) {
            sets.push((node, tasks));
        }
    }
    sets
}

/// All sets of so many of them, each in their order.
fn sets_of<T: Copy>(all: &[T], count: usize) -> Vec<Vec<T>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let with_first = |at: usize| {
        let others = sets_of(&all[at + 1..], count - 1).into_iter();
        others.map(move |others| [&[all[at]], &others[..]].concat())
    };
    (0..all.len()).flat_map(with_first).collect()
}

/// What makes a task of a node another than its neighbours: its class and, where it shares a device or devices differ, which.
fn kind_of(cluster: &Cluster, task: TaskId) -> (ClassId, u64) {
    let shares = cluster.demand(task).devices.is_some_and(|d| d.is_sharing());
    let devices = cluster.placement(task).map_or(0, |place| {
        let models = cluster.device_models(place.node);
        let alike = models.windows(2).all(|pair| pair[0] == pair[1])
            && cluster.devices_in_service(place.node).iter().all(|&s| s);
        if shares || !alike { place.devices.0 } else { 0 }
    });
    (cluster.task(task).class, devices)
}

/// The devices of the node that the task could take: of those equally full one.
fn devices(draft: &mut Draft<'_>, task: TaskId, node: NodeId) -> Vec<DeviceSet> {
    let class = draft.cluster.task(task).class;
    let sharing = draft.cluster.demand(task).devices.is_some_and(|d| d.count == 1 && d.is_sharing());
    if !sharing {
        return draft.growth(class, node, &[]).map(|(_, devices)| devices).into_iter().collect();
    }
    let (free, models) = (draft.cluster.devices_free(node), draft.cluster.device_models(node));
    let mut levels = BTreeMap::new();
    for (i, (&milli, &model)) in free.iter().zip(models).enumerate() {
        let devices = DeviceSet::one(i);
        if draft.cluster.devices_right(class, Placement { node, devices }) {
            levels.entry((milli, model)).or_insert(devices);
        }
    }
    levels.into_values().collect()
}
