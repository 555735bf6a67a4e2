//! A run that was stopped at some second, as a file. One line says which run it is of and what the rest must be, the other
//! holds the state.
//!
//! It deliberately holds neither jobs nor options: they are given again, and must be the same.

use std::io::{self, BufRead as _, BufReader, Read as _, Write};
use std::path::Path;

use lepton_core::model::digest::fnv;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::jobs::{Recorder, State};
use crate::readers::{InputError, unpacked};

/// What the first line begins with.
const KIND: &str = "lepton jobs run";
/// Form of the state; goes up when it changes.
const FORM: u32 = 5;
/// Longest first line, in bytes.
const HEADER_BYTES_MAX: u64 = 1 << 20;
/// Longest state read, in bytes.
const SAVED_BYTES_MAX: u64 = 8 << 30;

/// The state of a run that was stopped.
#[derive(Debug, Clone)]
pub struct SavedRun {
    header: Header,
    body: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Header {
    kind: String,
    form: u32,
    /// Which run: what it was given, by name.
    run: Vec<(String, String)>,
    /// All that happens up to this second is done.
    stopped_at_seconds: i64,
    /// Length and check sum of the state.
    bytes: u64,
    checksum: u64,
}

impl SavedRun {
    /// Reads a file that [`SavedRun::write`] has written.
    ///
    /// # Errors
    /// When it cannot be read, is no saved run, is one of another form, or is damaged.
    pub fn read(path: &Path) -> Result<Self, InputError> {
        let wrong = |problem: String| InputError::new(path, problem);
        let damaged = || wrong("is damaged: the state is not as it was saved".to_owned());
        let cannot = |e: io::Error| wrong(format!("cannot be read: {e}"));
        let foreign = || wrong("is no saved run of jobs".to_owned()).maybe("it was not written by --save");
        let mut file = BufReader::new(unpacked(path)?);
        let mut line = Vec::new();
        file.by_ref().take(HEADER_BYTES_MAX).read_until(b'\n', &mut line).map_err(cannot)?;
        let header: Header = serde_json::from_slice(&line).map_err(|_| foreign())?;
        if header.kind != KIND {
            return Err(foreign());
        }
        if header.form != FORM {
            let problem = format!("has the form {}, this version reads {FORM}", header.form);
            return Err(wrong(problem).maybe("it was saved by another version of Lepton"));
        }
        if header.bytes > SAVED_BYTES_MAX {
            return Err(wrong(format!("is longer than the limit of {SAVED_BYTES_MAX} bytes")));
        }
        let mut body = Vec::new();
        file.take(header.bytes + 1).read_to_end(&mut body).map_err(cannot)?;
        if body.len() as u64 != header.bytes || checksum(&body) != header.checksum {
            return Err(damaged().maybe("it was cut short or changed; save it again"));
        }
        let body = String::from_utf8(body).map_err(|_| damaged())?;
        Ok(Self { header, body })
    }

    /// The second up to which everything is done.
    pub fn stopped_at_seconds(&self) -> i64 {
        self.header.stopped_at_seconds
    }

    /// Writes it.
    ///
    /// # Errors
    /// When writing fails.
    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer(&mut *to, &self.header)?;
        to.write_all(b"\n")?;
        to.write_all(self.body.as_bytes())?;
        to.flush()
    }

    pub(super) fn of<M: Serialize>(
        run: Vec<(String, String)>,
        stopped_at_seconds: i64,
        state: &State<M>,
        recorder: &Recorder,
    ) -> io::Result<Self> {
        let body = serde_json::to_string(&(state, recorder))?;
        let (bytes, checksum) = (body.len() as u64, checksum(body.as_bytes()));
        Ok(Self {
            header: Header { kind: KIND.to_owned(), form: FORM, run, stopped_at_seconds, bytes, checksum },
            body,
        })
    }

    /// Which run it is of: what that was given, by name.
    pub(super) fn run(&self) -> &[(String, String)] {
        &self.header.run
    }

    /// The state, or why it cannot be taken up.
    pub(super) fn state<M: DeserializeOwned>(&self) -> Result<(State<M>, Recorder), String> {
        serde_json::from_str(&self.body).map_err(|e| format!("the saved run cannot be taken up: {e}"))
    }
}

/// FNV-1a: against accidents, not against intent.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    fnv(bytes.iter().map(|&byte| u64::from(byte)))
}
