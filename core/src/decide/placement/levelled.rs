//! Another policy's score, less what makes the node hot: use is levelled while tasks are placed, since that costs nothing,
//! and not by moving them later.
//!
//! Score: `w s / 100 - u - b - p`, with `s` the other policy's score; `u` the share of the node's busiest resource that is
//! used with the task on it; `b` a price for breaking into a node whose devices are all free, which whole-node tasks need;
//! `p` the price of the CPU that the node will lack when its free devices are taken by the mean task of the mix: a task that
//! needs much CPU for its devices goes where there is much of it beside each. The use is noted in steps, so that a node is
//! scored again only when it has changed by one.

use super::PlacementPolicy;
use crate::model::{ClassId, Cluster, DEVICE_MILLI, DeviceSet, NodeId, ResourceSchema, ScoreTerm};

/// Steps of use in which nodes are told apart.
const STEPS: f64 = 40.0;

/// What the terms of the score weigh, in shares of a node's use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevelWeights {
    /// 100 points of the other policy's score.
    pub policy: f64,
    /// Breaking into a node whose devices are all free, unless the task takes them all.
    pub whole_node: f64,
    /// CPU that will be lacking, as a share of the node's.
    pub lacking: f64,
    /// Share of its CPU that a node should use at most when all its devices are taken.
    pub full_level: f64,
}

impl Default for LevelWeights {
    fn default() -> Self {
        Self { policy: 0.2, whole_node: 0.3, lacking: 2.0, full_level: 0.75 }
    }
}

/// The other policy and what is known of use.
pub(in crate::decide) struct Levelled {
    policy: Box<dyn PlacementPolicy>,
    weights: LevelWeights,
    /// CPU that goes with one device in the mix, millicores.
    cpu_per_device: f64,
    resources: usize,
    /// nodes x resources: share of the capacity used, in whole steps.
    used: Vec<f32>,
}

impl Levelled {
    pub(in crate::decide) fn new(
        policy: Box<dyn PlacementPolicy>,
        weights: LevelWeights,
        cpu_per_device: f64,
        cluster: &Cluster,
    ) -> Self {
        let resources = cluster.schema().len();
        let used = vec![0.0; resources * cluster.node_count()];
        Self { policy, weights, cpu_per_device, resources, used }
    }

    /// How much more CPU than it should the node will use when its free devices are taken, as a share of its own.
    fn lacking(&self, cluster: &Cluster, node: NodeId, used: f64, devices: f64) -> f64 {
        let capacity = cluster.capacity(node)[ResourceSchema::CPU].max(1) as f64;
        (used + devices * self.cpu_per_device / capacity - self.weights.full_level).max(0.0)
    }
}

impl Levelled {
    /// What makes the node a worse place, weighted: use of its busiest resource, breaking into it, the CPU it will lack.
    fn prices(&self, cluster: &Cluster, class: ClassId, node: NodeId) -> [f64; 3] {
        let demand = &cluster.class(class).demand;
        let of_node = &self.used[node.index() * self.resources..][..self.resources];
        let shares = of_node.iter().zip(cluster.capacity(node)).zip(&demand.resources);
        let used_with = |((&used, &all), &need): ((&f32, &i64), &i64)| {
            f64::from(used) + if all == 0 { 0.0 } else { need as f64 / all as f64 }
        };
        let busiest = shares.map(used_with).fold(0.0, f64::max);

        let devices = cluster.devices_free(node);
        let free: f64 = devices.iter().map(|&f| f64::from(f)).sum::<f64>() / f64::from(DEVICE_MILLI);
        let taken = demand.device_milli() as f64 / f64::from(DEVICE_MILLI);
        let whole = devices.len() > 1 && free == devices.len() as f64 && taken < free;

        let cpu = f64::from(of_node[ResourceSchema::CPU]);
        let capacity = cluster.capacity(node)[ResourceSchema::CPU].max(1) as f64;
        let cpu_with = cpu + demand.resources[ResourceSchema::CPU] as f64 / capacity;
        let lacking =
            self.lacking(cluster, node, cpu_with, free - taken) - self.lacking(cluster, node, cpu, free);

        let LevelWeights { whole_node, lacking: of_lacking, .. } = self.weights;
        let broken = if whole { whole_node * devices.len() as f64 / 8.0 } else { 0.0 };
        [busiest, broken, of_lacking * lacking]
    }
}

impl PlacementPolicy for Levelled {
    fn score(&mut self, cluster: &Cluster, class: ClassId, node: NodeId) -> f32 {
        let steady = self.steady_score(cluster, class, node);
        self.score_of_steady(cluster, class, node, steady)
    }

    fn looks_at_use(&self) -> bool {
        true
    }

    fn steady_score(&mut self, cluster: &Cluster, class: ClassId, node: NodeId) -> f32 {
        self.policy.score(cluster, class, node)
    }

    fn score_of_steady(&self, cluster: &Cluster, class: ClassId, node: NodeId, steady: f32) -> f32 {
        let of_policy = f64::from(steady) / 100.0;
        let [busiest, broken, lacking] = self.prices(cluster, class, node);
        (self.weights.policy * of_policy - busiest - broken - lacking) as f32
    }

    fn terms(&self, cluster: &Cluster, class: ClassId, node: NodeId, score: f32) -> Vec<(ScoreTerm, f64)> {
        let [busiest, broken, lacking] = self.prices(cluster, class, node);
        let of_policy = f64::from(score) + busiest + broken + lacking;
        vec![
            (ScoreTerm::Policy, of_policy),
            (ScoreTerm::Use, -busiest),
            (ScoreTerm::WholeNode, -broken),
            (ScoreTerm::LackingCpu, -lacking),
        ]
    }

    fn devices(&mut self, cluster: &Cluster, class: ClassId, node: NodeId) -> DeviceSet {
        self.policy.devices(cluster, class, node)
    }

    fn note_use(&mut self, node: NodeId, shares: &[f64]) -> bool {
        let of_node = &mut self.used[node.index() * self.resources..][..self.resources];
        let mut changed = false;
        for (known, share) in of_node.iter_mut().zip(shares) {
            let now = ((share * STEPS).round() / STEPS) as f32;
            changed |= *known != now;
            *known = now;
        }
        changed
    }
}
