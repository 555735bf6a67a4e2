//! The question: a cluster, what waits for a place, what is expected, and what counts.

use std::collections::BTreeMap;

use super::Objective;
use crate::decide::policy::{NodeValue, PlacementModel};
use crate::model::fragmentation::{DevicesLeft, TargetWorkload};
use crate::model::{ClassId, Cluster, GangId, NodeId, OwnerId, ResourceSchema, TaskId};

/// Tasks that are placed together or not at all: one task, or a gang.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Unit {
    pub(super) tasks: Vec<TaskId>,
    pub(super) waiting_cost: f64,
}

/// Units that are alike to a search: what is true of one is true of the others.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kind {
    /// Positions in the list of units.
    pub(super) units: Vec<usize>,
    pub(super) waiting_cost: f64,
}

/// How nodes are looked at. Unplaced demand, moves, overload and imbalance count the same under each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lens {
    /// The objective: what a plan is judged by and what moves must pay for.
    Counted,
    /// The objective, and of places as good the one that leaves most to the expected mix.
    Sparing,
    /// Fragmentation for what waits counts as if it were worth moves: a slope that leads the search to plans which place
    /// more. What moves nobody needs it has led to is left out of a plan.
    Guided,
}

/// Weight of fragmentation under [`Lens::Sparing`] while tasks wait, as a share of its own: too little to outweigh anything
/// but itself.
const TIE_SHARE: f64 = 1e-3;

/// A cluster with pending tasks, as a problem to solve.
#[derive(Debug)]
pub struct DefragmentProblem<'a> {
    pub(super) cluster: &'a Cluster,
    /// The expected mix: what free capacity is judged against.
    pub(super) target: TargetWorkload,
    /// The mix of what waits; empty with nothing waiting.
    waiting: TargetWorkload,
    /// The weights that count: without fragmentation and worth while tasks wait.
    pub(super) objective: Objective,
    /// The weight of what is left, by whichever term it was given.
    left: f64,
    /// The learned worth; none where it does not count.
    value: Option<NodeValue>,
    pub(super) units: Vec<Unit>,
    /// Dearest first.
    pub(super) kinds: Vec<Kind>,
}

impl<'a> DefragmentProblem<'a> {
    /// Everything without a place in `cluster` waits for one. Free capacity is judged by what of it the `expected` mix of
    /// tasks can use, which counts once nothing waits: by the worth that the model has learned, or, without a model, by
    /// fragmentation in its place.
    pub fn new(
        cluster: &'a Cluster,
        expected: &TargetWorkload,
        objective: Objective,
        model: Option<&PlacementModel>,
    ) -> Self {
        let mut units: Vec<Unit> = Vec::new();
        let mut of_gang: BTreeMap<GangId, usize> = BTreeMap::new();
        for task in cluster.waiting() {
            let waiting_cost = objective.unplaced() * objective.waiting(cluster, task);
            let known = cluster.task(task).gang.and_then(|g| of_gang.get(&g).copied());
            if let Some(unit) = known.map(|at| &mut units[at]) {
                unit.tasks.push(task);
                unit.waiting_cost += waiting_cost;
                continue;
            }
            if let Some(gang) = cluster.task(task).gang {
                of_gang.insert(gang, units.len());
            }
            units.push(Unit { tasks: vec![task], waiting_cost });
        }
        let mut counts: BTreeMap<ClassId, u64> = BTreeMap::new();
        for &task in units.iter().flat_map(|u| &u.tasks) {
            *counts.entry(cluster.task(task).class).or_insert(0) += 1;
        }
        let counts: Vec<_> = counts.into_iter().collect();
        let [_, fragmentation, .., worth] = objective.weights;
        let left = fragmentation.max(worth);
        let mut counted = objective;
        let model = model.filter(|_| worth > 0.0 && counts.is_empty() && !expected.is_empty());
        let value = model.map(|model| NodeValue::new(cluster, expected, model));
        if value.is_none() {
            (counted.weights[1], counted.weights[5]) = (left, 0.0);
        }
        let waiting = if counts.is_empty() {
            TargetWorkload::default()
        } else {
            counted.weights[1] = 0.0;
            TargetWorkload::from_classes(cluster, &counts)
        };
        let kinds = kinds_of(cluster, &units);
        Self { cluster, target: expected.clone(), waiting, objective: counted, left, value, units, kinds }
    }

    /// The objective that counts here: as given, but while tasks wait fragmentation and worth have no weight, and without a model
    /// worth counts as fragmentation.
    pub fn objective(&self) -> &Objective {
        &self.objective
    }

    /// Tasks that wait.
    pub fn pending(&self) -> impl Iterator<Item = TaskId> {
        self.units.iter().flat_map(|u| u.tasks.iter().copied())
    }

    /// The weighted cost of a node with this much left.
    pub(super) fn node_cost(&self, lens: Lens, node: NodeId, left: &[i64], devices: &DevicesLeft) -> f64 {
        let (mix, weight) = match lens {
            Lens::Sparing if !self.units.is_empty() => (&self.target, self.left * TIE_SHARE),
            Lens::Guided if !self.units.is_empty() => (&self.waiting, self.left),
            _ => (&self.target, self.objective.weights[1]),
        };
        let none = TargetWorkload::default();
        let mix = if weight > 0.0 { mix } else { &none };
        let [fragmented, above, uneven] = self.objective.node_terms(self.cluster, mix, node, left, devices);
        let [.., of_overload, of_imbalance, of_worth] = self.objective.weights;
        weight * fragmented
            + of_overload * above
            + of_imbalance * uneven
            + of_worth * self.worth_taken(node, left, devices)
    }

    /// What of the node's learned worth is taken with this much left, unweighted; 0 where it does not count.
    pub(super) fn worth_taken(&self, node: NodeId, left: &[i64], devices: &DevicesLeft) -> f64 {
        self.value.as_ref().map_or(0.0, |value| value.taken(node, left[ResourceSchema::CPU], devices.free()))
    }

    /// Does a node cost anything under [`Lens::Counted`]? If not, only moves and what waits count.
    pub(super) fn nodes_count(&self) -> bool {
        let [_, fragmentation, _, overload, imbalance, worth] = self.objective.weights;
        [fragmentation, overload, imbalance, worth].iter().any(|&weight| weight > 0.0)
    }

    /// May the task be moved? One that has just been placed could have gone elsewhere at once.
    pub(super) fn may_move(&self, task: TaskId) -> bool {
        !self.cluster.task(task).do_not_disrupt && self.cluster.placement(task).is_some()
    }

    pub(super) fn move_cost(&self, task: TaskId) -> f64 {
        self.objective.migration() * self.objective.moving(self.cluster, task)
    }

    pub(super) fn waiting_cost(&self, task: TaskId) -> f64 {
        self.objective.unplaced() * self.objective.waiting(self.cluster, task)
    }
}

fn kinds_of(cluster: &Cluster, units: &[Unit]) -> Vec<Kind> {
    type Key = (Vec<ClassId>, Option<OwnerId>, i32);
    let mut kinds: BTreeMap<Key, Kind> = BTreeMap::new();
    for (at, unit) in units.iter().enumerate() {
        let classes = unit.tasks.iter().map(|&t| cluster.task(t).class).collect();
        let first = cluster.task(unit.tasks[0]);
        let kind = kinds.entry((classes, first.owner, first.priority));
        let kind = kind.or_insert(Kind { units: Vec::new(), waiting_cost: unit.waiting_cost });
        kind.units.push(at);
    }
    let mut kinds: Vec<Kind> = kinds.into_values().collect();
    kinds.sort_by(|a, b| b.waiting_cost.total_cmp(&a.waiting_cost));
    kinds
}
