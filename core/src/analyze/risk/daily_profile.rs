//! What a metric usually is at a time of day: the mean of the same 30 minutes over past days, or one level for all
//! times where that predicts the days left out of it no worse.
//!
//! It follows the machine slowly, by a tenth of the distance a day, and a single reading moves it by no more than
//! three deviations: a fault must not become the habit that it is judged by.

use serde::{Deserialize, Serialize};

/// Half of the window around a time of day, seconds.
const HALF_WINDOW_SECONDS: u32 = 900;
/// Share of the distance to a new day that the profile moves.
const DAY_WEIGHT: f64 = 0.1;
/// A reading counts as no further away than this many deviations.
const INNOVATION_MAX: f64 = 3.0;
/// Days that must be known before times of day are told apart.
const DAYS_MIN: usize = 3;

/// Bins of a day; at least 1.
pub(super) fn slots_of(period_seconds: u32) -> usize {
    (86_400 / period_seconds.max(1)).max(1) as usize
}

/// The profile of one metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct DailyProfile {
    /// One level for each bin of a day, or a single one.
    level: Vec<f64>,
    deviation: f64,
    /// The last readings: twice the half window and one.
    recent: Vec<Option<f64>>,
    at: usize,
    slots: usize,
}

impl DailyProfile {
    /// Learns from readings of consecutive bins, the first of which is bin `first_bin`; what is not finite is missing.
    pub(super) fn fit(values: &[f64], first_bin: i64, period_seconds: u32) -> Self {
        let slots = slots_of(period_seconds);
        let half = (HALF_WINDOW_SECONDS / period_seconds.max(1)).max(1) as usize;
        let smooth = smoothed(values, half);
        let (mut sums, mut counts) = (vec![0.0; slots], vec![0.0_f64; slots]);
        for (i, v) in smooth.iter().enumerate() {
            if let Some(v) = v {
                let slot = slot_of(first_bin + i as i64, slots);
                sums[slot] += v;
                counts[slot] += 1.0;
            }
        }
        let (sum, count) = (sums.iter().sum::<f64>(), counts.iter().sum::<f64>());
        let mean = if count > 0.0 { sum / count } else { 0.0 };
        let daily = smooth.len() >= DAYS_MIN * slots
            && slots > 1
            && daily_is_better(&smooth, first_bin, slots, (&sums, &counts));
        let level = if daily {
            sums.iter().zip(&counts).map(|(s, &n)| if n > 0.0 { s / n } else { mean }).collect()
        } else {
            vec![mean]
        };
        let mut profile = Self { level, deviation: 0.0, recent: vec![None; 2 * half + 1], at: 0, slots };
        let residuals = values.iter().enumerate().filter(|(_, v)| v.is_finite());
        let residuals = residuals.map(|(i, v)| v - profile.at(first_bin + i as i64));
        profile.deviation = super::spread::deviation(residuals);
        profile
    }

    /// What is usual at this bin.
    pub(super) fn at(&self, bin: i64) -> f64 {
        if self.level.len() == 1 { self.level[0] } else { self.level[slot_of(bin, self.slots)] }
    }

    /// Standard deviation of what it learned from around itself.
    pub(super) fn deviation(&self) -> f64 {
        self.deviation
    }

    /// Takes in the reading of the bin that follows the last one; `moves` says whether the profile follows it.
    pub(super) fn push(&mut self, bin: i64, value: Option<f64>, moves: bool) {
        let size = self.recent.len();
        self.recent[self.at] = value;
        self.at = (self.at + 1) % size;
        if !moves {
            return;
        }
        let (sum, count) = self.recent.iter().flatten().fold((0.0, 0.0), |(s, n), v| (s + v, n + 1.0));
        if count == 0.0 {
            return;
        }
        // The window's middle lies half of it in the past; it is asked for again tomorrow at the earliest.
        let middle = bin - (size / 2) as i64;
        let far = INNOVATION_MAX * self.deviation;
        let distance = (sum / count - self.at(middle)).clamp(-far, far);
        if self.level.len() == 1 {
            self.level[0] += DAY_WEIGHT / self.slots as f64 * distance;
        } else {
            let slot = slot_of(middle, self.slots);
            self.level[slot] += DAY_WEIGHT * distance;
        }
    }
}

fn slot_of(bin: i64, slots: usize) -> usize {
    bin.rem_euclid(slots as i64) as usize
}

/// Mean of the bins up to `half` away; `None` where all are missing.
fn smoothed(values: &[f64], half: usize) -> Vec<Option<f64>> {
    let (mut sum, mut count) = (vec![0.0; values.len() + 1], vec![0_u32; values.len() + 1]);
    for (i, v) in values.iter().enumerate() {
        let known = v.is_finite();
        sum[i + 1] = sum[i] + if known { *v } else { 0.0 };
        count[i + 1] = count[i] + u32::from(known);
    }
    let mean = |i: usize| {
        let (low, high) = (i.saturating_sub(half), (i + half + 1).min(values.len()));
        let n = count[high] - count[low];
        (n > 0).then(|| (sum[high] - sum[low]) / f64::from(n))
    };
    (0..values.len()).map(mean).collect()
}

/// Whether the mean at the same time on other days is nearer to a day than the mean of all other days.
fn daily_is_better(
    smooth: &[Option<f64>],
    first_bin: i64,
    slots: usize,
    (sums, counts): (&[f64], &[f64]),
) -> bool {
    let (sum, count) = (sums.iter().sum::<f64>(), counts.iter().sum::<f64>());
    let (mut of_time, mut of_all) = (0.0, 0.0);
    let first_slot = slot_of(first_bin, slots);
    let mut begin = 0;
    while begin < smooth.len() {
        let end = if begin == 0 { slots - first_slot } else { begin + slots }.min(smooth.len());
        let day = smooth[begin..end].iter().flatten().fold((0.0, 0.0), |(s, n), v| (s + v, n + 1.0));
        if count > day.1 {
            let others = (sum - day.0) / (count - day.1);
            for (i, v) in smooth[begin..end].iter().enumerate() {
                let slot = slot_of(first_bin + (begin + i) as i64, slots);
                if let Some(v) = v
                    && counts[slot] > 1.0
                {
                    of_time += (v - (sums[slot] - v) / (counts[slot] - 1.0)).powi(2);
                    of_all += (v - others).powi(2);
                }
            }
        }
        begin = end;
    }
    of_time < of_all
}
