//! Archives that are the same bytes for the same files: in order of their names, of one time, owned by nobody in particular.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

use super::read;

/// A file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    path: String,
    mode: u32,
    content: Vec<u8>,
}

impl Entry {
    /// A file that is read.
    pub(super) fn file(path: &str, content: Vec<u8>) -> Self {
        Self { path: path.to_owned(), mode: 0o644, content }
    }

    /// A file that is run.
    pub(super) fn executable(path: &str, content: Vec<u8>) -> Self {
        Self { mode: 0o755, ..Self::file(path, content) }
    }
}

/// All files of a folder, under that name.
pub(super) fn folder(folder: &Path, name: &str) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for item in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let item = item.with_context(|| format!("cannot read {}", folder.display()))?;
        let path = item.path();
        let file = item.file_name();
        let file = file.to_str().with_context(|| format!("{} is no plain name", path.display()))?;
        let inside = if name.is_empty() { file.to_owned() } else { format!("{name}/{file}") };
        if path.is_dir() {
            entries.extend(self::folder(&path, &inside)?);
        } else {
            entries.push(Entry::file(&inside, read(&path)?));
        }
    }
    Ok(entries)
}

/// The files below one folder of that name, packed.
pub(super) fn packed(name: &str, mut entries: Vec<Entry>, unix_seconds: u64) -> Result<Vec<u8>> {
    entries.sort_by(|one, other| one.path.cmp(&other.path));
    let gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    let mut archive = Builder::new(gzip);
    for Entry { path, mode, content } in &entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(*mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(unix_seconds);
        header.set_size(content.len() as u64);
        archive
            .append_data(&mut header, format!("{name}/{path}"), content.as_slice())
            .with_context(|| format!("cannot pack {path}"))?;
    }
    let gzip = archive.into_inner().context("cannot pack")?;
    gzip.finish().context("cannot pack")
}
