//! Forecasts of load: quantiles of each step of the next hour (or further), and of its peak.
//!
//! A [`SeriesForecaster`] is the state of one series. Bins go in one by one, each for microseconds; a [`Forecast`] comes out
//! whenever it is asked for. What is trained ([`NetworkModel`], [`SourceModel`]) is shared by all series; how weights come
//! about is not known here.

mod features;
mod forecaster;
mod history;
mod mixture;
mod model_file;
mod model_kind;
mod models;
mod network;
mod residuals;
mod sorted_window;
mod steps;

pub use features::{FEATURES, FEATURES_VERSION, compress, expand, features};
pub use forecaster::{Forecast, ForecastSetup, NotTrained, SeriesForecaster};
pub use history::{History, MIDDLE_BINS, SEASONS, SHORT_BINS};
pub use mixture::{Mixture, MixtureConfig};
pub use model_file::{FORECAST_KIND, FittedForecast, ForecastManifest};
pub use model_kind::{MODEL_KINDS, ModelKind};
pub use models::{
    DecayedHistogram, NETWORKS_MAX, Naive, NetworkModel, NetworkModelError, SOURCE_LAYERS, Scratch,
    SeasonalNaive, SeriesModel, Smoothing, SourceModel, SourceNetwork, WindowQuantiles,
};
pub use network::{LayerScratch, Perceptron};
pub use residuals::Residuals;
pub use sorted_window::{SortedWindow, quantile_of_sorted};
pub use steps::{HORIZON_MAX, LEVELS_MAX, OUTPUTS_MAX, Steps, StepsError};

#[cfg(test)]
mod tests;
