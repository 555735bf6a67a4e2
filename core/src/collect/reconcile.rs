//! A complete list of a source is believed over all that was told before.

use std::collections::HashSet;

use crate::model::{NodeId, Reading, Snapshot, TaskId};

/// The readings of a list in an order in which each finds what it speaks of: nodes, then tasks, then places, then the rest.
pub(super) fn in_order(readings: &[Reading]) -> Vec<Reading> {
    let rank = |reading: &Reading| match reading {
        Reading::NodeAdded(_) => 0,
        Reading::NodeState { .. } | Reading::DeviceState { .. } | Reading::OwnerQuota { .. } => 1,
        Reading::TaskSubmitted(_) => 2,
        Reading::TaskPlaced { .. } => 3,
        _ => 4,
    };
    let mut ordered = readings.to_vec();
    ordered.sort_by_key(rank);
    ordered
}

/// What the source told of before and leaves out of its list is gone; a task that has no place in the list waits; signals
/// of its nodes are as listed.
pub(super) fn leave_out(snapshot: &mut Snapshot, listed: &[Reading], source: u32) {
    let (mut nodes, mut tasks, mut placed) = (HashSet::new(), HashSet::new(), HashSet::new());
    for reading in listed {
        match reading {
            Reading::NodeAdded(node) => nodes.insert(node.name.as_str()),
            Reading::TaskSubmitted(task) => tasks.insert(task.name.as_str()),
            Reading::TaskPlaced { task, .. } => placed.insert(task.as_str()),
            _ => false,
        };
    }
    let known: Vec<TaskId> = snapshot.cluster.live_tasks().collect();
    for task in known {
        if snapshot.task(task).source != source {
            continue;
        }
        let name = &*snapshot.cluster.task(task).name;
        if !tasks.contains(name) {
            snapshot.task_gone(task);
        } else if !placed.contains(name) {
            snapshot.waits(task);
        } else {
            snapshot.tasks[task.index()].leaving = false;
        }
    }
    let known: Vec<NodeId> = snapshot.cluster.nodes().filter(|&n| snapshot.cluster.is_there(n)).collect();
    for node in known {
        if snapshot.node_source[node.index()] == source {
            snapshot.signals[node.index()].clear();
            if !nodes.contains(snapshot.cluster.node_name(node)) {
                snapshot.node_gone(node);
            }
        }
    }
}
