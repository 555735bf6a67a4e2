//! Expected real use of each node while a plan is being made: what is used now, plus and less the tasks
//! that the plan moves.

use crate::model::{Assessment, NodeId, Snapshot, TaskId};

pub(super) struct ExpectedUse {
    resources: usize,
    /// nodes x resources, in the resource's unit.
    used: Vec<f64>,
    /// Use as a share of demand for tasks whose use is unknown.
    use_of_demand: f64,
}

impl ExpectedUse {
    pub(super) fn now(snapshot: &Snapshot, assessment: &Assessment) -> Self {
        let resources = snapshot.cluster.schema().len();
        let use_of_demand = assessment.use_of_demand;
        let used = (snapshot.cluster.nodes())
            .flat_map(|n| (0..resources).map(move |r| (n, r)))
            .map(|(n, r)| snapshot.used(n, r, use_of_demand))
            .collect();
        Self { resources, used, use_of_demand }
    }

    /// Reckons with the task on the node (`sign` 1) or off it (-1).
    pub(super) fn add(&mut self, snapshot: &Snapshot, node: NodeId, task: TaskId, sign: f64) {
        for r in 0..self.resources {
            self.used[node.index() * self.resources + r] +=
                sign * snapshot.task_use(task, r, self.use_of_demand);
        }
    }

    /// Share of its capacity that the node's busiest resource will be used to, with one more task.
    pub(super) fn share_with(&self, snapshot: &Snapshot, node: NodeId, task: Option<TaskId>) -> f64 {
        let share = |r: usize| {
            let capacity = snapshot.cluster.capacity(node)[r];
            let more = task.map_or(0.0, |t| snapshot.task_use(t, r, self.use_of_demand));
            if capacity == 0 {
                0.0
            } else {
                (self.used[node.index() * self.resources + r] + more) / capacity as f64
            }
        };
        (0..self.resources).map(share).fold(0.0, f64::max)
    }
}
