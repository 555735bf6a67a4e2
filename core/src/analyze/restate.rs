//! Bringing an assessment up to date between two whole turns.

use std::collections::BTreeSet;

use crate::model::{Assessment, NodeId, Snapshot};

/// Brings it up to date on nodes where tasks have come or gone since: what is used of them now, and by as much what is expected. All else
/// stays that of its own moment. O(tasks on these nodes).
pub fn restate(assessment: &mut Assessment, snapshot: &Snapshot, changed: &[NodeId]) {
    let Assessment { used, expected, use_of_demand, .. } = assessment;
    let resources = use_of_demand.len();
    for node in changed.iter().collect::<BTreeSet<_>>() {
        for (resource, &share) in use_of_demand.iter().enumerate() {
            let at = node.index() * resources + resource;
            let Some(before) = used.get_mut(at) else { continue };
            let tasks = snapshot.cluster.hosted(*node).iter();
            let now: f64 = tasks.map(|&task| snapshot.task_use(task, resource, share)).sum();
            let more = now - std::mem::replace(before, now);
            if let Some(expected) = expected {
                let levels = expected.levels.len();
                let of_series = expected.used.iter_mut().skip(at * levels).take(levels);
                of_series.for_each(|used| *used = (*used + more).max(0.0));
            }
        }
    }
    assessment.waiting = snapshot.waiting().len();
}
