//! Tells somebody elsewhere, a database or topics of Kafka, what the store has, on a thread of its own: in order, again after a failure, and up to the
//! end of the outbox. While they are away the loop notices nothing; what was told and not yet forgotten at a kill is told again, which changes nothing.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::outbox::{self, Told};
use super::relay_series::{Look, SeriesTeller};
use super::remote::{self, Database, RemoteError, Row, Target, upserts};
use super::{Periods, Store, StoreError, reading};

/// Rows told at once.
const ROWS_MAX: usize = 500;
/// Time between two looks at an empty outbox.
const LOOK: Duration = Duration::from_millis(200);
/// Time between two counts of what waits.
const COUNT: Duration = Duration::from_secs(1);
/// The first and the longest wait after a failure.
const BACK_OFF: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(15)];

/// How the telling fares.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RelayReport {
    /// Who is told; there is no secret in it.
    pub target: String,
    /// Rows that wait.
    pub waiting: u64,
    /// Rows that it took since the start.
    pub told: u64,
    /// Rows of history that the store dropped before they were told.
    pub dropped: u64,
    /// Attempts that failed since the start.
    pub failures: u64,
    /// Why it cannot be told now; none where it can.
    pub problem: Option<String>,
}

/// Who is told.
pub(crate) trait Elsewhere: Send {
    /// Takes these rows of a store, which may have been told before.
    ///
    /// # Errors
    /// Why they could not all be told, for people.
    fn tell(&mut self, instance: &str, rows: &[Row]) -> Result<(), String>;

    /// Tells what is new of how the nodes stood, to those who want that.
    ///
    /// # Errors
    /// Why it could not be told, for people.
    fn tell_series(&mut self, _instance: &str) -> Result<Look, String> {
        Ok(Look::default())
    }
}

/// A database, with the connection to it where there is one.
struct RemoteDatabase {
    target: Target,
    open: Option<Box<dyn Database>>,
    series: SeriesTeller,
}

impl Elsewhere for RemoteDatabase {
    fn tell(&mut self, instance: &str, rows: &[Row]) -> Result<(), String> {
        let told = self.write(instance, rows).map_err(|error| error.to_string());
        self.told_or_lost(told)
    }

    fn tell_series(&mut self, instance: &str) -> Result<Look, String> {
        let Some(database) = &mut self.open else { return Ok(Look::default()) };
        let told = self.series.tell(&mut **database, instance);
        self.told_or_lost(told)
    }
}

impl RemoteDatabase {
    /// After a failure the connection is not trusted.
    fn told_or_lost<T>(&mut self, told: Result<T, String>) -> Result<T, String> {
        if told.is_err() {
            self.open = None;
            self.series.begin_anew();
        }
        told
    }

    fn write(&mut self, instance: &str, rows: &[Row]) -> Result<(), RemoteError> {
        let database = match &mut self.open {
            Some(database) => database,
            none => none.insert(remote::connect(&self.target)?),
        };
        let statements = upserts(database.dialect(), instance, rows);
        if statements.is_empty() { Ok(()) } else { database.write(&statements) }
    }
}

/// The thread that tells.
pub struct Relay {
    report: Arc<Mutex<RelayReport>>,
    /// Whoever drops it asks for the end.
    going_on: Sender<()>,
    thread: thread::JoinHandle<()>,
}

impl Relay {
    /// Begins to tell what the store in this folder has, and of the series what is not older than these periods. The store must
    /// [feed](Store::feed) it.
    ///
    /// # Errors
    /// When the store cannot be read, or no thread be started.
    pub fn start(folder: &Path, store: &Store, target: Target, periods: Periods) -> Result<Self, StoreError> {
        let name = target.to_string();
        let series = SeriesTeller::new(folder, periods);
        Self::to(folder, store, name, Box::new(RemoteDatabase { target, open: None, series }))
    }

    /// The same to anybody, who has a name without a secret.
    pub(crate) fn to(
        folder: &Path,
        store: &Store,
        name: String,
        elsewhere: Box<dyn Elsewhere>,
    ) -> Result<Self, StoreError> {
        let instance = store.fact("instance")?.unwrap_or_default();
        let first = RelayReport { target: name, ..RelayReport::default() };
        let report = Arc::new(Mutex::new(first));
        let (going_on, ends) = channel();
        let teller = Teller {
            connection: reading(folder)?,
            elsewhere,
            reached: false,
            instance,
            told: store.told(),
            at: 0,
            series_dropped: 0,
            counted: None,
            report: Arc::clone(&report),
        };
        let thread = thread::Builder::new()
            .name("relay".to_owned())
            .spawn(move || teller.tell_on(&ends))
            .map_err(|error| StoreError::Folder { folder: folder.to_owned(), error })?;
        Ok(Self { report, going_on, thread })
    }

    /// How it fares.
    pub fn report(&self) -> RelayReport {
        let mut report = self.report.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if self.thread.is_finished() {
            report.problem = Some("the thread that tells it has ended".to_owned());
        }
        report
    }

    /// Tells what waits, if that can be done at once and within this time. What is left is told after the next start.
    pub fn end(self, patience: Duration) {
        drop(self.going_on);
        let begun = Instant::now();
        while !self.thread.is_finished() && begun.elapsed() < patience {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// What the thread has.
struct Teller {
    connection: Connection,
    elsewhere: Box<dyn Elsewhere>,
    /// Whether the last attempt succeeded.
    reached: bool,
    instance: String,
    told: Told,
    /// The last place of the outbox that was told.
    at: u64,
    /// Rows of the series that were dropped before they were told.
    series_dropped: u64,
    counted: Option<Instant>,
    report: Arc<Mutex<RelayReport>>,
}

impl Teller {
    fn tell_on(mut self, ends: &Receiver<()>) {
        let mut back_off = BACK_OFF[0];
        loop {
            let told = self.tell();
            self.reached = told.is_ok();
            let pause = match told {
                Ok(true) => Duration::ZERO,
                Ok(false) => {
                    back_off = BACK_OFF[0];
                    LOOK
                }
                Err(problem) => {
                    self.note(|report| {
                        report.failures += 1;
                        report.problem = Some(problem);
                    });
                    let pause = back_off;
                    back_off = (back_off * 2).min(BACK_OFF[1]);
                    pause
                }
            };
            self.count();
            if matches!(ends.recv_timeout(pause), Err(RecvTimeoutError::Disconnected)) {
                // What was written last is told; who is away is not waited for.
                while self.reached && self.tell() == Ok(true) {}
                return;
            }
        }
    }

    /// Tells a batch of each; whether there may be more at once.
    fn tell(&mut self) -> Result<bool, String> {
        let batch =
            outbox::batch(&mut self.connection, self.at, ROWS_MAX).map_err(|error| error.to_string())?;
        self.elsewhere.tell(&self.instance, &batch.rows)?;
        self.at = batch.to;
        self.told.store(batch.to, Ordering::Release);
        let look = self.elsewhere.tell_series(&self.instance)?;
        self.series_dropped += look.dropped;
        self.note(|report| {
            report.told += batch.rows.len() as u64 + look.told;
            report.problem = None;
        });
        Ok(batch.entries == ROWS_MAX || look.more)
    }

    /// Counts what waits, now and then.
    fn count(&mut self) {
        if self.counted.is_some_and(|when| when.elapsed() < COUNT) {
            return;
        }
        self.counted = Some(Instant::now());
        if let Ok((waiting, dropped)) = outbox::standing(&self.connection, self.at) {
            let dropped = dropped + self.series_dropped;
            self.note(|report| (report.waiting, report.dropped) = (waiting, dropped));
        }
    }

    fn note(&self, change: impl FnOnce(&mut RelayReport)) {
        change(&mut self.report.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
