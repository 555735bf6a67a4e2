//! The one face of learned models.

use super::manifest::Manifest;

/// A learned model of any kind: its weights with their manifest.
pub trait Model {
    /// Where it comes from.
    fn manifest(&self) -> &Manifest;

    /// The weights as one vector.
    fn weights(&self) -> Vec<f32>;

    /// What each weight is.
    fn weight_names(&self) -> Vec<String>;

    /// The features that the weights are of, and what each of them has a weight for; further weights follow.
    fn table(&self) -> [&'static [&'static str]; 2];

    /// The model as the bytes of a file.
    fn to_bytes(&self) -> Vec<u8>;
}
