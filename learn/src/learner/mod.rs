//! Learning by gradients, beside the evolution: what a training asks of a learner, and one that trains an actor and
//! a critic. The gradients come from a library behind the feature `train`; all else is plain code.

mod options;

#[cfg(feature = "train")]
mod adam;
#[cfg(feature = "train")]
mod gradient_learner;
#[cfg(feature = "train")]
mod gradients;
#[cfg(feature = "train")]
mod replay;
#[cfg(feature = "train")]
mod targets;

pub use options::{LearnerOptions, Update};

#[cfg(feature = "train")]
pub use gradient_learner::GradientLearner;

use serde::{Deserialize, Serialize};

use crate::Episode;

/// A policy that learns from the episodes of all.
pub trait Learner {
    /// The weights it stands for now, in the layout of the environments' network.
    fn weights(&self) -> Vec<f32>;

    /// Takes in an episode, which `recipe` says how to play again.
    fn remember(&mut self, recipe: Recipe, episode: &Episode);

    /// Learns from what it remembers, from `start` on if given, else from where it stands. When `stopped` it ends
    /// before its next step; what it has come to is then half a round.
    fn learn(&mut self, start: Option<&[f32]>, stopped: &dyn Fn() -> bool);

    /// Its state as one line of text. Episodes are left out: who reads it plays them again.
    fn to_text(&self) -> String;
}

/// How an episode came about: enough to play it again, so that a checkpoint holds recipes instead of episodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Index of the environment.
    pub environment: usize,
    /// Seed of the sequence.
    pub seed: u64,
    /// Weights of the policy that played.
    pub weights: Vec<f32>,
    /// Temperature of its choices; 0 takes the best.
    pub temperature: f32,
    /// What it gained over the best fixed rule on this sequence.
    pub gain: f64,
    /// Whether the learner's own policy played.
    pub own: bool,
}

#[cfg(all(test, feature = "train"))]
mod tests;
