//! All kinds of learned models by name: a new kind is a file that implements [`Model`] and a row of [`MODEL_KINDS`].

use super::jobs::{JOBS_KIND, JobsModel};
use super::model::{PLACEMENT_KIND, PlacementModel};
use super::model_face::Model;
use super::model_file::ModelFileError;
use crate::model::tensor_file::TensorFile;

/// A model as read, or why it is refused.
pub type AnyModel = Result<Box<dyn Model>, ModelFileError>;

/// A kind of models.
pub struct ModelKind {
    /// Its name in manifests.
    pub name: &'static str,
    /// The model of this kind that Lepton comes with.
    pub shipped: fn() -> Box<dyn Model>,
    /// Reads a file of this kind.
    pub read: fn(&[u8]) -> AnyModel,
}

/// The kinds there are.
pub const MODEL_KINDS: [ModelKind; 2] = [
    ModelKind {
        name: PLACEMENT_KIND,
        shipped: || Box::new(PlacementModel::shipped()),
        read: |bytes| Ok(Box::new(PlacementModel::from_bytes(bytes)?)),
    },
    ModelKind {
        name: JOBS_KIND,
        shipped: || Box::new(JobsModel::shipped()),
        read: |bytes| Ok(Box::new(JobsModel::from_bytes(bytes)?)),
    },
];

/// Reads a model of the kind that its manifest names.
///
/// # Errors
/// When the bytes are truncated, damaged, or no model of a policy.
pub fn read_model(bytes: &[u8]) -> AnyModel {
    let found = TensorFile::open(bytes)?.kind()?;
    let known = MODEL_KINDS.iter().find(|kind| kind.name == found);
    let unknown =
        || ModelFileError::Kind { expected: MODEL_KINDS.map(|kind| kind.name).join("` or `"), found };
    (known.ok_or_else(unknown)?.read)(bytes)
}
