//! Reader of recorded failures: a CSV with columns `at_seconds` (when the node fails), `node` (which, from
//! 0; of a pool: which unit) and, optionally, `device` (which device of the node, from 0; empty: the whole
//! node) and `repair_seconds` (how long until it is back; empty: never).

use std::path::Path;

use lepton_core::model::DEVICES_PER_NODE_MAX;

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
    let [device, repair] = ["device", "repair_seconds"].map(|name| table.find(name));
    let mut outages = Vec::new();
    while let Some(row) = table.next_row()? {
        let or_empty = |column: Option<usize>, min, max| match column {
            Some(column) => row.integer_or_empty(column, min, max).map(|n| n.map(|n| n as u32)),
            None => Ok(None),
        };
        outages.push(Outage {
            at_seconds: row.integer(at, -SUBMIT_SECONDS_MAX, SUBMIT_SECONDS_MAX)?,
            node: row.integer(node, 0, JOB_VALUE_MAX)? as u32,
            device: or_empty(device, 0, DEVICES_PER_NODE_MAX as i64 - 1)?,
            repair_seconds: or_empty(repair, 1, JOB_VALUE_MAX)?,
        });
    }
    Ok(outages)
}

#[cfg(test)]
mod tests;
