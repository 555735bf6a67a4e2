//! Scores of forecasts against what came: errors relative to the naive forecast, pinball losses, coverage, the peak.
//!
//! Per series and then averaged, as in the forecasting literature: MASE (Hyndman and Koehler 2006) by the mean change from bin to bin
//! in the part that was fitted on; relMAE, the geometric mean over series of MAE over the naive MAE; WAPE pooled per target.

use serde::Serialize;

/// What came of one series, summed up while forecasts are scored.
#[derive(Debug, Clone, Default)]
pub struct SeriesScore {
    /// Mean change from bin to bin in the part that was fitted on.
    pub scale: f64,
    /// 99th percentile of that part.
    pub high: f64,
    /// Values scored.
    pub count: u64,
    /// Sum of magnitudes that came.
    pub sum: f64,
    /// Sum of absolute errors of the median.
    pub error: f64,
    /// Sum of absolute errors of the last value.
    pub naive_error: f64,
    /// For each level: sum of pinball losses, number of values not above it.
    pub levels: Vec<(f64, u64)>,
    /// Peaks scored.
    pub peaks: u64,
    /// For each level: sum of pinball losses, number of peaks not above it, sum of what it lies above the peak.
    pub peak_levels: Vec<(f64, u64, f64)>,
}

/// Loss of a quantile: `level` times what came above it, the rest times what it lies above.
pub fn pinball(level: f64, quantile: f64, came: f64) -> f64 {
    if came >= quantile { level * (came - quantile) } else { (1.0 - level) * (quantile - came) }
}

impl SeriesScore {
    /// Starts scoring a series whose first `fitted` bins were fitted on.
    pub fn new(values: &[f64], fitted: usize, levels: usize) -> Self {
        let part = &values[..fitted.min(values.len())];
        let changes: Vec<f64> =
            part.windows(2).map(|p| (p[1] - p[0]).abs()).filter(|c| !c.is_nan()).collect();
        let mut known: Vec<f64> = part.iter().copied().filter(|v| !v.is_nan()).collect();
        known.sort_by(f64::total_cmp);
        let high = known.len().checked_sub(1).map_or(0.0, |last| known[(last as f64 * 0.99) as usize]);
        Self {
            scale: if changes.is_empty() { 0.0 } else { changes.iter().sum::<f64>() / changes.len() as f64 },
            high,
            levels: vec![(0.0, 0); levels],
            peak_levels: vec![(0.0, 0, 0.0); levels],
            ..Self::default()
        }
    }

    /// Scores one step: the quantiles at these levels, the last value known, and what came.
    pub fn step(&mut self, levels: &[f64], quantiles: &[f64], median: f64, last: f64, came: f64) {
        if came.is_nan() {
            return;
        }
        self.count += 1;
        self.sum += came.abs();
        self.error += (came - median).abs();
        self.naive_error += (came - last).abs();
        for ((sum, covered), (&level, &quantile)) in self.levels.iter_mut().zip(levels.iter().zip(quantiles))
        {
            *sum += pinball(level, quantile, came);
            *covered += u64::from(came <= quantile);
        }
    }

    /// Scores the highest value of the horizon.
    pub fn peak(&mut self, levels: &[f64], quantiles: &[f64], came: f64) {
        if came.is_nan() {
            return;
        }
        self.peaks += 1;
        for ((sum, covered, above), (&level, &quantile)) in
            self.peak_levels.iter_mut().zip(levels.iter().zip(quantiles))
        {
            *sum += pinball(level, quantile, came);
            *covered += u64::from(came <= quantile);
            *above += (quantile - came).max(0.0);
        }
    }
}

/// Scores over all series.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Scores {
    /// Series with something to score.
    pub series: usize,
    /// Geometric mean over series of MAE over naive MAE.
    pub rel_mae: f64,
    /// Mean over series of MAE over the scale.
    pub mase: f64,
    /// Sum of errors over sum of values, pooled per target; mean of the targets.
    pub wape: f64,
    /// For each level, mean over series of the pinball loss over the scale.
    pub spl: Vec<f64>,
    /// For each level, share of values not above it.
    pub coverage: Vec<f64>,
    /// The same of the peak.
    pub peak_spl: Vec<f64>,
    /// The same of the peak.
    pub peak_coverage: Vec<f64>,
    /// For each level, how far it lies above the peak on average, over the 99th percentile of the series.
    pub peak_slack: Vec<f64>,
    /// For each level pooled over all series: twice the sum of pinball losses over the sum of magnitudes; the mean is WQL.
    pub wql: f64,
}

impl Scores {
    /// Sums up; `groups` gives for each series the number of its target.
    pub fn of(series: &[SeriesScore], groups: &[usize]) -> Self {
        let scored: Vec<(&SeriesScore, usize)> =
            series.iter().zip(groups.iter().copied()).filter(|(s, _)| s.count > 0 && s.scale > 0.0).collect();
        let levels = series.first().map_or(0, |s| s.levels.len());
        let mean = |value: &dyn Fn(&SeriesScore) -> f64| {
            let values: Vec<f64> = scored.iter().map(|(s, _)| value(s)).filter(|v| v.is_finite()).collect();
            if values.is_empty() { f64::NAN } else { values.iter().sum::<f64>() / values.len() as f64 }
        };
        let each = |value: &dyn Fn(&SeriesScore, usize) -> f64| -> Vec<f64> {
            (0..levels).map(|l| mean(&|s| value(s, l))).collect()
        };
        let log_ratio = |s: &SeriesScore| {
            let n = s.count as f64;
            ((s.error / n).max(1e-9) / (s.naive_error / n).max(1e-9)).ln()
        };
        let wape: Vec<f64> = (0..groups.iter().max().map_or(0, |g| g + 1))
            .map(|group| {
                scored
                    .iter()
                    .filter(|(_, g)| *g == group)
                    .fold((0.0, 0.0), |(e, a), (s, _)| (e + s.error, a + s.sum))
            })
            .filter(|(_, sum)| *sum > 0.0)
            .map(|(error, sum)| error / sum)
            .collect();
        let total: f64 = series.iter().map(|s| s.sum).sum();
        let pooled = |l: usize| 2.0 * series.iter().map(|s| s.levels[l].0).sum::<f64>() / total;
        Self {
            series: scored.len(),
            rel_mae: mean(&log_ratio).exp(),
            mase: mean(&|s| s.error / s.count as f64 / s.scale),
            wape: wape.iter().sum::<f64>() / wape.len() as f64,
            spl: each(&|s, l| s.levels[l].0 / s.count as f64 / s.scale),
            coverage: each(&|s, l| s.levels[l].1 as f64 / s.count as f64),
            peak_spl: each(&|s, l| s.peak_levels[l].0 / s.peaks as f64 / s.scale),
            peak_coverage: each(&|s, l| s.peak_levels[l].1 as f64 / s.peaks as f64),
            peak_slack: each(&|s, l| s.peak_levels[l].2 / s.peaks as f64 / s.high.max(1e-9)),
            wql: (0..levels).map(pooled).sum::<f64>() / levels.max(1) as f64,
        }
    }
}
