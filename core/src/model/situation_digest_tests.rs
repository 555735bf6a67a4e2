//! The digest of a situation: another value anywhere gives another digest; another numbering does not.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde_json::{Value, json};

use super::digest::Digest;
use super::*;

fn pick<T: Clone>(chance: &mut Pcg64Mcg, of: &[T]) -> T {
    of[chance.random_range(0..of.len())].clone()
}

/// A cluster with every kind of thing in it, in names, as text.
fn written(seed: u64) -> Value {
    let mut chance = Pcg64Mcg::seed_from_u64(seed);
    let nodes = |n: usize| (0..n).map(|i| format!("n{i}")).collect::<Vec<_>>();
    let names = nodes(chance.random_range(1..6));
    let nodes: Vec<Value> = names
        .iter()
        .map(|name| {
            let devices: Vec<Value> = ["A", "B"][..chance.random_range(0..3)]
                .iter()
                .map(|model| json!({"kind": "gpu", "model": model, "count": 2}))
                .collect();
            json!({
                "name": name, "capacity": [64_000, 64_000],
                "devices_out_of_service": if devices.is_empty() { vec![] } else { vec![1] },
                "devices": devices,
                "labels": {"rack": pick(&mut chance, &["r0", "r1"]), "zone": "z"},
                "health": pick(&mut chance, &["up", "sick", "cordoned"]),
            })
        })
        .collect();
    let tasks: Vec<Value> = (0..chance.random_range(1..9))
        .map(|i| {
            let apart = json!({"group": "web", "domain": pick(&mut chance, &[None, Some("rack")])});
            let rules = pick(
                &mut chance,
                &[
                    json!({}),
                    json!({"anti_affinity": [apart]}),
                    json!({"affinity": [apart]}),
                    json!({"spread": [{"group": "db", "key": "rack", "skew_max": 2}]}),
                    json!({"selectors": [{"key": "rack", "values": ["r0", "r1"]}]}),
                ],
            );
            json!({
                "name": format!("t{i}"), "demand": [1000 * chance.random_range(1..4), 1000],
                "owner": pick(&mut chance, &["o0", "o1"]), "gang": pick(&mut chance, &[None, Some("g0"), Some("g1")]),
                "group": pick(&mut chance, &[None, Some("web"), Some("db")]), "rules": rules,
                "priority": chance.random_range(-1..2), "move_cost": 0.5,
                "do_not_disrupt": chance.random_bool(0.5), "preempts": pick(&mut chance, &["where_pays", "at_once", "never"]),
                "preemptible": chance.random_bool(0.5),
                "node": if rules == json!({}) { Some(pick(&mut chance, &names)) } else { None },
                "devices": if rules == json!({}) {
                    None
                } else {
                    Some(json!({"count": 1, "milli": 500, "models": pick(&mut chance, &[vec![], vec!["A"], vec!["A", "B"]])}))
                },
            })
        })
        .collect();
    let quotas = json!([{"owner": "o0", "resources": [5000, 6000], "device_milli": 1000}]);
    json!({
        "time_seconds": 0, "resources": ["cpu_millicores", "memory_mib"], "nodes": nodes, "tasks": tasks,
        "quotas": quotas,
    })
}

fn document(text: &Value) -> Option<ClusterDocument> {
    serde_json::from_value(text.clone()).ok()
}

/// A snapshot of a cluster of which everything is known.
fn snapshot_of(cluster: Cluster) -> Snapshot {
    let mut snapshot = Snapshot::of_cluster(cluster, 1000);
    snapshot.stale.insert("slow".into());
    snapshot.signals.iter_mut().for_each(|signals| *signals = BTreeMap::from([("errors".into(), (1.0, 5))]));
    snapshot.tasks.iter_mut().for_each(|state| state.used = vec![10, 20]);
    for task in snapshot.cluster.live_tasks() {
        snapshot.arrivals.count(snapshot.cluster.demand(task));
    }
    snapshot.arrivals.publish(&mut snapshot.mix);
    snapshot.memory.moves.record(moved("t0"));
    let steps = vec![Action::Cordon { node: "n0".into() }];
    let part = Part {
        key: PartKey { turn: 3, number: 1 },
        steps,
        reason: Reason::NodeFailing,
        gain: 1.0,
        cost: 0.0,
        binding: Binding::Each,
        after: vec![],
        waves: vec![],
        needs_approval: false,
    };
    let opened =
        JournalEntry::Opened { part, owners: vec![None], moving: Moving::StopFirst, time_seconds: 9 };
    snapshot.memory.apply(&opened);
    snapshot
}

fn moved(task: &str) -> Move {
    Move { time_seconds: 10, task: task.into(), owner: None, from: "n0".into(), to: None }
}

fn digest(snapshot: &Snapshot) -> u64 {
    let mut digest = Digest::default();
    snapshot.digest(&mut digest);
    digest.value()
}

/// Every place in the text where a plain value stands.
fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(k, v)| leaves(v, &format!("{path}/{k}"), found)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, v)| leaves(v, &format!("{path}/{i}"), found));
        }
        Value::Null => {}
        _ => found.push(path.to_owned()),
    }
}

fn changed(value: &Value) -> Value {
    match value {
        Value::Bool(yes) => json!(!yes),
        Value::Number(number) if number.is_i64() => json!(number.as_i64().map(|n| n + 1)),
        Value::Number(number) => json!(number.as_f64().map(|n| n + 1.0)),
        Value::String(health) if health == "up" => json!("sick"),
        Value::String(health) if health == "sick" || health == "cordoned" => json!("up"),
        Value::String(kind) if kind == "gpu" => json!("npu"),
        Value::String(text) => json!(format!("{text}'")),
        other => other.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn another_value_of_any_field_of_a_cluster_gives_another_digest(seed in any::<u64>()) {
        let text = written(seed);
        let before = document(&text).expect("it is written so").to_cluster().expect("it is sound");
        let (names, before) = (ClusterDocument::of_cluster(&before, 0), digest(&snapshot_of(before)));
        let mut paths = Vec::new();
        leaves(&text, "", &mut paths);
        for path in paths.iter().filter(|path| *path != "/time_seconds") {
            let mut other = text.clone();
            let leaf = other.pointer_mut(path).expect("a leaf of this text");
            *leaf = changed(leaf);
            // What contradicts the rest is no cluster.
            let Some(Ok(cluster)) = document(&other).map(|document| document.to_cluster()) else { continue };
            let differs = ClusterDocument::of_cluster(&cluster, 0) != names;
            prop_assert_eq!(digest(&snapshot_of(cluster)) != before, differs, "{}", path);
        }
    }

    #[test]
    fn how_things_are_numbered_and_what_is_gone_does_not_matter(seed in any::<u64>()) {
        let text = written(seed);
        let plain = document(&text).expect("it is written so").to_cluster().expect("it is sound");
        let mut gone = text;
        // What comes first takes the first ids of everything.
        let passing = json!({
            "name": "gone", "capacity": [64_000, 64_000],
            "devices": [{"kind": "npu", "model": "C", "count": 1}],
            "labels": {"zone": "other", "rack": "r1"},
        });
        let rules = json!({"anti_affinity": [{"group": "db", "domain": "zone"}]});
        let guest = json!({
            "name": "guest", "demand": [7, 7], "owner": "o1", "gang": "g1", "group": "other", "rules": rules,
        });
        for (list, first) in [("nodes", passing), ("tasks", guest)] {
            gone[list].as_array_mut().expect("a list").insert(0, first);
        }
        let mut gone = document(&gone).expect("it is written so").to_cluster().expect("it is sound");
        gone.remove_node(NodeId(0));
        gone.retire(TaskId(0));
        let (mut one, mut other) = (snapshot_of(plain), snapshot_of(gone));
        prop_assert_eq!(digest(&one), digest(&other));
        one.cluster.free_unused();
        other.cluster.free_unused();
        prop_assert_eq!(digest(&one), digest(&other));
    }

    #[test]
    fn the_order_of_tasks_decides_between_equals_and_counts(seed in any::<u64>()) {
        let text = written(seed);
        let mut other = text.clone();
        other["tasks"].as_array_mut().expect("a list").reverse();
        let [one, other] = [&text, &other].map(|text| document(text).expect("as written").to_cluster());
        let (one, other) = (one.expect("sound"), other.expect("sound"));
        let several = one.tasks().len() > 1;
        prop_assert_eq!(digest(&snapshot_of(one)) != digest(&snapshot_of(other)), several);
    }
}

#[test]
fn whatever_else_is_known_counts_too() {
    type Change = fn(&mut Snapshot);
    let text = json!({
        "time_seconds": 0, "resources": ["cpu_millicores", "memory_mib"],
        "nodes": [{"name": "n0", "capacity": [10, 10]}], "tasks": [{"name": "t0", "demand": [1, 1]}],
    });
    let cluster = document(&text).expect("it is written so").to_cluster().expect("it is sound");
    let one = snapshot_of(cluster);
    let changes: [(&str, Change); 20] = [
        ("time", |s| s.time_seconds += 1),
        ("pending", |s| s.pending.clear()),
        ("signal", |s| s.signals[0].entry("errors".into()).or_default().0 = 2.0),
        ("when it was told", |s| s.signals[0].entry("errors".into()).or_default().1 = 6),
        ("another signal", |s| s.signals[0].entry("heat".into()).or_default().0 = 2.0),
        ("cordon", |s| s.cordoned_by_loop.extend([NodeId(0)])),
        ("stale", |s| s.stale.clear()),
        ("mix", |s| s.mix.version += 1),
        ("turn", |s| s.memory.turn += 1),
        ("move", |s| s.memory.moves.record(moved("t1"))),
        ("submitted", |s| s.tasks[0].submitted_seconds += 1),
        ("requested", |s| s.tasks[0].requested_seconds = Some(1)),
        ("started", |s| s.tasks[0].started_seconds = Some(1)),
        ("pause", |s| s.tasks[0].pause_seconds += 1),
        ("used", |s| s.tasks[0].used[1] += 1),
        ("unsaved", |s| s.tasks[0].unsaved_seconds += 1),
        ("leaving", |s| s.tasks[0].leaving = true),
        ("waits for", |s| s.tasks[0].waits_for = Some(Obstacle::InsufficientResource)),
        ("quota", |s| {
            let owner = s.cluster.owner("new");
            s.cluster.set_quota(owner, Some(Quota { resources: [1, 1].into(), device_milli: 0 }));
        }),
        ("under way", |s| {
            let key = PartKey { turn: 3, number: 1 };
            s.memory.apply(&JournalEntry::Calling {
                key,
                call: Call::Cordon { node: "n0".into(), cordoned: true },
                time_seconds: 11,
            });
        }),
    ];
    for (what, change) in changes {
        let mut other = one.clone();
        change(&mut other);
        assert_ne!(digest(&one), digest(&other), "{what}");
    }
}

#[test]
fn every_figure_of_an_assessment_counts() {
    type Change = fn(&mut Assessment);
    let mut cluster = Cluster::new(ResourceSchema::cpu_and_memory());
    cluster.add_node(NodeSpec::new("n0", vec![1, 1], vec![])).expect("a sound node");
    let sign = Sign { signal: "errors".into(), value: 1.0, probability: 0.5 };
    let one = Assessment {
        load: vec![NodeLoad::default()],
        used: vec![1.0, 2.0],
        expected: Some(ExpectedLoad {
            horizon_seconds: 60,
            levels: vec![0.5],
            used: vec![1.0, 2.0],
            ..ExpectedLoad::default()
        }),
        use_of_demand: vec![1.0, 1.0],
        risk: vec![NodeRisk { probability: 0.5, signs: vec![sign], ..NodeRisk::default() }],
        ..Assessment::default()
    };
    let of = |assessment: &Assessment| {
        let mut digest = Digest::default();
        assessment.digest(&mut digest, &cluster);
        digest.value()
    };
    let changes: [(&str, Change); 22] = [
        ("safety level", |a| a.safety_level += 0.01),
        ("used", |a| a.load[0].used += 0.1),
        ("promised", |a| a.load[0].promised += 0.1),
        ("devices held there", |a| a.load[0].devices_held += 0.1),
        ("amount used", |a| a.used[1] += 0.1),
        ("horizon", |a| a.expected.iter_mut().for_each(|e| e.horizon_seconds += 1)),
        ("level", |a| a.expected.iter_mut().for_each(|e| e.levels[0] += 0.1)),
        ("forecast", |a| a.expected.iter_mut().for_each(|e| e.used[1] += 0.1)),
        ("mean", |a| a.mean_used += 0.1),
        ("imbalance", |a| a.imbalance += 0.1),
        ("devices held", |a| a.devices_held += 0.1),
        ("use of demand", |a| a.use_of_demand[1] += 0.1),
        ("hot", |a| a.hot.push(NodeId(0))),
        ("failing", |a| a.failing.push(NodeId(0))),
        ("risk", |a| a.risk[0].probability += 0.1),
        ("risk of a day", |a| a.risk[0].within_day += 0.1),
        ("risk of a week", |a| a.risk[0].within_week += 0.1),
        ("young series", |a| a.expected.iter_mut().for_each(|e| e.young += 1)),
        ("coverage", |a| a.expected.iter_mut().for_each(|e| e.coverage = Some(0.9))),
        ("sign", |a| a.risk[0].signs[0].value += 0.1),
        ("stranded", |a| a.stranded_milli += 1),
        ("waiting", |a| a.waiting += 1),
    ];
    for (what, change) in changes {
        let mut other = one.clone();
        change(&mut other);
        assert_ne!(of(&one), of(&other), "{what}");
    }
}
