//! Tables whose days lie apart, so that old ones go at once: partitions of MySQL, MariaDB and PostgreSQL, named by the first day that is not in them
//! any more. A file of SQLite has none: there the oldest rows are deleted, some at a time, and the room that they had is used again.

use std::collections::BTreeSet;

use super::{Cell, Database, Dialect, RemoteError, Row};

/// Rows that are deleted at once, where there are no partitions.
const ROWS_AT_ONCE: i64 = 5_000;
/// Partitions that are dropped, or pieces deleted, at one time; the rest waits for the next.
const PIECES_MAX: usize = 50;

/// The days of a table.
pub(in super::super) struct Days {
    table: &'static str,
    /// Days in one partition.
    together: u64,
    /// Ends of the partitions that are there.
    ends: BTreeSet<u64>,
}

impl Days {
    pub(in super::super) fn of(table: &'static str, together: u64) -> Self {
        Self { table, together, ends: BTreeSet::new() }
    }

    /// Makes room for rows, whose first column is their day.
    pub(in super::super) fn make_room(
        &mut self,
        database: &mut dyn Database,
        rows: &[Row],
    ) -> Result<(), RemoteError> {
        let day = |row: &Row| match row.2.first() {
            Some(Cell::Whole(Some(day))) => *day as u64,
            _ => 0,
        };
        let ends: BTreeSet<u64> =
            rows.iter().map(|row| (day(row) / self.together + 1) * self.together).collect();
        for end in ends {
            if self.ends.contains(&end) {
                continue;
            }
            let Self { table, together, .. } = self;
            match database.dialect() {
                Dialect::Sqlite => {}
                Dialect::Postgres => database.run(&format!(
                    "CREATE TABLE IF NOT EXISTS {table}_d{end} PARTITION OF {table} FOR VALUES FROM ({}) TO ({end})",
                    end - *together
                ))?,
                // Where a later day has its partition already, it takes this one too.
                Dialect::MySql => database.run(&format!(
                    "ALTER TABLE {table} ADD PARTITION (PARTITION d{end} VALUES LESS THAN ({end}))"
                ))?,
            }
            self.ends.insert(end);
        }
        Ok(())
    }

    /// Drops days before this one.
    pub(in super::super) fn expire(
        &mut self,
        database: &mut dyn Database,
        before_day: u64,
    ) -> Result<(), RemoteError> {
        let table = self.table;
        let oldest = match database.dialect() {
            Dialect::Sqlite => return expire_rows(database, table, before_day),
            Dialect::Postgres => format!(
                "SELECT coalesce(min(CAST(substring(c.relname FROM '_d([0-9]+)$') AS BIGINT)), {}) FROM pg_inherits i
                 JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = '{table}'::regclass",
                i64::MAX
            ),
            // The last partition stays: a table has at least one.
            Dialect::MySql => format!(
                "SELECT CASE WHEN count(*) < 2 THEN {} ELSE min(CAST(partition_description AS SIGNED)) END
                 FROM information_schema.partitions WHERE table_schema = DATABASE() AND table_name = '{table}'",
                i64::MAX
            ),
        };
        for _ in 0..PIECES_MAX {
            let end = database.number(&oldest)?;
            if end > before_day as i64 {
                break;
            }
            database.run(&match database.dialect() {
                Dialect::MySql => format!("ALTER TABLE {table} DROP PARTITION d{end}"),
                _ => format!("DROP TABLE IF EXISTS {table}_d{end}"),
            })?;
            self.ends.remove(&(end as u64));
        }
        Ok(())
    }
}

/// Rows lie in the order in which they came, so only the first need be looked at.
fn expire_rows(database: &mut dyn Database, table: &str, before_day: u64) -> Result<(), RemoteError> {
    let old = format!(
        "FROM (SELECT rowid AS place, unix_day FROM {table} ORDER BY rowid LIMIT {ROWS_AT_ONCE}) WHERE unix_day < {before_day}"
    );
    for _ in 0..PIECES_MAX {
        if database.number(&format!("SELECT count(*) {old}"))? == 0 {
            break;
        }
        database.run(&format!("DELETE FROM {table} WHERE rowid IN (SELECT place {old})"))?;
    }
    Ok(())
}
