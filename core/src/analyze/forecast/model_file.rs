//! Fitted forecasts as files: the networks with what they were trained for and on.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::features::{FEATURES, FEATURES_VERSION};
use super::forecaster::ForecastSetup;
use super::mixture::MixtureConfig;
use super::models::{NETWORKS_MAX, NetworkModel, SOURCE_LAYERS, SourceModel};
use super::network::Perceptron;
use super::steps::Steps;
use crate::model::tensor_file::{self, ModelFileError, TensorFile};

/// What a forecast file is of.
pub const FORECAST_KIND: &str = "forecast";
/// Widest layer, and most layers, that are read.
const LAYER_MAX: usize = 20_000;
const LAYERS_MAX: usize = 8;

/// Where a fitted forecast comes from, and what it is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForecastManifest {
    /// Always [`FORECAST_KIND`].
    pub kind: String,
    /// Version of the features that the network sees.
    pub features_version: u32,
    /// Seconds of a bin.
    pub period_seconds: u32,
    /// Bins of a day.
    pub season_bins: usize,
    /// Bins ahead.
    pub horizon: usize,
    /// Whether the highest value of the horizon is forecast.
    pub peak: bool,
    /// Levels of the quantiles.
    pub levels: Vec<f64>,
    /// Inputs, hidden widths and outputs of the global network.
    pub layers: Vec<usize>,
    /// Networks that are averaged; 0 when none was trained.
    pub networks: usize,
    /// Whether the source's network is there too.
    pub source: bool,
    /// Version of Lepton that made it.
    pub made_by: String,
    /// The command that made it.
    pub command: String,
    /// What it was trained on.
    pub trained_on: String,
}

/// A fitted forecast and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedForecast {
    /// What series are forecast with.
    pub setup: ForecastSetup,
    /// Seconds of a bin.
    pub period_seconds: u32,
    /// The command that made it.
    pub command: String,
    /// What it was trained on.
    pub trained_on: String,
}

impl FittedForecast {
    /// The bytes of its file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let setup = &self.setup;
        let networks = setup.network.as_ref().map_or(&[][..], |n| n.networks());
        let manifest = ForecastManifest {
            kind: FORECAST_KIND.to_owned(),
            features_version: FEATURES_VERSION,
            period_seconds: self.period_seconds,
            season_bins: setup.season_bins,
            horizon: setup.steps.horizon(),
            peak: setup.steps.peak(),
            levels: setup.steps.levels().to_vec(),
            layers: networks.first().map_or_else(Vec::new, |n| n.layers().to_vec()),
            networks: networks.len(),
            source: setup.source.is_some(),
            made_by: format!("lepton {}", env!("CARGO_PKG_VERSION")),
            command: self.command.clone(),
            trained_on: self.trained_on.clone(),
        };
        let mut weights: Vec<f32> = networks.iter().flat_map(|n| n.weights()).copied().collect();
        weights.extend(setup.source.iter().flat_map(|s| s.network().weights()));
        let text = serde_json::to_string(&manifest).expect("texts and numbers can be written as JSON");
        tensor_file::to_bytes(text, &tensors(&manifest), &weights)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When the bytes are truncated, damaged, no forecast, or of other features.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelFileError> {
        let file = TensorFile::open(bytes)?;
        let header = |problem: String| ModelFileError::Header(format!("the manifest: {problem}"));
        let kind: Kind = serde_json::from_str(file.manifest()).map_err(|e| header(e.to_string()))?;
        if kind.kind != FORECAST_KIND {
            return Err(ModelFileError::Kind { expected: FORECAST_KIND.to_owned(), found: kind.kind });
        }
        let manifest: ForecastManifest =
            serde_json::from_str(file.manifest()).map_err(|e| header(e.to_string()))?;
        if manifest.features_version != FEATURES_VERSION {
            return Err(ModelFileError::Features {
                expected_version: FEATURES_VERSION,
                found_version: manifest.features_version,
                found: "of forecasts".to_owned(),
                expected: "of forecasts".to_owned(),
            });
        }
        let steps = Steps::new(manifest.horizon, manifest.peak, &manifest.levels)
            .map_err(|e| header(e.to_string()))?;
        check_layers(&manifest, &steps).map_err(header)?;
        let weights = file.numbers(&tensors(&manifest))?;
        let each = if manifest.networks == 0 { 0 } else { Perceptron::weight_count(&manifest.layers) };
        let (networks, source) = weights.split_at(manifest.networks * each);
        let networks: Vec<Perceptron> = networks
            .chunks_exact(each.max(1))
            .filter_map(|weights| Perceptron::new(manifest.layers.clone(), weights.to_vec()))
            .collect();
        let network = if networks.is_empty() {
            None
        } else {
            Some(Arc::new(NetworkModel::new(steps.clone(), networks).map_err(|e| header(e.to_string()))?))
        };
        let source = Perceptron::new(SOURCE_LAYERS.to_vec(), source.to_vec()).and_then(SourceModel::new);
        let season_bins = manifest.season_bins;
        let setup = ForecastSetup {
            steps,
            season_bins,
            network,
            source: source.map(Arc::new),
            mixture: MixtureConfig::default(),
        };
        let ForecastManifest { period_seconds, command, trained_on, .. } = manifest;
        Ok(Self { setup, period_seconds, command, trained_on })
    }
}

#[derive(Deserialize)]
struct Kind {
    kind: String,
}

fn check_layers(manifest: &ForecastManifest, steps: &Steps) -> Result<(), String> {
    if manifest.networks > NETWORKS_MAX {
        return Err(format!("`networks` is {}, expected at most {NETWORKS_MAX}", manifest.networks));
    }
    if !(2..=1_000_000).contains(&manifest.season_bins) || manifest.period_seconds == 0 {
        return Err(format!("a day of {} bins, each of {} s", manifest.season_bins, manifest.period_seconds));
    }
    let layers = &manifest.layers;
    let outputs = steps.outputs() * steps.levels().len();
    let sizes = layers.len() <= LAYERS_MAX && layers.iter().all(|width| (1..=LAYER_MAX).contains(width));
    let ends = layers.len() >= 2 && layers[0] == FEATURES && layers[layers.len() - 1] == outputs;
    if manifest.networks > 0 && !(sizes && ends) {
        return Err(format!("`layers` are {layers:?}, expected {FEATURES} to {outputs}"));
    }
    Ok(())
}

fn tensors(manifest: &ForecastManifest) -> Vec<(&'static str, Vec<usize>)> {
    let mut tensors = Vec::new();
    if manifest.networks > 0 {
        tensors.push(("networks", vec![manifest.networks, Perceptron::weight_count(&manifest.layers)]));
    }
    if manifest.source {
        tensors.push(("source", vec![Perceptron::weight_count(&SOURCE_LAYERS)]));
    }
    tensors
}
