//! The ledger's hours: an hour that goes on takes the place of what was kept of it; the oldest are dropped.

use std::collections::BTreeMap;

use lepton_core::analyze::{Accounts, Ledger};
use rusqlite::types::Value;
use rusqlite::{Row, Transaction};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Reader, Store, StoreError};

/// Seconds of an hour of the ledger.
pub const LEDGER_HOUR_SECONDS: u64 = 3600;
/// Hours that are kept: a quarter of a year.
pub const LEDGER_HOURS_KEPT: u64 = 92 * 24;
/// Whose accounts they are.
const NODE: &str = "node";
const OWNER: &str = "owner";

/// An hour of the ledger, or as much of it as is over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LedgerHour {
    /// Where it begins, seconds of the cluster's time.
    pub from_seconds: u64,
    /// Its accounts.
    pub ledger: Ledger,
}

/// Keeps hours, in the place of what was there.
pub(super) fn keep(transaction: &Transaction<'_>, hours: &[LedgerHour]) -> Result<(), StoreError> {
    let Some(newest) = hours.iter().map(|hour| hour.from_seconds).max() else { return Ok(()) };
    let mut accounts = transaction.prepare_cached(
        "INSERT OR REPLACE INTO ledger (from_seconds, kind, name, accounts) VALUES (?1, ?2, ?3, ?4)",
    )?;
    let mut head = transaction.prepare_cached(
        "INSERT OR REPLACE INTO ledger_hours (from_seconds, seconds, resources) VALUES (?1, ?2, ?3)",
    )?;
    for LedgerHour { from_seconds, ledger } in hours {
        let from = *from_seconds as i64;
        head.execute((from, ledger.seconds as i64, json(from, &ledger.resources)?))?;
        for (kind, of) in [(NODE, &ledger.nodes), (OWNER, &ledger.owners)] {
            for (name, rows) in of {
                accounts.execute((from, kind, name, json(from, rows)?))?;
            }
        }
    }
    let before = newest.saturating_sub(LEDGER_HOURS_KEPT * LEDGER_HOUR_SECONDS) as i64;
    for table in ["ledger", "ledger_hours"] {
        let sql = format!("DELETE FROM {table} WHERE from_seconds < ?1");
        transaction.prepare_cached(&sql)?.execute([before])?;
    }
    Ok(())
}

impl Reader {
    /// The hours that begin from one moment up to before another, the oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn ledger(&self, from_seconds: u64, to_seconds: u64) -> Result<Vec<LedgerHour>, StoreError> {
        let range =
            || [from_seconds, to_seconds].map(|at| Value::from(i64::try_from(at).unwrap_or(i64::MAX)));
        let sql = "SELECT from_seconds, seconds, resources FROM ledger_hours WHERE from_seconds >= ?1 AND from_seconds < ?2";
        let heads = self.list(sql, range(), |row| {
            let from = row.get::<_, i64>(0)?;
            let seconds = row.get::<_, i64>(1)? as u64;
            let resources = read(from, &row.get::<_, String>(2)?)?;
            Ok(LedgerHour {
                from_seconds: from as u64,
                ledger: Ledger { seconds, resources, ..Ledger::default() },
            })
        })?;
        let mut hours: BTreeMap<u64, LedgerHour> =
            heads.into_iter().map(|hour| (hour.from_seconds, hour)).collect();
        let sql = "SELECT from_seconds, kind, name, accounts FROM ledger WHERE from_seconds >= ?1 AND from_seconds < ?2";
        for (from, kind, name, accounts) in self.list(sql, range(), row)? {
            let Some(LedgerHour { ledger, .. }) = hours.get_mut(&from) else { continue };
            let into = if kind == NODE { &mut ledger.nodes } else { &mut ledger.owners };
            into.insert(name, accounts);
        }
        Ok(hours.into_values().collect())
    }
}

impl Store {
    /// What is kept of the hour that begins at this moment; none where nothing is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn ledger_hour(&self, from_seconds: u64) -> Result<Option<LedgerHour>, StoreError> {
        Ok(self.reader()?.ledger(from_seconds, from_seconds + 1)?.pop())
    }
}

fn row(row: &Row<'_>) -> Result<(u64, String, String, Vec<Accounts>), StoreError> {
    let from = row.get::<_, i64>(0)?;
    Ok((from as u64, row.get(1)?, row.get(2)?, read(from, &row.get::<_, String>(3)?)?))
}

fn json<T: Serialize>(hour: i64, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| problem(hour, &error))
}

fn read<T: DeserializeOwned>(hour: i64, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| problem(hour, &error))
}

fn problem(hour: i64, error: &serde_json::Error) -> StoreError {
    StoreError::Row { table: "ledger", row: hour.to_string(), problem: error.to_string() }
}
