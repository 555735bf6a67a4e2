//! Reader of telemetry: a CSV of one machine, a row for each bin of time, a column for each metric.
//!
//! A column `t`, `time` or `timestamp`, or one that is named, tells when a row was read; without one, rows follow each
//! other bin by bin from zero. Rules: a field that is empty, `NaN`, `null` or `-` is missing; several rows of a bin
//! are averaged; rows out of order are moved; a bin without a row is missing; a date without a zone is UTC; a column
//! in which nothing can be read, or text, is left out. A metric that only ever grows, save for falls to near zero, is a
//! counter since the start of something: its growth from bin to bin is what counts, and a fall is a restart, which
//! says nothing. Each of these is counted in [`TelemetryFile::notes`].

use std::path::Path;

use lepton_core::analyze::risk::{METRICS_MAX, Telemetry};

use super::time::moment;
use super::{CsvRow, CsvTable, InputError};

/// Most bins of a file, gaps included: ten years of minutes.
const BINS_MAX: i64 = 5_300_000;
/// Most values of a file (4 GB).
const VALUES_MAX: usize = 500_000_000;
/// Columns that tell the time when none is named.
const TIME_COLUMNS: [&str; 3] = ["t", "time", "timestamp"];
/// A counter grows in at least this share of its steps or stays, and grows in at least half of them.
const COUNTER_SHARE: f64 = 0.995;
/// Steps that show it.
const COUNTER_STEPS_MIN: usize = 100;

/// What a file of telemetry holds.
#[derive(Debug, Clone, PartialEq)]
pub struct TelemetryFile {
    /// The readings.
    pub telemetry: Telemetry,
    /// Columns that are counters, by number.
    pub counters: Vec<usize>,
    /// Whether its rows tell their time.
    pub timed: bool,
    /// Oddities and how they were read, for people.
    pub notes: Vec<String>,
}

/// How to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TelemetryOptions {
    /// Length of a bin, seconds; at least 1.
    pub period_seconds: u32,
    /// The column that tells the time; else one of `t`, `time`, `timestamp`, if there is one.
    pub time_column: Option<String>,
}

/// Rows of a file as they stand.
struct Rows {
    columns: Vec<usize>,
    names: Vec<String>,
    bins: Vec<i64>,
    values: Vec<f64>,
    without_zone: bool,
    text_columns: Vec<String>,
}

/// Reads the telemetry of `machine`; it has the metrics of `like` where that is given: columns are found by name, and
/// those that are counters there are so here.
///
/// # Errors
/// When the file cannot be read, has no column of numbers, lacks one that `like` has, a time cannot be understood, or a
/// limit is exceeded.
pub fn read_telemetry(
    path: &Path,
    machine: &str,
    options: &TelemetryOptions,
    like: Option<&TelemetryFile>,
) -> Result<TelemetryFile, InputError> {
    read_telemetry_from(CsvTable::open(path)?, machine, options, like)
}

/// The same over an open table.
///
/// # Errors
/// As [`read_telemetry`].
pub fn read_telemetry_from(
    mut table: CsvTable,
    machine: &str,
    options: &TelemetryOptions,
    like: Option<&TelemetryFile>,
) -> Result<TelemetryFile, InputError> {
    let period = f64::from(options.period_seconds.max(1));
    let time = match &options.time_column {
        Some(name) => Some(table.column(name)?),
        None => TIME_COLUMNS.iter().find_map(|name| table.find(name)),
    };
    let mut rows = Rows::of(&table, time, like)?;
    while let Some(row) = table.next_row()? {
        rows.add(row, time, period, like.is_some())?;
    }
    let file = table.file();
    if rows.bins.is_empty() {
        return Err(InputError::new(file, "has no row, expected one for each bin of time"));
    }
    let mut notes = Vec::new();
    if rows.without_zone {
        notes.push("times have no zone: taken as UTC".to_owned());
    }
    if like.is_none() {
        rows.leave_out_text(file, &mut notes)?;
    }
    let (first_bin, values) = rows.binned(file, &mut notes)?;
    let mut telemetry = Telemetry {
        machine: machine.to_owned(),
        metrics: rows.names,
        period_seconds: options.period_seconds.max(1),
        first_bin,
        values,
    };
    let counters = like.map_or_else(|| counters_of(&telemetry), |l| l.counters.clone());
    turn_into_rates(&mut telemetry, &counters, &mut notes);
    if like.is_none() {
        note_silent(&telemetry, &mut notes);
    }
    Ok(TelemetryFile { telemetry, counters, timed: time.is_some(), notes })
}

impl Rows {
    fn of(table: &CsvTable, time: Option<usize>, like: Option<&TelemetryFile>) -> Result<Self, InputError> {
        let (columns, names): (Vec<usize>, Vec<String>) = match like {
            Some(like) => {
                let names = like.telemetry.metrics.clone();
                (names.iter().map(|n| table.column(n)).collect::<Result<_, _>>()?, names)
            }
            None => {
                let all = table.header().iter().enumerate().filter(|&(i, _)| Some(i) != time);
                all.map(|(i, name)| (i, name.clone())).unzip()
            }
        };
        if columns.is_empty() {
            return Err(
                InputError::new(table.file(), "has no column beside the time").at_line(table.header_line())
            );
        }
        if columns.len() > METRICS_MAX {
            let problem = format!("has {} columns, expected at most {METRICS_MAX}", columns.len());
            return Err(InputError::new(table.file(), problem).at_line(table.header_line()));
        }
        let text_columns = vec![String::new(); columns.len()];
        Ok(Self { columns, names, bins: Vec::new(), values: Vec::new(), without_zone: false, text_columns })
    }

    fn add(
        &mut self,
        row: CsvRow<'_>,
        time: Option<usize>,
        period: f64,
        strict: bool,
    ) -> Result<(), InputError> {
        let bin = match time {
            None => self.bins.len() as i64,
            Some(column) => {
                let Some(moment) = moment(row.text(column)) else {
                    let expected = "expected seconds since the epoch or a date like 2026-11-29T01:02:03Z";
                    return Err(row.error(column, expected));
                };
                self.without_zone |= moment.without_zone;
                (moment.seconds / period).floor() as i64
            }
        };
        if self.values.len() + self.columns.len() > VALUES_MAX {
            let problem = format!("has more than {VALUES_MAX} values");
            return Err(InputError::new(row.file(), problem)
                .at_line(row.line())
                .maybe("it can be cut by time"));
        }
        self.bins.push(bin);
        for (k, &column) in self.columns.iter().enumerate() {
            let text = row.text(column);
            let missing = matches!(text, "" | "-" | "null" | "NULL" | "None" | "NA");
            let value = if missing { Ok(f64::NAN) } else { text.parse::<f64>() };
            if value.is_err() && strict {
                return Err(row.error(column, "expected a number, or nothing where it is missing"));
            }
            if value.is_err() && self.text_columns[k].is_empty() {
                text.clone_into(&mut self.text_columns[k]);
            }
            self.values.push(value.unwrap_or(f64::NAN));
        }
        Ok(())
    }

    /// Leaves out columns in which something other than a number stood.
    fn leave_out_text(&mut self, file: &Path, notes: &mut Vec<String>) -> Result<(), InputError> {
        let keep: Vec<usize> = (0..self.columns.len()).filter(|&k| self.text_columns[k].is_empty()).collect();
        let Some(&first_text) =
            (0..self.columns.len()).filter(|k| !keep.contains(k)).collect::<Vec<_>>().first()
        else {
            return Ok(());
        };
        if keep.is_empty() {
            let error = InputError::new(file, "no column holds numbers alone");
            let error = error.in_column(self.names[first_text].clone());
            return Err(error.with_value(&self.text_columns[first_text]));
        }
        let left_out: Vec<String> = (0..self.columns.len())
            .filter(|k| !keep.contains(k))
            .map(|k| format!("`{}` (for example `{}`)", self.names[k], shortened(&self.text_columns[k])))
            .collect();
        notes.push(format!("columns that are no numbers are left out: {}", left_out.join(", ")));
        let width = self.columns.len();
        let rows = self.values.chunks(width);
        self.values = rows.flat_map(|row| keep.iter().map(|&k| row[k]).collect::<Vec<_>>()).collect();
        self.names = keep.iter().map(|&k| std::mem::take(&mut self.names[k])).collect();
        self.columns = keep.iter().map(|&k| self.columns[k]).collect();
        Ok(())
    }

    /// One row for each bin from the first to the last.
    fn binned(&self, file: &Path, notes: &mut Vec<String>) -> Result<(i64, Vec<f64>), InputError> {
        let (first, last) = self.bins.iter().fold((i64::MAX, i64::MIN), |(a, b), &x| (a.min(x), b.max(x)));
        let (count, width) = (last.saturating_sub(first).saturating_add(1), self.columns.len());
        if count > BINS_MAX || count as usize * width > VALUES_MAX {
            let problem = format!("spans {count} bins of {width} metrics, expected at most {BINS_MAX} bins");
            return Err(InputError::new(file, problem).maybe("the period is too short, or a time is wrong"));
        }
        let mut values = vec![f64::NAN; count as usize * width];
        let mut seen = vec![0.0_f64; values.len()];
        let mut rows_of = vec![0_u32; count as usize];
        for (row, &bin) in self.bins.iter().enumerate() {
            let at = (bin - first) as usize;
            rows_of[at] += 1;
            for k in 0..width {
                let (v, to) = (self.values[row * width + k], at * width + k);
                if v.is_finite() {
                    seen[to] += 1.0;
                    values[to] = if seen[to] == 1.0 { v } else { values[to] + (v - values[to]) / seen[to] };
                }
            }
        }
        let empty = rows_of.iter().filter(|&&n| n == 0).count();
        let several = rows_of.iter().filter(|&&n| n > 1).count();
        let moved = self.bins.windows(2).filter(|w| w[1] < w[0]).count();
        for (count, what) in [
            (empty, "bins without a row are missing"),
            (several, "bins with several rows are averaged"),
            (moved, "rows out of order are moved"),
        ] {
            if count > 0 {
                notes.push(format!("{count} {what}"));
            }
        }
        Ok((first, values))
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(20).collect()
}

/// Metrics that count up since a start.
fn counters_of(telemetry: &Telemetry) -> Vec<usize> {
    let is_counter = |&m: &usize| {
        let (mut steps, mut grown, mut fallen, mut to_zero, mut before) = (0, 0, 0, 0, f64::NAN);
        for (_, row) in telemetry.rows() {
            let now = row[m];
            if now.is_finite() && before.is_finite() {
                steps += 1;
                grown += usize::from(now > before);
                fallen += usize::from(now < before);
                to_zero += usize::from(now < before && now < before / 2.0);
            }
            if now.is_finite() {
                before = now;
            }
        }
        steps >= COUNTER_STEPS_MIN
            && 2 * grown >= steps
            && fallen as f64 <= (1.0 - COUNTER_SHARE) * steps as f64
            && to_zero == fallen
    };
    (0..telemetry.metrics.len()).filter(is_counter).collect()
}

fn turn_into_rates(telemetry: &mut Telemetry, counters: &[usize], notes: &mut Vec<String>) {
    let width = telemetry.metrics.len();
    let mut resets = 0;
    for &m in counters {
        let mut before = f64::NAN;
        for at in (m..telemetry.values.len()).step_by(width) {
            let now = telemetry.values[at];
            let grown = now - before;
            resets += usize::from(grown < 0.0);
            telemetry.values[at] = if grown >= 0.0 { grown } else { f64::NAN };
            before = now;
        }
    }
    if !counters.is_empty() {
        let names: Vec<&str> = counters.iter().map(|&m| telemetry.metrics[m].as_str()).collect();
        let names = names.join(", ");
        notes.push(format!("counters are read as growth from bin to bin ({resets} resets): {names}"));
    }
}

/// Says which metrics are constant or empty.
fn note_silent(telemetry: &Telemetry, notes: &mut Vec<String>) {
    let (mut empty, mut constant) = (Vec::new(), Vec::new());
    for (m, name) in telemetry.metrics.iter().enumerate() {
        let mut finite = telemetry.rows().map(|(_, row)| row[m]).filter(|v| v.is_finite());
        match finite.next() {
            None => empty.push(name.as_str()),
            Some(first) if finite.all(|v| v == first) => constant.push(name.as_str()),
            Some(_) => {}
        }
    }
    for (names, what) in [(empty, "empty"), (constant, "constant")] {
        if !names.is_empty() {
            notes.push(format!("{what}, so only a change will count: {}", names.join(", ")));
        }
    }
}

#[cfg(test)]
mod tests;
