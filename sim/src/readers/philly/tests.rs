//! What the Philly reader takes and refuses.

use std::io::Cursor;

use proptest::prelude::*;

use super::*;

fn table(text: &str) -> Result<CsvTable, InputError> {
    CsvTable::from_reader(Path::new("jobs.csv"), Box::new(Cursor::new(text.as_bytes().to_vec())))
}

fn read(rows: &str) -> Result<JobTrace, InputError> {
    read_philly_jobs_from(table(&format!("submit_s,duration_s,gpus,vc\n{rows}"))?)
}

#[test]
fn owners_are_virtual_clusters_and_rows_of_the_same_second_keep_their_order() {
    let trace = read("5,10,1,a\n-3,20,2,b\n5,30,4,a\n").expect("it is sound");
    assert_eq!(trace.jobs.owners, ["a", "b"]);
    assert_eq!(trace.jobs.run_seconds, [20, 10, 30]);
    assert_eq!(trace.moved_into_order, 1);
}

#[test]
fn a_duration_of_zero_leaves_the_job_out() {
    let trace = read("0,0,1,a\n0,1,1,a\n").expect("it is sound");
    assert_eq!((trace.jobs.len(), trace.left_out.count(WITHOUT_RUN)), (1, 1));
}

#[test]
fn rows_without_gpus_or_duration_are_left_out_and_counted() {
    let trace = read("0,5,0,a\n0,5,,a\n0,,1,a\n  \n,,,\n0.4,7.6,1.00,a\n").expect("one job is sound");
    assert_eq!((trace.left_out.count(WITHOUT_SIZE), trace.left_out.count(WITHOUT_RUN)), (2, 1));
    assert_eq!((trace.jobs.submit_seconds, trace.jobs.run_seconds), (vec![0], vec![8]));
}

#[test]
fn bad_fields_are_refused_with_their_place() {
    for (rows, problem) in [
        ("0,-5,1,a\n", "column `duration_s`, value `-5`"),
        ("0,5,-1,a\n", "column `gpus`, value `-1`"),
        ("0,5,1,\n", "column `vc`"),
        ("0,5,1\n", "3 fields, expected 4"),
        ("1e400,5,1,a\n", "column `submit_s`"),
        ("", "no job"),
    ] {
        let error = read(rows).expect_err("it is bad input").to_string();
        assert!(error.contains(problem), "{error}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(rows in "[-0-9a-z,.\"\n]{0,200}") {
        let _ = read(&rows);
    }
}
