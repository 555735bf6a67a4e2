//! Protecting work from nodes that may fail: what is at stake leaves them while it can, the most first, where risk times that work is
//! worth the move. A node that is about to fail takes nothing new either; when its signs are gone it takes tasks again.

use super::super::draft::Draft;
use crate::model::{Health, Reason, Worth};

/// Cordons failing nodes, takes off what is worth it from these and from all that may fail, and ends the loop's own cordons
/// where the signs are gone.
pub(in crate::decide::plan) fn protect(draft: &mut Draft<'_>) {
    let assessment = draft.assessment;
    for node in draft.wary.clone() {
        let risk = assessment.risk_of(node);
        if assessment.failing.contains(&node) && draft.cluster.health(node) == Health::Up {
            draft.push_cordon(node, true, Worth { reason: Reason::NodeFailing, gain: risk, cost: 0.0 });
        }
        let mut tasks: Vec<_> =
            draft.movable(node).into_iter().map(|t| (draft.work_at_stake(t), t)).collect();
        tasks.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for (at_stake, task) in tasks {
            let (gain, cost) = (risk * at_stake, draft.move_cost(task));
            if gain > draft.config.gain_over_cost * cost
                && let Some(step) = draft.move_away(task, assessment.safety_level)
            {
                draft.push_one(step, Reason::NodeFailing, (gain, cost));
            }
        }
    }
    for &node in &draft.snapshot.cordoned_by_loop {
        if draft.cluster.health(node) == Health::Cordoned && !assessment.failing.contains(&node) {
            draft.push_cordon(node, false, Worth { reason: Reason::NodeCalm, gain: 0.0, cost: 0.0 });
        }
    }
}
