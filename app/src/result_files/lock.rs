//! One process at a time into a file: a lock beside it, which the kernel gives back however its owner ends, also by
//! SIGKILL. The lock file holds the owner's process id, for the one that is refused.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{ResultFile, Target, with_ending};
use crate::failure::Failure;
use crate::stop::{self, Leftover};

/// Turns that are taken to lock a file that another process has just removed.
const TURNS: usize = 100;

/// A lock, held until it is dropped.
pub(crate) struct FileLock {
    path: PathBuf,
    /// Holds the lock while it is open.
    _file: File,
    _leftover: Leftover,
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // The lock is still held: nobody else takes it before the file is gone. A file that stays does no harm.
        let _ = fs::remove_file(&self.path);
    }
}

impl ResultFile {
    /// Keeps other processes from writing to this file for as long as the lock is held; `work` says what for. Devices
    /// and pipes have none.
    ///
    /// # Errors
    /// When another process holds it: its process id.
    pub(crate) fn lock(&self, work: &str) -> Result<Option<FileLock>, Failure> {
        let Target::Replaced(path) = &self.target else { return Ok(None) };
        let path = with_ending(path, ".lock");
        match locked(&path) {
            Ok(Ok(file)) => {
                let left = path.clone();
                let leftover = stop::leftover(move || drop(fs::remove_file(left)));
                Ok(Some(FileLock { path, _file: file, _leftover: leftover }))
            }
            Ok(Err(owner)) => Err(Failure::Input(format!(
                "{} {}: {owner} is {work} into it. Maybe wait for it, or name another file",
                self.option,
                self.path.display()
            ))),
            Err(e) => {
                Err(Failure::Input(format!("{} {}: cannot be locked: {e}", self.option, self.path.display())))
            }
        }
    }
}

/// The locked file with our process id in it, or who holds it.
fn locked(path: &Path) -> io::Result<Result<File, String>> {
    for _ in 0..TURNS {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                file.read_to_string(&mut owner)?;
                let owner = owner.trim();
                let owner =
                    if owner.is_empty() { "another process".to_owned() } else { format!("process {owner}") };
                return Ok(Err(owner));
            }
            Err(TryLockError::Error(e)) => return Err(e),
        }
        // Between opening and locking, the one before may have removed it.
        let ours = file.metadata()?;
        if fs::metadata(path).is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino())) {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())?;
            return Ok(Ok(file));
        }
    }
    Err(io::Error::other("it is removed again and again"))
}
