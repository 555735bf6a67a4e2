//! What is believed of readings, and what is not.

use super::*;
use crate::model::{
    DeviceKind, DeviceSet, DocumentDemand, Health, NodeReading, Reading, ResourceSchema, Snapshot,
    TaskReading,
};

fn told(time_seconds: u64, readings: Vec<Reading>) -> Readings {
    Readings { source: "cluster".into(), time_seconds, sequence: None, complete: false, readings }
}

fn node(name: &str) -> Reading {
    Reading::NodeAdded(NodeReading {
        name: name.into(),
        capacity: vec![8000, 16384],
        devices: vec![(DeviceKind::Gpu, "A".into())],
        devices_out_of_service: vec![],
        labels: vec![],
        health: Health::Up,
    })
}

fn task(name: &str) -> Reading {
    Reading::TaskSubmitted(TaskReading {
        name: name.into(),
        demand: vec![1000, 1024],
        devices: Some(DocumentDemand { count: 1, milli: 500, models: vec![] }),
        pause_seconds: 60,
        ..TaskReading::default()
    })
}

fn signal(node: &str, value: f64) -> Reading {
    Reading::Signal { node: node.into(), signal: "device_errors_per_hour".into(), value }
}

fn placed(task: &str, node: &str) -> Reading {
    Reading::TaskPlaced { task: task.into(), node: node.into(), devices: DeviceSet::one(0) }
}

fn snapshot_after(readings: Vec<Reading>) -> Snapshot {
    let mut snapshot = Snapshot::new(ResourceSchema::cpu_and_memory());
    merge(&mut snapshot, &told(0, readings), 0, &CollectConfig::default());
    snapshot
}

#[test]
fn a_task_is_pending_until_it_is_placed_and_gone_when_it_ends() {
    let mut snapshot = snapshot_after(vec![node("n"), task("t")]);
    assert_eq!(snapshot.pending.len(), 1);
    merge(&mut snapshot, &told(60, vec![placed("t", "n")]), 60, &CollectConfig::default());
    assert!(snapshot.pending.is_empty());
    assert_eq!(snapshot.cluster.device_milli_held(), 500);
    let ended = Reading::TaskEnded { task: "t".into() };
    merge(&mut snapshot, &told(120, vec![ended]), 120, &CollectConfig::default());
    assert_eq!((snapshot.cluster.device_milli_held(), snapshot.task_by_name.len()), (0, 0));
    assert_eq!(snapshot.rejected, 0);
}

#[test]
fn what_cannot_be_believed_is_counted_and_not_used() {
    let absurd = [
        placed("t", "nowhere"),
        placed("nobody", "n"),
        Reading::TaskPlaced { task: "t".into(), node: "n".into(), devices: DeviceSet::one(7) },
        signal("n", f64::NAN),
        signal("n", -2.0),
        Reading::TaskUse { task: "t".into(), amounts: vec![1, 1], unsaved_seconds: 0 },
        Reading::TaskEnded { task: "nobody".into() },
    ];
    let mut snapshot = snapshot_after(vec![node("n"), task("t")]);
    merge(&mut snapshot, &told(0, absurd.to_vec()), 0, &CollectConfig::default());
    assert_eq!(snapshot.rejected, 7);
    merge(&mut snapshot, &told(0, vec![placed("t", "n")]), 0, &CollectConfig::default());
    let uses = [vec![-1, 0], vec![80_001, 0], vec![1]];
    let uses = uses.map(|amounts| Reading::TaskUse { task: "t".into(), amounts, unsaved_seconds: 0 });
    merge(&mut snapshot, &told(0, uses.to_vec()), 0, &CollectConfig::default());
    assert_eq!(snapshot.rejected, 10);
    let t = snapshot.task_by_name["t"];
    assert!(snapshot.task(t).used.is_empty());
}

#[test]
fn a_silent_source_makes_the_snapshot_stale() {
    let mut snapshot = snapshot_after(vec![node("n")]);
    let config = CollectConfig::default();
    let other = Readings { source: "metrics".into(), ..told(0, vec![]) };
    merge(&mut snapshot, &other, 0, &config);
    merge(&mut snapshot, &told(181, vec![]), 181, &config);
    assert_eq!(snapshot.stale.iter().collect::<Vec<_>>(), ["metrics"]);
    merge(&mut snapshot, &Readings { time_seconds: 181, ..other }, 181, &config);
    assert!(snapshot.stale.is_empty());
}
