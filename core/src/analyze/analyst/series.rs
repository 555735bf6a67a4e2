//! The level of one resource on one node, as if the tasks that stand there now had always stood there, and its forecast.

use crate::analyze::forecast::{ForecastSetup, ModelKind, Scratch, SeriesForecaster, SortedWindow};

/// Bins that are forecast: an hour from any moment of the open one.
pub const HORIZON_BINS: usize = 5;
/// Levels of the quantiles.
pub const LEVELS: [f64; 3] = [0.5, 0.9, 0.95];
/// Bins after which a series is trusted with its own forecasts: six hours.
const YOUNG_BINS: u64 = 24;

/// State of one node and resource.
#[derive(Debug, Default)]
pub(super) struct Series {
    /// The level after the last reading, in shares of what the tasks are reckoned with; none before the first.
    level: Option<f64>,
    /// Its highest value in the open bin.
    high: Option<f64>,
    /// Made with the first closed bin: most series of a cluster that has just been met are never asked.
    forecaster: Option<Box<SeriesForecaster>>,
    /// Quantiles of the next hour's highest level, after the last closed bin.
    quantiles: [f64; LEVELS.len()],
    /// Share of recent peaks not above the highest quantile.
    coverage: Option<f64>,
    slipped: bool,
}

/// What tasks on a node did since the last reading.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Change {
    /// Rise of the use of the tasks that stood there before and stand there still, less its fall.
    pub(super) rise: f64,
    /// What these are reckoned with: the larger of demand and use.
    pub(super) matched: f64,
    /// Use of all tasks there.
    pub(super) used: f64,
    /// What all of them are reckoned with.
    pub(super) weight: f64,
}

impl Series {
    /// Takes in a reading; `lean` is the share of the way that the level leans back to what is really used.
    pub(super) fn read(&mut self, change: Change, lean: f64) {
        if change.weight <= 0.0 {
            return;
        }
        let share = change.used / change.weight;
        let level = self.level.map_or(share, |level| {
            let moved = if change.matched > 0.0 { level + change.rise / change.matched } else { level };
            moved + lean * (share - moved)
        });
        self.level = Some(level);
        self.high = Some(self.high.map_or(level, |high| high.max(level)));
    }

    /// Ends the open bin and so many empty ones after it, and forecasts. Notes in `pool` how far the last hour's peak was above its start.
    pub(super) fn close(
        &mut self,
        setup: &ForecastSetup,
        empty: u64,
        pool: &mut SortedWindow,
        scratch: &mut Scratch,
    ) {
        let high = self.high.take();
        if high.is_none() && self.forecaster.is_none() {
            return;
        }
        if self.forecaster.is_none() {
            self.forecaster = SeriesForecaster::new(setup, ModelKind::Auto).ok().map(Box::new);
        }
        let Some(forecaster) = &mut self.forecaster else { return };
        forecaster.push(high, scratch);
        (0..empty).for_each(|_| forecaster.push(None, scratch));
        let history = forecaster.history();
        if history.gap_bins() == 0 && history.age_bins() > HORIZON_BINS as u64 {
            let peak = (0..HORIZON_BINS).map(|back| history.back(back)).fold(f64::MIN, f64::max);
            pool.push((peak - history.back(HORIZON_BINS)) as f32);
        }
        if let Some(peak) = forecaster.forecast(scratch).of_peak() {
            self.quantiles.copy_from_slice(peak);
        }
        let mixture = forecaster.mixture();
        self.coverage = mixture.and_then(|m| m.coverage());
        self.slipped = mixture.is_some_and(|m| m.slipped());
    }

    /// Whether anything was forecast.
    pub(super) fn is_known(&self) -> bool {
        self.forecaster.is_some()
    }

    /// Whether its own forecasts are not to be trusted yet.
    pub(super) fn is_young(&self, networked: bool) -> bool {
        let young = if networked { HORIZON_BINS as u64 } else { YOUNG_BINS };
        self.forecaster.as_ref().is_none_or(|f| f.history().age_bins() < young)
    }

    /// Share of recent peaks not above the highest quantile.
    pub(super) fn coverage(&self) -> Option<f64> {
        self.coverage
    }

    /// Whether it covers far less than it says, and answers at least as wide as the naive forecast.
    pub(super) fn slipped(&self) -> bool {
        self.slipped
    }

    /// How far the level is expected to rise above where it is now, at each quantile, by its own forecast.
    pub(super) fn rises(&self) -> [f64; LEVELS.len()] {
        let now = self.level.unwrap_or(0.0);
        self.quantiles.map(|quantile| (quantile - now).max(0.0))
    }

    /// The same by how far others rose lately; nothing while too few are known.
    pub(super) fn rises_as_others(&self, pool: &SortedWindow) -> [f64; LEVELS.len()] {
        if pool.len() < POOL_MIN {
            return [0.0; LEVELS.len()];
        }
        LEVELS.map(|level| f64::from(pool.quantile(level).unwrap_or(0.0)).max(0.0))
    }

    /// Forgets everything: the node is another.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

/// Fewest hours of others that say anything.
const POOL_MIN: usize = 20;
