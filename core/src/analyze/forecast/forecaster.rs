//! A series with everything that forecasts it: bins go in one by one, quantiles come out.

use std::sync::Arc;

use super::history::History;
use super::mixture::{Mixture, MixtureConfig};
use super::model_kind::ModelKind;
use super::models::{
    DecayedHistogram, Naive, NetworkModel, Scratch, SeasonalNaive, SeriesModel, Smoothing, SourceModel,
    SourceNetwork, WindowQuantiles,
};
use super::steps::Steps;

/// What all series of a forecast share: what is asked, and what was trained.
#[derive(Debug, Clone, PartialEq)]
pub struct ForecastSetup {
    /// Horizon, peak and levels.
    pub steps: Steps,
    /// Bins of a day.
    pub season_bins: usize,
    /// The global network, if one was trained.
    pub network: Option<Arc<NetworkModel>>,
    /// The source's network, if one was trained.
    pub source: Option<Arc<SourceModel>>,
    /// How models are mixed.
    pub mixture: MixtureConfig,
}

/// A model that needs a network which the setup does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the model `{0}` needs a trained network")]
pub struct NotTrained(pub ModelKind);

/// The quantiles of the next steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    steps: Steps,
    quantiles: Vec<f64>,
}

impl Forecast {
    /// The quantile of this level at a step, 1 to the horizon; levels between those asked for are interpolated. Beyond
    /// the horizon its last step answers.
    pub fn at(&self, step: usize, level: f64) -> f64 {
        self.of_output(self.steps.group_of(step.clamp(1, self.steps.horizon())), level)
    }

    /// The quantile of this level of the highest value of the horizon; `None` when it was not asked for.
    pub fn peak(&self, level: f64) -> Option<f64> {
        self.steps.peak().then(|| self.of_output(self.steps.groups(), level))
    }

    /// All quantiles of a step.
    pub fn of_step(&self, step: usize) -> &[f64] {
        let levels = self.steps.levels().len();
        &self.quantiles[self.steps.group_of(step.clamp(1, self.steps.horizon())) * levels..][..levels]
    }

    /// All quantiles of the highest value; `None` when it was not asked for.
    pub fn of_peak(&self) -> Option<&[f64]> {
        self.steps.peak().then(|| &self.quantiles[self.steps.groups() * self.steps.levels().len()..])
    }

    fn of_output(&self, output: usize, level: f64) -> f64 {
        let levels = self.steps.levels();
        let quantiles = &self.quantiles[output * levels.len()..][..levels.len()];
        let after = levels.partition_point(|&l| l < level);
        if after == 0 || after == levels.len() || levels[after] == level {
            return quantiles[after.min(levels.len() - 1)];
        }
        let part = (level - levels[after - 1]) / (levels[after] - levels[after - 1]);
        quantiles[after - 1] + part * (quantiles[after] - quantiles[after - 1])
    }
}

/// A model of a series.
#[derive(Debug)]
enum Member {
    /// The naive one, which is kept for every series.
    Naive,
    Other(Box<dyn SeriesModel>),
}

/// One series: its history, its models and what they have earned.
#[derive(Debug)]
pub struct SeriesForecaster {
    steps: Steps,
    history: History,
    /// The first is the one that is believed while nothing is known.
    models: Vec<Member>,
    mixture: Option<Mixture>,
    /// Also what answers are held against.
    naive: Naive,
    mixed: Vec<f64>,
    /// Bins of the history when `mixed` was made.
    mixed_at: Option<u64>,
}

impl SeriesForecaster {
    /// An empty series under this model.
    ///
    /// # Errors
    /// When the model needs a network that the setup does not have.
    pub fn new(setup: &ForecastSetup, kind: ModelKind) -> Result<Self, NotTrained> {
        let (steps, season) = (&setup.steps, setup.season_bins);
        let network = |network: &Arc<NetworkModel>| Member::Other(Box::new(Arc::clone(network)));
        let window = || Member::Other(Box::new(WindowQuantiles::new(season)));
        let seasonal = || Member::Other(Box::new(SeasonalNaive::new(steps, season)));
        let smoothing = || Member::Other(Box::new(Smoothing::new(steps, season)));
        let models = match kind {
            ModelKind::Auto => {
                let trained = setup.network.as_ref().map(network);
                trained.into_iter().chain([Member::Naive, window(), smoothing(), seasonal()]).collect()
            }
            ModelKind::Network => vec![setup.network.as_ref().map(network).ok_or(NotTrained(kind))?],
            ModelKind::Source => {
                let model = setup.source.clone().ok_or(NotTrained(kind))?;
                vec![Member::Other(Box::new(SourceNetwork::new(model, steps, season)))]
            }
            ModelKind::Naive => vec![Member::Naive],
            ModelKind::SeasonalNaive => vec![seasonal()],
            ModelKind::WindowQuantiles => vec![window()],
            ModelKind::DecayedHistogram => vec![Member::Other(Box::new(DecayedHistogram::default()))],
            ModelKind::Smoothing => vec![smoothing()],
        };
        Ok(Self {
            mixture: (kind == ModelKind::Auto)
                .then(|| Mixture::new(setup.mixture, models.len(), steps, season)),
            naive: Naive::new(steps, season),
            history: History::new(season),
            mixed: vec![0.0; steps.outputs() * steps.levels().len()],
            mixed_at: None,
            models,
            steps: steps.clone(),
        })
    }

    /// Takes the next bin (`None`: no sample), and learns how good the forecasts for it were. Microseconds.
    pub fn push(&mut self, value: Option<f64>, scratch: &mut Scratch) {
        self.warm(value);
        if let Some(mixture) = &mut self.mixture {
            mixture.observe(&self.history, &self.steps);
            self.answer(scratch);
            if let Some(mixture) = &mut self.mixture {
                mixture.remember(&self.history, &scratch.forecasts, &self.mixed);
            }
        }
    }

    /// Takes the next bin without forecasting it: for the part of a long history that is too old to matter.
    pub fn warm(&mut self, value: Option<f64>) {
        self.history.push(value);
        self.naive.observe(&self.history, &self.steps);
        for model in &mut self.models {
            if let Member::Other(model) = model {
                model.observe(&self.history, &self.steps);
            }
        }
    }

    /// Quantiles of the next steps; zeros before the first sample. All are finite, and ascend with the level.
    pub fn forecast(&mut self, scratch: &mut Scratch) -> Forecast {
        self.answer(scratch);
        Forecast { steps: self.steps.clone(), quantiles: self.mixed.clone() }
    }

    /// What is remembered of the series.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// How the models stand; `None` under a single model.
    pub fn mixture(&self) -> Option<&Mixture> {
        self.mixture.as_ref()
    }

    fn answer(&mut self, scratch: &mut Scratch) {
        if self.mixed_at == Some(self.history.bins()) {
            return;
        }
        self.mixed_at = Some(self.history.bins());
        let (mut forecasts, size) = (std::mem::take(&mut scratch.forecasts), self.mixed.len());
        forecasts.resize(self.models.len() * size, 0.0);
        for (model, out) in self.models.iter().zip(forecasts.chunks_exact_mut(size)) {
            match model {
                Member::Naive => self.naive.forecast(&self.history, &self.steps, scratch, out),
                Member::Other(model) => model.forecast(&self.history, &self.steps, scratch, out),
            }
        }
        match &self.mixture {
            Some(mixture) => mixture.mix(&forecasts, &mut scratch.weights, &mut self.mixed),
            None => self.mixed.copy_from_slice(&forecasts[..size]),
        }
        scratch.forecasts = forecasts;
        if self.mixture.as_ref().is_some_and(Mixture::slipped) {
            self.widen(scratch);
        }
        self.bound();
    }

    /// At least as wide as the naive forecast, level by level.
    fn widen(&mut self, scratch: &mut Scratch) {
        let mut naive = vec![0.0; self.mixed.len()];
        self.naive.forecast(&self.history, &self.steps, scratch, &mut naive);
        for (i, (mixed, naive)) in self.mixed.iter_mut().zip(&naive).enumerate() {
            let level = self.steps.levels()[i % self.steps.levels().len()];
            if level > 0.5 {
                *mixed = mixed.max(*naive);
            } else if level < 0.5 {
                *mixed = mixed.min(*naive);
            }
        }
    }

    /// Keeps the answer within what the last week has seen, and as far beyond as the series lately always went; never
    /// below zero when the series was not; ascending and finite.
    fn bound(&mut self) {
        let (low, high) = self.history.range();
        let (down, up) = self.naive.residuals().drift();
        let last = self.history.last();
        let floor = if low >= 0.0 { (last + down).min(low).max(0.0) } else { (last + down).min(low) };
        let ceiling = (last + up).max(high);
        for quantiles in self.mixed.chunks_exact_mut(self.steps.levels().len()) {
            for quantile in quantiles.iter_mut() {
                *quantile = if quantile.is_finite() { quantile.clamp(floor, ceiling) } else { last };
            }
            quantiles.sort_by(f64::total_cmp);
        }
    }
}
