//! Looking back: how a node stood in a range of time, from the finest level that still covers it.

use std::path::Path;

use rusqlite::Connection;

use super::coding::Table;
use super::files::{self, unreadable};
use super::rollup::{STATISTICS, rolled_up};
use super::{HOUR_SECONDS, Level, WINDOW_SECONDS};
use crate::store::StoreError;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct PastQuery<'a> {
    /// The node.
    pub node: &'a str,
    /// From when, seconds of the cluster's time.
    pub from_seconds: u64,
    /// Up to before when, seconds.
    pub to_seconds: u64,
    /// Where a level has more points than these, the next is taken.
    pub points_max: usize,
}

/// How a node stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// The finest level that covers what was asked for. What its last hour has not rolled up yet follows as five minutes.
    pub level: Level,
    /// What was measured, in the order of the values of a point.
    pub measures: Vec<String>,
    /// The oldest first.
    pub points: Vec<PastPoint>,
}

/// How it stood at a moment, or from one on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastPoint {
    /// When, or the beginning, seconds.
    pub time_seconds: u64,
    /// How long from there on; 0 for a sample.
    pub seconds: u64,
    /// Least, mean, greatest and 95th percentile of each measure, in thousandths; of a sample all four are the same.
    pub values: Vec<[u16; STATISTICS]>,
}

impl Past {
    /// Reads it beside a store in this folder; a node of which nothing is known has no points.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn read(of_store: &Path, query: &PastQuery<'_>) -> Result<Self, StoreError> {
        let folder = files::folder(of_store);
        let begins = Level::ALL.map(|level| beginning(&folder, level));
        let mut first = u64::MAX;
        let mut from = [u64::MAX; Level::ALL.len()];
        for (at, begin) in begins.into_iter().enumerate() {
            from[at] = begin?.unwrap_or(u64::MAX);
            first = first.min(from[at]);
        }
        let wanted = query.from_seconds.max(first).saturating_add(HOUR_SECONDS);
        for level in Level::ALL {
            // A rollup begins at its full hour, before its first sample.
            if from[level as usize] > wanted && level != Level::Hour {
                continue;
            }
            let past = Self::of_level(&folder, level, query)?;
            let next = Level::ALL.get(level as usize + 1);
            let is_fine = past.points.len() <= query.points_max;
            if is_fine || next.is_none_or(|next| from[*next as usize] == u64::MAX) {
                return Ok(past);
            }
        }
        Ok(Self { level: Level::Hour, measures: Vec::new(), points: Vec::new() })
    }

    /// From one level, and after its end from those below it.
    fn of_level(folder: &Path, level: Level, query: &PastQuery<'_>) -> Result<Self, StoreError> {
        // What is measured may change at a restart; what was measured otherwise is not shown beside it.
        let measures = last_measures(folder, query)?;
        let mut past = Self { level, measures, points: Vec::new() };
        let mut from = query.from_seconds;
        for of in Level::ALL.into_iter().rev().filter(|of| *of <= level) {
            let begun = past.points.len();
            let mut samples = Vec::new();
            each_row(folder, of, query.node, from, query.to_seconds, |measures, table| {
                if measures == past.measures {
                    samples.push(table);
                }
            })?;
            let table = joined(samples);
            let points = match (of, level) {
                (Level::Raw, Level::Raw) => points(&table, 0, 1),
                (Level::Raw, _) => points(&rolled_up(&table, WINDOW_SECONDS), WINDOW_SECONDS, STATISTICS),
                (Level::FiveMinutes, _) => points(&table, WINDOW_SECONDS, STATISTICS),
                (Level::Hour, _) => points(&table, HOUR_SECONDS, STATISTICS),
            };
            let within =
                points.into_iter().filter(|point| (from..query.to_seconds).contains(&point.time_seconds));
            past.points.extend(within);
            if let Some(last) = past.points[begun..].last() {
                from = last.time_seconds + last.seconds.max(1);
            }
        }
        Ok(past)
    }
}

fn joined(tables: Vec<Table>) -> Table {
    let mut tables = tables.into_iter();
    let mut all = tables.next().unwrap_or_default();
    for table in tables {
        all.times.extend(table.times);
        for (column, more) in all.columns.iter_mut().zip(table.columns) {
            column.extend(more);
        }
    }
    all
}

/// The points of a table that has so many columns a measure.
fn points(table: &Table, seconds: u64, columns: usize) -> Vec<PastPoint> {
    let point = |(at, time): (usize, &u64)| {
        let value = |of: &[Vec<u16>]| std::array::from_fn(|statistic| of[statistic % columns][at]);
        let values = table.columns.chunks_exact(columns).map(value).collect();
        PastPoint { time_seconds: *time, seconds, values }
    };
    table.times.iter().enumerate().map(point).collect()
}

/// The first moment that a level has, of any node; none where it has nothing.
fn beginning(folder: &Path, level: Level) -> Result<Option<u64>, StoreError> {
    for part in files::parts(folder, level) {
        if let Some(first) = files::number(folder, part, "SELECT min(from_seconds) FROM rows")? {
            return Ok(Some(first));
        }
    }
    Ok(None)
}

/// What was measured last of the node in the range.
fn last_measures(folder: &Path, query: &PastQuery<'_>) -> Result<Vec<String>, StoreError> {
    let end = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
    for level in Level::ALL {
        for part in files::parts(folder, level).into_iter().rev() {
            let Some(connection) = files::reading(folder, part)? else { continue };
            let mut statement = connection.prepare(
                "SELECT rows.sequence, measures.names FROM rows JOIN measures ON measures.number = rows.measures
                 WHERE node = (SELECT number FROM nodes WHERE name = ?1) AND from_seconds < ?2
                 ORDER BY from_seconds DESC LIMIT 1",
            )?;
            let mut rows = statement.query((query.node, end(query.to_seconds)))?;
            if let Some(row) = rows.next()? {
                let names: String = row.get(1)?;
                return serde_json::from_str(&names)
                    .map_err(|error| unreadable(row.get(0).unwrap_or(0), error.to_string()));
            }
        }
    }
    Ok(Vec::new())
}

/// The rows of a node that have something of a range, the oldest first.
fn each_row(
    folder: &Path,
    level: Level,
    node: &str,
    from_seconds: u64,
    to_seconds: u64,
    mut take: impl FnMut(Vec<String>, Table),
) -> Result<(), StoreError> {
    // A row begins at most so long before the last that is in it.
    let before = from_seconds.saturating_sub(HOUR_SECONDS);
    for part in files::parts(folder, level) {
        if part.end_seconds() <= before {
            continue;
        }
        let Some(connection) = files::reading(folder, part)? else { continue };
        rows_of(&connection, node, before, to_seconds, &mut take)?;
    }
    Ok(())
}

fn rows_of(
    connection: &Connection,
    node: &str,
    from_seconds: u64,
    to_seconds: u64,
    take: &mut impl FnMut(Vec<String>, Table),
) -> Result<(), StoreError> {
    let mut statement = connection.prepare(
        "SELECT rows.sequence, from_seconds, measures.names, samples FROM rows
         JOIN measures ON measures.number = rows.measures
         WHERE node = (SELECT number FROM nodes WHERE name = ?1) AND from_seconds >= ?2 AND from_seconds < ?3
         ORDER BY from_seconds, rows.sequence",
    )?;
    let end = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
    let mut rows = statement.query((node, end(from_seconds), end(to_seconds)))?;
    while let Some(row) = rows.next()? {
        let sequence = row.get(0)?;
        let wrong = |problem: String| unreadable(sequence, problem);
        let bytes = row.get_ref(3)?.as_blob().map_err(|error| wrong(error.to_string()))?;
        let table = Table::unpacked(bytes, row.get::<_, i64>(1)? as u64).map_err(wrong)?;
        let names: String = row.get(2)?;
        take(serde_json::from_str(&names).map_err(|error| wrong(error.to_string()))?, table);
    }
    Ok(())
}
