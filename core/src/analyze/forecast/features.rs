//! What the network sees of a series: scale-free numbers relative to the last value, so that one network serves series
//! of any size and a new one from its first hour.

use super::history::{CHANGE_LAGS, History, MIDDLE_BINS, SEASONS, SHORT_BINS};
use super::steps::Steps;

/// Version of the features below. A model trained on others is refused.
pub const FEATURES_VERSION: u32 = 1;
/// Spans of the horizon for which the same hours of the days before are shown.
const SPANS: usize = 12;
/// Levels of the last day's values that are shown.
const DAY_LEVELS: [f64; 7] = [0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98];
/// Single bins before the last one that are shown.
const LAGS: usize = SHORT_BINS - 1;
/// Older bins, shown as means of a few: from (bins back), how many.
const OLDER: [(usize, usize); 4] = [(12, 6), (18, 6), (24, 12), (36, 12)];

/// Number of features.
pub const FEATURES: usize =
    LAGS + OLDER.len() + 4 + 5 + DAY_LEVELS.len() + 2 + 5 * SPANS / 2 + 6 + CHANGE_LAGS.len() + 7 + 6;

/// Writes features one after the other.
struct Writer<'a> {
    out: &'a mut [f32],
    at: usize,
}

impl Writer<'_> {
    fn put(&mut self, value: f64) {
        self.out[self.at] = if value.is_finite() { (value as f32).clamp(-20.0, 20.0) } else { 0.0 };
        self.at += 1;
    }
}

/// Compresses a ratio of any size, keeping sign and small values: asinh, to 15 places behind the point. What is no number stays so.
pub fn compress(ratio: f64) -> f64 {
    let size = ratio.abs().clamp(0.0, RATIO_MAX);
    (size + (size * size + 1.0).sqrt()).ln().copysign(ratio)
}

/// Largest ratio that is told apart: its square is a number.
const RATIO_MAX: f64 = 1e150;

/// The inverse of [`compress`]; ratios are bounded by e^16.
pub fn expand(compressed: f64) -> f64 {
    let grown = compressed.clamp(-16.0, 16.0).exp();
    (grown - 1.0 / grown) / 2.0
}

/// Fills `out` with the features of the series for a forecast of these steps.
pub fn features(history: &History, steps: &Steps, out: &mut [f32; FEATURES]) {
    let (last, scale) = (history.last(), history.scale());
    let ratio = |value: f64| compress((value - last) / scale);
    let mut to = Writer { out, at: 0 };

    let recent: [f64; MIDDLE_BINS] = std::array::from_fn(|back| history.back(back));
    for &value in &recent[1..=LAGS] {
        to.put(ratio(value));
    }
    for (from, count) in OLDER {
        to.put(ratio(mean(&recent[from..from + count])));
    }
    window(&mut to, &recent[..SHORT_BINS], &ratio, false);
    window(&mut to, &recent, &ratio, true);
    let day = history.season_window();
    for level in DAY_LEVELS {
        to.put(day.quantile(level).map_or(0.0, |v| ratio(f64::from(v))));
    }
    to.put(ratio(history.level()));
    to.put(f64::from(day.rank(last as f32)) * 2.0 - 1.0);

    seasons(&mut to, history, steps, &ratio);
    scales(&mut to, history, &recent, scale);
    clock(&mut to, history);
    debug_assert_eq!(to.at, FEATURES);
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Mean, least, largest, and how the last value moves against the mean; of the middle window its median too.
fn window(to: &mut Writer<'_>, values: &[f64], ratio: &impl Fn(f64) -> f64, median: bool) {
    to.put(ratio(mean(values)));
    let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(l, h), &v| (l.min(v), h.max(v)));
    to.put(ratio(low));
    to.put(ratio(high));
    to.put(ratio(mean(&values[..values.len() / 4])));
    if median {
        let mut sorted = [0.0; MIDDLE_BINS];
        sorted.copy_from_slice(values);
        let (_, middle, _) = sorted.select_nth_unstable_by(MIDDLE_BINS / 2, f64::total_cmp);
        to.put(ratio(*middle));
    }
}

/// The same hours of the days before: yesterday, the mean of the week, and its highest (for pairs of spans).
fn seasons(to: &mut Writer<'_>, history: &History, steps: &Steps, ratio: &impl Fn(f64) -> f64) {
    let last = history.last();
    let mut highest = [f64::MIN; SPANS / 2];
    for span in 0..SPANS {
        let range = steps.span(span, SPANS);
        let (mut yesterday, mut week) = (Mean::default(), Mean::default());
        for step in range {
            for season in 1..=SEASONS {
                // Long horizons look back to the first day that is over.
                let season = season + (step - 1) / history.season_bins();
                if let Some(value) = history.seasonal(step, season) {
                    if season == 1 + (step - 1) / history.season_bins() {
                        yesterday.add(value);
                    }
                    week.add(value);
                    highest[span / 2] = highest[span / 2].max(value);
                }
            }
        }
        to.put(ratio(yesterday.or(week.or(last))));
        to.put(ratio(week.or(last)));
    }
    for high in highest {
        to.put(ratio(if high == f64::MIN { last } else { high }));
    }
}

#[derive(Default)]
struct Mean {
    sum: f64,
    count: u32,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    fn or(&self, other: f64) -> f64 {
        if self.count == 0 { other } else { self.sum / f64::from(self.count) }
    }
}

/// How lively the series is now against its own habit, and what kind of series it is.
fn scales(to: &mut Writer<'_>, history: &History, recent: &[f64], scale: f64) {
    let changes = |bins: usize| mean_change(&recent[..bins]) / scale;
    let log = |ratio: f64| (ratio + 0.01).ln() / 2.0;
    to.put(log(changes(4)));
    to.put(log(changes(SHORT_BINS)));
    to.put(log(changes(MIDDLE_BINS)));
    let day = history.season_window();
    let spread = |low: f64, high: f64| {
        let (low, high) = (day.quantile(low).unwrap_or(0.0), day.quantile(high).unwrap_or(0.0));
        f64::from(high - low) / scale
    };
    to.put(log(spread(0.25, 0.75)));
    to.put(log(spread(0.05, 0.95)));
    to.put(log(history.seasonal_scale() / scale));
    for lag_scale in history.lag_scales() {
        to.put(log(lag_scale / scale));
    }
    to.put(history.unchanged() * 2.0 - 1.0);
    to.put(log(history.magnitude() / scale) / 2.0);
    to.put(compress(history.last() / scale) / 4.0);
    to.put(if history.last() == 0.0 { 1.0 } else { 0.0 });
    to.put(f64::from(history.gap_bins()).ln_1p());
    to.put((history.age_bins() as f64 / (SEASONS * history.season_bins()) as f64).min(1.0));
    let zeros = f64::from(day.rank(0.0)) * 2.0;
    to.put(zeros.min(1.0));
}

/// Mean step between neighbours.
fn mean_change(values: &[f64]) -> f64 {
    let changes: f64 = values.windows(2).map(|pair| (pair[0] - pair[1]).abs()).sum();
    changes / (values.len() - 1) as f64
}

/// Time of day and of the hour.
fn clock(to: &mut Writer<'_>, history: &History) {
    let season = history.season_bins() as f64;
    let turn = std::f64::consts::TAU;
    let day = history.bins() as f64 % season / season;
    for frequency in [1.0, 2.0] {
        to.put((turn * frequency * day).sin());
        to.put((turn * frequency * day).cos());
    }
    let hour = (day * 24.0).fract();
    to.put((turn * hour).sin());
    to.put((turn * hour).cos());
}
