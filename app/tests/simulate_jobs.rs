//! `lepton simulate jobs` as a user meets it: exit codes, one JSON document, equal results, result files.

mod common;

use std::path::Path;
use std::process::Output;

use common::{json, lepton, read, scratch, stderr, written};
use serde_json::Value;

fn jobs(args: &[&str]) -> Output {
    lepton(&[&["simulate", "jobs"], args].concat())
}

fn study_of(args: &[&str]) -> Value {
    json(&jobs(&[args, &["--output", "json"]].concat()))
}

const JOBS: &str = "submit_seconds,run_seconds,size,owner\n0,100,3,ann\n1,50,4,bob\n2,98,1,ann\n";

#[test]
fn the_summary_has_a_row_per_policy_and_backfilling_with_its_runs() {
    let study = study_of(&[
        "--generate",
        "lublin",
        "--nodes",
        "64",
        "--jobs-count",
        "600",
        "--policy",
        "fcfs,wfp3",
        "--backfill",
        "none,easy,conservative",
        "--seeds",
        "1..=2",
    ]);
    let summary = study["summary"].as_array().expect("a list");
    let names: Vec<(&str, &str)> = summary
        .iter()
        .map(|s| (s["policy"].as_str().unwrap_or(""), s["backfill"].as_str().unwrap_or("")))
        .collect();
    assert_eq!(names[..3], [("fcfs", "none"), ("fcfs", "easy"), ("fcfs", "conservative")]);
    for s in summary {
        assert_eq!(s["per_sequence"].as_array().map(Vec::len), Some(2));
        assert_eq!(s["finished"], 1200);
        assert!(s["mean_bounded_slowdown"].as_f64().is_some_and(|v| v >= 1.0));
        assert!(s["wait_seconds"]["p99"].as_f64() >= s["wait_seconds"]["median"].as_f64());
    }
    assert!(summary[1]["mean_wait_seconds"].as_f64() < summary[0]["mean_wait_seconds"].as_f64());
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let run = |threads| {
        let mut study = study_of(&[
            "--generate",
            "daily-cycle",
            "--nodes",
            "8",
            "--jobs-count",
            "500",
            "--policy",
            "fcfs,drf",
            "--seeds",
            "1..=3",
            "--mean-hours-between-failures",
            "50",
            "--checkpoint-minutes",
            "20",
            "--threads",
            threads,
        ]);
        // What was measured and what was asked for differ, nothing else may.
        for s in study["summary"].as_array_mut().expect("a list") {
            s["seconds"] = Value::Null;
            for r in s["per_sequence"].as_array_mut().expect("a list") {
                r["seconds"] = Value::Null;
            }
        }
        study["summary"].clone()
    };
    let one = run("1");
    assert!(one[0]["preemptions"].as_u64() > Some(0), "something fails");
    assert_eq!(one, run("3"));
}

#[test]
fn single_devices_fail_by_a_list_or_by_chance() {
    let trace = written("gpus.csv", "submit_seconds,run_seconds,size\n0,100,2\n0,100,1\n");
    let failures = written("gpu-failures.csv", "at_seconds,node,device,repair_seconds\n30,0,1,60\n");
    let args = ["--format", "csv", "--trace", &trace, "--nodes", "1", "--gpus-per-node", "4"];
    let args = [&args[..], &["--policy", "fcfs", "--failures", &failures]].concat();
    let study = study_of(&args);
    let run = &study["summary"][0];
    assert_eq!((run["preemptions"].as_u64(), run["lost_unit_seconds"].as_u64()), (Some(1), Some(60)));
    let drawn = ["--generate", "poisson", "--jobs-count", "300", "--policy", "fcfs"];
    let drawn = [&drawn[..], &["--mean-hours-between-device-failures", "200"]].concat();
    let study = study_of(&[&drawn[..], &["--mean-hours-to-repair", "1"]].concat());
    assert!(study["summary"][0]["preemptions"].as_u64() > Some(0));
}

/// A generated run with failures, once whole and once stopped and resumed, differs in nothing but wall time.
#[test]
fn a_run_stopped_saved_and_resumed_ends_as_an_uninterrupted_one() {
    let base = [
        ["--generate", "poisson"],
        ["--jobs-count", "400"],
        ["--nodes", "4"],
        ["--policy", "wfp3"],
        ["--backfill", "easy"],
        ["--mean-hours-between-failures", "60"],
        ["--mean-hours-between-device-failures", "300"],
        ["--checkpoint-minutes", "20"],
    ]
    .concat();
    let run = |more: &[&str]| jobs(&[&base, more].concat());
    let result = |more: &[&str]| {
        let mut study = study_of(&[&base, more].concat());
        study["summary"][0]["seconds"] = Value::Null;
        study["summary"][0]["per_sequence"][0]["seconds"] = Value::Null;
        study["summary"].clone()
    };
    let whole = result(&[]);
    assert!(whole[0]["preemptions"].as_u64() > Some(0), "something fails");
    let end = whole[0]["makespan_seconds"].as_i64().expect("a whole number");
    let (early, late) = (scratch("early.run"), scratch("late.run"));
    let stopped = run(&["--stop-at", &(end / 5).to_string(), "--save", &early]);
    assert!(stopped.status.success() && stopped.stdout.is_empty(), "{}", stderr(&stopped));
    let again = run(&["--stop-at", &(end / 2).to_string(), "--resume", &early, "--save", &late]);
    assert!(again.status.success(), "{}", stderr(&again));
    for saved in [&early, &late] {
        assert_eq!(result(&["--resume", saved]), whole);
    }

    // A file that is not what was saved, or is of another run, is refused.
    let text = read(&late);
    for (content, problem) in [
        (text.replacen("\"now_seconds\":", "\"now_seconds\":1", 1), "damaged"),
        (text[..text.len() - 9].to_owned(), "damaged"),
        (text.replacen("\"form\":5", "\"form\":7", 1), "form 7"),
        ("id,name\n1,2\n".to_owned(), "no saved run"),
        (String::new(), "is empty"),
    ] {
        let refused = run(&["--resume", &written("broken.run", content)]);
        assert_eq!(refused.status.code(), Some(2), "{problem}: {}", stderr(&refused));
        assert!(stderr(&refused).contains(problem), "{problem}: {}", stderr(&refused));
    }
    let others: [(&[&str], &str); 3] = [
        (&["--seeds", "7"], "now it is 7"),
        (&["--queue", "skipping"], "the queue was strict"),
        (&["--depth", "3"], "the depth was"),
    ];
    for (more, problem) in others {
        let refused = run(&[&["--resume", &late], more].concat());
        assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
        assert!(stderr(&refused).contains(problem), "{problem}: {}", stderr(&refused));
    }
}

#[test]
#[cfg(unix)]
fn what_is_endless_is_no_saved_run_and_is_not_read_to_its_end() {
    let base = ["--generate", "poisson", "--jobs-count", "9", "--nodes-count", "4", "--policy", "fcfs"];
    // The whole file in an address space of 1 GiB: reading on would end in another way.
    let command = format!(
        "ulimit -v 1048576; exec \"$0\" simulate jobs {} --resume /dev/zero",
        base.map(|word| format!("'{word}'")).join(" ")
    );
    let ended =
        std::process::Command::new("sh").args(["-c", &command, env!("CARGO_BIN_EXE_lepton")]).output();
    let ended = ended.expect("there is a shell");
    assert_eq!(ended.status.code(), Some(2), "{}", stderr(&ended));
    assert!(
        stderr(&ended).contains("/dev/zero") && stderr(&ended).contains("no saved run"),
        "{}",
        stderr(&ended)
    );
    let long = r#"{"kind":"lepton jobs run","form":5,"run":[],"stopped_at_seconds":1,"bytes":99000000000,"checksum":1}"#;
    let refused = jobs(&[&base[..], &["--resume", &written("long.run", long)]].concat());
    assert!(stderr(&refused).contains("is longer than the limit of"), "{}", stderr(&refused));
}

#[test]
fn result_files_hold_one_line_per_job() {
    let trace = written("in.csv", JOBS);
    let (csv, swf) = (scratch("out.csv"), scratch("out.swf"));
    let output = jobs(&[
        "--format",
        "csv",
        "--trace",
        &trace,
        "--nodes",
        "4",
        "--policy",
        "fifo",
        "--backfill",
        "easy",
        "--jobs-csv",
        &csv,
        "--jobs-swf",
        &swf,
    ]);
    assert!(output.status.success(), "{}", stderr(&output));
    let rows = read(&csv);
    let starts: Vec<&str> = rows.lines().skip(1).filter_map(|l| l.split(',').nth(4)).collect();
    assert_eq!(starts, ["0", "100", "2"]);
    let jobs = read(&swf).lines().filter(|line| !line.starts_with(';')).count();
    assert_eq!(jobs, 3, "owners with names have notes in the header");
}

#[test]
fn the_report_is_written_with_its_figures_and_its_address_said() {
    let trace = written("report.csv", JOBS);
    let page = scratch("report.html");
    let args = ["--format", "csv", "--trace", &trace, "--nodes", "4", "--policy", "fcfs,sjf"];
    let output = jobs(&[&args[..], &["--backfill", "none,easy", "--report", &page]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let said = stderr(&output);
    let address = said.lines().find_map(|l| l.strip_prefix("report: file://")).expect("the address is said");
    let html = std::fs::read_to_string(address).expect("the page is where the address says");
    let data = html.split_once("id=\"data\">").and_then(|(_, after)| after.split_once("</script>"));
    let study: Value = serde_json::from_str(data.expect("a page has its data").0).expect("the data is JSON");
    for figure in ["summary", "series", "distributions", "gantt"] {
        assert_eq!(study[figure].as_array().map(Vec::len), Some(4), "{figure}: one for every combination");
    }
    assert_eq!(study["gantt"][1]["backfill"], "easy");
    assert_eq!(study["gantt"][1]["jobs"]["start_seconds"], serde_json::json!([0, 2, 100]));
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("slowdown"),
        "the table is printed all the same"
    );
}

#[test]
fn a_job_larger_than_the_machine_is_counted_and_said() {
    let trace = written("large.csv", "submit_seconds,run_seconds,size\n0,10,9\n0,10,2\n");
    let args = ["--format", "csv", "--trace", &trace, "--nodes", "4", "--policy", "fcfs"];
    let study = study_of(&args);
    assert_eq!((&study["summary"][0]["too_large"], &study["summary"][0]["finished"]), (&1.into(), &1.into()));
    let table = String::from_utf8_lossy(&jobs(&args).stdout).into_owned();
    assert!(table.contains("could never hold"), "{table}");
}

#[test]
fn bad_usage_and_input_leave_with_2_and_say_why() {
    let trace = written("bad.csv", "submit_seconds,run_seconds,size\n0,-10,2\n");
    let good = written("good.csv", JOBS);
    let gpu = written("one-gpu.csv", "at_seconds,node,device\n30,0,1\n");
    let cases: [(&[&str], &str); 11] = [
        (
            &["--format", "csv", "--trace", &trace, "--nodes", "4"],
            "line 2, column `run_seconds`, value `-10`",
        ),
        (&["--format", "csv", "--trace", "/no/such/file", "--nodes", "4"], "/no/such/file"),
        (&["--format", "csv", "--trace", &good], "--nodes"),
        (&["--format", "csv", "--trace", &good, "--nodes", "4", "--policy", "sjff"], "sjf"),
        (&["--format", "csv", "--trace", &good, "--nodes", "4", "--starts", "2", "--length", "5"], "from 2"),
        (
            &["--format", "csv", "--trace", &good, "--nodes", "4", "--policy", "las", "--backfill", "easy"],
            "las",
        ),
        (&["--generate", "lublin", "--starts", "0", "--policy", "drf"], "--protocol events"),
        (&["--generate", "poisson", "--placement", "best"], "consolidate, spread, topology"),
        (&["--generate", "lublin", "--jobs-csv", "x.csv"], "one run"),
        (&["--format", "openb", "--trace", &good, "--nodes", "4"], "node list"),
        (&["--generate", "lublin", "--failures", &gpu], "--gpus-per-node"),
    ];
    for (args, expected) in cases {
        let output = jobs(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{args:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn the_published_cell_of_a_trace_comes_out_of_the_command_line() {
    let Some(root) = std::env::var_os("LEPTON_DATA") else {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "LEPTON_DATA must be set in continuous integration"
        );
        println!("NOT RUN: set LEPTON_DATA to the folder of the data sets");
        return;
    };
    let trace = Path::new(&root).join("hpc-swf/lublin-1.swf.gz").to_string_lossy().into_owned();
    let study = study_of(&[
        "--format",
        "swf",
        "--trace",
        &trace,
        "--nodes",
        "256",
        "--policy",
        "saf",
        "--backfill",
        "easy",
        "--starts",
        "1981,2756,4299,8850,3316,2714,5228,7762,4022,7085",
    ]);
    let slowdown = study["summary"][0]["mean_bounded_slowdown"].as_f64().expect("a number");
    assert!((slowdown - 54.00).abs() < 0.01, "{slowdown}");
}
