//! Where a result goes: what lies at a path, and how it is written without harm to what was there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use super::packed::Packed;
use crate::stop;

/// What writers write to.
pub(crate) type Out = Packed<BufWriter<Box<dyn Write>>>;

/// A named pipe is given this long to be opened by its reader.
const READER_WAIT: Duration = Duration::from_secs(5);
/// Links are followed so often, as the kernel does.
const LINKS_MAX: usize = 40;

/// A file as the file system knows it, whatever its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Identity {
    /// Device and inode number.
    Known(u64, u64),
    /// Not there yet: the folder's device and inode number, and the name in it.
    New(u64, u64, PathBuf),
}

/// What lies at a path.
#[derive(Debug)]
pub(super) enum Target {
    /// A regular file, or nothing yet: written beside and renamed. Links are resolved.
    Replaced(PathBuf),
    /// A device or pipe, open: written through.
    Through(File),
    /// What stdout is, under a name for it.
    Stdout,
}

impl Target {
    /// Finds out what lies at the path and that it can be written. The error says what is wrong with it.
    pub(super) fn at(path: &Path) -> Result<Self, String> {
        let cannot = |e: io::Error| format!("cannot be written: {e}");
        let there = match fs::metadata(path) {
            Ok(there) => Some(there),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(cannot(e)),
        };
        let Some(there) = there else {
            let path = resolved(path).map_err(cannot)?;
            check_folder(&path)?;
            return Ok(Self::Replaced(path));
        };
        if there.is_dir() {
            return Err("is a directory, expected a file".to_owned());
        }
        let stdout = fs::metadata("/dev/stdout").is_ok_and(|o| same(&o, &there));
        if stdout && (path.starts_with("/dev") || path.starts_with("/proc")) {
            return Ok(Self::Stdout);
        }
        if there.is_file() {
            if stdout {
                return Err("is where stdout goes already".to_owned());
            }
            OpenOptions::new().write(true).open(path).map_err(cannot)?;
            let path = fs::canonicalize(path).map_err(cannot)?;
            check_folder(&path)?;
            return Ok(Self::Replaced(path));
        }
        if there.file_type().is_socket() {
            return Err("is a socket, expected a file".to_owned());
        }
        open_through(path).map(Self::Through)
    }

    /// Opens it to be written, packed as the ending of `name` says.
    pub(super) fn open(&self, name: &Path, previous: Option<PathBuf>) -> io::Result<Writing> {
        let (to, place): (Box<dyn Write>, _) = match self {
            Self::Replaced(path) => {
                let beside = Beside::new(path)?;
                (Box::new(beside.file.try_clone()?), Some(Place { beside, path: path.clone(), previous }))
            }
            Self::Through(file) => (Box::new(file.try_clone()?), None),
            Self::Stdout => (Box::new(io::stdout()), None),
        };
        let out = Packed::by_name(name, BufWriter::with_capacity(1 << 16, to))?;
        Ok(Writing { out, place })
    }
}

/// A result that is being written. Dropped before its end, it leaves a regular file as it was.
pub(crate) struct Writing {
    out: Out,
    place: Option<Place>,
}

impl Writing {
    /// What to write to.
    pub(crate) fn out(&mut self) -> &mut Out {
        &mut self.out
    }

    /// Ends it: a regular file is there from now on.
    pub(super) fn finish(self) -> io::Result<()> {
        self.out.finish()?;
        self.place.map_or(Ok(()), Place::take)
    }
}

/// The place that a complete file takes.
struct Place {
    beside: Beside,
    path: PathBuf,
    /// Where the file goes that was there, if it is kept.
    previous: Option<PathBuf>,
}

impl Place {
    /// Puts the file into its place: killed at any moment, either the old or the new one is there.
    fn take(self) -> io::Result<()> {
        let Self { beside, path, previous } = self;
        let old = fs::metadata(&path).ok();
        if let Some(old) = &old {
            fs::set_permissions(&beside.path, old.permissions())?;
            let made = fs::metadata(&beside.path)?;
            if (made.uid(), made.gid()) != (old.uid(), old.gid()) {
                // Only a privileged user may give files away; otherwise it is the writer's.
                let _ = chown(&beside.path, Some(old.uid()), Some(old.gid()));
            }
        }
        beside.file.sync_all()?;
        if let (Some(previous), Some(_)) = (previous, &old) {
            let copy = Beside::new(&path)?;
            fs::copy(&path, &copy.path)?;
            copy.file.sync_all()?;
            fs::rename(&copy.path, previous)?;
        }
        if old.is_some_and(|old| old.nlink() > 1) {
            // Its other names must go on leading to the same file.
            fs::copy(&beside.path, &path)?;
            return OpenOptions::new().write(true).open(&path)?.sync_all();
        }
        fs::rename(&beside.path, &path)?;
        File::open(folder_of(&path))?.sync_all()
    }
}

pub(super) fn identity(path: &Path) -> Option<Identity> {
    match fs::metadata(path) {
        Ok(there) => Some(Identity::Known(there.dev(), there.ino())),
        Err(_) => {
            let path = resolved(path).ok()?;
            let folder = fs::metadata(folder_of(&path)).ok()?;
            Some(Identity::New(folder.dev(), folder.ino(), PathBuf::from(path.file_name()?)))
        }
    }
}

fn same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Opening a pipe waits for its reader: for a while, then it is refused.
fn open_through(path: &Path) -> Result<File, String> {
    let (sender, opened) = channel();
    let to_open = path.to_path_buf();
    thread::spawn(move || {
        // Nobody listens any more if this took too long.
        let _ = sender.send(OpenOptions::new().write(true).open(to_open));
    });
    match opened.recv_timeout(READER_WAIT) {
        Ok(file) => file.map_err(|e| format!("cannot be written: {e}")),
        Err(_) => Err(format!("is a pipe that nobody has opened to read within {READER_WAIT:?}")),
    }
}

/// The file that a link which leads to nothing yet stands for; other paths as they are.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..LINKS_MAX {
        match fs::read_link(&path) {
            Ok(to) => path = folder_of(&path).join(to),
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many links"))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Whether a file can be made beside the path.
fn check_folder(path: &Path) -> Result<(), String> {
    let folder = folder_of(path);
    if path.file_name().is_none() || path.as_os_str().to_string_lossy().ends_with('/') {
        return Err("names no file".to_owned());
    }
    match fs::metadata(folder) {
        Ok(there) if there.is_dir() => {}
        Ok(_) => return Err(format!("cannot be written: {} is no folder", folder.display())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err(format!("cannot be written: there is no folder {}", folder.display()));
        }
        Err(e) => return Err(format!("cannot be written: {e}")),
    }
    let probe = Beside::new(path).map_err(|e| format!("no file can be made in {}: {e}", folder.display()))?;
    drop(probe);
    Ok(())
}

/// A file beside another, to take its place when it is complete. Removed if it does not come to that.
struct Beside {
    path: PathBuf,
    file: File,
    _leftover: stop::Leftover,
}

impl Beside {
    fn new(path: &Path) -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let beside = folder_of(path).join(format!(".lepton-{}-{number}.new", std::process::id()));
        let to_remove = beside.clone();
        let leftover = stop::leftover(move || drop(fs::remove_file(to_remove)));
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&beside)?;
        Ok(Self { path: beside, file, _leftover: leftover })
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // Not there any more when it has been renamed.
        let _ = fs::remove_file(&self.path);
    }
}
