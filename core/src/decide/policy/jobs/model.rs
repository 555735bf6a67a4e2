//! A model of the learned order of jobs: its weights, and the manifest that says where it comes from.

use super::choice::{CANDIDATE_WIDTH, JOB_FEATURES, JOB_FEATURES_VERSION, QUEUE_KINDS};
use crate::decide::policy::model_file::{self, Expected, ModelFileError};
use crate::decide::policy::{Manifest, Model, NetworkShape};

/// What a model file decides: this one orders jobs.
pub const JOBS_KIND: &str = "jobs";

/// The one tensor of a model file.
const WEIGHTS: &str = "weights";

/// The weights of the learned order of jobs with their manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct JobsModel {
    weights: Vec<f32>,
    /// Where it comes from.
    pub manifest: Manifest,
}

impl JobsModel {
    /// Sizes of the score as a network over candidates: it is linear.
    pub fn shape() -> NetworkShape {
        NetworkShape { candidate: CANDIDATE_WIDTH, context: 0, hidden: Vec::new() }
    }

    /// The model without correction: it decides as the rule does, smallest area first.
    pub fn untrained() -> Self {
        let weights = vec![0.0; Self::shape().weight_count()];
        Self::from_weights(&weights, Self::manifest_of("untrained"))
            .expect("as many weights as the shape has")
    }

    /// The model that Lepton comes with.
    ///
    /// # Panics
    /// Never: a test reads the file.
    pub fn shipped() -> Self {
        Self::from_bytes(include_bytes!("jobs.safetensors")).expect("the shipped model is sound")
    }

    /// A guess by hand, where training starts when it does not start from a model: what fits goes first, units are
    /// held for short, and who waits for units is not delayed.
    pub fn guess() -> Self {
        let weight = |(kind, feature): (&str, &str)| match feature {
            _ if kind.starts_with("backfill") => 0.0,
            "fits" => 8.0,
            "hold-for-own" | "hold-for-all" | "delays-smallest" | "smallest-delay" => -2.0,
            _ => 0.0,
        };
        let weights: Vec<f32> = places().map(weight).collect();
        Self::from_weights(&weights, Self::manifest_of("guess")).expect("a weight for each place")
    }

    /// How far each weight is worth moving when it is learned in queues of these kinds (see
    /// [`queue_kind`](super::queue_kind)), in the order of [`weights`](Self::weights): the others stay as they are.
    pub fn weight_scales(kinds: &[usize]) -> Vec<f32> {
        let scale = |(kind, feature): (&str, &str)| match feature {
            _ if !kinds.iter().any(|&k| QUEUE_KINDS.get(k) == Some(&kind)) => 0.0,
            "held" => 8.0,
            _ => 1.0,
        };
        places().map(scale).collect()
    }

    /// The weights as one vector: of the features, for one kind of queue after the other.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// A model of these weights, in the order of [`weights`](Self::weights). `None` when their number is another.
    pub fn from_weights(weights: &[f32], manifest: Manifest) -> Option<Self> {
        (weights.len() == Self::shape().weight_count()).then(|| Self { weights: weights.to_vec(), manifest })
    }

    /// What each weight of [`weights`](Self::weights) is: the kind of queue and the feature.
    pub fn weight_names() -> Vec<String> {
        places().map(|(kind, feature)| format!("{kind} {feature}")).collect()
    }

    /// The manifest of a model that nothing has been learned into.
    pub fn manifest_of(name: impl Into<String>) -> Manifest {
        Manifest::of_kind(JOBS_KIND, JOB_FEATURES_VERSION, &JOB_FEATURES, name)
    }

    /// The model as the bytes of a file.
    pub fn to_bytes(&self) -> Vec<u8> {
        model_file::to_bytes(&self.manifest, &Self::tensors(), self.weights())
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// When the bytes are truncated, damaged, or a model of another kind or over other features.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelFileError> {
        let expected = Expected {
            kind: JOBS_KIND,
            features_version: JOB_FEATURES_VERSION,
            features: &JOB_FEATURES,
            tensors: &Self::tensors(),
        };
        let (manifest, weights) = model_file::from_bytes(bytes, &expected)?;
        Ok(Self::from_weights(&weights, manifest).expect("the tensor has as many weights as the shape"))
    }

    fn tensors() -> [(&'static str, Vec<usize>); 1] {
        [(WEIGHTS, vec![Self::shape().weight_count()])]
    }
}

impl Model for JobsModel {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn weights(&self) -> Vec<f32> {
        self.weights.clone()
    }

    fn weight_names(&self) -> Vec<String> {
        Self::weight_names()
    }

    fn table(&self) -> [&'static [&'static str]; 2] {
        [&JOB_FEATURES, &QUEUE_KINDS]
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.to_bytes()
    }
}

/// Kind of queue and feature of each weight.
fn places() -> impl Iterator<Item = (&'static str, &'static str)> {
    QUEUE_KINDS.into_iter().flat_map(|kind| JOB_FEATURES.map(|feature| (kind, feature)))
}
