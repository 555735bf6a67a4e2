//! `lepton rebalance` as a user meets it: exit codes, one JSON document, the files it writes.

mod common;

use std::process::Output;

use common::{ASSIGNMENT, MODEL, document, json, lepton, read, scratch, stderr, written};
use serde_json::Value;

fn rebalance(model: &str, assignment: &str, more: &[&str]) -> Output {
    let mut args = vec!["rebalance", "--format", "roadef", "--model", model, "--assignment", assignment];
    args.extend(more);
    lepton(&args)
}

#[test]
fn the_optimum_of_the_worked_example_comes_out_with_its_plan() {
    let (model, assignment) = (written("m1", MODEL), written("a1", ASSIGNMENT));
    let (solution, plan) = (scratch("s1"), scratch("p1"));
    let files = ["--solution", &solution, "--plan", &plan, "--evaluations", "200000", "--output", "json"];
    let report = json(&rebalance(&model, &assignment, &files));
    assert_eq!((report["initial_cost"].as_u64(), report["cost"].as_u64()), (Some(4200), Some(2411)));
    let terms = ["load", "balance", "task_move", "service_move", "node_move"];
    let sum: u64 = terms.iter().map(|t| report["breakdown"][t].as_u64().expect("a number")).sum();
    assert_eq!(sum, 2411);
    assert_eq!(report["feasible"], true);
    assert_eq!(report["moves"], 2);
    for field in ["plan_breakdown", "dropped", "lower_bound", "evaluations", "seconds", "history", "seed"] {
        assert!(!report[field].is_null(), "{field}");
    }
    assert_eq!(read(&solution).trim(), "0 2 1");
    let plan = document(&plan);
    assert_eq!(plan["steps"].as_array().map(Vec::len), Some(2));
    assert_eq!((plan["figures"]["cost"].as_f64(), &plan["unit"]), (Some(2411.0), &"cost".into()));
}

#[test]
fn a_limit_on_moves_is_kept() {
    let (model, assignment) = (written("m2", MODEL), written("a2", ASSIGNMENT));
    let more = ["--max-moves", "1", "--evaluations", "200000", "--output", "json"];
    let report = json(&rebalance(&model, &assignment, &more));
    assert_eq!(report["moves"], 1);
}

#[test]
fn the_front_leads_from_the_running_placement_to_the_plan() {
    let (model, assignment) = (written("m7", MODEL), written("a7", ASSIGNMENT));
    let plan = scratch("p7");
    let more = ["--pareto", "--plan", &plan, "--evaluations", "200000", "--output", "json"];
    let report = json(&rebalance(&model, &assignment, &more));
    let front: Vec<_> = report["front"].as_array().expect("asked for").iter().collect();
    assert_eq!((front[0]["moves"].as_u64(), front[0]["cost"].as_u64()), (Some(0), Some(4200)));
    let last = front[front.len() - 1];
    assert_eq!((last["moves"].as_u64(), last["cost"].as_u64()), (Some(2), Some(2411)));
    assert_eq!((report["plan_moves"].as_u64(), report["plan_cost"].as_u64()), (Some(2), Some(2411)));
}

#[test]
fn moves_are_ordered_only_when_that_is_asked_for() {
    let (model, assignment) = (written("m9", MODEL), written("a9", ASSIGNMENT));
    let more = ["--evaluations", "200000"];
    let report = json(&rebalance(&model, &assignment, &[&more[..], &["--output", "json"]].concat()));
    assert_eq!(
        (report["cost"].as_u64(), &report["plan_cost"], &report["steps"]),
        (Some(2411), &Value::Null, &Value::Null)
    );
    let table = String::from_utf8_lossy(&rebalance(&model, &assignment, &more).stdout).into_owned();
    assert!(
        table.contains("No order of the moves was worked out") && !table.contains("by the plan"),
        "{table}"
    );
    let csv = rebalance(&model, &assignment, &[&more[..], &["--output", "csv"]].concat());
    assert!(String::from_utf8_lossy(&csv.stdout).starts_with("term,before,after\n"));
}

#[test]
fn the_plan_under_a_limit_on_moves_is_as_cheap_as_the_front_with_as_many_moves() {
    let (model, assignment) = (scratch("f-model"), scratch("f-assignment"));
    let mut args = vec!["generate", "reassignment", "--model", &model, "--assignment", &assignment];
    args.extend(["--nodes-count", "30", "--tasks-count", "300", "--seed", "5"]);
    assert!(lepton(&args).status.success());
    let (plan, solution) = (scratch("f-plan"), scratch("f-solution"));
    for more in [vec![], vec!["--plan", &plan, "--solution", &solution]] {
        let args = ["--max-moves", "8", "--pareto", "--evaluations", "20000", "--output", "json"];
        let report = json(&rebalance(&model, &assignment, &[&args[..], &more].concat()));
        let known = if more.is_empty() { &report["cost"] } else { &report["plan_cost"] };
        let front = report["front"].as_array().expect("asked for");
        let least =
            front.iter().filter(|p| p["moves"].as_u64() <= Some(8)).filter_map(|p| p["cost"].as_u64()).min();
        assert_eq!(known.as_u64(), least);
        assert!(report["cost"].as_u64() <= least);
    }
}

#[test]
fn a_wave_has_no_more_steps_than_allowed() {
    let (model, assignment) = (written("m8", MODEL), written("a8", ASSIGNMENT));
    let plan = scratch("p8");
    for (more, waves) in [(vec!["--plan", &plan], 1), (vec!["--max-moves-per-wave", "1"], 2)] {
        let args = [&["--evaluations", "200000", "--output", "json"], more.as_slice()].concat();
        let report = json(&rebalance(&model, &assignment, &args));
        assert_eq!((report["steps"].as_u64(), report["waves"].as_u64()), (Some(2), Some(waves)));
    }
}

#[test]
fn the_result_does_not_depend_on_the_number_of_threads() {
    let (model, assignment) = (written("m3", MODEL), written("a3", ASSIGNMENT));
    let result = |threads| {
        let more = ["--threads", threads, "--evaluations", "100000", "--output", "json"];
        let mut report = json(&rebalance(&model, &assignment, &more));
        for field in ["seconds", "threads", "history"] {
            report[field] = Value::Null;
        }
        report
    };
    assert_eq!(result("1"), result("3"));
}

#[test]
fn the_table_shows_every_term() {
    let (model, assignment) = (written("m4", MODEL), written("a4", ASSIGNMENT));
    let plan = scratch("p4");
    let output = rebalance(&model, &assignment, &["--evaluations", "200000", "--plan", &plan]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for word in ["load", "balance", "task moves", "total", "4200", "2411", "2 moves", "wave"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn csv_has_a_line_for_every_term() {
    let (model, assignment) = (written("m-csv", MODEL), written("a-csv", ASSIGNMENT));
    let plan = scratch("p-csv");
    let output =
        rebalance(&model, &assignment, &["--evaluations", "100000", "--plan", &plan, "--output", "csv"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines.len(), lines[0], lines[6]), (7, "term,before,after,plan", "total,4200,2411,2411"));
}

/// The model with its `n`th number (from 0) replaced.
fn with(n: usize, value: &str) -> String {
    let mut words: Vec<&str> = MODEL.split(' ').collect();
    words[n] = value;
    words.join(" ")
}

/// Asserts exit code 2, nothing on stdout, and a message that names the file and says what is expected.
fn assert_refused(name: &str, model: &[u8], assignment: &[u8], file: &str, expected: &str) {
    let (model_path, assignment_path) =
        (written(&format!("{name}-model"), model), written(&format!("{name}-assignment"), assignment));
    let output = rebalance(&model_path, &assignment_path, &["--time-limit", "1s"]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{name}: {said}");
    assert!(said.contains(expected), "{name}: {said}");
    assert!(said.contains(&format!("{name}-{file}")), "{name}: the file is named: {said}");
    assert!(output.stdout.is_empty(), "{name}");
}

#[test]
fn a_bad_model_gives_exit_code_2_and_names_file_line_place_and_value() {
    let cases = [
        ("cut", MODEL[..40].to_owned(), "the file ends here"),
        ("empty", String::new(), "is empty"),
        ("blank", " \n ".to_owned(), "line 2, column `number of resources`: the file ends here"),
        (
            "negative",
            with(8, "-30"),
            "line 1, column `capacity of machine 0, number 0 of 0 to 1`, value `-30`",
        ),
        ("no-number", with(8, "many"), "value `many`: expected a whole number"),
        (
            "above-32-bits",
            with(8, "4294967296"),
            "value `4294967296`: expected a whole number from 0 to 42949",
        ),
        ("above-64-bits", with(8, "99999999999999999999"), "value `99999999999999999999`: expected a whole"),
        ("no-resources", with(0, "0"), "column `number of resources`, value `0`"),
        ("too-many-machines", with(5, "20001"), "column `number of machines`, value `20001`"),
        ("one-process-more", with(52, "4"), "column `second resource of balance goal 0`, value `10`"),
        ("one-process-less", with(52, "2"), "column `first resource of balance goal 0`, value `6`"),
        ("unknown-service", with(53, "2"), "column `service of process 0`, value `2`"),
        ("unknown-dependency", with(51, "7"), "column `dependency of service 1`, value `7`"),
        ("unknown-resource", with(67, "2"), "column `second resource of balance goal 0`, value `2`"),
        ("staying-costs", with(12, "1"), "node 0 has a cost of 1 for moving to itself"),
        ("left-over", format!("{MODEL}\n\n7"), "line 3, value `7`: expected the end of the file"),
        ("cost-too-large", with(2, "4294967295").replacen(" 12 10 ", " 4294967295 10 ", 1), "could reach"),
    ];
    for (name, model, expected) in cases {
        assert_refused(name, model.as_bytes(), b"0 3 0", "model", expected);
    }
}

#[test]
fn an_unreadable_file_gives_exit_code_2_and_names_it() {
    let text = |at: usize| [&MODEL.as_bytes()[..at], &[0xff, 0xfe], &MODEL.as_bytes()[at..]].concat();
    assert_refused("no-utf8", &text(0), b"0 3 0", "model", "column `number of resources`, value `");
    let gzip = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &[0xee; 40]].concat();
    assert_refused("damaged-gzip", &gzip, b"0 3 0", "model", "cannot be read");
    assert_refused("cut-gzip", &gzip[..10], b"0 3 0", "model", "cannot be read");
    let assignment = written("unread", ASSIGNMENT);
    for (path, expected) in
        [("no/such/file", "cannot be read"), (env!("CARGO_TARGET_TMPDIR"), "is a directory")]
    {
        let output = rebalance(path, &assignment, &["--time-limit", "1s"]);
        assert_eq!(output.status.code(), Some(2), "{path}");
        assert!(stderr(&output).contains(path) && stderr(&output).contains(expected), "{}", stderr(&output));
    }
}

#[test]
fn a_bad_assignment_gives_exit_code_2_and_names_what_is_wrong() {
    // A service that may stand together, and one process that is small enough for every node.
    let loose = with(47, "1").replacen(" 6 200 ", " 6 50 ", 1);
    let cases = [
        ("cut-list", MODEL, "0 3", "line 1, column `machine of process 2`: the file ends here"),
        (
            "long-list",
            MODEL,
            "0 3\n0\n1",
            "line 3, value `1`: expected the end of the file after a machine for",
        ),
        ("unknown-machine", MODEL, "0 4 0", "column `machine of process 1`, value `4`: expected a whole"),
        ("negative-machine", MODEL, "0 -1 0", "value `-1`"),
        ("over-capacity", MODEL, "0 3 1", "node 1 holds 200 of resource 1"),
        (
            "conflict",
            MODEL,
            "0 0 0",
            "the running placement breaks a rule: service 0 has two tasks on node 0",
        ),
        ("spread", MODEL, "0 1 0", "service 0 stands in 1 locations, it must stand in at least 2"),
        (
            "dependency",
            &loose,
            "0 1 2",
            "service 1 depends on service 0, which has no task in neighbourhood 1",
        ),
    ];
    for (name, model, assignment, expected) in cases {
        // The one that is over capacity needs a smaller node.
        let model = if name == "over-capacity" { with(19, "199") } else { model.to_owned() };
        assert_refused(name, model.as_bytes(), assignment.as_bytes(), "assignment", expected);
    }
}

#[test]
fn bad_usage_gives_exit_code_2() {
    let (model, assignment) = (written("m6", MODEL), written("a6", ASSIGNMENT));
    let cases: [&[&str]; 8] = [
        &["--objective", "objective.toml"],
        &["--max-moves-per-wave", "0"],
        &["--max-moves-per-owner", "0"],
        &["--time-limit", "0s"],
        &["--threads", "0"],
        &["--evaluations", "0"],
        &["--max-moves", "-1"],
        &["--output", "yaml"],
    ];
    for more in cases {
        let output = rebalance(&model, &assignment, more);
        assert_eq!(output.status.code(), Some(2), "{more:?}: {}", stderr(&output));
    }
}

#[test]
fn a_generated_instance_can_be_rebalanced() {
    let (model, assignment) = (scratch("g-model"), scratch("g-assignment"));
    let generate = |more: &[&str]| {
        let mut args = vec!["generate", "reassignment", "--model", &model, "--assignment", &assignment];
        args.extend(["--nodes-count", "20", "--tasks-count", "200", "--seed", "3"]);
        args.extend(more);
        lepton(&args)
    };
    let written = json(&generate(&["--output", "json"]));
    let report = json(&rebalance(&model, &assignment, &["--evaluations", "1000000", "--output", "json"]));
    for field in ["initial_cost", "lower_bound"] {
        assert_eq!(written[field], report[field], "{field}");
    }
    assert!(report["cost"].as_u64() < report["initial_cost"].as_u64());
    let refused = generate(&["--transient", "7", "--resources", "6"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("--transient 7: there are only 6 resources"), "{}", stderr(&refused));
}
