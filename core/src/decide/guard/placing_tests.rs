//! The learned placement in service, looked at with tasks that came.

use super::tests::contrary;
use super::*;
use crate::decide::policy::PlacementModel;
use crate::model::{
    CameTask, Cluster, DeviceDemand, DeviceKind, JournalEntry, ModelSet, NodeSpec, Placing, ResourceSchema,
    Served, Serving, Snapshot,
};

/// Twenty nodes of eight GPUs, the model in service, and a mix of large and small tasks that has been published.
fn in_service() -> Snapshot {
    let mut cluster = Cluster::new(ResourceSchema::cpu_and_memory());
    let gpu = cluster.add_model(DeviceKind::Gpu, "A").expect("few models");
    for number in 0..20 {
        let spec = NodeSpec::new(format!("n{number}"), vec![96_000, 1 << 20], vec![gpu; 8]);
        cluster.add_node(spec).expect("a sound node");
    }
    let mut snapshot = Snapshot::of_cluster(cluster, 0);
    come(&mut snapshot, 256);
    snapshot.recent.forget_came();
    let placing = Placing { mix_version: snapshot.mix.version, served: Served::new(Serving::Model) };
    snapshot.memory.apply(&JournalEntry::Placing { placing, time_seconds: 0 });
    snapshot
}

/// So many tasks come: each third one asks for half of a GPU, each third one for a GPU, the others for four.
fn come(snapshot: &mut Snapshot, tasks: usize) {
    for number in 0..tasks {
        let (count, milli) = [(1, 500), (1, 1000), (4, 1000)][number % 3];
        let devices = Some(DeviceDemand { count, milli, accept: ModelSet::ANY });
        snapshot.recent.note_arrival(0, CameTask { cpu_millicores: 4000, devices });
        snapshot.arrivals.count(&crate::model::Demand { resources: vec![4000, 0].into(), devices });
    }
    if snapshot.mix.version == 0 {
        snapshot.arrivals.publish(&mut snapshot.mix);
    }
}

#[test]
fn a_placement_that_is_worse_on_what_comes_is_taken_down_within_one_window() {
    let mut snapshot = in_service();
    for review in 1..=GuardOptions::default().window {
        come(&mut snapshot, 128);
        let found = review_placing(&snapshot, &contrary(), "fgd").expect("enough have come");
        snapshot.memory.apply(&JournalEntry::Placing { placing: found.placing, time_seconds: 0 });
        snapshot.recent.forget_came();
        if snapshot.memory.placing.served.serving == Serving::Rule {
            assert_eq!(found.decision.reason, GuardReason::ModelIsWorse);
            assert!(review >= GuardOptions::default().least, "not on a single result");
            return;
        }
    }
    panic!("it still places: {:?}", snapshot.memory.placing);
}

#[test]
fn one_that_is_not_worse_stays_and_is_looked_at_when_enough_have_come() {
    let mut snapshot = in_service();
    come(&mut snapshot, 100);
    assert_eq!(review_placing(&snapshot, &PlacementModel::untrained(), "fgd"), None, "too few have come");
    come(&mut snapshot, 28);
    let found = review_placing(&snapshot, &PlacementModel::untrained(), "fgd").expect("enough have come");
    assert_eq!((found.placing.served.serving, found.placing.served.gains.len()), (Serving::Model, 1));
}

#[test]
fn a_new_version_of_the_mix_is_rehearsed_at_once() {
    let mut snapshot = in_service();
    snapshot.mix.version += 1;
    let found = review_placing(&snapshot, &contrary(), "fgd").expect("the mix is new");
    assert_eq!((found.placing.mix_version, found.decision.serving), (snapshot.mix.version, Serving::Rule));
}
