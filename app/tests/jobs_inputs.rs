//! What `lepton simulate jobs` makes of traces: how large the machine is, which lines are jobs, what is work and what was
//! waiting, and what no figure may be over. Each input is small enough to check by hand.

mod common;

use std::process::Output;

use common::{json, lepton, read, scratch, stderr, written};
use serde_json::{Value, json};

fn jobs(args: &[&str]) -> Output {
    lepton(&[&["simulate", "jobs"], args].concat())
}

fn study_of(args: &[&str]) -> Value {
    json(&jobs(&[args, &["--output", "json"]].concat()))
}

/// The first row of the summary of a run under fcfs.
fn row_of(args: &[&str]) -> Value {
    study_of(&[args, &["--policy", "fcfs"]].concat())["summary"][0].clone()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn close(value: &Value, expected: f64) -> bool {
    value.as_f64().is_some_and(|v| (v - expected).abs() < 1e-9)
}

/// Four jobs on four nodes of eight processors: sizes count processors.
const SMP_JOBS: &str = "1 0 -1 100 32 -1 -1 32 100 -1 1 1 1 -1 1 1 -1 -1\n2 10 -1 50 8 -1 -1 8 60 -1 1 2 1 -1 1 1 -1 -1\n\
                        3 20 -1 50 4 -1 -1 4 60 -1 1 2 1 -1 1 1 -1 -1\n4 30 -1 20 2 -1 -1 2 30 -1 1 3 1 -1 1 1 -1 -1\n";

#[test]
fn a_machine_of_smp_nodes_has_as_many_units_as_processors() {
    for header in [
        "; MaxNodes: 4\n; MaxProcs: 32\n",
        "; MaxProcs: 32\n; MaxNodes: 4\n",
        "; MaxNodes: 4 (2 2)\n; MaxProcs: 32 (16 16)\n",
        "\u{feff}; MaxNodes: 4\r\n; MaxProcs: 32\r\n",
        "; MaxNodes: 32\n",
    ] {
        let trace = written("smp.swf", format!("{header}{SMP_JOBS}"));
        let row = row_of(&["--format", "swf", "--trace", &trace]);
        assert_eq!((&row["finished"], &row["too_large"]), (&json!(4), &json!(0)), "{header}");
        assert!(close(&row["mean_wait_seconds"], 60.0), "{header}");
        assert!(close(&row["mean_bounded_slowdown"], 2.725), "{header}");
        assert!(close(&row["utilization"], 0.8), "{header}");
    }
}

#[test]
fn training_leaves_out_what_the_machine_can_never_run() {
    let lines = |giants: bool| -> String {
        let size = |i: u32| if i.is_multiple_of(5) { 40 } else { 1 + i % 8 };
        let kept = (0..90).filter(|&i| giants || size(i) <= 8);
        kept.map(|i| format!("{i} {} -1 50 {}\n", 10 * i, size(i))).collect()
    };
    let weights = |giants: bool, parts: &str| {
        let trace = written(&format!("giants-{giants}.swf"), lines(giants));
        let model = scratch("giants.safetensors");
        let train = ["train", "jobs", "--format", "swf", "--trace", &trace, "--nodes", "8", "--length", "16"];
        let more =
            ["--generations", "2", "--backfill", "none", "--force", "--model", &model, "--parts", parts];
        let output = lepton(&[&train[..], &more].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        json(&lepton(&["policy", "show", &model, "--output", "json"]))["weights"].clone()
    };
    assert_eq!(weights(true, "5..75"), weights(false, "4..60"), "parts are named by the jobs of the file");
}

#[test]
fn training_takes_the_machine_from_the_processors_too() {
    let lines: String = (0..60).map(|i| format!("{i} {} -1 50 {}\n", 10 * i, 1 + i % 40)).collect();
    let trace = written("train.swf", format!("; MaxNodes: 4 (2 2)\n; MaxProcs: 64 (32 32)\n{lines}"));
    let train = |more: &[&str]| {
        let out = scratch("trained.safetensors");
        let args =
            ["train", "jobs", "--format", "swf", "--trace", &trace, "--length", "16", "--generations", "1"];
        lepton(&[&args[..], &["--backfill", "none", "--out", &out], more].concat())
    };
    let output = train(&[]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(!stderr(&output).contains("larger than the machine"), "{}", stderr(&output));
    let told = train(&["--nodes", "8"]);
    assert!(stderr(&told).contains("jobs are larger than the machine of 8"), "{}", stderr(&told));
    let none = written("none.swf", "; MaxProcs: 2\n1 0 -1 5 4\n");
    let refused = lepton(&["train", "jobs", "--format", "swf", "--trace", &none]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("no job fits a machine of 2"), "{}", stderr(&refused));
}

#[test]
fn what_of_an_swf_trace_is_no_job_is_said_in_one_line_and_in_json_and_can_be_chosen() {
    let line = |id: u32, submit: i32, run: i32, status: i32| {
        format!("{id} {submit} 0 {run} 1 -1 -1 1 60 -1 {status} 1 -1 -1 -1 -1 -1 -1\n")
    };
    let lines = [
        line(1, 0, 30, 1),
        line(1, 0, 10, 2),
        line(1, -1, 20, 3),
        line(2, 5, -1, 5),
        line(3, 5, 0, 5),
        line(4, 9, 7, 5),
        line(5, 9, 7, 0),
    ];
    let trace = written("status.swf", format!("; MaxProcs: 4\n{}", lines.concat()));
    let args = ["--format", "swf", "--trace", &trace, "--policy", "fcfs"];
    let output = jobs(&args);
    let said =
        "left out: 2 listed as parts of jobs (status 2, 3, 4), 2 cancelled before the start (status 5)\n";
    assert!(stderr(&output).contains(said), "{}", stderr(&output));
    let study = study_of(&args);
    assert_eq!(
        study["left_out"][0],
        json!({ "count": 2, "why": "listed as parts of jobs (status 2, 3, 4)" })
    );
    assert_eq!(study["jobs"], 3);
    let chosen = |statuses: &str| study_of(&[&args[..], &["--status", statuses]].concat())["jobs"].clone();
    assert_eq!(
        (chosen("completed"), chosen("failed,completed"), chosen("part")),
        (1.into(), 2.into(), 2.into())
    );
}

#[test]
fn the_partitions_of_a_trace_run_each_on_its_own_processors() {
    let line = |id: u32, size: u32, partition: i32| {
        format!("{id} 0 -1 100 {size} -1 -1 {size} 100 -1 1 1 -1 -1 -1 {partition} -1 -1\n")
    };
    let lines = [line(1, 10, 1), line(2, 10, 1), line(3, 10, 2), line(4, 1, -1)].concat();
    let trace = written("partitions.swf", format!("; MaxProcs: 32 (12 20)\n{lines}"));
    let args = ["--format", "swf", "--trace", &trace, "--policy", "fcfs"];
    let waits = |study: &Value| {
        let runs = study["summary"][0]["per_sequence"].as_array().expect("a list").clone();
        let run =
            |r: Value| (r["virtual_cluster"].clone(), r["nodes"].clone(), r["mean_wait_seconds"].clone());
        runs.into_iter().map(run).collect::<Vec<_>>()
    };
    let expected = [(json!("1"), json!(12), json!(50.0)), (json!("2"), json!(20), json!(0.0))];
    let study = study_of(&[&args[..], &["--partitions"]].concat());
    assert_eq!(waits(&study), expected);
    assert_eq!(study["left_out"][0]["count"], 1, "a job of no partition");
    let file = written("partitions.csv", "vc,nodes\n1,12\n2,20\n");
    assert_eq!(waits(&study_of(&[&args[..], &["--clusters", &file]].concat())), expected);
    let unsized_trace = written("unsized.swf", format!("; MaxProcs: 32\n{lines}"));
    let refused = jobs(&["--format", "swf", "--trace", &unsized_trace, "--partitions"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("--clusters FILE"), "{}", stderr(&refused));
}

#[test]
fn nodes_of_several_sizes_hold_what_their_sizes_allow() {
    // One node of 8 GPUs and two of 2: the job of 4 must wait for the large node, the jobs of 2 take the small ones.
    let trace = written("mixed.csv", "submit_seconds,run_seconds,size\n0,100,8\n1,10,2\n2,10,2\n3,10,4\n");
    let csv = scratch("mixed-out.csv");
    let args = ["--format", "csv", "--trace", &trace, "--policy", "fcfs", "--queue", "skipping"];
    let output = jobs(&[&args[..], &["--nodes", "1x8,2x2", "--jobs-csv", &csv]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let starts: Vec<String> =
        read(&csv).lines().skip(1).filter_map(|l| l.split(',').nth(4).map(str::to_owned)).collect();
    assert_eq!(starts, ["0", "1", "2", "100"]);
    let philly =
        written("mixed-philly.csv", "submit_s,duration_s,gpus,vc\n0,9,8,a\n0,9,2,b\n0,9,,b\n0,9,4,b\n");
    let clusters = written("mixed-vc.csv", "vc,nodes,gpus_per_node\na,1,\nb,3,2\nb,1,4\n");
    let study =
        study_of(&["--format", "philly", "--trace", &philly, "--clusters", &clusters, "--policy", "fcfs"]);
    let runs = &study["summary"][0]["per_sequence"];
    assert_eq!((&runs[0]["units"], &runs[1]["units"], &runs[1]["nodes"]), (&json!(8), &json!(10), &json!(4)));
    assert_eq!((&study["summary"][0]["finished"], &study["left_out"][0]["count"]), (&json!(3), &json!(1)));
    let both = jobs(&[&args[..], &["--nodes", "1x8", "--gpus-per-node", "8"]].concat());
    assert_eq!(both.status.code(), Some(2));
    assert!(stderr(&both).contains("--gpus-per-node has no effect"), "{}", stderr(&both));
}

const NODES: &str = "sn,cpu_milli,memory_mib,gpu,model\nn1,32000,131072,1,T4\n";
const TASK_COLUMNS: &str =
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time";

#[test]
fn what_a_task_waited_in_the_recorded_cluster_is_no_work() {
    let tasks = format!(
        "{TASK_COLUMNS},scheduled_time\n\
         ran-at-once,4000,1024,1,1000,,LS,Succeeded,0,100,0\n\
         waited-first,4000,1024,1,1000,,LS,Succeeded,10,1200,1100\n\
         never-ran,4000,1024,1,1000,,BE,Pending,20,520,\n\
         later,4000,1024,1,1000,,LS,Succeeded,2000,2050,2000\n"
    );
    let (nodes, tasks) = (written("openb-nodes.csv", NODES), written("openb-tasks.csv", tasks));
    let csv = scratch("openb-out.csv");
    let args = ["--format", "openb", "--nodes", &nodes, "--trace", &tasks, "--policy", "fcfs"];
    let output = jobs(&[&args[..], &["--jobs-csv", &csv]].concat());
    assert!(stderr(&output).contains("left out: 1 never scheduled"), "{}", stderr(&output));
    let times: Vec<Vec<String>> =
        read(&csv).lines().skip(1).map(|l| l.split(',').map(str::to_owned).collect()).collect();
    let ran: Vec<(&str, &str)> = times.iter().map(|row| (row[4].as_str(), row[5].as_str())).collect();
    assert_eq!(ran, [("0", "100"), ("100", "200"), ("2000", "2050")]);
    let names: Vec<&str> = times.iter().map(|row| row[10].as_str()).collect();
    assert_eq!(names, ["ran-at-once", "waited-first", "later"]);
    assert!(close(&row_of(&args[..6])["mean_wait_seconds"], 30.0));
}

#[test]
fn a_trace_of_which_nothing_ran_says_what_was_left_out_and_why() {
    let tasks = format!(
        "{TASK_COLUMNS},scheduled_time\n\
         never-ran,4000,1024,1,1000,,BE,Pending,20,520,\n\
         runs-on,4000,1024,1,1000,,LS,Running,0,,5\n"
    );
    let (nodes, tasks) = (written("nothing-nodes.csv", NODES), written("nothing-tasks.csv", tasks));
    let output = jobs(&["--format", "openb", "--nodes", &nodes, "--trace", &tasks, "--policy", "fcfs"]);
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    let left = "has no task that ran; left out: 1 never scheduled, 1 without a deletion time";
    assert!(said.contains(left), "{said}");
    let trace = written("nothing.csv", "submit_seconds,run_seconds,size\n0,0,1\n1,0,2\n");
    let output = jobs(&["--format", "csv", "--trace", &trace, "--nodes-count", "4", "--policy", "fcfs"]);
    let said = stderr(&output);
    assert!(said.contains("has no job that ran; left out: 2 that never ran (run time 0)"), "{said}");
}

#[test]
fn a_task_list_that_does_not_say_when_tasks_were_scheduled_is_taken_with_a_warning() {
    let tasks = format!(
        "{TASK_COLUMNS}\na,1000,1,1,500,,LS,Succeeded,0,100\nb,1000.00,1,0,,,LS,Succeeded,0,50.5\n  \n"
    );
    let (nodes, tasks) = (written("unsaid-nodes.csv", NODES), written("unsaid-tasks.csv", tasks));
    let output = jobs(&["--format", "openb", "--nodes", &nodes, "--trace", &tasks, "--policy", "fcfs"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("no column `scheduled_time`"), "{}", stderr(&output));
}

#[test]
fn a_load_is_set_by_the_jobs_that_can_run() {
    let eleven: String = (0..11).map(|i| format!("{},100,4\n", 100 * i)).collect();
    for giant in ["", "-900,1000,40\n", "500,1000,40\n", "99000,1000,40\n"] {
        let trace = written("giant.csv", format!("submit_seconds,run_seconds,size\n{eleven}{giant}"));
        let row = row_of(&["--format", "csv", "--trace", &trace, "--nodes", "4", "--load", "0.5"]);
        assert_eq!((&row["finished"], &row["makespan_seconds"]), (&json!(11), &json!(2300)), "{giant}");
        assert!(close(&row["utilization"], 1100.0 / 2300.0), "{giant}: {}", row["utilization"]);
        assert!(close(&row["mean_wait_seconds"], 0.0), "{giant}");
    }
    let trace = written("giants.csv", "submit_seconds,run_seconds,size\n0,9,9\n5,9,9\n");
    let refused = jobs(&["--format", "csv", "--trace", &trace, "--nodes", "4", "--load", "0.5"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("--load 0.5: the load of 0.5 cannot be set: no job fits"),
        "{}",
        stderr(&refused)
    );
}

/// Names of the figures that are means, shares or spans over jobs that finished.
const FIGURES: [&str; 6] = [
    "mean_bounded_slowdown",
    "mean_wait_seconds",
    "mean_completion_seconds",
    "utilization",
    "makespan_seconds",
    "worst_run_mean_bounded_slowdown",
];

#[test]
fn a_figure_over_nothing_is_null_a_dash_and_empty() {
    let trace = written("no-figure.csv", "submit_seconds,run_seconds,size\n0,100,4\n100,100,4\n");
    for protocol in [&["--protocol", "events"][..], &["--starts", "0", "--length", "2"]] {
        let args = [&["--format", "csv", "--trace", &trace, "--nodes", "3"], protocol].concat();
        let row = row_of(&args);
        assert_eq!(
            (&row["finished"], &row["too_large"], &row["unfinished"]),
            (&json!(0), &json!(2), &json!(0))
        );
        for figure in FIGURES {
            assert_eq!(row[figure], Value::Null, "{figure}");
        }
        assert_eq!(row["wait_seconds"]["p95"], Value::Null);
        assert_eq!(row["fairness"]["jain_index"], Value::Null);
        let args = [&args[..], &["--policy", "fcfs,sjf"]].concat();
        let said = stdout(&jobs(&args));
        // The last line says how long it took, which may be nothing.
        let table: String = said.lines().filter(|l| !l.contains(" runs in ")).collect();
        assert!(
            table.contains("No job finished") && table.contains("0 of 2") && !table.contains("0.00"),
            "{table}"
        );
        let csv = stdout(&jobs(&[&args[..], &["--output", "csv"]].concat()));
        assert!(csv.lines().nth(1).is_some_and(|l| l.contains(",2,0,2,,,,,,0,0,")), "{csv}");
    }
}

#[test]
fn no_policy_is_best_where_different_jobs_finished() {
    // When a node fails for good, fcfs runs the long job and never the one that needs both nodes; sjf does, too late.
    let trace = written(
        "two.csv",
        "submit_seconds,run_seconds,size,requested_seconds\n0,100,1,100\n1,10,2,10\n0,10,1,10\n",
    );
    let failures = written("for-good.csv", "at_seconds,node,repair_seconds\n15,0,\n");
    let args = ["--format", "csv", "--trace", &trace, "--nodes", "2", "--failures", &failures];
    let args = [&args[..], &["--policy", "fcfs,sjf,smallest", "--queue", "skipping"]].concat();
    let study = study_of(&args);
    for row in study["summary"].as_array().expect("a list") {
        let of = |key: &str| row[key].as_u64().expect("a number");
        assert_eq!(of("finished") + of("too_large") + of("unfinished"), of("jobs"));
        assert_eq!(row["mean_bounded_slowdown"].is_null(), of("finished") == 0);
    }
    let table = stdout(&jobs(&args));
    assert!(table.contains("unfinished"), "{table}");
    assert!(!table.contains("* best"), "{table}");
}

#[test]
fn the_use_of_the_machine_is_at_most_all_of_it() {
    let args = ["--generate", "lublin", "--starts", "5", "--length", "10", "--jobs-count", "100"];
    let row = row_of(&args);
    assert!(row["utilization"].as_f64().is_some_and(|use_| use_ <= 1.0), "{}", row["utilization"]);
    assert!(
        row["use_to_last_start"].as_f64().is_some_and(|use_| use_ > 1.0),
        "the study's figure keeps its value"
    );
}

#[test]
fn results_over_several_seeds_come_with_deviation_intervals_and_owners() {
    let args = ["--generate", "daily-cycle", "--nodes", "4", "--jobs-count", "300", "--seeds", "1..=4"];
    let args = [&args[..], &["--policy", "fcfs,sjf", "--load", "1.1"]].concat();
    let study = study_of(&args);
    assert_eq!(study["baseline"]["policy"], "fcfs");
    let (fcfs, sjf) = (&study["summary"][0], &study["summary"][1]);
    assert_eq!((&sjf["spread"]["over"], &sjf["spread"]["samples"]), (&json!("seeds"), &json!(4)));
    let figure = &sjf["spread"]["mean_bounded_slowdown"];
    assert!(figure["sd"].as_f64() > Some(0.0));
    assert!(figure["paired"]["low"].as_f64() <= figure["paired"]["difference"].as_f64());
    assert_eq!(fcfs["spread"]["mean_bounded_slowdown"]["paired"], Value::Null);
    let table = stdout(&jobs(&args));
    assert!(table.contains("against fcfs") && table.contains('±'), "{table}");
    assert!(
        table.lines().nth(3).is_some_and(|l| l.trim_start().starts_with("sjf")),
        "the lowest first: {table}"
    );
    let single = study_of(&["--generate", "lublin", "--jobs-count", "300", "--policy", "fcfs,sjf"]);
    assert_eq!(
        (&single["summary"][0]["spread"], &single["verdict"]["finding"]),
        (&Value::Null, &json!("OneSample"))
    );
    let refused = jobs(&[&args[..], &["--baseline", "saf"]].concat());
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn results_by_owner_are_shown_when_asked_for() {
    let trace = written(
        "owners.csv",
        "submit_seconds,run_seconds,size,owner\n0,100,4,\"ann, a\"\n1,50,4,bob\n2,50,9,eve\n",
    );
    let args = ["--format", "csv", "--trace", &trace, "--nodes", "4", "--policy", "fcfs", "--by-owner"];
    let row = &study_of(&args[..8])["summary"][0];
    let owner = |i: usize| (row["owners"][i]["owner"].clone(), row["owners"][i]["mean_wait_seconds"].clone());
    assert_eq!([owner(0), owner(1)], [(json!("ann, a"), json!(0.0)), (json!("bob"), json!(99.0))]);
    assert_eq!(owner(2), (json!("eve"), Value::Null), "her job is too large");
    let table = stdout(&jobs(&args));
    assert!(table.contains("bob") && table.contains("1.65 min"), "{table}");
    let csv = stdout(&jobs(&[&args[..], &["--output", "csv"]].concat()));
    assert!(csv.contains("fcfs,none,pool,\"ann, a\",1,1,400,1,0,100\n"), "{csv}");
    assert!(csv.ends_with("fcfs,none,pool,eve,1,0,0,,,\n"), "{csv}");
    let nobody = written("nobody.csv", "submit_seconds,run_seconds,size\n0,100,4\n");
    let args = ["--format", "csv", "--trace", &nobody, "--nodes", "4", "--policy", "fcfs", "--by-owner"];
    let said = stdout(&jobs(&args));
    assert!(said.contains("No job has an owner") && !said.contains("By owner"), "{said}");
}
