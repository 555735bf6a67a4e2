//! How far a forecast was off lately, by how far it looked ahead: the quantiles of every model that only has a centre.
//! Never from a normal law: load has tails and spikes that no law of two numbers holds.

use super::SortedWindow;
use super::history::History;
use super::steps::Steps;

/// Residuals at a few steps ahead, and those of the peak.
#[derive(Debug, Clone, PartialEq)]
pub struct Residuals {
    /// Steps ahead, ascending.
    anchors: Vec<usize>,
    windows: Vec<SortedWindow>,
    peak: Option<SortedWindow>,
}

impl Residuals {
    /// Windows of a day at the first and last step and the quarters between them (`few`: at the first and last only). Where the
    /// peak alone is asked for, at the last or none.
    pub fn new(steps: &Steps, season_bins: usize, few: bool) -> Self {
        let horizon = steps.horizon();
        let mut anchors = match (few, steps.groups()) {
            (true, 0) => Vec::new(),
            (false, 0) => vec![horizon],
            (true, _) => vec![1, horizon],
            (false, _) => vec![1, horizon.div_ceil(4), horizon.div_ceil(2), horizon],
        };
        anchors.dedup();
        let window = || SortedWindow::new(season_bins.max(96));
        Self { windows: anchors.iter().map(|_| window()).collect(), anchors, peak: steps.peak().then(window) }
    }

    /// The steps at which residuals are wanted.
    pub fn anchors(&self) -> &[usize] {
        &self.anchors
    }

    /// What came less the centre of `anchor` steps before.
    pub fn push(&mut self, anchor: usize, residual: f64) {
        self.windows[anchor].push(residual as f32);
    }

    /// Highest value of the horizon less its centre.
    pub fn push_peak(&mut self, residual: f64) {
        if let Some(window) = &mut self.peak {
            window.push(residual as f32);
        }
    }

    /// Adds to the `centres` of all outputs the residual quantiles of each level; the median stays the centre.
    pub fn spread(&self, steps: &Steps, centre: impl Fn(usize) -> f64, out: &mut [f64]) {
        let levels = steps.levels();
        for (l, &level) in levels.iter().enumerate() {
            let at_anchor: [f64; 4] = std::array::from_fn(|a| {
                let window = self.windows.get(a);
                window.and_then(|w| w.quantile(level)).map_or(0.0, f64::from)
            });
            for group in 0..steps.groups() {
                let step = *steps.steps_of(group).end();
                let off = if level == 0.5 { 0.0 } else { self.between(&at_anchor, step) };
                out[group * levels.len() + l] = centre(group) + off;
            }
            if let Some(window) = &self.peak {
                let off = window.quantile(level).map_or(0.0, f64::from);
                out[steps.groups() * levels.len() + l] = centre(steps.groups()) + off;
            }
        }
    }

    fn between(&self, at_anchor: &[f64; 4], step: usize) -> f64 {
        let after = self.anchors.partition_point(|&a| a < step).min(self.anchors.len() - 1);
        if after == 0 || self.anchors[after] == step {
            return at_anchor[after];
        }
        let (from, to) = (self.anchors[after - 1], self.anchors[after]);
        let part = (step - from) as f64 / (to - from) as f64;
        at_anchor[after - 1] + part.min(1.0) * (at_anchor[after] - at_anchor[after - 1])
    }

    /// How far most of the recent changes went at least, upwards and downwards (0 when they go both ways).
    pub fn drift(&self) -> (f64, f64) {
        let farthest = self.windows.last();
        let quantile = |level| farthest.and_then(|w| w.quantile(level)).map_or(0.0, f64::from);
        (quantile(0.75).min(0.0), quantile(0.25).max(0.0))
    }
}

/// The highest value of the last `bins` bins that had a sample.
pub(super) fn recent_peak(history: &History, bins: usize) -> f64 {
    (0..bins).map(|back| history.back(back)).fold(f64::MIN, f64::max)
}
