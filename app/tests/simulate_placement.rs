//! `lepton simulate placement` as a user meets it: exit codes, one JSON document, equal results.

mod common;

use common::{json, lepton, read, scratch, stderr, written};
use serde_json::Value;

const SMALL: [&str; 9] = [
    "simulate",
    "placement",
    "--generate",
    "openb-like",
    "--nodes-count",
    "60",
    "--seeds",
    "1..=2",
    "--policy",
];

fn study_of(policies: &str, threads: &str) -> Value {
    let mut args = SMALL.to_vec();
    args.extend([policies, "--threads", threads, "--output", "json"]);
    json(&lepton(&args))
}

/// The document without what differs from run to run by nature.
fn without_times(mut document: Value) -> Value {
    for run in document["runs"].as_array_mut().expect("runs").iter_mut() {
        for field in ["seconds", "latency_p50_us", "latency_p99_us"] {
            run[field] = Value::Null;
        }
    }
    for field in ["seconds", "threads", "command", "summary"] {
        document[field] = Value::Null;
    }
    document
}

#[test]
fn the_json_document_has_what_the_contract_names() {
    let study = study_of("best-fit,fgd", "2");
    let run = &study["runs"][0];
    assert_eq!(study["runs"].as_array().expect("runs").len(), 4);
    for field in ["policy", "seed", "decisions", "seconds", "latency_p50_us", "latency_p99_us"] {
        assert!(!run[field].is_null(), "runs[].{field}");
    }
    assert!(run["allocation_at"]["100"].as_f64().expect("a number") > 50.0);
    assert!(run["allocation_at"]["130"].as_f64().expect("a number") > 50.0);
    assert_eq!(run["curve"]["load_percent"][130], 130);
    assert!(
        run["curve"]["allocation_percent"].is_array() && run["curve"]["fragmentation_percent"].is_array()
    );
    let summary = &study["summary"][0];
    assert_eq!(summary["policy"], "best-fit");
    let paired = &summary["allocation_at"]["100"]["paired"];
    assert!(paired["low"].as_f64() <= paired["difference"].as_f64());
    assert!(paired["difference"].as_f64() <= paired["high"].as_f64());
    assert!(study["summary"][1]["allocation_at"]["100"]["paired"].is_null(), "the baseline itself");
}

#[test]
fn the_result_does_not_depend_on_the_number_of_threads() {
    let policies = "random,first-fit,fgd,kube-least-allocated";
    assert_eq!(without_times(study_of(policies, "1")), without_times(study_of(policies, "3")));
}

#[test]
fn bad_usage_gives_exit_code_2_and_a_hint() {
    let cases: [(&[&str], &str); 7] = [
        (&["simulate", "placement"], "--format"),
        (&["simulate", "placement", "--format", "openb"], "--nodes"),
        (&["simulate", "placement", "--generate", "openb-like", "--policy", "fdg"], "fgd"),
        (&["simulate", "placement", "--generate", "openb-like", "--seeds", "5..=4"], "empty"),
        (&["simulate", "placement", "--generate", "openb-like", "--load", "NaN"], "130%"),
        (&["simulate", "placement", "--generate", "openb-like", "--nodes-count", "0"], "1000000"),
        (&["simulate", "placment"], "placement"),
    ];
    for (args, hint) in cases {
        let output = lepton(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).contains(hint), "{args:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn bad_input_gives_exit_code_2_with_file_line_column_and_value() {
    let nodes = written("nodes.csv", "sn,cpu_milli,memory_mib,gpu,model\nn0,64000,262144,2,P100\n");
    let header = "name,cpu_milli,memory_mib,num_gpu,gpu_milli\n";
    let row = |row: &str| format!("{header}{row}\n").into_bytes();
    let cases: [(&str, Vec<u8>, &str); 11] = [
        ("negative", row("a,-5,1,0,0"), "line 2, column `cpu_milli`, value `-5`: expected"),
        ("nan", row("a,NaN,1,0,0"), "line 2, column `cpu_milli`, value `NaN`: expected"),
        ("huge", row("a,1,99999999999999999999,0,0"), "line 2, column `memory_mib`, value `9999"),
        ("type", row("a,1,1,two,0"), "line 2, column `num_gpu`, value `two`: expected"),
        ("fields", row("a,1,1"), "line 2: the row has 3 fields, expected 5"),
        (
            "duplicate",
            row("a,1,1,0,0\na,1,1,0,0"),
            "line 3, column `name`, value `a`: the task name is used twice",
        ),
        (
            "columns",
            "name,cpu_milli,num_gpu,gpu_milli\n".into(),
            "column `memory_mib`: the column is missing",
        ),
        ("empty", Vec::new(), "is empty"),
        ("truncated-gzip", vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b], "was cut short"),
        ("endless-line", vec![b'x'; 17 << 20], "line 1: cannot be read on: a line is longer than the limit"),
        ("open-quote", row(&format!("a,\"{}", "1\n".repeat(9 << 20))), "a row is longer than the limit"),
    ];
    for (name, text, expected) in cases {
        let tasks = written(&format!("{name}.csv"), &text);
        let output =
            lepton(&["simulate", "placement", "--format", "openb", "--nodes", &nodes, "--tasks", &tasks]);
        assert_eq!(output.status.code(), Some(2), "{name}");
        let said = stderr(&output);
        assert!(said.contains(&tasks) && said.contains(expected), "{name}: {said}");
    }
    let missing =
        lepton(&["simulate", "placement", "--format", "openb", "--nodes", "no/such", "--tasks", "x"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(stderr(&missing).contains("no/such"), "{}", stderr(&missing));
}

#[test]
fn a_gpu_model_that_no_node_has_is_warned_about() {
    let nodes = written("warn-nodes.csv", "sn,cpu_milli,memory_mib,gpu,model\nn0,64000,262144,2,P100\n");
    let tasks = written(
        "warn-tasks.csv",
        "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec\na,1,1,1,1000,H9\nb,1,1,1,1000,\n",
    );
    let output =
        lepton(&["simulate", "placement", "--format", "openb", "--nodes", &nodes, "--tasks", &tasks]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("`H9`, which no node has"), "{}", stderr(&output));
}

#[test]
fn the_report_is_written_and_its_address_said() {
    let page = scratch("report.html");
    let mut args = SMALL.to_vec();
    args.extend(["best-fit,fgd", "--report", &page]);
    let output = lepton(&args);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("file://"), "{}", stderr(&output));
    let html = read(&page);
    assert!(html.to_lowercase().contains("<!doctype html") && html.contains("best-fit"));
    assert!(String::from_utf8_lossy(&output.stdout).contains("fgd"));
}

#[test]
fn completion_scripts_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let output = lepton(&["completion", shell]);
        assert!(output.status.success());
        assert!(String::from_utf8_lossy(&output.stdout).contains("simulate"), "{shell}");
    }
}

#[test]
fn every_policy_is_listed() {
    let document = json(&lepton(&["policy", "list", "--output", "json"]));
    let names: Vec<&str> = document["policies"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|p| p["policy"].as_str())
        .collect();
    for policy in ["random", "best-fit", "fgd", "kube-least-allocated", "even-share"] {
        assert!(names.contains(&policy), "{policy}");
    }
}

#[test]
fn a_snapshot_beyond_the_load_is_refused_before_anything_is_written() {
    let snapshot = scratch("beyond.json");
    let mut args = SMALL.to_vec();
    args.extend(["fgd", "--load", "0.5", "--snapshot", &snapshot, "--snapshot-at"]);
    let output = lepton(&[&args[..], &["120"]].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--snapshot-at 120: expected at most 50"), "{}", stderr(&output));
    assert!(!std::path::Path::new(&snapshot).exists());
    assert!(lepton(&[&args[..], &["50"]].concat()).status.success(), "the end is within it");
}

#[test]
fn a_mean_over_nothing_is_no_number_in_any_form() {
    let nodes = written("bare-nodes.csv", "sn,cpu_milli,memory_mib,gpu,model\nn0,64000,262144,0,\n");
    let tasks =
        written("bare-tasks.csv", "name,cpu_milli,memory_mib,num_gpu,gpu_milli\na,1,1,1,1000\nb,1,1,0,0\n");
    let cluster = ["simulate", "placement", "--format", "openb", "--nodes", &nodes, "--tasks", &tasks];
    let cluster = [&cluster[..], &["--policy", "fgd,random", "--seeds", "1..=3"]].concat();
    let tiny =
        ["simulate", "placement", "--generate", "openb-like", "--nodes-count", "10", "--load", "0.001"];
    let tiny = [&tiny[..], &["--policy", "fgd,random", "--seeds", "1..=3"]].concat();
    for args in [cluster, tiny] {
        let of = |form: &str| lepton(&[&args[..], &["--output", form]].concat());
        let study = json(&of("json"));
        assert!(study["without_result"].is_string() && study["finding"].is_null());
        for row in study["summary"].as_array().expect("rows") {
            assert_eq!(row["runs"], 3);
            for point in row["allocation_at"].as_object().expect("points").values() {
                assert_eq!(
                    *point,
                    serde_json::json!({ "runs": 0, "mean": null, "sd": null, "paired": null })
                );
            }
        }
        let table = String::from_utf8_lossy(&of("table").stdout).into_owned();
        let row = table.lines().find(|line| line.trim_start().starts_with("fgd")).expect("a row");
        assert_eq!(row.split_whitespace().nth(1), Some("-"), "{table}");
        let csv = String::from_utf8_lossy(&of("csv").stdout).into_owned();
        assert!(csv.lines().nth(1).is_some_and(|line| line.starts_with("fgd,1,,,")), "{csv}");
    }
}

#[test]
fn a_stopped_study_says_which_runs_were_done() {
    let args = ["simulate", "placement", "--generate", "openb-like", "--nodes-count", "400", "--policy"];
    let study = std::process::Command::new(env!("CARGO_BIN_EXE_lepton"))
        .args(args)
        .args(["fgd,random", "--seeds", "1..=900", "--output", "csv"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the binary was built for this test");
    std::thread::sleep(std::time::Duration::from_secs(3));
    let id = study.id().to_string();
    assert!(
        std::process::Command::new("kill").args(["-INT", &id]).status().expect("there is kill").success()
    );
    let output = study.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    let csv = String::from_utf8_lossy(&output.stdout).into_owned();
    if csv.is_empty() {
        // A slow machine: nothing was done, and nothing is claimed.
        assert!(!stderr(&output).contains("results cover"), "{}", stderr(&output));
        return;
    }
    let mut lines = csv.lines();
    let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let done = header.iter().position(|&name| name == "done").expect("a column that says so");
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 1800, "a line for each run that was asked for");
    assert!(rows.iter().any(|row| row[done] == "false"));
    for row in rows {
        assert_eq!(row[2].is_empty(), row[done] == "false", "{row:?}");
        assert_eq!(row.len(), header.len());
    }
}
