//! Making room for a unit that nodes are kept for: the fewest tasks that stand in its way move elsewhere, or, where they are
//! less important and have no other place, go back to the queue. All of it or nothing.

use super::super::draft::{Draft, Drafted};
use super::super::lepton_config::LeptonConfig;
use super::reserve::Reserved;
use crate::model::{Binding, ClassId, NodeId, Preempts, Reason, TaskId, Worth};

/// Makes room where that pays: what the unit would wait costs more than what its way costs.
pub(in crate::decide::plan) fn make_room(
    draft: &mut Draft<'_>,
    reserved: &[Reserved],
    config: &LeptonConfig,
) {
    for Reserved { unit, nodes, at_seconds } in reserved {
        // A gang is waited for: clearing many nodes at once disturbs more than it gains.
        let (&[task], &[node]) = (&unit[..], &nodes[..]) else { continue };
        if draft.cluster.placement(task).is_some() || draft.waited_minutes(task) < config.room_after_minutes {
            continue;
        }
        let minutes = at_seconds.map_or(config.unknown_wait_minutes, |at| {
            at.saturating_sub(draft.snapshot.time_seconds) as f64 / 60.0
        });
        let gain = draft.cluster.size_in_devices(task) * minutes;
        clear_for(draft, task, node, gain);
    }
}

fn clear_for(draft: &mut Draft<'_>, task: TaskId, node: NodeId, gain: f64) {
    let class = draft.cluster.task(task).class;
    let mark = draft.mark();
    let Some(in_the_way) = fewest_in_the_way(draft, class, node) else { return };
    let mut steps: Vec<Drafted> = Vec::new();
    let (mut cost, mut reason) = (0.0, Reason::StrandedCapacity);
    for other in in_the_way {
        cost += draft.move_cost(other);
        if draft.config.gain_over_cost * cost >= gain {
            break;
        }
        if let Some(step) = draft.move_away(other, draft.assessment.safety_level) {
            steps.push(step);
        } else if may_stop(draft, task, other) {
            cost += draft.work_at_stake(other);
            let Some(from) = draft.take_off(other) else { break };
            steps.push(draft.preempted(other, from));
            reason = Reason::HigherPriority;
        } else {
            break;
        }
    }
    let pays = draft.config.gain_over_cost * cost < gain;
    let placed = if pays { draft.place_on(task, node) } else { None };
    let step = placed.and_then(|to| if draft.put(task, to) { draft.placed(task, Vec::new()) } else { None });
    match step {
        Some(step) => {
            steps.push(step);
            draft.push(steps, Worth { reason, gain, cost }, Binding::AllOrNone);
        }
        None => {
            draft.back_to(mark);
            draft.forget(steps);
        }
    }
}

/// Whether a task may be stopped for another one.
fn may_stop(draft: &Draft<'_>, task: TaskId, other: TaskId) -> bool {
    let (task, other) = (draft.cluster.task(task), draft.cluster.task(other));
    other.priority < task.priority
        && match task.preempts {
            Preempts::WherePays => true,
            Preempts::AtOnce => other.preemptible,
            Preempts::Never => false,
        }
}

/// The tasks whose leaving makes room for the class on the node, such that none of them could stay, the cheapest to move;
/// `None` when those that may go do not suffice. The draft is left as it was.
fn fewest_in_the_way(draft: &mut Draft<'_>, class: ClassId, node: NodeId) -> Option<Vec<TaskId>> {
    let mut tasks: Vec<(f64, TaskId)> =
        draft.movable(node).into_iter().map(|t| (draft.move_cost(t), t)).collect();
    tasks.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mark = draft.mark();
    let mut leaving: Vec<TaskId> = Vec::new();
    for &(_, task) in &tasks {
        if draft.cluster.fits(node, class) {
            break;
        }
        draft.take_off(task);
        leaving.push(task);
    }
    let suffices = draft.cluster.fits(node, class);
    draft.back_to(mark);
    if !suffices {
        return None;
    }
    // The dearest stay if the others suffice.
    let mut needed = leaving.clone();
    for &task in leaving.iter().rev() {
        let without: Vec<TaskId> = needed.iter().copied().filter(|&t| t != task).collect();
        without.iter().for_each(|&t| {
            draft.take_off(t);
        });
        if draft.cluster.fits(node, class) {
            needed = without;
        }
        draft.back_to(mark);
    }
    Some(needed)
}
