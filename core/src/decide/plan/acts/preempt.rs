//! Stopping less important tasks at once for what preempts and has no room: all of a unit is placed by it, or nothing is done. Of the nodes
//! that one could be cleared for, the one whose most important victim is the least important, then the smallest sum of priorities,
//! the fewest victims, those that started last; none of the victims could stay. Members of a gang go together. (The stock scheduler
//! of Kubernetes chooses by the same; budgets of disruption are kept by who may be stopped at all.)

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::super::draft::{Draft, Drafted, Mark};
use super::reserve::Reserved;
use crate::model::{Binding, ClassId, NodeId, Placement, Preempts, Reason, TaskId, Worth};

/// Units that are tried in one turn.
const UNITS_MAX: usize = 64;
/// Nodes of which it is found out exactly who would have to go.
const NODES_MAX: usize = 32;
/// Victims of a gang of whom it is tried whether each could stay.
const SPARED_MAX: usize = 64;

/// A task that is stopped, and where it stood.
type Victim = (TaskId, Placement);
/// What clearing a node costs: the lowest is taken.
type Cost = (i32, i64, usize, Reverse<u64>);

/// Makes way for the waiting units that preempt, the most important first.
pub(in crate::decide::plan) fn preempt(
    draft: &mut Draft<'_>,
    units: &[Vec<TaskId>],
    reserved: &[Reserved],
    wait_minutes: f64,
) {
    let waits = |draft: &Draft<'_>, task: TaskId| {
        draft.cluster.placement(task).is_none()
            && draft.cluster.task(task).preempts == Preempts::AtOnce
            && draft.cluster.obstacle_of_quota(task).is_none()
    };
    let mut waiting: Vec<(i32, &Vec<TaskId>)> = units
        .iter()
        .filter(|unit| unit.iter().all(|&task| waits(draft, task)))
        .filter_map(|unit| Some((unit.iter().map(|&t| draft.cluster.task(t).priority).min()?, unit)))
        .collect();
    if waiting.is_empty() {
        return;
    }
    // Where all are as important, no node is looked at.
    let cluster = &draft.cluster;
    let stand =
        cluster.live_tasks().filter(|&t| cluster.task(t).preemptible && cluster.placement(t).is_some());
    let least = stand.map(|t| cluster.task(t).priority).min().unwrap_or(i32::MAX);
    waiting.retain(|(priority, _)| *priority > least);
    waiting.sort_by_key(|(priority, _)| Reverse(*priority));
    // What finds no way for a task finds none for a less important one of its class.
    let mut hopeless: BTreeSet<ClassId> = BTreeSet::new();
    for (priority, unit) in waiting.into_iter().take(UNITS_MAX) {
        let class = draft.cluster.task(unit[0]).class;
        if unit.len() == 1 && hopeless.contains(&class) {
            continue;
        }
        let own = reserved.iter().find(|r| r.unit[0] == unit[0]).map_or(&[][..], |r| &r.nodes);
        if !place_all(draft, (unit, priority), own, wait_minutes) && unit.len() == 1 {
            hopeless.insert(class);
        }
    }
}

/// Places all of a unit, stopping who is in its way, or does nothing.
fn place_all(
    draft: &mut Draft<'_>,
    (unit, priority): (&[TaskId], i32),
    own: &[NodeId],
    wait_minutes: f64,
) -> bool {
    let mark = draft.mark();
    let (mut victims, mut starts) = (Vec::<Victim>::new(), Vec::<(TaskId, Placement)>::new());
    for &task in unit {
        let to = match draft.place_for(task) {
            Some((to, _)) => Some(to),
            None => make_way(draft, (task, priority), own, &mut victims),
        };
        let Some(to) = to.filter(|&to| draft.put(task, to)) else {
            draft.back_to(mark);
            return false;
        };
        starts.push((task, to));
    }
    if unit.len() > 1 && victims.len() <= SPARED_MAX {
        // Room that was made for one member may be enough for those before it.
        spare(draft, mark, &mut victims, &starts);
    }
    let gain = unit.iter().map(|&t| draft.cluster.size_in_devices(t)).sum::<f64>() * wait_minutes;
    let cost = victims.iter().map(|&(victim, _)| draft.work_at_stake(victim)).sum();
    let mut steps: Vec<Drafted> =
        victims.into_iter().map(|(victim, from)| draft.preempted(victim, from)).collect();
    steps.extend(starts.iter().filter_map(|&(task, _)| draft.placed(task, Vec::new())));
    draft.push(steps, Worth { reason: Reason::HigherPriority, gain, cost }, Binding::AllOrNone);
    true
}

/// Lets those victims stay, with their gangs, without whom all that is started has room as well; since the mark nothing else was done.
fn spare(draft: &mut Draft<'_>, mark: Mark, victims: &mut Vec<Victim>, starts: &[(TaskId, Placement)]) {
    let goes = |draft: &mut Draft<'_>, victims: &[Victim]| {
        draft.back_to(mark);
        victims.iter().for_each(|&(victim, _)| {
            draft.take_off(victim);
        });
        starts.iter().all(|&(task, to)| draft.put(task, to))
    };
    let mut at = 0;
    while let Some(&(victim, _)) = victims.get(at) {
        let gang = draft.cluster.task(victim).gang;
        let stays = |&(other, _): &Victim| {
            other == victim || (gang.is_some() && draft.cluster.task(other).gang == gang)
        };
        let fewer: Vec<Victim> = victims.iter().copied().filter(|other| !stays(other)).collect();
        if goes(draft, &fewer) {
            *victims = fewer;
        } else {
            at += 1;
        }
    }
    goes(draft, victims);
}

/// Takes those off that are in the way on the best node, and says where the task goes; they are added to the victims.
fn make_way(
    draft: &mut Draft<'_>,
    (task, priority): (TaskId, i32),
    own: &[NodeId],
    victims: &mut Vec<Victim>,
) -> Option<Placement> {
    let mut nodes: Vec<((i32, usize), NodeId)> = draft
        .cluster
        .nodes()
        .filter(|node| own.contains(node) || !draft.kept.contains_key(node))
        .filter_map(|node| Some((roughly(draft, task, priority, node)?, node)))
        .collect();
    nodes.sort_unstable();
    let mut best: Option<(Cost, NodeId, Vec<Victim>)> = None;
    for (_, node) in nodes.into_iter().take(NODES_MAX) {
        let Some(found) = victims_on(draft, task, priority, node) else { continue };
        let cost = cost_of(draft, &found);
        if best.as_ref().is_none_or(|(least, ..)| cost < *least) {
            best = Some((cost, node, found));
        }
    }
    let (_, node, found) = best?;
    for &(victim, _) in &found {
        draft.take_off(victim);
    }
    victims.extend(found);
    draft.place_on(task, node)
}

/// About who would have to go, by amounts alone, the least important first: the highest priority among them, and how many; none where the
/// node cannot be cleared.
fn roughly(draft: &Draft<'_>, task: TaskId, priority: i32, node: NodeId) -> Option<(i32, usize)> {
    let cluster = &draft.cluster;
    let class = cluster.task(task).class;
    let is_open = cluster.health(node).takes_tasks() && !draft.assessment.failing.contains(&node);
    if !is_open || !cluster.suits(node, class) {
        return None;
    }
    let need = &cluster.class(class).demand;
    let mut missing: Vec<i64> = need.resources.iter().zip(cluster.free(node)).map(|(n, f)| n - f).collect();
    let free: i64 = cluster.devices_free(node).iter().map(|&f| i64::from(f)).sum();
    missing.push(need.device_milli() - free);
    let may_go = |t: &TaskId| cluster.task(*t).priority < priority && draft.may_be_stopped(*t);
    let mut hosted: Vec<TaskId> = cluster.hosted(node).iter().copied().filter(may_go).collect();
    hosted.sort_unstable_by_key(|&t| (cluster.task(t).priority, t));
    let (mut top, mut count) = (i32::MIN, 0);
    for t in hosted {
        if count > 0 && missing.iter().all(|&amount| amount <= 0) {
            break;
        }
        let freed = cluster.demand(t);
        missing
            .iter_mut()
            .zip(freed.resources.iter().copied().chain([freed.device_milli()]))
            .for_each(|(m, f)| *m -= f);
        (top, count) = (cluster.task(t).priority, count + 1);
    }
    (count > 0 && missing.iter().all(|&amount| amount <= 0)).then_some((top, count))
}

/// Who has to go so that the task has room on the node, such that none of them could stay, the more important spared first; the draft is left
/// as it was.
fn victims_on(draft: &mut Draft<'_>, task: TaskId, priority: i32, node: NodeId) -> Option<Vec<Victim>> {
    let mut units = stoppable(draft, priority, node);
    let started = |draft: &Draft<'_>, unit: &[Victim]| {
        unit.iter().map(|&(t, _)| draft.snapshot.task(t).started_seconds.unwrap_or(u64::MAX)).min()
    };
    units.sort_by_key(|unit| {
        let top = unit.iter().map(|&(t, _)| draft.cluster.task(t).priority).max();
        (Reverse(top), started(draft, unit))
    });
    let class = draft.cluster.task(task).class;
    let has_room = |draft: &Draft<'_>| {
        draft.cluster.fits(node, class) && draft.cluster.obstacle_around(node, class).is_none()
    };
    let mark = draft.mark();
    units.iter().flatten().for_each(|&(victim, _)| {
        draft.take_off(victim);
    });
    let mut victims = Vec::new();
    let suffices = has_room(draft);
    for unit in units.into_iter().filter(|_| suffices) {
        unit.iter().for_each(|&(victim, place)| draft.put_back(victim, place));
        if !has_room(draft) {
            unit.iter().for_each(|&(victim, _)| {
                draft.take_off(victim);
            });
            victims.extend(unit);
        }
    }
    draft.back_to(mark);
    (suffices && !victims.is_empty()).then_some(victims)
}

/// What may be stopped on a node: tasks by themselves, and gangs whole, wherever their members stand.
fn stoppable(draft: &Draft<'_>, priority: i32, node: NodeId) -> Vec<Vec<Victim>> {
    let cluster = &draft.cluster;
    let may_go = |t: TaskId| cluster.task(t).priority < priority && draft.may_be_stopped(t);
    let mut gangs = Vec::new();
    let mut units = Vec::new();
    for &hosted in cluster.hosted(node) {
        let Some(gang) = cluster.task(hosted).gang else {
            let place = cluster.placement(hosted).filter(|_| may_go(hosted));
            units.extend(place.map(|place| vec![(hosted, place)]));
            continue;
        };
        if gangs.contains(&gang) {
            continue;
        }
        gangs.push(gang);
        let members = cluster.gangs()[gang.index()].iter();
        let stand: Vec<Victim> = members.filter_map(|&t| Some((t, cluster.placement(t)?))).collect();
        if stand.iter().all(|&(t, _)| may_go(t)) {
            units.push(stand);
        }
    }
    units
}

fn cost_of(draft: &Draft<'_>, victims: &[Victim]) -> Cost {
    let priorities = victims.iter().map(|&(t, _)| draft.cluster.task(t).priority);
    let top = priorities.clone().max().unwrap_or(i32::MIN);
    // Each counts, however low its priority is.
    let sum = priorities.map(|priority| i64::from(priority) - i64::from(i32::MIN)).sum();
    let started = victims.iter().filter_map(|&(t, _)| draft.snapshot.task(t).started_seconds).min();
    (top, sum, victims.len(), Reverse(started.unwrap_or(0)))
}
