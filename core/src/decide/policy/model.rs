//! A model of the learned placement policy: its weights, and the manifest that says where they come from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::features::{FEATURES, FEATURES_VERSION, TASK_KINDS};
use super::model_file::{self, Expected, ModelFileError};

/// What a model file decides: this one places tasks.
pub const PLACEMENT_KIND: &str = "placement";

/// Number of weights of a placement model.
pub const WEIGHTS: usize = TASK_KINDS.len() * FEATURES.len() + ROUNDING_WEIGHTS;
const ROUNDING_WEIGHTS: usize = 2;

/// Where a model comes from; it travels in the model's file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// What the model decides.
    pub kind: String,
    /// Version of the list of features.
    pub features_version: u32,
    /// Names of the features, in the order of the weights.
    pub features: Vec<String>,
    /// Name of the model.
    pub name: String,
    /// Version of Lepton that made it, with the commit where it is known.
    pub made_by: String,
    /// The command that made it.
    pub command: String,
    /// Workloads whose mixes it learned from.
    pub trained_on: Vec<String>,
    /// Seeds of the sequences that it learned from.
    pub training_seeds: String,
    /// Generations of its evolution.
    pub generations: u64,
    /// Episodes that were played.
    pub episodes: u64,
    /// Figures by name, e.g. the gain on sequences kept apart.
    pub figures: BTreeMap<String, f64>,
}

impl Manifest {
    /// The manifest of a placement model that nothing has been learned into.
    pub fn untrained(name: impl Into<String>) -> Self {
        Self::of_kind(PLACEMENT_KIND, FEATURES_VERSION, &FEATURES, name)
    }

    /// The manifest of a model of a kind that nothing has been learned into.
    pub(super) fn of_kind(
        kind: &str,
        features_version: u32,
        features: &[&str],
        name: impl Into<String>,
    ) -> Self {
        Self {
            kind: kind.to_owned(),
            features_version,
            features: features.iter().map(|&f| f.to_owned()).collect(),
            name: name.into(),
            made_by: format!("lepton {}", env!("CARGO_PKG_VERSION")),
            command: String::new(),
            trained_on: Vec::new(),
            training_seeds: String::new(),
            generations: 0,
            episodes: 0,
            figures: BTreeMap::new(),
        }
    }
}

/// The weights of the learned placement policy with their manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacementModel {
    /// By kind of task and feature: what is added to FGD's gain for each unit by which the feature grows.
    pub(super) correction: [[f32; FEATURES.len()]; TASK_KINDS.len()],
    /// Logarithm of the steps in which the gain is counted over FGD's, and what a full node gets for being full
    /// among equals, in steps.
    pub(super) rounding: [f32; ROUNDING_WEIGHTS],
    /// Where it comes from.
    pub manifest: Manifest,
}

impl PlacementModel {
    /// The model without correction: it decides as FGD does, but for the form of the steps.
    pub fn untrained() -> Self {
        Self {
            correction: [[0.0; FEATURES.len()]; TASK_KINDS.len()],
            rounding: [0.0; ROUNDING_WEIGHTS],
            manifest: Manifest::untrained("untrained"),
        }
    }

    /// The model that Lepton comes with.
    ///
    /// # Panics
    /// Never: a test reads the file.
    pub fn shipped() -> Self {
        Self::from_bytes(include_bytes!("placement.safetensors")).expect("the shipped model is sound")
    }

    /// A guess by hand, where training starts when it does not start from a model: what is left on devices has
    /// the worth of the tasks that fit, devices that tasks are bound to are kept for them, and devices and CPU
    /// are kept in the mix's ratio.
    pub fn guess() -> Self {
        let row = [0.0, 1.0, 1.0, 12.0, 1.5, 0.3, 0.3, 0.0, 0.0];
        let manifest = Manifest::untrained("guess");
        Self { correction: [row; TASK_KINDS.len()], rounding: [-0.2, 0.5], manifest }
    }

    /// How far each weight is worth moving when it is learned, in the order of [`weights`](Self::weights).
    pub fn weight_scales() -> [f32; WEIGHTS] {
        let row = [0.5, 0.5, 0.5, 3.0, 1.0, 0.3, 0.3, 0.1, 0.1];
        Self { correction: [row; TASK_KINDS.len()], rounding: [0.3, 0.3], ..Self::untrained() }.weights()
    }

    /// The weights as one vector: kind by kind, then how gains are rounded.
    pub fn weights(&self) -> [f32; WEIGHTS] {
        let mut all = [0.0; WEIGHTS];
        let (correction, rounding) = all.split_at_mut(WEIGHTS - ROUNDING_WEIGHTS);
        correction.copy_from_slice(self.correction.as_flattened());
        rounding.copy_from_slice(&self.rounding);
        all
    }

    /// A model of these weights, in the order of [`weights`](Self::weights).
    pub fn from_weights(weights: &[f32; WEIGHTS], manifest: Manifest) -> Self {
        let mut model = Self { manifest, ..Self::untrained() };
        let (correction, rounding) = weights.split_at(WEIGHTS - ROUNDING_WEIGHTS);
        model.correction.as_flattened_mut().copy_from_slice(correction);
        model.rounding.copy_from_slice(rounding);
        model
    }

    /// The tensors of a model file, in the order of [`weights`](Self::weights).
    fn tensors() -> [(&'static str, Vec<usize>); 2] {
        [("correction", vec![TASK_KINDS.len(), FEATURES.len()]), ("rounding", vec![ROUNDING_WEIGHTS])]
    }

    /// The model as the bytes of a file.
    pub fn to_bytes(&self) -> Vec<u8> {
        model_file::to_bytes(&self.manifest, &Self::tensors(), &self.weights())
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// When the bytes are truncated, damaged, or a model of another kind or over other features.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelFileError> {
        let expected = Expected {
            kind: PLACEMENT_KIND,
            features_version: FEATURES_VERSION,
            features: &FEATURES,
            tensors: &Self::tensors(),
        };
        let (manifest, read) = model_file::from_bytes(bytes, &expected)?;
        let mut weights = [0.0; WEIGHTS];
        weights.copy_from_slice(&read);
        Ok(Self::from_weights(&weights, manifest))
    }

    /// What each weight of [`weights`](Self::weights) is: the kind of task and the feature.
    pub fn weight_names() -> Vec<String> {
        let correction =
            TASK_KINDS.iter().flat_map(|kind| FEATURES.iter().map(move |f| format!("{kind} {f}")));
        correction.chain(["log-steps".to_owned(), "fullness".to_owned()]).collect()
    }
}
