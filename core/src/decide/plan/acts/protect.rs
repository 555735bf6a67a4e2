//! Protecting work from nodes that are about to fail: such a node takes nothing new, and what is at stake leaves it while it
//! can, the most first. A node whose signs are gone takes tasks again.

use super::super::draft::Draft;
use crate::model::{Health, Reason, Worth};

/// Cordons failing nodes, clears them, and ends the loop's own cordons where the signs are gone.
pub(in crate::decide::plan) fn protect(draft: &mut Draft<'_>) {
    let assessment = draft.assessment;
    for &node in &assessment.failing {
        let risk = assessment.risk_of(node);
        if draft.cluster.health(node) == Health::Up {
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
