//! Small situations of jobs over time with known right values, through the command line: who starts when, and what was lost.

mod common;

use common::{json, lepton, read, scratch, stderr, written};

/// Runs jobs of a CSV under one policy; gives the rows of the result file and the run's summary.
fn simulate(name: &str, rows: &str, more: &[&str]) -> (Vec<Vec<String>>, serde_json::Value) {
    let trace = written(&format!("{name}.csv"), rows);
    let out = scratch(&format!("{name}-jobs.csv"));
    let args =
        ["simulate", "jobs", "--format", "csv", "--trace", &trace, "--jobs-csv", &out, "--output", "json"];
    let output = lepton(&[&args[..], more].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let rows = read(&out).lines().map(|line| line.split(',').map(str::to_owned).collect()).collect();
    (rows, json(&output)["summary"][0].clone())
}

/// A column of a result file as whole numbers.
fn column(rows: &[Vec<String>], name: &str) -> Vec<i64> {
    let at = rows[0].iter().position(|c| c == name).expect("a column of that name");
    rows[1..].iter().map(|row| row[at].parse().expect("a whole number")).collect()
}

#[test]
fn what_ends_at_the_second_of_a_reservation_is_counted_whole() {
    let tie = "submit_seconds,run_seconds,size\n0,10,2\n0,10,2\n1,50,4\n2,100,2\n";
    for backfill in ["easy", "conservative"] {
        let more = ["--nodes", "6", "--policy", "fcfs", "--backfill", backfill];
        let (rows, summary) = simulate(&format!("tie-{backfill}"), tie, &more);
        assert_eq!(column(&rows, "start_seconds"), [0, 0, 10, 2], "{backfill}");
        assert!(summary["utilization"].as_f64() <= Some(1.0));
    }
}

#[test]
fn preemption_stops_those_who_make_room_and_nobody_else() {
    let jobs = "submit_seconds,run_seconds,size,id\n0,300,2,1\n1,600,2,2\n2,310,2,3\n3,500,2,4\n50,20,4,5\n";
    let more = ["--nodes", "2", "--gpus-per-node", "4", "--policy", "srtf"];
    let (rows, summary) = simulate("room", jobs, &more);
    let (starts, ends) = (column(&rows, "start_seconds"), column(&rows, "end_seconds"));
    assert_eq!((starts[4], ends[4]), (50, 70), "the gang runs at once");
    let lost = column(&rows, "lost_seconds");
    assert_eq!(lost, [0, 0, 30, 30, 0], "both of one node are stopped, and nobody of the other");
    assert_eq!(ends[2..4], [312 + 50, 503 + 50], "they go on when the gang has ended");
    assert_eq!(summary["preemptions"], 2);
    let rows_lost: i64 = lost.iter().zip(column(&rows, "size")).map(|(lost, size)| lost * size).sum();
    assert_eq!(summary["lost_unit_seconds"].as_i64(), Some(rows_lost));
}

#[test]
fn a_preempted_job_ends_to_the_second_and_pays_its_restart() {
    let jobs = "submit_seconds,run_seconds,size,id\n0,100,1,1\n20,10,1,2\n";
    let more = ["--nodes", "1", "--gpus-per-node", "1", "--policy", "srtf"];
    let (rows, summary) = simulate("two", jobs, &more);
    assert_eq!(column(&rows, "end_seconds"), [117, 30]);
    assert_eq!(column(&rows, "lost_seconds"), [7, 0]);
    assert_eq!(summary["mean_completion_seconds"], 63.5);
    assert_eq!(summary["lost_unit_seconds"], 7);
}

#[test]
fn a_job_of_the_whole_machine_starts_when_the_failed_node_is_back() {
    let mut jobs = "submit_seconds,run_seconds,size\n0,15,1\n20,50,4\n".to_owned();
    for i in 0..60 {
        jobs += &format!("{},100,1\n", 21 + 10 * i);
    }
    let failures = written("down.csv", "at_seconds,node,device,repair_seconds\n10,0,,190\n");
    for backfill in ["easy", "conservative"] {
        let more = ["--nodes", "4", "--policy", "fcfs", "--backfill", backfill, "--failures", &failures];
        let (rows, _) = simulate(&format!("down-{backfill}"), &jobs, &more);
        assert_eq!(column(&rows, "start_seconds")[1], 200, "{backfill}");
    }
}
