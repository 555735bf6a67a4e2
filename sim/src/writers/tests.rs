//! Results as files, read back.

use std::io::{BufReader, Cursor};
use std::path::Path;

use super::*;
use crate::generate::{ReassignmentShape, reassignment};
use crate::jobs::Job;
use crate::readers::{read_reassignment_from, read_swf_from};

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

#[test]
fn a_result_written_as_swf_reads_back_as_the_same_jobs() {
    let (jobs, outcome) = two_jobs();
    let mut text = Vec::new();
    write_swf(&mut text, &jobs, &outcome, 16).expect("memory takes it");
    assert!(String::from_utf8_lossy(&text).contains("\n7 10 5 30 4 "), "the wait is 5 s");
    let back = read_swf_from(Path::new("r.swf"), Box::new(Cursor::new(text))).expect("it is SWF");
    assert_eq!(back.nodes, Some(16));
    assert_eq!(back.jobs.submit_seconds, jobs.submit_seconds);
    assert_eq!(back.jobs.requested_seconds, jobs.requested_seconds);
}

#[test]
fn a_job_that_never_started_has_empty_fields_in_the_csv() {
    let (jobs, outcome) = two_jobs();
    let mut text = Vec::new();
    write_jobs_csv(&mut text, &jobs, &outcome).expect("memory takes it");
    let text = String::from_utf8(text).expect("it is text");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[1], "7,\"a, b\",4,10,15,45,5,30,1.1667,0");
    assert_eq!(lines[2], "9,\"a, b\",4,20,,,,30,,0");
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
