//! The last value stays; quantiles from how far it moved lately. Good for load that is steady or jumps at random, and what
//! every other model has to beat.

use super::{Scratch, SeriesModel};
use crate::analyze::forecast::history::History;
use crate::analyze::forecast::residuals::{Residuals, recent_peak};
use crate::analyze::forecast::steps::Steps;

/// State of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Naive {
    residuals: Residuals,
}

impl Naive {
    /// A state without residuals.
    pub fn new(steps: &Steps, season_bins: usize) -> Self {
        Self { residuals: Residuals::new(steps, season_bins, false) }
    }

    /// Its residuals: the changes of the series.
    pub fn residuals(&self) -> &Residuals {
        &self.residuals
    }
}

impl SeriesModel for Naive {
    fn observe(&mut self, history: &History, steps: &Steps) {
        if history.gap_bins() > 0 {
            return;
        }
        for anchor in 0..self.residuals.anchors().len() {
            let step = self.residuals.anchors()[anchor];
            if history.age_bins() > step as u64 {
                self.residuals.push(anchor, history.last() - history.back(step));
            }
        }
        if history.age_bins() > steps.horizon() as u64 && steps.peak() {
            self.residuals.push_peak(recent_peak(history, steps.horizon()) - history.back(steps.horizon()));
        }
    }

    fn forecast(&self, history: &History, steps: &Steps, _scratch: &mut Scratch, out: &mut [f64]) {
        self.residuals.spread(steps, |_| history.last(), out);
    }
}
