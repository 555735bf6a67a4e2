//! The registry of placement policies: the one place that knows them all by name. What they do is in their
//! own files under `placement`.

use std::sync::Arc;

use super::placement::{
    BestFit, DotProduct, EvenShare, FirstFit, FragmentationGradientDescent, GpuClustering, GpuPacking,
    KubeLeastAllocated, KubeMostAllocated, PlacementPolicy, Random, Scale, WorstFit,
};
use super::policy::{LearnedPlacement, Mix, PlacementModel};
use crate::model::Cluster;
use crate::model::fragmentation::TargetWorkload;

/// A policy by name, with one line on what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicyInfo {
    /// Name on the command line and in reports.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub summary: &'static str,
}

/// Name of the learned policy.
pub const LEARNED: &str = "lepton";

/// All placement policies.
pub const PLACEMENT_POLICIES: &[PolicyInfo] = &[
    PolicyInfo {
        name: LEARNED,
        summary: "The learned policy: fgd, corrected by what the capacity left is worth.",
    },
    PolicyInfo { name: "random", summary: "Any node on which the task fits, by chance." },
    PolicyInfo { name: "first-fit", summary: "The first node of a fixed order on which the task fits." },
    PolicyInfo { name: "best-fit", summary: "The node with the least CPU and device capacity left over." },
    PolicyInfo { name: "worst-fit", summary: "The node with the most CPU and device capacity left over." },
    PolicyInfo {
        name: "dot-product",
        summary: "The node whose free capacity is least aligned with the demand.",
    },
    PolicyInfo { name: "gpu-packing", summary: "Used devices first, then used nodes, then empty nodes." },
    PolicyInfo {
        name: "gpu-clustering",
        summary: "Nodes that run tasks asking for the same number of devices.",
    },
    PolicyInfo { name: "fgd", summary: "The node whose device fragmentation grows least (FGD, ATC 2023)." },
    PolicyInfo {
        name: "kube-least-allocated",
        summary: "The Kubernetes default: emptiest node, balanced between CPU and memory.",
    },
    PolicyInfo { name: "kube-most-allocated", summary: "The Kubernetes bin-packing score: fullest node." },
    PolicyInfo {
        name: "even-share",
        summary: "The node with the most capacity over its even share of load.",
    },
];

/// What a policy may know when it is made.
#[derive(Debug, Clone, Copy)]
pub struct PlacementContext<'a> {
    /// The cluster, as it is at the start.
    pub cluster: &'a Cluster,
    /// The expected mix of tasks.
    pub target: &'a TargetWorkload,
    /// Seed of policies that draw.
    pub seed: u64,
    /// Weights of the learned policy; `None` for those it is shipped with.
    pub model: Option<&'a PlacementModel>,
}

/// A policy name that is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no placement policy `{name}`; there are: {}", known_names())]
pub struct UnknownPolicy {
    /// The name asked for.
    pub name: String,
}

fn known_names() -> String {
    PLACEMENT_POLICIES.iter().map(|p| p.name).collect::<Vec<_>>().join(", ")
}

/// The policy of that name.
///
/// # Errors
/// When there is no such policy.
pub fn placement_policy(
    name: &str,
    context: &PlacementContext<'_>,
) -> Result<Box<dyn PlacementPolicy>, UnknownPolicy> {
    let scale = Scale::of(context.cluster);
    Ok(match name {
        LEARNED => {
            let mix = Mix::new(context.cluster, context.target);
            let shipped = PlacementModel::shipped;
            let model = context.model.map_or_else(shipped, PlacementModel::clone);
            Box::new(LearnedPlacement::new(Arc::new(mix), &model))
        }
        "random" => Box::new(Random::new(context.seed)),
        "first-fit" => Box::new(FirstFit),
        "best-fit" => Box::new(BestFit::new(scale)),
        "worst-fit" => Box::new(WorstFit::new(scale)),
        "dot-product" => Box::new(DotProduct::new(scale)),
        "gpu-packing" => Box::new(GpuPacking),
        "gpu-clustering" => Box::new(GpuClustering::new(scale)),
        "fgd" => Box::new(FragmentationGradientDescent::new(context.target.clone())),
        "kube-least-allocated" => Box::new(KubeLeastAllocated),
        "kube-most-allocated" => Box::new(KubeMostAllocated),
        "even-share" => Box::new(EvenShare::new(context.cluster)),
        _ => return Err(UnknownPolicy { name: name.to_owned() }),
    })
}
