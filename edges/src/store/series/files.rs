//! The files of the levels: one for so many days, named by its level and number. Only the [`SeriesKeeper`](super::SeriesKeeper) writes them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use lepton_core::model::digest::Digest;
use rusqlite::{Connection, OpenFlags, Row, TransactionBehavior};

use super::coding::Table;
use super::{DAY_SECONDS, FOLDER, Level};
use crate::store::migrations::migrate;
use crate::store::{PATIENCE, StoreError};

/// What leads from each version of a file to the next; never changed once released, only added to.
pub(super) const MIGRATIONS: [&str; 1] = [include_str!("migrations/1_rows.sql")];

/// A row to be kept.
pub(super) struct NewRow<'a> {
    pub(super) node: &'a str,
    /// The names of the measures, as a JSON list.
    pub(super) measures: &'a str,
    /// The day it is kept on, since 1970.
    pub(super) unix_day: u64,
    pub(super) table: Table,
}

/// Which days of which level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    pub(super) level: Level,
    number: u64,
}

impl Part {
    pub(super) fn of(level: Level, time_seconds: u64) -> Self {
        Self { level, number: time_seconds / seconds_together(level) }
    }

    /// The first moment that is not in it any more, seconds.
    pub(super) fn end_seconds(self) -> u64 {
        (self.number + 1).saturating_mul(seconds_together(self.level))
    }

    pub(super) fn path(self, folder: &Path) -> PathBuf {
        folder.join(format!("{}-{:06}.db", self.level.name(), self.number))
    }

    /// The one that a file belongs to, be it the database or what SQLite puts beside it.
    fn of_file(name: &str) -> Option<Self> {
        let (stem, _) = name.split_once(".db")?;
        let (level, number) = stem.rsplit_once('-')?;
        let level = Level::ALL.into_iter().find(|of| of.name() == level)?;
        Some(Self { level, number: number.parse().ok()? })
    }
}

fn seconds_together(level: Level) -> u64 {
    level.days_together() * DAY_SECONDS
}

/// Where they are, in the folder of the store.
pub(super) fn folder(of_store: &Path) -> PathBuf {
    of_store.join(FOLDER)
}

/// Those of a level, the oldest first.
pub(super) fn parts(folder: &Path, level: Level) -> Vec<Part> {
    let mut parts: Vec<Part> = all_files(folder)
        .into_iter()
        .filter(|(part, path)| part.level == level && path.extension().is_some_and(|of| of == "db"))
        .map(|(part, _)| part)
        .collect();
    parts.sort_unstable();
    parts
}

/// Every file with the part that it belongs to; a folder that is not there has none.
fn all_files(folder: &Path) -> Vec<(Part, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((Part::of_file(entry.file_name().to_str()?)?, entry.path()))).collect()
}

/// Deletes the files of a level whose last moment is before this one, but not the newest: it has the number that the next row goes on from.
pub(super) fn expire(folder: &Path, level: Level, before_seconds: u64) -> std::io::Result<()> {
    let Some(newest) = parts(folder, level).pop() else { return Ok(()) };
    for (part, path) in all_files(folder) {
        if part.level == level && part < newest && part.end_seconds() <= before_seconds {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Bytes of all of them.
pub(super) fn bytes(folder: &Path) -> u64 {
    all_files(folder).iter().filter_map(|(_, path)| path.metadata().ok()).map(|about| about.len()).sum()
}

/// A file that is written.
pub(super) struct Open {
    pub(super) part: Part,
    connection: Connection,
    /// The numbers of the nodes.
    nodes: BTreeMap<String, i64>,
    /// The numbers of the lists of measures.
    measures: BTreeSet<i64>,
}

impl Open {
    /// Opens it or makes it.
    pub(super) fn of(folder: &Path, part: Part) -> Result<Self, StoreError> {
        let mut connection = Connection::open(part.path(folder))?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        // A power cut may cost the last rows and no more; the journal is another file, and as durable as can be.
        connection.pragma_update(None, "synchronous", "normal")?;
        migrate(&mut connection, &MIGRATIONS)?;
        let nodes = all(&connection, "SELECT name, number FROM nodes", |row| Ok((row.get(0)?, row.get(1)?)))?;
        let measures = all(&connection, "SELECT number FROM measures", |row| row.get(0))?;
        Ok(Self { part, connection, nodes, measures })
    }

    /// Keeps rows under the numbers from `first` on, all or none.
    pub(super) fn keep(&mut self, first: u64, rows: &[NewRow<'_>]) -> Result<(), StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO rows (sequence, node, from_seconds, to_seconds, unix_day, measures, samples)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?;
            for (row, sequence) in rows.iter().zip(first..) {
                let node = match self.nodes.get(row.node) {
                    Some(number) => *number,
                    None => {
                        let sql = "INSERT INTO nodes (name) VALUES (?1)";
                        transaction.prepare_cached(sql)?.execute([row.node])?;
                        // Should the transaction fail, the file is opened anew with what it has then.
                        self.nodes.insert(row.node.to_owned(), transaction.last_insert_rowid());
                        transaction.last_insert_rowid()
                    }
                };
                let measures = number_of(row.measures);
                if self.measures.insert(measures) {
                    let sql = "INSERT INTO measures (number, names) VALUES (?1, ?2)";
                    transaction.prepare_cached(sql)?.execute((measures, row.measures))?;
                }
                let [from, to] = [row.table.times.first(), row.table.times.last()]
                    .map(|time| time.copied().unwrap_or(0) as i64);
                let (sequence, unix_day) = (sequence as i64, row.unix_day as i64);
                insert.execute((sequence, node, from, to, unix_day, measures, row.table.packed()))?;
            }
        }
        Ok(transaction.commit()?)
    }
}

fn all<T, C: FromIterator<T>>(
    connection: &Connection,
    sql: &str,
    make: impl FnMut(&Row<'_>) -> Result<T, rusqlite::Error>,
) -> Result<C, StoreError> {
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], make)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The number of a list of measures, the same in every file.
fn number_of(measures: &str) -> i64 {
    let mut digest = Digest::default();
    digest.text(measures);
    (digest.value() >> 1) as i64
}

/// A file that is only read; none where it is not there any more, or is not a whole file yet.
pub(super) fn reading(folder: &Path, part: Part) -> Result<Option<Connection>, StoreError> {
    let path = part.path(folder);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = match Connection::open_with_flags(&path, flags) {
        Ok(connection) => connection,
        Err(_) if !path.exists() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    connection.busy_timeout(PATIENCE)?;
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok((version as usize == MIGRATIONS.len()).then_some(connection))
}

/// One number of a file, by a query that gives one; none where it has no rows.
pub(super) fn number(folder: &Path, part: Part, sql: &str) -> Result<Option<u64>, StoreError> {
    let Some(connection) = reading(folder, part)? else { return Ok(None) };
    let number: Option<i64> = connection.query_row(sql, [], |row| row.get(0))?;
    Ok(number.map(|number| number as u64))
}

/// A row that cannot be read.
pub(super) fn unreadable(sequence: i64, problem: String) -> StoreError {
    StoreError::Row { table: "rows of the series", row: sequence.to_string(), problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_name_with_all_that_lies_beside_it() {
        let part = Part::of(Level::FiveMinutes, 11 * DAY_SECONDS);
        assert_eq!((part.number, part.end_seconds()), (2, 15 * DAY_SECONDS));
        let name = part.path(Path::new("")).display().to_string();
        assert_eq!(name, "five-minutes-000002.db");
        for beside in ["", "-wal", "-shm"] {
            assert_eq!(Part::of_file(&format!("{name}{beside}")), Some(part));
        }
        for other in ["journal.db", "raw-.db", "raw-7", "years-1.db", "lock"] {
            assert_eq!(Part::of_file(other), None, "{other}");
        }
    }
}
