//! Keeps samples, on a thread of its own: rows when their five minutes are over, rollups when their hour is, and what is too old goes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::coding::Table;
use super::files::{self, NewRow, Open, Part, unreadable};
use super::rollup::rolled_up;
use super::{DAY_SECONDS, HOUR_SECONDS, Level, Periods, Sample, WINDOW_SECONDS};
use crate::store::StoreError;

/// Samples that may wait for the disk; of more, the new ones are lost and counted.
const SAMPLES_WAIT_MAX: usize = 64;

/// How the keeping fares.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SeriesReport {
    /// Bytes of all files.
    pub bytes: u64,
    /// Rows that were kept since the start.
    pub rows: u64,
    /// Samples of all nodes at a moment that were lost, because the disk was too slow or could not be written.
    pub lost: u64,
    /// Why it cannot be written now; none where it can.
    pub problem: Option<String>,
}

/// The thread that keeps samples.
pub struct SeriesKeeper {
    /// None once it has ended.
    samples: Option<SyncSender<Sample>>,
    thread: Option<JoinHandle<()>>,
    report: Arc<Mutex<SeriesReport>>,
}

impl SeriesKeeper {
    /// Begins to keep samples beside the store in this folder. Only the store's one writer may.
    ///
    /// # Errors
    /// When the folder cannot be made, a later lepton wrote the files, or they cannot be read.
    pub fn start(of_store: &Path, periods: Periods) -> Result<Self, StoreError> {
        let folder = files::folder(of_store);
        let problem = |error| StoreError::Folder { folder: folder.clone(), error };
        fs::create_dir_all(&folder).map_err(problem)?;
        let report = Arc::new(Mutex::new(SeriesReport::default()));
        let mut writer = Writer::open(folder.clone(), periods)?;
        writer.note(&report, None);
        let (samples, queue) = sync_channel(SAMPLES_WAIT_MAX);
        let of_thread = Arc::clone(&report);
        let thread = thread::Builder::new()
            .name("series".to_owned())
            .spawn(move || writer.keep_all(&queue, &of_thread))
            .map_err(problem)?;
        Ok(Self { samples: Some(samples), thread: Some(thread), report })
    }

    /// Takes a sample; it never waits.
    pub fn keep(&self, sample: Sample) {
        if self.samples.as_ref().is_some_and(|samples| samples.try_send(sample).is_ok()) {
            return;
        }
        self.report.lock().unwrap_or_else(PoisonError::into_inner).lost += 1;
    }

    /// How it fares.
    pub fn report(&self) -> SeriesReport {
        self.report.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What waits, and what is open, is still kept.
impl Drop for SeriesKeeper {
    fn drop(&mut self) {
        self.samples = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been told.
            let _ = thread.join();
        }
    }
}

/// What the thread has.
pub(super) struct Writer {
    folder: PathBuf,
    periods: Periods,
    /// Samples of the window that is open.
    window: Vec<Sample>,
    /// The file of each level that is written.
    open: [Option<Open>; Level::ALL.len()],
    /// The number of the next row of each level.
    next: [u64; Level::ALL.len()],
    /// The end of what each level above the first has rolled up, seconds.
    rolled_to: [u64; Level::ALL.len()],
    rows: u64,
    /// Samples that were lost and are not told yet.
    lost: u64,
}

impl Writer {
    pub(super) fn open(folder: PathBuf, periods: Periods) -> Result<Self, StoreError> {
        let (mut next, mut rolled_to) = ([1; Level::ALL.len()], [0; Level::ALL.len()]);
        for level in Level::ALL {
            // The newest may have been made and not filled.
            for part in files::parts(&folder, level).into_iter().rev() {
                // A file of a later lepton is refused here, before anything is written.
                drop(Open::of(&folder, part)?);
                if let Some(last) = files::number(&folder, part, "SELECT max(sequence) FROM rows")? {
                    let time = files::number(&folder, part, "SELECT max(from_seconds) FROM rows")?;
                    next[level as usize] = last + 1;
                    rolled_to[level as usize] = (time.unwrap_or(0) / HOUR_SECONDS + 1) * HOUR_SECONDS;
                    break;
                }
            }
        }
        let open = Level::ALL.map(|_| None);
        Ok(Self { folder, periods, window: Vec::new(), open, next, rolled_to, rows: 0, lost: 0 })
    }

    fn keep_all(&mut self, samples: &Receiver<Sample>, report: &Mutex<SeriesReport>) {
        for sample in samples {
            let taken = self.take(sample);
            if taken.is_err() || self.window.len() == 1 {
                self.note(report, taken.err());
            }
        }
        let closed = self.close_window();
        self.note(report, closed.err());
    }

    fn note(&mut self, report: &Mutex<SeriesReport>, problem: Option<StoreError>) {
        let bytes = files::bytes(&self.folder);
        let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
        report.bytes = bytes;
        report.rows = self.rows;
        report.lost += std::mem::take(&mut self.lost);
        report.problem = problem.map(|error| error.to_string());
    }

    /// Takes a sample; the first after a window closes it, the first after an hour rolls it up.
    pub(super) fn take(&mut self, sample: Sample) -> Result<(), StoreError> {
        let closed = match self.window.last() {
            // Time does not go back; one that does is not kept.
            Some(last) if sample.time_seconds <= last.time_seconds => return Ok(()),
            Some(last) if !is_together(last, &sample) => self.close_window(),
            _ => Ok(()),
        };
        let now = sample.time_seconds;
        self.window.push(sample);
        closed?;
        if self.window.len() == 1 {
            self.roll_up(now)?;
            self.expire(now)?;
        }
        Ok(())
    }

    /// Keeps the rows of the window that is open. What cannot be kept is lost: the next window is another chance.
    pub(super) fn close_window(&mut self) -> Result<(), StoreError> {
        let window = std::mem::take(&mut self.window);
        let Some(last) = window.last() else { return Ok(()) };
        let measures = serde_json::to_string(&*last.measures).map_err(|e| unreadable(0, e.to_string()))?;
        let unix_day = last.unix_seconds / DAY_SECONDS;
        let mut of_node: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
        for (at, sample) in window.iter().enumerate() {
            for (place, node) in sample.nodes.iter().enumerate() {
                of_node.entry(node).or_default().push((at, place));
            }
        }
        let rows: Vec<NewRow<'_>> = of_node
            .into_iter()
            .map(|(node, places)| {
                let times = places.iter().map(|&(at, _)| window[at].time_seconds).collect();
                let column = |measure: usize| {
                    let value = |&(at, place): &(usize, usize)| {
                        let sample = &window[at];
                        sample.values.get(measure * sample.nodes.len() + place).copied().unwrap_or(0)
                    };
                    places.iter().map(value).collect()
                };
                let columns = (0..last.measures.len()).map(column).collect();
                NewRow { node, measures: &measures, unix_day, table: Table { times, columns } }
            })
            .collect();
        let kept = self.write(Level::Raw, window[0].time_seconds, &rows);
        if kept.is_err() {
            self.lost += window.len() as u64;
        }
        kept
    }

    fn write(&mut self, level: Level, time_seconds: u64, rows: &[NewRow<'_>]) -> Result<(), StoreError> {
        let slot = &mut self.open[level as usize];
        let part = Part::of(level, time_seconds);
        // Rows never go into a file before the last: their numbers rise from file to file.
        let file = match slot {
            Some(open) if open.part >= part => open,
            _ => slot.insert(Open::of(&self.folder, part)?),
        };
        let kept = file.keep(self.next[level as usize], rows);
        if kept.is_err() {
            *slot = None;
            return kept;
        }
        self.next[level as usize] += rows.len() as u64;
        self.rows += rows.len() as u64;
        Ok(())
    }

    /// Rolls up the hours that are over, from the rows of their samples: also those that were over before a kill.
    fn roll_up(&mut self, now_seconds: u64) -> Result<(), StoreError> {
        let over = now_seconds / HOUR_SECONDS * HOUR_SECONDS;
        loop {
            let [_, five_minutes, hours] = self.rolled_to;
            let from = five_minutes.min(hours);
            let hour = if from < over { self.first_hour(from)? } else { None };
            let Some(hour) = hour.filter(|hour| *hour < over) else {
                self.rolled_to = self.rolled_to.map(|to| to.max(over));
                return Ok(());
            };
            let samples = samples_of(&self.folder, hour)?;
            for (level, seconds) in [(Level::FiveMinutes, WINDOW_SECONDS), (Level::Hour, HOUR_SECONDS)] {
                if self.rolled_to[level as usize] > hour {
                    continue;
                }
                let rows: Vec<NewRow<'_>> = samples
                    .iter()
                    .map(|((measures, node), (unix_day, samples))| {
                        let table = rolled_up(samples, seconds);
                        NewRow { node, measures, unix_day: *unix_day, table }
                    })
                    .collect();
                self.write(level, hour, &rows)?;
                self.rolled_to[level as usize] = hour + HOUR_SECONDS;
            }
        }
    }

    /// The first hour from a moment on of which there are samples.
    fn first_hour(&self, from_seconds: u64) -> Result<Option<u64>, StoreError> {
        let sql = format!("SELECT min(from_seconds) FROM rows WHERE from_seconds >= {from_seconds}");
        for part in files::parts(&self.folder, Level::Raw) {
            if part.end_seconds() <= from_seconds {
                continue;
            }
            if let Some(first) = files::number(&self.folder, part, &sql)? {
                return Ok(Some(first / HOUR_SECONDS * HOUR_SECONDS));
            }
        }
        Ok(None)
    }

    fn expire(&mut self, now_seconds: u64) -> Result<(), StoreError> {
        for level in Level::ALL {
            let before = now_seconds.saturating_sub(self.periods.seconds(level));
            let problem = |error| StoreError::Folder { folder: self.folder.clone(), error };
            files::expire(&self.folder, level, before).map_err(problem)?;
        }
        Ok(())
    }
}

/// Whether both go into one row.
fn is_together(a: &Sample, b: &Sample) -> bool {
    let window = |of: &Sample| of.time_seconds / WINDOW_SECONDS;
    window(a) == window(b) && (Arc::ptr_eq(&a.measures, &b.measures) || a.measures == b.measures)
}

/// Samples of an hour by the names of their measures and their node, each with the day it was kept on.
type Samples = BTreeMap<(String, String), (u64, Table)>;

fn samples_of(folder: &Path, hour: u64) -> Result<Samples, StoreError> {
    let mut samples = Samples::new();
    for part in files::parts(folder, Level::Raw) {
        if part.end_seconds() <= hour {
            continue;
        }
        let Some(connection) = files::reading(folder, part)? else { continue };
        let mut statement = connection.prepare(
            "SELECT rows.sequence, nodes.name, from_seconds, unix_day, measures.names, samples FROM rows
             JOIN nodes ON nodes.number = rows.node JOIN measures ON measures.number = rows.measures
             WHERE from_seconds >= ?1 AND from_seconds < ?2 ORDER BY rows.sequence",
        )?;
        let mut rows = statement.query([hour as i64, (hour + HOUR_SECONDS) as i64])?;
        while let Some(row) = rows.next()? {
            let sequence = row.get(0)?;
            let bytes = row.get_ref(5)?.as_blob().map_err(|error| unreadable(sequence, error.to_string()))?;
            let table = Table::unpacked(bytes, row.get::<_, i64>(2)? as u64)
                .map_err(|problem| unreadable(sequence, problem))?;
            let (unix_day, of_node) = samples.entry((row.get(4)?, row.get(1)?)).or_default();
            *unix_day = row.get::<_, i64>(3)? as u64;
            of_node.times.extend(table.times);
            of_node.columns.resize(table.columns.len(), Vec::new());
            for (all, more) in of_node.columns.iter_mut().zip(table.columns) {
                all.extend(more);
            }
        }
    }
    Ok(samples)
}
