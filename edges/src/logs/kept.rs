//! What is kept on the disk: up to where files and the journal were read, together with the signs that were found up to there and the loop may not have
//! kept. It is written whole, beside the file and then in its place, so one never stands there without the other.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::follow::KeptFile;
use crate::real_source::FaultMessages;
use crate::signs::Numbered;

/// The file's name in the folder of the store.
const FILE: &str = "logs.json";
/// Version of its form.
const VERSION: u32 = 1;

/// Why it cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// It cannot be read.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// It is not as it was written.
    #[error("{path}: {error}. Without it, logs are read as at the first start")]
    Form {
        /// The file.
        path: String,
        /// What is wrong.
        error: serde_json::Error,
    },
    /// A later lepton wrote it.
    #[error("{path} has version {found}, known is {VERSION}. Maybe a later lepton wrote it")]
    Newer {
        /// The file.
        path: String,
        /// Its version.
        found: u32,
    },
}

/// Up to where the journal was read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct JournalPlace {
    /// The last entry that was read.
    pub(super) cursor: Option<String>,
    /// Where there is none yet: what was written after this is read, seconds since 1970; all there is where this is missing too.
    pub(super) since_seconds: Option<u64>,
    /// What was written before was there when the journal was followed for the first time, seconds since 1970.
    #[serde(default)]
    pub(super) old_until_seconds: u64,
}

/// All that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    version: u32,
    /// Patterns of files that were followed: what is there of one that is new is history.
    #[serde(default)]
    pub(super) patterns: Vec<String>,
    #[serde(default)]
    pub(super) files: Vec<KeptFile>,
    #[serde(default)]
    pub(super) journal: Option<JournalPlace>,
    /// The number of the last sign that was found.
    pub(super) last_number: u64,
    /// Signs that the loop may not have kept, in order.
    #[serde(default)]
    pub(super) signs: Vec<Numbered>,
    /// What was found, by node and fault.
    #[serde(default)]
    pub(super) faults: Vec<FaultMessages>,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            version: VERSION,
            patterns: Vec::new(),
            files: Vec::new(),
            journal: None,
            last_number: 0,
            signs: Vec::new(),
            faults: Vec::new(),
        }
    }
}

/// Where it is.
#[derive(Debug, Clone)]
pub(super) struct Place {
    folder: PathBuf,
}

impl Place {
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// What is kept; nothing before the first time.
    pub(super) fn read(&self) -> Result<Kept, KeptError> {
        let file = self.folder.join(FILE);
        let path = || file.display().to_string();
        let text = match fs::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::default()),
            Err(error) => return Err(KeptError::Io { path: path(), error }),
        };
        let kept: Kept =
            serde_json::from_slice(&text).map_err(|error| KeptError::Form { path: path(), error })?;
        if kept.version > VERSION {
            return Err(KeptError::Newer { path: path(), found: kept.version });
        }
        Ok(kept)
    }

    /// Keeps this in the place of what was kept.
    ///
    /// # Errors
    /// When it cannot be written; then what was kept before stands.
    pub(super) fn write(&self, kept: &Kept) -> io::Result<()> {
        let (file, new) = (self.folder.join(FILE), self.folder.join(format!("{FILE}.new")));
        let mut into = File::create(&new)?;
        into.write_all(&serde_json::to_vec(kept).map_err(io::Error::other)?)?;
        into.sync_all()?;
        fs::rename(&new, &file)?;
        File::open(&self.folder)?.sync_all()
    }
}
