//! What is remembered of a series: a week of bins, sorted windows, and running scales. Each new bin costs about a
//! microsecond, whatever the length of the history.

use super::sorted_window::SortedWindow;

/// Seasons (days) that are remembered.
pub const SEASONS: usize = 7;
/// Bins of the short window; an hour of five-minute bins.
pub const SHORT_BINS: usize = 12;
/// Bins of the middle window; four hours of five-minute bins.
pub const MIDDLE_BINS: usize = 48;
/// Largest magnitude of a value; what lies beyond is cut off.
const VALUE_MAX: f64 = 1e15;
/// Half-life of the long scale, in seasons.
const SCALE_SEASONS: f64 = 3.0;

/// A mean that forgets: plain mean of the first values, exponential after them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct RunningMean {
    mean: f64,
    count: f64,
}

impl RunningMean {
    pub(super) fn add(&mut self, value: f64, memory: f64) {
        self.count = (self.count + 1.0).min(memory);
        self.mean += (value - self.mean) / self.count;
    }

    pub(super) fn get(&self) -> f64 {
        self.mean
    }
}

/// Least and largest of about the last `memory` values: those of eight blocks, of which the oldest is let go.
#[derive(Debug, Clone, PartialEq)]
struct Range {
    block: usize,
    filled: usize,
    low_high: [(f32, f32); 8],
}

impl Range {
    fn new(memory: usize) -> Self {
        Self { block: memory.div_ceil(7), filled: 0, low_high: [(f32::MAX, f32::MIN); 8] }
    }

    fn push(&mut self, value: f32) {
        if self.filled == self.block {
            self.low_high.rotate_right(1);
            self.low_high[0] = (f32::MAX, f32::MIN);
            self.filled = 0;
        }
        self.filled += 1;
        let (low, high) = &mut self.low_high[0];
        (*low, *high) = (low.min(value), high.max(value));
    }

    fn get(&self) -> (f32, f32) {
        if self.low_high == [(f32::MAX, f32::MIN); 8] {
            return (0.0, 0.0);
        }
        self.low_high.iter().fold((f32::MAX, f32::MIN), |(l, h), &(low, high)| (l.min(low), h.max(high)))
    }
}

/// State of one series up to its last bin.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    season_bins: usize,
    /// A week of bins, gaps carried forward, in a circle.
    ring: Vec<f32>,
    /// Where the next bin goes.
    head: usize,
    /// Whether a bin of the ring had a sample, a bit for each.
    present: Vec<u64>,
    bins: u64,
    /// Bins since the first sample.
    age_bins: u64,
    gap_bins: u32,
    last: f64,
    /// Values of the last season.
    season: SortedWindow,
    change: RunningMean,
    change_season: RunningMean,
    change_lag: [RunningMean; CHANGE_LAGS.len()],
    level: RunningMean,
    magnitude: RunningMean,
    unchanged: RunningMean,
    range: Range,
}

/// Lags, in bins, whose mean change is kept.
pub(super) const CHANGE_LAGS: [usize; 3] = [3, 12, 48];

impl History {
    /// An empty history of a series with this many bins a day.
    pub fn new(season_bins: usize) -> Self {
        let season_bins = season_bins.max(2);
        let week = (SEASONS * season_bins).max(2 * MIDDLE_BINS);
        Self {
            season_bins,
            ring: vec![0.0; week],
            head: 0,
            present: vec![0; week.div_ceil(64)],
            bins: 0,
            age_bins: 0,
            gap_bins: 0,
            last: 0.0,
            season: SortedWindow::new(season_bins.max(MIDDLE_BINS)),
            change: RunningMean::default(),
            change_season: RunningMean::default(),
            change_lag: [RunningMean::default(); CHANGE_LAGS.len()],
            level: RunningMean::default(),
            magnitude: RunningMean::default(),
            unchanged: RunningMean::default(),
            range: Range::new(week),
        }
    }

    /// Takes the next bin: its value, or `None` when it had no sample.
    pub fn push(&mut self, value: Option<f64>) {
        let value = value.filter(|v| v.is_finite()).map(|v| v.clamp(-VALUE_MAX, VALUE_MAX));
        if let Some(value) = value {
            self.take(value);
        } else if self.age_bins > 0 {
            self.age_bins += 1;
            self.gap_bins = self.gap_bins.saturating_add(1);
        }
        let at = self.head;
        self.head = if at + 1 == self.ring.len() { 0 } else { at + 1 };
        self.ring[at] = self.last as f32;
        let bit = 1 << (at % 64);
        if value.is_some() {
            self.present[at / 64] |= bit;
        } else {
            self.present[at / 64] &= !bit;
        }
        self.bins += 1;
        if self.age_bins > 0 {
            self.range.push(self.last as f32);
        }
    }

    fn take(&mut self, value: f64) {
        let memory = SCALE_SEASONS * self.season_bins as f64;
        if self.age_bins > 0 && self.gap_bins == 0 {
            let change = (value - self.last).abs();
            self.change.add(change, memory);
            self.unchanged.add(f64::from(u8::from(change == 0.0)), memory / 3.0);
            for (lag, mean) in CHANGE_LAGS.into_iter().zip(&mut self.change_lag) {
                // The bin itself is not yet in the ring.
                if self.bins >= lag as u64
                    && let Some(before) =
                        present_at(&self.ring, &self.present, place(&self.ring, self.head, lag - 1))
                {
                    mean.add((value - f64::from(before)).abs(), memory);
                }
            }
        }
        if self.bins >= self.season_bins as u64
            && let Some(before) =
                present_at(&self.ring, &self.present, place(&self.ring, self.head, self.season_bins - 1))
        {
            self.change_season.add((value - f64::from(before)).abs(), memory);
        }
        self.level.add(value, memory);
        self.magnitude.add(value.abs(), memory);
        self.season.push(value as f32);
        self.age_bins += 1;
        self.gap_bins = 0;
        self.last = value;
    }

    /// Bins taken so far.
    pub fn bins(&self) -> u64 {
        self.bins
    }

    /// Bins since the first sample.
    pub fn age_bins(&self) -> u64 {
        self.age_bins
    }

    /// Bins of a day.
    pub fn season_bins(&self) -> usize {
        self.season_bins
    }

    /// Bins since the last sample; 0 when the last bin had one.
    pub fn gap_bins(&self) -> u32 {
        self.gap_bins
    }

    /// The last value seen; 0 before the first.
    pub fn last(&self) -> f64 {
        self.last
    }

    /// Value `back` bins before the last one (0 is the last bin), gaps carried forward; the oldest remembered beyond that.
    pub fn back(&self, back: usize) -> f64 {
        let known = self.age_bins.min(self.ring.len() as u64);
        if known == 0 {
            return 0.0;
        }
        let back = (back as u64).min(known - 1) as usize;
        self.exact(self.ring[place(&self.ring, self.head, back)])
    }

    /// Remembered values have seven digits; those that cannot be told from the last value are the last value.
    fn exact(&self, remembered: f32) -> f64 {
        if remembered == self.last as f32 { self.last } else { f64::from(remembered) }
    }

    /// Value `step` bins after the last one as it was `seasons` days before, if that bin had a sample and is remembered.
    pub fn seasonal(&self, step: usize, seasons: usize) -> Option<f64> {
        let back = (seasons * self.season_bins).checked_sub(step)?;
        if back as u64 >= self.bins.min(self.ring.len() as u64) {
            return None;
        }
        present_at(&self.ring, &self.present, place(&self.ring, self.head, back)).map(|v| self.exact(v))
    }

    /// Least and largest value of the last week; zeros before the first.
    pub fn range(&self) -> (f64, f64) {
        let (low, high) = self.range.get();
        (self.exact(low), self.exact(high))
    }

    /// The values of the last day, those without sample left out.
    pub fn season_window(&self) -> &SortedWindow {
        &self.season
    }

    /// Typical change from one bin to the next: what the series is measured by. Positive once something was seen.
    pub fn scale(&self) -> f64 {
        let floor = 1e-4 * self.magnitude.get();
        self.change.get().max(floor).max(1e-9)
    }

    /// Typical change from one day to the next.
    pub(super) fn seasonal_scale(&self) -> f64 {
        self.change_season.get()
    }

    /// Typical changes over [`CHANGE_LAGS`].
    pub(super) fn lag_scales(&self) -> [f64; CHANGE_LAGS.len()] {
        self.change_lag.map(|m| m.get())
    }

    /// Mean of the last days.
    pub(super) fn level(&self) -> f64 {
        self.level.get()
    }

    /// Mean magnitude of the last days.
    pub fn magnitude(&self) -> f64 {
        self.magnitude.get()
    }

    /// Share of bins that repeat the one before.
    pub(super) fn unchanged(&self) -> f64 {
        self.unchanged.get()
    }
}

/// Where the bin `back` before the last one is, of a ring whose next bin goes to `head`.
fn place(ring: &[f32], head: usize, back: usize) -> usize {
    if back < head { head - 1 - back } else { head + ring.len() - 1 - back }
}

fn present_at(ring: &[f32], present: &[u64], at: usize) -> Option<f32> {
    (present[at / 64] >> (at % 64) & 1 == 1).then(|| ring[at])
}
