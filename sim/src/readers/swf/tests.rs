//! What the SWF reader takes, by its documented rules, and refuses.

use std::io::Cursor;

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<JobTrace, InputError> {
    read_swf_from(Path::new("t.swf"), Box::new(Cursor::new(text.as_bytes().to_vec())))
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
    assert_eq!(trace.jobs.owners, ["user 7", "user -1"]);
}

#[test]
fn jobs_that_never_ran_or_occupy_nothing_are_left_out_and_counted() {
    let trace = read("1 0 -1 0 4\n2 0 -1 9 -1\n3 0 -1 9 4\n").expect("one job is sound");
    assert_eq!((trace.jobs.len(), trace.left_out_without_run, trace.left_out_without_size), (1, 1, 1));
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
        "t.swf, line 2, column `2 (submit time)`, value `x`: expected a whole number from 0 to 1000000000000"
    );
    assert!(message("1 -7 -1 5 4\n").contains("`-7`"), "a negative submit time");
    assert!(message("1 0 -1 5 99999999999\n").contains("2147483647"), "a size beyond the limit");
    assert!(message("1 0 -1 1e9 4\n").contains("run time"));
    assert!(message("; only a header\n").contains("no job"));
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let bytes = vec![0x31, 0x20, 0xff, 0xfe, 0x0a];
    let error = read_swf_from(Path::new("t.swf"), Box::new(Cursor::new(bytes))).expect_err("no text");
    assert!(error.to_string().contains("not UTF-8"), "{error}");
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read_swf_from(Path::new("t.swf"), Box::new(Cursor::new(bytes)));
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
