//! How each turn went: bounded, the oldest dropped first. What decisions, plans and the audit say is kept apart and not touched here.

use rusqlite::Transaction;

use super::{Store, StoreError};

/// Turns that are kept: two weeks of a turn a minute.
pub const TURNS_KEPT: u64 = 20_160;
/// Turns of which it is kept how each node stood: a day of a turn a minute.
pub const NODES_KEPT: u64 = 1_440;

/// How a turn went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HistoryRow {
    /// Its place among all turns that are kept, rising also over restarts.
    pub sequence: u64,
    /// Number of the turn.
    pub turn: u64,
    /// The cluster's time, seconds.
    pub time_seconds: u64,
    /// Seconds since 1970.
    pub unix_seconds: u64,
    /// Its figures, as JSON.
    pub figures: String,
    /// Digest of the names of the nodes in `nodes`.
    pub inventory: String,
    /// How the nodes stood; empty where it is not kept.
    pub nodes: Vec<u8>,
}

/// The names of the nodes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inventory {
    /// Their digest.
    pub digest: String,
    /// The names in order, as a JSON list.
    pub names: String,
}

impl Store {
    /// The place of the last turn that is kept; 0 before the first.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn last_history(&self) -> Result<u64, StoreError> {
        let sql = "SELECT coalesce(max(sequence), 0) FROM history";
        Ok(self.connection.query_row(sql, [], |row| row.get::<_, i64>(0))? as u64)
    }
}

/// Keeps turns, in the place of what was there, and drops the oldest.
pub(super) fn keep(
    transaction: &Transaction<'_>,
    rows: &[HistoryRow],
    inventory: Option<&Inventory>,
) -> Result<(), StoreError> {
    if let Some(Inventory { digest, names }) = inventory {
        let unused = "DELETE FROM inventories WHERE digest NOT IN (SELECT inventory FROM history WHERE nodes IS NOT NULL)";
        transaction.execute(unused, [])?;
        let sql = "INSERT OR REPLACE INTO inventories (digest, names) VALUES (?1, ?2)";
        transaction.execute(sql, (digest, names))?;
    }
    let mut insert = transaction.prepare_cached(
        "INSERT OR REPLACE INTO history (sequence, turn, time_seconds, unix_seconds, figures, inventory, nodes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for row in rows {
        let [sequence, turn, time, unix] =
            [row.sequence, row.turn, row.time_seconds, row.unix_seconds].map(|number| number as i64);
        let nodes = (!row.nodes.is_empty()).then_some(&row.nodes);
        let inventory = nodes.map(|_| &row.inventory);
        insert.execute((sequence, turn, time, unix, &row.figures, inventory, nodes))?;
    }
    let Some(last) = rows.iter().map(|row| row.sequence).max() else { return Ok(()) };
    let before = |kept: u64| last.saturating_sub(kept) as i64;
    // The last hundred are looked at again, in case the store could not be written when it was their turn.
    let forget = "UPDATE history SET nodes = NULL, inventory = NULL WHERE sequence BETWEEN ?1 - 100 AND ?1 AND nodes IS NOT NULL";
    transaction.prepare_cached(forget)?.execute([before(NODES_KEPT)])?;
    let drop = "DELETE FROM history WHERE sequence <= ?1";
    transaction.prepare_cached(drop)?.execute([before(TURNS_KEPT)])?;
    Ok(())
}
