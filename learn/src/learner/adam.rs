//! Adam over a flat vector of weights. Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015.

use serde::{Deserialize, Serialize};

const FIRST_DECAY: f64 = 0.9;
const SECOND_DECAY: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// Weights with the moments of their gradients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Adam {
    weights: Vec<f32>,
    first: Vec<f64>,
    second: Vec<f64>,
    steps: i32,
}

impl Adam {
    pub(super) fn new(weights: Vec<f32>) -> Self {
        let zeros = vec![0.0; weights.len()];
        Self { weights, first: zeros.clone(), second: zeros, steps: 0 }
    }

    pub(super) fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Whether the parts of a state that was read belong together.
    pub(super) fn is_sound(&self, weights: usize) -> bool {
        self.weights.len() == weights
            && self.weights.iter().all(|w| w.is_finite())
            && [&self.first, &self.second]
                .iter()
                .all(|m| m.len() == weights && m.iter().all(|x| x.is_finite()))
    }

    /// One step down the gradient; one that is not finite is left out.
    pub(super) fn step(&mut self, gradient: &[f32], rate: f64) {
        if gradient.iter().any(|g| !g.is_finite()) {
            return;
        }
        self.steps = self.steps.saturating_add(1);
        let first_part = 1.0 - FIRST_DECAY.powi(self.steps);
        let second_part = 1.0 - SECOND_DECAY.powi(self.steps);
        for (i, &gradient) in gradient.iter().enumerate() {
            let gradient = f64::from(gradient);
            self.first[i] = FIRST_DECAY * self.first[i] + (1.0 - FIRST_DECAY) * gradient;
            self.second[i] = SECOND_DECAY * self.second[i] + (1.0 - SECOND_DECAY) * gradient * gradient;
            let spread = (self.second[i] / second_part).sqrt() + EPSILON;
            self.weights[i] -= (rate * (self.first[i] / first_part) / spread) as f32;
        }
    }
}
