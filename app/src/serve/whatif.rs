//! What if: the live snapshot, or one of the past, copied, changed and decided upon by the same engine, beside the same snapshot unchanged. Nothing of it
//! touches the cluster.

use std::collections::BTreeMap;

use lepton_core::analyze::Analyst;
use lepton_core::collect::{CollectConfig, merge};
use lepton_core::decide::plan::{Decided, Decider, Lepton, LeptonConfig, Situation};
use lepton_core::execute::{Actuator, carry_out};
use lepton_core::model::{
    Action, Answer, Assessment, Call, DocumentDemand, Health, JournalEntry, Moving, NamedRules, NodeReading,
    Obstacle, Plan, Reading, Readings, Settings, Snapshot, TaskReading,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Turns that are played; after that what is not done yet is told as waiting.
const ROUNDS_MAX: u64 = 5;
/// Most nodes or tasks that are added.
const ADDED_MAX: usize = 10_000;
/// Names in each list of the answer.
const NAMES_MAX: usize = 100;

/// What is changed.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Scenario {
    /// Nodes that are drained: they take no tasks, and those on them want another place.
    pub(crate) drain: Vec<String>,
    /// Nodes that are added.
    pub(crate) add: Vec<AddNodes>,
    /// Tasks that are submitted.
    pub(crate) submit: Vec<Submit>,
    /// The placement policy that scores nodes, in the place of the serving one.
    pub(crate) policy: Option<String>,
    /// A moment of the past, seconds of the cluster's time; now unless given.
    pub(crate) at_seconds: Option<u64>,
}

/// Nodes like one that is there.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddNodes {
    /// The node.
    pub(crate) like: String,
    /// How many.
    #[serde(default = "one")]
    pub(crate) count: usize,
}

/// Tasks: like one that is there, or by what they ask for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Submit {
    /// A task that they are like.
    #[serde(default)]
    pub(crate) like: Option<String>,
    /// How much of each resource each asks for, by name; what is not named is 0.
    #[serde(default)]
    pub(crate) demand: BTreeMap<String, i64>,
    /// Devices that each asks for.
    #[serde(default)]
    pub(crate) devices: Option<AskDevices>,
    /// How many.
    #[serde(default = "one")]
    pub(crate) count: usize,
    /// Whether they are a gang: placed all or none.
    #[serde(default)]
    pub(crate) gang: bool,
    /// Higher is more important.
    #[serde(default)]
    pub(crate) priority: i32,
}

/// Devices asked for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskDevices {
    /// How many.
    pub(crate) count: u16,
    /// Thousandths of each.
    #[serde(default = "whole")]
    pub(crate) milli: u16,
    /// Accepted models; any unless given.
    #[serde(default)]
    pub(crate) models: Vec<String>,
}

fn one() -> usize {
    1
}

fn whole() -> u16 {
    1000
}

/// How the cluster would stand.
#[derive(Debug, Clone, PartialEq, Default, Serialize, ToSchema)]
pub(crate) struct WhatIfFigures {
    /// Tasks that stand on a node.
    pub(crate) running: usize,
    /// Tasks that wait.
    pub(crate) waiting: usize,
    /// Nodes above the safety level.
    pub(crate) hot_nodes: usize,
    /// Standard deviation of the use of the busiest resource over the nodes.
    pub(crate) imbalance: f64,
    /// Share of the device capacity of working nodes that is held.
    pub(crate) devices_held: f64,
    /// Free devices that have no CPU left to go with them.
    pub(crate) stranded_devices: f64,
    /// Tasks moved on the way there.
    pub(crate) moves: usize,
}

/// What becomes of a task that the scenario speaks of.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct WhatIfTask {
    /// The task.
    pub(crate) task: String,
    /// Where it would stand; none where it would wait.
    pub(crate) node: Option<String>,
    /// What would keep it waiting, a stable code.
    pub(crate) waits_for: Option<String>,
}

/// What would be.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct WhatIf {
    /// The answer in one sentence.
    pub(crate) sentence: String,
    /// As it is, decided upon by the serving policy.
    pub(crate) without: WhatIfFigures,
    /// With the change.
    pub(crate) with: WhatIfFigures,
    /// The tasks that were submitted, or that had to leave a drained node.
    pub(crate) concerned: Vec<WhatIfTask>,
    /// Tasks of drained nodes that stay, since they must not be disturbed.
    pub(crate) stay: Vec<String>,
    /// Other tasks that would start only with the change; at most 100 are named.
    pub(crate) gain: Vec<String>,
    /// Other tasks that would run only without it; at most 100 are named.
    pub(crate) lose: Vec<String>,
    /// The steps of the first turn, in words; at most 100.
    pub(crate) steps: Vec<String>,
    /// The cluster's time of the snapshot, seconds.
    pub(crate) as_of_seconds: u64,
}

/// Plays the scenario on a copy of the snapshot.
///
/// # Errors
/// What is wrong with the scenario.
pub(crate) fn what_if(snapshot: Snapshot, scenario: &Scenario) -> Result<WhatIf, String> {
    let serving = LeptonConfig::default();
    let mut other = serving.clone();
    if let Some(policy) = &scenario.policy {
        other.decide.policy.clone_from(policy);
    }
    let mut changed = snapshot.clone();
    let (concerned, stay) = change(&mut changed, scenario)?;
    let as_of_seconds = snapshot.time_seconds;
    let without = play(snapshot, serving)?;
    let with = play(changed, other)?;
    let tasks: Vec<WhatIfTask> = concerned.iter().map(|name| with.fate(name)).collect();
    let other = |of: &Played, than: &Played| -> Vec<String> {
        let only = of.places.iter().filter(|(name, _)| !than.places.contains_key(*name));
        only.map(|(name, _)| name.clone()).filter(|name| !concerned.contains(name)).take(NAMES_MAX).collect()
    };
    let (gain, lose) = (other(&with, &without), other(&without, &with));
    let placed = tasks.iter().filter(|task| task.node.is_some()).count();
    let mut sentence = match tasks.len() {
        0 => String::new(),
        all => format!("{placed} of {all} tasks concerned would find a place; "),
    };
    let (now, then) = (&without.figures, &with.figures);
    sentence += &format!(
        "{} tasks would wait instead of {}, {} nodes would be hot instead of {}",
        then.waiting, now.waiting, then.hot_nodes, now.hot_nodes
    );
    let steps = with.first.iter().take(NAMES_MAX).cloned().collect();
    let (without, with) = (without.figures, with.figures);
    Ok(WhatIf { sentence, without, with, concerned: tasks, stay, gain, lose, steps, as_of_seconds })
}

/// Changes the snapshot; the tasks concerned, and those that stay on drained nodes.
fn change(snapshot: &mut Snapshot, scenario: &Scenario) -> Result<(Vec<String>, Vec<String>), String> {
    let (mut concerned, mut stay) = (Vec::new(), Vec::new());
    for name in &scenario.drain {
        let node = snapshot.cluster.node_named(name).ok_or_else(|| no_such("node", name))?;
        snapshot.set_node_state(node, Health::Cordoned, false);
        for task in snapshot.cluster.hosted(node).to_vec() {
            let told = snapshot.cluster.task(task);
            let (name, stays) = (told.name.to_string(), told.do_not_disrupt);
            if stays {
                stay.push(name);
            } else {
                snapshot.waits(task);
                concerned.push(name);
            }
        }
    }
    let mut readings = Vec::new();
    for added in &scenario.add {
        nodes_like(snapshot, added, &mut readings)?;
    }
    let nodes = readings.len();
    for submitted in &scenario.submit {
        tasks_of(snapshot, submitted, &mut readings)?;
    }
    if readings.len() > ADDED_MAX {
        return Err(format!("{} nodes and tasks are added, expected at most {ADDED_MAX}", readings.len()));
    }
    concerned.extend(readings[nodes..].iter().filter_map(|reading| match reading {
        Reading::TaskSubmitted(task) => Some(task.name.clone()),
        _ => None,
    }));
    let (before, now) = (snapshot.rejected, snapshot.time_seconds);
    let told = Readings {
        source: "what-if".to_owned(),
        time_seconds: now,
        sequence: None,
        complete: false,
        readings,
    };
    merge(snapshot, &told, now, &CollectConfig::default());
    match snapshot.rejected - before {
        0 => Ok((concerned, stay)),
        many => Err(format!("{many} nodes or tasks cannot be: an amount is out of range or a name is taken")),
    }
}

fn no_such(what: &str, name: &str) -> String {
    format!("there is no {what} `{name}`")
}

fn nodes_like(snapshot: &Snapshot, added: &AddNodes, into: &mut Vec<Reading>) -> Result<(), String> {
    let cluster = &snapshot.cluster;
    let node = cluster.node_named(&added.like).ok_or_else(|| no_such("node", &added.like))?;
    counted(added.count)?;
    let device = |model: &lepton_core::model::ModelId| {
        let model = &cluster.models()[usize::from(model.0)];
        (model.kind, model.name.clone())
    };
    for _ in 0..added.count {
        into.push(Reading::NodeAdded(NodeReading {
            name: format!("what-if-node-{}", into.len()),
            capacity: cluster.capacity(node).to_vec(),
            devices: cluster.device_models(node).iter().map(device).collect(),
            devices_out_of_service: Vec::new(),
            labels: cluster.labels_of(node).map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
            health: Health::Up,
        }));
    }
    Ok(())
}

fn counted(count: usize) -> Result<(), String> {
    let expected = || format!("count {count}, expected 1 to {ADDED_MAX}");
    (1..=ADDED_MAX).contains(&count).then_some(()).ok_or_else(expected)
}

fn tasks_of(snapshot: &Snapshot, submit: &Submit, into: &mut Vec<Reading>) -> Result<(), String> {
    counted(submit.count)?;
    let cluster = &snapshot.cluster;
    let names = cluster.schema().names();
    let mut like = TaskReading {
        demand: vec![0; names.len()],
        priority: submit.priority,
        submitted_seconds: snapshot.time_seconds,
        ..TaskReading::default()
    };
    if let Some(name) = &submit.like {
        let task = *snapshot.task_by_name.get(name.as_str()).ok_or_else(|| no_such("task", name))?;
        let class = cluster.class(cluster.task(task).class);
        like.demand = class.demand.resources.to_vec();
        like.devices = class.demand.devices.map(|demand| DocumentDemand::of(cluster, demand));
        like.rules = NamedRules::of(&class.rules, cluster);
        like.group = class.group.map(|group| cluster.group_name(group).to_owned());
        like.priority = cluster.task(task).priority;
    }
    for (resource, &amount) in &submit.demand {
        let at = names.iter().position(|name| name == resource);
        let known = || format!("{}; there are: {}", no_such("resource", resource), names.join(", "));
        like.demand[at.ok_or_else(known)?] = amount;
    }
    if let Some(AskDevices { count, milli, models }) = &submit.devices {
        let unknown = models.iter().find(|name| !cluster.models().iter().any(|model| model.name == **name));
        if let Some(name) = unknown {
            return Err(no_such("device model", name));
        }
        like.devices = Some(DocumentDemand { count: *count, milli: *milli, models: models.clone() });
    }
    if like.devices.is_none() && like.demand.iter().all(|&amount| amount == 0) {
        return Err("a task that asks for nothing; name `like`, `demand` or `devices`".to_owned());
    }
    let first = into.len();
    for _ in 0..submit.count {
        let name = format!("what-if-task-{}", into.len());
        let gang = submit.gang.then(|| format!("what-if-gang-{first}"));
        into.push(Reading::TaskSubmitted(TaskReading { name, gang, ..like.clone() }));
    }
    Ok(())
}

/// How a scenario ends.
struct Played {
    figures: WhatIfFigures,
    /// Where each placed task stands.
    places: BTreeMap<String, String>,
    waits_for: BTreeMap<String, Obstacle>,
    /// The steps of the first turn.
    first: Vec<String>,
}

impl Played {
    fn fate(&self, name: &str) -> WhatIfTask {
        WhatIfTask {
            task: name.to_owned(),
            node: self.places.get(name).cloned(),
            waits_for: self.waits_for.get(name).map(|obstacle| obstacle.code().to_owned()),
        }
    }
}

/// Does whatever it is asked for, at once.
struct Obedient;

impl Actuator for Obedient {
    fn moving(&self) -> Moving {
        Moving::StopFirst
    }

    fn call(&mut self, _: &Call) -> Answer {
        Answer::Done
    }
}

/// Decides and carries out on the copy until nothing more is to be done.
fn play(mut snapshot: Snapshot, config: LeptonConfig) -> Result<Played, String> {
    let mut decider = Lepton::new(config, 0).map_err(|error| error.to_string())?;
    let (mut analyst, mut journal) = (Analyst::default(), Vec::<JournalEntry>::new());
    let (mut first, mut moves, mut waits_for) = (Vec::new(), 0, BTreeMap::new());
    let settings = Settings::default();
    for round in 0..ROUNDS_MAX {
        snapshot.memory.turn += 1;
        let assessment = analyst.assess(&snapshot, &settings);
        let turn = snapshot.memory.turn;
        let proposal = Plan::default();
        let situation = Situation::new(&snapshot, &assessment, &proposal, turn);
        let Decided { plan, .. } = decider.decide(&situation);
        let steps: Vec<&Action> = plan.parts.iter().flat_map(|part| &part.steps).collect();
        moves += steps.iter().filter(|action| matches!(action, Action::Migrate { .. })).count();
        if round == 0 {
            first = steps.iter().map(|action| super::api::rows::step(action)).collect();
        }
        waits_for = plan.waiting.iter().map(|w| (w.task.to_string(), w.obstacle)).collect();
        carry_out(&plan, &mut snapshot, &mut Obedient, &mut journal);
        if plan.parts.is_empty() {
            break;
        }
    }
    let assessment = Analyst::default().assess(&snapshot, &settings);
    let cluster = &snapshot.cluster;
    let placed = cluster.live_tasks().filter_map(|task| {
        let place = cluster.placement(task)?;
        Some((cluster.task(task).name.to_string(), cluster.node_name(place.node).to_owned()))
    });
    let figures = figures(&snapshot, &assessment, moves);
    Ok(Played { figures, places: placed.collect(), waits_for, first })
}

fn figures(snapshot: &Snapshot, assessment: &Assessment, moves: usize) -> WhatIfFigures {
    let waiting = snapshot.pending.len();
    WhatIfFigures {
        running: snapshot.cluster.live_tasks().count() - waiting,
        waiting,
        hot_nodes: assessment.hot.len(),
        imbalance: assessment.imbalance,
        devices_held: assessment.devices_held,
        stranded_devices: assessment.stranded_milli as f64 / 1000.0,
        moves,
    }
}

#[cfg(test)]
mod tests {
    use lepton_core::model::{Cluster, NodeSpec, ResourceSchema, Task, TaskClass};

    use super::*;

    /// Two nodes of 8 cores; each runs a task of 3 cores.
    fn snapshot() -> Snapshot {
        let mut cluster = Cluster::new(ResourceSchema::cpu_and_memory());
        for name in ["n0", "n1"] {
            cluster.add_node(NodeSpec::new(name, vec![8000, 100], Vec::new())).expect("a sound node");
        }
        let class = cluster.add_class(TaskClass::of_demand([3000, 10], None)).expect("a sound class");
        for (name, node) in [("t0", 0), ("t1", 1)] {
            let task = cluster.add_task(Task::new(name, class));
            let place = lepton_core::model::Placement {
                node: lepton_core::model::NodeId(node),
                devices: lepton_core::model::DeviceSet::NONE,
            };
            cluster.place(task, place).expect("there is room");
        }
        Snapshot::of_cluster(cluster, 600)
    }

    fn of(text: &str) -> Result<WhatIf, String> {
        what_if(snapshot(), &serde_json::from_str(text).expect("a scenario"))
    }

    #[test]
    fn tasks_of_a_drained_node_go_elsewhere() {
        let answer = of(r#"{"drain": ["n0"]}"#).expect("it is sound");
        assert_eq!(answer.concerned.len(), 1);
        assert_eq!(answer.concerned[0].node.as_deref(), Some("n1"), "{answer:?}");
        assert_eq!((answer.with.running, answer.without.running), (2, 2));
        assert_eq!(snapshot().pending.len(), 0, "the snapshot that was copied is as it was");
    }

    #[test]
    fn a_gang_starts_only_where_there_is_room_for_all_of_it() {
        let gang = r#""submit": [{"demand": {"cpu_millicores": 5000}, "count": 3, "gang": true}]"#;
        let alone = of(&format!("{{{gang}}}")).expect("it is sound");
        assert!(alone.concerned.iter().all(|task| task.node.is_none()), "{alone:?}");
        assert_eq!(alone.with.waiting, 3);
        assert!(alone.concerned[0].waits_for.is_some(), "{alone:?}");
        let with = of(&format!(r#"{{{gang}, "add": [{{"like": "n0", "count": 3}}]}}"#)).expect("it is sound");
        assert!(with.concerned.iter().all(|task| task.node.is_some()), "{with:?}");
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (text, expected) in [
            (r#"{"drain": ["n7"]}"#, "there is no node `n7`"),
            (r#"{"submit": [{"like": "t7"}]}"#, "there is no task `t7`"),
            (r#"{"submit": [{}]}"#, "asks for nothing"),
            (r#"{"submit": [{"demand": {"cpu": 1}}]}"#, "there are: cpu_millicores, memory_mib"),
            (r#"{"submit": [{"demand": {"memory_mib": -1}}]}"#, "cannot be"),
            (r#"{"add": [{"like": "n0", "count": 0}]}"#, "count 0, expected 1 to 10000"),
            (r#"{"policy": "best"}"#, "best"),
        ] {
            let said = of(text).expect_err(expected);
            assert!(said.contains(expected), "{said}");
        }
    }
}
