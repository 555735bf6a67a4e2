//! What the shared parts of the readers accept, refuse and say.

use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use super::open::LineGuard;
use super::{
    CsvTable, InputError, JOBS_MAX, JobTrace, LINE_BYTES_MAX, SwfLines, open, read_jobs_csv_from,
    read_philly_jobs_from, read_swf_from,
};

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
        let mut t = table(&format!("a,b\n\"{bad}\",1\n")).expect("the header is fine");
        let row = t.next_row().expect("readable").expect("one row");
        assert!(row.integer(0, 0, i64::MAX).is_err(), "{bad}");
    }
}

#[test]
fn blank_rows_are_passed_over_and_lines_still_counted() {
    let mut t = table("a,b\n1,2\n   \n,\n\t,  \n3,x\n").expect("the header is fine");
    assert!(t.next_row().expect("readable").is_some());
    let row = t.next_row().expect("blank rows are no rows").expect("two rows");
    assert_eq!(row.line(), 6);
    assert!(t.next_row().expect("readable").is_none());
}

#[test]
fn an_error_names_the_line_that_an_editor_shows() {
    // Empty lines, lines within quotes and both ends of lines count as an editor counts them.
    for (text, line) in [
        ("a,b\n\n1,2\n\n\n3,x\n", 6),
        ("a,b\r\n1,2\r\n\r\n3,x\r\n", 4),
        ("a,b\n\"one\ntwo\nthree\",2\n3,x\n", 5),
        ("\"a\n\",b\n3,x\n", 3),
        ("\n\na,b\n3,x\n", 4),
        ("a,b\n3,x", 2),
    ] {
        let mut t = table(text).expect("the header is fine");
        let mut said = None;
        while said.is_none() {
            let row = t.next_row().expect("readable").expect("the bad row comes before the end");
            said = row.integer(1, 0, 9).err();
        }
        let said = said.map(|e| e.to_string()).unwrap_or_default();
        assert!(said.starts_with(&format!("t.csv, line {line}, column `b`, value `x`")), "{text:?}: {said}");
    }
    let wrong = table("\n\na,a\n").map(|_| ()).expect_err("a column twice").to_string();
    assert!(wrong.starts_with("t.csv, line 3, column `a`"), "{wrong}");
    let mut t = table("a,b\n\n1,2\n\n1,2,3\n").expect("the header is fine");
    assert!(t.next_row().expect("readable").is_some());
    let said = t.next_row().map(|row| row.is_some()).expect_err("three fields").to_string();
    assert!(said.starts_with("t.csv, line 5: the row has 3 fields"), "{said}");
}

#[test]
fn whole_numbers_may_have_zeros_after_the_point_and_seconds_anything() {
    let mut t = table("a,b\n100.00,2.5\n").expect("the header is fine");
    let row = t.next_row().expect("readable").expect("one row");
    assert_eq!((row.integer(0, 0, 100), row.seconds(1, 0, 9)), (Ok(100), Ok(3)));
    let error = row.integer(1, 0, 9).expect_err("2.5 is no whole number").to_string();
    assert!(error.contains("Maybe the unit is wrong"), "{error}");
}

#[test]
fn a_byte_order_mark_is_passed_over_and_nothing_else_is_lost() {
    let path = std::env::temp_dir().join(format!("lepton-mark-{}", std::process::id()));
    for (bytes, read) in [
        (&b"\xef\xbb\xbfab"[..], &b"ab"[..]),
        (b"\xef\xbb\xbf", b""),
        (b"\xef\xbbx", b"\xef\xbbx"),
        (b"a", b"a"),
    ] {
        std::fs::write(&path, bytes).expect("the temporary folder is writable");
        let mut back = Vec::new();
        open(&path).expect("it is there").read_to_end(&mut back).expect("it is plain");
        assert_eq!(back, read);
    }
    std::fs::remove_file(&path).expect("it was there");
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

#[test]
fn every_reader_of_jobs_takes_as_many_as_the_limit_and_no_more() {
    type Read = fn(Box<Cursor<Vec<u8>>>) -> Result<JobTrace, InputError>;
    let readers: [(&str, &str, Read); 3] = [
        ("", "1 10 -1 50 4\n", |input| read_swf_from(Path::new("many"), input, &SwfLines::default())),
        ("submit_s,duration_s,gpus,vc\n", "5,10,1,a\n", |input| {
            read_philly_jobs_from(CsvTable::from_reader(Path::new("many"), input)?)
        }),
        ("submit_seconds,run_seconds,size\n", "0,1,1\n", |input| {
            read_jobs_csv_from(CsvTable::from_reader(Path::new("many"), input)?)
        }),
    ];
    for (header, row, read) in readers {
        let jobs = |count| read(Box::new(Cursor::new(format!("{header}{}", row.repeat(count)).into_bytes())));
        assert_eq!(jobs(JOBS_MAX).map(|t| t.jobs.len()), Ok(JOBS_MAX));
        let error = jobs(JOBS_MAX + 1).expect_err("one job too many").to_string();
        let line = JOBS_MAX + 1 + usize::from(!header.is_empty());
        let expected = format!("many, line {line}: has more than {JOBS_MAX} jobs");
        assert!(error.contains(&expected), "{error}");
    }
}
