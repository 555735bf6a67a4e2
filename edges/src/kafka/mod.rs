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

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use lepton_core::analyze::risk::Severity;
use lepton_core::collect::Source;
use lepton_core::model::{Reading, Readings, ResourceSchema};

pub use client::{KafkaAccess, KafkaLogin};
pub use kept::KeptError;
/// The client library, for tests that talk to a broker themselves.
pub use rdkafka;
pub use sink::{KafkaSink, KafkaTopics};

use crate::mailbox::Shared;
use crate::real_source::{self, RealSource, SourceReport, StreamCounts};
use kept::{Kept, Numbered};
use reader::Reader;
use world::World;

/// The source's name.
const NAME: &str = "kafka";
/// The resource that is made of the devices of a node.
const DEVICE_BUSY: &str = "device_busy_permille";
/// How long the first messages are waited for.
const FIRST_LOOK: Duration = Duration::from_secs(10);
/// A line of a log speaks of what is to come for so long, seconds.
const SIGN_SECONDS: u64 = 3600;
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
}

/// Topics of Kafka, as the loop looks at them.
pub struct KafkaSource {
    shared: Arc<Shared<Mailbox>>,
    options: KafkaOptions,
    /// Numbers of the last signs that the loop was told, and that it has kept.
    signs_told: u64,
    signs_seen: u64,
    /// When the loop looked last, seconds, and the messages that it was told then: what analyzes them tells one second from the next.
    looked_seconds: u64,
    messages: Vec<Reading>,
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
        let seen = options.signs_seen;
        let source = Self {
            shared: Arc::clone(&shared),
            options,
            signs_told: seen,
            signs_seen: seen,
            looked_seconds: 0,
            messages: Vec::new(),
        };
        let named = thread::Builder::new().name(NAME.to_owned()).spawn(move || reader.run());
        if let Err(error) = named {
            shared.mailbox().report.problem = Some(format!("cannot start a thread: {error}"));
        }
        Ok(source)
    }

    fn readings(&mut self, now_seconds: u64, complete: bool) -> Readings {
        let mut mailbox = self.shared.mailbox();
        let mailbox = &mut *mailbox;
        let silent = mailbox.world.hush(self.options.fresh_seconds);
        mailbox.report.notes = notes(&silent);
        let mut readings = if complete { mailbox.world.tell_all() } else { mailbox.world.tell_news() };
        if complete {
            // A list takes back what was told of signs; what was told in this second is not analyzed yet.
            readings.extend(self.messages.iter().filter(|_| now_seconds == self.looked_seconds).cloned());
        } else if now_seconds > self.looked_seconds {
            readings.extend(self.messages.drain(..).map(taken_back));
            let (told, signs) = (self.signs_told, mailbox.signs.as_slice());
            self.messages = messages(signs.iter().filter(|sign| sign.number > told));
            self.signs_told = signs.last().map_or(told, |sign| sign.number);
            readings.extend(self.messages.iter().cloned());
        }
        self.looked_seconds = now_seconds;
        let time_seconds = mailbox.seen_seconds;
        Readings { source: NAME.to_owned(), time_seconds, sequence: None, complete, readings }
    }
}

/// The same signal as over.
fn taken_back(reading: Reading) -> Reading {
    match reading {
        Reading::Signal { node, signal, .. } => Reading::Signal { node, signal, value: 0.0 },
        other => other,
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

/// How many messages of each severity came from each node.
fn messages<'a>(signs: impl Iterator<Item = &'a Numbered>) -> Vec<Reading> {
    let mut counts = BTreeMap::<(&str, &str), f64>::new();
    for sign in signs {
        let signal = match sign.severity {
            Severity::Critical => "critical_log_messages",
            Severity::Error => "error_log_messages",
            Severity::Warning => "warning_log_messages",
        };
        *counts.entry((&sign.node, signal)).or_insert(0.0) += 1.0;
    }
    let signal = |((node, signal), value): ((&str, &str), f64)| Reading::Signal {
        node: node.to_owned(),
        signal: signal.to_owned(),
        value,
    };
    counts.into_iter().map(signal).collect()
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
        let first = |mailbox: &mut Mailbox| !mailbox.begun;
        self.shared.wait_while(FIRST_LOOK, first);
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
        (self.signs_told > self.signs_seen).then_some(self.signs_told)
    }

    fn signs_kept(&mut self, number: u64) {
        self.signs_seen = number;
        self.shared.mailbox().signs.retain(|sign| sign.number > number);
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
