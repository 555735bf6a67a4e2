//! The question: a cluster, what waits for a place, what is expected, and what counts.

use std::collections::BTreeMap;

use super::Objective;
use crate::model::fragmentation::{DevicesLeft, TargetWorkload};
use crate::model::{ClassId, Cluster, GangId, NodeId, OwnerId, TaskId};

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

/// A cluster with pending tasks, as a problem to solve.
#[derive(Debug)]
pub struct DefragmentProblem<'a> {
    pub(super) cluster: &'a Cluster,
    /// What free capacity is judged against.
    pub(super) target: TargetWorkload,
    pub(super) objective: Objective,
    pub(super) units: Vec<Unit>,
    /// Dearest first.
    pub(super) kinds: Vec<Kind>,
}

impl<'a> DefragmentProblem<'a> {
    /// Everything without a place in `cluster` waits for one. Free capacity is judged by what of it the waiting
    /// tasks can use, or, with none waiting, the `expected` mix of tasks.
    pub fn new(cluster: &'a Cluster, expected: &TargetWorkload, objective: Objective) -> Self {
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
        let target =
            if counts.is_empty() { expected.clone() } else { TargetWorkload::from_classes(cluster, &counts) };
        let kinds = kinds_of(cluster, &units);
        Self { cluster, target, objective, units, kinds }
    }

    /// Tasks that wait.
    pub fn pending(&self) -> impl Iterator<Item = TaskId> {
        self.units.iter().flat_map(|u| u.tasks.iter().copied())
    }

    /// The weighted cost of a node as it is.
    pub(super) fn node_cost(&self, cluster: &Cluster, node: NodeId) -> f64 {
        let devices = DevicesLeft::of_node(cluster, node);
        self.objective.node_cost(cluster, &self.target, node, cluster.free(node), &devices)
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
