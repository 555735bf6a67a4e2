//! The learned policies: features of a decision, weights with their manifest, and the scorer that applies them.
//! Inference is plain arithmetic over tables that are made once for a cluster and its mix. How weights come about
//! is not known here: that is `learn`'s.

mod features;
mod jobs;
mod manifest;
mod mix;
mod model;
mod model_face;
mod model_file;
mod models;
mod network;
mod node_value;
mod scorer;
mod share_value;
mod type_prices;

pub use features::{FEATURES, FEATURES_VERSION, TASK_KINDS};
pub use jobs::{
    CANDIDATE_WIDTH, CANDIDATES_MAX, JOB_FEATURES, JOB_FEATURES_VERSION, JOBS_KIND, JobChoice, JobsModel,
    LEARNED_ORDER, LearnedOrder, QUEUE_KINDS, queue_kind,
};
pub use manifest::Manifest;
pub use mix::Mix;
pub use model::{PLACEMENT_KIND, PlacementModel, WEIGHTS};
pub use model_face::Model;
pub use model_file::{ModelFileError, checksum};
pub use models::{AnyModel, MODEL_KINDS, ModelKind, read_model};
pub use network::{LAYER_MAX, Network, NetworkShape};
pub use node_value::NodeValue;
pub use scorer::LearnedPlacement;

#[cfg(test)]
mod tests;
