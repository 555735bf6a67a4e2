//! Telemetry is read as it was meant, and what cannot be is refused with its place.

use std::path::Path;

use proptest::prelude::*;

use super::*;

fn read(content: &str) -> Result<TelemetryFile, InputError> {
    read_like(content, None)
}

fn read_like(content: &str, like: Option<&TelemetryFile>) -> Result<TelemetryFile, InputError> {
    let input = std::io::BufReader::new(std::io::Cursor::new(content.as_bytes().to_vec()));
    let table = CsvTable::from_reader(Path::new("m.csv"), Box::new(input))?;
    let options = TelemetryOptions { period_seconds: 60, time_column: None };
    read_telemetry_from(table, "m", &options, like)
}

fn notes(file: &TelemetryFile) -> String {
    file.notes.join("; ")
}

#[test]
fn without_a_time_rows_follow_each_other() {
    let file = read("a,b\n1,2\n3,4\n").unwrap();
    assert_eq!((file.telemetry.first_bin, file.telemetry.bins()), (0, 2));
    assert_eq!(file.telemetry.row(1), [3.0, 4.0]);
}

#[test]
fn gaps_duplicates_and_rows_out_of_order_are_settled_and_said() {
    let file = read("time,a\n600,1\n601,3\n540,5\n780,7\n").unwrap();
    assert_eq!(file.telemetry.first_bin, 9);
    let values = &file.telemetry.values;
    assert_eq!((values.len(), values[0], values[1], values[4]), (5, 5.0, 2.0, 7.0));
    assert!(values[2].is_nan() && values[3].is_nan());
    let notes = notes(&file);
    for said in ["2 bins without a row", "1 bins with several rows", "1 rows out of order"] {
        assert!(notes.contains(said), "{notes}");
    }
}

#[test]
fn times_with_and_without_a_zone_are_the_same_line_of_time() {
    let utc = read("t,a\n2025-11-29T01:02:00Z,1\n2025-11-29T01:03:00Z,2\n").unwrap();
    let east = read("t,a\n2025-11-29T03:02:00+02:00,1\n2025-11-29T03:03:00+02:00,2\n").unwrap();
    let bare = read("t,a\n2025-11-29 01:02,1\n2025-11-29 01:03,2\n").unwrap();
    assert_eq!(utc.telemetry, east.telemetry);
    assert_eq!(utc.telemetry, bare.telemetry);
    assert!(notes(&bare).contains("no zone"), "{}", notes(&bare));
    assert!(!notes(&east).contains("no zone"));
}

#[test]
fn a_counter_is_read_as_its_growth_and_a_restart_says_nothing() {
    let rows: String = (0..300).map(|i| format!("{},{}\n", (i % 200) * 7, i % 5)).collect();
    let file = read(&format!("bytes,load\n{rows}")).unwrap();
    assert_eq!(file.counters, [0]);
    assert_eq!(file.telemetry.row(10), [7.0, 0.0]);
    assert!(file.telemetry.row(200)[0].is_nan() && file.telemetry.row(0)[0].is_nan());
    assert!(notes(&file).contains("(1 resets): bytes"), "{}", notes(&file));
    // What was a counter in one file is one in the next, however short.
    let next = read_like("load,bytes\n1,5\n2,9\n", Some(&file)).unwrap();
    assert_eq!(next.telemetry.row(1), [4.0, 2.0]);
}

#[test]
fn constant_and_empty_metrics_and_columns_of_text_are_named() {
    let file = read("host,a,b,c\nn1,1,,2\nn1,1,,3\n").unwrap();
    assert_eq!(file.telemetry.metrics, ["a", "b", "c"]);
    let notes = notes(&file);
    for said in [
        "`host` (for example `n1`)",
        "empty, so only a change will count: b",
        "constant, so only a change will count: a",
    ] {
        assert!(notes.contains(said), "{notes}");
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_its_place() {
    let like = read("a\n1\n2\n").unwrap();
    let refused = [
        (read("t,a\n1,1\nyesterday,1\n").unwrap_err(), "m.csv, line 3, column `t`, value `yesterday`"),
        (read("t\n1\n").unwrap_err(), "no column beside the time"),
        (read("a\nx\n").unwrap_err(), "column `a`, value `x`: no column holds numbers alone"),
        (read("a\n").unwrap_err(), "has no row"),
        (read("t,a\n0,1\n99999999999,1\n").unwrap_err(), "the period is too short"),
        (read_like("a\nx\n", Some(&like)).unwrap_err(), "line 2, column `a`, value `x`: expected a number"),
        (read_like("b\n1\n", Some(&like)).unwrap_err(), "column `a`: the column is missing"),
    ];
    for (error, said) in refused {
        assert!(error.to_string().contains(said), "{error}");
    }
}

proptest! {
    #[test]
    fn no_file_makes_the_reader_panic(content in "[a-c,\n0-9.eE+TZ:\" -]{0,200}") {
        let _ = read(&content);
        let _ = read(&format!("t,a\n{content}"));
    }
}
