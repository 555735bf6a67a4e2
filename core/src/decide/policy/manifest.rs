//! The manifest of a learned policy's model: what it decides and where it comes from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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
    /// Digest of the weights that learning began with, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Figures by name, e.g. the gain on sequences kept apart.
    pub figures: BTreeMap<String, f64>,
}

impl Manifest {
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
            parent: None,
            figures: BTreeMap::new(),
        }
    }
}
