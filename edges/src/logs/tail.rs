//! One file that is followed: lines as they are written to its end, and whether it still has what was read of it.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::time::{Duration, Instant};

use lepton_core::model::digest::fnv;
use serde::{Deserialize, Serialize};

/// What is read of a line at most; the rest of it is left out.
pub(super) const LINE_BYTES_MAX: usize = 64 << 10;
/// Bytes that are read at once.
const CHUNK_BYTES: usize = 64 << 10;
/// Bytes by which a file is known again: of its beginning, and of what was read last.
const CHECK_BYTES: usize = 256;
/// Two changes that are nearer than this may have the same time.
const TICK: Duration = Duration::from_secs(2);

/// A line as it was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) bytes: &'a [u8],
    /// Whether it was longer.
    pub(super) is_cut: bool,
    /// Whether it was there when the file was first seen.
    pub(super) is_old: bool,
}

/// What some bytes were, without keeping them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Check {
    bytes: u64,
    hash: u64,
}

impl Check {
    fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u64, hash: fnv(bytes.iter().map(|byte| u64::from(*byte))) }
    }
}

/// Up to where a file was read, and how it is known again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) device: u64,
    pub(super) inode: u64,
    /// The beginning of the first line that was not read to its end.
    pub(super) offset: u64,
    /// What was there when the file was first seen ends here.
    pub(super) old_until: u64,
    head: Check,
    before: Check,
}

impl Place {
    /// Whether the file of that place is this one, or a copy of it: it has what was read. One of which nothing was read is known by device and inode
    /// alone.
    pub(super) fn is_it(&self, file: &File) -> bool {
        let Ok(of) = file.metadata() else { return false };
        if self.head.bytes == 0 && id(&of) != (self.device, self.inode) {
            return false;
        }
        let size = of.size();
        let is = |check: Check, at: u64| Check::of(&read_at(file, at, check.bytes)) == check;
        size >= self.offset
            && self.before.bytes <= self.offset
            && is(self.head, 0)
            && is(self.before, self.offset - self.before.bytes)
    }
}

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Begin {
    Start,
    /// Behind the last line that is over.
    End,
    Place(Place),
}

/// The file.
#[derive(Debug)]
pub(super) struct Tail {
    file: File,
    id: (u64, u64),
    /// Where reading goes on.
    next: u64,
    /// The beginning of the line that is not over, and what is kept of it.
    line_at: u64,
    line: Vec<u8>,
    is_cut: bool,
    old_until: u64,
    /// The first bytes, and those before the line and before `next`.
    head: Vec<u8>,
    before: Vec<u8>,
    seen: Vec<u8>,
    /// How the file was when it was looked at last: size and when it changed; and since when it is so.
    looked: (u64, i64, i64),
    looked_at: Instant,
}

/// How it went on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Went {
    /// All that there is was read.
    AtEnd,
    /// There is more.
    On,
    /// The file has no longer what was read of it.
    Lost,
}

impl Tail {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn open(path: &Path, from: Begin) -> io::Result<Self> {
        Self::begin(File::open(path)?, from)
    }

    /// The file begins anew: it was cut down, or others were written into it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn again(&self) -> io::Result<Self> {
        Self::begin(self.file.try_clone()?, Begin::Start)
    }

    fn begin(file: File, from: Begin) -> io::Result<Self> {
        let of = file.metadata()?;
        let (offset, old_until) = match from {
            Begin::Start => (0, of.size()),
            Begin::End => {
                let last =
                    read_at(&file, of.size().saturating_sub(LINE_BYTES_MAX as u64), LINE_BYTES_MAX as u64);
                let rest = last.iter().rev().position(|byte| *byte == b'\n').unwrap_or(last.len());
                (of.size().saturating_sub(rest as u64), of.size())
            }
            Begin::Place(place) => (place.offset, place.old_until),
        };
        // More than was read may be known: of a line that is not over.
        let head_bytes = match from {
            Begin::Place(place) => place.head.bytes.max(offset),
            _ => offset,
        };
        let head = read_at(&file, 0, head_bytes.min(CHECK_BYTES as u64));
        let kept = offset.min(CHECK_BYTES as u64);
        let before = read_at(&file, offset - kept, kept);
        Ok(Self {
            id: id(&of),
            next: offset,
            line_at: offset,
            line: Vec::new(),
            is_cut: false,
            old_until,
            head,
            seen: before.clone(),
            before,
            looked: (0, 0, 0),
            looked_at: Instant::now(),
            file,
        })
    }

    /// Device and inode.
    pub(super) fn id(&self) -> (u64, u64) {
        self.id
    }

    /// Digest of its beginning, as far as that was read.
    pub(super) fn head(&self) -> u64 {
        Check::of(&self.head).hash
    }

    /// Up to where it was read.
    pub(super) fn place(&self) -> Place {
        Place {
            device: self.id.0,
            inode: self.id.1,
            offset: self.line_at,
            old_until: self.old_until,
            head: Check::of(&self.head),
            before: Check::of(&self.before),
        }
    }

    /// Reads on, so many bytes at most, and hands over each line that is over.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn read(&mut self, bytes_max: usize, take: &mut dyn FnMut(Line<'_>)) -> io::Result<Went> {
        let of = self.file.metadata()?;
        let looked = (of.size(), of.mtime(), of.mtime_nsec());
        if looked != self.looked {
            (self.looked, self.looked_at) = (looked, Instant::now());
        } else if of.size() == self.next && self.looked_at.elapsed() > TICK {
            return Ok(Went::AtEnd);
        }
        if !self.has_what_was_read(of.size()) {
            return Ok(Went::Lost);
        }
        let mut left = bytes_max;
        while left > 0 {
            let chunk = read_at(&self.file, self.next, CHUNK_BYTES.min(left) as u64);
            if chunk.is_empty() {
                // It may have been cut down just now, which the next look finds.
                let has_more = self.file.metadata()?.size() > self.next;
                let cannot = || io::Error::other(format!("nothing can be read at byte {}", self.next));
                return if has_more { Err(cannot()) } else { Ok(Went::AtEnd) };
            }
            left -= chunk.len();
            self.take(&chunk, take);
        }
        // Where it did not change between, this is looked at again.
        self.looked = (0, 0, 0);
        Ok(Went::On)
    }

    /// The line that is not over is taken as over: no more comes.
    pub(super) fn finish(&mut self, take: &mut dyn FnMut(Line<'_>)) {
        if !self.line.is_empty() {
            self.hand_over(take);
            (self.line_at, self.before) = (self.next, self.seen.clone());
        }
    }

    fn has_what_was_read(&self, size: u64) -> bool {
        let is = |bytes: &[u8], at: u64| read_at(&self.file, at, bytes.len() as u64) == bytes;
        size >= self.next && is(&self.head, 0) && is(&self.seen, self.next - self.seen.len() as u64)
    }

    fn take(&mut self, chunk: &[u8], take: &mut dyn FnMut(Line<'_>)) {
        let head_end = self.next.checked_add(chunk.len() as u64).map_or(0, |end| end.min(CHECK_BYTES as u64));
        let known = self.head.len() as u64;
        if self.next <= known && known < head_end {
            self.head
                .extend_from_slice(&chunk[(known - self.next) as usize..(head_end - self.next) as usize]);
        }
        let (begun, mut rest) = (self.next, chunk);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.add(&rest[..end]);
            self.hand_over(take);
            rest = &rest[end + 1..];
            self.line_at = begun + (chunk.len() - rest.len()) as u64;
        }
        let over = chunk.len() - rest.len();
        if over > 0 {
            self.before = last_of(&self.seen, &chunk[..over]);
        }
        self.add(rest);
        self.seen = last_of(&self.seen, chunk);
        self.next += chunk.len() as u64;
    }

    fn add(&mut self, bytes: &[u8]) {
        let room = LINE_BYTES_MAX - self.line.len();
        self.is_cut |= bytes.len() > room;
        self.line.extend_from_slice(&bytes[..room.min(bytes.len())]);
    }

    fn hand_over(&mut self, take: &mut dyn FnMut(Line<'_>)) {
        let is_old = self.line_at < self.old_until;
        take(Line { bytes: &self.line, is_cut: self.is_cut, is_old });
        self.line.clear();
        self.is_cut = false;
    }
}

/// Device and inode of a file.
pub(super) fn id(of: &Metadata) -> (u64, u64) {
    (of.dev(), of.ino())
}

/// The last bytes of one text after the other.
fn last_of(one: &[u8], other: &[u8]) -> Vec<u8> {
    let of_other = &other[other.len().saturating_sub(CHECK_BYTES)..];
    let of_one = &one[one.len().saturating_sub(CHECK_BYTES - of_other.len())..];
    [of_one, of_other].concat()
}

/// What is in a file there; less where it ends before or cannot be read.
fn read_at(file: &File, at: u64, bytes: u64) -> Vec<u8> {
    let mut read = vec![0; bytes as usize];
    let mut filled = 0;
    while filled < read.len() {
        match file.read_at(&mut read[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    read.truncate(filled);
    read
}
