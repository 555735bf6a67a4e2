//! What actor and critic are drawn towards: Bellman targets, and the source's policy update by reweighting,
//! pi'(a|s) ~ P(a|s) [R(s,a) + gamma V(s')]. P is the policy that filled the buffer, everybody's together: its choices are
//! the sample, and a choice counts as much as its factor says.
//!
//! Sources: Dayan and Hinton, "Using Expectation-Maximization for Reinforcement Learning", Neural Computation 1997
//! (reweighting by the return); Peng et al., "Advantage-Weighted Regression", 2019 (by exp(advantage)).

use super::{LearnerOptions, Update};

/// R + gamma V(s'), mixed with the return that was observed.
pub(super) fn bellman(options: &LearnerOptions, reward: f64, next_value: f64, observed: f64) -> f64 {
    let bootstrapped = reward + options.discount * next_value;
    options.observed_share * observed + (1.0 - options.observed_share) * bootstrapped
}

/// Divides the advantages of a batch by their standard deviation around 0; all equal to 0 stay.
pub(super) fn standardise(advantages: &mut [f64]) {
    let square = advantages.iter().map(|a| a * a).sum::<f64>() / advantages.len().max(1) as f64;
    if square > 0.0 {
        advantages.iter_mut().for_each(|a| *a /= square.sqrt());
    }
}

/// How much each choice of a batch counts: R + gamma V(s'), made non-negative; 1 where that is V(s).
pub(super) fn factors(options: &LearnerOptions, advantages: &[f64]) -> Vec<f64> {
    let most = options.weight_max;
    match options.update {
        Update::Exponentiated | Update::Ppo => {
            let factor = |a: &f64| (a / options.advantage_scale).exp().min(most);
            advantages.iter().map(factor).collect()
        }
        Update::Shifted => {
            // R + gamma V(s') less the least of the batch; V(s) less the same is the unit.
            let least = advantages.iter().copied().fold(f64::INFINITY, f64::min);
            let factor = |a: &f64| if least < 0.0 { (1.0 - a / least).min(most) } else { 1.0 };
            advantages.iter().map(factor).collect()
        }
    }
}

/// Probabilities proportional to exp(score / temperature).
pub(super) fn softmax(scores: &[f32], temperature: f64) -> Vec<f64> {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let raw: Vec<f64> = scores.iter().map(|s| (f64::from(s - most) / temperature).exp()).collect();
    let sum: f64 = raw.iter().sum();
    raw.iter().map(|r| r / sum).collect()
}
