//! Placing one task: the [`Placer`] keeps a score per (class, node) until the node changes and knows the
//! best node of each class; a [`PlacementPolicy`] says what the score is. Hard rules are checked here, so a
//! policy only ever sees nodes on which the class fits. The registry that names the policies is one level up.

mod best_node;
mod feasible_set;
mod placer;
mod scale;

mod best_fit;
mod dot_product;
mod even_share;
mod fgd;
mod first_fit;
mod gpu_clustering;
mod gpu_packing;
mod kube_least_allocated;
mod kube_most_allocated;
mod levelled;
mod random;
mod worst_fit;

pub use even_share::{even_share_of_load, even_share_of_resources};
pub use levelled::LevelWeights;
pub use placer::Placer;

pub(super) use best_fit::BestFit;
pub(super) use best_node::{BestNode, UNFIT};
pub(super) use dot_product::DotProduct;
pub(super) use even_share::EvenShare;
pub(super) use fgd::FragmentationGradientDescent;
pub(super) use first_fit::FirstFit;
pub(super) use gpu_clustering::GpuClustering;
pub(super) use gpu_packing::GpuPacking;
pub(super) use kube_least_allocated::KubeLeastAllocated;
pub(super) use kube_most_allocated::KubeMostAllocated;
pub(super) use levelled::Levelled;
pub(super) use random::Random;
pub(super) use scale::Scale;
pub(super) use worst_fit::WorstFit;

use crate::model::{ClassId, Cluster, DEVICE_MILLI, DeviceDemand, DeviceSet, NodeId, ScoreTerm};

/// Scores nodes for classes of tasks. One instance serves one run: it may keep caches and a seeded
/// generator of its own.
pub trait PlacementPolicy: Send {
    /// The score of placing a task of `class` on `node`, on which it fits; higher is better, never NaN.
    /// It may depend on the demand of the class and on the state of that node alone: the [`Placer`] keeps it for all classes
    /// of the same demand and selectors until the node changes.
    fn score(&mut self, cluster: &Cluster, class: ClassId, node: NodeId) -> f32;

    /// What the class's score on `node` is made of: terms that add up to it. Nothing of a policy whose score is one term.
    fn terms(&self, cluster: &Cluster, class: ClassId, node: NodeId, score: f32) -> Vec<(ScoreTerm, f64)> {
        let _ = (cluster, class, node, score);
        Vec::new()
    }

    /// The devices to take on `node`, on which the class fits.
    fn devices(&mut self, cluster: &Cluster, class: ClassId, node: NodeId) -> DeviceSet {
        match cluster.class(class).demand.devices {
            None => DeviceSet::NONE,
            Some(demand) => tightest_devices(cluster, node, &demand),
        }
    }

    /// Whether scores depend on how much of a node is really used.
    fn looks_at_use(&self) -> bool {
        false
    }

    /// The part of the score that does not: what is costly to find and stays as it is until the node changes.
    fn steady_score(&mut self, cluster: &Cluster, class: ClassId, node: NodeId) -> f32 {
        self.score(cluster, class, node)
    }

    /// The score, of that part and of what is used of the node now.
    fn score_of_steady(&self, cluster: &Cluster, class: ClassId, node: NodeId, steady: f32) -> f32 {
        let _ = (cluster, class, node);
        steady
    }

    /// Notes how much of each resource of a node is really used, as shares of its capacity; returns whether that changes
    /// scores on it. Only for policies that look at use.
    fn note_use(&mut self, node: NodeId, shares: &[f64]) -> bool {
        let _ = (node, shares);
        false
    }

    /// Whether the policy draws a node by chance instead of scoring.
    fn by_chance(&self) -> bool {
        false
    }

    /// For policies that draw: the position of the chosen one among `candidates` (at least 1) nodes on
    /// which the class fits.
    fn draw(&mut self, candidates: usize) -> usize {
        let _ = candidates;
        0
    }
}

/// The devices that fit with the least left, lowest index first among equals. For whole devices these are
/// the lowest-numbered free ones.
pub fn tightest_devices(cluster: &Cluster, node: NodeId, demand: &DeviceDemand) -> DeviceSet {
    let free = cluster.devices_free(node);
    if demand.count == 1 {
        let best = fitting_devices(cluster, node, demand).min_by_key(|&i| (free[i], i));
        return best.map_or(DeviceSet::NONE, DeviceSet::one);
    }
    let mut fitting: Vec<usize> = fitting_devices(cluster, node, demand).collect();
    if demand.milli < DEVICE_MILLI {
        fitting.sort_by_key(|&i| (free[i], i));
    }
    fitting.into_iter().take(usize::from(demand.count)).collect()
}

/// The devices of a node that the demand accepts and that have room, lowest index first.
pub fn fitting_devices<'a>(
    cluster: &'a Cluster,
    node: NodeId,
    demand: &'a DeviceDemand,
) -> impl Iterator<Item = usize> + 'a {
    let models = cluster.device_models(node);
    (cluster.devices_free(node).iter().enumerate())
        .filter(|&(i, &free)| free >= demand.milli && demand.accept.contains(models[i]))
        .map(|(i, _)| i)
}

#[cfg(test)]
mod tests;
