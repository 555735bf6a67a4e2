//! The thread that reads: it follows files and the journal, finds the lines that tell of faults, and keeps up to where it read together with what it
//! found before the loop is told. What cannot be kept is tried again, ever more rarely; nothing is read past it.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lepton_core::analyze::risk::{LogPattern, LogPatterns};

use super::follow::{Follower, Looked};
use super::journal::{Given, Journal};
use super::kept::{self, JournalPlace, Kept};
use super::stamp;
use super::tail::Line;
use super::{LogOptions, Mailbox, OLD_SECONDS};
use crate::mailbox::Shared;
use crate::node_names::NodeNames;
use crate::real_source::{FaultMessages, StreamCounts, unix_seconds};
use crate::signs::{Numbered, SIGN_SECONDS, severity_name};

/// The time from one look to the next, and how many times the look before it is at least.
const PAUSE: Duration = Duration::from_millis(250);
const PAUSE_OF_LOOK: u32 = 4;
/// Where nothing was found, it is kept so often up to where it was read.
const KEEP: Duration = Duration::from_secs(5);
/// How often the zone of this machine is asked for: it changes in spring and in autumn.
const ZONE: Duration = Duration::from_secs(1800);
/// Signs that wait for the loop; there is nothing read beyond.
const SIGNS_MAX: usize = 10_000;
/// Entries of the journal that are read in one look.
const ENTRIES_MAX: usize = 5000;
/// Nodes and faults that are told apart.
const FAULTS_MAX: usize = 1000;
/// Characters of a message that are shown.
const EXAMPLE_CHARS: usize = 300;
/// Notes that are shown.
const NOTES_MAX: usize = 10;

/// What the thread has.
pub(super) struct Reader {
    shared: Arc<Shared<Mailbox>>,
    patterns: LogPatterns,
    follower: Option<Follower>,
    journal: Option<Journal>,
    node: String,
    place: kept::Place,
    kept: Kept,
    /// When it was kept last, if ever, and whether there is anything new.
    kept_at: Option<Instant>,
    is_new: bool,
    /// Digest of the files that are known by what is kept.
    files: u64,
    zone: (Instant, i64),
}

/// What came within a look.
struct Found<'a> {
    nodes: &'a NodeNames,
    patterns: &'a LogPatterns,
    ahead_seconds: i64,
    now_seconds: u64,
    counts: StreamCounts,
    signs: Vec<Numbered>,
    faults: Vec<FaultMessages>,
}

impl Reader {
    pub(super) fn new(options: &LogOptions, kept: Kept, shared: Arc<Shared<Mailbox>>) -> Self {
        let now = unix_seconds();
        let mut kept = kept;
        let skips = |text: &str| options.from_end && !kept.patterns.iter().any(|known| known == text);
        let follower = (!options.files.is_empty())
            .then(|| Follower::begin(&options.files, &options.node, |of| skips(of.text()), &kept.files, now));
        kept.patterns = options.files.iter().map(|pattern| pattern.text().to_owned()).collect();
        let since_seconds = options.from_end.then_some(now);
        let begins = || JournalPlace { cursor: None, since_seconds, old_until_seconds: now };
        kept.journal = options.journal.map(|_| kept.journal.take().unwrap_or_else(begins));
        Self {
            shared,
            patterns: LogPatterns::built_in(),
            follower,
            journal: options.journal.map(Journal::new),
            node: options.node.clone(),
            place: kept::Place::in_folder(&options.folder),
            kept,
            kept_at: None,
            is_new: false,
            files: 0,
            zone: (Instant::now(), stamp::ahead_seconds()),
        }
    }

    pub(super) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        while !self.shared.has_ended() {
            let begun = Instant::now();
            let looked = self.look(unix_seconds());
            if !shared.try_until_done(|| self.keep().map_err(|problem| self.fail(problem)).is_ok()) {
                return;
            }
            self.tell(&looked, begun.elapsed());
            if !looked.has_more {
                self.shared.sleep_until(Instant::now() + PAUSE.max(begun.elapsed() * PAUSE_OF_LOOK));
            }
        }
        // Where this fails, what was read since is read again.
        let _ = self.write();
    }

    fn write(&mut self) -> io::Result<()> {
        self.kept.files = self.follower.as_ref().map(Follower::kept).unwrap_or_default();
        self.place.write(&self.kept)
    }

    /// Looks once: which files there are, and where the nodes are known, what has come.
    pub(super) fn look(&mut self, now_seconds: u64) -> Looked {
        if self.zone.0.elapsed() > ZONE {
            self.zone = (Instant::now(), stamp::ahead_seconds());
        }
        let (nodes, waiting) = {
            let mailbox = self.shared.mailbox();
            let number = mailbox.kept_number;
            self.kept.signs.retain(|sign| sign.number > number);
            (mailbox.nodes.clone(), mailbox.signs.len())
        };
        let mut looked = self.follower.as_mut().map(|of| of.scan(now_seconds)).unwrap_or_default();
        // A line of a node of which the other source has not told yet would be lost.
        let Some(nodes) = nodes else {
            looked.notes.push("nothing is read until the other source has told of nodes".to_owned());
            return looked;
        };
        if waiting >= SIGNS_MAX {
            looked.notes.push("nothing more is read until the loop has kept what was found".to_owned());
            return looked;
        }
        let mut found = Found {
            nodes: &nodes,
            patterns: &self.patterns,
            ahead_seconds: self.zone.1,
            now_seconds,
            counts: StreamCounts::default(),
            signs: Vec::new(),
            faults: std::mem::take(&mut self.kept.faults),
        };
        if let Some(follower) = &mut self.follower {
            let mut take = |node: &str, path: &Path, line: Line<'_>| found.line(node, path, line);
            let read = follower.read(now_seconds, &mut take);
            looked.notes.extend(read.notes);
            looked.has_more |= read.has_more;
        }
        if let (Some(journal), Some(place)) = (&mut self.journal, &mut self.kept.journal) {
            let mut entries = 0;
            while let Some(given) = journal.next(place) {
                found.entry(given, &self.node, place);
                entries += 1;
                if entries >= ENTRIES_MAX {
                    looked.has_more = true;
                    break;
                }
            }
            looked.notes.extend(journal.note());
        }
        let Found { counts, mut signs, faults, .. } = found;
        self.is_new |= counts.messages > 0;
        for sign in &mut signs {
            self.kept.last_number += 1;
            sign.number = self.kept.last_number;
        }
        self.kept.signs.extend(signs);
        self.kept.faults = faults;
        let mut mailbox = self.shared.mailbox();
        add(&mut mailbox.counts, counts, now_seconds);
        looked
    }

    /// Keeps up to where was read with what was found, where that is due, and hands on what is kept.
    pub(super) fn keep(&mut self) -> Result<(), String> {
        let told = self.shared.mailbox().signs.last().map_or(0, |sign| sign.number);
        let told = told.max(self.shared.mailbox().kept_number);
        let has_signs = self.kept.signs.iter().any(|sign| sign.number > told);
        let files = self.follower.as_ref().map_or(0, Follower::known);
        let is_due = self.kept_at.is_none_or(|at| self.is_new && at.elapsed() >= KEEP) || files != self.files;
        if !has_signs && !is_due {
            return Ok(());
        }
        self.write().map_err(|error| format!("up to where was read cannot be kept: {error}"))?;
        (self.kept_at, self.is_new, self.files) = (Some(Instant::now()), false, files);
        let mut mailbox = self.shared.mailbox();
        let new = self.kept.signs.iter().filter(|sign| sign.number > told).cloned();
        mailbox.signs.extend(new);
        mailbox.report.faults.clone_from(&self.kept.faults);
        Ok(())
    }

    fn fail(&self, problem: String) {
        let mut mailbox = self.shared.mailbox();
        mailbox.report.failures += 1;
        mailbox.report.problem = Some(problem);
    }

    /// Leaves for the loop how it stands.
    fn tell(&self, looked: &Looked, took: Duration) {
        let problem = self.journal.as_ref().and_then(Journal::problem).map(str::to_owned);
        let blind = || format!("no log file can be read: {}", looked.notes.last().map_or("", String::as_str));
        let problem = problem.or_else(|| looked.is_blind.then(blind));
        let mut notes: Vec<String> = looked.notes.iter().take(NOTES_MAX).cloned().collect();
        if looked.notes.len() > NOTES_MAX {
            notes.push(format!("and {} more", looked.notes.len() - NOTES_MAX));
        }
        let mut mailbox = self.shared.mailbox();
        let report = &mut mailbox.report;
        report.looks += 1;
        report.failures += u64::from(problem.is_some() && report.problem.is_none());
        report.look_millis = took.as_millis() as u64;
        (report.problem, report.notes) = (problem, notes);
    }
}

impl<'a> Found<'a> {
    /// A line of a file.
    fn line(&mut self, node: &str, path: &Path, line: Line<'_>) {
        let text = String::from_utf8_lossy(line.bytes);
        self.counts.messages += 1;
        self.counts.cut += u64::from(line.is_cut);
        let Some(node) = self.known(node, || format!("file {}", path.display())) else { return };
        let patterns = self.patterns;
        let Some(pattern) = patterns.find(&text) else { return };
        let written = stamp::line_seconds(&text, self.now_seconds, self.ahead_seconds);
        let age_max = if line.is_old { SIGN_SECONDS } else { OLD_SECONDS };
        self.take(node, pattern, &text, written.unwrap_or(self.now_seconds), age_max);
    }

    /// An entry of the journal; `here` is the node of one that names no machine.
    fn entry(&mut self, given: Given, here: &str, place: &mut JournalPlace) {
        self.counts.messages += 1;
        let Given::Entry(entry) = given else {
            self.counts.cut += 1;
            return;
        };
        let seconds = entry.seconds.unwrap_or(self.now_seconds).min(self.now_seconds);
        let is_old = seconds < place.old_until_seconds;
        (place.cursor, place.since_seconds) = (Some(entry.cursor), Some(seconds));
        let node = entry.host.as_deref().unwrap_or(here);
        let Some(node) = self.known(node, || "journal".to_owned()) else { return };
        let text = String::from_utf8_lossy(&entry.message);
        let patterns = self.patterns;
        let Some(pattern) = patterns.find(&text) else { return };
        self.take(node, pattern, &text, seconds, if is_old { SIGN_SECONDS } else { OLD_SECONDS });
    }

    /// The node that is meant; one that is not known is counted.
    fn known(&mut self, node: &str, place: impl FnOnce() -> String) -> Option<&'a str> {
        let nodes = self.nodes;
        let known = nodes.resolve(node);
        if known.is_none() {
            self.counts.unknown += 1;
            self.counts.show(node, &place());
        }
        known
    }

    fn take(&mut self, node: &str, pattern: &LogPattern, text: &str, seconds: u64, age_max: u64) {
        if seconds.saturating_add(age_max) < self.now_seconds {
            self.counts.late += 1;
            return;
        }
        self.note(node, pattern, text, seconds);
        let (node, severity) = (node.to_owned(), pattern.severity);
        // Its number comes with all that were found beside it.
        self.signs.push(Numbered { number: 0, node, severity, seconds });
    }

    /// Counts it, for people.
    fn note(&mut self, node: &str, pattern: &LogPattern, text: &str, seconds: u64) {
        let example: String = text.trim_end().chars().take(EXAMPLE_CHARS).collect();
        let same = |of: &&mut FaultMessages| of.node == node && of.pattern == pattern.name;
        if let Some(of) = self.faults.iter_mut().find(same) {
            of.count += 1;
            if seconds >= of.last_seconds {
                (of.last_seconds, of.example) = (seconds, example);
            }
            return;
        }
        if self.faults.len() >= FAULTS_MAX {
            let oldest = self.faults.iter().enumerate().min_by_key(|(_, of)| of.last_seconds);
            let oldest = oldest.map(|(at, _)| at);
            oldest.map(|at| self.faults.swap_remove(at));
        }
        self.faults.push(FaultMessages {
            node: node.to_owned(),
            pattern: pattern.name.clone(),
            severity: severity_name(pattern.severity).to_owned(),
            cause: pattern.cause.clone(),
            count: 1,
            last_seconds: seconds,
            example,
        });
    }
}

/// Adds what came within a look.
fn add(to: &mut StreamCounts, of: StreamCounts, now_seconds: u64) {
    to.messages += of.messages;
    to.late += of.late;
    to.unknown += of.unknown;
    to.cut += of.cut;
    if of.messages > 0 {
        to.last_message_seconds = now_seconds;
    }
    to.take_examples(of.examples);
}
