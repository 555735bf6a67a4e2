//! Simple exponential smoothing, its factor the one of four that erred least lately; quantiles from its own residuals. Source: Hyndman,
//! Koehler, Ord, Snyder, "Forecasting with Exponential Smoothing" (2008), model ETS(A,N,N). A library refits such a model in 0.1 to 1 second
//! at each origin; this state is updated in well under a microsecond, and its quantiles cannot explode.

use std::collections::VecDeque;

use super::{Scratch, SeriesModel};
use crate::analyze::forecast::history::{History, RunningMean};
use crate::analyze::forecast::residuals::{Residuals, recent_peak};
use crate::analyze::forecast::steps::Steps;

const FACTORS: [f64; 4] = [0.05, 0.15, 0.35, 0.7];

/// State of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Smoothing {
    levels: [f64; FACTORS.len()],
    errors: [RunningMean; FACTORS.len()],
    /// Centres of the last horizon, the newest first.
    centres: VecDeque<f64>,
    residuals: Residuals,
}

impl Smoothing {
    /// An empty state.
    pub fn new(steps: &Steps, season_bins: usize) -> Self {
        Self {
            levels: [0.0; FACTORS.len()],
            errors: [RunningMean::default(); FACTORS.len()],
            centres: VecDeque::new(),
            residuals: Residuals::new(steps, season_bins, true),
        }
    }

    /// The level by the factor that erred least over about a day.
    pub fn centre(&self) -> f64 {
        let best = (0..FACTORS.len()).min_by(|&a, &b| self.errors[a].get().total_cmp(&self.errors[b].get()));
        best.map_or(0.0, |best| self.levels[best])
    }
}

impl SeriesModel for Smoothing {
    fn observe(&mut self, history: &History, steps: &Steps) {
        if history.gap_bins() == 0 && history.age_bins() > 0 {
            let value = history.last();
            for anchor in 0..self.residuals.anchors().len() {
                if let Some(&centre) = self.centres.get(self.residuals.anchors()[anchor] - 1) {
                    self.residuals.push(anchor, value - centre);
                }
            }
            if let Some(&centre) = self.centres.get(steps.horizon() - 1) {
                self.residuals.push_peak(recent_peak(history, steps.horizon()) - centre);
            }
            for (i, &factor) in FACTORS.iter().enumerate() {
                if history.age_bins() == 1 {
                    self.levels[i] = value;
                }
                self.errors[i].add((value - self.levels[i]).abs(), history.season_bins() as f64);
                self.levels[i] += factor * (value - self.levels[i]);
            }
        }
        if history.age_bins() > 0 {
            self.centres.push_front(self.centre());
            self.centres.truncate(steps.horizon());
        }
    }

    fn forecast(&self, _history: &History, steps: &Steps, _scratch: &mut Scratch, out: &mut [f64]) {
        let centre = self.centre();
        self.residuals.spread(steps, |_| centre, out);
    }
}
