//! What a learner sees of an episode: each decision with its candidates, the choice and the reward that followed.

use lepton_core::decide::policy::NetworkShape;

use crate::Environment;

/// One choice among candidates.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Features common to all candidates.
    pub context: Vec<f32>,
    /// Features of the candidates, one after the other.
    pub candidates: Vec<f32>,
    /// The rule's score of each candidate, before any correction; the highest is the rule's choice.
    pub base: Vec<f32>,
    /// Index of the candidate chosen.
    pub chosen: usize,
    /// Reward from this decision to the next; more is better.
    pub reward: f32,
}

/// A whole episode.
#[derive(Debug, Clone, PartialEq)]
pub struct Episode {
    /// Its decisions in order of time.
    pub decisions: Vec<Decision>,
    /// What [`Environment::play`] would have given for it.
    pub value: f64,
}

/// An environment whose decisions can be recorded: those of a network over candidates.
pub trait RecordedEnvironment: Environment {
    /// Sizes of the network that decides.
    fn shape(&self) -> &NetworkShape;

    /// Plays the sequence of `seed` with a network of these weights. With temperature 0 it decides as
    /// [`Environment::play`] does; above, candidates are drawn with probabilities proportional to
    /// exp(score / temperature), the same for the same arguments.
    fn record(&self, weights: &[f32], seed: u64, temperature: f32) -> Episode;
}
