//! Load: how much of each node is used, promised and held, and how evenly.

use crate::model::{Cluster, DEVICE_MILLI, NodeId, NodeLoad, Snapshot};

/// What the placed tasks use and ask for, node after node. Tasks lie all over memory: they are looked up once a turn, and all
/// that goes over them reads this.
#[derive(Debug, Default)]
pub(super) struct TaskUse {
    resources: usize,
    /// Per node: where its tasks begin in `entries`; then where all end.
    begins: Vec<usize>,
    /// Tasks x resources, the tasks of a node in the order in which it hosts them.
    entries: Vec<Entry>,
}

/// Of one task and resource, in the resource's unit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// Real use, where it is known.
    pub(super) used: Option<i64>,
    pub(super) asked: i64,
}

impl TaskUse {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let mut all = Self::default();
        all.look(snapshot);
        all
    }

    /// Looks anew, in the memory of the last look.
    pub(super) fn look(&mut self, snapshot: &Snapshot) {
        let cluster = &snapshot.cluster;
        self.resources = cluster.schema().len();
        self.begins.clear();
        self.entries.clear();
        for node in cluster.nodes() {
            self.begins.push(self.entries.len());
            for &task in cluster.hosted(node) {
                let used = &snapshot.task(task).used;
                let asked = cluster.demand(task).resources.iter().enumerate();
                self.entries.extend(asked.map(|(r, &asked)| Entry { used: used.get(r).copied(), asked }));
            }
        }
        self.begins.push(self.entries.len());
    }

    /// The tasks of a node, each with an entry per resource.
    pub(super) fn of_node(&self, node: NodeId) -> impl Iterator<Item = &[Entry]> {
        let range = self.begins[node.index()]..self.begins[node.index() + 1];
        self.entries[range].chunks_exact(self.resources.max(1))
    }

    /// Per resource: real use as a share of demand over all placed tasks whose use is known; 1 while none is.
    pub(super) fn use_of_demand(&self) -> Vec<f64> {
        let mut sums = vec![(0_i64, 0_i64); self.resources];
        for task in self.entries.chunks_exact(self.resources.max(1)) {
            for (sum, &Entry { used, asked }) in sums.iter_mut().zip(task) {
                if let Some(used) = used {
                    *sum = (sum.0 + used, sum.1 + asked);
                }
            }
        }
        let share = |&(used, asked): &(i64, i64)| if asked == 0 { 1.0 } else { used as f64 / asked as f64 };
        sums.iter().map(share).collect()
    }

    /// nodes x resources: what is really used, in the resource's unit; tasks of unknown use count with so many times their
    /// demand.
    pub(super) fn used(&self, use_of_demand: &[f64]) -> Vec<f64> {
        let of_task = |entry: &Entry, expected: f64| match entry.used {
            Some(used) => used as f64,
            None => expected * entry.asked as f64,
        };
        let of_node = |node: usize| {
            let of = move |(r, &expected): (usize, &f64)| {
                self.of_node(node.into()).map(|task| of_task(&task[r], expected)).sum::<f64>()
            };
            use_of_demand.iter().enumerate().map(of)
        };
        (0..self.begins.len() - 1).flat_map(of_node).collect()
    }
}

/// Load of one node.
pub(super) fn of_node(snapshot: &Snapshot, node: NodeId, used: &[f64]) -> NodeLoad {
    let cluster = &snapshot.cluster;
    let mut load = NodeLoad::default();
    let resources = cluster.schema().len();
    for (resource, &capacity) in cluster.capacity(node).iter().enumerate() {
        if capacity > 0 {
            let used = used[node.index() * resources + resource] / capacity as f64;
            let promised = (capacity - cluster.free(node)[resource]) as f64 / capacity as f64;
            load.used = load.used.max(used);
            load.promised = load.promised.max(promised);
        }
    }
    load.devices_held = devices_held(cluster, &[node]);
    load
}

/// Share of the device capacity of these nodes that is held; 0 without devices.
pub(super) fn devices_held(cluster: &Cluster, nodes: &[NodeId]) -> f64 {
    let (mut free, mut all) = (0, 0);
    for &node in nodes {
        let devices = cluster.devices_free(node);
        free += devices.iter().map(|&f| u64::from(f)).sum::<u64>();
        all += devices.len() as u64 * u64::from(DEVICE_MILLI);
    }
    if all == 0 { 0.0 } else { (all - free) as f64 / all as f64 }
}

/// Mean and standard deviation; zeros of nothing.
pub(super) fn mean_and_deviation(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let (count, sum) = values.clone().fold((0_u32, 0.0), |(n, s), v| (n + 1, s + v));
    if count == 0 {
        return (0.0, 0.0);
    }
    let mean = sum / f64::from(count);
    let squares: f64 = values.map(|v| (v - mean) * (v - mean)).sum();
    (mean, (squares / f64::from(count)).sqrt())
}
