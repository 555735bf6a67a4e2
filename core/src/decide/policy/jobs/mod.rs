//! The learned order of waiting jobs: candidates, features of a choice, weights, and the queue policy that applies
//! them.

mod candidates;
mod choice;
mod model;
mod order;

pub use candidates::CANDIDATES_MAX;
pub use choice::{CANDIDATE_WIDTH, JOB_FEATURES, JOB_FEATURES_VERSION, JobChoice, QUEUE_KINDS, queue_kind};
pub use model::{JOBS_KIND, JobsModel};
pub use order::{LEARNED_ORDER, LearnedOrder};

#[cfg(test)]
mod tests;
