//! What a database elsewhere has not been told yet. The outbox names rows by kind and number, a row that changes again goes to its end; it is
//! written in the transaction of the row itself (by triggers, `migrations/6_outbox.sql`), so nothing is forgotten. Rows of the journal, decisions,
//! plans and the audit stay until they are told. Of turns and hours of the ledger the oldest are dropped when the store drops
//! them, which is counted.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use super::remote::{Cell, Column, Row, TABLES, Table, fitting};
use super::{Store, StoreError};

/// What puts everything that there is into the outbox, the oldest first.
const FILL: [&str; 6] = [
    "INSERT INTO outbox (kind, row) SELECT 'step', sequence FROM journal WHERE kind <> 'remembered' ORDER BY sequence",
    "INSERT INTO outbox (kind, row) SELECT 'decision', sequence FROM decisions ORDER BY sequence",
    "INSERT INTO outbox (kind, row) SELECT 'plan', turn FROM plans ORDER BY turn",
    "INSERT INTO outbox (kind, row) SELECT 'audit', sequence FROM audit ORDER BY sequence",
    "INSERT INTO outbox (kind, row) SELECT 'turn', sequence FROM history ORDER BY sequence",
    "INSERT INTO outbox (kind, row) SELECT 'hour', from_seconds FROM ledger_hours ORDER BY from_seconds",
];

/// Up to where the outbox was told, as the one who tells it says; the writer forgets it with what it writes next.
pub(super) type Told = Arc<AtomicU64>;

/// The writer's side of it.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// Of each one who tells it.
    told: RefCell<Vec<Told>>,
    forgotten: u64,
}

impl Outbox {
    /// Forgets what all have told; gives up to where, to be remembered once the transaction is whole.
    pub(super) fn forget(&self, transaction: &Transaction<'_>) -> Result<u64, StoreError> {
        let told = self.told.borrow().iter().map(|told| told.load(Ordering::Acquire)).min().unwrap_or(0);
        if told > self.forgotten {
            transaction.prepare_cached("DELETE FROM outbox WHERE sequence <= ?1")?.execute([told as i64])?;
        }
        Ok(told)
    }

    pub(super) fn forgot(&mut self, told: u64) {
        self.forgotten = told;
    }
}

impl Store {
    /// From now on what is written goes into the outbox for those of this name, or for none. Where the name is new all that there is is told.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn feed(&mut self, target: Option<&str>) -> Result<(), StoreError> {
        self.outbox = Outbox::default();
        let sql = "SELECT target FROM remote";
        let before: Option<String> = self.connection.query_row(sql, [], |row| row.get(0)).optional()?;
        if before.as_deref() == target {
            return Ok(());
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch("DELETE FROM outbox; DELETE FROM remote")?;
        if let Some(target) = target {
            transaction.execute("INSERT INTO remote (one, target) VALUES (1, ?1)", [target])?;
            FILL.iter().try_for_each(|sql| transaction.execute(sql, []).map(drop))?;
        }
        Ok(transaction.commit()?)
    }

    /// Forgets what was told, with nothing else to write.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn forget_told(&mut self) -> Result<(), StoreError> {
        self.in_one(|_| Ok(()))
    }

    /// Where one more who tells it says up to where.
    pub(super) fn told(&self) -> Told {
        let told = Told::default();
        self.outbox.told.borrow_mut().push(Arc::clone(&told));
        told
    }
}

/// Rows to be told together.
pub(super) struct Batch {
    /// The last place of the outbox that is in it.
    pub(super) to: u64,
    /// Entries of the outbox that are in it.
    pub(super) entries: usize,
    pub(super) rows: Vec<Row>,
}

/// What waits after a place of the outbox, as all of it stands at one moment.
pub(super) fn batch(connection: &mut Connection, after: u64, most: usize) -> Result<Batch, StoreError> {
    let moment = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    let mut batch = Batch { to: after, entries: 0, rows: Vec::new() };
    let mut waiting = moment.prepare_cached(
        "SELECT sequence, kind, row FROM outbox WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
    )?;
    let mut entries = waiting.query((after as i64, most as i64))?;
    while let Some(entry) = entries.next()? {
        batch.to = entry.get::<_, i64>(0)? as u64;
        batch.entries += 1;
        let (kind, row): (String, i64) = (entry.get(1)?, entry.get(2)?);
        let Some(table) = TABLES.iter().find(|table| table.kind == kind) else { continue };
        let mut select = moment.prepare_cached(table.select)?;
        let cells = select.query_row([row], |values| cells(table, values));
        // A row that is gone was dropped with its entry; one that is not there any more has nothing to tell.
        if let Some(cells) = cells.optional()? {
            batch.rows.push((table, row, cells));
        }
    }
    drop(entries);
    drop(waiting);
    // Rows of one kind go in one statement.
    batch.rows.sort_by_key(|(table, ..)| table.kind);
    Ok(batch)
}

/// The values of a row for the columns of a table, which come first in it.
pub(super) fn cells(table: &Table, values: &rusqlite::Row<'_>) -> Result<Vec<Cell>, rusqlite::Error> {
    let cell = |(at, (_, column)): (usize, &(&str, Column))| {
        Ok(match (column, values.get_ref(at)?) {
            (Column::Whole, ValueRef::Integer(number)) => Cell::Whole(Some(number)),
            (Column::Whole, _) => Cell::Whole(None),
            (Column::Bytes, ValueRef::Blob(bytes)) => Cell::Bytes(bytes.to_vec()),
            (Column::Bytes, _) => Cell::Bytes(Vec::new()),
            (_, ValueRef::Text(text)) => {
                Cell::Text(Some(fitting(*column, String::from_utf8_lossy(text).into_owned())))
            }
            _ => Cell::Text(None),
        })
    };
    table.columns.iter().enumerate().map(cell).collect()
}

/// How many entries wait after a place, and how many rows were dropped untold.
pub(super) fn standing(connection: &Connection, after: u64) -> Result<(u64, u64), StoreError> {
    let number = |sql: &str, values: &[i64]| {
        let mut statement = connection.prepare_cached(sql)?;
        let found = statement.query_row(rusqlite::params_from_iter(values), |row| row.get::<_, i64>(0));
        found.optional().map(|number| number.unwrap_or(0) as u64)
    };
    let waiting = number("SELECT count(*) FROM outbox WHERE sequence > ?1", &[after as i64])?;
    Ok((waiting, number("SELECT dropped FROM remote", &[])?))
}
