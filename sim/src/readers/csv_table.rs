//! CSV with a header line: columns found by name, fields read as bounded numbers, errors that say where.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::{InputError, LINE_BYTES_MAX, decimal, open};

/// A CSV file with a header line, read row by row.
pub struct CsvTable {
    file: PathBuf,
    header: Vec<String>,
    reader: csv::Reader<RowGuard>,
    record: csv::StringRecord,
    raw: Rc<RefCell<Raw>>,
    header_line: u64,
}

/// What the CSV reader has taken in.
#[derive(Default)]
struct Raw {
    /// Bytes since the last row was complete.
    row_bytes: usize,
    /// The bytes from the start of the last row on, and where in the file they begin. The CSV reader says where it stood
    /// before a row; lines without anything may come between.
    ahead: VecDeque<u8>,
    ahead_from: u64,
}

impl Raw {
    /// The line on which a row really starts for which the reader stood at `before`.
    fn line_of(&mut self, before: &csv::Position) -> u64 {
        let passed = before.byte().saturating_sub(self.ahead_from).min(self.ahead.len() as u64);
        self.ahead.drain(..passed as usize);
        self.ahead_from += passed;
        let blank = self.ahead.iter().take_while(|b| matches!(b, b'\n' | b'\r'));
        before.line() + blank.filter(|b| **b == b'\n').count() as u64
    }
}

/// Fails once a row grows over the limit. The limit on lines does not see it: a field in quotes may go on
/// over any number of lines, and one quote too many swallows the rest of the file.
struct RowGuard {
    inner: Box<dyn BufRead>,
    raw: Rc<RefCell<Raw>>,
}

impl Read for RowGuard {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        let mut raw = self.raw.borrow_mut();
        raw.row_bytes += n;
        raw.ahead.extend(&buf[..n]);
        if raw.row_bytes > LINE_BYTES_MAX + buf.len() {
            let problem =
                format!("a row is longer than the limit of {LINE_BYTES_MAX} bytes (an open quote?)");
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        }
        Ok(n)
    }
}

/// One row of a [`CsvTable`].
#[derive(Clone, Copy)]
pub struct CsvRow<'a> {
    file: &'a Path,
    header: &'a [String],
    record: &'a csv::StringRecord,
    line: u64,
}

impl CsvTable {
    /// Opens `path` (plain or compressed) and reads the header line.
    ///
    /// # Errors
    /// When the file cannot be read, or the header is missing, not UTF-8, or names a column twice.
    pub fn open(path: &Path) -> Result<Self, InputError> {
        Self::from_reader(path, open(path)?)
    }

    /// The same over an open reader; `path` is only named in errors.
    ///
    /// # Errors
    /// As [`CsvTable::open`].
    pub fn from_reader(path: &Path, input: Box<dyn BufRead>) -> Result<Self, InputError> {
        let raw = Rc::new(RefCell::new(Raw::default()));
        let guarded = RowGuard { inner: input, raw: Rc::clone(&raw) };
        let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(guarded);
        let header: Vec<String> =
            reader.headers().map_err(|e| csv_error(path, 1, &e))?.iter().map(str::to_owned).collect();
        if header.iter().all(String::is_empty) {
            return Err(InputError::new(path, "has no header line").at_line(1));
        }
        let header_line = raw.borrow_mut().line_of(&csv::Position::new());
        for (i, name) in header.iter().enumerate() {
            if header[..i].contains(name) {
                let error = InputError::new(path, "the header names this column twice").at_line(header_line);
                return Err(error.in_column(name.clone()));
            }
        }
        raw.borrow_mut().row_bytes = 0;
        let file = path.to_path_buf();
        Ok(Self { file, header, reader, record: csv::StringRecord::new(), raw, header_line })
    }

    /// The file's name as given.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// 1-based line of the header.
    pub fn header_line(&self) -> u64 {
        self.header_line
    }

    /// Names of the columns, in order.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Position of the column `name`.
    ///
    /// # Errors
    /// When there is no such column; the message lists those there are and suggests the nearest.
    pub fn column(&self, name: &str) -> Result<usize, InputError> {
        self.find(name).ok_or_else(|| {
            let have = self.header.join(", ");
            let error = InputError::new(&self.file, format!("the column is missing; there are: {have}"))
                .at_line(self.header_line)
                .in_column(name);
            match nearest(name, &self.header) {
                Some(near) => error.maybe(format!("`{near}` is meant; rename it to `{name}`")),
                None => error,
            }
        })
    }

    /// Position of the column `name`, if the file has it.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|h| h == name)
    }

    /// The next row, or `None` at the end of the file. Rows in which every field is blank are passed over:
    /// spreadsheets and editors leave such lines.
    ///
    /// # Errors
    /// When the row cannot be read (compression broken off, a row too long, not UTF-8) or has more or
    /// fewer fields than the header.
    pub fn next_row(&mut self) -> Result<Option<CsvRow<'_>>, InputError> {
        let line = loop {
            let before = self.reader.position().clone();
            let read = self.reader.read_record(&mut self.record);
            let line = self.raw.borrow_mut().line_of(&before);
            let more = read.map_err(|e| csv_error(&self.file, line, &e))?;
            self.raw.borrow_mut().row_bytes = 0;
            if !more {
                return Ok(None);
            }
            if !self.record.iter().all(str::is_empty) {
                break line;
            }
        };
        if self.record.len() != self.header.len() {
            let (have, want) = (self.record.len(), self.header.len());
            return Err(InputError::new(
                &self.file,
                format!("the row has {have} fields, expected {want} as in the header"),
            )
            .at_line(line));
        }
        Ok(Some(CsvRow { file: &self.file, header: &self.header, record: &self.record, line }))
    }
}

impl<'a> CsvRow<'a> {
    /// The file's name as given.
    pub(super) fn file(&self) -> &'a Path {
        self.file
    }

    /// 1-based line of the file.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The field as text, blanks trimmed.
    pub fn text(&self, column: usize) -> &'a str {
        self.record.get(column).unwrap_or("")
    }

    /// The field as a non-empty text.
    ///
    /// # Errors
    /// When the field is empty.
    pub fn name(&self, column: usize) -> Result<&'a str, InputError> {
        match self.text(column) {
            "" => Err(self.error(column, "is empty, expected a name")),
            name => Ok(name),
        }
    }

    /// The field as an integer within `min..=max`. `12.00` counts as 12, since spreadsheets write it so.
    ///
    /// # Errors
    /// When the field is empty, no whole number, not finite or out of bounds.
    pub fn integer(&self, column: usize, min: i64, max: i64) -> Result<i64, InputError> {
        let text = self.text(column);
        let expected = || self.error(column, format!("expected a whole number from {min} to {max}"));
        match decimal::whole(text) {
            Some(n) if (min..=max).contains(&n) => Ok(n),
            None if decimal::rounded(text).is_some() => {
                Err(expected().maybe("the unit is wrong: this column takes whole units"))
            }
            _ => Err(expected()),
        }
    }

    /// The field as a point in time in seconds, rounded to whole ones.
    ///
    /// # Errors
    /// When the field is empty, no number or out of bounds.
    pub fn seconds(&self, column: usize, min: i64, max: i64) -> Result<i64, InputError> {
        self.time(column, decimal::rounded, min, max)
    }

    /// The field as a point in time, or `None` when it is empty.
    ///
    /// # Errors
    /// As [`CsvRow::seconds`].
    pub fn seconds_or_empty(&self, column: usize, min: i64, max: i64) -> Result<Option<i64>, InputError> {
        if self.text(column).is_empty() { Ok(None) } else { self.seconds(column, min, max).map(Some) }
    }

    /// The field as a length of time in seconds, rounded to whole ones; what is above zero stays at least 1.
    ///
    /// # Errors
    /// As [`CsvRow::seconds`], or when it is negative.
    pub fn length_seconds(&self, column: usize, max: i64) -> Result<i64, InputError> {
        self.time(column, decimal::rounded_length, 0, max)
    }

    /// The field as a length of time, or `None` when it is empty.
    ///
    /// # Errors
    /// As [`CsvRow::length_seconds`].
    pub fn length_seconds_or_empty(&self, column: usize, max: i64) -> Result<Option<i64>, InputError> {
        if self.text(column).is_empty() { Ok(None) } else { self.length_seconds(column, max).map(Some) }
    }

    fn time(
        &self,
        column: usize,
        read: fn(&str) -> Option<i64>,
        min: i64,
        max: i64,
    ) -> Result<i64, InputError> {
        let value = read(self.text(column)).filter(|n| (min..=max).contains(n));
        value.ok_or_else(|| self.error(column, format!("expected a number of seconds from {min} to {max}")))
    }

    /// The field as an integer, or `None` when it is empty.
    ///
    /// # Errors
    /// As [`CsvRow::integer`].
    pub fn integer_or_empty(&self, column: usize, min: i64, max: i64) -> Result<Option<i64>, InputError> {
        if self.text(column).is_empty() { Ok(None) } else { self.integer(column, min, max).map(Some) }
    }

    /// An error about this row's field in `column`.
    pub fn error(&self, column: usize, problem: impl Into<String>) -> InputError {
        let error = InputError::new(self.file, problem).at_line(self.line).with_value(self.text(column));
        match self.header.get(column) {
            Some(name) => error.in_column(name.clone()),
            None => error,
        }
    }
}

/// Turns an error of the CSV or compression layer into ours.
pub(super) fn csv_error(path: &Path, line: u64, error: &csv::Error) -> InputError {
    let out = match error.kind() {
        csv::ErrorKind::Io(e) => return io_error(path, line, e),
        csv::ErrorKind::Utf8 { err, .. } => InputError::new(path, format!("is not UTF-8 text: {err}")),
        _ => InputError::new(path, format!("cannot be read as CSV: {error}")),
    };
    out.at_line(line)
}

/// Turns a read error met near `line` into ours, with a word on the usual cause.
pub(super) fn io_error(path: &Path, line: u64, error: &io::Error) -> InputError {
    let out = InputError::new(path, format!("cannot be read on: {error}")).at_line(line);
    match error.kind() {
        io::ErrorKind::UnexpectedEof => out.maybe("the compressed file was cut short; copy it again"),
        io::ErrorKind::InvalidInput => out.maybe("the compressed file is damaged; copy it again"),
        _ => out,
    }
}

/// The candidate within a few edits of `name`, for "Maybe ..." hints.
pub(super) fn nearest<'a>(name: &str, candidates: &'a [String]) -> Option<&'a str> {
    let best = candidates.iter().map(|c| (edit_distance(name, c), c.as_str())).min()?;
    (best.0 <= name.len().max(3) / 3).then_some(best.1)
}

/// Levenshtein distance, ignoring case.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &cb) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(ca != cb);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
