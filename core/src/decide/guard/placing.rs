//! The learned placement in service: rehearsed for each new version of the mix, and between two versions compared with its rule
//! on what has really come. Takes up to half a second on a large cluster, so it is done beside the loop, on a snapshot.

use std::sync::Arc;

use super::rehearsal::Stage;
use super::{Compared, Guard, GuardDecision, GuardOptions, RehearsalOptions, compared_after, rehearse};
use crate::decide::placement_policies::{PlacementContext, placement_policy};
use crate::decide::policy::{LearnedPlacement, Mix, PlacementModel};
use crate::model::fragmentation::TargetWorkload;
use crate::model::{CameTask, Cluster, Placing, Served, Snapshot};

/// Nodes of the model of the cluster on which what came is placed again.
const COMPARED_NODES_MAX: usize = 100;

/// What became of looking at the learned placement again.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacingReview {
    /// Who places from now on.
    pub placing: Placing,
    /// Why.
    pub decision: GuardDecision,
}

/// Looks at a learned placement again where there is a reason: a new version of the mix, or enough tasks that have come since it
/// was looked at. `rule` places where it does not serve. None without a reason, and where what came says nothing.
pub fn review_placing(snapshot: &Snapshot, model: &PlacementModel, rule: &str) -> Option<PlacingReview> {
    let (cluster, placing) = (&snapshot.cluster, &snapshot.memory.placing);
    let target = snapshot.mix.target();
    if snapshot.mix.version != placing.mix_version && !target.is_empty() {
        let mix = Arc::new(Mix::new(cluster, &target));
        let decision = rehearse(cluster, &target, &mix, model, &RehearsalOptions::default()).decision;
        let placing = Placing { mix_version: snapshot.mix.version, served: Served::new(decision.serving) };
        return Some(PlacingReview { placing, decision });
    }
    let came = snapshot.recent.came();
    if placing.mix_version == 0 || came.len() < compared_after(cluster.node_count()) {
        return None;
    }
    let Compared { model, rule } = compare_placements(cluster, &target, came, model, rule)?;
    let mut guard = Guard::resume(GuardOptions::default(), placing.served.clone());
    let decision = guard.observe(model, rule);
    let placing = Placing { mix_version: placing.mix_version, served: guard.into_served() };
    Some(PlacingReview { placing, decision })
}

/// What the model and the rule allocate, percent of the devices, when the tasks come again to the empty cluster, in their order and over
/// again until all devices have been asked for. Both know the published mix, as they do in service.
fn compare_placements<'a>(
    cluster: &Cluster,
    target: &TargetWorkload,
    came: impl ExactSizeIterator<Item = &'a CameTask>,
    model: &PlacementModel,
    rule: &str,
) -> Option<Compared> {
    let (stage, sequence) = Stage::of_tasks(cluster, came, COMPARED_NODES_MAX)?;
    let learned = LearnedPlacement::new(Arc::new(Mix::new(&stage.cluster, target)), model);
    let context = PlacementContext { cluster: &stage.cluster, target, seed: 0, model: None };
    let ruled = placement_policy(rule, &context).ok()?;
    Some(Compared { model: stage.play(Box::new(learned), &sequence), rule: stage.play(ruled, &sequence) })
}
