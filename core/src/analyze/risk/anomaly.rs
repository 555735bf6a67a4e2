//! Anomaly score of a machine from its telemetry: how unlike what it just was, and how unlike what it usually is at this
//! time of day.
//!
//! Each metric is compared with its mean over the last quarter of an hour or so and with its daily profile. Of each
//! comparison the three metrics that deviate most count, over a quarter of an hour; how rare that is
//! ([`super::tail_rank`]) is averaged over the two. A score is causal: it depends on readings up to its bin alone. It
//! says that a machine has become unlike itself, not that it will fail.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::alarm_budget::AlarmBudget;
use super::daily_profile::DailyProfile;
use super::spread::deviation;
use super::tail_rank::TailRank;
use super::telemetry::Telemetry;

/// Time constant of the mean that "just was" means, seconds.
const RECENT_SECONDS: f64 = 900.0;
/// Scores are averaged over this time, seconds.
const SMOOTHING_SECONDS: u32 = 900;
/// Metrics that count, those that deviate most: a fault shows in a few of many.
const METRICS_COUNTED: usize = 3;
/// Share of the readings to learn from that habits are taken from; the rest judges the threshold.
const HABIT_SHARE: f64 = 0.7;
/// A deviation is never taken to be smaller than this share of the metric's range.
const DEVIATION_FLOOR: f64 = 1e-3;
/// Deviations above this are all the same.
const DEVIATIONS_MAX: f64 = 1000.0;
/// Readings beyond this are no readings: sums of them must stay finite.
const READING_MAX: f64 = 1e15;
/// Bins to learn from at least.
pub const BINS_TO_LEARN_MIN: usize = 20;

/// A machine's telemetry cannot be learned from.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AnomalyError {
    /// Too short.
    #[error("machine `{machine}` has {bins} bins to learn from, expected at least {BINS_TO_LEARN_MIN}")]
    TooShort {
        /// The machine.
        machine: String,
        /// Bins there are.
        bins: usize,
    },
    /// Nothing was ever read.
    #[error("machine `{machine}` has no reading in any of its {metrics} metrics to learn from")]
    Empty {
        /// The machine.
        machine: String,
        /// Metrics there are.
        metrics: usize,
    },
}

/// What a bin's readings mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AnomalyReading {
    /// Decimal logarithm of how rare it is, with the sign turned: 2 is one bin in a hundred. Never negative.
    pub score: f64,
    /// Whether that is at or above the threshold of the budget.
    pub alarm: bool,
    /// The metrics that deviate most, by number, and by how many deviations; the first the most.
    pub metrics: [(u32, f32); METRICS_COUNTED],
}

/// One metric: its habits and what it just was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Metric {
    profile: DailyProfile,
    recent: Option<f64>,
    /// Bin of the last reading.
    seen_bin: i64,
    recent_deviation: f64,
    profile_deviation: f64,
}

/// Watches one machine. A reading costs O(metrics).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnomalyDetector {
    period_seconds: u32,
    metrics: Vec<Metric>,
    ranks: [TailRank; 2],
    threshold: f64,
    /// The last comparisons, for the mean over a quarter of an hour.
    smoothing: VecDeque<[f64; 2]>,
    last_bin: i64,
}

impl AnomalyDetector {
    /// Learns a machine's habits from readings that need no labels but should be mostly normal: the first 70% give the
    /// habits, all give the ranks, the last 30% the threshold.
    ///
    /// # Errors
    /// When there are fewer than [`BINS_TO_LEARN_MIN`] bins or no finite reading at all.
    pub fn fit(telemetry: &Telemetry, budget: AlarmBudget) -> Result<Self, AnomalyError> {
        let bins = telemetry.bins();
        let machine = || telemetry.machine.clone();
        if bins < BINS_TO_LEARN_MIN {
            return Err(AnomalyError::TooShort { machine: machine(), bins });
        }
        if !telemetry.values.iter().any(|&v| known(v).is_some()) {
            return Err(AnomalyError::Empty { machine: machine(), metrics: telemetry.metrics.len() });
        }
        let habits = (bins as f64 * HABIT_SHARE) as usize;
        let period_seconds = telemetry.period_seconds.max(1);
        let metrics = (0..telemetry.metrics.len()).map(|m| {
            let column: Vec<f64> =
                (0..habits).map(|bin| known(telemetry.row(bin)[m]).unwrap_or(f64::NAN)).collect();
            Metric::fit(&column, telemetry.first_bin, period_seconds)
        });
        let mut detector = Self {
            period_seconds,
            metrics: metrics.collect(),
            ranks: [const { Vec::<f64>::new() }; 2].map(|none| TailRank::fit(&none)),
            threshold: f64::INFINITY,
            smoothing: VecDeque::new(),
            last_bin: telemetry.first_bin - 1,
        };
        let raw: Vec<[f64; 2]> = telemetry
            .rows()
            .enumerate()
            .map(|(i, (bin, row))| detector.compare(bin, row, i >= habits).0)
            .collect();
        detector.ranks = [0, 1].map(|k| TailRank::fit(&raw.iter().map(|r| r[k]).collect::<Vec<_>>()));
        let scores: Vec<f64> = raw[habits..].iter().map(|&r| detector.rank(r)).collect();
        detector.threshold = budget.threshold(&scores, period_seconds);
        Ok(detector)
    }

    /// Takes in the readings of a bin, one for each metric and not finite where missing; bins come in order, and one
    /// that was seen already changes nothing but is scored again. `None` when the number of metrics is another.
    pub fn push(&mut self, bin: i64, readings: &[f64]) -> Option<AnomalyReading> {
        if readings.len() != self.metrics.len() {
            return None;
        }
        let (raw, metrics) = self.compare(bin, readings, true);
        let score = self.rank(raw);
        Some(AnomalyReading { score, alarm: score >= self.threshold, metrics })
    }

    /// The lowest score that is an alarm.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    fn rank(&self, raw: [f64; 2]) -> f64 {
        (self.ranks[0].rank(raw[0]) + self.ranks[1].rank(raw[1])) / 2.0
    }

    /// Compares readings with what just was and what usually is, and takes them in.
    fn compare(
        &mut self,
        bin: i64,
        readings: &[f64],
        moves: bool,
    ) -> ([f64; 2], [(u32, f32); METRICS_COUNTED]) {
        let skipped = bin.saturating_sub(self.last_bin).saturating_sub(1);
        let again = skipped < 0;
        let size = (SMOOTHING_SECONDS / self.period_seconds).max(1) as usize;
        if skipped > 0 {
            // What is missing says nothing: the mean is over what there is.
            for _ in 0..skipped.min(size as i64) {
                self.smoothing.pop_front();
            }
        }
        let bins_passed = if again { 0.0 } else { skipped as f64 + 1.0 };
        let weight = 1.0 - (-bins_passed * f64::from(self.period_seconds) / RECENT_SECONDS).exp();
        let mut top = [[0.0_f64; METRICS_COUNTED]; 2];
        let mut worst = [(0_u32, 0.0_f32); METRICS_COUNTED];
        let mut any = false;
        for (m, (metric, &reading)) in self.metrics.iter_mut().zip(readings).enumerate() {
            let value = known(reading);
            if let Some(value) = value {
                any = true;
                // After a pause nobody knows what just was.
                let pause_bins = bin.saturating_sub(metric.seen_bin).saturating_sub(1) as f64;
                if pause_bins * f64::from(self.period_seconds) > RECENT_SECONDS {
                    metric.recent = None;
                }
                let deviations = metric.deviations(bin, value);
                for (top, deviation) in top.iter_mut().zip(deviations) {
                    insert(top, deviation);
                }
                insert_by(&mut worst, (m as u32, deviations[0].max(deviations[1]) as f32));
            }
            if !again {
                metric.take(bin, value, weight, moves);
            }
        }
        let now = top.map(|t| t.iter().sum::<f64>() / METRICS_COUNTED as f64);
        if !again {
            self.last_bin = bin;
            if self.smoothing.len() >= size || !any {
                self.smoothing.pop_front();
            }
            if any {
                self.smoothing.push_back(now);
            }
        }
        let count = self.smoothing.len().max(1) as f64;
        let mean = [0, 1].map(|k| self.smoothing.iter().map(|s| s[k]).sum::<f64>() / count);
        (mean, worst)
    }
}

impl Metric {
    fn fit(column: &[f64], first_bin: i64, period_seconds: u32) -> Self {
        let profile = DailyProfile::fit(column, first_bin, period_seconds);
        let weight = 1.0 - (-f64::from(period_seconds) / RECENT_SECONDS).exp();
        let mut recent: Option<f64> = None;
        let changes: Vec<f64> = column
            .iter()
            .filter(|v| v.is_finite())
            .map(|&v| {
                let before = recent.unwrap_or(v);
                recent = Some(before + weight * (v - before));
                v - before
            })
            .collect();
        let finite = || column.iter().copied().filter(|v| v.is_finite());
        let (low, high) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        // Of a metric that never moved nobody knows what a large change is; one is as good a unit as any.
        let range = if high > low { high - low } else { finite().next().unwrap_or(0.0).abs().max(1.0) };
        let floor = (DEVIATION_FLOOR * range).max(f64::MIN_POSITIVE);
        Self {
            recent: None,
            seen_bin: first_bin,
            recent_deviation: deviation(changes.into_iter()).max(floor),
            profile_deviation: profile.deviation().max(floor),
            profile,
        }
    }

    /// By how many deviations a reading is off what just was and what usually is.
    fn deviations(&self, bin: i64, value: f64) -> [f64; 2] {
        let off = |from: f64, deviation: f64| {
            let off = ((value - from) / deviation).abs();
            if off.is_finite() { off.min(DEVIATIONS_MAX) } else { DEVIATIONS_MAX }
        };
        [
            self.recent.map_or(0.0, |recent| off(recent, self.recent_deviation)),
            off(self.profile.at(bin), self.profile_deviation),
        ]
    }

    fn take(&mut self, bin: i64, value: Option<f64>, weight: f64, moves: bool) {
        if let Some(value) = value {
            self.recent = Some(self.recent.map_or(value, |r| r + weight * (value - r)));
            self.seen_bin = bin;
        }
        self.profile.push(bin, value, moves);
    }
}

/// The reading, if it is one.
fn known(reading: f64) -> Option<f64> {
    (reading.abs() <= READING_MAX).then_some(reading)
}

/// Keeps the highest, the highest first.
fn insert(top: &mut [f64; METRICS_COUNTED], value: f64) {
    let at = top.partition_point(|&t| t >= value);
    if at < METRICS_COUNTED {
        top[at..].rotate_right(1);
        top[at] = value;
    }
}

/// The same with the metric's number.
fn insert_by(top: &mut [(u32, f32); METRICS_COUNTED], value: (u32, f32)) {
    let at = top.partition_point(|t| t.1 >= value.1);
    if at < METRICS_COUNTED {
        top[at..].rotate_right(1);
        top[at] = value;
    }
}
