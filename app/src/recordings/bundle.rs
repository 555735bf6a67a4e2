//! A bundle: stretches of a recording in one file, with rows of the store, and a last line that says what all of it adds up to.

use std::io::{self, Write};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::form::{End, Kept, Line};
use crate::numbers::hex;

/// A bundle that is written.
pub(crate) struct Bundle<'a> {
    out: &'a mut dyn Write,
    lines: u64,
    digest: Sha256,
}

impl<'a> Bundle<'a> {
    pub(crate) fn begin(out: &'a mut dyn Write) -> Self {
        Self { out, lines: 0, digest: Sha256::new() }
    }

    /// Adds a line as it is written elsewhere.
    pub(crate) fn add(&mut self, line: &[u8]) -> io::Result<()> {
        self.lines += 1;
        self.digest.update(line);
        self.out.write_all(line)
    }

    /// Adds a row of the store.
    pub(crate) fn add_row(&mut self, table: &str, row: Value) -> io::Result<()> {
        self.add(&written(&Line::Kept(Kept { table: table.to_owned(), row }))?)
    }

    /// Ends it.
    pub(crate) fn end(self) -> io::Result<()> {
        let end = End { lines: self.lines, sha256: hex(&self.digest.finalize()) };
        self.out.write_all(&written(&Line::End(end))?)
    }
}

fn written(line: &Line) -> io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    Ok(bytes)
}
