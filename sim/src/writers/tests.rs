//! Results as files, read back.

use std::io::{BufReader, Cursor};
use std::path::Path;

use super::*;
use crate::generate::{ReassignmentShape, reassignment};
use crate::jobs::Job;
use crate::readers::{JobTrace, SwfLines, read_reassignment_from, read_swf_from};

fn two_jobs() -> (Jobs, Outcome) {
    let mut jobs = Jobs { owners: vec!["a, b".to_owned()], ..Jobs::default() };
    for (id, submit_seconds) in [(7, 10), (9, 20)] {
        let (run_seconds, requested_seconds, size) = (30, 60, 4);
        jobs.push(Job { id, submit_seconds, run_seconds, requested_seconds, size, owner: 0, priority: 0 });
    }
    let outcome =
        Outcome { start_seconds: vec![15, NEVER], end_seconds: vec![45, NEVER], ..Outcome::default() };
    (jobs, outcome)
}

fn swf(jobs: &Jobs, outcome: &Outcome) -> String {
    let mut text = Vec::new();
    write_swf(&mut text, jobs, outcome, 16).expect("memory takes it");
    String::from_utf8(text).expect("it is text")
}

fn read_back(text: String) -> JobTrace {
    let input = Box::new(Cursor::new(text.into_bytes()));
    read_swf_from(Path::new("r.swf"), input, &SwfLines::default()).expect("it is SWF")
}

#[test]
fn a_result_written_as_swf_reads_back_as_the_jobs_that_ran() {
    let (jobs, outcome) = two_jobs();
    let text = swf(&jobs, &outcome);
    assert!(text.contains("\n7 10 5 30 4 -1 -1 4 60 -1 1 1 "), "the wait is 5 s: {text}");
    assert!(text.contains("; Note: user 1 is a, b\n"), "{text}");
    let back = read_back(text);
    assert_eq!(back.nodes, Some(16));
    assert_eq!((&back.jobs.id, &back.jobs.submit_seconds), (&vec![7], &vec![10]));
    assert_eq!(back.jobs.requested_seconds, [60]);
}

#[test]
fn a_job_that_never_started_has_no_wait_no_run_time_and_no_processors() {
    let (jobs, outcome) = two_jobs();
    assert!(swf(&jobs, &outcome).contains("\n9 20 -1 -1 -1 -1 -1 4 60 -1 5 1 "));
}

#[test]
fn users_and_partitions_keep_the_numbers_of_the_trace() {
    let trace = "1 0 -1 9 1 -1 -1 1 9 -1 1 17 -1 -1 -1 3 -1 -1\n2 0 -1 9 1 -1 -1 1 9 -1 1 -1 -1 -1 -1 -1 -1 -1\n\
                 3 0 -1 9 1 -1 -1 1 9 -1 1 4 -1 -1 -1 1 -1 -1\n";
    let jobs = read_back(trace.to_owned()).jobs;
    let outcome = Outcome { start_seconds: vec![0; 3], end_seconds: vec![9; 3], ..Outcome::default() };
    let text = swf(&jobs, &outcome);
    assert!(!text.contains("Note"), "{text}");
    let rows: Vec<Vec<&str>> =
        text.lines().filter(|l| !l.starts_with(';')).map(|l| l.split(' ').collect()).collect();
    let of = |field: usize| rows.iter().map(|row| row[field - 1]).collect::<Vec<_>>();
    assert_eq!((of(12), of(16)), (vec!["17", "-1", "4"], vec!["3", "-1", "1"]));
    let back = read_back(text).jobs;
    assert_eq!((back.owners, back.partitions), (jobs.owners, jobs.partitions));
}

#[test]
fn what_a_job_repeats_is_time_on_the_machine_and_times_before_zero_are_moved() {
    let (mut jobs, mut outcome) = two_jobs();
    jobs.submit_seconds = vec![-40, -20];
    outcome.start_seconds[0] = -35;
    outcome.end_seconds[0] = 5;
    outcome.lost_seconds = vec![10, 0];
    let text = swf(&jobs, &outcome);
    assert!(
        text.contains("\n7 0 5 40 4 "),
        "submission, wait and time on the machine add up to the end: {text}"
    );
    assert!(text.contains("\n9 20 -1 -1 -1 "), "{text}");
    assert!(text.contains("; Note: times count from second -40"), "{text}");
}

#[test]
fn a_job_that_never_started_has_empty_fields_in_the_csv() {
    let (jobs, outcome) = two_jobs();
    let mut text = Vec::new();
    write_jobs_csv(&mut text, &jobs, &outcome).expect("memory takes it");
    let text = String::from_utf8(text).expect("it is text");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[1], "7,\"a, b\",4,10,15,45,5,30,1.1667,0");
    assert_eq!(lines[2], "9,\"a, b\",4,20,,,,,,0");
}

#[test]
fn a_generated_instance_is_read_back_as_it_was() {
    for seed in 1..=5 {
        let shape = ReassignmentShape { balance_goals: 2, ..ReassignmentShape::of_size(12, 60, 3) };
        let parts = reassignment(&shape, seed);
        let (mut model, mut assignment) = (Vec::new(), Vec::new());
        write_reassignment_model(&mut model, &parts).expect("memory takes everything");
        write_reassignment_placement(&mut assignment, &parts.initial).expect("memory takes everything");
        let input = |bytes: Vec<u8>| Box::new(BufReader::with_capacity(7, Cursor::new(bytes)));
        let problem =
            read_reassignment_from((Path::new("m"), input(model)), (Path::new("a"), input(assignment)));
        assert_eq!(problem.expect("the instance is sound").parts(), &parts);
    }
}
