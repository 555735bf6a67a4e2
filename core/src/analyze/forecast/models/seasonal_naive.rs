//! As a day before at the same time; quantiles from how far days differed lately. Good for load with a strong daily
//! rhythm, poor for the rest.

use super::{Scratch, SeriesModel};
use crate::analyze::forecast::history::{History, SEASONS};
use crate::analyze::forecast::residuals::{Residuals, recent_peak};
use crate::analyze::forecast::steps::Steps;

/// State of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct SeasonalNaive {
    residuals: Residuals,
}

impl SeasonalNaive {
    /// A state without residuals.
    pub fn new(steps: &Steps, season_bins: usize) -> Self {
        Self { residuals: Residuals::new(&one_anchor(steps), season_bins, true) }
    }
}

/// The centre of a moment is the same from wherever it is looked at, so one window of residuals serves all steps.
fn one_anchor(steps: &Steps) -> Steps {
    if steps.groups() == 0 {
        return steps.clone();
    }
    Steps::new(1, steps.peak(), steps.levels()).unwrap_or_else(|_| steps.clone())
}

/// The value at this step as of the last day that had one; the last value without any.
fn centre(history: &History, step: usize) -> f64 {
    let over = 1 + (step - 1) / history.season_bins();
    (over..=SEASONS).find_map(|season| history.seasonal(step, season)).unwrap_or(history.last())
}

impl SeriesModel for SeasonalNaive {
    fn observe(&mut self, history: &History, steps: &Steps) {
        let season = history.season_bins();
        if history.gap_bins() > 0 || history.age_bins() <= (season + steps.horizon()) as u64 {
            return;
        }
        // A day before the last bin is `season` bins back of it.
        if !self.residuals.anchors().is_empty() {
            self.residuals.push(0, history.last() - history.back(season));
        }
        if steps.peak() {
            let before =
                (season..season + steps.horizon()).map(|back| history.back(back)).fold(f64::MIN, f64::max);
            self.residuals.push_peak(recent_peak(history, steps.horizon()) - before);
        }
    }

    fn forecast(&self, history: &History, steps: &Steps, _scratch: &mut Scratch, out: &mut [f64]) {
        let highest = (1..=steps.horizon().min(history.season_bins()))
            .map(|h| centre(history, h))
            .fold(f64::MIN, f64::max);
        let of = |group: usize| {
            if group == steps.groups() { highest } else { centre(history, *steps.steps_of(group).start()) }
        };
        self.residuals.spread(steps, of, out);
    }
}
