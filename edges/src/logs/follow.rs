//! The files that are followed: which there are by now, what became of those that were rotated away, and what came.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use lepton_core::model::digest::fnv;
use serde::{Deserialize, Serialize};

use super::pattern::{FilePattern, Meant};
use super::tail::{self, Begin, Line, Place, Tail, Went};

/// Most files that are followed.
const FILES_MAX: usize = 20_000;
/// Whoever writes may go on for so long with a file that was rotated away, seconds.
const ROTATED_SECONDS: u64 = 60;
/// Bytes of one file that are read before the next has its turn.
const TURN_BYTES: usize = 1 << 20;
/// One that is nowhere to be found is known again for so long, seconds: its folder may have been away.
const GONE_SECONDS: u64 = 86_400;
/// Files that are named of those that are gone.
const LOST_MAX: usize = 5;

/// A file as it is kept over a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptFile {
    path: PathBuf,
    node: String,
    place: Place,
    /// Since when it is nowhere to be found, seconds since 1970.
    #[serde(default)]
    gone_seconds: Option<u64>,
}

/// A file.
#[derive(Debug)]
struct Followed {
    path: PathBuf,
    node: String,
    tail: Tail,
    /// Of one that is no longer where it was: until when more may come, seconds since 1970.
    until_seconds: Option<u64>,
    /// Whether it is what is left of one that was rotated away.
    is_rest: bool,
    /// Whether all of it is read and no more comes.
    is_over: bool,
}

impl Followed {
    fn kept(&self) -> KeptFile {
        let (path, node) = (self.path.clone(), self.node.clone());
        KeptFile { path, node, place: self.tail.place(), gone_seconds: None }
    }

    /// Whether another file is where it was.
    fn is_replaced(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|of| tail::id(&of) != self.tail.id())
    }
}

/// A line, with the node and the file that it is of.
pub(super) type TakeLine<'a> = dyn FnMut(&str, &Path, Line<'_>) + 'a;

/// How a look at the files went.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Looked {
    /// Files that are not there, cannot be read, or are gone with what was not read of them.
    pub(super) notes: Vec<String>,
    /// Whether files are there and none can be read.
    pub(super) is_blind: bool,
    /// Whether there is more to be read at once.
    pub(super) has_more: bool,
}

/// A file that is there: which one, if it can be asked, whose, and whether it is followed from its end on.
type There = (Option<(u64, u64)>, Meant, bool);

/// All of them.
#[derive(Debug)]
pub(super) struct Follower {
    patterns: Vec<FilePattern>,
    /// The node of files whose path names none.
    node: String,
    /// Whether what is there at the first look is history, by pattern.
    skips: Vec<bool>,
    /// Files that were there at the first look and could not be read: they are begun at their end all the same.
    unread: BTreeSet<PathBuf>,
    has_begun: bool,
    files: Vec<Followed>,
    gone: Vec<KeptFile>,
    lost: Vec<String>,
}

impl Follower {
    /// Goes on where it was left; what is there of patterns that are new is left alone where it is told so.
    pub(super) fn begin(
        patterns: &[FilePattern],
        node: &str,
        skips: impl Fn(&FilePattern) -> bool,
        kept: &[KeptFile],
        now_seconds: u64,
    ) -> Self {
        let mut of = Self {
            skips: patterns.iter().map(skips).collect(),
            patterns: patterns.to_vec(),
            node: node.to_owned(),
            unread: BTreeSet::new(),
            has_begun: false,
            files: Vec::new(),
            gone: Vec::new(),
            lost: Vec::new(),
        };
        for file in kept {
            of.resume(file, now_seconds);
        }
        of
    }

    fn resume(&mut self, kept: &KeptFile, now_seconds: u64) {
        let tail = found_again(&kept.path, &kept.place, &self.files)
            .and_then(|path| Some((Tail::open(&path, Begin::Place(kept.place)).ok()?, path)));
        let Some((tail, path)) = tail else {
            if kept.gone_seconds.is_none() {
                self.lose(&kept.path);
            }
            return self.remember(kept.clone(), now_seconds);
        };
        // One that lies elsewhere by now and is meant nevertheless is found there.
        let until_seconds = (path != kept.path).then_some(now_seconds + ROTATED_SECONDS);
        if self.files.iter().all(|file| file.tail.id() != tail.id()) {
            let (node, is_rest) = (kept.node.clone(), until_seconds.is_some());
            self.files.push(Followed { path, node, tail, until_seconds, is_rest, is_over: false });
        }
    }

    /// It may come again.
    fn remember(&mut self, file: KeptFile, now_seconds: u64) {
        let gone_seconds = file.gone_seconds.unwrap_or(now_seconds);
        if gone_seconds + GONE_SECONDS > now_seconds && self.gone.len() < FILES_MAX {
            self.gone.push(KeptFile { gone_seconds: Some(gone_seconds), ..file });
        }
    }

    /// Where to go on with a file that was gone; none where this is another.
    fn recall(&mut self, path: &Path) -> Option<Begin> {
        let is_it =
            |of: &KeptFile| of.path == path && File::open(path).is_ok_and(|file| of.place.is_it(&file));
        let at = self.gone.iter().position(is_it)?;
        Some(Begin::Place(self.gone.swap_remove(at).place))
    }

    fn lose(&mut self, path: &Path) {
        if self.lost.len() < LOST_MAX {
            let path = path.display();
            self.lost.push(format!("{path} was rotated or removed, and what it had last is not found"));
        }
    }

    /// What is to be kept of it.
    pub(super) fn kept(&self) -> Vec<KeptFile> {
        self.files.iter().map(Followed::kept).chain(self.gone.iter().cloned()).collect()
    }

    /// Digest of which files these are and how each begins: until that is kept, one that is rotated away while nobody looks is not found again.
    pub(super) fn known(&self) -> u64 {
        let of = |file: &Followed| [file.tail.id().0, file.tail.id().1, file.tail.head()];
        fnv(self.files.iter().flat_map(of))
    }

    /// Looks which files there are.
    pub(super) fn scan(&mut self, now_seconds: u64) -> Looked {
        let mut notes = self.lost.clone();
        let mut found: BTreeMap<PathBuf, There> = BTreeMap::new();
        for (pattern, skips) in self.patterns.iter().zip(&self.skips) {
            let mut meant = Vec::new();
            pattern.find(&mut meant, &mut notes);
            for file in meant {
                let id = fs::metadata(&file.path).ok().map(|of| tail::id(&of));
                found.entry(file.path.clone()).or_insert((id, file, *skips));
            }
        }
        self.move_on(&found, now_seconds);
        let mut known: HashSet<(u64, u64)> = self.files.iter().map(|file| file.tail.id()).collect();
        let mut unread = Vec::new();
        for (id, file, skips) in found.into_values() {
            if id.is_some_and(|id| known.contains(&id)) {
                continue;
            }
            if self.files.len() >= FILES_MAX {
                notes.push(format!("more than {FILES_MAX} files: the others are not read"));
                break;
            }
            let skips = (skips && !self.has_begun) || self.unread.contains(&file.path);
            let begin = self.recall(&file.path).unwrap_or(if skips { Begin::End } else { Begin::Start });
            match Tail::open(&file.path, begin) {
                Ok(tail) => {
                    self.unread.remove(&file.path);
                    let node = file.node.unwrap_or_else(|| self.node.clone());
                    // Two paths may lead to one file.
                    if known.insert(tail.id()) {
                        let (path, until_seconds) = (file.path, None);
                        let (is_rest, is_over) = (false, false);
                        self.files.push(Followed { path, node, tail, until_seconds, is_rest, is_over });
                    }
                }
                Err(error) => {
                    unread.push(format!("cannot read {}: {error}", file.path.display()));
                    if skips {
                        self.unread.insert(file.path);
                    }
                }
            }
        }
        self.has_begun = true;
        let expired =
            |of: &KeptFile| of.gone_seconds.is_some_and(|since| since + GONE_SECONDS <= now_seconds);
        self.gone.retain(|of| !expired(of));
        let is_blind = self.files.is_empty() && !unread.is_empty();
        notes.extend(unread);
        Looked { notes, is_blind, has_more: false }
    }

    /// Files that are elsewhere now, or nowhere.
    fn move_on(&mut self, found: &BTreeMap<PathBuf, There>, now_seconds: u64) {
        let by_id: BTreeMap<(u64, u64), &PathBuf> =
            found.iter().filter_map(|(path, (id, ..))| Some(((*id)?, path))).collect();
        for file in &mut self.files {
            let id = file.tail.id();
            if found.get(&file.path).is_some_and(|(at, ..)| at.is_none_or(|at| at == id)) {
                file.until_seconds = None;
            } else if let Some(path) = by_id.get(&id) {
                (file.path, file.until_seconds) = ((*path).clone(), None);
            } else if file.until_seconds.is_none() {
                file.until_seconds = Some(now_seconds + ROTATED_SECONDS);
            }
        }
        // What is left of those that were rotated away is read first.
        self.files.sort_by_key(|file| file.until_seconds.is_none());
    }

    /// Reads on in all of them, and hands over the lines that have come.
    pub(super) fn read(&mut self, now_seconds: u64, take: &mut TakeLine<'_>) -> Looked {
        let mut looked = Looked::default();
        // What is left of a file that is cut down comes to the others, and is read at the next look.
        for at in 0..self.files.len() {
            self.read_one(at, now_seconds, take, &mut looked);
        }
        self.files.retain(|file| !file.is_over);
        looked
    }

    fn read_one(&mut self, at: usize, now_seconds: u64, take: &mut TakeLine<'_>, looked: &mut Looked) {
        let Followed { path, node, tail, until_seconds, .. } = &mut self.files[at];
        let mut hand_over = |line: Line<'_>| take(node, path, line);
        match tail.read(TURN_BYTES, &mut hand_over) {
            Ok(Went::On) => looked.has_more = true,
            Ok(Went::AtEnd) => {
                if until_seconds.is_some_and(|until| until <= now_seconds) {
                    tail.finish(&mut hand_over);
                    self.leave(at, now_seconds);
                }
            }
            Ok(Went::Lost) => self.begin_anew(at, now_seconds, take, looked),
            Err(error) => looked.notes.push(format!("cannot read {}: {error}", path.display())),
        }
    }

    /// No more is read of a file.
    fn leave(&mut self, at: usize, now_seconds: u64) {
        let file = &mut self.files[at];
        file.is_over = true;
        if !file.is_rest && !file.is_replaced() {
            let kept = file.kept();
            self.remember(kept, now_seconds);
        }
    }

    /// A file was cut down: what was not read of it may be in a copy, and it is read from its start.
    fn begin_anew(&mut self, at: usize, now_seconds: u64, take: &mut TakeLine<'_>, looked: &mut Looked) {
        let (path, node) = (self.files[at].path.clone(), self.files[at].node.clone());
        let place = self.files[at].tail.place();
        let copy = found_again(&path, &place, &self.files);
        let rest = copy.and_then(|copy| Some((Tail::open(&copy, Begin::Place(place)).ok()?, copy)));
        let tail = &mut self.files[at].tail;
        if rest.is_none() {
            tail.finish(&mut |line| take(&node, &path, line));
        }
        match tail.again() {
            Ok(anew) => (*tail, looked.has_more) = (anew, true),
            Err(error) => looked.notes.push(format!("cannot read {}: {error}", path.display())),
        }
        if let Some((tail, path)) = rest {
            let until_seconds = Some(now_seconds);
            self.files.push(Followed { path, node, tail, until_seconds, is_rest: true, is_over: false });
        }
    }
}

/// Where the file of this place is by now: there or beside it, as it was or as a copy. Of several that could be copies, whose lines are the same,
/// the last that was written, and none that is followed already.
fn found_again(path: &Path, place: &Place, followed: &[Followed]) -> Option<PathBuf> {
    let found = |path: &Path| {
        let of = fs::metadata(path).ok().filter(Metadata::is_file)?;
        let file = File::open(path).ok()?;
        place.is_it(&file).then_some(of)
    };
    let as_it_was = |path: &Path| found(path).is_some_and(|of| tail::id(&of) == (place.device, place.inode));
    if as_it_was(path) {
        return Some(path.to_owned());
    }
    let name = path.file_name()?.to_str()?;
    let stem = name.split('.').find(|part| !part.is_empty()).unwrap_or(name);
    let entries = fs::read_dir(path.parent()?).ok()?;
    let names = entries.filter_map(Result::ok).filter_map(|entry| entry.file_name().into_string().ok());
    let mut beside: Vec<PathBuf> = names.map(|name| path.with_file_name(name)).collect();
    beside.sort_unstable();
    let has_inode =
        |path: &&PathBuf| fs::metadata(path).is_ok_and(|of| tail::id(&of) == (place.device, place.inode));
    if let Some(moved) = beside.iter().filter(has_inode).find(|path| as_it_was(path)) {
        return Some(moved.clone());
    }
    let like = |path: &PathBuf| path.file_name().is_some_and(|of| of.to_string_lossy().contains(stem));
    let copies = beside.into_iter().filter(like).filter_map(|path| {
        let of = found(&path)?;
        let is_free = followed.iter().all(|file| file.tail.id() != tail::id(&of));
        is_free.then_some(((of.mtime(), of.mtime_nsec()), path))
    });
    copies.max().map(|(_, path)| path)
}
