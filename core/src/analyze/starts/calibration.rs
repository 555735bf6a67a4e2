//! Whether tasks started when they were expected to, and bands that follow from it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{START_LEVELS, StartBand};
use crate::model::{Name, Snapshot};

/// How far one start that came late, or in time, moves the bands (in units of the logarithm of the wait).
const STEP: f64 = 0.05;
/// Bands are at most so much wider or narrower than what was played.
const LOG_FACTOR_MAX: f64 = 4.0;
/// A wait shorter than this is not told apart from none, seconds.
const WAIT_MIN_SECONDS: f64 = 60.0;
/// Most expectations that wait for what becomes of them.
const OPEN_MAX: usize = 10_000;

/// How many starts were judged, and how many were in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StartsJudged {
    /// Tasks that started, or are later than was told.
    pub judged: u64,
    /// Of them those that started before the time expected; half of them should have.
    pub within_expected: u64,
    /// Those that started within the band; nine of ten should have.
    pub within: u64,
}

/// What was first told of a task, as it was told.
#[derive(Debug, Clone, Copy)]
struct Told {
    /// By each level, seconds; none where it was further away than could be seen.
    by: [Option<u64>; 2],
    /// Whether each level is judged already.
    judged: [bool; 2],
}

/// Keeps what was told of starts until it is known what became of it. Of a task the first that was told counts. Each level moves by a
/// step after each start: up when it came later, down when it did not, so that in the long run the share that comes later is the one
/// promised whatever is wrong with the bands (adaptive conformal inference, Gibbs and Candes, NeurIPS 2021).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct StartCalibration {
    log_factors: [f64; 2],
    judged: StartsJudged,
    #[serde(skip)]
    open: BTreeMap<Name, Told>,
}

impl StartCalibration {
    /// What came of earlier bands.
    pub fn judged(&self) -> StartsJudged {
        self.judged
    }

    /// The band, corrected by what came of earlier ones.
    pub fn correct(&self, band: StartBand, now_seconds: u64) -> StartBand {
        let moved = |at: u64, level: usize| {
            let wait = (at.saturating_sub(now_seconds) as f64).max(WAIT_MIN_SECONDS);
            now_seconds.saturating_add((wait * self.log_factors[level].exp()) as u64)
        };
        let expected_seconds = moved(band.expected_seconds, 0);
        let within_seconds = band.within_seconds.map(|at| moved(at, 1).max(expected_seconds));
        StartBand { expected_seconds, within_seconds }
    }

    /// These bands were told, corrected.
    pub fn told<'a>(&mut self, bands: impl IntoIterator<Item = (&'a Name, &'a StartBand)>) {
        for (task, band) in bands {
            if self.open.len() < OPEN_MAX && !self.open.contains_key(task) {
                let by = [Some(band.expected_seconds), band.within_seconds];
                self.open.insert(task.clone(), Told { by, judged: [false; 2] });
            }
        }
    }

    /// Sees which of the tasks have started since, and which are late.
    pub fn look(&mut self, snapshot: &Snapshot) {
        let now = snapshot.time_seconds;
        let mut open = std::mem::take(&mut self.open);
        open.retain(|name, told| {
            let task = snapshot.task_by_name.get(name);
            // Of one that was taken back nothing can be said.
            let Some(&task) = task else { return false };
            let started = snapshot.cluster.placement(task).is_some();
            let at = snapshot.task(task).started_seconds.filter(|_| started).unwrap_or(now);
            for level in 0..START_LEVELS.len() {
                let in_time = told.by[level].is_none_or(|by| at <= by);
                if !told.judged[level] && (started || !in_time) {
                    told.judged[level] = true;
                    self.judge(level, in_time);
                }
            }
            // It is kept while the task waits, so that none is judged twice.
            !started
        });
        self.open = open;
    }

    fn judge(&mut self, level: usize, in_time: bool) {
        let late = f64::from(u8::from(!in_time));
        let moved = self.log_factors[level] + STEP * (late - (1.0 - START_LEVELS[level]));
        self.log_factors[level] = moved.clamp(-LOG_FACTOR_MAX, LOG_FACTOR_MAX);
        let judged = &mut self.judged;
        match level {
            0 => judged.within_expected += u64::from(in_time),
            _ => {
                judged.judged += 1;
                judged.within += u64::from(in_time);
            }
        }
    }
}
