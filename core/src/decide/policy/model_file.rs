//! Files of learned policies: tensors with the policy's manifest, checked against what the program expects.

use super::manifest::Manifest;
use crate::model::tensor_file::{self, TensorFile};

pub use crate::model::tensor_file::{ModelFileError, checksum};

/// What a model file must hold to be used for a kind of decision.
pub(super) struct Expected<'a> {
    /// The kind of decision.
    pub(super) kind: &'a str,
    /// Version of the list of features.
    pub(super) features_version: u32,
    /// The features, in order.
    pub(super) features: &'a [&'a str],
    /// Name and shape of each tensor, in the order of the weights.
    pub(super) tensors: &'a [(&'a str, Vec<usize>)],
}

/// A model as the bytes of a file; `weights` are the numbers of the tensors, one after the other.
pub(super) fn to_bytes(manifest: &Manifest, tensors: &[(&str, Vec<usize>)], weights: &[f32]) -> Vec<u8> {
    let manifest = serde_json::to_string(manifest).expect("texts and numbers can be written as JSON");
    tensor_file::to_bytes(manifest, tensors, weights)
}

/// Reads a model file: its manifest, and the numbers of the tensors expected, one after the other.
///
/// # Errors
/// When the bytes are truncated, damaged, or a model of another kind or over other features.
pub(super) fn from_bytes(
    bytes: &[u8],
    expected: &Expected<'_>,
) -> Result<(Manifest, Vec<f32>), ModelFileError> {
    let file = TensorFile::open(bytes)?;
    let manifest: Manifest = serde_json::from_str(file.manifest())
        .map_err(|e| ModelFileError::Header(format!("the manifest: {e}")))?;
    check_manifest(&manifest, expected)?;
    let weights = file.numbers(expected.tensors)?;
    Ok((manifest, weights))
}

fn check_manifest(manifest: &Manifest, expected: &Expected<'_>) -> Result<(), ModelFileError> {
    if manifest.kind != expected.kind {
        let expected = expected.kind.to_owned();
        return Err(ModelFileError::Kind { expected, found: manifest.kind.clone() });
    }
    if manifest.features_version != expected.features_version || manifest.features != expected.features {
        return Err(ModelFileError::Features {
            expected_version: expected.features_version,
            found_version: manifest.features_version,
            found: manifest.features.join(", "),
            expected: expected.features.join(", "),
        });
    }
    Ok(())
}
