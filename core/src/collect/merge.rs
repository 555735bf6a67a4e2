//! Merging readings into the snapshot, one by one and in order.

use std::collections::BTreeMap;

use super::CollectConfig;
use crate::model::{
    Demand, DeviceDemand, ModelSet, NodeReading, NodeSpec, Placement, Reading, Readings, Rules, Snapshot,
    Task, TaskClass, TaskReading, TaskState,
};

/// Most signals that are kept of a node.
const SIGNALS_MAX: usize = 64;

/// Brings the snapshot up to date with what one source told. What cannot be believed is left out and
/// counted in [`Snapshot::rejected`]; nothing is lost by it, since a source repeats itself when asked to
/// list.
pub fn merge(snapshot: &mut Snapshot, told: &Readings, now_seconds: u64, config: &CollectConfig) {
    snapshot.time_seconds = now_seconds;
    // A source whose clock runs ahead cannot be fresher than now.
    let looked = told.time_seconds.min(now_seconds);
    let last = snapshot.sources.entry(told.source.clone()).or_insert(0);
    *last = looked.max(*last);
    for reading in &told.readings {
        if merge_one(snapshot, reading, config).is_none() {
            snapshot.rejected += 1;
        }
    }
    snapshot.arrivals.publish(&mut snapshot.mix);
    snapshot.stale = (snapshot.sources.iter())
        .filter(|&(_, &looked)| now_seconds.saturating_sub(looked) > config.freshness_seconds)
        .map(|(source, _)| source.clone())
        .collect();
}

/// `None` when the reading cannot be believed.
fn merge_one(snapshot: &mut Snapshot, reading: &Reading, config: &CollectConfig) -> Option<()> {
    let task_of = |snapshot: &Snapshot, name: &str| snapshot.task_by_name.get(name).copied();
    match reading {
        Reading::NodeAdded(node) => add_node(snapshot, node),
        Reading::NodeState { node, health, cordoned_by_loop } => {
            let node = snapshot.cluster.node_named(node)?;
            snapshot.set_node_state(node, *health, *cordoned_by_loop);
            Some(())
        }
        Reading::Signal { node, signal, value } => {
            let node = snapshot.cluster.node_named(node)?;
            if !(value.is_finite() && *value >= 0.0) {
                return None;
            }
            let signals = &mut snapshot.signals[node.index()];
            if *value == 0.0 {
                signals.remove(signal.as_str());
            } else if signals.len() < SIGNALS_MAX || signals.contains_key(signal.as_str()) {
                signals.insert(signal.as_str().into(), (*value, snapshot.time_seconds));
            } else {
                return None;
            }
            Some(())
        }
        Reading::TaskSubmitted(task) => add_task(snapshot, task),
        Reading::TaskPlaced { task, node, devices } => {
            let task = task_of(snapshot, task)?;
            let place = Placement { node: snapshot.cluster.node_named(node)?, devices: *devices };
            snapshot.stands(task, place).then_some(())
        }
        Reading::TaskUnplaced { task } => {
            let task = task_of(snapshot, task)?;
            snapshot.waits(task);
            Some(())
        }
        Reading::TaskLeaving { task } => {
            let task = task_of(snapshot, task)?;
            snapshot.cluster.placement(task)?;
            snapshot.tasks[task.index()].leaving = true;
            Some(())
        }
        Reading::TaskEnded { task } => {
            let id = snapshot.task_by_name.remove(task.as_str())?;
            snapshot.cluster.retire(id);
            snapshot.pending.remove(&id);
            Some(())
        }
        Reading::TaskUse { task, amounts, unsaved_seconds } => {
            let task = task_of(snapshot, task)?;
            let node = snapshot.cluster.placement(task)?.node;
            let capacity = snapshot.cluster.capacity(node);
            let sound = amounts.len() == capacity.len()
                && (amounts.iter().zip(capacity)).all(|(&used, &all)| {
                    (0..=all.saturating_mul(config.use_of_capacity_max)).contains(&used)
                });
            if !sound {
                return None;
            }
            let state = &mut snapshot.tasks[task.index()];
            state.used.clone_from(amounts);
            state.unsaved_seconds = *unsaved_seconds;
            Some(())
        }
    }
}

fn add_node(snapshot: &mut Snapshot, node: &NodeReading) -> Option<()> {
    if snapshot.cluster.node_named(&node.name).is_some() {
        return None;
    }
    let models = node.devices.iter().map(|(kind, model)| snapshot.cluster.add_model(*kind, model).ok());
    let models = models.collect::<Option<Vec<_>>>()?;
    let mut spec = NodeSpec::new(node.name.as_str(), node.capacity.clone(), models);
    spec.health = node.health;
    snapshot.cluster.add_node(spec).ok()?;
    snapshot.signals.push(BTreeMap::new());
    Some(())
}

fn add_task(snapshot: &mut Snapshot, task: &TaskReading) -> Option<()> {
    if snapshot.task_by_name.contains_key(task.name.as_str()) {
        return None;
    }
    let (count, milli) = task.devices;
    let devices = (count > 0).then_some(DeviceDemand { count, milli, accept: ModelSet::ANY });
    let demand = Demand { resources: task.demand.clone().into(), devices };
    let class =
        snapshot.cluster.add_class(TaskClass { demand, rules: Rules::default(), group: None }).ok()?;
    snapshot.arrivals.count(&snapshot.cluster.class(class).demand);
    let id = snapshot.cluster.add_task(Task {
        priority: task.priority,
        do_not_disrupt: task.do_not_disrupt,
        ..Task::new(task.name.as_str(), class)
    });
    if snapshot.tasks.len() <= id.index() {
        snapshot.tasks.resize_with(id.index() + 1, TaskState::default);
    }
    snapshot.tasks[id.index()] = TaskState {
        submitted_seconds: task.submitted_seconds,
        pause_seconds: task.pause_seconds,
        ..TaskState::default()
    };
    snapshot.task_by_name.insert(task.name.as_str().into(), id);
    snapshot.pending.insert(id);
    Some(())
}
