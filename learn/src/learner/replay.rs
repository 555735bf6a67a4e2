//! The replay buffer: decisions of everybody's episodes, each with what followed it. The capacity is fixed and the
//! oldest leave; what is drawn from it depends on the seed alone.

use std::collections::VecDeque;

use lepton_core::decide::policy::NetworkShape;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::{Decision, Episode};

/// A decision with what the critic needs of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Transition {
    pub(super) decision: Decision,
    /// The state as the critic sees it.
    pub(super) state: Vec<f32>,
    /// Reward until the next decision, with the part of the best rule's result that falls to one decision taken
    /// off: the sum over an episode is its gain over the rule.
    pub(super) reward: f32,
    /// The state at the next decision; none at the end.
    pub(super) next: Option<Vec<f32>>,
    /// Discounted sum of these rewards from here to the end.
    pub(super) observed: f32,
}

/// Numbers of a state.
pub(super) fn state_width(shape: &NetworkShape) -> usize {
    shape.context + 2 * shape.candidate + 1
}

/// What the critic sees: the context, mean and maximum of each feature over the candidates, and how many these are.
pub(super) fn state_of(decision: &Decision) -> Vec<f32> {
    let width = decision.candidates.len() / decision.base.len().max(1);
    let mut mean = vec![0.0; width];
    let mut max = vec![f32::NEG_INFINITY; width];
    for candidate in decision.candidates.chunks_exact(width.max(1)) {
        for (i, &x) in candidate.iter().enumerate() {
            mean[i] += x / decision.base.len() as f32;
            max[i] = max[i].max(x);
        }
    }
    let count = (decision.base.len() as f32).ln_1p();
    [decision.context.as_slice(), &mean, &max, &[count]].concat()
}

/// Decisions to learn from, the oldest first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ReplayBuffer {
    capacity: usize,
    transitions: VecDeque<Transition>,
}

impl ReplayBuffer {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, transitions: VecDeque::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.transitions.len()
    }

    pub(super) fn clear(&mut self) {
        self.transitions.clear();
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Transition> {
        self.transitions.iter()
    }

    /// Takes in up to `most` decisions of an episode, drawn by `seed` among those that had a choice. How many.
    pub(super) fn push(
        &mut self,
        episode: &Episode,
        gain: f64,
        discount: f64,
        most: usize,
        seed: u64,
    ) -> usize {
        let decisions = &episode.decisions;
        let sum: f64 = decisions.iter().map(|d| f64::from(d.reward)).sum();
        let rule_part = (sum - gain) / decisions.len().max(1) as f64;
        let rewards: Vec<f64> = decisions.iter().map(|d| f64::from(d.reward) - rule_part).collect();
        let mut observed = rewards.clone();
        for t in (0..observed.len().saturating_sub(1)).rev() {
            observed[t] += discount * observed[t + 1];
        }
        let mut kept: Vec<usize> = (0..decisions.len()).filter(|&t| decisions[t].base.len() > 1).collect();
        if kept.len() > most {
            let mut chance = Pcg64Mcg::seed_from_u64(seed);
            for i in 0..most {
                let other = chance.random_range(i..kept.len());
                kept.swap(i, other);
            }
            kept.truncate(most);
            kept.sort_unstable();
        }
        for &t in &kept {
            self.transitions.push_back(Transition {
                state: state_of(&decisions[t]),
                decision: decisions[t].clone(),
                reward: rewards[t] as f32,
                next: decisions.get(t + 1).map(state_of),
                observed: observed[t] as f32,
            });
        }
        while self.transitions.len() > self.capacity {
            self.transitions.pop_front();
        }
        kept.len()
    }

    /// Draws so many decisions, with replacement; the buffer must not be empty.
    pub(super) fn draw(&self, count: usize, chance: &mut Pcg64Mcg) -> Vec<&Transition> {
        (0..count).map(|_| &self.transitions[chance.random_range(0..self.transitions.len())]).collect()
    }
}
