//! A real process that carries out plans with the store as its journal, killed (SIGKILL) at random moments and started
//! again until all is done. The world it works on is a file that outlives it, one line a call that the world did: so a call
//! that was done twice, or never, shows.

#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use lepton_core::execute::{Actuator, Journal, carry_out, go_on, recall};
use lepton_core::model::{
    Action, Answer, Binding, Call, Cluster, DeviceSet, JournalEntry, Moving, Name, NodeId, NodeSpec,
    Placement, Plan, Reason, ResourceSchema, Snapshot, Spot, Task, TaskClass, TaskState, Worth,
};
use lepton_edges::store::{Store, TurnRows};

const NODES: u32 = 4;
const TASKS: usize = 12;
const TURNS: u64 = 40;
/// Kills in one test, at least.
const KILLS_MIN: usize = 60;
/// The folder that the child works in; without it this program is the parent.
const FOLDER: &str = "LEPTON_KILL_FOLDER";

/// A world that outlives its loop: what stands where follows from the calls that were done.
struct World {
    log: PathBuf,
    places: BTreeMap<String, Option<String>>,
}

impl World {
    fn open(folder: &Path) -> Self {
        let log = folder.join("world");
        let mut places: BTreeMap<String, Option<String>> =
            (0..TASKS).map(|t| (task_name(t), Some(node_name(t as u32 % NODES)))).collect();
        for line in fs::read_to_string(&log).unwrap_or_default().lines() {
            let call: Call = serde_json::from_str(line).expect("a whole line");
            let (task, to) = match call {
                Call::Start { task, to } => (task, Some(to.node.to_string())),
                Call::Stop { task, .. } => (task, None),
                other => panic!("{other:?} is not asked for here"),
            };
            let before = places.insert(task.to_string(), to.clone());
            assert_ne!(before, Some(to), "the same call is done twice: {line}");
        }
        Self { log, places }
    }

    fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::new(ResourceSchema::cpu_and_memory());
        let capacity = vec![100_000, 100_000];
        for node in 0..NODES {
            let spec = NodeSpec::new(node_name(node), capacity.clone(), Vec::new());
            snapshot.cluster.add_node(spec).expect("a sound node");
        }
        let class = snapshot.cluster.add_class(TaskClass::of_demand([1, 1], None)).expect("a sound class");
        for (name, place) in &self.places {
            let id = snapshot.cluster.add_task(Task::new(name.as_str(), class));
            snapshot.tasks.push(TaskState::default());
            snapshot.task_by_name.insert(name.as_str().into(), id);
            snapshot.waits(id);
            if let Some(node) = place {
                let node = snapshot.cluster.node_named(node).expect("it is there");
                assert!(snapshot.stands(id, Placement { node, devices: DeviceSet::NONE }));
            }
        }
        snapshot
    }
}

impl Actuator for World {
    fn moving(&self) -> Moving {
        Moving::StopFirst
    }

    fn call(&mut self, call: &Call) -> Answer {
        let (task, before, after) = match call {
            Call::Start { task, to } => (task, None, Some(to.node.to_string())),
            Call::Stop { task, from, .. } => (task, Some(from.node.to_string()), None),
            other => panic!("{other:?} is not asked for here"),
        };
        if self.places[&**task] != before {
            return Answer::Refused("it stands elsewhere".into());
        }
        let mut line = serde_json::to_vec(call).expect("plain data");
        line.push(b'\n');
        let mut log = OpenOptions::new().create(true).append(true).open(&self.log).expect("writable");
        log.write_all(&line).expect("writable");
        self.places.insert(task.to_string(), after);
        Answer::Done
    }
}

fn node_name(node: u32) -> String {
    format!("n{node}")
}

fn task_name(task: usize) -> String {
    format!("t{task:02}")
}

/// The plan of a turn: a few tasks go one node on, alone, in order, or all or none.
fn plan(snapshot: &Snapshot, turn: u64) -> Plan {
    let mut plan = Plan::default();
    for number in 0..3 {
        let tasks = (0..2).map(|i| (turn as usize * 5 + number * 4 + i) % TASKS);
        let steps =
            tasks.map(|task| step_on(&snapshot.cluster, snapshot.task_by_name[&*task_name(task)])).collect();
        let worth = Worth { reason: Reason::StrandedCapacity, gain: 1.0, cost: 0.0 };
        let binding = [Binding::Each, Binding::InOrder, Binding::AllOrNone][number];
        plan.push(turn, steps, worth, binding);
    }
    plan
}

fn step_on(cluster: &Cluster, task: lepton_core::model::TaskId) -> Action {
    let name: Name = cluster.task(task).name.clone();
    let from = cluster.placement(task).expect("every task stands between turns");
    let to = NodeId((from.node.0 + 1) % NODES);
    let spot = |node: NodeId| Spot { node: cluster.node_name(node).into(), devices: DeviceSet::NONE };
    Action::Migrate { task: name, from: spot(from.node), to: spot(to) }
}

/// The child: goes on where the journal stands until all turns are over.
#[test]
#[ignore = "the child of the test below"]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let mut store = Store::open(&folder).expect("the store opens after any kill");
    let mut world = World::open(&folder);
    let mut snapshot = world.snapshot();
    recall(&mut snapshot, &store).expect("readable");
    loop {
        let gone_on = go_on(&mut snapshot, &mut world, &mut store);
        assert_eq!(gone_on.halted, None);
        assert_eq!(snapshot.memory.underway().count(), 0, "this world does a call at once");
        let rows = TurnRows { outcome: Some(&gone_on), ..TurnRows::default() };
        store.keep_turn(&rows).expect("there is room");
        let turn = snapshot.memory.turn + 1;
        if turn > TURNS {
            break;
        }
        store.write(&JournalEntry::Turn { turn, time_seconds: turn * 60 }).expect("there is room");
        snapshot.memory.turn = turn;
        let outcome = carry_out(&plan(&snapshot, turn), &mut snapshot, &mut world, &mut store);
        assert_eq!(outcome.halted, None);
        let rows = TurnRows { clock_seconds: turn * 60, outcome: Some(&outcome), ..TurnRows::default() };
        store.keep_turn(&rows).expect("there is room");
        assert!(outcome.parts.iter().all(|part| part.is_done()), "{outcome:?}");
    }
    fs::write(folder.join("done"), "").expect("writable");
}

#[test]
fn a_kill_at_any_moment_loses_no_step_and_does_none_twice() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("kill-{}", std::process::id()));
    let (mut kills, mut runs, mut chance) = (0, 0, 20_260_801_u64);
    while kills < KILLS_MIN {
        fs::create_dir_all(&folder).expect("writable");
        let mut kills_of_run = 0;
        while !folder.join("done").exists() {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let mut child = Command::new(std::env::current_exe().expect("this program"))
                .args(["child", "--exact", "--ignored"])
                .env(FOLDER, &folder)
                .stdout(Stdio::null())
                .stderr(Stdio::inherit())
                .spawn()
                .expect("this program starts");
            // The later runs are given longer, so that even a slow machine comes to the end.
            thread::sleep(Duration::from_micros((chance >> 33) % (40_000 + 2_000 * kills_of_run)));
            let ended = child.try_wait().expect("it can be asked");
            assert!(ended.is_none_or(|status| status.success()), "the child failed by itself");
            if ended.is_none() {
                child.kill().expect("it can be killed");
                child.wait().expect("it ends");
                kills_of_run += 1;
            }
        }
        kills += kills_of_run as usize;
        runs += 1;
        assert_all_done_once(&folder);
        fs::remove_dir_all(&folder).expect("writable");
    }
    assert!(kills >= KILLS_MIN && runs >= 1);
}

/// Every part that was begun is over, and the world did exactly the calls that the journal says were done or, where the
/// kill came before the answer, begun: each once.
fn assert_all_done_once(folder: &Path) {
    let store = Store::open(folder).expect("nobody has it any more");
    let mut memory = World::open(folder).snapshot();
    recall(&mut memory, &store).expect("readable");
    assert_eq!(memory.memory.underway().count(), 0);
    let world = World::open(folder);
    assert!(world.places.values().all(Option::is_some), "a task was stopped and not started again");
    let mut opened: BTreeMap<String, usize> = BTreeMap::new();
    for entry in store.recall().expect("readable") {
        if let JournalEntry::Opened { part, .. } = entry {
            *opened.entry(part.key.to_string()).or_default() += 1;
        }
    }
    assert!(opened.values().all(|times| *times == 1), "a part was begun twice");
    let log = fs::read_to_string(folder.join("world")).expect("readable");
    assert_eq!(log.lines().count(), opened.len() * 2 * 2, "two steps a part, a stop and a start each");
}
