//! How long tasks run, by size: of those that say how long they will run, the share of it that they use.

use std::collections::BTreeMap;

use super::curve::{Curve, Life};
use crate::model::{Snapshot, TaskId};

/// Fewest ends of a size that say more than those of all sizes, and of all sizes that say anything.
const ENDS_MIN: usize = 20;

/// What tasks are told apart by: whether they say how long they run, and the power of two of their size in devices.
type Kind = (bool, i32);

/// What is known of how long tasks run.
#[derive(Debug)]
pub(super) struct RunTimes {
    by_kind: BTreeMap<Kind, Curve>,
    /// Of all sizes, by whether they say how long; none where too few ended.
    all: [Option<Curve>; 2],
}

impl RunTimes {
    /// From the tasks that ended lately and those that run; none where nothing can be told of any.
    pub(super) fn of(snapshot: &Snapshot) -> Option<Self> {
        let recent = &snapshot.recent;
        let mut lives: BTreeMap<Kind, Vec<Life>> = BTreeMap::new();
        // Watching began with the first end that is kept, which itself therefore says nothing.
        let began = recent.last_ended().map(|task| task.ended_seconds).min()?;
        for task in recent.last_ended().filter(|task| task.ended_seconds > began) {
            let ran = task.ran_seconds as f64;
            let from = (ran - (task.ended_seconds - began) as f64).max(0.0);
            let unit = task.requested_seconds.map_or(1.0, |asked| asked.max(1) as f64);
            let life = Life { from: from / unit, until: ran / unit, ended: true };
            lives.entry((task.requested_seconds.is_some(), power(task.size))).or_default().push(life);
        }
        for task in snapshot.cluster.live_tasks() {
            let Some(had) = had_seconds(snapshot, task) else { continue };
            let from = (had - snapshot.time_seconds.saturating_sub(began) as f64).max(0.0);
            let (kind, unit) = kind(snapshot, task);
            lives.entry(kind).or_default().push(Life { from: from / unit, until: had / unit, ended: false });
        }
        let enough = |(curve, ends): (Curve, usize)| (ends >= ENDS_MIN).then_some(curve);
        let all = [false, true].map(|says| {
            let of: Vec<Life> =
                lives.iter().filter(|(kind, _)| kind.0 == says).flat_map(|(_, of)| of).copied().collect();
            enough(Curve::of(&of))
        });
        let by_kind =
            lives.into_iter().filter_map(|(kind, of)| Some((kind, enough(Curve::of(&of))?))).collect();
        all.iter().any(Option::is_some).then_some(Self { by_kind, all })
    }

    /// When a task that runs ends, seconds; `chance` is the share of such tasks that last longer.
    pub(super) fn end_of(&self, snapshot: &Snapshot, task: TaskId, chance: f64) -> u64 {
        let Some(had) = had_seconds(snapshot, task) else { return super::NEVER };
        match self.total(snapshot, task, had, chance) {
            Some(total) => snapshot.time_seconds.saturating_add((total - had).max(1.0) as u64),
            None => super::NEVER,
        }
    }

    /// How long a task that waits will run, seconds.
    pub(super) fn span_of(&self, snapshot: &Snapshot, task: TaskId, chance: f64) -> u64 {
        let had = snapshot.task(task).ran_seconds as f64;
        self.total(snapshot, task, had, chance).map_or(super::NEVER, |total| (total - had).max(1.0) as u64)
    }

    fn total(&self, snapshot: &Snapshot, task: TaskId, had: f64, chance: f64) -> Option<f64> {
        let (kind, unit) = kind(snapshot, task);
        let curve = self.by_kind.get(&kind).or(self.all[usize::from(kind.0)].as_ref());
        match curve {
            Some(curve) => Some(unit * curve.total(had / unit, chance)),
            // Nothing is known but its own word.
            None => kind.0.then(|| unit.max(had)),
        }
    }
}

/// What a task is told apart by, and the seconds in which its run is counted.
fn kind(snapshot: &Snapshot, task: TaskId) -> (Kind, f64) {
    let asked = snapshot.task(task).requested_seconds;
    let unit = asked.map_or(1.0, |asked| asked.max(1) as f64);
    ((asked.is_some(), power(snapshot.cluster.size_in_devices(task))), unit)
}

/// How long a task has run, all its runs together; none where it does not run.
fn had_seconds(snapshot: &Snapshot, task: TaskId) -> Option<f64> {
    let state = snapshot.tasks.get(task.index())?;
    snapshot.cluster.placement(task)?;
    // A task of which nobody knows when it began is taken to have begun when it came.
    let began = state.started_seconds.unwrap_or(state.submitted_seconds);
    Some((state.ran_seconds + snapshot.time_seconds.saturating_sub(began)) as f64)
}

fn power(size: f64) -> i32 {
    size.max(1e-3).log2().floor() as i32
}
