//! A back-test: series are played bin by bin, forecasts are asked at the origins, and scored by what came.

use std::sync::atomic::{AtomicBool, Ordering};

use lepton_core::analyze::forecast::{
    Forecast, ForecastSetup, ModelKind, NotTrained, Scratch, SeriesForecaster, Steps,
};
use rayon::prelude::*;

use super::scores::{Scores, SeriesScore};
use crate::readers::RecordedLoad;

/// Days before the first origin in which the models of each series are compared.
const DAYS_BEFORE: usize = 3;

/// Where forecasts are asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Origins {
    /// The bins after which forecasts are made, ascending.
    pub bins: Vec<usize>,
    /// Bins that were fitted on.
    pub fitted: usize,
    /// Levels that are scored; those that the forecasts do not have are interpolated.
    pub levels: Vec<f64>,
}

/// Forecasts of one series, and their score.
#[derive(Debug, Clone)]
pub struct SeriesRun {
    /// For each origin its forecast.
    pub forecasts: Vec<Forecast>,
    /// What they were worth.
    pub score: SeriesScore,
    /// Whether the fall-back answered at one of the origins.
    pub slipped: bool,
    /// Weights of the models at the median of the last step when all was played; empty under a single model.
    pub weights: Vec<f64>,
}

/// What a model came to over all series.
#[derive(Debug, Clone)]
pub struct BackTest {
    /// The model.
    pub model: ModelKind,
    /// In the order of the series.
    pub series: Vec<SeriesRun>,
    /// Summed up.
    pub scores: Scores,
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackTestError {
    /// The model's network is missing.
    #[error(transparent)]
    NotTrained(#[from] NotTrained),
    /// The user stopped it.
    #[error("stopped before the end")]
    Stopped,
}

/// Plays all series under a model, several at once. `groups` names for each series its target by number; `done` is called after each
/// series.
///
/// # Errors
/// When the model needs a network that the setup does not have, or `stop` was set.
pub fn back_test(
    load: &RecordedLoad,
    groups: &[usize],
    setup: &ForecastSetup,
    model: ModelKind,
    origins: &Origins,
    stop: &AtomicBool,
    done: &(dyn Fn() + Sync),
) -> Result<BackTest, BackTestError> {
    let play = |values: &Vec<f64>| {
        if stop.load(Ordering::Relaxed) {
            return Err(BackTestError::Stopped);
        }
        let run = play(values, setup, model, origins)?;
        done();
        Ok(run)
    };
    let series: Vec<SeriesRun> = load.values.par_iter().map(play).collect::<Result<_, BackTestError>>()?;
    let scores: Vec<SeriesScore> = series.iter().map(|s| s.score.clone()).collect();
    Ok(BackTest { model, scores: Scores::of(&scores, groups), series })
}

fn play(
    values: &[f64],
    setup: &ForecastSetup,
    model: ModelKind,
    origins: &Origins,
) -> Result<SeriesRun, BackTestError> {
    let (mut forecaster, mut scratch) = (SeriesForecaster::new(setup, model)?, Scratch::default());
    let mut run = SeriesRun {
        forecasts: Vec::with_capacity(origins.bins.len()),
        score: SeriesScore::new(values, origins.fitted, origins.levels.len()),
        slipped: false,
        weights: Vec::new(),
    };
    let first = origins.bins.first().copied().unwrap_or(0);
    let learn_from = first.saturating_sub(DAYS_BEFORE * setup.season_bins);
    let mut next = origins.bins.iter().copied().peekable();
    for (bin, &value) in values.iter().enumerate() {
        let value = (!value.is_nan()).then_some(value);
        if bin < learn_from {
            forecaster.warm(value);
        } else {
            forecaster.push(value, &mut scratch);
        }
        if next.next_if_eq(&bin).is_some() {
            let forecast = forecaster.forecast(&mut scratch);
            score(
                &mut run.score,
                &setup.steps,
                &origins.levels,
                &forecast,
                forecaster.history().last(),
                &values[bin + 1..],
            );
            run.slipped |= forecaster.mixture().is_some_and(|m| m.slipped());
            run.forecasts.push(forecast);
            if next.peek().is_none() {
                break;
            }
        }
    }
    if let Some(mixture) = forecaster.mixture() {
        let levels = setup.steps.levels();
        let middle = levels.partition_point(|&l| l < 0.5).min(levels.len() - 1);
        run.weights = mixture.weights(setup.steps.groups() - 1, middle);
    }
    Ok(run)
}

fn score(
    score: &mut SeriesScore,
    steps: &Steps,
    levels: &[f64],
    forecast: &Forecast,
    last: f64,
    ahead: &[f64],
) {
    let ahead = &ahead[..steps.horizon().min(ahead.len())];
    for (i, &came) in ahead.iter().enumerate() {
        let quantiles: Vec<f64> = levels.iter().map(|&level| forecast.at(i + 1, level)).collect();
        score.step(levels, &quantiles, forecast.at(i + 1, 0.5), last, came);
    }
    let quantiles: Option<Vec<f64>> = levels.iter().map(|&level| forecast.peak(level)).collect();
    if let Some(quantiles) = quantiles
        && ahead.len() == steps.horizon()
    {
        let peak = ahead.iter().copied().filter(|v| !v.is_nan()).fold(f64::NAN, f64::max);
        score.peak(levels, &quantiles, peak);
    }
}
