//! A model of the learned placement policy: its weights, with the manifest that says where they come from.

use super::features::{FEATURES, FEATURES_VERSION, TASK_KINDS};
use super::manifest::Manifest;
use super::model_face::Model;
use super::model_file::{self, Expected, ModelFileError};

/// What a model file decides: this one places tasks.
pub const PLACEMENT_KIND: &str = "placement";

/// Number of weights of a placement model.
pub const WEIGHTS: usize = TASK_KINDS.len() * FEATURES.len() + ROUNDING_WEIGHTS;
const ROUNDING_WEIGHTS: usize = 2;

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
            manifest: Self::manifest_of("untrained"),
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
        let manifest = Self::manifest_of("guess");
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

    /// A model of these weights, in the order of [`weights`](Self::weights). `None` when their number is another.
    pub fn from_weights(weights: &[f32], manifest: Manifest) -> Option<Self> {
        let weights: &[f32; WEIGHTS] = weights.try_into().ok()?;
        let mut model = Self { manifest, ..Self::untrained() };
        let (correction, rounding) = weights.split_at(WEIGHTS - ROUNDING_WEIGHTS);
        model.correction.as_flattened_mut().copy_from_slice(correction);
        model.rounding.copy_from_slice(rounding);
        Some(model)
    }

    /// The manifest of a model that nothing has been learned into.
    pub fn manifest_of(name: impl Into<String>) -> Manifest {
        Manifest::of_kind(PLACEMENT_KIND, FEATURES_VERSION, &FEATURES, name)
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
        Ok(Self::from_weights(&read, manifest)
            .expect("the tensors have as many numbers as there are weights"))
    }

    /// What each weight of [`weights`](Self::weights) is: the kind of task and the feature.
    pub fn weight_names() -> Vec<String> {
        let correction =
            TASK_KINDS.iter().flat_map(|kind| FEATURES.iter().map(move |f| format!("{kind} {f}")));
        correction.chain(["log-steps".to_owned(), "fullness".to_owned()]).collect()
    }
}

impl Model for PlacementModel {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn weights(&self) -> Vec<f32> {
        self.weights().to_vec()
    }

    fn weight_names(&self) -> Vec<String> {
        Self::weight_names()
    }

    fn table(&self) -> [&'static [&'static str]; 2] {
        [&FEATURES, &TASK_KINDS]
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.to_bytes()
    }
}
