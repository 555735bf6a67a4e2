//! Reader of recorded failures: a CSV with columns `at_seconds` (when the node fails), `node` (which, from
//! 0; of a pool: which unit) and, optionally, `repair_seconds` (how long until it is back; empty: never).

use std::path::Path;

use super::{CsvTable, InputError};
use crate::jobs::{JOB_VALUE_MAX, Outage, SUBMIT_SECONDS_MAX};

/// Reads the failures, in the order of the file.
///
/// # Errors
/// When the file cannot be read, a column is missing, or a field is no whole number within its bounds.
pub fn read_outages(path: &Path) -> Result<Vec<Outage>, InputError> {
    read_outages_from(CsvTable::open(path)?)
}

/// The same over an open table.
///
/// # Errors
/// As [`read_outages`].
pub fn read_outages_from(mut table: CsvTable) -> Result<Vec<Outage>, InputError> {
    let (at, node) = (table.column("at_seconds")?, table.column("node")?);
    let repair = table.find("repair_seconds");
    let mut outages = Vec::new();
    while let Some(row) = table.next_row()? {
        let repair_seconds = match repair {
            Some(column) => row.integer_or_empty(column, 1, JOB_VALUE_MAX)?.map(|s| s as u32),
            None => None,
        };
        outages.push(Outage {
            at_seconds: row.integer(at, -SUBMIT_SECONDS_MAX, SUBMIT_SECONDS_MAX)?,
            node: row.integer(node, 0, JOB_VALUE_MAX)? as u32,
            repair_seconds,
        });
    }
    Ok(outages)
}

#[cfg(test)]
mod tests;
