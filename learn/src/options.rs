//! The hyper-parameters of a training, each with what it does.

use serde::{Deserialize, Serialize};

use crate::LearnerOptions;

/// Who learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Evolution and a gradient learner, together.
    Hybrid,
    /// Evolution alone.
    #[default]
    Evolution,
    /// The gradient learner alone.
    Reinforcement,
}

/// How the population evolves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EvolutionKind {
    /// A cloud around a centre, by matrix adaptation.
    #[default]
    Matrix,
    /// Tournament, crossover and mutation.
    Genetic,
}

/// How a training goes. What the shipped models were made with is in their documentation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainOptions {
    /// Policies tried in each generation, at least 4. More is steadier and slower.
    pub population: usize,
    /// Sequences drawn anew for each environment and generation; all policies of a generation see the same.
    pub sequences: usize,
    /// Environments taken in turn in each generation, spread over the list; 0 takes all.
    pub environments: usize,
    /// Spread of the first generation around the policy that training starts from, in units of each weight's
    /// own scale.
    pub spread: f64,
    /// How much more a point lost to the best fixed rule weighs than a point gained.
    pub loss_weight: f64,
    /// Gain over the best fixed rule beyond which more counts no further, so that no environment outweighs the
    /// others; in the environment's unit. A single environment has no such limit.
    pub gain_max: f64,
    /// Above 0, gains have no limit and count less and less instead: a gain g as `gain_scale ln(1 + g / gain_scale)`.
    pub gain_scale: f64,
    /// Generations between two checks of the evolution's centre on sequences kept apart; the best centre wins.
    pub check_every: u64,
    /// Sequences kept apart for each environment.
    pub check_sequences: usize,
    /// Ends after so many generations; 0 never.
    pub generations_max: u64,
    /// Who learns: hybrid, evolution or reinforcement.
    pub method: Method,
    /// How the population evolves: matrix or genetic.
    pub evolution: EvolutionKind,
    /// How the gradient learner learns; of no effect in an evolution alone.
    pub learner: LearnerOptions,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            population: 14,
            sequences: 1,
            environments: 6,
            spread: 0.12,
            loss_weight: 2.0,
            gain_max: 4.0,
            gain_scale: 0.0,
            check_every: 10,
            check_sequences: 2,
            generations_max: 0,
            method: Method::default(),
            evolution: EvolutionKind::default(),
            learner: LearnerOptions::default(),
        }
    }
}

impl TrainOptions {
    /// What is wrong with the options: the field, its value and what was expected.
    ///
    /// # Errors
    /// When a value is out of range.
    pub fn check(&self) -> Result<(), String> {
        let counts = [
            ("population", self.population, 4, 10_000),
            ("sequences", self.sequences, 1, 1_000),
            ("check_sequences", self.check_sequences, 1, 1_000),
        ];
        for (name, value, least, most) in counts {
            if !(least..=most).contains(&value) {
                return Err(format!("`{name}` is {value}, expected a whole number from {least} to {most}"));
            }
        }
        if self.check_every == 0 {
            return Err("`check_every` is 0, expected at least 1".to_owned());
        }
        let amounts = [
            ("spread", self.spread, 1e-6, 100.0),
            ("loss_weight", self.loss_weight, 0.0, 1e6),
            ("gain_max", self.gain_max, 0.0, 1e6),
            ("gain_scale", self.gain_scale, 0.0, 1e6),
        ];
        for (name, value, least, most) in amounts {
            if !(least..=most).contains(&value) {
                return Err(format!("`{name}` is {value}, expected a number from {least} to {most}"));
            }
        }
        self.learner.check()
    }
}
