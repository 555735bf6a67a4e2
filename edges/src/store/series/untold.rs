//! Rows that a database elsewhere does not have yet, in the order of their numbers. Rows are only ever added, so the greatest number that
//! the database has says what it was told, also after a kill.

use std::path::{Path, PathBuf};

use super::Level;
use super::files;
use crate::store::StoreError;
use crate::store::outbox::cells;
use crate::store::remote::{MEASURES, Row, SERIES};

/// Reads what is to be told.
pub(in crate::store) struct Untold {
    folder: PathBuf,
}

impl Untold {
    pub(in crate::store) fn of(of_store: &Path) -> Self {
        Self { folder: files::folder(of_store) }
    }

    /// Rows of a level after a number, at most so many, and the names of the measures in their files.
    pub(in crate::store) fn rows(
        &self,
        level: Level,
        after: u64,
        most: usize,
    ) -> Result<(Vec<Row>, Vec<Row>), StoreError> {
        let table = &SERIES[level as usize];
        let (mut found, mut names) = (Vec::new(), Vec::new());
        for &part in &self.parts_after(level, after)? {
            let Some(connection) = files::reading(&self.folder, part)? else { continue };
            let mut statement = connection.prepare(table.select)?;
            let mut rows = statement.query([after as i64, (most - found.len()) as i64])?;
            while let Some(row) = rows.next()? {
                found.push((table, row.get(table.columns.len())?, cells(table, row)?));
            }
            let mut statement = connection.prepare(MEASURES.select)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let number: i64 = row.get(MEASURES.columns.len())?;
                // Files have the same names under the same number, and a statement may not bring a row twice.
                if names.iter().all(|(_, known, _)| *known != number) {
                    names.push((&MEASURES, number, cells(&MEASURES, row)?));
                }
            }
            if found.len() >= most {
                break;
            }
        }
        Ok((found, names))
    }

    /// The files from the last one on that begins with what was told.
    fn parts_after(&self, level: Level, after: u64) -> Result<Vec<files::Part>, StoreError> {
        let mut parts = files::parts(&self.folder, level);
        for at in (0..parts.len()).rev() {
            let first = files::number(&self.folder, parts[at], "SELECT min(sequence) FROM rows")?;
            if first.is_some_and(|first| first <= after + 1) {
                parts.drain(..at);
                break;
            }
        }
        Ok(parts)
    }

    /// The last number of a level; 0 where it has nothing.
    pub(in crate::store) fn last(&self, level: Level) -> Result<u64, StoreError> {
        for part in files::parts(&self.folder, level).into_iter().rev() {
            if let Some(last) = files::number(&self.folder, part, "SELECT max(sequence) FROM rows")? {
                return Ok(last);
            }
        }
        Ok(0)
    }
}
