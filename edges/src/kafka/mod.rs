//! Apache Kafka as a source, and as one who is told. Topics carry nodes, tasks, what they use and lines of logs as [events](event), which a
//! thread of its own reads, takes in and keeps in `kafka.db` beside the store; only then are offsets committed. The belief is made from what is kept, so
//! it outlives a kill; what comes twice changes nothing. A message that is of no use goes, as it came, to `TOPIC.dlq`.
//!
//! It is as old as the newest event that told of a node, and while a partition is read that has not been read to its end, no younger than what was
//! read there last: old messages make no fresh belief.

mod client;
mod event;
mod kept;
mod reader;
mod sink;
#[cfg(test)]
mod tests;
mod world;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use lepton_core::collect::Source;
use lepton_core::model::{Readings, ResourceSchema};

pub use client::{KafkaAccess, KafkaLogin};
pub use kept::KeptError;
/// The client library, for tests that talk to a broker themselves.
pub use rdkafka;
pub use sink::{KafkaSink, KafkaTopics};

use crate::mailbox::Shared;
use crate::node_names::NodeNames;
use crate::real_source::{self, RealSource, SourceReport, StreamCounts};
use crate::signs::{Numbered, SIGN_SECONDS, Teller};
use kept::Kept;
use reader::Reader;
use world::World;

/// The source's name.
const NAME: &str = "kafka";
/// The resource that is made of the devices of a node.
const DEVICE_BUSY: &str = "device_busy_permille";
/// How long the first messages are waited for.
const FIRST_LOOK: Duration = Duration::from_secs(10);
/// What is added to the names of its signals beside another source.
const BESIDE: &str = ":kafka";
/// Nodes that are named of those that are silent.
const NAMED_MAX: usize = 5;

/// A topic and one of its partitions.
type Position = (String, i32);

/// What is read, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct KafkaOptions {
    /// How the brokers are reached.
    pub access: KafkaAccess,
    /// The topics.
    pub topics: Vec<String>,
    /// The consumer group.
    pub group: String,
    /// What tells this service from others in the group; it keeps its partitions over a restart.
    pub instance: String,
    /// Folder of the store, for `kafka.db`.
    pub folder: PathBuf,
    /// What is older than this is out of date, seconds.
    pub fresh_seconds: u64,
    /// Number of the last sign of a fault that the loop has seen and kept.
    pub signs_seen: u64,
    /// Whether another source tells of the nodes, and only lines of their logs are read here.
    pub beside: bool,
}

/// Why a source cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum KafkaError {
    /// A setting that the client does not take.
    #[error("the client of Kafka: {0}")]
    Client(String),
    /// What was taken in cannot be read.
    #[error(transparent)]
    Kept(#[from] KeptError),
}

/// What the thread leaves for the loop.
#[derive(Debug, Default)]
struct Mailbox {
    world: World,
    /// Signs that the loop has not been told, in order.
    signs: Vec<Numbered>,
    /// How old what is known is: seconds since 1970.
    seen_seconds: u64,
    report: SourceReport,
    counts: StreamCounts,
    /// Whether the brokers have answered, or could not.
    begun: bool,
    /// The nodes that another source tells of; none where there is no other, and until it has told of some.
    nodes: Option<Arc<NodeNames>>,
}

/// Topics of Kafka, as the loop looks at them.
pub struct KafkaSource {
    shared: Arc<Shared<Mailbox>>,
    options: KafkaOptions,
    teller: Teller,
}

impl KafkaSource {
    /// A source whose thread has begun to read where it was left.
    ///
    /// # Errors
    /// When the client does not take the settings, or what was taken in before cannot be read.
    pub fn start(options: KafkaOptions) -> Result<Self, KafkaError> {
        let kept = Kept::open(&options.folder)?;
        let world = kept.world()?;
        let since = real_source::unix_seconds().saturating_sub(SIGN_SECONDS);
        let signs = kept.signs(options.signs_seen, since)?;
        let shared = Arc::new(Shared::<Mailbox>::default());
        {
            let mut mailbox = shared.mailbox();
            mailbox.seen_seconds = world.newest_seconds();
            (mailbox.world, mailbox.signs) = (world, signs);
            NAME.clone_into(&mut mailbox.report.source);
        }
        let reader = Reader::start(&options, kept, Arc::clone(&shared))?;
        let beside = if options.beside { BESIDE } else { "" };
        let teller = Teller::new(beside, options.signs_seen);
        let source = Self { shared: Arc::clone(&shared), options, teller };
        let named = thread::Builder::new().name(NAME.to_owned()).spawn(move || reader.run());
        if let Err(error) = named {
            shared.mailbox().report.problem = Some(format!("cannot start a thread: {error}"));
        }
        Ok(source)
    }

    fn readings(&mut self, now_seconds: u64, complete: bool) -> Readings {
        let mut mailbox = self.shared.mailbox();
        let mailbox = &mut *mailbox;
        let told = self.teller.tell(now_seconds, complete, &mailbox.signs);
        if self.options.beside {
            // What others tell of the nodes is no older for lines that do not come.
            let (source, time_seconds) = (NAME.to_owned(), now_seconds);
            return Readings { source, time_seconds, sequence: None, complete, readings: told };
        }
        let silent = mailbox.world.hush(self.options.fresh_seconds);
        mailbox.report.notes = notes(&silent);
        let mut readings = if complete { mailbox.world.tell_all() } else { mailbox.world.tell_news() };
        readings.extend(told);
        let time_seconds = mailbox.seen_seconds;
        Readings { source: NAME.to_owned(), time_seconds, sequence: None, complete, readings }
    }
}

/// What is said of nodes that are not heard of while others are.
fn notes(silent: &[String]) -> Vec<String> {
    if silent.is_empty() {
        return Vec::new();
    }
    let named = silent.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    let more = if silent.len() > NAMED_MAX { ", .." } else { "" };
    vec![format!(
        "{} told of no more, so nothing is placed there: {named}{more}",
        match silent.len() {
            1 => "1 node is".to_owned(),
            count => format!("{count} nodes are"),
        }
    )]
}

impl Drop for KafkaSource {
    fn drop(&mut self) {
        self.shared.end();
    }
}

impl Source for KafkaSource {
    fn poll(&mut self, now_seconds: u64) -> Readings {
        self.readings(now_seconds, false)
    }

    fn list(&mut self, now_seconds: u64) -> Readings {
        if !self.options.beside {
            let first = |mailbox: &mut Mailbox| !mailbox.begun;
            self.shared.wait_while(FIRST_LOOK, first);
        }
        self.readings(now_seconds, true)
    }
}

impl RealSource for KafkaSource {
    fn schema(&self) -> ResourceSchema {
        schema()
    }

    fn about(&self) -> String {
        format!("Kafka at {}, topics {}", self.options.access.brokers, self.options.topics.join(", "))
    }

    fn signs_told(&self) -> Option<u64> {
        self.teller.told()
    }

    fn signs_kept(&mut self, number: u64) {
        self.teller.kept(number);
        self.shared.mailbox().signs.retain(|sign| sign.number > number);
    }

    fn know_nodes(&mut self, names: &[&str]) {
        real_source::know_nodes(&mut self.shared.mailbox().nodes, names);
    }

    fn report(&self) -> SourceReport {
        let mailbox = self.shared.mailbox();
        SourceReport { stream: Some(mailbox.counts.clone()), ..mailbox.report.clone() }
    }
}

/// The resources that events may name.
fn schema() -> ResourceSchema {
    let names = real_source::RESOURCES.into_iter().chain([DEVICE_BUSY]);
    ResourceSchema::new(names).expect("eight names that differ")
}
