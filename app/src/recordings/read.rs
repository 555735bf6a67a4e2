//! Reads recordings: which files there are, and their lines one by one.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use lepton_sim::readers::InputError;
use sha2::{Digest as _, Sha256};

use super::form::{End, KIND, Line, VERSION};
use crate::numbers::hex;

/// Where recordings are, in the folder of the store.
pub(crate) const FOLDER: &str = "recordings";
/// Longest line, bytes: the snapshot of a hundred thousand nodes with a million tasks.
const LINE_BYTES_MAX: u64 = 1 << 30;
/// Ending of the files.
const ENDING: &str = ".jsonl.gz";

/// A file of the service's own recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) path: PathBuf,
    /// Where it begins, seconds of the cluster's time.
    pub(crate) from_seconds: u64,
    /// Where the next one begins; none of the last.
    pub(crate) to_seconds: Option<u64>,
}

/// The files in a folder, the oldest first; others are left out.
///
/// # Errors
/// When the folder cannot be read.
pub(crate) fn stretches(folder: &Path) -> io::Result<Vec<Stretch>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let times = name.strip_suffix(ENDING).and_then(|name| name.split_once('-'));
        let parsed = times.and_then(|(from, unix)| Some((from.parse().ok()?, unix.parse::<u64>().ok()?)));
        if let Some((from_seconds, unix_seconds)) = parsed {
            all.push((unix_seconds, Stretch { path, from_seconds, to_seconds: None }));
        }
    }
    all.sort_by_key(|(unix_seconds, stretch)| (*unix_seconds, stretch.from_seconds));
    let mut all: Vec<Stretch> = all.into_iter().map(|(_, stretch)| stretch).collect();
    for at in 1..all.len() {
        all[at - 1].to_seconds = Some(all[at].from_seconds);
    }
    Ok(all)
}

/// The lines of a file.
pub(crate) struct Lines {
    path: PathBuf,
    reader: Box<dyn BufRead>,
    /// Whether it may end in the middle of a line, as a kill leaves it.
    may_be_cut: bool,
    number: u64,
    digest: Sha256,
    ended: bool,
}

impl Lines {
    /// Opens a file, packed with gzip or plain.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn open(path: &Path, may_be_cut: bool) -> Result<Self, InputError> {
        let cannot = |error: io::Error| {
            let said = InputError::new(path, format!("cannot be read: {error}"));
            if path.exists() { said } else { said.maybe("the path is mistyped") }
        };
        let mut raw = BufReader::new(File::open(path).map_err(cannot)?);
        let packed = raw.fill_buf().map_err(cannot)?.starts_with(&[0x1f, 0x8b]);
        let reader: Box<dyn BufRead> =
            if packed { Box::new(BufReader::new(MultiGzDecoder::new(raw))) } else { Box::new(raw) };
        let path = path.to_path_buf();
        Ok(Self { path, reader, may_be_cut, number: 0, digest: Sha256::new(), ended: false })
    }

    /// An error about the line that was read last.
    pub(crate) fn wrong(&self, said: String) -> InputError {
        InputError::new(&self.path, said).at_line(self.number)
    }

    /// The next line as it is written; none at the end.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn next_written(&mut self) -> Result<Option<Vec<u8>>, InputError> {
        let mut bytes = Vec::new();
        let read = (&mut self.reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes);
        let wrong = |number: u64, said: String| InputError::new(&self.path, said).at_line(number);
        match read {
            Err(_) if self.may_be_cut => return Ok(None),
            Err(error) => return Err(wrong(self.number + 1, format!("cannot be read: {error}"))),
            Ok(0) if self.may_be_cut || self.ended => return Ok(None),
            Ok(0) => {
                let said = "ends without its last line, expected `end`".to_owned();
                return Err(wrong(self.number + 1, said).maybe("it was cut off on its way"));
            }
            Ok(_) if !bytes.ends_with(b"\n") && self.may_be_cut => return Ok(None),
            Ok(_) => {}
        }
        self.number += 1;
        Ok(Some(bytes))
    }

    /// The next line; none at the end.
    ///
    /// # Errors
    /// When it is no line of a recording, and when the file is not as it was written.
    pub(crate) fn next(&mut self) -> Result<Option<Line>, InputError> {
        let Some(bytes) = self.next_written()? else { return Ok(None) };
        let wrong = |number: u64, said: String| InputError::new(&self.path, said).at_line(number);
        if self.ended {
            return Err(wrong(self.number, "something follows the last line".to_owned()));
        }
        let line: Line = serde_json::from_slice(&bytes)
            .map_err(|error| wrong(self.number, format!("is no line of a recording: {error}")))?;
        match &line {
            Line::Head(head) if head.kind != KIND || head.version != VERSION => {
                let said = format!(
                    "is `{}` version {}, expected `{KIND}` version {VERSION}",
                    head.kind, head.version
                );
                return Err(wrong(self.number, said).maybe("a later lepton wrote it"));
            }
            Line::End(End { lines, sha256 }) => {
                self.ended = true;
                let sum = hex(&self.digest.clone().finalize());
                if (*lines, sha256) != (self.number - 1, &sum) {
                    let said = format!(
                        "the lines before do not add up to what is said here: {} lines with {sum}",
                        self.number - 1
                    );
                    return Err(wrong(self.number, said).maybe("somebody has changed the file"));
                }
            }
            _ if self.number == 1 && !matches!(line, Line::Head(_)) => {
                return Err(wrong(1, "expected the head of a recording".to_owned()));
            }
            _ => {}
        }
        self.digest.update(&bytes);
        Ok(Some(line))
    }
}
