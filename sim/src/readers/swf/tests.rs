//! What the SWF reader takes, by its documented rules, and refuses.

use std::io::Cursor;

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<JobTrace, InputError> {
    read_lines(text.as_bytes(), &SwfLines::default())
}

fn read_lines(bytes: &[u8], lines: &SwfLines) -> Result<JobTrace, InputError> {
    read_swf_from(Path::new("t.swf"), Box::new(Cursor::new(bytes.to_vec())), lines)
}

fn message(text: &str) -> String {
    read(text).expect_err("it is bad input").to_string()
}

#[test]
fn the_rules_of_the_format_hold() {
    let text = "; MaxNodes: 128\n\n1 10 -1 50 4 -1 -1 8 60 -1 1 7\n2 20 -1 30 2\n";
    let trace = read(text).expect("it is sound");
    assert_eq!(trace.nodes, Some(128));
    let (first, second) = (trace.jobs.get(0), trace.jobs.get(1));
    assert_eq!((first.size, first.requested_seconds), (8, 60), "the larger of fields 5 and 8");
    assert_eq!((second.size, second.requested_seconds), (2, 30), "an unknown request is the run time");
    assert_eq!(trace.jobs.owners, ["user 7", ""]);
}

#[test]
fn jobs_that_never_ran_or_occupy_nothing_are_left_out_and_counted() {
    let trace = read("1 0 -1 0 4\n2 0 -1 9 -1\n3 0 -1 9 4\n").expect("one job is sound");
    let left_out = (trace.left_out.count(WITHOUT_RUN), trace.left_out.count(WITHOUT_SIZE));
    assert_eq!((trace.jobs.len(), left_out), (1, (1, 1)));
}

#[test]
fn a_negative_run_time_becomes_ten_seconds() {
    assert_eq!(read("1 0 -1 -1 4\n").expect("it is sound").jobs.run_seconds, [10]);
}

#[test]
fn jobs_out_of_order_are_moved_and_counted() {
    let trace = read("1 50 -1 9 1\n2 10 -1 9 1\n3 10 -1 9 2\n").expect("it is sound");
    assert_eq!(trace.jobs.id, [2, 3, 1], "of the same second the lower number first");
    assert_eq!(trace.moved_into_order, 1);
}

#[test]
fn bad_lines_are_refused_with_their_place() {
    assert_eq!(
        message("1 2 3\n"),
        "t.swf, line 1, value `1 2 3`: the line has 3 fields, expected 18 (at least 5)"
    );
    assert_eq!(
        message("1 0 -1 5 4\n2 x -1 5 4\n"),
        "t.swf, line 2, column `2 (submit time)`, value `x`: expected a whole number from -1 to 1000000000000"
    );
    assert!(message("1 -7 -1 5 4\n").contains("`-7`"), "a negative submit time");
    assert!(message("1 0 -1 5 99999999999\n").contains("2147483647"), "a size beyond the limit");
    assert!(message("1 0 -1 1e9 4\n").contains("run time"));
    assert!(message("; only a header\n").contains("no job"));
}

#[test]
fn bytes_that_are_no_numbers_are_refused() {
    let error = read_lines(b"1 20 \xff\xfe 5 4\n", &SwfLines::default()).expect_err("no number");
    assert!(error.to_string().contains("column `3 (wait time)`"), "{error}");
}

/// A line with these values of the fields that tell what became of a job.
fn line(id: i64, submit: i64, wait: i64, run: i64, status: i64) -> String {
    format!("{id} {submit} {wait} {run} 4 -1 -1 4 60 -1 {status} 7 -1 -1 -1 -1 -1 -1\n")
}

#[test]
fn comments_need_not_be_utf_8_and_lines_may_end_as_on_windows() {
    let text = b"; Installation: Universit\xe9 de Gen\xe8ve\r\n; MaxProcs: 32\r\n1 0 -1 5 4\r\n";
    let trace = read_lines(text, &SwfLines::default()).expect("it is sound");
    assert_eq!((trace.nodes, trace.jobs.len()), (Some(32), 1));
}

#[test]
fn times_with_fractions_are_rounded_and_processors_must_be_whole() {
    let trace = read("1 0.4 -1 0.2 4\n2 10.50 2.75 29.6 2.00 -1 -1 2 60.5\n").expect("it is sound");
    assert_eq!(trace.jobs.submit_seconds, [0, 11]);
    assert_eq!(trace.jobs.run_seconds, [1, 30], "a short run is no run time of 0");
    assert_eq!((trace.jobs.requested_seconds[1], trace.jobs.size[1]), (61, 2));
    assert!(message("1 0 -1 5 2.5\n").contains("allocated processors"));
}

#[test]
fn the_parts_of_a_job_are_no_jobs_and_jobs_cancelled_while_they_waited_never_ran() {
    let lines = [
        line(1, 0, 5, 100, 1),
        line(1, 0, 5, 60, 2),
        line(1, -1, 30, 40, 3),
        line(2, 10, -1, -1, 5),
        line(3, 10, 20, 0, 5),
        line(4, 10, 20, 30, 5),
        line(5, 10, 20, 30, 0),
        line(6, 10, -1, -1, -1),
    ];
    let trace = read(&lines.concat()).expect("it is sound");
    assert_eq!(trace.jobs.id, [1, 4, 5, 6]);
    assert_eq!(trace.jobs.run_seconds, [100, 30, 30, 10], "cancelled while running, failed, unknown");
    let left_out: Vec<(usize, &str)> = trace.left_out.into_list().iter().map(|l| (l.count, l.why)).collect();
    assert_eq!(left_out, [(2, PARTS), (2, NEVER_STARTED)]);
}

#[test]
fn parts_may_be_taken_in_the_place_of_their_jobs() {
    let lines = [
        line(1, 0, 5, 100, 1),
        line(1, 0, 5, 60, 2),
        line(1, -1, 30, 40, 3),
        line(2, 50, 0, 10, 1),
        line(3, -1, 0, 10, 2),
    ];
    let mut statuses = SwfLines::default();
    statuses.0.push(JobStatus::Part);
    let trace = read_lines(lines.concat().as_bytes(), &statuses).expect("it is sound");
    assert_eq!((&trace.jobs.id, &trace.jobs.run_seconds), (&vec![1, 2, 1], &vec![60, 10, 40]));
    assert_eq!(trace.jobs.submit_seconds, [0, 50, 65], "the second part waits from the end of the first");
    assert_eq!((trace.left_out.count(TOLD_IN_PARTS), trace.left_out.count(WITHOUT_SUBMISSION)), (1, 1));
}

#[test]
fn only_jobs_of_the_statuses_asked_for_are_taken() {
    let lines = [line(1, 0, 0, 10, 0), line(2, 0, 0, 10, 1), line(3, 0, 0, 10, 5), line(4, 0, 0, 10, 2)];
    let completed = SwfLines(vec![JobStatus::Completed]);
    let trace = read_lines(lines.concat().as_bytes(), &completed).expect("it is sound");
    assert_eq!(trace.jobs.id, [2]);
    assert_eq!((trace.left_out.count(OTHER_STATUS), trace.left_out.count(PARTS)), (2, 1));
    let none = read_lines(lines[0].as_bytes(), &completed).expect_err("no job is left").to_string();
    assert!(none.contains("left out: 1 of another status than asked for"), "{none}");
}

#[test]
fn partitions_are_told_by_their_numbers_and_sized_by_the_header() {
    let of = |id: u32, partition: i32| format!("{id} {id} -1 5 4 -1 -1 4 60 -1 1 7 -1 -1 -1 {partition}\n");
    let text = ["; MaxProcs: 32 (16 16)\n".to_owned(), of(2, 2), of(1, 1), of(3, -1)].concat();
    let trace = read(&text).expect("it is sound");
    assert_eq!(trace.partition_nodes, [16, 16]);
    let named = |i: usize| trace.jobs.partitions.get(trace.jobs.partition[i] as usize).map(String::as_str);
    assert_eq!((named(0), named(1), named(2)), (Some("1"), Some("2"), None), "they move with their jobs");
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read_lines(&bytes, &SwfLines::default());
    }

    #[test]
    fn no_numbers_make_the_reader_panic_and_what_it_takes_is_sound(
        lines in prop::collection::vec(prop::collection::vec(
            prop_oneof![any::<i64>(), -2i64..50, Just(i64::MAX)], 0..20), 1..20),
    ) {
        let text: String = lines
            .iter()
            .map(|l| l.iter().map(i64::to_string).collect::<Vec<_>>().join(" ") + "\n")
            .collect();
        if let Ok(trace) = read(&text) {
            prop_assert!(trace.jobs.submit_seconds.is_sorted());
            prop_assert!(trace.jobs.run_seconds.iter().all(|&r| r >= 1));
            prop_assert!(trace.jobs.requested_seconds.iter().all(|&r| r >= 1));
            prop_assert!(trace.jobs.size.iter().all(|&s| s >= 1));
        }
    }
}
