//! Taking work off nodes above the safety level, down to a level below it, so that they do not pass it again with the next
//! task. A node counts as a whole, since one that is relieved by half is as hot as before: those tasks go whose standing still
//! costs least for the use that they take away, and they go only if together they cost less than the heat.

use super::super::draft::{Draft, Drafted};
use super::super::lepton_config::LeptonConfig;
use crate::model::{Health, NodeId, Reason};

/// Relieves the hot nodes, the worst first.
pub(in crate::decide::plan) fn relieve(draft: &mut Draft<'_>, config: &LeptonConfig) {
    let cluster = &draft.cluster;
    let working = cluster.nodes().filter(|&node| cluster.health(node) != Health::Down);
    let mut hot: Vec<(f64, NodeId)> = working.map(|node| (draft.share(node), node)).collect();
    hot.retain(|&(share, _)| share > draft.assessment.safety_level);
    hot.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    for (_, node) in hot {
        if draft.share(node) > draft.assessment.safety_level {
            relieve_one(draft, node, config);
        }
    }
}

fn relieve_one(draft: &mut Draft<'_>, node: NodeId, config: &LeptonConfig) {
    let size = draft.cluster.node_size_in_devices(node);
    let gain = config.hot_loss * size * draft.config.hot_minutes;
    let cost_max = gain / draft.config.gain_over_cost;
    let price = |draft: &Draft<'_>, task| draft.move_cost(task) / draft.share_of(task, node).max(1e-9);
    let mut tasks: Vec<_> = draft.movable(node).into_iter().map(|t| (price(draft, t), t)).collect();
    tasks.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mark = draft.mark();
    let mut steps: Vec<(Drafted, f64)> = Vec::new();
    let mut spent = 0.0;
    for (_, task) in tasks {
        if draft.share(node) <= config.relief_level {
            break;
        }
        let cost = draft.move_cost(task) + config.move_price;
        if spent + cost > cost_max {
            continue;
        }
        if let Some(step) = draft.move_away(task, draft.assessment.safety_level) {
            spent += cost;
            steps.push((step, cost));
        }
    }
    if draft.share(node) > draft.assessment.safety_level {
        draft.back_to(mark);
        draft.forget(steps.into_iter().map(|s| s.0).collect());
        return;
    }
    for (step, cost) in steps {
        draft.push_one(step, Reason::NodeOverloaded, (gain * cost / spent.max(1e-9), cost));
    }
}
