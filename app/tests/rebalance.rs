//! `lepton rebalance` as a user meets it: exit codes, one JSON document, the files it writes.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

/// The worked example of the machine reassignment problem's statement; its optimum costs 2411.
const MODEL: &str = "2 1 100 0 10 4 0 0 30 400 16 80 0 1 4 5 0 0 10 240 8 160 1 0 3 4 1 1 15 100 12 80 4 3 0 2 \
                     1 2 10 100 8 80 5 4 2 0 2 2 0 1 1 0 3 0 12 10 1000 0 10 20 100 1 6 200 1 1 0 1 20 10 1 10 100";

fn scratch(name: &str, text: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("lepton-rebalance-{}-{name}", std::process::id()));
    std::fs::write(&path, text).expect("the temporary folder is writable");
    path.to_string_lossy().into_owned()
}

fn rebalance(model: &str, assignment: &str, more: &[&str]) -> Output {
    let mut args = vec!["rebalance", "--format", "roadef", "--model", model, "--assignment", assignment];
    args.extend(more);
    Command::new(env!("CARGO_BIN_EXE_lepton"))
        .args(args)
        .output()
        .expect("the binary was built for this test")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).expect("exactly one JSON document")
}

#[test]
fn the_optimum_of_the_worked_example_comes_out_with_its_plan() {
    let (model, assignment) = (scratch("m1", MODEL), scratch("a1", "0 3 0"));
    let (solution, plan) = (scratch("s1", ""), scratch("p1", ""));
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
    assert_eq!(std::fs::read_to_string(solution).expect("written").trim(), "0 2 1");
    let plan: Value =
        serde_json::from_str(&std::fs::read_to_string(plan).expect("written")).expect("one JSON document");
    assert_eq!(plan["steps"].as_array().map(Vec::len), Some(2));
    assert_eq!(plan["cost"], 2411);
}

#[test]
fn a_limit_on_moves_is_kept() {
    let (model, assignment) = (scratch("m2", MODEL), scratch("a2", "0 3 0"));
    let more = ["--max-moves", "1", "--evaluations", "200000", "--output", "json"];
    let report = json(&rebalance(&model, &assignment, &more));
    assert_eq!(report["moves"], 1);
}

#[test]
fn the_front_leads_from_the_running_placement_to_the_plan() {
    let (model, assignment) = (scratch("m7", MODEL), scratch("a7", "0 3 0"));
    let report =
        json(&rebalance(&model, &assignment, &["--pareto", "--evaluations", "200000", "--output", "json"]));
    let front: Vec<_> = report["front"].as_array().expect("asked for").iter().collect();
    assert_eq!((front[0]["moves"].as_u64(), front[0]["cost"].as_u64()), (Some(0), Some(4200)));
    let last = front[front.len() - 1];
    assert_eq!((last["moves"].as_u64(), last["cost"].as_u64()), (Some(2), Some(2411)));
    assert_eq!((report["plan_moves"].as_u64(), report["plan_cost"].as_u64()), (Some(2), Some(2411)));
}

#[test]
fn a_wave_has_no_more_steps_than_allowed() {
    let (model, assignment) = (scratch("m8", MODEL), scratch("a8", "0 3 0"));
    for (more, waves) in [(vec![], 1), (vec!["--max-moves-per-wave", "1"], 2)] {
        let args = [&["--evaluations", "200000", "--output", "json"], more.as_slice()].concat();
        let report = json(&rebalance(&model, &assignment, &args));
        assert_eq!((report["steps"].as_u64(), report["waves"].as_u64()), (Some(2), Some(waves)));
    }
}

#[test]
fn the_result_does_not_depend_on_the_number_of_threads() {
    let (model, assignment) = (scratch("m3", MODEL), scratch("a3", "0 3 0"));
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
    let (model, assignment) = (scratch("m4", MODEL), scratch("a4", "0 3 0"));
    let output = rebalance(&model, &assignment, &["--time-limit", "200ms"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for word in ["load", "balance", "task moves", "total", "4200", "2411", "2 moves", "wave"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn csv_has_a_line_for_every_term() {
    let (model, assignment) = (scratch("m-csv", MODEL), scratch("a-csv", "0 3 0"));
    let output = rebalance(&model, &assignment, &["--evaluations", "100000", "--output", "csv"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines.len(), lines[0], lines[6]), (7, "term,before,after,plan", "total,4200,2411,2411"));
}

#[test]
fn bad_input_gives_exit_code_2_and_names_what_is_wrong() {
    let assignment = scratch("a5", "0 3 0");
    let cases = [
        ("cut", MODEL[..40].to_owned(), "the file ends here"),
        ("negative", MODEL.replacen("30", "-30", 1), "value `-30`: expected a whole number"),
        ("infeasible", MODEL.replacen("2 0 1", "3 0 1", 1), "breaks a rule: service 0 stands in 2 locations"),
        ("empty", String::new(), "is empty"),
    ];
    for (name, text, expected) in cases {
        let model = scratch(name, &text);
        let output = rebalance(&model, &assignment, &["--time-limit", "1s"]);
        assert_eq!(output.status.code(), Some(2), "{name}: {}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{name}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{name}");
    }
}

#[test]
fn bad_usage_gives_exit_code_2() {
    let (model, assignment) = (scratch("m6", MODEL), scratch("a6", "0 3 0"));
    let cases: [&[&str]; 7] = [
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
