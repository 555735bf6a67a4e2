//! The numbers of a file, one after the other. Plain ones that lie whole in the buffer, nearly all, are read
//! straight from its bytes; whatever else is there goes through one careful path, which also knows what to say.

use std::io::BufRead;
use std::path::Path;

use lepton_core::decide::rebalance::REBALANCE_AMOUNT_MAX;

use super::super::InputError;
use super::super::csv_table::io_error;

/// Longest number as text; all that are allowed are shorter.
const NUMBER_CHARS_MAX: usize = 40;
/// A number of so many digits still fits 64 bits.
const QUICK_DIGITS_MAX: usize = 19;

/// The numbers of a file with the line that each stands on.
pub(super) struct Numbers<'a> {
    path: &'a Path,
    input: Box<dyn BufRead>,
    line: u64,
    word: String,
}

impl<'a> Numbers<'a> {
    pub(super) fn new(path: &'a Path, input: Box<dyn BufRead>) -> Self {
        Self { path, input, line: 1, word: String::new() }
    }

    /// The next number, which is `what` of the `of`th thing of its section.
    pub(super) fn next_of(&mut self, what: &str, of: u64, min: u64, max: u64) -> Result<u64, InputError> {
        self.one(min, max, || format!("{what} {of}"))
    }

    /// The next number, of which there is only one.
    pub(super) fn next(&mut self, what: &str, min: u64, max: u64) -> Result<u64, InputError> {
        self.one(min, max, || what.to_owned())
    }

    /// A row of amounts.
    pub(super) fn row(&mut self, what: &str, of: u64, length: usize) -> Result<Vec<u64>, InputError> {
        let mut row = Vec::with_capacity(length);
        self.each_of_row(what, of, length, |value| row.push(value))?;
        Ok(row)
    }

    /// A row of amounts, one after the other.
    pub(super) fn each_of_row(
        &mut self,
        what: &str,
        of: u64,
        length: usize,
        mut take: impl FnMut(u64),
    ) -> Result<(), InputError> {
        let mut i = 0;
        while i < length {
            let quick = self.quick(length - i, 0, REBALANCE_AMOUNT_MAX, &mut take)?;
            i += quick;
            if quick == 0 {
                let name = || format!("{what} {of}, number {i} of 0 to {}", length - 1);
                take(self.careful(0, REBALANCE_AMOUNT_MAX, name)?);
                i += 1;
            }
        }
        Ok(())
    }

    /// Confirms that nothing is left.
    pub(super) fn end(&mut self, after: &str) -> Result<(), InputError> {
        let line = self.advance()?;
        if self.word.is_empty() {
            return Ok(());
        }
        Err(InputError::new(self.path, format!("expected the end of the file after {after}"))
            .at_line(line)
            .with_value(&self.word))
    }

    fn one(&mut self, min: u64, max: u64, name: impl FnOnce() -> String) -> Result<u64, InputError> {
        let mut value = 0;
        match self.quick(1, min, max, &mut |v| value = v)? {
            0 => self.careful(min, max, name),
            _ => Ok(value),
        }
    }

    /// Takes plain numbers within the bounds that lie whole in the buffer, at most `count`, up to the first
    /// thing that is anything else. Gives how many there were.
    fn quick(
        &mut self,
        count: usize,
        min: u64,
        max: u64,
        take: &mut impl FnMut(u64),
    ) -> Result<usize, InputError> {
        let buffer = self.input.fill_buf().map_err(|e| io_error(self.path, self.line, &e))?;
        let (mut used, mut taken) = (0, 0);
        while taken < count {
            let mut lines = 0;
            let mut at = used;
            while at < buffer.len() && buffer[at].is_ascii_whitespace() {
                lines += u64::from(buffer[at] == b'\n');
                at += 1;
            }
            let start = at;
            let mut value = 0_u64;
            while at < buffer.len() && buffer[at].is_ascii_digit() && at - start < QUICK_DIGITS_MAX {
                value = value * 10 + u64::from(buffer[at] - b'0');
                at += 1;
            }
            let whole = at > start && at < buffer.len() && buffer[at].is_ascii_whitespace();
            if !whole || value < min || value > max {
                break;
            }
            take(value);
            self.line += lines;
            used = at;
            taken += 1;
        }
        self.input.consume(used);
        Ok(taken)
    }

    fn careful(&mut self, min: u64, max: u64, name: impl FnOnce() -> String) -> Result<u64, InputError> {
        let line = self.advance()?;
        let value = self.word.parse().ok().filter(|value| (min..=max).contains(value));
        value.ok_or_else(|| self.refuse(line, name(), min, max))
    }

    /// The next word into `word`, empty at the end; and the line it stands on.
    fn advance(&mut self) -> Result<u64, InputError> {
        self.word.clear();
        loop {
            let buffer = self.input.fill_buf().map_err(|e| io_error(self.path, self.line, &e))?;
            if buffer.is_empty() {
                return Ok(self.line);
            }
            for (i, &byte) in buffer.iter().enumerate() {
                if !byte.is_ascii_whitespace() {
                    if self.word.len() <= NUMBER_CHARS_MAX {
                        self.word.push(char::from(byte));
                    }
                } else if self.word.is_empty() {
                    self.line += u64::from(byte == b'\n');
                } else {
                    self.input.consume(i);
                    return Ok(self.line);
                }
            }
            let all = buffer.len();
            self.input.consume(all);
        }
    }

    fn refuse(&self, line: u64, column: String, min: u64, max: u64) -> InputError {
        if self.word.is_empty() {
            let problem = format!("the file ends here, expected a whole number from {min} to {max}");
            return InputError::new(self.path, problem).at_line(line).in_column(column);
        }
        InputError::new(self.path, format!("expected a whole number from {min} to {max}"))
            .at_line(line)
            .in_column(column)
            .with_value(&self.word)
    }
}
