//! `lepton simulate placement --snapshot-at` and `lepton rebalance --snapshot` as a user meets them.

mod common;

use std::process::Output;

use common::{document, json, lepton, read, scratch, stderr, written};
use serde_json::Value;
use serde_json::json as document_of;

fn snapshot(name: &str) -> String {
    let path = scratch(name);
    let mut args = vec!["simulate", "placement", "--generate", "openb-like", "--nodes-count", "40"];
    args.extend(["--policy", "random", "--seeds", "1", "--snapshot-at", "100", "--snapshot", &path]);
    let output = lepton(&args);
    assert!(output.status.success(), "{}", stderr(&output));
    path
}

fn rebalance(snapshot: &str, more: &[&str]) -> Output {
    let mut args = vec!["rebalance", "--snapshot", snapshot];
    args.extend(more);
    lepton(&args)
}

#[test]
fn a_plan_for_a_snapshot_places_dropped_tasks_within_the_limit_on_moves() {
    let (from, plan, after) = (snapshot("s1.json"), scratch("p1.json"), scratch("a1.json"));
    assert!(!document(&from)["expected"].as_array().expect("the mix").is_empty());
    let more = ["--max-moves", "12", "--evaluations", "10", "--plan", &plan, "--solution", &after];
    let report = json(&rebalance(&from, &[&more[..], &["--output", "json"]].concat()));
    let number = |field: &str| report[field].as_u64().expect("a whole number");
    assert!(number("placed") > 0 && number("moves") <= 12);
    assert_eq!(number("waiting_before"), number("placed") + number("waiting"));
    assert!(report["allocated_percent"].as_f64() > report["allocated_percent_before"].as_f64());
    let plan = document(&plan);
    let steps = plan["steps"].as_array().expect("steps");
    let count = |action: &str| steps.iter().filter(|s| s["action"] == action).count() as u64;
    assert_eq!((count("migrate"), count("place")), (number("moves"), number("placed")));
    assert!(steps.iter().all(|s| s["to"]["node"].is_string() && s["part"].is_string()));
    let parts = plan["parts"].as_array().expect("parts");
    assert!(
        parts.iter().all(|p| p["reason"].is_string() && p["gain"].is_number() && p["binding"].is_string())
    );
    let again = json(&rebalance(&after, &["--max-moves", "0", "--evaluations", "2", "--output", "json"]));
    assert_eq!(again["waiting_before"], report["waiting"], "the solution is a snapshot to go on from");
}

#[test]
fn the_result_does_not_depend_on_the_number_of_threads() {
    let from = snapshot("s2.json");
    let result = |threads| {
        let more = ["--threads", threads, "--evaluations", "8", "--output", "json"];
        let mut report = json(&rebalance(&from, &more));
        for field in ["seconds", "threads"] {
            report[field] = Value::Null;
        }
        report
    };
    assert_eq!(result("1"), result("3"));
}

#[test]
fn the_objective_file_sets_the_weights() {
    let from = snapshot("s3.json");
    let file = written("o3.toml", "safety_level = 0.8\n[weights]\nmigration = 1000\noverload = 1\n");
    let more = ["--objective", &file, "--evaluations", "5"];
    let report = json(&rebalance(&from, &[&more[..], &["--output", "json"]].concat()));
    assert_eq!(report["moves"], 0, "no task is worth a move at that price");
    assert_eq!(report["terms"][2]["weight"], 1000.0);
    let table = rebalance(&from, &more);
    let text = String::from_utf8_lossy(&table.stdout).into_owned();
    for word in ["unplaced", "overload", "total", "placed by 0 moves", "Devices held"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let csv = rebalance(&from, &[&more[..], &["--output", "csv"]].concat());
    assert!(String::from_utf8_lossy(&csv.stdout).starts_with("term,weight,before,after\nunplaced,20,"));
}

#[test]
fn several_runs_give_several_snapshots() {
    let path = scratch("many.json");
    let mut args = vec!["simulate", "placement", "--generate", "openb-like", "--nodes-count", "5"];
    args.extend(["--policy", "fgd,random", "--seeds", "1..=2", "--snapshot-at", "50", "--snapshot", &path]);
    assert!(lepton(&args).status.success());
    for run in ["fgd-1", "fgd-2", "random-1", "random-2"] {
        let path = path.replace(".json", &format!("-{run}.json"));
        assert_eq!(document(&path)["nodes"].as_array().map(Vec::len), Some(5), "{run}");
    }
}

#[test]
fn bad_input_gives_exit_code_2_and_names_what_is_wrong() {
    let from = snapshot("s5.json");
    let sound = read(&from);
    let node = document(&from)["tasks"][0]["node"].as_str().expect("placed").to_owned();
    let moved = sound.replacen(&format!("\"node\": \"{node}\""), "\"node\": \"nowhere\"", 1);
    let cases = [
        ("cut", sound[..sound.len() / 2].to_owned(), "not JSON"),
        ("node", moved, "stands on node `nowhere`, which is not among the nodes"),
        (
            "field",
            sound.replacen("time_seconds", "time_second", 1),
            "line 2: not a cluster snapshot: unknown field",
        ),
        ("empty", String::new(), "is empty"),
    ];
    for (name, text, expected) in cases {
        let output = rebalance(&written(name, &text), &["--evaluations", "1"]);
        assert_eq!(output.status.code(), Some(2), "{name}: {}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{name}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{name}");
    }
    let objective = written("o5.toml", "[weights]\nunplacd = 1\n");
    let output = rebalance(&from, &["--objective", &objective]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("line 2: there is no term `unplacd`"), "{}", stderr(&output));
    assert!(stderr(&output).contains("Maybe `unplaced` is meant"), "{}", stderr(&output));
}

#[test]
fn bad_usage_gives_exit_code_2() {
    let cases: [&[&str]; 5] = [
        &["rebalance"],
        &["rebalance", "--format", "roadef"],
        &["rebalance", "--snapshot", "a.json", "--format", "roadef", "--model", "m", "--assignment", "a"],
        &["rebalance", "--objective", "o.toml", "--format", "roadef", "--model", "m", "--assignment", "a"],
        &["simulate", "placement", "--generate", "openb-like", "--snapshot-at", "0"],
    ];
    for args in cases {
        let output = lepton(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stderr(&output));
    }
}

/// Full nodes of model A with tasks of one owner that may run anywhere, as many empty nodes of model B, and tasks that wait
/// for a device of A.
fn full_and_empty(name: &str, nodes: usize, waiting: usize) -> String {
    let node = |model: &str, i: usize| {
        let devices = document_of!([{ "kind": "gpu", "model": model, "count": 8 }]);
        document_of!({ "name": format!("{model}{i}"), "capacity": [96_000, 262_144], "devices": devices })
    };
    let task = |name: String, models: &[&str], stands: Option<(usize, usize)>| {
        let devices = document_of!({ "count": 1, "milli": 1000, "models": models });
        let mut task =
            document_of!({ "name": name, "demand": [4000, 1024], "devices": devices, "owner": "one" });
        if let Some((node, device)) = stands {
            task["node"] = format!("A{node}").into();
            task["device_indices"] = document_of!([device]);
        }
        task
    };
    let nodes_of = |model| (0..nodes).map(move |i| node(model, i));
    let placed = (0..nodes * 8).map(|i| task(format!("r{i}"), &[], Some((i / 8, i % 8))));
    let tasks: Vec<Value> = placed.chain((0..waiting).map(|i| task(format!("w{i}"), &["A"], None))).collect();
    let snapshot = document_of!({
        "time_seconds": 0,
        "resources": ["cpu_millicores", "memory_mib"],
        "nodes": nodes_of("A").chain(nodes_of("B")).collect::<Vec<_>>(),
        "tasks": tasks,
    });
    written(name, snapshot.to_string())
}

#[test]
fn as_many_tasks_move_as_have_to() {
    for (nodes, waiting) in [(1, 1), (5, 1), (5, 10)] {
        let from = full_and_empty(&format!("full-{nodes}-{waiting}"), nodes, waiting);
        for limit in [None, Some(1), Some(2), Some(5), Some(10), Some(20)] {
            let most = limit.unwrap_or(usize::MAX).to_string();
            let mut more = vec!["--evaluations", "20", "--output", "json"];
            more.extend(limit.map(|_| ["--max-moves", &most]).into_iter().flatten());
            let report = json(&rebalance(&from, &more));
            let expected = waiting.min(limit.unwrap_or(waiting));
            assert_eq!(
                (&report["placed"], &report["moves"]),
                (&expected.into(), &expected.into()),
                "{limit:?}"
            );
        }
    }
}

#[test]
fn limits_on_disruption_bind_the_waves_of_the_plan() {
    let from = full_and_empty("waves", 5, 10);
    for (option, most) in [("--max-moves-per-wave", 3), ("--max-moves-per-owner", 1)] {
        let (plan, limit) = (scratch("waves-p"), most.to_string());
        let more = ["--evaluations", "20", option, &limit, "--plan", &plan, "--output", "json"];
        let report = json(&rebalance(&from, &more));
        assert_eq!(report["placed"], 10);
        let plan = document(&plan);
        let steps = plan["steps"].as_array().expect("steps");
        let in_wave =
            |wave: u64| steps.iter().filter(|s| s["action"] == "migrate" && s["wave"] == wave).count();
        let waves = report["waves"].as_u64().expect("a whole number");
        assert_eq!(plan["waves"], waves);
        assert!((1..=waves).all(|wave| in_wave(wave) <= most), "{option}");
        assert_eq!((1..=waves).map(in_wave).sum::<usize>(), 10);
    }
}

#[test]
fn the_front_of_a_snapshot_ends_at_the_plan() {
    let from = full_and_empty("front", 5, 4);
    let report = json(&rebalance(&from, &["--evaluations", "20", "--pareto", "--output", "json"]));
    let placed: Vec<_> = report["front"].as_array().expect("asked for").iter().collect();
    assert_eq!(placed.len(), 5);
    for (moves, point) in placed.iter().enumerate() {
        assert_eq!((&point["moves"], &point["placed"]), (&moves.into(), &moves.into()));
    }
    assert_eq!(placed[4]["objective"], report["objective"]);
    let table = rebalance(&from, &["--evaluations", "20", "--pareto"]);
    assert!(String::from_utf8_lossy(&table.stdout).contains("placed"));
}

#[test]
fn every_method_makes_room() {
    let from = full_and_empty("methods", 5, 4);
    for method in ["hybrid", "local-search", "evolution"] {
        let more = ["--evaluations", "20", "--method", method, "--output", "json"];
        let report = json(&rebalance(&from, &more));
        assert_eq!((&report["placed"], &report["moves"]), (&4.into(), &4.into()), "{method}");
    }
}

/// The recorded openb cluster with the list gpuspec33, filled by best-fit, where five tasks wait for one whole T4 each.
#[test]
fn five_tasks_on_a_recorded_cluster_take_at_most_five_moves() {
    let Some(data) = std::env::var_os("LEPTON_DATA") else {
        let in_ci = std::env::var("CI").as_deref() == Ok("true");
        assert!(!in_ci, "LEPTON_DATA must be set in continuous integration");
        println!("NOT RUN: set LEPTON_DATA to the folder of the data sets to compare with openb");
        return;
    };
    let openb = std::path::PathBuf::from(data).join("openb");
    let nodes = openb.join("openb_node_list_gpu_node.csv").display().to_string();
    let tasks = openb.join("variants/openb_pod_list_gpuspec33.csv.gz").display().to_string();
    let from = scratch("gpuspec33.json");
    let mut args = vec!["simulate", "placement", "--format", "openb", "--nodes", &nodes, "--tasks", &tasks];
    args.extend(["--policy", "best-fit", "--seed", "1", "--snapshot-at", "96", "--snapshot", &from]);
    let output = lepton(&args);
    assert!(output.status.success(), "{}", stderr(&output));
    let mut snapshot = document(&from);
    let waits = |task: &Value| task["node"].is_null();
    let whole_t4 = document_of!({ "count": 1, "milli": 1000, "models": ["T4"] });
    let mut left = 5;
    snapshot["tasks"].as_array_mut().expect("tasks").retain(|task| {
        let kept = waits(task) && left > 0 && task["devices"] == whole_t4;
        left -= usize::from(kept);
        kept || !waits(task)
    });
    let from = written("gpuspec33-five.json", snapshot.to_string());
    let placed = |more: &[&str]| {
        let report = json(&rebalance(&from, &[&["--evaluations", "4", "--output", "json"], more].concat()));
        let number = |field: &str| report[field].as_u64().expect("a whole number");
        assert_eq!(number("waiting_before"), 5);
        (number("placed"), number("moves"))
    };
    let (all, moves) = placed(&[]);
    assert!(all == 5 && moves <= 5, "{all} placed by {moves} moves");
    let (all, moves) = placed(&["--max-moves", "1"]);
    assert!(all >= 1 && moves == 1, "{all} placed by {moves} move");
}
