//! The hyper-parameters of the gradient learner, each with what it does.

use serde::{Deserialize, Serialize};

/// How the actor follows what the critic says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Update {
    /// Reweighting: a choice counts exp(advantage).
    Exponentiated,
    /// Reweighting: a choice counts its return, shifted so that the worst of a batch counts nothing.
    Shifted,
    /// Proximal policy optimisation, from the learner's own newest episodes alone.
    Ppo,
}

/// How the gradient learner learns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LearnerOptions {
    /// How the actor is updated: exponentiated, shifted or ppo.
    pub update: Update,
    /// Adam's rate for the actor.
    pub actor_rate: f64,
    /// Adam's rate for the critic.
    pub critic_rate: f64,
    /// Gradient steps of both in each generation.
    pub steps: usize,
    /// Decisions in a gradient step.
    pub batch: usize,
    /// Decisions that the replay buffer holds; the oldest leave.
    pub capacity: usize,
    /// Decisions kept of an episode, drawn at random.
    pub episode_decisions: usize,
    /// Discount gamma of the reward, per decision.
    pub discount: f64,
    /// Share of the observed return in a target, the rest is reward + gamma V(s').
    pub observed_share: f64,
    /// Advantage that makes a choice count e times as much (exponentiated), in standard deviations of the batch.
    pub advantage_scale: f64,
    /// Most that a choice counts.
    pub weight_max: f64,
    /// Change of a probability beyond which PPO sees no further gain.
    pub clip: f64,
    /// Temperature of the softmax over scores: of the learner's own trials, and of the actor's probabilities.
    pub temperature: f64,
    /// Good members of each generation whose episodes the learner sees, beside its own.
    pub teachers: usize,
    /// Generations that the learner may stay out of the better half before it starts anew from the evolution's centre.
    pub patience: u64,
}

impl Default for LearnerOptions {
    fn default() -> Self {
        Self {
            update: Update::Ppo,
            actor_rate: 0.01,
            critic_rate: 0.003,
            steps: 40,
            batch: 64,
            capacity: 20_000,
            episode_decisions: 256,
            discount: 0.98,
            observed_share: 0.1,
            advantage_scale: 1.0,
            weight_max: 20.0,
            clip: 0.2,
            temperature: 1.0,
            teachers: 1,
            patience: 3,
        }
    }
}

impl LearnerOptions {
    /// What is wrong with the options: the field, its value and what was expected.
    ///
    /// # Errors
    /// When a value is out of range.
    pub fn check(&self) -> Result<(), String> {
        let counts = [
            ("steps", self.steps, 1, 100_000),
            ("batch", self.batch, 2, 10_000),
            ("capacity", self.capacity, 2, 10_000_000),
            ("episode_decisions", self.episode_decisions, 1, 1_000_000),
            ("teachers", self.teachers, 0, 10_000),
        ];
        for (name, value, least, most) in counts {
            if !(least..=most).contains(&value) {
                return Err(format!(
                    "`learner.{name}` is {value}, expected a whole number from {least} to {most}"
                ));
            }
        }
        if self.patience == 0 {
            return Err("`learner.patience` is 0, expected at least 1".to_owned());
        }
        let amounts = [
            ("actor_rate", self.actor_rate, 1e-7, 1.0),
            ("critic_rate", self.critic_rate, 1e-7, 1.0),
            ("discount", self.discount, 0.0, 1.0),
            ("observed_share", self.observed_share, 0.0, 1.0),
            ("advantage_scale", self.advantage_scale, 1e-3, 1e3),
            ("weight_max", self.weight_max, 1.0, 1e6),
            ("clip", self.clip, 1e-3, 1.0),
            ("temperature", self.temperature, 1e-6, 1e6),
        ];
        for (name, value, least, most) in amounts {
            if !(least..=most).contains(&value) {
                return Err(format!("`learner.{name}` is {value}, expected a number from {least} to {most}"));
            }
        }
        Ok(())
    }
}
