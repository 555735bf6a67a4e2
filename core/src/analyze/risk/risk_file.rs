//! What was learned of nodes' signs, as a file: the model with where it comes from, as JSON. What is read is checked before it is asked.

use serde::{Deserialize, Serialize};

use super::file_head::FileHead;
use super::node_risk::RiskModel;

/// What the file is of.
const KIND: &str = "node-risk";
/// Its form, and that of the signals.
const VERSION: u32 = 1;

/// A model of nodes and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedRisk {
    /// Always `node-risk`.
    kind: String,
    version: u32,
    /// Version of Lepton that made it.
    pub made_by: String,
    /// The command that made it.
    pub command: String,
    /// What it was learned from.
    pub trained_on: String,
    /// What judges.
    pub model: RiskModel,
}

/// A file that is no model of nodes' signs, or none that can be asked.
#[derive(Debug, thiserror::Error)]
pub enum RiskFileError {
    /// It is no such JSON.
    #[error("is no model of nodes' signs: {0}")]
    Form(#[from] serde_json::Error),
    /// It is another kind of file, or of another version.
    #[error("holds `{kind}` version {version}, expected `{KIND}` version {VERSION}")]
    Kind {
        /// What it says that it is.
        kind: String,
        /// And which version.
        version: u32,
    },
    /// Its numbers make no chances.
    #[error("has a prior, weights or calibrations that make no chances")]
    Unsound,
}

impl FittedRisk {
    /// A model and where it comes from.
    pub fn new(model: RiskModel, command: String, trained_on: String) -> Self {
        let made_by = format!("lepton {}", env!("CARGO_PKG_VERSION"));
        Self { kind: KIND.to_owned(), version: VERSION, made_by, command, trained_on, model }
    }

    /// The bytes of its file.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("texts and finite numbers can be written as JSON")
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When the bytes are no such model, or one that cannot be asked.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RiskFileError> {
        let FileHead { kind, version } = FileHead::of(bytes)?;
        if (kind.as_str(), version) != (KIND, VERSION) {
            return Err(RiskFileError::Kind { kind, version });
        }
        let fitted: Self = serde_json::from_slice(bytes)?;
        fitted.model.is_sound().then_some(fitted).ok_or(RiskFileError::Unsound)
    }
}
