//! The quantiles of the last day, whatever the step. Good for load that jumps about a steady level, and far ahead.

use super::{Scratch, SeriesModel};
use crate::analyze::forecast::SortedWindow;
use crate::analyze::forecast::history::History;
use crate::analyze::forecast::residuals::recent_peak;
use crate::analyze::forecast::steps::Steps;

/// State of one series: the highest values of the last day's horizons.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowQuantiles {
    peaks: SortedWindow,
}

impl WindowQuantiles {
    /// An empty state.
    pub fn new(season_bins: usize) -> Self {
        Self { peaks: SortedWindow::new(season_bins) }
    }
}

impl SeriesModel for WindowQuantiles {
    fn observe(&mut self, history: &History, steps: &Steps) {
        if steps.peak() && history.gap_bins() == 0 && history.age_bins() >= steps.horizon() as u64 {
            self.peaks.push(recent_peak(history, steps.horizon()) as f32);
        }
    }

    fn forecast(&self, history: &History, steps: &Steps, _scratch: &mut Scratch, out: &mut [f64]) {
        let levels = steps.levels();
        for (l, &level) in levels.iter().enumerate() {
            let last = history.last();
            let of = |window: &SortedWindow| match window.quantile(level) {
                Some(value) if value != last as f32 => f64::from(value),
                _ => last,
            };
            let value = of(history.season_window());
            for group in 0..steps.groups() {
                out[group * levels.len() + l] = value;
            }
            if steps.peak() {
                out[steps.groups() * levels.len() + l] = of(&self.peaks);
            }
        }
    }
}
