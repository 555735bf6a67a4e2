//! Writes recordings: on a thread of its own, so that the loop hardly waits for a disk, into files of about an hour, of which the oldest are dropped
//! when they are too old or all are too large. What could not be written leaves a gap, which is counted and said; the next file begins
//! with the loop as it then stands.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use lepton_core::cycle::Cycle;

use super::form::{Begins, DeciderSettings, Head, Line};
use super::read::stretches;

/// Time after which a new file begins, seconds of the cluster's time.
const FILE_SECONDS: u64 = 3600;
/// Lines that may wait for the disk: few, since a line of a large cluster is tens of megabytes before it is packed.
const LINES_MAX: usize = 4;
/// How long a line waits for room: turns may come faster than they are packed, but a disk that hangs must not hold the loop.
const WAIT_MAX: Duration = Duration::from_millis(200);
/// Turns after which a recording that could not be written is begun again.
const TURNS_TO_TRY_AGAIN: u64 = 20;
/// A file has at most this share of the room for all.
const SHARE_OF_ROOM: u64 = 8;
/// Bytes of a MiB.
const MIB: u64 = 1 << 20;
/// How much of a line is packed at once.
const PIECES_BYTES: usize = 64 << 10;

/// What is recorded, and how much of it is kept.
#[derive(Debug, Clone)]
pub(crate) struct RecorderOptions {
    /// The folder of the files.
    pub(crate) folder: PathBuf,
    /// Hours of the cluster's time that are kept.
    pub(crate) hours: u64,
    /// Room for all files, MiB.
    pub(crate) mib_max: u64,
    pub(crate) head: Head,
}

/// What both sides know.
#[derive(Debug, Default)]
struct Shared {
    /// The file that is written has had its share.
    ended: AtomicBool,
    /// The file that is written lacks a line.
    broken: AtomicBool,
    /// Lines that were not written.
    lost: AtomicU64,
    /// Bytes in all files.
    bytes: AtomicU64,
}

/// A line on its way to the disk, with the head of the file that begins with it.
struct Sent {
    line: Line,
    head: Option<Box<Head>>,
}

/// Records a loop.
pub(crate) struct Recorder {
    /// None once it has ended.
    lines: Option<SyncSender<Sent>>,
    /// Of the next file.
    head: Head,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
    /// Where the file that is written begins; none where one must be begun.
    from_seconds: Option<u64>,
    /// Whether the last turn is in it.
    goes_on: bool,
    turns_to_wait: u64,
}

impl Recorder {
    /// Begins with the next turn.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub(crate) fn start(options: RecorderOptions) -> io::Result<Self> {
        fs::create_dir_all(&options.folder)?;
        let (lines, queue) = sync_channel(LINES_MAX);
        let (shared, head) = (Arc::new(Shared::default()), options.head.clone());
        let mut disk = Disk { options, shared: Arc::clone(&shared), file: None, file_bytes: 0, said: false };
        let write = move || disk.write_all(&queue);
        let thread = thread::Builder::new().name("recorder".to_owned()).spawn(write)?;
        Ok(Self {
            lines: Some(lines),
            head,
            thread: Some(thread),
            shared,
            from_seconds: None,
            goes_on: false,
            turns_to_wait: 0,
        })
    }

    /// A turn is about to be taken: whether its line is wanted. Where a file begins with it, what the loop believes is kept, and the turn is a
    /// whole one, as whoever plays the file knows no turn before it.
    pub(crate) fn wants(&mut self, cycle: &mut Cycle, now_seconds: u64, unix_seconds: u64) -> bool {
        if self.shared.broken.swap(false, Ordering::Relaxed) {
            self.leave_gap();
            self.turns_to_wait = TURNS_TO_TRY_AGAIN;
        }
        if self.shared.ended.swap(false, Ordering::Relaxed) {
            self.from_seconds = None;
        }
        let over = |from: u64| now_seconds.saturating_sub(from) >= FILE_SECONDS;
        if self.from_seconds.is_some_and(|from| !over(from)) {
            return true;
        }
        if self.turns_to_wait > 0 {
            self.turns_to_wait -= 1;
            return false;
        }
        let begins = Begins {
            time_seconds: now_seconds,
            unix_seconds,
            goes_on: self.goes_on,
            snapshot: cycle.snapshot().clone(),
            proposal: cycle.proposal().clone(),
        };
        cycle.forget_assessment();
        self.from_seconds = Some(now_seconds);
        let head = Some(Box::new(self.head.clone()));
        self.send(Sent { line: Line::Begins(Box::new(begins)), head })
    }

    /// It is decided otherwise from now on, by the model of this digest for the placement: what follows is in a file of its own, since
    /// the head of a file says how all of it was decided.
    pub(crate) fn decides_by(&mut self, decider: DeciderSettings, placement: &str) {
        self.head.decider = decider;
        self.head.models.insert("placement".to_owned(), placement.into());
        self.leave_gap();
    }

    /// Keeps a line, where the file that is written has all before it.
    pub(crate) fn keep(&mut self, line: Line) {
        if self.from_seconds.is_some() {
            self.goes_on = self.send(Sent { line, head: None });
        }
    }

    /// Something was not recorded: what follows does not go on from what was.
    pub(crate) fn leave_gap(&mut self) {
        (self.from_seconds, self.goes_on) = (None, false);
    }

    fn send(&mut self, sent: Sent) -> bool {
        let sent = self.lines.as_ref().is_some_and(|lines| send_in_time(lines, sent));
        if !sent {
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
            self.leave_gap();
            self.turns_to_wait = TURNS_TO_TRY_AGAIN;
        }
        sent
    }

    /// Lines that were lost, and the bytes of all files.
    pub(crate) fn figures(&self) -> (u64, u64) {
        (self.shared.lost.load(Ordering::Relaxed), self.shared.bytes.load(Ordering::Relaxed))
    }
}

/// What waits is still written.
impl Drop for Recorder {
    fn drop(&mut self) {
        self.lines = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been told.
            let _ = thread.join();
        }
    }
}

/// The side of the disk.
struct Disk {
    options: RecorderOptions,
    shared: Arc<Shared>,
    file: Option<File>,
    file_bytes: u64,
    /// Whether it was said that it cannot be written.
    said: bool,
}

impl Disk {
    fn write_all(&mut self, lines: &Receiver<Sent>) {
        for Sent { line, head } in lines {
            let begun = match (&line, head) {
                (Line::Begins(begins), Some(head)) => {
                    self.begin(head, begins.time_seconds, begins.unix_seconds)
                }
                _ => Ok(()),
            };
            match begun.and_then(|()| self.write(&line)) {
                Ok(()) => self.said = false,
                Err(error) => self.give_up(&error),
            }
        }
    }

    /// What is written is of no use without this line: the file ends here.
    fn give_up(&mut self, error: &io::Error) {
        self.file = None;
        self.shared.lost.fetch_add(1, Ordering::Relaxed);
        self.shared.broken.store(true, Ordering::Relaxed);
        if !self.said {
            self.said = true;
            let folder = self.options.folder.display();
            crate::output::note(&format!("the recording in {folder} has a gap: {error}"));
        }
    }

    fn begin(&mut self, head: Box<Head>, time_seconds: u64, unix_seconds: u64) -> io::Result<()> {
        self.file = None;
        self.drop_old(time_seconds)?;
        let path = self.options.folder.join(format!("{time_seconds:012}-{unix_seconds:012}.jsonl.gz"));
        let mut open = OpenOptions::new();
        self.file = Some(open.write(true).create(true).truncate(true).open(path)?);
        self.file_bytes = 0;
        self.write(&Line::Head(head))
    }

    fn write(&mut self, line: &Line) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let bytes = member(line)?;
        file.write_all(&bytes)?;
        self.file_bytes += bytes.len() as u64;
        self.shared.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        if self.file_bytes > self.options.mib_max * MIB / SHARE_OF_ROOM {
            self.shared.ended.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Drops what is too old, then the oldest until there is room for another file.
    fn drop_old(&mut self, now_seconds: u64) -> io::Result<()> {
        let room = self.options.mib_max * MIB / SHARE_OF_ROOM * (SHARE_OF_ROOM - 1);
        let oldest_seconds = now_seconds.saturating_sub(self.options.hours.saturating_mul(3600));
        let all = stretches(&self.options.folder)?;
        let mut bytes: u64 = all.iter().map(|stretch| size_of(&stretch.path)).sum();
        for stretch in &all {
            let is_old = stretch.to_seconds.is_some_and(|to| to <= oldest_seconds);
            if !is_old && bytes <= room {
                break;
            }
            bytes = bytes.saturating_sub(size_of(&stretch.path));
            fs::remove_file(&stretch.path)?;
        }
        self.shared.bytes.store(bytes, Ordering::Relaxed);
        Ok(())
    }
}

/// Whether the line was taken before it had waited for too long.
fn send_in_time(lines: &SyncSender<Sent>, mut line: Sent) -> bool {
    let begun = Instant::now();
    loop {
        match lines.try_send(line) {
            Ok(()) => return true,
            Err(TrySendError::Full(back)) if begun.elapsed() < WAIT_MAX => line = back,
            Err(_) => return false,
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn size_of(path: &Path) -> u64 {
    path.metadata().map_or(0, |about| about.len())
}

/// A line, packed by itself, so that a file that a kill cut off can be read up to there.
fn member(line: &Line) -> io::Result<Vec<u8>> {
    // A line comes in many small pieces, and the packer clears a buffer of its own for each that it is given.
    let mut pieces = BufWriter::with_capacity(PIECES_BYTES, GzEncoder::new(Vec::new(), Compression::fast()));
    serde_json::to_writer(&mut pieces, line)?;
    pieces.write_all(b"\n")?;
    pieces.into_inner()?.finish()
}
