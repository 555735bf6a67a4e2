//! Learning: policies are vectors of weights that are tried in environments and get better from generation to
//! generation. It knows environments only as a trait; the simulator implements it. It reads no clock and no
//! file: who calls decides how long, and where checkpoints are kept.

mod checkpoint;
mod environment;
mod episode;
mod gate;
mod held_out;
mod matrix_adaptation;
mod options;
mod trainer;

pub use checkpoint::CheckpointError;
pub use environment::Environment;
pub use episode::{Decision, Episode, RecordedEnvironment};
pub use gate::{Comparison, Verdict, compare};
pub use held_out::{HeldOut, HeldOutEnvironment, HeldOutResult, held_out};
pub use matrix_adaptation::MatrixAdaptation;
pub use options::TrainOptions;
pub use trainer::{GenerationRecord, Training};

#[cfg(test)]
mod tests;
