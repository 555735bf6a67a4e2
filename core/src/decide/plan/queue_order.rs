//! In which order units that wait are started, among those of one priority. Whatever the order, nothing starves: those that
//! nodes are kept for come first, and those are the ones that have waited longest.

use std::cmp::Reverse;

use super::acts::Reserved;
use super::draft::Draft;
use crate::decide::queue::pass::Lately;
use crate::decide::queue::{JobFacts, Moment, QueuePolicy, scores_at};
use crate::model::{DEVICE_MILLI, TaskId};

/// Whether most of those that wait say how long they will run. Where they do not, areas are sizes, and an order by them was
/// measured to be worse than who came first.
pub(super) fn most_say_how_long(draft: &Draft<'_>, units: &[Vec<TaskId>]) -> bool {
    let says =
        |unit: &&Vec<TaskId>| unit.iter().all(|&task| draft.snapshot.task(task).requested_seconds.is_some());
    2 * units.iter().filter(says).count() > units.len()
}

/// The units in the order in which they are started: those that nodes are kept for, then by priority and score.
pub(super) fn in_order(
    policy: &dyn QueuePolicy,
    draft: &Draft<'_>,
    units: Vec<Vec<TaskId>>,
    reserved: &[Reserved],
) -> Vec<Vec<TaskId>> {
    let facts: Vec<JobFacts> = units.iter().enumerate().map(|(at, unit)| facts(draft, at, unit)).collect();
    let all_units = draft.cluster.device_milli_capacity() as f64 / f64::from(DEVICE_MILLI);
    let moment = Moment {
        now_seconds: draft.snapshot.time_seconds,
        units: all_units,
        free_units: free_units(draft),
        lately: Lately::from(&draft.snapshot.recent),
    };
    let scores = scores_at(policy, moment, &facts, ends(draft));
    let kept_for = |unit: &[TaskId]| reserved.iter().any(|r| r.unit[0] == unit[0]);
    let mut order: Vec<(bool, Reverse<i32>, f64, Vec<TaskId>)> = (units.into_iter().zip(scores))
        .map(|(unit, score)| (!kept_for(&unit), Reverse(draft.cluster.task(unit[0]).priority), score, unit))
        .collect();
    // Stable: who came first goes first among equals.
    order.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)));
    order.into_iter().map(|(.., unit)| unit).collect()
}

fn facts(draft: &Draft<'_>, at: usize, unit: &[TaskId]) -> JobFacts {
    let requests = unit.iter().map(|&task| draft.snapshot.task(task).requested_seconds);
    // A unit says how long it runs when all its tasks do.
    let requested = requests.clone().all(|r| r.is_some()).then(|| requests.flatten().max()).flatten();
    let size = unit.iter().map(|&t| draft.cluster.size_in_devices(t)).sum();
    JobFacts::waiting(at as u32, draft.snapshot.task(unit[0]).submitted_seconds, requested, size)
}

fn free_units(draft: &Draft<'_>) -> f64 {
    let free = |node| draft.cluster.devices_free(node).iter().map(|&milli| u64::from(milli)).sum::<u64>();
    draft.cluster.nodes().map(free).sum::<u64>() as f64 / f64::from(DEVICE_MILLI)
}

/// When running tasks end by the times that they have asked for, and what they free.
fn ends(draft: &Draft<'_>) -> impl Iterator<Item = (u64, f64)> {
    let cluster = &draft.cluster;
    let hosted = cluster.nodes().flat_map(|node| cluster.hosted(node).iter().copied());
    let end = move |task: TaskId| {
        let state = draft.snapshot.task(task);
        let end = state.started_seconds?.saturating_add(state.requested_seconds?);
        Some((end, cluster.size_in_devices(task)))
    };
    hosted.filter_map(end)
}
