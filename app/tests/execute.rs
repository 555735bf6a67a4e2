//! `lepton execute` as a user meets it: a plan that `lepton rebalance` wrote is carried out; what is refused is said, and of a
//! part of which only the whole is of use nothing stays.

mod common;

use std::process::Output;

use common::{ASSIGNMENT, MODEL, document, json, lepton, read, scratch, stderr, written};
use serde_json::{Value, json as document_of};

/// Two nodes: the GPU of one is held by a task that could stand on the other, for which a task waits that needs it.
fn one_in_the_way(name: &str) -> String {
    let node = |name: &str, model: &str| {
        document_of!({
            "name": name, "capacity": [32_000, 65_536], "devices": [{"kind": "gpu", "model": model, "count": 1}],
        })
    };
    let task = |name: &str, models: &[&str]| {
        document_of!({
            "name": name, "demand": [4000, 1024], "devices": {"count": 1, "milli": 1000, "models": models},
        })
    };
    let mut tenant = task("tenant", &[]);
    tenant["node"] = "a".into();
    tenant["device_indices"] = document_of!([0]);
    let snapshot = document_of!({
        "time_seconds": 5,
        "resources": ["cpu_millicores", "memory_mib"],
        "nodes": [node("a", "A"), node("b", "B")],
        "tasks": [tenant, task("waits", &["A"])],
    });
    written(name, snapshot.to_string())
}

/// The plan that `lepton rebalance` makes for a snapshot, and the snapshot after it.
fn planned(snapshot: &str, name: &str) -> (String, String) {
    let (plan, after) = (scratch(&format!("{name}-plan")), scratch(&format!("{name}-after")));
    let from = ["rebalance", "--snapshot", snapshot, "--evaluations", "20"];
    let output = lepton(&[&from[..], &["--plan", &plan, "--solution", &after]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    (plan, after)
}

fn execute(snapshot: &str, plan: &str, solution: &str) -> Output {
    lepton(&["execute", "--snapshot", snapshot, "--plan", plan, "--solution", solution, "--output", "json"])
}

#[test]
fn a_plan_for_a_snapshot_comes_to_what_the_search_said() {
    let from = scratch("openb");
    let mut args = vec!["simulate", "placement", "--generate", "openb-like", "--nodes-count", "40"];
    args.extend(["--policy", "random", "--seed", "1", "--snapshot-at", "100", "--snapshot", &from]);
    assert!(lepton(&args).status.success());
    let (plan, after) = planned(&from, "openb");
    let done = scratch("openb-done");
    let report = json(&execute(&from, &plan, &done));
    assert!(report["done"].as_u64().is_some_and(|done| done > 0));
    assert_eq!(report["done"], report["steps"]);
    assert_eq!(document(&done), document(&after));
}

#[test]
fn a_plan_for_a_running_placement_comes_to_what_the_search_said() {
    let (model, assignment) = (written("m1", MODEL), written("a1", ASSIGNMENT));
    let (plan, solution, done) = (scratch("p1"), scratch("s1"), scratch("d1"));
    let inputs = ["--format", "roadef", "--model", &model, "--assignment", &assignment, "--plan", &plan];
    let found = ["--solution", &solution, "--evaluations", "200000"];
    assert!(lepton(&[&["rebalance"], &inputs[..], &found].concat()).status.success());
    let executed = lepton(&[&["execute"], &inputs[..], &["--solution", &done, "--output", "json"]].concat());
    assert_eq!(json(&executed)["done"], 2);
    assert_eq!(read(&done), read(&solution));
    // Once more: nobody stands there any more.
    let inputs = ["--format", "roadef", "--model", &model, "--assignment", &done, "--plan", &plan];
    let again = lepton(&[&["execute"], &inputs[..]].concat());
    assert_eq!(again.status.code(), Some(1));
    let said = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(said.starts_with("0 of 2 steps done, in 2 parts; 2 refused"), "{said}");
}

#[test]
fn of_a_part_with_a_refused_step_of_which_only_the_whole_is_of_use_nothing_stays() {
    let from = one_in_the_way("refused");
    let (plan, _) = planned(&from, "refused");
    let mut changed = document(&plan);
    assert_eq!(changed["parts"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&changed["parts"][0]["binding"], &changed["unit"]),
        (&"all_or_none".into(), &"objective".into())
    );
    changed["steps"][1]["to"]["node"] = "b".into();
    let (plan, done) = (written("refused-changed", changed.to_string()), scratch("refused-done"));
    let output = execute(&from, &plan, &done);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("error: 2 of 2 steps were not done"), "{}", stderr(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("one document, also then");
    let results: Vec<&Value> = (0..2).map(|at| &report["results"][at]["result"]).collect();
    assert_eq!(results, ["undone", "refused"]);
    let why = report["results"][1]["why"].as_str().expect("it says why");
    assert!(why.contains("task `waits` cannot stand on node `b`"), "{why}");
    let (before, after) = (document(&from), document(&done));
    for (task, node) in [(0, "a".into()), (1, Value::Null)] {
        assert_eq!((&before["tasks"][task]["node"], &after["tasks"][task]["node"]), (&node, &node));
    }
    // Each for itself, the first stays.
    changed["parts"][0]["binding"] = "each".into();
    let plan = written("refused-each", changed.to_string());
    assert_eq!(execute(&from, &plan, &done).status.code(), Some(1));
    assert_eq!(document(&done)["tasks"][0]["node"], "b");
}

#[test]
fn a_damaged_plan_is_refused_with_line_and_field() {
    let from = one_in_the_way("damaged");
    let (plan, _) = planned(&from, "damaged");
    let text = read(&plan);
    let lines: Vec<&str> = text.lines().collect();
    let line_of = |part: &str| 1 + lines.iter().position(|line| line.contains(part)).expect("it is there");
    let without = |line: usize| {
        let kept = lines.iter().enumerate().filter(|(at, _)| at + 1 != line).map(|(_, line)| *line);
        kept.collect::<Vec<_>>().join("\n")
    };
    let number = |from: &str, to: &str| text.replacen(from, to, 1);
    let reason = line_of("\"reason\"");
    for (damaged, expected) in [
        (without(reason), "there is no `reason`".to_owned()),
        (
            number("\"reason\": \"StrandedCapacity\"", "\"reason\": \"Fun\""),
            format!("line {reason}: not a plan"),
        ),
        (number("\"reason\"", "\"raison\""), format!("line {reason}: not a plan: unknown field `raison`")),
        (
            number("\"task\"", "\"node\""),
            "`migrate` of part 0.0 has `node`, `from`, `to`, expected `task`".into(),
        ),
        (number("\"part\": \"0.0\"", "\"part\": \"7\""), format!("line {}: not a plan", line_of("\"part\""))),
        (number("\"part\": \"0.0\"", "\"part\": \"0.7\""), "step 1 belongs to part 0.7".into()),
        (number("\"version\": 2", "\"version\": 1"), "the plan is of version 1, expected 2".into()),
        (number("\"waves\": 2", "\"waves\": 3"), "`waves` is 3, but the last wave of a step is 2".into()),
        (text[..text.len() / 2].to_owned(), "not JSON".into()),
        ("[]".to_owned(), "not JSON of a plan: it does not begin with `{`".into()),
    ] {
        let plan = written("damaged-plan", damaged);
        let output = lepton(&["execute", "--snapshot", &from, "--plan", &plan]);
        assert_eq!(output.status.code(), Some(2), "{expected}");
        let said = stderr(&output);
        assert!(said.contains(&expected) && said.contains("damaged-plan"), "{expected}\n{said}");
    }
}

#[test]
fn a_plan_for_another_cluster_is_refused_step_by_step() {
    let (from, other) = (one_in_the_way("own"), scratch("other"));
    let (plan, _) = planned(&from, "own");
    let mut elsewhere = document(&from);
    elsewhere["tasks"][0]["name"] = "stranger".into();
    elsewhere["nodes"][1]["health"] = "down".into();
    std::fs::write(&other, elsewhere.to_string()).expect("the temporary folder is writable");
    let output = lepton(&["execute", "--snapshot", &other, "--plan", &plan, "--output", "csv"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("there is no task `tenant`") && said.contains("not tried"), "{said}");
}
