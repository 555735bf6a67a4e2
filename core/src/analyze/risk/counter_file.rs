//! What was learned of counters, as a file: the model with where it comes from, as JSON. What is read is checked before it is asked.

use serde::{Deserialize, Serialize};

use super::counter_risk::CounterRisk;
use super::file_head::FileHead;
use super::trees::TreeError;

/// What the file is of.
const KIND: &str = "counter-risk";
/// Its form, and that of the features.
const VERSION: u32 = 1;

/// A model of parts and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FittedCounters {
    /// Always `counter-risk`.
    kind: String,
    version: u32,
    /// Version of Lepton that made it.
    pub made_by: String,
    /// The command that made it.
    pub command: String,
    /// What it was learned from.
    pub trained_on: String,
    /// What its chances speak of: the column that said which rows came soon before a failure.
    pub label: String,
    /// Rows that were learned from.
    pub rows: usize,
    /// Those before a failure.
    pub failures: usize,
    /// What judges.
    pub model: CounterRisk,
}

/// A file that is no model of counters, or none that can be asked.
#[derive(Debug, thiserror::Error)]
pub enum CounterFileError {
    /// It is no such JSON.
    #[error("is no model of counters: {0}")]
    Form(#[from] serde_json::Error),
    /// It is another kind of file, or of another version.
    #[error("holds `{kind}` version {version}, expected `{KIND}` version {VERSION}")]
    Kind {
        /// What it says that it is.
        kind: String,
        /// And which version.
        version: u32,
    },
    /// Its trees lead nowhere.
    #[error("{0}")]
    Trees(#[from] TreeError),
    /// Its columns do not fit its trees.
    #[error("has trees over {trees} features, expected {expected} by its counters and categories")]
    Features {
        /// Those of the trees.
        trees: usize,
        /// Those that its columns make.
        expected: usize,
    },
    /// Its calibration is none.
    #[error("has a calibration that falls or holds what is no chance")]
    Calibration,
}

impl FittedCounters {
    /// A model and where it comes from.
    pub fn new(model: CounterRisk, command: String, trained_on: String, label: String) -> Self {
        let made_by = format!("lepton {}", env!("CARGO_PKG_VERSION"));
        let kind = KIND.to_owned();
        Self { kind, version: VERSION, made_by, command, trained_on, label, rows: 0, failures: 0, model }
    }

    /// The bytes of its file.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and finite numbers can be written as JSON")
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When the bytes are no such model, or one that cannot be asked.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CounterFileError> {
        let FileHead { kind, version } = FileHead::of(bytes)?;
        if (kind.as_str(), version) != (KIND, VERSION) {
            return Err(CounterFileError::Kind { kind, version });
        }
        let mut fitted: Self = serde_json::from_slice(bytes)?;
        let model = &mut fitted.model;
        model.trees = std::mem::take(&mut model.trees).checked()?;
        let expected = CounterRisk::feature_names(&model.counters, model.age, &model.categories).len();
        let trees = model.trees.features().len();
        if trees != expected || model.age.is_some_and(|age| age >= model.counters.len()) {
            return Err(CounterFileError::Features { trees, expected });
        }
        if model.calibration.as_ref().is_some_and(|c| !c.is_sound()) {
            return Err(CounterFileError::Calibration);
        }
        Ok(fitted)
    }
}
