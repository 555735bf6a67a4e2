//! What the generic jobs reader takes and refuses.

use std::io::Cursor;

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<JobTrace, InputError> {
    let input = Box::new(Cursor::new(text.as_bytes().to_vec()));
    read_jobs_csv_from(CsvTable::from_reader(Path::new("jobs.csv"), input)?)
}

#[test]
fn three_columns_are_enough() {
    let trace = read("size,submit_seconds,run_seconds\n4,7,60\n").expect("it is sound");
    let job = trace.jobs.get(0);
    assert_eq!((job.id, job.size, job.submit_seconds, job.requested_seconds), (1, 4, 7, 60));
    assert_eq!(trace.jobs.owners, [""]);
}

#[test]
fn optional_columns_may_be_empty_in_a_row() {
    let text = "id,submit_seconds,run_seconds,size,requested_seconds,owner,priority\n\
                17,0,10,1,30,ann,5\n,0,10,1,,bob,\n,0,10,1,0,ann,-2\n";
    let jobs = read(text).expect("it is sound").jobs;
    assert_eq!(jobs.id, [17, 2, 3]);
    assert_eq!(jobs.requested_seconds, [30, 10, 10]);
    assert_eq!((jobs.owner, jobs.priority), (vec![0, 1, 0], vec![5, 0, -2]));
}

#[test]
fn jobs_may_be_bound_to_partitions_and_times_may_have_fractions() {
    let text = "submit_seconds,run_seconds,size,partition\n9.5,1,1,fast\n0.2,0.1,1,\n3,1,1,slow\n";
    let jobs = read(text).expect("it is sound").jobs;
    assert_eq!((&jobs.submit_seconds, jobs.run_seconds[0]), (&vec![0, 3, 10], 1));
    assert_eq!(jobs.partitions, ["fast", "slow"]);
    assert_eq!(jobs.partition, [Jobs::NO_PARTITION, 1, 0], "they move with their jobs");
}

#[test]
fn a_missing_column_is_named() {
    let error = read("submit_seconds,run_second,size\n0,1,1\n").expect_err("a column is missing").to_string();
    assert!(error.contains("Maybe `run_second` is meant"), "{error}");
}

#[test]
fn negative_run_times_and_sizes_below_one_are_refused() {
    for row in ["0,-1,1", "0,1,0", "0,1,-4", "0,1,2147483648", "0,nan,1"] {
        assert!(read(&format!("submit_seconds,run_seconds,size\n{row}\n")).is_err(), "{row}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(rows in "[-0-9a-z,.\"\n]{0,200}") {
        let _ = read(&format!("submit_seconds,run_seconds,size,requested_seconds,owner,priority,id\n{rows}"));
        let _ = read(&rows);
    }
}
