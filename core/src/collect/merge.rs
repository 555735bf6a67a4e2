//! Merging readings into the snapshot, one by one and in order.

use super::CollectConfig;
use super::reconcile::{in_order, leave_out};
use super::told::{add_node, add_task};
use crate::model::{Placement, Quota, Reading, Readings, Snapshot, SourceState};

/// Most signals that are kept of a node.
const SIGNALS_MAX: usize = 64;

/// Brings the snapshot up to date with what one source told. What cannot be believed is left out and
/// counted in [`Snapshot::rejected`]. A complete list is believed over all that was told before: what is not in it is gone.
/// Returns whether the source should be asked for one: readings are missing, or too many could not be believed.
pub fn merge(snapshot: &mut Snapshot, told: &Readings, now_seconds: u64, config: &CollectConfig) -> bool {
    snapshot.time_seconds = now_seconds;
    let sources = snapshot.sources.len() as u32;
    let source = snapshot.sources.entry(told.source.clone()).or_insert_with(|| SourceState::new(sources));
    // A source whose clock runs ahead cannot be fresher than now.
    source.looked_seconds = told.time_seconds.min(now_seconds).max(source.looked_seconds);
    let repeated = source.takes(told.sequence, told.complete);
    let number = source.number;
    if !repeated {
        let models = snapshot.cluster.models().len();
        let ordered = told.complete.then(|| in_order(&told.readings));
        if told.complete {
            leave_out(snapshot, &told.readings, number);
        }
        let mut rejected = 0;
        for reading in ordered.as_deref().unwrap_or(&[]) {
            rejected += u64::from(merge_one(snapshot, reading, number, config).is_none());
        }
        for reading in if told.complete { &[] } else { &*told.readings } {
            rejected += u64::from(merge_one(snapshot, reading, number, config).is_none());
        }
        snapshot.rejected += rejected;
        if let Some(source) = snapshot.sources.get_mut(&told.source) {
            source.rejected += rejected;
            // Tasks that accept a model by name were told before the model was known.
            let new_model = snapshot.cluster.models().len() > models && !told.complete;
            source.wants_list |= source.rejected > config.rejected_max || new_model;
        }
        snapshot.arrivals.publish(&mut snapshot.mix);
    }
    snapshot.stale = (snapshot.sources.iter())
        .filter(|&(_, s)| now_seconds.saturating_sub(s.looked_seconds) > config.freshness_seconds)
        .map(|(source, _)| source.clone())
        .collect();
    snapshot.sources.get(&told.source).is_some_and(|source| source.wants_list)
}

/// `None` when the reading cannot be believed.
fn merge_one(snapshot: &mut Snapshot, reading: &Reading, source: u32, config: &CollectConfig) -> Option<()> {
    let task_of = |snapshot: &Snapshot, name: &str| snapshot.task_by_name.get(name).copied();
    match reading {
        Reading::NodeAdded(node) => add_node(snapshot, node, source),
        Reading::NodeRemoved { node } => {
            let node = snapshot.cluster.node_named(node)?;
            snapshot.node_gone(node);
            Some(())
        }
        Reading::NodeState { node, health, cordoned_by_loop } => {
            let node = snapshot.cluster.node_named(node)?;
            snapshot.set_node_state(node, *health, *cordoned_by_loop);
            Some(())
        }
        Reading::DeviceState { node, device, in_service } => {
            let node = snapshot.cluster.node_named(node)?;
            snapshot.cluster.devices_in_service(node).get(*device)?;
            snapshot.cluster.set_device_health(node, *device, *in_service);
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
        Reading::OwnerQuota { owner, quota } => {
            let quota = match quota {
                Some((resources, device_milli)) => {
                    snapshot.cluster.check_amounts(owner, resources).ok()?;
                    Some(Quota { resources: resources.clone().into(), device_milli: *device_milli })
                }
                None => None,
            };
            let owner = snapshot.cluster.owner(owner);
            snapshot.cluster.set_quota(owner, quota);
            Some(())
        }
        Reading::TaskSubmitted(task) => add_task(snapshot, task, source),
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
            let task = task_of(snapshot, task)?;
            snapshot.task_ended(task);
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
