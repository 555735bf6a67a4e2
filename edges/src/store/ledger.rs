//! The ledger's hours: an hour that goes on takes the place of what was kept of it; the oldest are dropped.

use lepton_core::analyze::Ledger;
use rusqlite::Transaction;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;

/// Seconds of an hour of the ledger.
pub const LEDGER_HOUR_SECONDS: u64 = 3600;
/// Hours that are kept: a quarter of a year.
pub const LEDGER_HOURS_KEPT: u64 = 92 * 24;
/// Whose accounts they are.
pub(super) const NODE: &str = "node";
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

fn json<T: Serialize>(hour: i64, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| problem(hour, &error))
}

/// What is kept as JSON.
pub(super) fn read<T: DeserializeOwned>(hour: i64, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| problem(hour, &error))
}

fn problem(hour: i64, error: &serde_json::Error) -> StoreError {
    StoreError::Row { table: "ledger", row: hour.to_string(), problem: error.to_string() }
}
