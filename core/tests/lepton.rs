//! What the decider of acts does on small clusters: nothing starves, nobody leaves who could stay, nothing moves that does not
//! pay.

use std::collections::BTreeMap;

use lepton_core::analyze::assess;
use lepton_core::decide::deliberate::{DeliberateConfig, deliberate};
use lepton_core::decide::plan::{
    Acts, Caretaker, DecideConfig, Decided, Decider, Lepton, LeptonConfig, Situation,
};
use lepton_core::model::{
    Action, Binding, Candidate, Cluster, DEVICE_MILLI, DeviceDemand, DeviceKind, DeviceSet, ModelSet, NodeId,
    NodeSpec, Placement, Plan, ResourceSchema, ScoreTerm, Settings, Snapshot, Task, TaskClass, TaskId,
    TaskState,
};
use proptest::prelude::*;

const TURN_SECONDS: u64 = 60;
/// What small tasks ask for and run.
const RUN_SECONDS: u64 = 1800;

/// A job of the little world: how many devices each of its tasks takes.
#[derive(Debug, Clone)]
struct Job {
    name: String,
    devices: u16,
    gang: Option<&'static str>,
    submitted_seconds: u64,
    started: Option<(u64, Placement)>,
}

fn task_named(cluster: &Cluster, name: &str) -> TaskId {
    let at = cluster.tasks().iter().position(|t| *t.name == *name);
    TaskId(at.expect("it is there") as u32)
}

/// Nodes of 8 devices, and jobs; small ones run [`RUN_SECONDS`].
struct Little {
    nodes: usize,
    now_seconds: u64,
    jobs: Vec<Job>,
    came: usize,
}

impl Little {
    fn new(nodes: usize) -> Self {
        Self { nodes, now_seconds: 0, jobs: Vec::new(), came: 0 }
    }

    fn add(&mut self, name: String, devices: u16, gang: Option<&'static str>) {
        let submitted_seconds = self.now_seconds;
        self.jobs.push(Job { name, devices, gang, submitted_seconds, started: None });
    }

    /// So many small tasks come.
    fn crowd(&mut self, count: usize) {
        for _ in 0..count {
            self.came += 1;
            self.add(format!("small-{}", self.came), 1, None);
        }
    }

    fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::new(ResourceSchema::cpu_and_memory());
        let model = snapshot.cluster.add_model(DeviceKind::Gpu, "M").expect("room for a model");
        for i in 0..self.nodes {
            let spec = NodeSpec::new(format!("n{i}"), vec![80_000, 800], vec![model; 8]);
            snapshot.cluster.add_node(spec).expect("a sound node");
            snapshot.signals.push(BTreeMap::new());
        }
        snapshot.time_seconds = self.now_seconds;
        for job in &self.jobs {
            let demand = DeviceDemand { count: job.devices, milli: DEVICE_MILLI, accept: ModelSet::ANY };
            let class = TaskClass::of_demand([1000 * i64::from(job.devices), 1], Some(demand));
            let class = snapshot.cluster.add_class(class).expect("a sound class");
            let gang = job.gang.map(|gang| snapshot.cluster.gang(gang));
            let task = snapshot.cluster.add_task(Task { gang, ..Task::new(job.name.clone(), class) });
            snapshot.task_by_name.insert(job.name.as_str().into(), task);
            snapshot.tasks.push(TaskState {
                submitted_seconds: job.submitted_seconds,
                requested_seconds: Some(RUN_SECONDS),
                started_seconds: job.started.map(|s| s.0),
                pause_seconds: 60,
                used: job.started.map_or_else(Vec::new, |_| vec![500 * i64::from(job.devices), 1]),
                ..TaskState::default()
            });
            match job.started {
                Some((_, place)) => snapshot.cluster.place(task, place).expect("it fitted"),
                None => {
                    snapshot.pending.insert(task);
                }
            }
        }
        snapshot
    }

    /// One turn: what has run its time ends, the decider decides, tasks move and start.
    fn turn(&mut self, decider: &mut dyn Decider) {
        let now = self.now_seconds;
        self.jobs.retain(|j| j.started.is_none_or(|(at, _)| at + RUN_SECONDS > now || j.devices == 8));
        let mut snapshot = self.snapshot();
        let assessment = assess(&snapshot, &Settings::default());
        let decided = decider.decide(&Situation::new(&snapshot, &assessment, &Plan::default(), 1 + now));
        for (_, action) in decided.plan.steps() {
            let name = action.task().expect("no node is sick here");
            let job = self.jobs.iter_mut().find(|j| *j.name == **name).expect("a job of ours");
            let id = task_named(&snapshot.cluster, name);
            snapshot.cluster.remove(id);
            job.started = action.to().map(|to| {
                let node = snapshot.cluster.node_named(&to.node).expect("a node of ours");
                let place = Placement { node, devices: to.devices };
                snapshot.cluster.place(id, place).expect("the plan fits in its order");
                (job.started.map_or(now, |s| s.0), place)
            });
        }
        self.now_seconds += TURN_SECONDS;
    }

    fn wait_of(&self, prefix: &str) -> Option<u64> {
        let of = self.jobs.iter().filter(|j| j.name.starts_with(prefix));
        of.map(|j| Some(j.started?.0 - j.submitted_seconds)).collect::<Option<Vec<_>>>()?.into_iter().max()
    }
}

/// How long the jobs named so wait in a crowd, if they start within four hours.
fn wait_in_a_crowd(
    decider: &mut dyn Decider,
    nodes: usize,
    large: &dyn Fn(&mut Little),
    prefix: &str,
) -> Option<u64> {
    let mut little = Little::new(nodes);
    // A few at a time, so that no node is ever empty again; nobody waits from before.
    for _ in 0..40 {
        little.crowd(3);
        little.turn(decider);
    }
    little.jobs.retain(|j| j.started.is_some());
    large(&mut little);
    for _ in 0..240 {
        little.crowd(nodes);
        little.turn(decider);
        if little.wait_of(prefix).is_some() {
            break;
        }
    }
    little.wait_of(prefix)
}

fn lepton(acts: Acts) -> Lepton {
    Lepton::new(LeptonConfig { acts, ..LeptonConfig::default() }, 0).expect("a known policy")
}

/// What the reservation promises where tasks say how long they run: nodes are kept after a while, and what runs there then
/// ends within the longest time that anybody asks for.
fn bound() -> u64 {
    (LeptonConfig::default().reserve_after_minutes * 60.0) as u64 + RUN_SECONDS + TURN_SECONDS
}

#[test]
fn a_task_of_a_whole_node_starts_in_a_crowd_within_the_bound() {
    let large = |little: &mut Little| little.add("large".into(), 8, None);
    let acts = Acts { make_room: false, ..Acts::DEFAULT };
    let wait = wait_in_a_crowd(&mut lepton(acts), 10, &large, "large");
    assert!(wait.is_some_and(|wait| wait <= bound()), "{wait:?}");
    let mut skipping = Caretaker::new(DecideConfig::default(), 0).expect("a known policy");
    assert_eq!(wait_in_a_crowd(&mut skipping, 10, &large, "large"), None, "skipping lets it starve");
}

#[test]
fn a_gang_of_64_starts_in_a_crowd_within_the_bound() {
    let large = |little: &mut Little| (0..64).for_each(|i| little.add(format!("gang-{i}"), 1, Some("gang")));
    let wait = wait_in_a_crowd(&mut lepton(Acts::DEFAULT), 10, &large, "gang");
    assert!(wait.is_some_and(|wait| wait <= bound()), "{wait:?}");
    let keeps_nothing = Acts { reserve: false, ..Acts::DEFAULT };
    assert_eq!(
        wait_in_a_crowd(&mut lepton(keeps_nothing), 10, &large, "gang"),
        None,
        "nothing kept, nothing gained"
    );
}

#[test]
fn where_tasks_say_how_long_they_run_the_short_one_goes_first_and_else_who_came_first() {
    let mut little = Little::new(1);
    little.add("held".into(), 7, None);
    little.turn(&mut lepton(Acts::DEFAULT));
    little.add("long".into(), 1, None);
    little.now_seconds += TURN_SECONDS;
    little.add("short".into(), 1, None);
    let first_started = |requested: [Option<u64>; 2], acts: Acts| {
        let mut snapshot = little.snapshot();
        for (name, seconds) in ["long", "short"].into_iter().zip(requested) {
            let task = task_named(&snapshot.cluster, name);
            snapshot.tasks[task.index()].requested_seconds = seconds;
        }
        let assessment = assess(&snapshot, &Settings::default());
        let proposal = Plan::default();
        let situation = Situation::new(&snapshot, &assessment, &proposal, 2);
        let plan = lepton(acts).decide(&situation).plan;
        plan.steps().next().and_then(|step| step.1.task().map(ToString::to_string))
    };
    let told = [Some(20 * RUN_SECONDS), Some(RUN_SECONDS / 10)];
    assert_eq!(first_started(told, Acts::DEFAULT).as_deref(), Some("short"));
    assert_eq!(first_started(told, Acts { order: false, ..Acts::DEFAULT }).as_deref(), Some("long"));
    for untold in [[None, None], [Some(20 * RUN_SECONDS), None]] {
        assert_eq!(first_started(untold, Acts::DEFAULT).as_deref(), Some("long"));
    }
}

/// Decides once on nodes that hold so many small tasks each, with a task of a whole node that has waited for two hours.
fn decide_with_a_large_one(held: &[usize]) -> (Snapshot, Decided) {
    let mut little = Little::new(held.len());
    little.add("large".into(), 8, None);
    little.now_seconds = 7200;
    for (node, &count) in held.iter().enumerate() {
        for device in 0..count {
            little.add(format!("small-{node}-{device}"), 1, None);
            let devices = DeviceSet::one(device);
            let place = Placement { node: NodeId(node as u32), devices };
            little.jobs.last_mut().expect("just added").started = Some((7200 - TURN_SECONDS, place));
        }
    }
    let snapshot = little.snapshot();
    let assessment = assess(&snapshot, &Settings::default());
    let decided = lepton(Acts::DEFAULT).decide(&Situation::new(&snapshot, &assessment, &Plan::default(), 1));
    (snapshot, decided)
}

/// What a decider that only rearranges takes up of a proposal, part by part.
fn taken_up(snapshot: &Snapshot, proposal: &Plan) -> Vec<Vec<Action>> {
    let acts = Acts {
        protect: false,
        relieve: false,
        reserve: false,
        order: false,
        make_room: false,
        preempt: false,
        risk: false,
        rearrange: true,
    };
    let assessment = assess(snapshot, &Settings::default());
    let situation = Situation::new(snapshot, &assessment, proposal, 1);
    let decided = lepton(acts).decide(&situation);
    assert_eq!(decided, lepton(acts).decide(&situation), "the same situation, the same plan");
    decided.plan.parts.into_iter().map(|part| part.steps).collect()
}

/// A large task waits; two nodes hold three and five small ones. What a long search finds for that.
fn searched() -> (Snapshot, Plan) {
    let (snapshot, _) = decide_with_a_large_one(&[3, 5]);
    let assessment = assess(&snapshot, &Settings::default());
    let config = DeliberateConfig::default();
    let proposal = deliberate(&snapshot, &assessment, &config, (1, 1), &|| false);
    assert_eq!(
        proposal,
        deliberate(&snapshot, &assessment, &config, (1, 2), &|| false),
        "whatever the threads"
    );
    (snapshot, proposal)
}

#[test]
fn the_score_of_each_candidate_is_the_sum_of_its_terms() {
    let (_, decided) = decide_with_a_large_one(&[0, 0, 1]);
    let candidates: Vec<_> = decided.records.iter().flat_map(|record| &record.candidates).collect();
    assert!(candidates.len() > 1, "the chosen one and who came next: {candidates:?}");
    for candidate in candidates {
        let sum: f64 = candidate.terms.iter().map(|term| term.1).sum();
        assert_eq!(candidate.terms.iter().map(|term| term.0).collect::<Vec<_>>(), ScoreTerm::ALL);
        assert!((sum - f64::from(candidate.score)).abs() < 1e-6, "{candidate:?}");
        let of_use = candidate.terms[1].1;
        assert!((-1.0..0.0).contains(&of_use), "the policy's own part is what is left: {candidate:?}");
    }
}

#[test]
fn a_node_is_weighed_alone_as_the_record_says_of_it_and_a_stopped_task_as_one_that_waits() {
    let (snapshot, decided) = decide_with_a_large_one(&[0, 0, 1]);
    let (task, node) =
        (task_named(&snapshot.cluster, "large"), |name: &str| snapshot.cluster.node_named(name));
    let record = decided.records.iter().find(|record| record.task.as_deref() == Some("large"));
    let recorded = &record.expect("it is decided about").candidates;
    assert!(recorded.len() > 1, "{recorded:?}");
    let assessment = assess(&snapshot, &Settings::default());
    let proposal = Plan::default();
    let situation = Situation::new(&snapshot, &assessment, &proposal, 1);
    let nodes: Vec<NodeId> = recorded.iter().filter_map(|of| node(&of.node)).collect();
    assert_eq!(&lepton(Acts::DEFAULT).weigh(&situation, task, &nodes), recorded);
    // It is scored where it stands too, as if it stood nowhere.
    let mut placed = snapshot.clone();
    let starts = decided.plan.steps().map(|(_, action)| action);
    let mut starts = starts.filter(|action| action.task().is_some_and(|name| **name == *"large"));
    let to = starts.next().and_then(|action| action.to()?.placement(&placed.cluster)).expect("it starts");
    placed.cluster.place(task, to).expect("it fits");
    placed.pending.remove(&task);
    let situation = Situation::new(&placed, &assessment, &proposal, 1);
    let weighed = lepton(Acts::DEFAULT).weigh(&situation, task, &nodes);
    let by_policy = |all: &[Candidate]| -> Vec<(String, f64)> {
        all.iter().map(|of| (of.node.clone(), of.terms[0].1)).collect()
    };
    assert_eq!(by_policy(&weighed), by_policy(recorded));
}

#[test]
fn a_chain_that_a_long_search_has_found_is_taken_up_whole() {
    let (snapshot, proposal) = searched();
    let parts = taken_up(&snapshot, &proposal);
    assert_eq!(parts.len(), 1, "{parts:?}");
    assert_eq!(parts[0].len(), 4, "three move, one starts: {parts:?}");
    assert!(parts[0].last().is_some_and(|last| last.task().is_some_and(|task| **task == *"large")));
}

#[test]
fn of_a_chain_of_which_a_task_has_moved_on_nothing_is_taken_up() {
    let (snapshot, proposal) = searched();
    let movers: Vec<&Action> =
        proposal.parts.iter().flat_map(|p| &p.steps).filter(|s| s.from().is_some()).collect();
    assert_eq!(movers.len(), 3);
    for mover in movers {
        let mut later = snapshot.clone();
        let id = task_named(&later.cluster, mover.task().expect("a task"));
        later.cluster.remove(id);
        let elsewhere = later.cluster.node_named("n1").expect("a node");
        let devices = DeviceSet::one(7);
        later.cluster.place(id, Placement { node: elsewhere, devices }).expect("there is room");
        assert_eq!(taken_up(&later, &proposal), Vec::<Vec<Action>>::new());
    }
    let mut gone = snapshot;
    gone.cluster.retire(task_named(&gone.cluster, "large"));
    gone.pending.clear();
    assert_eq!(taken_up(&gone, &proposal), Vec::<Vec<Action>>::new());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// A large task that has waited gets a node by the fewest moves: as many as the emptiest node holds, if the others have room
    /// for them; all of it in one part, and whoever moves could not have stayed.
    #[test]
    fn room_is_made_by_moving_only_who_must(held in proptest::collection::vec(1_usize..8, 2..6)) {
        let (snapshot, decided) = decide_with_a_large_one(&held);
        let fewest = *held.iter().min().expect("nodes");
        let room = held.iter().map(|h| 8 - h).sum::<usize>() - (8 - fewest);
        let placed = decided.plan.parts.iter().find(|part| {
            part.steps.iter().any(|s| matches!(s, Action::Place { .. }) && s.task().is_some_and(|t| **t == *"large"))
        });
        if room < fewest {
            prop_assert!(placed.is_none());
            prop_assert_eq!(decided.plan.waiting.len(), 1);
            return Ok(());
        }
        let part = placed.expect("there is room for those in the way");
        prop_assert_eq!(part.steps.len(), fewest + 1, "{:?}", part);
        prop_assert_eq!(part.binding, Binding::AllOrNone);
        prop_assert!(part.gain > LeptonConfig::default().decide.gain_over_cost * part.cost);
        // Without any one of its moves the rest is no use.
        for left_out in 0..fewest {
            let mut cluster = snapshot.cluster.clone();
            let fits = part.steps.iter().enumerate().filter(|s| s.0 != left_out).all(|(_, step)| {
                let name = step.task().expect("a task");
                let id = task_named(&cluster, name);
                cluster.remove(id);
                let to = step.to().expect("a place");
                let node = cluster.node_named(&to.node).expect("a node");
                cluster.place(id, Placement { node, devices: to.devices }).is_ok()
            });
            prop_assert!(!fits, "move {left_out} is not needed: {part:?}");
        }
    }
}

/// What is decided for a node that may fail with this chance, its neighbours calm: a task there with so much unsaved work, another
/// waiting.
fn decided_beside_a_risk(risk: f64, unsaved_seconds: u64, free_elsewhere: bool) -> Decided {
    let mut little = Little::new(2);
    little.add("runs".into(), 2, None);
    if !free_elsewhere {
        little.add("fills".into(), 8, None);
    }
    let place = |node, devices: u32| {
        Some((0, Placement { node: NodeId(node), devices: DeviceSet((1_u64 << devices) - 1) }))
    };
    little.jobs[0].started = place(0, 2);
    if let Some(fills) = little.jobs.get_mut(1) {
        fills.started = place(1, 8);
    }
    little.add("waits".into(), 1, None);
    let mut snapshot = little.snapshot();
    snapshot.tasks[0].unsaved_seconds = unsaved_seconds;
    let mut assessment = assess(&snapshot, &Settings::default());
    assessment.risk[0].probability = risk;
    let proposal = Plan::default();
    let situation = Situation::new(&snapshot, &assessment, &proposal, 1);
    lepton(Acts::DEFAULT).decide(&situation)
}

#[test]
fn risk_below_a_half_takes_off_what_is_worth_it_and_keeps_others_away() {
    let steps = |decided: &Decided| -> Vec<Action> { decided.plan.steps().map(|(_, a)| a.clone()).collect() };
    let to_of = |decided: &Decided, task: &str| {
        let of = |a: &Action| a.task().is_some_and(|t| **t == *task);
        steps(decided).iter().find(|a| of(a)).and_then(|a| a.to()).map(|to| to.node.to_string())
    };
    let risky = decided_beside_a_risk(0.3, 3000, true);
    assert_eq!(to_of(&risky, "runs").as_deref(), Some("n1"), "0.3 of an hour's work is worth a minute");
    assert_eq!(to_of(&risky, "waits").as_deref(), Some("n1"), "the calm node is preferred");
    assert!(steps(&risky).iter().all(|a| a.task().is_some()), "it is not cordoned");
    let saved = decided_beside_a_risk(0.3, 0, true);
    assert_eq!(to_of(&saved, "runs"), None, "what was just saved is not worth the move");
    let calm = decided_beside_a_risk(0.001, 3000, true);
    assert_eq!(to_of(&calm, "runs"), None);
    assert_eq!(to_of(&calm, "waits").as_deref(), Some("n0"), "it is packed where another runs already");
    let crowded = decided_beside_a_risk(0.3, 3000, false);
    assert_eq!(to_of(&crowded, "waits").as_deref(), Some("n0"), "better there than nowhere");
}

/// Two nodes of 64 cores without a device. Tasks that ask for so many cores and use so many: on which node they stand; without one
/// they have waited for two hours.
fn of_cpu_alone(tasks: &[(i64, i64, Option<u32>)]) -> Snapshot {
    let mut snapshot = Snapshot::new(ResourceSchema::cpu_and_memory());
    for name in ["n0", "n1"] {
        snapshot.cluster.add_node(NodeSpec::new(name, vec![64_000, 800], vec![])).expect("a sound node");
        snapshot.signals.push(BTreeMap::new());
    }
    snapshot.time_seconds = 7200;
    for (number, &(cores, used, node)) in tasks.iter().enumerate() {
        let class = TaskClass::of_demand([1000 * cores, 1], None);
        let class = snapshot.cluster.add_class(class).expect("a sound class");
        let name = format!("t{number}");
        let task = snapshot.cluster.add_task(Task::new(name.clone(), class));
        snapshot.task_by_name.insert(name.as_str().into(), task);
        match node {
            Some(node) => {
                let place = Placement { node: NodeId(node), devices: DeviceSet::NONE };
                snapshot.cluster.place(task, place).expect("it fits");
            }
            None => drop(snapshot.pending.insert(task)),
        }
        snapshot.tasks.push(TaskState {
            started_seconds: node.map(|_| 0),
            pause_seconds: 90,
            used: node.map_or_else(Vec::new, |_| vec![1000 * used, 1]),
            ..TaskState::default()
        });
    }
    snapshot
}

#[test]
fn a_hot_node_that_has_nothing_but_cpu_is_relieved_too() {
    let snapshot = of_cpu_alone(&[(16, 15, Some(0)); 4]);
    let assessment = assess(&snapshot, &Settings::default());
    assert_eq!(assessment.hot, [NodeId(0)]);
    let proposal = &Plan::default();
    let situation = Situation::new(&snapshot, &assessment, proposal, 1);
    let decided = lepton(Acts::DEFAULT).decide(&situation);
    let moved: Vec<_> = decided.plan.steps().filter_map(|(_, step)| step.to()).collect();
    assert_eq!(moved.len(), 1, "one of them is enough: {moved:?}");
    assert_eq!(&*moved[0].node, "n1");
}

#[test]
fn a_long_search_makes_room_on_a_cluster_of_nothing_but_cpu_too() {
    let snapshot = of_cpu_alone(&[(32, 8, Some(0)), (24, 8, Some(1)), (64, 0, None)]);
    let assessment = assess(&snapshot, &Settings::default());
    let proposal = deliberate(&snapshot, &assessment, &DeliberateConfig::default(), (1, 1), &|| false);
    let parts = taken_up(&snapshot, &proposal);
    let tasks: Vec<Vec<&str>> =
        parts.iter().map(|part| part.iter().filter_map(|a| a.task()).map(|t| &**t).collect()).collect();
    assert!(
        matches!(&tasks[..], [part] if matches!(part[..], ["t0" | "t1", "t2"])),
        "one moves, one starts: {parts:?}"
    );
}
