//! What has been taken in, on the disk: nodes and tasks as they were told last, signs of faults that the loop may not have seen, and up to
//! where each partition was read. One transaction has all that came of a batch, so a batch is taken in whole or not at all.

use std::path::Path;

use lepton_core::analyze::risk::Severity;
use rusqlite::{Connection, OptionalExtension, Transaction};

use super::Position;
use super::world::{Kind, Thing, World};
use crate::signs::{Numbered, severity_name, severity_named};

/// The file's name in the folder of the store.
const FILE: &str = "kafka.db";
/// Version of its tables.
const VERSION: i64 = 1;
/// Signs whose names are remembered, so that one that comes twice counts once.
const SIGNS_MAX: i64 = 100_000;
/// Signs of nodes that are not known yet.
const HELD_MAX: i64 = 10_000;

/// Why it cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// SQLite could not do it.
    #[error("{FILE}: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A later lepton wrote it.
    #[error("{FILE} has schema version {0}, known is {VERSION}. Maybe a later lepton wrote it")]
    Newer(i64),
    /// A row does not say what it should.
    #[error("{FILE}: {0}")]
    Row(String),
}

/// A message of a log that tells of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sign {
    /// What tells it from all others.
    pub(super) id: String,
    pub(super) node: String,
    pub(super) severity: Severity,
    /// When, seconds since 1970.
    pub(super) seconds: u64,
}

/// The file.
pub(super) struct Kept {
    connection: Connection,
}

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS things (
    kind TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS positions (
    topic TEXT NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT NULL, PRIMARY KEY (topic, partition)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS signs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, node TEXT NOT NULL, severity TEXT NOT NULL,
    seconds INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS held (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, node TEXT NOT NULL, severity TEXT NOT NULL,
    seconds INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS held_by_node ON held (node);
";

impl Kept {
    /// Opens the file in a folder that nobody else uses, or makes it.
    pub(super) fn open(folder: &Path) -> Result<Self, KeptError> {
        let connection = Connection::open(folder.join(FILE))?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if version > VERSION {
            return Err(KeptError::Newer(version));
        }
        connection.execute_batch(SCHEMA)?;
        connection.pragma_update(None, "user_version", VERSION)?;
        Ok(Self { connection })
    }

    /// All that was taken in.
    pub(super) fn world(&self) -> Result<World, KeptError> {
        let mut world = World::default();
        let mut select = self.connection.prepare("SELECT kind, name, body FROM things")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let (kind, name, body): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let known = Kind::ALL.iter().find(|(of, _)| *of == kind);
            let (_, kind) = known.ok_or_else(|| KeptError::Row(format!("unknown kind `{kind}`")))?;
            world.recall(*kind, name, &body).map_err(KeptError::Row)?;
        }
        Ok(world)
    }

    /// Up to where each partition was read.
    pub(super) fn positions(&self) -> Result<Vec<(Position, i64)>, KeptError> {
        let mut select = self.connection.prepare("SELECT topic, partition, next FROM positions")?;
        let rows = select.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The signs after a number that are not older than a moment.
    pub(super) fn signs(&self, after: u64, since_seconds: u64) -> Result<Vec<Numbered>, KeptError> {
        let mut select = self.connection.prepare(
            "SELECT number, node, severity, seconds FROM signs WHERE number > ?1 AND seconds >= ?2 ORDER BY number",
        )?;
        let rows = select.query_map([after as i64, since_seconds as i64], numbered)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Keeps what came of a batch: things with what is to be kept of them, positions, and signs with whether their node is known, without
    /// which they are held back. Gives the signs that are new, with their numbers.
    pub(super) fn keep(
        &mut self,
        things: &[Thing],
        positions: &[(Position, i64)],
        signs: &[(Sign, bool)],
    ) -> Result<Vec<Numbered>, KeptError> {
        let transaction = self.connection.transaction()?;
        {
            let mut put = transaction
                .prepare_cached("INSERT OR REPLACE INTO things (kind, name, body) VALUES (?1, ?2, ?3)")?;
            let mut drop = transaction.prepare_cached("DELETE FROM things WHERE kind = ?1 AND name = ?2")?;
            for (kind, name, body) in things {
                match body {
                    Some(body) => put.execute((kind.name(), name, body))?,
                    None => drop.execute((kind.name(), name))?,
                };
            }
            let mut put = transaction.prepare_cached(
                "INSERT OR REPLACE INTO positions (topic, partition, next) VALUES (?1, ?2, ?3)",
            )?;
            for ((topic, partition), next) in positions {
                put.execute((topic, partition, next))?;
            }
        }
        let mut told = Vec::new();
        let nodes = things.iter().filter(|(kind, _, body)| *kind == Kind::Node && body.is_some());
        for (_, node, _) in nodes {
            for sign in released(&transaction, node)? {
                told.extend(insert(&transaction, &sign)?);
            }
        }
        for (sign, is_known) in signs {
            if *is_known {
                told.extend(insert(&transaction, sign)?);
            } else {
                hold(&transaction, sign)?;
            }
        }
        if !signs.is_empty() {
            for (table, most) in [("signs", SIGNS_MAX), ("held", HELD_MAX)] {
                let sql =
                    format!("DELETE FROM {table} WHERE number <= (SELECT max(number) FROM {table}) - ?1");
                transaction.execute(&sql, [most])?;
            }
        }
        transaction.commit()?;
        Ok(told)
    }
}

fn numbered(row: &rusqlite::Row<'_>) -> Result<Numbered, rusqlite::Error> {
    let severity: String = row.get(2)?;
    Ok(Numbered {
        number: row.get::<_, i64>(0)? as u64,
        node: row.get(1)?,
        severity: severity_named(&severity),
        seconds: row.get::<_, i64>(3)? as u64,
    })
}

/// A sign with its number; none where it was there already.
fn insert(transaction: &Transaction<'_>, sign: &Sign) -> Result<Option<Numbered>, KeptError> {
    let mut insert = transaction.prepare_cached(
        "INSERT OR IGNORE INTO signs (id, node, severity, seconds) VALUES (?1, ?2, ?3, ?4) RETURNING number",
    )?;
    let values = (&sign.id, &sign.node, severity_name(sign.severity), sign.seconds as i64);
    let number: Option<i64> = insert.query_row(values, |row| row.get(0)).optional()?;
    Ok(number.map(|number| Numbered {
        number: number as u64,
        node: sign.node.clone(),
        severity: sign.severity,
        seconds: sign.seconds,
    }))
}

fn hold(transaction: &Transaction<'_>, sign: &Sign) -> Result<(), KeptError> {
    let mut insert = transaction.prepare_cached(
        "INSERT OR IGNORE INTO held (id, node, severity, seconds)
         SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS (SELECT 1 FROM signs WHERE id = ?1)",
    )?;
    insert.execute((&sign.id, &sign.node, severity_name(sign.severity), sign.seconds as i64))?;
    Ok(())
}

/// Signs of a node that were held back until it was known.
fn released(transaction: &Transaction<'_>, node: &str) -> Result<Vec<Sign>, KeptError> {
    let mut delete =
        transaction.prepare_cached("DELETE FROM held WHERE node = ?1 RETURNING id, severity, seconds")?;
    let sign = |row: &rusqlite::Row<'_>| {
        let severity: String = row.get(1)?;
        let seconds = row.get::<_, i64>(2)? as u64;
        Ok(Sign { id: row.get(0)?, node: node.to_owned(), severity: severity_named(&severity), seconds })
    };
    Ok(delete.query_map([node], sign)?.collect::<Result<_, _>>()?)
}
