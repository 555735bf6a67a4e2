//! Learning: policies are vectors of weights that are tried in environments and get better from generation to
//! generation. It knows environments only as a trait; the simulator implements it. It reads no clock and no
//! file: who calls decides how long, and where checkpoints are kept.

mod adaptation;
mod apart;
mod begin;
mod checkpoint;
mod counter_risk;
mod environment;
mod episode;
mod evolution;
pub mod forecast;
mod gate;
mod genetic;
mod held_out;
mod judgement;
mod learner;
mod matrix_adaptation;
mod node_risk;
mod options;
mod own_mix;
mod start;
mod trainer;
mod trees;

pub use adaptation::{Adapted, adapt, adaptation_options};
pub use apart::{KeptApart, LeftOut, kept_apart};
pub use begin::{LearnerError, begin_learner, resume_learner};
pub use checkpoint::CheckpointError;
pub use counter_risk::train_counter_risk;
pub use environment::{Apart, Environment, RecordedEnvironment};
pub use episode::{Decision, Episode};
pub use gate::{Comparison, Verdict, compare};
pub use held_out::{HeldOut, HeldOutEnvironment, HeldOutResult, held_out};
pub use judgement::{Judgement, Passed, Shadow, judge};
#[cfg(feature = "train")]
pub use learner::GradientLearner;
pub use learner::{Learner, LearnerOptions, Recipe, Update};
pub use matrix_adaptation::MatrixAdaptation;
pub use node_risk::{RiskCase, fit_risk_model};
pub use options::{EvolutionKind, Method, TrainOptions};
pub use own_mix::{Breathe, OwnMix};
pub use start::starting_weights;
pub use trainer::{GenerationRecord, LearnerRecord, Training};

pub use trees::{TreeOptions, TreeTrainError, train_trees};

#[cfg(test)]
mod in_service_tests;
#[cfg(test)]
mod tests;
