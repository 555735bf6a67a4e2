//! Files that must never be lost half written: models and checkpoints.

use std::path::{Path, PathBuf};

use anyhow::Context;
use lepton_core::decide::policy::{JOBS_KIND, JobsModel, Manifest, ModelFileError, PlacementModel};

use crate::failure::Failure;

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

/// The bytes of a model file.
fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|e| Failure::Input(format!("{}: cannot be read: {e}", path.display())))
}

/// A model file that cannot be used.
fn refused(path: &Path, problem: &ModelFileError) -> Failure {
    Failure::Input(format!("{}: {problem}", path.display()))
}

/// The file with this at the end of its name.
pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Where the file is kept that was replaced.
pub(super) fn previous_of(path: &Path) -> PathBuf {
    with_ending(path, ".previous")
}

/// Replaces the file in one step: killed at any moment, either the old or the new contents are there. With
/// `keep_previous` the old file is kept, its name ending in `.previous`.
pub(super) fn replace(path: &Path, contents: &[u8], keep_previous: bool) -> anyhow::Result<()> {
    let new = with_ending(path, ".new");
    std::fs::write(&new, contents).with_context(|| format!("cannot write {}", new.display()))?;
    if keep_previous && path.exists() {
        let previous = previous_of(path);
        std::fs::rename(path, &previous).with_context(|| format!("cannot write {}", previous.display()))?;
    }
    std::fs::rename(&new, path).with_context(|| format!("cannot write {}", path.display()))
}
