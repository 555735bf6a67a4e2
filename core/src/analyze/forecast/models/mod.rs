//! The models, one file each: from the last value to a network. All answer with quantiles.

mod decayed_histogram;
mod naive;
mod network;
mod seasonal_naive;
mod smoothing;
mod source_network;
mod window_quantiles;

pub use decayed_histogram::DecayedHistogram;
pub use naive::Naive;
pub use network::{NETWORKS_MAX, NetworkModel, NetworkModelError};
pub use seasonal_naive::SeasonalNaive;
pub use smoothing::Smoothing;
pub use source_network::{SOURCE_LAYERS, SourceModel, SourceNetwork};
pub use window_quantiles::WindowQuantiles;

use super::history::History;
use super::network::LayerScratch;
use super::steps::Steps;

/// A model's state for one series.
pub trait SeriesModel: std::fmt::Debug + Send + Sync {
    /// Learns from the bin that the history has just taken. Called for every bin.
    fn observe(&mut self, history: &History, steps: &Steps);

    /// Writes the quantiles of each output (groups of steps, then the peak if asked for), level by level, to `out`.
    fn forecast(&self, history: &History, steps: &Steps, scratch: &mut Scratch, out: &mut [f64]);
}

/// Working space of forecasts, to be kept from one to the next; one serves any number of series.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scratch {
    /// Of a network's layers.
    pub(super) layers: LayerScratch,
    /// Sums over networks.
    pub(super) sums: Vec<f64>,
    /// Quantiles of the models, one after the other.
    pub(super) forecasts: Vec<f64>,
    /// Weights of the models.
    pub(super) weights: Vec<f64>,
}
