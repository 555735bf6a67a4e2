//! The store: one SQLite file in a folder of its own that one process writes. It survives a kill and a power cut: write-ahead
//! log, every commit forced to the disk.
//!
//! [`Store`] writes and is the loop's [`Journal`](lepton_core::execute::Journal); a [`Reader`] looks on from any thread; a [`SeriesKeeper`] keeps how the
//! nodes stood, in files beside it; a [`Relay`] tells a database elsewhere what the store has.

mod history;
mod journal;
mod ledger;
mod migrations;
mod outbox;
mod reader;
mod relay;
mod relay_series;
mod remote;
mod rows;
mod series;
mod trim;

pub use history::{HistoryRow, Inventory, NODES_KEPT, TURNS_KEPT};
pub use ledger::{LEDGER_HOUR_SECONDS, LEDGER_HOURS_KEPT, LedgerHour};
pub use reader::{Page, PlanLine, PlanRow, Reader, StoredDecision};
#[cfg(feature = "kafka")]
pub(crate) use relay::Elsewhere;
pub use relay::{Relay, RelayReport};
pub use remote::Target;
#[cfg(feature = "kafka")]
pub(crate) use remote::{Cell, Row};
pub use rows::{AuditLine, KeptAnswer, NewPlan, PlanState, TurnRows, Verdict};
pub use series::{
    Level, ONE, Past, PastPoint, PastQuery, Periods, Sample, SeriesKeeper, SeriesReport, WINDOW_SECONDS,
};

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

/// The file's name in its folder.
const FILE: &str = "journal.db";
/// The first SQLite whose write-ahead log does not lose commits when it is reset.
const SQLITE_MIN: i32 = 3_051_003;
/// How long a reader waits for the writer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often the folder's lock is tried and how long between: a program that is being started has what its parent has open until it runs, so a lock that
/// was given back is free only a moment later.
const LOCK_TRIES: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite could not do it.
    #[error("the store: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The folder or its lock file cannot be used.
    #[error("the store in {}: {error}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Another process writes it.
    #[error("the store in {} is in use by another process. Maybe `lepton serve` runs already", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// A later lepton wrote it.
    #[error(
        "the store has schema version {version}, known are those up to {known}. Maybe a later lepton wrote it"
    )]
    NewerSchema {
        /// The file's version.
        version: u32,
        /// The last that is known here.
        known: u32,
    },
    /// SQLite itself is too old to be trusted with commits.
    #[error("SQLite {version} can lose commits, expected 3.51.3 or later")]
    OldSqlite {
        /// Its version.
        version: &'static str,
    },
    /// A row does not say what it should.
    #[error("the store, table {table}, row {row}: {problem}")]
    Row {
        /// The table.
        table: &'static str,
        /// Which row.
        row: String,
        /// What is wrong.
        problem: String,
    },
}

/// The store as its one writer has it.
pub struct Store {
    connection: Connection,
    /// Entries that wait for the next one that must be durable.
    behind: Vec<journal::Row>,
    outbox: outbox::Outbox,
    /// The last entry of the journal that was looked at since the start whether it may go.
    trimmed_to: i64,
    /// Held as long as the store is open.
    _lock: File,
}

impl Store {
    /// Opens the store in a folder, or makes it; brings its schema up to date.
    ///
    /// # Errors
    /// When another process has it, a later lepton wrote it, or it cannot be read and written.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        check_sqlite(rusqlite::version_number(), rusqlite::version())?;
        let problem = |error| StoreError::Folder { folder: folder.to_owned(), error };
        fs::create_dir_all(folder).map_err(problem)?;
        let lock = File::create(folder.join("lock")).map_err(problem)?;
        let mut tries = 0;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if tries < LOCK_TRIES => {
                    tries += 1;
                    thread::sleep(LOCK_PAUSE);
                }
                Err(TryLockError::WouldBlock) => return Err(StoreError::InUse { folder: folder.to_owned() }),
                Err(TryLockError::Error(error)) => return Err(problem(error)),
            }
        }
        let mut connection = Connection::open(folder.join(FILE))?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        migrations::migrate(&mut connection, &migrations::MIGRATIONS)?;
        Ok(Self {
            connection,
            behind: Vec::new(),
            outbox: outbox::Outbox::default(),
            trimmed_to: 0,
            _lock: lock,
        })
    }

    /// Something that the store knows of itself, by name.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn fact(&self, name: &str) -> Result<Option<String>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT value FROM facts WHERE name = ?1")?;
        let mut rows = statement.query([name])?;
        Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
    }

    /// Keeps facts together, each under its name.
    ///
    /// # Errors
    /// When they cannot be written; none of them is then kept.
    pub fn set_facts<'a>(
        &mut self,
        facts: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), StoreError> {
        let transaction = self.connection.transaction()?;
        for (name, value) in facts {
            transaction
                .execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?1, ?2)", [name, value])?;
        }
        Ok(transaction.commit()?)
    }

    /// Keeps a fact under its name, in the place of what was there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_fact(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        let mut statement =
            self.connection.prepare_cached("INSERT OR REPLACE INTO facts (name, value) VALUES (?1, ?2)")?;
        statement.execute([name, value])?;
        Ok(())
    }
}

fn check_sqlite(number: i32, version: &'static str) -> Result<(), StoreError> {
    if number < SQLITE_MIN { Err(StoreError::OldSqlite { version }) } else { Ok(()) }
}

/// A connection that only reads.
fn reading(folder: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(folder.join(FILE), flags)?;
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}

#[cfg(test)]
mod tests;
