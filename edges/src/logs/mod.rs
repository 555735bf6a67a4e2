//! Log files and the journal of systemd as a source of signs of faults, beside another source that tells of the nodes. A thread of its own follows
//! them and finds the lines that fit a known message of a fault; each is told once, also over a kill: `logs.json` beside the store has up to where each file was read
//! together with the signs that were found up to there.
//!
//! It tells nothing but these signs: no nodes, and no time at which they were looked at. So it is never out of date, and what is decided does not wait for it.

mod entry;
mod follow;
mod journal;
mod kept;
mod pattern;
mod reader;
mod stamp;
mod tail;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use lepton_core::collect::Source;
use lepton_core::model::{Readings, ResourceSchema};

pub use journal::JournalPart;
pub use kept::KeptError;
pub use pattern::FilePattern;

use crate::mailbox::Shared;
use crate::node_names::NodeNames;
use crate::real_source::{self, RealSource, SourceReport, StreamCounts};
use crate::signs::{Numbered, Teller};
use journal::Journal;
use reader::Reader;

/// The source's name, and what is added to the names of its signals.
const NAME: &str = "logs";
const BESIDE: &str = ":logs";
/// What is older than this says nothing of what is to come, wherever it stands, seconds.
const OLD_SECONDS: u64 = 86_400;

/// What is followed.
#[derive(Debug, Clone, PartialEq)]
pub struct LogOptions {
    /// Log files.
    pub files: Vec<FilePattern>,
    /// The journal of this machine.
    pub journal: Option<JournalPart>,
    /// The node of files and entries that name none.
    pub node: String,
    /// Whether what is there when a file or the journal is followed for the first time is left alone.
    pub from_end: bool,
    /// Folder of the store, for `logs.json`.
    pub folder: PathBuf,
    /// Number of the last sign of a fault that the loop has seen and kept.
    pub signs_seen: u64,
}

/// Why a source cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The journal cannot be followed here.
    #[error("the journal (`logs.journal`): {0}")]
    Journal(String),
    /// What was kept cannot be used.
    #[error(transparent)]
    Kept(#[from] KeptError),
}

/// What the thread leaves for the loop, and the loop for the thread.
#[derive(Debug, Default)]
struct Mailbox {
    /// Signs that are kept on the disk and the loop has not kept, in order.
    signs: Vec<Numbered>,
    /// The last that it has kept.
    kept_number: u64,
    /// The nodes that the other source tells of; none until it has told of some.
    nodes: Option<Arc<NodeNames>>,
    report: SourceReport,
    counts: StreamCounts,
}

/// Log files and the journal, as the loop looks at them.
pub struct LogSource {
    shared: Arc<Shared<Mailbox>>,
    options: LogOptions,
    teller: Teller,
    thread: Option<JoinHandle<()>>,
}

impl LogSource {
    /// A source whose thread goes on reading where it was left, once the nodes are known.
    ///
    /// # Errors
    /// When there is no journal to be followed, or what was kept cannot be read.
    pub fn start(options: LogOptions) -> Result<Self, LogError> {
        let (mut source, reader) = Self::begin(options)?;
        match thread::Builder::new().name(NAME.to_owned()).spawn(move || reader.run()) {
            Ok(thread) => source.thread = Some(thread),
            Err(error) => {
                source.shared.mailbox().report.problem = Some(format!("cannot start a thread: {error}"));
            }
        }
        Ok(source)
    }

    /// The source, and what its thread runs.
    fn begin(options: LogOptions) -> Result<(Self, Reader), LogError> {
        if options.journal.is_some() {
            Journal::check().map_err(LogError::Journal)?;
        }
        let mut kept = kept::Place::in_folder(&options.folder).read()?;
        // The store may be another than the one of which this was kept: numbers go on after those of both.
        kept.last_number = kept.last_number.max(options.signs_seen);
        let since = real_source::unix_seconds().saturating_sub(OLD_SECONDS);
        kept.signs.retain(|sign| sign.number > options.signs_seen && sign.seconds >= since);
        let shared = Arc::new(Shared::<Mailbox>::default());
        {
            let mut mailbox = shared.mailbox();
            mailbox.signs.clone_from(&kept.signs);
            mailbox.kept_number = options.signs_seen;
            mailbox.report.faults.clone_from(&kept.faults);
            NAME.clone_into(&mut mailbox.report.source);
        }
        let reader = Reader::new(&options, kept, Arc::clone(&shared));
        let teller = Teller::new(BESIDE, options.signs_seen);
        Ok((Self { shared, options, teller, thread: None }, reader))
    }

    fn readings(&mut self, now_seconds: u64, complete: bool) -> Readings {
        let mailbox = self.shared.mailbox();
        let readings = self.teller.tell(now_seconds, complete, &mailbox.signs);
        let (source, time_seconds) = (NAME.to_owned(), now_seconds);
        Readings { source, time_seconds, sequence: None, complete, readings }
    }
}

impl Drop for LogSource {
    fn drop(&mut self) {
        self.shared.end();
        // It keeps up to where it read, and leaves no child behind; of a panic in it nothing is left to be said.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Source for LogSource {
    fn poll(&mut self, now_seconds: u64) -> Readings {
        self.readings(now_seconds, false)
    }

    fn list(&mut self, now_seconds: u64) -> Readings {
        self.readings(now_seconds, true)
    }
}

impl RealSource for LogSource {
    fn schema(&self) -> ResourceSchema {
        real_source::schema()
    }

    fn about(&self) -> String {
        let files = self.options.files.iter().map(|pattern| pattern.text().to_owned());
        let journal = self.options.journal.map(|part| match part {
            JournalPart::Kernel => "the journal of the kernel".to_owned(),
            JournalPart::All => "the journal".to_owned(),
        });
        files.chain(journal).collect::<Vec<_>>().join(", ")
    }

    fn signs_told(&self) -> Option<u64> {
        self.teller.told()
    }

    fn signs_kept(&mut self, number: u64) {
        self.teller.kept(number);
        let mut mailbox = self.shared.mailbox();
        mailbox.kept_number = number;
        mailbox.signs.retain(|sign| sign.number > number);
    }

    fn know_nodes(&mut self, names: &[&str]) {
        real_source::know_nodes(&mut self.shared.mailbox().nodes, names);
    }

    fn report(&self) -> SourceReport {
        let mailbox = self.shared.mailbox();
        SourceReport { stream: Some(mailbox.counts.clone()), ..mailbox.report.clone() }
    }
}
