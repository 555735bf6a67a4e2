//! Expected use of each node while a plan is being made: what is promised, used now, or expected at a quantile, plus and less the
//! tasks that the plan moves.

use crate::model::{Assessment, NodeId, Snapshot, TaskId};

/// What load is reckoned by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadBasis {
    /// What tasks have asked for.
    Promised,
    /// What is used now.
    Used,
    /// The highest use expected within the forecast's horizon, at this quantile; what is used now where there is no forecast.
    Expected {
        /// The quantile, percent.
        percent: u8,
    },
}

pub(super) struct ExpectedUse<'a> {
    snapshot: &'a Snapshot,
    promised: bool,
    /// nodes x resources, in the resource's unit.
    used: Vec<f64>,
    /// Per resource: use as a share of demand for tasks whose use is unknown.
    use_of_demand: &'a [f64],
}

impl<'a> ExpectedUse<'a> {
    pub(super) fn by(basis: LoadBasis, snapshot: &'a Snapshot, assessment: &'a Assessment) -> Self {
        let cluster = &snapshot.cluster;
        let resources = 0..assessment.use_of_demand.len();
        let used = match basis {
            LoadBasis::Used => assessment.used.clone(),
            LoadBasis::Promised => {
                let of = |n| {
                    cluster.capacity(n).iter().zip(cluster.free(n)).map(|(all, free)| (all - free) as f64)
                };
                cluster.nodes().flat_map(of).collect()
            }
            LoadBasis::Expected { percent } => {
                let quantile = f64::from(percent) / 100.0;
                let of = |n| resources.clone().map(move |r| assessment.expected_use(n, r, quantile));
                cluster.nodes().flat_map(of).collect()
            }
        };
        let promised = basis == LoadBasis::Promised;
        Self { snapshot, promised, used, use_of_demand: &assessment.use_of_demand }
    }

    /// What one task is reckoned with.
    fn of_task(&self, task: TaskId, resource: usize, expected: f64) -> f64 {
        if self.promised {
            return self.snapshot.cluster.demand(task).resources[resource] as f64;
        }
        self.snapshot.task_use(task, resource, expected)
    }

    /// Reckons with the task on the node (`sign` 1) or off it (-1).
    pub(super) fn add(&mut self, node: NodeId, task: TaskId, sign: f64) {
        let resources = self.use_of_demand.len();
        for (r, &expected) in self.use_of_demand.iter().enumerate() {
            self.used[node.index() * resources + r] += sign * self.of_task(task, r, expected);
        }
    }

    /// Share of its capacity that the node's busiest resource will be used to, with one more task.
    pub(super) fn share_with(&self, node: NodeId, task: Option<TaskId>) -> f64 {
        let resources = self.use_of_demand.len();
        let share = |(r, &expected): (usize, &f64)| {
            let capacity = self.snapshot.cluster.capacity(node)[r];
            let more = task.map_or(0.0, |t| self.of_task(t, r, expected));
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
            self.of_task(task, r, expected) / capacity
        };
        self.use_of_demand.iter().enumerate().map(share).fold(0.0, f64::max)
    }
}
