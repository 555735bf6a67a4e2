//! Starting what waits: unit by unit (a task, or a gang whole), the more important first, then who came first. A unit that
//! does not fit lets others pass, unless nodes are kept for it.

use std::collections::BTreeSet;

use super::super::draft::{Draft, Drafted};
use super::super::gang::{Effort, fit_together};
use super::reserve::Reserved;
use crate::model::{Binding, ClassId, Reason, TaskId, Worth};

/// Places what fits. Nodes are kept from those that come later in the queue than the unit that they are kept for.
pub(in crate::decide::plan) fn start_waiting(
    draft: &mut Draft<'_>,
    units: &[Vec<TaskId>],
    reserved: &[Reserved],
) {
    let mut no_room: BTreeSet<ClassId> = BTreeSet::new();
    let mut effort = Effort::default();
    draft.kept.clear();
    for unit in units {
        if let Some(&task) = unit.iter().find(|&&t| draft.cluster.obstacle_of_quota(t).is_some()) {
            draft.wait(task, draft.cluster.obstacle_of_quota(task));
            continue;
        }
        let class = draft.cluster.task(unit[0]).class;
        let own = reserved.iter().find(|r| r.unit[0] == unit[0]);
        if (unit.len() > 1 || own.is_some() || !no_room.contains(&class)) && start(draft, unit, &mut effort) {
            continue;
        }
        own.iter().for_each(|r| draft.kept.extend(r.nodes.iter().map(|&node| (node, r.at_seconds))));
        if unit.len() == 1 && own.is_none() {
            no_room.insert(class);
        }
        for &task in unit {
            draft.wait(task, None);
        }
    }
}

/// Places all of a unit, or nothing.
fn start(draft: &mut Draft<'_>, unit: &[TaskId], effort: &mut Effort) -> bool {
    let Some(steps) = one_by_one(draft, unit).or_else(|| all_together(draft, unit, effort)) else {
        return false;
    };
    let gain = unit.iter().map(|&t| draft.cluster.size_in_devices(t)).sum();
    let binding = if unit.len() > 1 { Binding::AllOrNone } else { Binding::Each };
    draft.push(steps, Worth { reason: Reason::PendingTaskFits, gain, cost: 0.0 }, binding);
    true
}

/// Each of a unit where that is best as it comes up.
fn one_by_one(draft: &mut Draft<'_>, unit: &[TaskId]) -> Option<Vec<Drafted>> {
    let mark = draft.mark();
    let mut steps: Vec<Drafted> = Vec::with_capacity(unit.len());
    for &task in unit {
        let found = draft.place_for(task);
        let step = found.and_then(
            |(to, candidates)| {
                if draft.put(task, to) { draft.placed(task, candidates) } else { None }
            },
        );
        let Some(step) = step else {
            draft.back_to(mark);
            return None;
        };
        steps.push(step);
    }
    Some(steps)
}

/// All of a gang where they fit together, whatever would be best for each.
fn all_together(draft: &mut Draft<'_>, unit: &[TaskId], effort: &mut Effort) -> Option<Vec<Drafted>> {
    if unit.len() == 1 {
        return None;
    }
    let nodes = draft.open_to(unit);
    let places = fit_together(&draft.cluster, unit, &nodes, effort)?;
    let mark = draft.mark();
    let steps = places
        .into_iter()
        .map(|(task, to)| if draft.put(task, to) { draft.placed(task, Vec::new()) } else { None });
    let steps: Option<Vec<Drafted>> = steps.collect();
    if steps.is_none() {
        draft.back_to(mark);
    }
    steps
}
