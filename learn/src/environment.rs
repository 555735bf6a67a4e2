//! Where policies are tried: an episode is one run over a sequence that its seed determines.

use lepton_core::decide::policy::NetworkShape;

use crate::Episode;

/// Plays episodes. The same weights and seed give the same result.
pub trait Environment: Sync {
    /// Its name in reports.
    fn name(&self) -> &str;

    /// What it plays, in words: where two say the same, they play the same sequences.
    fn about(&self) -> String {
        self.name().to_owned()
    }

    /// What a policy of these weights reaches on the sequence of `seed`; more is better.
    fn play(&self, weights: &[f32], seed: u64) -> f64;

    /// What the best fixed rule reaches on the same sequence.
    fn play_best_rule(&self, seed: u64) -> f64;

    /// Names of the fixed rules that it can play.
    fn rules(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// What one of [`rules`](Self::rules) reaches on the sequence of `seed`.
    fn play_rule(&self, rule: &str, seed: u64) -> f64 {
        let _ = rule;
        self.play_best_rule(seed)
    }

    /// What is kept apart from the sequences that [`play`](Self::play) draws.
    fn apart(&self) -> Apart<'_> {
        Apart::OtherSeeds
    }

    /// The same environment with its decisions on record, where a learner can see them.
    fn recorded(&self) -> Option<&dyn RecordedEnvironment> {
        None
    }
}

/// Sequences of an environment that nobody has learned from.
pub enum Apart<'a> {
    /// Those of other seeds: sequences of different seeds share nothing but their statistics.
    OtherSeeds,
    /// Later parts of the same record, which do not overlap what is learned from or one another.
    Later {
        /// On these the policies of a training are chosen among.
        checks: &'a dyn Environment,
        /// On these the one that was chosen is judged.
        held_out: &'a dyn Environment,
    },
    /// None, and why: nothing may be claimed.
    Nothing(&'a str),
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
