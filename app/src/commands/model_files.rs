//! Model files of any kind, as they are read.

use std::path::Path;

use lepton_core::analyze::forecast::FittedForecast;
use lepton_core::analyze::risk::{FittedCounters, FittedRisk};
use lepton_core::decide::policy::{JobsModel, Model, ModelFileError, PlacementModel, read_model};
use lepton_core::model::tensor_file::TensorFile;
use lepton_sim::readers::read_whole;

use crate::failure::Failure;

/// Longest model file, bytes: a thousand times the built-in one.
const MODEL_BYTES_MAX: u64 = 16 << 20;

/// Reads a model of a policy, of the kind that its manifest names.
pub(super) fn read_any(path: &Path) -> Result<Box<dyn Model>, Failure> {
    read_model(&bytes(path)?).map_err(|e| refused(path, &e))
}

/// The kind that a file says it is a model of; none where it is no model file.
pub(crate) fn kind_of(path: &Path) -> Option<String> {
    if !path.metadata().is_ok_and(|there| there.is_file()) {
        return None;
    }
    TensorFile::open(&bytes(path).ok()?).ok()?.kind().ok()
}

/// Reads a placement model.
pub(super) fn read(path: &Path) -> Result<PlacementModel, Failure> {
    PlacementModel::from_bytes(&bytes(path)?).map_err(|e| refused(path, &e))
}

/// Reads a model of the order of jobs.
pub(super) fn read_jobs(path: &Path) -> Result<JobsModel, Failure> {
    JobsModel::from_bytes(&bytes(path)?).map_err(|e| refused(path, &e))
}

/// Reads a fitted forecast.
pub(crate) fn read_forecast(path: &Path) -> Result<FittedForecast, Failure> {
    FittedForecast::from_bytes(&bytes(path)?).map_err(|e| refused(path, &e))
}

/// Reads what was learned of counters.
pub(super) fn read_counters(path: &Path) -> Result<FittedCounters, Failure> {
    FittedCounters::from_bytes(&bytes(path)?).map_err(|e| Failure::Input(format!("{}: {e}", path.display())))
}

/// Reads what was learned of nodes' signs.
pub(crate) fn read_risk(path: &Path) -> Result<FittedRisk, Failure> {
    FittedRisk::from_bytes(&bytes(path)?).map_err(|e| Failure::Input(format!("{}: {e}", path.display())))
}

/// The bytes of a model file.
fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    Ok(read_whole(path, MODEL_BYTES_MAX)?)
}

/// A model file that cannot be used.
fn refused(path: &Path, problem: &ModelFileError) -> Failure {
    Failure::Input(format!("{}: {problem}", path.display()))
}
