//! Model files of any kind, as they are read.

use std::path::Path;

use lepton_core::analyze::forecast::FittedForecast;
use lepton_core::analyze::risk::FittedCounters;
use lepton_core::decide::policy::{JOBS_KIND, JobsModel, Manifest, ModelFileError, PlacementModel};
use lepton_sim::readers::read_whole;

use crate::failure::Failure;

/// Longest model file, bytes: a thousand times the built-in one.
const MODEL_BYTES_MAX: u64 = 16 << 20;

/// A model of any kind.
pub(super) enum AnyModel {
    Placement(PlacementModel),
    Jobs(JobsModel),
}

impl AnyModel {
    pub(super) fn manifest(&self) -> &Manifest {
        match self {
            Self::Placement(model) => &model.manifest,
            Self::Jobs(model) => &model.manifest,
        }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Placement(model) => model.to_bytes(),
            Self::Jobs(model) => model.to_bytes(),
        }
    }
}

/// Reads a model of any kind.
pub(super) fn read_any(path: &Path) -> Result<AnyModel, Failure> {
    let bytes = bytes(path)?;
    let model = match PlacementModel::from_bytes(&bytes) {
        Err(ModelFileError::Kind { found, .. }) if found == JOBS_KIND => {
            JobsModel::from_bytes(&bytes).map(AnyModel::Jobs)
        }
        read => read.map(AnyModel::Placement),
    };
    model.map_err(|e| refused(path, &e))
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
pub(super) fn read_forecast(path: &Path) -> Result<FittedForecast, Failure> {
    FittedForecast::from_bytes(&bytes(path)?).map_err(|e| refused(path, &e))
}

/// Reads what was learned of counters.
pub(super) fn read_counters(path: &Path) -> Result<FittedCounters, Failure> {
    FittedCounters::from_bytes(&bytes(path)?).map_err(|e| Failure::Input(format!("{}: {e}", path.display())))
}

/// The bytes of a model file.
fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    Ok(read_whole(path, MODEL_BYTES_MAX)?)
}

/// A model file that cannot be used.
fn refused(path: &Path, problem: &ModelFileError) -> Failure {
    Failure::Input(format!("{}: {problem}", path.display()))
}
