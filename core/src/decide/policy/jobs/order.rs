//! The learned order of jobs: smallest area first plus a learned correction.
//!
//! The weighted features of each candidate correct its score by the rule; with all weights 0 the policy is the rule. What it may choose: a job that fits, which then starts, or one that does not, for which units are then held.

use std::sync::Arc;

use super::choice::JobChoice;
use super::model::JobsModel;
use crate::decide::queue::{JobFacts, MachineView, QueuePolicy, ScoreChange, WaitingColumns};

/// Name of the learned policy.
pub const LEARNED_ORDER: &str = "lepton";

/// A model at work.
#[derive(Debug, Clone)]
pub struct LearnedOrder {
    weights: Arc<[f32]>,
}

impl LearnedOrder {
    /// The policy of this model.
    pub fn new(model: &JobsModel) -> Self {
        Self { weights: model.weights().into() }
    }
}

impl QueuePolicy for LearnedOrder {
    fn name(&self) -> &'static str {
        LEARNED_ORDER
    }

    fn about(&self) -> &'static str {
        "Smallest area first plus a learned correction that knows what fits, what a hold costs and whom a start delays."
    }

    fn change(&self) -> ScoreChange {
        ScoreChange::WithMachine
    }

    fn coefficients(&self, job: &JobFacts) -> [f64; 2] {
        [job.requested_seconds, job.size]
    }

    fn score(&self, [requested_seconds, size]: [f64; 2], _wait_seconds: f64) -> f64 {
        requested_seconds * size
    }

    fn score_all(&self, machine: &MachineView<'_>, waiting: WaitingColumns<'_>, scores: &mut Vec<f64>) {
        let choice = JobChoice::new(machine, &waiting);
        let corrected = choice.scores(&self.weights);
        // Whoever is no candidate comes after them all, by the rule.
        scores.clear();
        let areas = waiting.first.iter().zip(waiting.second).map(|(requested, size)| requested * size);
        scores.extend(areas.map(|area| f64::from(f32::MAX) + area * f64::from(f32::MAX)));
        for (&position, score) in choice.positions().iter().zip(corrected) {
            scores[position as usize] = -f64::from(score);
        }
    }
}
