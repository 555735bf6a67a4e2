//! The thread that reads: a batch of messages is taken in, what is of no use is sent to the dead letters, all of it is kept in one
//! transaction, and only then are the offsets committed. What fails is tried again, ever more rarely; nothing is read past it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lepton_core::analyze::risk::LogPatterns;
use lepton_core::model::ResourceSchema;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::KafkaError as ClientError;
use rdkafka::message::{BorrowedMessage, Headers};
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};
use rdkafka::{Message, Offset, Statistics, TopicPartitionList};

use super::client::{KafkaAccess, Letter, Producer};
use super::event::{self, BadMessage, Event, What};
use super::kept::{Kept, Sign};
use super::world::Taken;
use super::{KafkaError, KafkaOptions, Mailbox, Position, schema};
use crate::mailbox::{NAP, Shared};
use crate::real_source::unix_seconds;
use crate::signs::SIGN_SECONDS;

/// Messages that are taken in together, and how long they are waited for.
const BATCH: usize = 1000;
const WAIT: Duration = Duration::from_millis(100);
/// What is added to the name of a topic for its dead letters.
const DEAD: &str = ".dlq";
/// How often the client says how it stands, milliseconds.
const STATISTICS_MILLIS: &str = "500";

/// How long something that the client said stands.
const SAID_FOR: Duration = Duration::from_secs(15);

/// Where a partition stands at the brokers, as the client says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ends {
    /// The first message that is still there, and the end of what may be read.
    first: i64,
    end: i64,
    /// What is to be fetched next.
    fetched: i64,
}

/// What the client says of itself.
#[derive(Debug, Default)]
struct Standing {
    /// Each partition that is ours; none of one of which nothing has come yet.
    partitions: BTreeMap<Position, Option<Ends>>,
    /// Whether any broker answers.
    connected: bool,
    /// Counts how often it was said.
    number: u64,
}

/// What the client calls back.
#[derive(Debug, Default)]
struct Callbacks {
    /// Where each partition is read from.
    next: Mutex<BTreeMap<Position, i64>>,
    ours: Mutex<BTreeSet<Position>>,
    standing: Mutex<Standing>,
    /// What went wrong last, and when.
    said: Mutex<Option<(Instant, String)>>,
}

impl Callbacks {
    fn say(&self, what: &str) {
        *locked(&self.said) = Some((Instant::now(), what.to_owned()));
    }

    fn said(&self) -> Option<String> {
        let said = locked(&self.said);
        said.as_ref().filter(|(when, _)| when.elapsed() < SAID_FOR).map(|(_, what)| what.clone())
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ClientContext for Callbacks {
    fn log(&self, level: RDKafkaLogLevel, _: &str, message: &str) {
        if (level as i32) <= RDKafkaLogLevel::Error as i32 {
            self.say(message);
        }
    }

    fn error(&self, error: ClientError, reason: &str) {
        // That no broker is left says less than what became of the last.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) || self.said().is_none() {
            self.say(reason);
        }
    }

    fn stats(&self, of: Statistics) {
        let ends = |(topic, partition): &Position| {
            let found = of.topics.get(topic)?.partitions.get(partition)?;
            let ends = Ends { first: found.lo_offset, end: found.ls_offset, fetched: found.next_offset };
            // Before the first answer nothing is known.
            (ends.end >= 0 && ends.fetched >= 0).then_some(ends)
        };
        let mut standing = locked(&self.standing);
        standing.partitions = locked(&self.ours).iter().map(|at| (at.clone(), ends(at))).collect();
        let connected = of.brokers.values().any(|broker| broker.state == "UP");
        if connected && !standing.connected {
            // What was said while no broker answered is over.
            *locked(&self.said) = None;
        }
        standing.connected = connected;
        standing.number += 1;
    }
}

impl ConsumerContext for Callbacks {
    /// Each partition is read on from where it was left, by what is kept here; one of which nothing is kept, from its beginning: what it told
    /// before is not known here, whatever was committed.
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        what: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let assigned = what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        let cooperative = matches!(consumer.rebalance_protocol(), RebalanceProtocol::Cooperative);
        let named: Vec<Position> =
            partitions.elements().iter().map(|of| (of.topic().to_owned(), of.partition())).collect();
        {
            let (mut ours, next) = (locked(&self.ours), locked(&self.next));
            if !cooperative {
                ours.clear();
            }
            for at in &named {
                if assigned {
                    ours.insert(at.clone());
                    let from = next.get(at).map_or(Offset::Beginning, |next| Offset::Offset(*next));
                    // It is in the list.
                    let _ = partitions.set_partition_offset(&at.0, at.1, from);
                } else {
                    ours.remove(at);
                }
            }
        }
        let done = match (assigned, cooperative) {
            (true, true) => consumer.incremental_assign(partitions),
            (true, false) => consumer.assign(partitions),
            (false, true) => consumer.incremental_unassign(partitions),
            (false, false) => consumer.unassign(),
        };
        if let Err(error) = done {
            self.say(&error.to_string());
        }
    }
}

/// Messages that are taken in together.
#[derive(Default)]
struct Batch {
    count: u64,
    /// Whether all that had been fetched is in it.
    drained: bool,
    repeated: u64,
    late: u64,
    unknown: u64,
    signs: Vec<Sign>,
    /// Those that are to be sent, and how many were.
    letters: Vec<Letter>,
    dead_letters: u64,
    next: BTreeMap<Position, i64>,
}

/// What takes messages in.
struct Taking {
    shared: Arc<Shared<Mailbox>>,
    schema: ResourceSchema,
    patterns: LogPatterns,
    /// When what was read last in each partition happened, seconds since 1970.
    read_seconds: BTreeMap<Position, u64>,
    /// Whether another source tells of the nodes, and only lines of their logs are of use.
    beside: bool,
}

/// What the thread has.
pub(super) struct Reader {
    consumer: BaseConsumer<Callbacks>,
    access: KafkaAccess,
    /// Sends dead letters; none after a failure.
    producer: Option<Producer>,
    kept: Kept,
    shared: Arc<Shared<Mailbox>>,
    taking: Taking,
    /// What the client had said when it was looked at last.
    heard: u64,
}

impl Reader {
    pub(super) fn start(
        options: &KafkaOptions,
        kept: Kept,
        shared: Arc<Shared<Mailbox>>,
    ) -> Result<Self, KafkaError> {
        let callbacks = Callbacks::default();
        locked(&callbacks.next).extend(kept.positions()?);
        let mut config = options.access.config();
        config.set("group.id", &options.group);
        config.set("group.instance.id", format!("lepton-{}", options.instance));
        config.set("enable.auto.commit", "false");
        config.set("enable.auto.offset.store", "false");
        config.set("auto.offset.reset", "earliest");
        config.set("isolation.level", "read_committed");
        config.set("partition.assignment.strategy", "cooperative-sticky");
        config.set("session.timeout.ms", "30000");
        config.set("topic.metadata.refresh.interval.ms", "10000");
        config.set("queued.max.messages.kbytes", "16384");
        config.set("statistics.interval.ms", STATISTICS_MILLIS);
        let wrong = |error: ClientError| KafkaError::Client(error.to_string());
        let consumer: BaseConsumer<Callbacks> = config.create_with_context(callbacks).map_err(wrong)?;
        let topics: Vec<&str> = options.topics.iter().map(String::as_str).collect();
        consumer.subscribe(&topics).map_err(wrong)?;
        Ok(Self {
            consumer,
            access: options.access.clone(),
            producer: None,
            kept,
            taking: Taking {
                shared: Arc::clone(&shared),
                schema: schema(),
                patterns: LogPatterns::built_in(),
                read_seconds: BTreeMap::new(),
                beside: options.beside,
            },
            shared,
            heard: 0,
        })
    }

    pub(super) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        // A line of a node of which the other source has not told yet would be lost.
        while self.taking.beside && self.shared.mailbox().nodes.is_none() && !self.shared.has_ended() {
            self.shared.sleep_until(Instant::now() + NAP);
        }
        while !self.shared.has_ended() {
            let begun = Instant::now();
            let mut batch = self.read();
            let read = batch.count > 0;
            if !shared
                .try_until_done(|| self.settle(&mut batch).map_err(|problem| self.fail(problem)).is_ok())
            {
                return;
            }
            self.tell(&batch, read.then(|| begun.elapsed()));
        }
    }

    /// Takes in what comes within a moment.
    fn read(&mut self) -> Batch {
        let mut batch = Batch::default();
        let due = Instant::now() + WAIT;
        while batch.count < BATCH as u64 {
            let left = due.saturating_duration_since(Instant::now());
            match self.consumer.poll(left) {
                Some(Ok(message)) => {
                    batch.drained = false;
                    if let Err(bad) = self.taking.take(&message, &mut batch) {
                        batch.letters.push(letter(&message, &bad));
                    }
                }
                // The client has said more of what it called back for.
                Some(Err(error)) if self.consumer.context().said().is_none() => {
                    self.consumer.context().say(&error.to_string());
                }
                Some(Err(_)) => {}
                None if left.is_zero() => break,
                None => batch.drained = true,
            }
        }
        batch
    }
}

impl Taking {
    fn take(&mut self, message: &BorrowedMessage<'_>, batch: &mut Batch) -> Result<(), BadMessage> {
        let at = (message.topic().to_owned(), message.partition());
        // A partition that was given to us anew in the middle of a batch is read again from where it was kept.
        if batch.next.get(&at).is_some_and(|next| message.offset() < *next) {
            batch.repeated += 1;
            return Ok(());
        }
        batch.count += 1;
        batch.next.insert(at.clone(), message.offset() + 1);
        let now = unix_seconds();
        let recorded = message.timestamp().to_millis().and_then(|millis| u64::try_from(millis / 1000).ok());
        let payload = message.payload().unwrap_or_default();
        let event = event::parse(payload, recorded, now, &self.schema);
        let seconds = event.as_ref().ok().map(|event| event.seconds).or(recorded).unwrap_or(0);
        self.read_seconds.insert(at, seconds.min(now));
        let event = event?;
        if self.beside {
            self.take_line(event, message.topic(), now, batch);
            return Ok(());
        }
        let taken = self.shared.mailbox().world.take(&event)?;
        batch.late += u64::from(taken == Taken::Late);
        match event.what {
            What::Log { node, message } => self.find(event.id, event.seconds, node, &message, now, batch),
            _ => batch.unknown += u64::from(taken == Taken::Unknown),
        }
        Ok(())
    }

    /// A line of a node of another source; what else is told is left to others.
    fn take_line(&self, event: Event, topic: &str, now: u64, batch: &mut Batch) {
        let What::Log { node, message } = event.what else { return };
        let mut mailbox = self.shared.mailbox();
        let known = mailbox.nodes.as_ref().and_then(|nodes| nodes.resolve(&node)).map(str::to_owned);
        let Some(known) = known else {
            batch.unknown += 1;
            mailbox.counts.show(&node, &format!("topic `{topic}`"));
            return;
        };
        drop(mailbox);
        self.find(event.id, event.seconds, known, &message, now, batch);
    }

    /// A line of a log: whether it tells of a fault.
    fn find(&self, id: String, seconds: u64, node: String, message: &str, now: u64, batch: &mut Batch) {
        let Some(pattern) = self.patterns.find(message) else { return };
        if seconds.saturating_add(SIGN_SECONDS) < now {
            batch.late += 1;
        } else {
            batch.signs.push(Sign { id, node, severity: pattern.severity, seconds });
        }
    }
}

impl Reader {
    /// Sends the dead letters, keeps the batch and commits its offsets.
    fn settle(&mut self, batch: &mut Batch) -> Result<(), String> {
        if !batch.letters.is_empty() {
            let producer = match &mut self.producer {
                Some(producer) => producer,
                none => none.insert(Producer::new(&self.access)?),
            };
            if let Err(problem) = producer.deliver(&batch.letters) {
                self.producer = None;
                return Err(format!("dead letters cannot be sent, so nothing more is read: {problem}"));
            }
            batch.dead_letters += batch.letters.len() as u64;
            batch.letters.clear();
        }
        if batch.next.is_empty() {
            return Ok(());
        }
        let positions: Vec<(Position, i64)> =
            batch.next.iter().map(|(at, next)| (at.clone(), *next)).collect();
        // Only this thread changes what is known; the loop need not wait for the disk.
        let beside = self.taking.beside;
        let (things, signs) = {
            let world = &self.shared.mailbox().world;
            let known = |sign: &Sign| (sign.clone(), beside || world.knows_node(&sign.node));
            (world.unkept(), batch.signs.iter().map(known).collect::<Vec<_>>())
        };
        let kept = self.kept.keep(&things, &positions, &signs);
        let signs = kept.map_err(|error| format!("what was read cannot be kept: {error}"))?;
        {
            let mut mailbox = self.shared.mailbox();
            mailbox.world.kept();
            mailbox.signs.extend(signs);
        }
        let mut offsets = TopicPartitionList::new();
        for ((topic, partition), next) in &positions {
            // A number of a message is an offset.
            let _ = offsets.add_partition_offset(topic, *partition, Offset::Offset(*next));
        }
        locked(&self.consumer.context().next).extend(positions);
        // What is not committed is known here all the same.
        let _ = self.consumer.commit(&offsets, CommitMode::Async);
        Ok(())
    }

    fn fail(&self, problem: String) {
        let mut mailbox = self.shared.mailbox();
        mailbox.report.failures += 1;
        mailbox.report.problem = Some(problem);
        mailbox.begun = true;
        drop(mailbox);
        self.shared.tell();
    }

    /// Leaves for the loop how it stands.
    fn tell(&mut self, batch: &Batch, took: Option<Duration>) {
        let callbacks = Arc::clone(self.consumer.context());
        let standing = locked(&callbacks.standing);
        let mut mailbox = self.shared.mailbox();
        let mailbox = &mut *mailbox;
        let counts = &mut mailbox.counts;
        counts.messages += batch.count;
        counts.dead_letters += batch.dead_letters;
        counts.late += batch.late;
        counts.repeated += batch.repeated;
        counts.unknown += batch.unknown;
        if let Some(took) = took {
            mailbox.report.looks += 1;
            mailbox.report.look_millis = took.as_millis() as u64;
            counts.last_message_seconds = unix_seconds();
        }
        if standing.number == self.heard {
            return;
        }
        self.heard = standing.number;
        let next = locked(&callbacks.next);
        let lag =
            |at: &Position, ends: &Ends| (ends.end - next.get(at).copied().unwrap_or(ends.first)).max(0);
        let lags = standing.partitions.iter().filter_map(|(at, ends)| Some(lag(at, ends.as_ref()?)));
        counts.lag = lags.sum::<i64>() as u64;
        // What has been fetched is read once nothing is left over; marks of transactions have offsets and are no messages.
        let is_behind = |(at, ends): &(&Position, &Option<Ends>)| match ends {
            None => true,
            Some(ends) if batch.drained => ends.fetched < ends.end,
            Some(ends) => lag(at, ends) > 0,
        };
        let behind: Vec<&Position> = standing.partitions.iter().filter(is_behind).map(|(at, _)| at).collect();
        let oldest = behind.iter().map(|at| self.taking.read_seconds.get(*at).copied().unwrap_or(0)).min();
        // Only now: what has come since may come from partitions that are read faster than others.
        if standing.connected && !standing.partitions.is_empty() {
            let seen = mailbox.world.newest_seconds().min(oldest.unwrap_or(u64::MAX));
            mailbox.seen_seconds = mailbox.seen_seconds.max(seen);
        }
        let said = callbacks.said();
        let caught_up = !standing.partitions.is_empty() && behind.is_empty();
        mailbox.begun |= caught_up || (!standing.connected && said.is_some());
        let knows_nothing = caught_up && !self.taking.beside && !mailbox.world.has_nodes();
        let problem = problem(&standing, said, knows_nothing);
        if problem.is_some() && mailbox.report.problem.is_none() {
            mailbox.report.failures += 1;
        }
        mailbox.report.problem = problem;
        self.shared.tell();
    }
}

/// What is wrong with the connection, or with what comes.
fn problem(standing: &Standing, said: Option<String>, knows_nothing: bool) -> Option<String> {
    if !standing.connected {
        return Some(said.unwrap_or_else(|| "no broker answers".to_owned()));
    }
    if standing.partitions.is_empty() && said.is_none() {
        return Some("no partition is ours. Maybe others of the consumer group have them".to_owned());
    }
    let nothing = || "there is no node: no event of the type lepton.node.v1 has come".to_owned();
    said.or_else(|| knows_nothing.then(nothing))
}

/// A message that is of no use, as it came, with where it was and why.
fn letter(message: &BorrowedMessage<'_>, bad: &BadMessage) -> Letter {
    let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
    if let Some(given) = message.headers() {
        let each = given.iter().filter(|header| !header.key.starts_with("lepton-"));
        headers.extend(each.map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec())));
    }
    for (key, value) in [
        ("lepton-topic", message.topic().to_owned()),
        ("lepton-partition", message.partition().to_string()),
        ("lepton-offset", message.offset().to_string()),
        ("lepton-error-code", bad.code().to_owned()),
        ("lepton-error", bad.to_string()),
        ("lepton-version", env!("CARGO_PKG_VERSION").to_owned()),
    ] {
        headers.push((key.to_owned(), value.into_bytes()));
    }
    Letter {
        topic: format!("{}{DEAD}", message.topic()),
        key: message.key().map(<[u8]>::to_vec),
        payload: message.payload().map(<[u8]>::to_vec),
        headers,
    }
}
