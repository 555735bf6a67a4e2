//! What the shared parts of the readers accept, refuse and say.

use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use super::open::LineGuard;
use super::{CsvTable, InputError, LINE_BYTES_MAX};

/// Lines of one letter, without end.
struct RepeatedLine;

impl Read for RepeatedLine {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        for (i, byte) in buf.iter_mut().enumerate() {
            *byte = if i % 2 == 0 { b'x' } else { b'\n' };
        }
        Ok(buf.len())
    }
}

fn table(text: &str) -> Result<CsvTable, InputError> {
    CsvTable::from_reader(Path::new("t.csv"), Box::new(BufReader::new(Cursor::new(text.to_owned()))))
}

#[test]
fn missing_column_names_the_near_one() {
    let t = table("name,cpu_mili\na,1\n").expect("the header is fine");
    let e = t.column("cpu_milli").expect_err("the column is missing");
    assert_eq!(
        e.to_string(),
        "t.csv, line 1, column `cpu_milli`: the column is missing; there are: name, cpu_mili. Maybe \
         `cpu_mili` is meant; rename it to `cpu_milli`"
    );
}

#[test]
fn a_number_out_of_bounds_says_file_line_column_value_and_bounds() {
    let mut t = table("a,b\n1,2\n3,-4\n").expect("the header is fine");
    assert!(t.next_row().expect("readable").is_some());
    let row = t.next_row().expect("readable").expect("two rows");
    let e = row.integer(1, 0, 9).expect_err("-4 is out of bounds");
    assert_eq!(e.to_string(), "t.csv, line 3, column `b`, value `-4`: expected a whole number from 0 to 9");
}

#[test]
fn not_a_number_infinite_and_huge_are_refused() {
    for bad in ["NaN", "inf", "1e300", "99999999999999999999999", "x", ""] {
        let mut t = table(&format!("a\n\"{bad}\"\n")).expect("the header is fine");
        let row = t.next_row().expect("readable").expect("one row");
        assert!(row.integer(0, 0, i64::MAX).is_err(), "{bad}");
    }
}

#[test]
fn a_line_over_the_limit_is_refused_without_being_kept() {
    let endless = std::io::repeat(b'x').take(1 << 40);
    let mut guard = LineGuard::new(endless, 1 << 20);
    let e = std::io::copy(&mut guard, &mut std::io::sink()).expect_err("the line is too long");
    assert!(e.to_string().contains("limit of 1048576 bytes"), "{e}");
}

#[test]
fn a_quote_left_open_is_refused_without_keeping_the_rest_of_the_file() {
    let head = Cursor::new("a,b\n1,\"2\n".to_owned());
    let endless = head.chain(RepeatedLine).take(1 << 40);
    let mut t = CsvTable::from_reader(Path::new("t.csv"), Box::new(BufReader::new(endless)))
        .expect("the header is fine");
    let e = t.next_row().err().expect("the row never ends");
    assert!(e.to_string().contains("a row is longer than the limit"), "{e}");
}

#[test]
fn many_short_rows_are_no_long_row() {
    let rows = "1,2\n".repeat(LINE_BYTES_MAX / 2);
    let mut t = table(&format!("a,b\n{rows}")).expect("the header is fine");
    let mut count = 0;
    while t.next_row().expect("every row is short").is_some() {
        count += 1;
    }
    assert_eq!(count, LINE_BYTES_MAX / 2);
}

#[test]
fn short_lines_pass_whatever_the_file_size() {
    let text = "0123456789\n".repeat(10_000);
    let mut out = String::new();
    let mut guard = LineGuard::new(text.as_bytes(), 10);
    guard.read_to_string(&mut out).expect("no line is too long");
    assert_eq!(out, text);
}
