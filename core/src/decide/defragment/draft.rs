//! A placement being drafted: the cluster with the steps taken so far, their exact price, and the way back.

use super::problem::{DefragmentProblem, Lens};
use crate::model::fragmentation::DevicesLeft;
use crate::model::{ClassId, Cluster, DeviceSet, NodeId, Placement, TaskId};

/// One change taken: the task, and where it stood before.
#[derive(Debug, Clone, Copy)]
struct Change {
    task: TaskId,
    before: Option<Placement>,
}

/// The cluster as it would be after the steps so far.
#[derive(Debug, Clone)]
pub(super) struct Draft<'a> {
    pub(super) problem: &'a DefragmentProblem<'a>,
    pub(super) cluster: Cluster,
    lens: Lens,
    /// Per node: a digest of who stands on which of its devices. Equal digests, equal content.
    digest: Vec<u64>,
    node_cost: Vec<f64>,
    /// Weighted cost of all nodes, of moves, and of what waits.
    cost: f64,
    moves: usize,
    moves_cost: f64,
    changes: Vec<Change>,
    /// Scratch: what is left of each resource.
    left: Vec<i64>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(problem: &'a DefragmentProblem<'a>, lens: Lens) -> Self {
        let cluster = problem.cluster.clone();
        let cost_of =
            |n: NodeId| problem.node_cost(lens, n, cluster.free(n), &DevicesLeft::of_node(&cluster, n));
        let node_cost: Vec<f64> = cluster.nodes().map(cost_of).collect();
        let mut digest = vec![0; cluster.node_count()];
        for index in 0..cluster.tasks().len() {
            if let Some(place) = cluster.placement(TaskId::from(index)) {
                digest[place.node.index()] ^= digest_of(TaskId::from(index), place.devices);
            }
        }
        let waiting: f64 = problem.units.iter().map(|u| u.waiting_cost).sum();
        let cost = node_cost.iter().sum::<f64>() + waiting;
        Self {
            problem,
            cluster,
            lens,
            digest,
            node_cost,
            cost,
            moves: 0,
            moves_cost: 0.0,
            changes: Vec::new(),
            left: Vec::new(),
        }
    }

    /// The objective.
    pub(super) fn cost(&self) -> f64 {
        self.cost
    }

    /// The objective without its price of moves.
    pub(super) fn cost_without_moves(&self) -> f64 {
        self.cost - self.moves_cost
    }

    /// Migrations taken with their own costs, unweighted.
    pub(super) fn moved_weight(&self) -> f64 {
        let moved = self.changes.iter().filter(|c| c.before.is_some());
        moved.map(|c| self.problem.objective.moving(&self.cluster, c.task)).fold(0.0, |sum, one| sum + one)
    }

    /// Migrations taken.
    pub(super) fn moves(&self) -> usize {
        self.moves
    }

    pub(super) fn digest(&self, node: NodeId) -> u64 {
        self.digest[node.index()]
    }

    pub(super) fn node_cost(&self, node: NodeId) -> f64 {
        self.node_cost[node.index()]
    }

    /// A point to come back to.
    pub(super) fn mark(&self) -> usize {
        self.changes.len()
    }

    /// Takes a step: places a pending task, or moves a placed one, which holds its old place until it
    /// stands on the new one. False, and nothing changed, when a rule forbids it.
    pub(super) fn step(&mut self, task: TaskId, to: Placement) -> bool {
        let before = self.cluster.placement(task);
        let class = self.cluster.task(task).class;
        if let Some(from) = before {
            if !self.problem.may_move(task)
                || from == to
                || !self.cluster.fits(to.node, class)
                || !self.cluster.devices_right(class, to)
            {
                return false;
            }
            self.cluster.remove(task);
        }
        if self.cluster.place(task, to).is_err() {
            if let Some(from) = before {
                self.cluster.put_back(task, from);
            }
            return false;
        }
        self.book(task, before, Some(to), 1.0);
        self.changes.push(Change { task, before });
        true
    }

    /// Takes back all changes after the mark.
    pub(super) fn back_to(&mut self, mark: usize) {
        while self.changes.len() > mark {
            let Some(Change { task, before }) = self.changes.pop() else { return };
            let stood = self.cluster.remove(task);
            if let Some(from) = before {
                self.cluster.put_back(task, from);
            }
            self.book(task, stood, before, -1.0);
        }
    }

    /// Prices a change: a migration, or a placement, taken (`sign` 1) or taken back (-1).
    fn book(&mut self, task: TaskId, from: Option<Placement>, to: Option<Placement>, sign: f64) {
        for place in [from, to].into_iter().flatten() {
            let node = place.node.index();
            self.digest[node] ^= digest_of(task, place.devices);
            let devices = DevicesLeft::of_node(&self.cluster, place.node);
            let now = self.problem.node_cost(self.lens, place.node, self.cluster.free(place.node), &devices);
            self.cost += now - self.node_cost[node];
            self.node_cost[node] = now;
        }
        if from.is_some() && to.is_some() {
            let price = sign * self.problem.move_cost(task);
            self.cost += price;
            self.moves_cost += price;
            self.moves = self.moves.saturating_add_signed(sign as isize);
        } else {
            self.cost -= sign * self.problem.waiting_cost(task);
        }
    }

    /// The best devices for a task of the class on the node once `leaving` have left it, and by how much the
    /// node's cost then grows; `None` when it does not fit even so, looking at the node alone.
    pub(super) fn growth(
        &mut self,
        class: ClassId,
        node: NodeId,
        leaving: &[TaskId],
    ) -> Option<(f64, DeviceSet)> {
        let demand = &self.cluster.class(class).demand;
        self.left.clear();
        self.left.extend_from_slice(self.cluster.free(node));
        let mut devices = DevicesLeft::of_node(&self.cluster, node);
        for &task in leaving {
            let theirs = self.cluster.demand(task);
            self.left.iter_mut().zip(&theirs.resources).for_each(|(left, need)| *left += need);
            let (Some(d), Some(place)) = (theirs.devices, self.cluster.placement(task)) else { continue };
            for index in place.devices.iter() {
                if self.cluster.devices_in_service(node)[index] {
                    devices.give(index, d.milli);
                }
            }
        }
        for (left, need) in self.left.iter_mut().zip(&demand.resources) {
            *left -= need;
            if *left < 0 {
                return None;
            }
        }
        let before = self.node_cost[node.index()];
        let after = |devices: &DevicesLeft| self.problem.node_cost(self.lens, node, &self.left, devices);
        let Some(wanted) = demand.devices else {
            return Some((after(&devices) - before, DeviceSet::NONE));
        };
        let fits = |devices: &DevicesLeft, i: usize| {
            devices.free()[i] >= wanted.milli && devices.accepted(i, &wanted)
        };
        let count = devices.free().len();
        if wanted.count > 1 || !wanted.is_sharing() {
            let mut fitting: Vec<usize> = (0..count).filter(|&i| fits(&devices, i)).collect();
            fitting.sort_by_key(|&i| (devices.free()[i], i));
            fitting.truncate(usize::from(wanted.count));
            if fitting.len() < usize::from(wanted.count) {
                return None;
            }
            fitting.iter().for_each(|&i| devices.take(i, wanted.milli));
            return Some((after(&devices) - before, fitting.into_iter().collect()));
        }
        let mut best: Option<(f64, DeviceSet)> = None;
        for i in 0..count {
            // Equal devices give equal costs: only the first of them can win.
            let seen = !devices.mixed() && devices.free()[..i].contains(&devices.free()[i]);
            if seen || !fits(&devices, i) {
                continue;
            }
            devices.take(i, wanted.milli);
            let growth = after(&devices) - before;
            devices.give(i, wanted.milli);
            if best.is_none_or(|(least, _)| growth < least) {
                best = Some((growth, DeviceSet::one(i)));
            }
        }
        best
    }
}

/// A digest of a task on devices; those of a node's tasks are combined by exclusive or.
fn digest_of(task: TaskId, devices: DeviceSet) -> u64 {
    let mut x = (u64::from(task.0) << 1 | 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ devices.0.rotate_left(17);
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}
