//! In which order units that wait are started, among those of one priority. Whatever the order, nothing starves: those that
//! nodes are kept for come first, and those are the ones that have waited longest.

use std::cmp::Reverse;

use super::acts::Reserved;
use super::draft::Draft;
use crate::decide::policy::{JobsModel, LearnedOrder};
use crate::decide::queue::{FreeLater, JobFacts, MachineView, QueuePolicy, WaitingColumns};
use crate::model::{DEVICE_MILLI, TaskId};

/// What a task that says nothing is taken to ask for, seconds: a day, so that it goes after those that say less.
const UNKNOWN_RUN_SECONDS: u64 = 86_400;

/// The learned order, with the weights that ship.
pub(super) fn learned() -> LearnedOrder {
    LearnedOrder::new(&JobsModel::shipped())
}

/// Whether most of those that wait say how long they will run. Where they do not, areas are sizes, and an order by them was
/// measured to be worse than who came first.
pub(super) fn most_say_how_long(draft: &Draft<'_>, units: &[Vec<TaskId>]) -> bool {
    let says =
        |unit: &&Vec<TaskId>| unit.iter().all(|&task| draft.snapshot.task(task).requested_seconds.is_some());
    2 * units.iter().filter(says).count() > units.len()
}

/// The units in the order in which they are started: those that nodes are kept for, then by priority and score.
pub(super) fn in_order(
    policy: &LearnedOrder,
    draft: &Draft<'_>,
    units: Vec<Vec<TaskId>>,
    reserved: &[Reserved],
) -> Vec<Vec<TaskId>> {
    let facts: Vec<JobFacts> = units.iter().enumerate().map(|(at, unit)| facts(draft, at, unit)).collect();
    let coefficients: Vec<[f64; 2]> = facts.iter().map(|job| policy.coefficients(job)).collect();
    let column = |at: usize| coefficients.iter().map(|c| c[at]).collect::<Vec<f64>>();
    let submits: Vec<f64> = facts.iter().map(|job| job.submit_seconds).collect();
    let (first, second) = (column(0), column(1));
    let waiting = WaitingColumns { submit_seconds: &submits, first: &first, second: &second };
    let free_units = free_units(draft);
    let later = later(draft, free_units);
    let mut scores = Vec::new();
    policy.score_all(&machine(draft, free_units, &later), waiting, &mut scores);
    let kept_for = |unit: &[TaskId]| reserved.iter().any(|r| r.unit[0] == unit[0]);
    let mut order: Vec<(bool, Reverse<i32>, f64, Vec<TaskId>)> = (units.into_iter().zip(scores))
        .map(|(unit, score)| (!kept_for(&unit), Reverse(draft.cluster.task(unit[0]).priority), score, unit))
        .collect();
    // Stable: who came first goes first among equals.
    order.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)));
    order.into_iter().map(|(.., unit)| unit).collect()
}

fn facts(draft: &Draft<'_>, at: usize, unit: &[TaskId]) -> JobFacts {
    let first = draft.snapshot.task(unit[0]);
    let asked_for = |&t: &TaskId| draft.snapshot.task(t).requested_seconds.unwrap_or(UNKNOWN_RUN_SECONDS);
    let requested_seconds = unit.iter().map(asked_for).max().unwrap_or(UNKNOWN_RUN_SECONDS) as f64;
    JobFacts {
        unit: at as u32,
        submit_seconds: first.submitted_seconds as f64,
        requested_seconds,
        size: unit.iter().map(|&t| draft.cluster.size_in_devices(t)).sum(),
        attained_unit_seconds: 0.0,
        lost_seconds: 0.0,
        priority: f64::from(draft.cluster.task(unit[0]).priority),
        owner_share: 0.0,
        running: false,
        seconds_per_end: requested_seconds,
    }
}

fn machine<'a>(draft: &Draft<'_>, free_units: f64, later: &'a [FreeLater]) -> MachineView<'a> {
    MachineView {
        now_seconds: draft.snapshot.time_seconds as f64,
        units: draft.cluster.device_milli_capacity() as f64 / f64::from(DEVICE_MILLI),
        free_units,
        backfills: true,
        held: None,
        used_share: 1.0,
        arrivals_per_second: 0.0,
        later,
    }
}

fn free_units(draft: &Draft<'_>) -> f64 {
    let free = |node| draft.cluster.devices_free(node).iter().map(|&milli| u64::from(milli)).sum::<u64>();
    draft.cluster.nodes().map(free).sum::<u64>() as f64 / f64::from(DEVICE_MILLI)
}

/// What will be free when, by the times that running tasks have asked for.
fn later(draft: &Draft<'_>, mut free_units: f64) -> Vec<FreeLater> {
    let (cluster, now) = (&draft.cluster, draft.snapshot.time_seconds);
    let hosted = cluster.nodes().flat_map(|node| cluster.hosted(node).iter().copied());
    let end = |task: TaskId| {
        let state = draft.snapshot.task(task);
        let end = state.started_seconds?.saturating_add(state.requested_seconds?);
        Some((end.saturating_sub(now), cluster.size_in_devices(task)))
    };
    let mut ends: Vec<(u64, f64)> = hosted.filter_map(end).collect();
    ends.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let freed = ends.into_iter().map(|(in_seconds, size)| {
        free_units += size;
        FreeLater { in_seconds: in_seconds as f64, free_units }
    });
    freed.collect()
}
