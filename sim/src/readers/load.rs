//! Reader of recorded load: one row per series and moment, in any order, as CSV with a header.
//!
//! Preprocessing is done here and in `History`, and nowhere else:
//! - **Time** is a whole number of bins (or of another unit), or a moment: whole seconds (from 100,000,000 on) or milliseconds (from
//!   100,000,000,000 on) since 1970, or RFC 3339 text with its offset (`2026-03-01T09:30:00+01:00`). Moments are turned into UTC
//!   and divided by the period; bins count from the earliest one of the file.
//! - **Duplicates**, several rows of a series in one bin, are averaged.
//! - **Missing** rows, empty fields and `NaN` leave a bin without sample. It is never scored; to a model it repeats the last value.
//! - **Counters**: a target `rate(column)` is the rise per second between neighbouring rows of the bin's end; a fall is a reset, and
//!   leaves the bin without sample.
//! - **Constant and empty series** are kept; their forecasts are the constant and 0.
//! - **Sums**: a target `a+b` adds columns; where one has no sample the sum has none.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::{CsvRow, CsvTable, InputError};

/// Most bins of all series together (about 2 GB).
const BINS_MAX: usize = if cfg!(test) { 100_000 } else { 250_000_000 };
/// Largest magnitude of a value.
const VALUE_MAX: f64 = 1e15;
/// Whole numbers from here on are seconds since 1970.
const SECONDS_MIN: i64 = 100_000_000;
/// Whole numbers from here on are milliseconds since 1970.
const MILLIS_MIN: i64 = 100_000_000_000;
/// Latest moment, in milliseconds since 1970: the year 9999.
const MILLIS_MAX: i64 = 253_402_300_799_999;

/// A target: its name, and the columns that make it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What the series are called after.
    pub name: String,
    /// Columns that are added.
    pub columns: Vec<String>,
    /// Whether the columns count up, so that their rise per second is meant.
    pub counter: bool,
}

/// Which columns of a file are what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadColumns {
    /// Column that names the series; without one the file is a single series.
    pub series: Option<String>,
    /// Column with the time.
    pub time: String,
    /// Length of a bin.
    pub period_seconds: u32,
    /// Length of what whole numbers below 100,000,000 in the time column count; the bins themselves when it is the period.
    pub unit_seconds: u32,
    /// What is read.
    pub targets: Vec<Target>,
}

/// Recorded load, bin by bin.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RecordedLoad {
    /// Names, `series:target`, sorted by series, then in the order of the targets.
    pub names: Vec<String>,
    /// For each name its bins, all of the same number; NaN where there was no sample.
    pub values: Vec<Vec<f64>>,
    /// What was met on the way.
    pub notes: LoadNotes,
}

/// What preprocessing met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct LoadNotes {
    /// Rows of the file.
    pub rows: u64,
    /// Samples that share a bin with another.
    pub duplicates: u64,
    /// Bins without sample.
    pub missing: u64,
    /// Counters that fell.
    pub resets: u64,
    /// Series that never change.
    pub constant: u64,
    /// Series without any sample.
    pub empty: u64,
}

/// Reads recorded load.
///
/// # Errors
/// When the file cannot be read, a column is missing, a time or value is none, or there are too many bins.
pub fn read_load(path: &Path, columns: &LoadColumns) -> Result<RecordedLoad, InputError> {
    read_load_from(CsvTable::open(path)?, columns)
}

/// A sample: bin, moment in milliseconds, a value for each target.
type Samples = Vec<(i64, i64, Vec<f64>)>;

/// The same over an open table.
///
/// # Errors
/// As [`read_load`].
pub fn read_load_from(mut table: CsvTable, columns: &LoadColumns) -> Result<RecordedLoad, InputError> {
    let name_column = columns.series.as_deref().map(|name| table.column(name)).transpose()?;
    let time_column = table.column(&columns.time)?;
    let mut fields = Vec::new();
    for target in &columns.targets {
        let found: Result<Vec<usize>, InputError> = target.columns.iter().map(|c| table.column(c)).collect();
        fields.push(found?);
    }
    let mut notes = LoadNotes::default();
    let mut series: BTreeMap<String, Samples> = BTreeMap::new();
    let mut unit = None;
    let mut count = 0;
    while let Some(row) = table.next_row()? {
        let (time, kind) = time(&row, time_column)?;
        if *unit.get_or_insert(kind) != kind {
            let problem =
                "expected a time of the same kind as in the rows before (bin, seconds, milliseconds or text)";
            return Err(row.error(time_column, problem));
        }
        let name = name_column.map_or(Ok("all"), |c| row.name(c))?;
        let millis_of_bin = i64::from(columns.period_seconds) * 1000;
        let (bin, moment) = match kind {
            Unit::Bin => {
                let moment = time * i64::from(columns.unit_seconds) * 1000;
                (moment.div_euclid(millis_of_bin), moment)
            }
            Unit::Moment => (time.div_euclid(millis_of_bin), time),
        };
        let mut values = Vec::with_capacity(fields.len());
        for fields in &fields {
            let mut sum = 0.0;
            for &field in fields {
                sum += value(&row, field)?;
            }
            values.push(sum);
        }
        count += values.len();
        if count > BINS_MAX {
            return Err(row.error(time_column, format!("the file has more than {BINS_MAX} samples")));
        }
        notes.rows += 1;
        match series.get_mut(name) {
            Some(samples) => samples.push((bin, moment, values)),
            None => {
                series.insert(name.to_owned(), vec![(bin, moment, values)]);
            }
        }
    }
    if notes.rows == 0 {
        return Err(InputError::new(table.file(), "has no row below its header").at_line(table.header_line()));
    }
    to_bins(table.file(), series, unit, columns, notes)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Bin,
    Moment,
}

/// Time of a row: a bin number, or milliseconds since 1970.
fn time(row: &CsvRow<'_>, column: usize) -> Result<(i64, Unit), InputError> {
    let text = row.text(column);
    if text.contains('T') || text.matches('-').count() > 1 {
        let expected = "expected a moment such as 2026-03-01T09:30:00Z or 2026-03-01T09:30:00+01:00";
        let millis = rfc3339_millis(text).ok_or_else(|| row.error(column, expected))?;
        return Ok((millis, Unit::Moment));
    }
    let number = row.integer(column, 0, MILLIS_MAX)?;
    Ok(match number {
        n if n >= MILLIS_MIN => (n, Unit::Moment),
        n if n >= SECONDS_MIN => (n * 1000, Unit::Moment),
        n => (n, Unit::Bin),
    })
}

/// The value of a field; NaN when there is none.
fn value(row: &CsvRow<'_>, column: usize) -> Result<f64, InputError> {
    let text = row.text(column);
    if text.is_empty() || text.eq_ignore_ascii_case("nan") || text.eq_ignore_ascii_case("null") {
        return Ok(f64::NAN);
    }
    match text.parse::<f64>() {
        Ok(value) if value.abs() <= VALUE_MAX => Ok(value),
        _ => Err(row
            .error(column, format!("expected a number of a magnitude of at most {VALUE_MAX:e}, or nothing"))),
    }
}

/// Milliseconds since 1970 of an RFC 3339 moment.
pub(super) fn rfc3339_millis(text: &str) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (clock, offset_minutes) = if let Some(clock) = rest.strip_suffix(['Z', 'z']) {
        (clock, 0)
    } else {
        let at = rest.rfind(['+', '-'])?;
        let (clock, offset) = rest.split_at(at);
        let (hours, minutes) = offset[1..].split_once(':')?;
        let minutes = two_digits(hours, 23)? * 60 + two_digits(minutes, 59)?;
        (clock, if offset.starts_with('-') { -minutes } else { minutes })
    };
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, two_digits(parts.next()?, 12)?, two_digits(parts.next()?, 31)?);
    let year =
        (year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit())).then(|| year.parse::<i64>().ok())??;
    if parts.next().is_some() || month == 0 || day == 0 {
        return None;
    }
    let mut parts = clock.split(':');
    let (hour, minute, second) =
        (two_digits(parts.next()?, 23)?, two_digits(parts.next()?, 59)?, parts.next()?);
    let (second, fraction) = second.split_once('.').unwrap_or((second, ""));
    let digits = fraction.bytes().all(|b| b.is_ascii_digit());
    if parts.next().is_some() || !digits {
        return None;
    }
    let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let seconds =
        days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + two_digits(second, 60)?;
    Some((seconds - offset_minutes * 60) * 1000 + millis)
}

fn two_digits(text: &str, max: i64) -> Option<i64> {
    (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())?
        .filter(|n| *n <= max)
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar. Source: Hinnant, "chrono-compatible low-level date
/// algorithms".
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Puts samples into bins that all series share.
fn to_bins(
    file: &Path,
    series: BTreeMap<String, Samples>,
    unit: Option<Unit>,
    columns: &LoadColumns,
    mut notes: LoadNotes,
) -> Result<RecordedLoad, InputError> {
    let all = series.values().flatten().map(|s| s.0);
    let last = all.clone().max().unwrap_or(0);
    let first = if unit == Some(Unit::Bin) { 0 } else { all.min().unwrap_or(0) };
    let bins = usize::try_from(last - first).unwrap_or(usize::MAX).saturating_add(1);
    let cells = bins.saturating_mul(series.len()).saturating_mul(columns.targets.len());
    if cells > BINS_MAX {
        let problem = format!("spans {bins} bins of {} series, more than {BINS_MAX} in all", series.len());
        return Err(InputError::new(file, problem)
            .maybe("the period is too short, or one time is far from the others"));
    }
    let mut load = RecordedLoad::default();
    for (name, mut samples) in series {
        samples.sort_by_key(|s| s.1);
        for (t, target) in columns.targets.iter().enumerate() {
            let values = if target.counter {
                rates(&samples, t, first, bins, &mut notes)
            } else {
                means(&samples, t, first, bins, &mut notes)
            };
            let mut known = values.iter().filter(|v| !v.is_nan());
            match known.next() {
                None => notes.empty += 1,
                Some(one) if known.all(|v| v == one) => notes.constant += 1,
                Some(_) => {}
            }
            notes.missing += values.iter().filter(|v| v.is_nan()).count() as u64;
            load.names.push(if columns.series.is_some() {
                format!("{name}:{}", target.name)
            } else {
                target.name.clone()
            });
            load.values.push(values);
        }
    }
    load.notes = notes;
    Ok(load)
}

/// Mean of the samples of each bin.
fn means(samples: &Samples, target: usize, first: i64, bins: usize, notes: &mut LoadNotes) -> Vec<f64> {
    let mut sums = vec![(0.0, 0_u32); bins];
    for (bin, _, values) in samples {
        if !values[target].is_nan() {
            let (sum, count) = &mut sums[(bin - first) as usize];
            *sum += values[target];
            *count += 1;
            notes.duplicates += u64::from(*count > 1);
        }
    }
    sums.into_iter().map(|(sum, count)| if count == 0 { f64::NAN } else { sum / f64::from(count) }).collect()
}

/// Rise per second from sample to sample, in the bin of the later one; what spans more than two bins or falls is left out.
fn rates(samples: &Samples, target: usize, first: i64, bins: usize, notes: &mut LoadNotes) -> Vec<f64> {
    let mut sums = vec![(0.0, 0.0); bins];
    let mut before: Option<(i64, i64, f64)> = None;
    for (bin, moment, values) in samples {
        let value = values[target];
        if value.is_nan() {
            continue;
        }
        if let Some((bin_before, moment_before, value_before)) = before
            && *moment > moment_before
        {
            if value < value_before {
                notes.resets += 1;
            } else if bin - bin_before <= 2 {
                let (rise, seconds) = &mut sums[(bin - first) as usize];
                *rise += value - value_before;
                *seconds += (moment - moment_before) as f64 / 1000.0;
            }
        } else if before.is_some() {
            notes.duplicates += 1;
        }
        before = Some((*bin, *moment, value));
    }
    sums.into_iter().map(|(rise, seconds)| if seconds == 0.0 { f64::NAN } else { rise / seconds }).collect()
}

#[cfg(test)]
mod tests;
