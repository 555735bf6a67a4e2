//! How the nodes stood, over months: a compressed row per node and five minutes with every sample, from these five-minute rollups, and from
//! these hourly ones. Each level is kept for a period of its own.
//!
//! A level lies in files of its own beside the journal, one for so many days; what is too old goes by deleting a file, so expiry costs the same
//! however much there is, and gives the room back at once. The files are made of what has happened only: a kill costs the samples of
//! the five minutes that were open, never a row, and none of it can hold up or spoil the journal.

mod coding;
mod files;
mod keeper;
mod past;
mod rollup;
mod untold;

pub use keeper::{SeriesKeeper, SeriesReport};
pub use past::{Past, PastPoint, PastQuery};
pub(super) use untold::Untold;

use std::sync::Arc;

/// Seconds that a row with all its samples spans.
pub const WINDOW_SECONDS: u64 = 300;
/// Seconds of an hourly rollup.
pub(super) const HOUR_SECONDS: u64 = 3600;
/// Seconds of a day.
const DAY_SECONDS: u64 = 24 * HOUR_SECONDS;
/// What a share or a probability of 1 is kept as.
pub const ONE: u16 = 1000;
/// The folder of the files, beside the journal.
const FOLDER: &str = "series";

/// How finely the past is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Every sample.
    Raw,
    /// Least, mean, greatest and 95th percentile of five minutes.
    FiveMinutes,
    /// The same of an hour.
    Hour,
}

impl Level {
    /// All of them, the finest first.
    pub const ALL: [Self; 3] = [Self::Raw, Self::FiveMinutes, Self::Hour];

    /// Its name, as shown and as its files begin.
    pub fn name(self) -> &'static str {
        ["raw", "five-minutes", "hours"][self as usize]
    }

    /// Days that one file, or one partition of a database elsewhere, has.
    pub(super) fn days_together(self) -> u64 {
        [1, 5, 30][self as usize]
    }
}

/// For how long each level is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Periods {
    /// Hours for every sample.
    pub raw_hours: u64,
    /// Days for the rollups of five minutes.
    pub five_minutes_days: u64,
    /// Days for the rollups of hours.
    pub hours_days: u64,
}

impl Periods {
    /// Two days, thirty days, thirteen months.
    pub const DEFAULT: Self = Self { raw_hours: 48, five_minutes_days: 30, hours_days: 396 };

    /// The period of a level, seconds.
    pub(super) fn seconds(&self, level: Level) -> u64 {
        match level {
            Level::Raw => self.raw_hours * HOUR_SECONDS,
            Level::FiveMinutes => self.five_minutes_days * DAY_SECONDS,
            Level::Hour => self.hours_days * DAY_SECONDS,
        }
    }
}

impl Default for Periods {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// How all nodes stood at a moment.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The cluster's time, seconds; it never goes back.
    pub time_seconds: u64,
    /// Seconds since 1970.
    pub unix_seconds: u64,
    /// The names of the nodes.
    pub nodes: Arc<Vec<String>>,
    /// The names of what is measured of each.
    pub measures: Arc<Vec<String>>,
    /// Measure after measure, node after node, in thousandths.
    pub values: Vec<u16>,
}

impl Sample {
    /// A share, or another number that is not large, as it is kept: in thousandths, at least 0 and at most 65.535.
    pub fn thousandths(value: f64) -> u16 {
        // The cast keeps what is too high at the greatest, and what is no number at 0.
        (value * f64::from(ONE)).round() as u16
    }
}

#[cfg(test)]
mod tests;
