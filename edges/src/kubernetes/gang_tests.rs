//! Gangs of unlike members with rules among them, for which a placement exists: from the objects to the calls of one turn of the loop, beside
//! the stock scheduler, which places the same pods one after another.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use lepton_core::collect::{CollectConfig, Source};
use lepton_core::cycle::{Cycle, CycleConfig, Means};
use lepton_core::decide::plan::{Lepton, LeptonConfig, Scope};
use lepton_core::execute::Actuator;
use lepton_core::model::{Answer, Call, FrozenClock, JournalEntry, Mode, Modes, Moving, Readings, Settings};
use serde::Deserialize;
use serde_json::{Value, json};

use super::cache::{Cache, Change};
use super::columns::Columns;
use super::devices::DeviceNames;
use super::gang_instances::{FAMILIES, Instance, Key, Proof, Role, State, Term, exactly};
use super::stock_tests::{ask, read};
use super::tests::bindable;
use super::told::Teller;

/// Seeds that nothing was tuned on.
const SEEDS: std::ops::Range<u64> = 0..50;
const NODES_MAX: u64 = 24;
/// Small enough that the exact search comes to an end.
const SMALL: u64 = 6;
const STEPS_MAX: usize = 20_000;
const SHARE_MIN: f64 = 0.95;

/// Pods with their nodes, in order.
type Bound = Vec<(String, String)>;

fn name(member: usize) -> String {
    format!("m{member:02}")
}

fn key(key: Key) -> &'static str {
    match key {
        Key::Host => "kubernetes.io/hostname",
        Key::Rack => "rack",
        Key::Zone => "zone",
    }
}

fn amounts(of: [i64; 3]) -> Value {
    let mut amounts = json!({"cpu": format!("{}m", of[0]), "memory": format!("{}Mi", of[1])});
    if of[2] > 0 {
        amounts["nvidia.com/gpu"] = of[2].to_string().into();
    }
    amounts
}

fn containers(asks: [i64; 3]) -> Value {
    json!([{"name": "c", "resources": {"requests": amounts(asks), "limits": amounts(asks)}}])
}

fn nodes(instance: &Instance) -> Vec<Value> {
    let node = |(number, node): (usize, &super::gang_instances::Node)| {
        let mut amounts = amounts(node.capacity);
        amounts["pods"] = "110".into();
        json!({
            "metadata": {"name": format!("n{number}"), "labels": {
                "kubernetes.io/hostname": format!("n{number}"), "rack": format!("r{}", node.rack), "zone": format!("z{}", node.zone),
                "nvidia.com/gpu.product": node.product
            }},
            "status": {"capacity": amounts, "allocatable": amounts, "conditions": [{"type": "Ready", "status": "True"}]}
        })
    };
    instance.nodes.iter().enumerate().map(node).collect()
}

fn standing(instance: &Instance) -> Vec<Value> {
    let mut pods = Vec::new();
    for (node, stands) in instance.stands.iter().enumerate() {
        for (number, &asks) in stands.iter().enumerate() {
            let name = format!("s{node}-{number}");
            pods.push(json!({
                "metadata": {"name": name, "namespace": "team", "uid": name},
                "spec": {"schedulerName": "other", "nodeName": format!("n{node}"), "containers": containers(asks)},
                "status": {"phase": "Running"}
            }));
        }
    }
    pods
}

fn gang(instance: &Instance) -> Vec<Value> {
    let selector = |role: Option<usize>| {
        let mut labels = json!({"job": "g"});
        if let Some(role) = role {
            labels["role"] = format!("r{role}").into();
        }
        json!({"matchLabels": labels})
    };
    let term = |term: Term| {
        let terms = json!([{"topologyKey": key(term.key), "labelSelector": selector(term.role)}]);
        json!({"requiredDuringSchedulingIgnoredDuringExecution": terms})
    };
    let pod = |(member, &role): (usize, &usize)| {
        let Role { asks, products, near, apart, spread } = &instance.roles[role];
        let mut affinity = json!({});
        if let Some(near) = near {
            affinity["podAffinity"] = term(*near);
        }
        if let Some(apart) = apart {
            affinity["podAntiAffinity"] = term(*apart);
        }
        if !products.is_empty() {
            let expression = json!({"key": "nvidia.com/gpu.product", "operator": "In", "values": products});
            affinity["nodeAffinity"] = json!({"requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [expression]}]
            }});
        }
        let spread = spread.map(|over| {
            json!({"maxSkew": 1, "topologyKey": key(over), "whenUnsatisfiable": "DoNotSchedule", "labelSelector": selector(Some(role))})
        });
        json!({
            "metadata": {
                "name": name(member), "namespace": "team", "uid": name(member),
                "labels": {"job": "g", "role": format!("r{role}"), "lepton/gang": "g"},
                "annotations": {"lepton/gang-size": instance.members.len().to_string()}
            },
            "spec": {
                "schedulerName": "lepton", "containers": containers(*asks), "affinity": affinity,
                "topologySpreadConstraints": spread.into_iter().collect::<Vec<_>>()
            },
            "status": {"phase": "Pending"}
        })
    };
    instance.members.iter().enumerate().map(pod).collect()
}

/// A cluster as the loop's eyes and hands: pods are bound where they may be bound then.
struct World {
    cache: Rc<RefCell<Cache>>,
    teller: Teller,
    bound: Rc<RefCell<Bound>>,
}

struct Hands {
    cache: Rc<RefCell<Cache>>,
    bound: Rc<RefCell<Bound>>,
}

impl Source for World {
    fn poll(&mut self, now_seconds: u64) -> Readings {
        let readings = self.teller.news(&mut self.cache.borrow_mut());
        told(now_seconds, false, readings)
    }

    fn list(&mut self, now_seconds: u64) -> Readings {
        let readings = self.teller.everything(&mut self.cache.borrow_mut());
        told(now_seconds, true, readings)
    }
}

fn told(time_seconds: u64, complete: bool, readings: Vec<lepton_core::model::Reading>) -> Readings {
    Readings { source: "kubernetes".into(), time_seconds, sequence: None, complete, readings }
}

impl Actuator for Hands {
    fn moving(&self) -> Moving {
        Moving::StopFirst
    }

    fn call(&mut self, call: &Call) -> Answer {
        let Call::Start { task, to } = call else {
            return Answer::Refused("nothing is moved or stopped here".to_owned());
        };
        let mut cache = self.cache.borrow_mut();
        if !bindable(&cache, task).contains(&*to.node) {
            return Answer::Refused(format!("{task} may not stand on {}", to.node));
        }
        cache.assume(task, &to.node, to.devices);
        self.bound.borrow_mut().push((task.to_string(), to.node.to_string()));
        Answer::Done
    }
}

/// What one turn of the loop binds; where it is nothing, each member is told why.
fn lepton(instance: &Instance) -> Bound {
    let cache = Rc::new(RefCell::new(Cache::default()));
    {
        let mut cache = cache.borrow_mut();
        cache.node_change(Change::Listed(read(&nodes(instance))));
        cache.pod_change(Change::Listed(read(&[standing(instance), gang(instance)].concat())));
    }
    let names = DeviceNames::default();
    let columns = Columns::of(&cache.borrow().nodes, &names);
    let bound = Rc::new(RefCell::new(Bound::new()));
    let schema = columns.schema();
    let mut world =
        World { cache: Rc::clone(&cache), teller: Teller::new(columns, names), bound: Rc::clone(&bound) };
    let mut hands = Hands { cache, bound: Rc::clone(&world.bound) };
    let config = CycleConfig {
        modes: Modes::all(Mode::Act),
        collect: CollectConfig::default(),
        settings: Settings::default(),
        analyst: Default::default(),
    };
    let mut journal: Vec<JournalEntry> = Vec::new();
    let mut cycle =
        Cycle::start(config, schema, &mut [&mut world], &journal, 0).expect("an empty journal can be read");
    let mut decider = Lepton::new(LeptonConfig::default(), 1).expect("the policy is there");
    let means = Means {
        sources: &mut [&mut world],
        decider: &mut decider,
        actuator: &mut hands,
        journal: &mut journal,
    };
    let report = cycle.turn(Scope::Whole, means, 60, &FrozenClock);
    assert_eq!(report.outcome.halted, None);
    let bound = bound.take();
    if bound.is_empty() {
        let waits = |member: usize| {
            let snapshot = cycle.snapshot();
            let task = snapshot.task_by_name.get(&*format!("team/{}", name(member)));
            task.and_then(|&task| snapshot.task(task).waits_for)
        };
        assert!(
            (0..instance.members.len()).all(|member| waits(member).is_some()),
            "each is told why it waits"
        );
    }
    bound
}

/// Whether all of a gang was bound; never a part of it.
fn is_started(instance: &Instance, bound: &Bound) -> bool {
    assert!(bound.is_empty() || bound.len() == instance.members.len(), "a part was bound: {bound:?}");
    !bound.is_empty()
}

/// Whether members may be placed so, one after another, by the rules as the generator knows them.
fn is_sound(instance: &Instance, places: impl IntoIterator<Item = (usize, usize)>) -> bool {
    let mut state = State::new(instance);
    places.into_iter().all(|(member, node)| {
        let role = instance.members[member];
        let allows = state.allows(role, node);
        state.put(role, node, 1);
        allows
    })
}

fn number(name: &str) -> usize {
    name.trim_start_matches("team/").trim_start_matches(['m', 'n']).parse().expect("a number")
}

fn of_seeds() -> impl Iterator<Item = (usize, u64, Instance)> {
    let families = 0..FAMILIES.len();
    families
        .flat_map(|family| SEEDS.map(move |seed| (family, seed, Instance::possible(seed, family, NODES_MAX))))
}

#[test]
fn of_gangs_for_which_a_placement_exists_nearly_all_are_started_and_each_whole() {
    let mut started = [0; FAMILIES.len()];
    for (family, seed, instance) in of_seeds() {
        assert_eq!(instance.planted.len(), instance.members.len());
        assert!(
            is_sound(&instance, instance.planted.iter().copied()),
            "{family}, {seed}: a placement exists"
        );
        let bound = lepton(&instance);
        started[family] += usize::from(is_started(&instance, &bound));
        let places = bound.iter().map(|(pod, node)| (number(pod), number(node)));
        assert!(is_sound(&instance, places), "{family}, {seed}: {bound:?}");
    }
    let each = (SEEDS.end - SEEDS.start) as f64;
    for (family, count) in started.into_iter().enumerate() {
        assert!(f64::from(count as u32) >= SHARE_MIN * each, "{}: {count} of {each}", FAMILIES[family]);
    }
}

#[test]
fn gangs_that_are_proved_impossible_are_never_started() {
    let mut proved = [0; FAMILIES.len()];
    for (family, proved) in proved.iter_mut().enumerate() {
        for seed in SEEDS {
            let instance = Instance::possible(seed, family, SMALL).with_one_more(seed);
            if exactly(&instance, STEPS_MAX).0 == Proof::Impossible {
                *proved += 1;
                assert!(!is_started(&instance, &lepton(&instance)), "{family}, {seed}");
            }
        }
    }
    assert!(proved.iter().all(|&count| count >= 10), "chance shows little: {proved:?}");
}

/// Where the stock scheduler puts a pod; nowhere is an empty name.
#[derive(Deserialize)]
struct Placed {
    pod: String,
    node: String,
}

/// What the stock scheduler does with the members of gangs, one after another, each nominated for a node where one is named.
fn stock(gangs: &[(&Instance, Bound)]) -> Vec<Bound> {
    let asked = gangs.iter().map(|(instance, nominated)| {
        let mut pods: BTreeMap<String, Value> = BTreeMap::new();
        let mut waiting = gang(instance);
        if !nominated.is_empty() {
            pods.extend(
                waiting
                    .into_iter()
                    .map(|pod| (format!("team/{}", pod["metadata"]["name"].as_str().expect("a name")), pod)),
            );
            waiting = nominated
                .iter()
                .map(|(pod, node)| {
                    let mut pod = pods[pod].clone();
                    pod["status"]["nominatedNodeName"] = node.as_str().into();
                    pod
                })
                .collect();
        }
        json!({"namespaces": [], "nodes": nodes(instance), "pods": standing(instance), "waiting": waiting})
    });
    let lines: String = asked.map(|asked| format!("{asked}\n")).collect();
    let placed = |line: &str| {
        let all: Vec<Placed> = serde_json::from_str(line).expect("a list of pods");
        all.into_iter().map(|placed| (placed.pod, placed.node)).collect()
    };
    ask(&["in-turn"], lines).lines().map(placed).collect()
}

#[test]
#[ignore = "needs kubernetes"]
fn the_stock_scheduler_agrees_with_where_gangs_start_and_starts_fewer() {
    let all: Vec<(usize, u64, Instance)> = of_seeds().collect();
    let ours: Vec<Bound> = all.iter().map(|(.., instance)| lepton(instance)).collect();
    let alone: Vec<_> = all.iter().map(|(.., instance)| (instance, Bound::new())).collect();
    let nominated: Vec<_> = all
        .iter()
        .map(|(.., instance)| instance)
        .zip(ours.iter().cloned())
        .filter(|(_, bound)| !bound.is_empty())
        .collect();
    for ((_, bound), agreed) in nominated.iter().zip(stock(&nominated)) {
        assert_eq!(bound, &agreed, "by its own rules each member may stand where Lepton puts it");
    }
    let theirs = stock(&alone);
    println!(
        "| gangs | how many | members | Lepton | kube-scheduler, one by one | exact search | its steps, median | most |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let mut sums = [0; 4];
    for (family, name) in FAMILIES.iter().enumerate() {
        let of: Vec<usize> = (0..all.len()).filter(|&at| all[at].0 == family).collect();
        let members: usize = of.iter().map(|&at| all[at].2.members.len()).sum();
        let started = of.iter().filter(|&&at| !ours[at].is_empty()).count();
        let by_stock = of.iter().filter(|&&at| theirs[at].iter().all(|(_, node)| !node.is_empty())).count();
        let exact = of.iter().map(|&at| exactly(&all[at].2, STEPS_MAX));
        let mut steps: Vec<usize> =
            exact.filter(|(proof, _)| *proof == Proof::Placed).map(|(_, steps)| steps).collect();
        steps.sort_unstable();
        let share = |count: usize| format!("{:.1}%", 100.0 * count as f64 / of.len() as f64);
        println!(
            "| {name} | {} | {:.1} | {} | {} | {} | {} | {} |",
            of.len(),
            members as f64 / of.len() as f64,
            share(started),
            share(by_stock),
            share(steps.len()),
            steps.get(steps.len() / 2).copied().unwrap_or(0),
            steps.last().copied().unwrap_or(0)
        );
        for (sum, count) in sums.iter_mut().zip([of.len(), started, by_stock, steps.len()]) {
            *sum += count;
        }
    }
    println!(
        "of {} Lepton starts {}, the stock scheduler {}, the exact search places {}",
        sums[0], sums[1], sums[2], sums[3]
    );
    assert!(sums[1] > sums[2]);
}
