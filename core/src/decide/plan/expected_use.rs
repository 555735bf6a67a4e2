//! Expected real use of each node while a plan is being made: what is used now, plus and less the tasks
//! that the plan moves.

use crate::model::{Assessment, NodeId, Snapshot, TaskId};

pub(super) struct ExpectedUse<'a> {
    snapshot: &'a Snapshot,
    /// nodes x resources, in the resource's unit.
    used: Vec<f64>,
    /// Per resource: use as a share of demand for tasks whose use is unknown.
    use_of_demand: &'a [f64],
}

impl<'a> ExpectedUse<'a> {
    pub(super) fn now(snapshot: &'a Snapshot, assessment: &'a Assessment) -> Self {
        Self { snapshot, used: assessment.used.clone(), use_of_demand: &assessment.use_of_demand }
    }

    /// Reckons with the task on the node (`sign` 1) or off it (-1).
    pub(super) fn add(&mut self, node: NodeId, task: TaskId, sign: f64) {
        let resources = self.use_of_demand.len();
        for (r, &expected) in self.use_of_demand.iter().enumerate() {
            self.used[node.index() * resources + r] += sign * self.snapshot.task_use(task, r, expected);
        }
    }

    /// Share of its capacity that the node's busiest resource will be used to, with one more task.
    pub(super) fn share_with(&self, node: NodeId, task: Option<TaskId>) -> f64 {
        let resources = self.use_of_demand.len();
        let share = |(r, &expected): (usize, &f64)| {
            let capacity = self.snapshot.cluster.capacity(node)[r];
            let more = task.map_or(0.0, |t| self.snapshot.task_use(t, r, expected));
            if capacity == 0 {
                0.0
            } else {
                (self.used[node.index() * resources + r] + more) / capacity as f64
            }
        };
        self.use_of_demand.iter().enumerate().map(share).fold(0.0, f64::max)
    }

    /// Share of its capacity that the node will use of each resource.
    pub(super) fn shares(&self, node: NodeId) -> Vec<f64> {
        let resources = self.use_of_demand.len();
        let used = &self.used[node.index() * resources..][..resources];
        let share = |(&used, &all): (&f64, &i64)| if all == 0 { 0.0 } else { used / all as f64 };
        used.iter().zip(self.snapshot.cluster.capacity(node)).map(share).collect()
    }

    /// Share of the node's busiest resource that the task uses.
    pub(super) fn share_of(&self, task: TaskId, node: NodeId) -> f64 {
        let share = |(r, &expected): (usize, &f64)| {
            let capacity = self.snapshot.cluster.capacity(node)[r].max(1) as f64;
            self.snapshot.task_use(task, r, expected) / capacity
        };
        self.use_of_demand.iter().enumerate().map(share).fold(0.0, f64::max)
    }
}
