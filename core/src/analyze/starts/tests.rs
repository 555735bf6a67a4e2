//! Starts of queues whose course is known.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::curve::{Curve, Life};
use super::*;
use crate::model::{
    DeviceDemand, DeviceKind, EndedTask, GangId, ModelSet, NodeSpec, Placement, ResourceSchema, Settings,
    Task, TaskClass, TaskState,
};

/// A cluster of so many nodes with eight devices each, on which tasks that say how long they run have used just that.
fn cluster_of(nodes: usize) -> Snapshot {
    let mut snapshot = Snapshot::new(ResourceSchema::cpu_and_memory());
    let model = snapshot.cluster.add_model(DeviceKind::Gpu, "A100").expect("a sound model");
    for i in 0..nodes {
        let spec = NodeSpec::new(format!("n{i}"), vec![96_000, 96_000], vec![model; 8]);
        snapshot.cluster.add_node(spec).expect("a sound node");
    }
    snapshot.time_seconds = 100_000;
    for i in 0..200 {
        snapshot.recent.note_end(ended(50_000 + i * 100, 600, Some(600)));
    }
    snapshot
}

fn ended(at: u64, ran_seconds: u64, requested_seconds: Option<u64>) -> EndedTask {
    let submitted_seconds = at - ran_seconds;
    EndedTask { submitted_seconds, requested_seconds, ran_seconds, ended_seconds: at, size: 1.0, priority: 0 }
}

/// Adds a task of so many devices that asks to run so long; it waits.
fn add(snapshot: &mut Snapshot, devices: u16, requested_seconds: u64, gang: Option<GangId>) -> TaskId {
    let wanted = DeviceDemand { count: devices, milli: 1000, accept: ModelSet::ANY };
    let class = TaskClass::of_demand([1000, 1000], Some(wanted));
    let class = snapshot.cluster.add_class(class).expect("a sound class");
    let name = format!("t{}", snapshot.tasks.len());
    let task = snapshot.cluster.add_task(Task { gang, ..Task::new(name.clone(), class) });
    let state = TaskState {
        submitted_seconds: snapshot.tasks.len() as u64,
        requested_seconds: Some(requested_seconds),
        ..TaskState::default()
    };
    snapshot.tasks.push(state);
    snapshot.task_by_name.insert(name.into(), task);
    snapshot.pending.insert(task);
    task
}

/// The same, and it has stood on the node's devices since so long ago.
fn runs(snapshot: &mut Snapshot, node: u32, devices: std::ops::Range<usize>, requested: u64, since: u64) {
    let task = add(snapshot, devices.len() as u16, requested, None);
    let place = Placement { node: NodeId(node), devices: devices.collect() };
    assert!(snapshot.stands(task, place));
    snapshot.tasks[task.index()].started_seconds = Some(snapshot.time_seconds - since);
}

fn bands(snapshot: &Snapshot) -> BTreeMap<Name, StartBand> {
    expected_starts(snapshot, &crate::analyze::assess(snapshot, &Settings::default()), 7)
}

/// Seconds from now to the start, by the two levels.
fn waits(snapshot: &Snapshot, task: TaskId) -> (u64, Option<u64>) {
    let now = snapshot.time_seconds;
    let band = bands(snapshot)[&*snapshot.cluster.task(task).name];
    (band.expected_seconds - now, band.within_seconds.map(|at| at - now))
}

#[test]
fn where_all_use_the_time_they_ask_for_the_queue_starts_as_its_ends_say() {
    let mut snapshot = cluster_of(2);
    runs(&mut snapshot, 0, 0..8, 3600, 600);
    runs(&mut snapshot, 1, 0..4, 3600, 1800);
    runs(&mut snapshot, 1, 4..8, 7200, 1800);
    // Four devices are free first after 1,800 s on n1, and eight after 3,000 s on n0.
    let [four, eight, next] = [4, 8, 4].map(|devices| add(&mut snapshot, devices, 600, None));
    assert_eq!(waits(&snapshot, four), (1800, Some(1800)));
    assert_eq!(waits(&snapshot, eight), (3000, Some(3000)));
    // The last goes where the first has ended: before the large one, which it does not delay.
    assert_eq!(waits(&snapshot, next), (2400, Some(2400)));
}

#[test]
fn a_task_that_has_room_starts_now_and_one_that_no_node_could_take_has_no_band() {
    let mut snapshot = cluster_of(1);
    let (fits, never) = (add(&mut snapshot, 2, 600, None), add(&mut snapshot, 9, 600, None));
    assert_eq!(waits(&snapshot, fits), (0, Some(0)));
    assert!(!bands(&snapshot).contains_key(&*snapshot.cluster.task(never).name));
}

#[test]
fn the_members_of_a_gang_start_together_when_the_last_has_room() {
    let mut snapshot = cluster_of(2);
    runs(&mut snapshot, 0, 0..8, 3600, 600);
    let gang = snapshot.cluster.add_gang();
    let members = [0; 3].map(|_| add(&mut snapshot, 4, 600, Some(gang)));
    for member in members {
        assert_eq!(waits(&snapshot, member), (3000, Some(3000)));
    }
}

#[test]
fn a_gang_that_was_tried_leaves_the_room_for_others_of_its_kind_as_it_was() {
    let mut snapshot = cluster_of(2);
    runs(&mut snapshot, 0, 0..8, 3600, 600);
    // Three times four devices are together nowhere before 3,000 s, and five times never.
    let (whole, never) = (snapshot.cluster.add_gang(), snapshot.cluster.add_gang());
    let members = [0; 3].map(|_| add(&mut snapshot, 4, 600, Some(whole)));
    let too_many = [0; 5].map(|_| add(&mut snapshot, 4, 600, Some(never)));
    let single = add(&mut snapshot, 4, 600, None);
    assert_eq!(waits(&snapshot, members[0]), (3000, Some(3000)));
    assert!(!bands(&snapshot).contains_key(&*snapshot.cluster.task(too_many[0]).name));
    assert_eq!(waits(&snapshot, single), (0, Some(0)));
}

#[test]
fn the_more_important_task_is_started_before_one_that_came_earlier() {
    let mut snapshot = cluster_of(1);
    runs(&mut snapshot, 0, 0..8, 1000, 0);
    let [first, second] = [8, 8].map(|devices| add(&mut snapshot, devices, 500, None));
    assert_eq!((waits(&snapshot, first).0, waits(&snapshot, second).0), (1000, 1500));
    let task = Task { priority: 5, ..snapshot.cluster.task(second).clone() };
    snapshot.cluster.replace_task(second, task);
    assert_eq!((waits(&snapshot, first).0, waits(&snapshot, second).0), (1500, 1000));
}

#[test]
fn nothing_is_told_while_nothing_is_known_of_run_times() {
    let mut snapshot = cluster_of(1);
    snapshot.recent = Default::default();
    runs(&mut snapshot, 0, 0..8, 1000, 0);
    add(&mut snapshot, 1, 600, None);
    assert!(bands(&snapshot).is_empty());
}

#[test]
fn neither_those_that_still_run_nor_those_that_began_before_bend_how_long_tasks_last() {
    // One task begins each second and lasts 100 or 1,000 s; they are watched from 2,000 to 2,500 s.
    let mut rng = Pcg64Mcg::seed_from_u64(3);
    let mut lives = Vec::new();
    for begin in 0..2500 {
        let lasts = if rng.random_bool(0.5) { 100.0 } else { 1000.0 };
        let end = f64::from(begin) + lasts;
        if end > 2000.0 {
            let from = (2000.0 - f64::from(begin)).max(0.0);
            lives.push(Life { from, until: end.min(2500.0) - f64::from(begin), ended: end <= 2500.0 });
        }
    }
    let (curve, ends) = Curve::of(&lives);
    assert!(ends > 300);
    // Half last longer than 100 s; of those that have had 500 s all last 1,000.
    let longer = (0..1000).filter(|i| curve.total(0.0, (f64::from(*i) + 0.5) / 1000.0) > 100.0).count();
    assert!((400..600).contains(&longer), "{longer} of 1000");
    assert_eq!(curve.total(500.0, 0.5), 1000.0);
    // One that has had more than any: as much again.
    assert_eq!(curve.total(2000.0, 0.5), 4000.0);
}

#[test]
fn bands_that_are_told_too_short_grow_until_they_hold() {
    let mut rng = Pcg64Mcg::seed_from_u64(11);
    let mut calibration = StartCalibration::default();
    let mut late = 0;
    for round in 0..600_u32 {
        let mut snapshot = cluster_of(1);
        let task = add(&mut snapshot, 1, 600, None);
        let now = snapshot.time_seconds;
        // It starts after up to three times what is told.
        let told = StartBand { expected_seconds: now + 300, within_seconds: Some(now + 600) };
        let band = calibration.correct(told, now);
        calibration.told([(&snapshot.cluster.task(task).name, &band)]);
        let at = now + (1800.0 * rng.random::<f64>()) as u64;
        snapshot.time_seconds = at;
        assert!(snapshot.stands(task, Placement { node: NodeId(0), devices: DeviceSet::one(0) }));
        calibration.look(&snapshot);
        late += u32::from(round >= 300 && band.within_seconds.is_some_and(|by| at > by));
    }
    let judged = calibration.judged();
    assert_eq!(judged.judged, 600);
    assert!(
        (15..=45).contains(&late),
        "{late} of the last 300 came later than the band said; 30 are expected"
    );
    let half = judged.within_expected as f64 / 600.0;
    assert!((0.4..0.6).contains(&half), "{half} came before the time expected");
}

#[test]
fn a_task_that_is_late_is_judged_once() {
    let mut snapshot = cluster_of(1);
    let task = add(&mut snapshot, 1, 600, None);
    let now = snapshot.time_seconds;
    let band = StartBand { expected_seconds: now + 60, within_seconds: Some(now + 120) };
    let mut calibration = StartCalibration::default();
    for _ in 0..3 {
        calibration.told([(&snapshot.cluster.task(task).name, &band)]);
        snapshot.time_seconds += 100;
        calibration.look(&snapshot);
    }
    assert_eq!(calibration.judged(), StartsJudged { judged: 1, within_expected: 0, within: 0 });
}
