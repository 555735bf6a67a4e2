//! Two small environments with a known best policy.

use lepton_core::decide::policy::{Network, NetworkShape};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::learner::targets::softmax;
use crate::{Decision, Environment, Episode, RecordedEnvironment};

/// Chooses as a network of these weights does: the best at temperature 0, else by chance.
pub(super) fn choose(
    network: &Network,
    decision: &Decision,
    temperature: f32,
    chance: &mut Pcg64Mcg,
) -> usize {
    let mut scores = decision.base.clone();
    network.correct(&decision.context, &decision.candidates, &mut scores);
    if temperature > 0.0 {
        let mut left = chance.random::<f64>();
        let policy = softmax(&scores, f64::from(temperature));
        return policy
            .iter()
            .position(|p| {
                left -= p;
                left < 0.0
            })
            .unwrap_or(scores.len() - 1);
    }
    (0..scores.len()).rev().max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap_or(0)
}

/// A corridor: right leads to its end and a late reward, left to nothing; the rule goes left.
pub(super) struct Corridor {
    shape: NetworkShape,
}

impl Corridor {
    pub(super) const LENGTH: usize = 5;
    const STEPS: usize = 12;

    pub(super) fn new() -> Self {
        Self { shape: NetworkShape { candidate: 1, context: 1, hidden: vec![8] } }
    }

    /// The decision at a place, from 0.
    pub(super) fn decision(place: usize) -> Decision {
        Decision {
            context: vec![place as f32 / Self::LENGTH as f32],
            candidates: vec![0.0, 1.0],
            base: vec![0.5, 0.0],
            chosen: 1,
            reward: 0.0,
        }
    }
}

impl Environment for Corridor {
    fn name(&self) -> &'static str {
        "corridor"
    }

    fn play(&self, weights: &[f32], seed: u64) -> f64 {
        self.record(weights, seed, 0.0).value
    }

    fn play_best_rule(&self, _seed: u64) -> f64 {
        0.0
    }

    fn recorded(&self) -> Option<&dyn RecordedEnvironment> {
        Some(self)
    }
}

impl RecordedEnvironment for Corridor {
    fn shape(&self) -> &NetworkShape {
        &self.shape
    }

    fn record(&self, weights: &[f32], seed: u64, temperature: f32) -> Episode {
        let network = Network::new(self.shape.clone(), weights).expect("weights of the shape");
        let mut chance = Pcg64Mcg::seed_from_u64(seed);
        let (mut place, mut decisions) = (0, Vec::new());
        while place < Self::LENGTH && decisions.len() < Self::STEPS {
            let mut decision = Self::decision(place);
            decision.chosen = choose(&network, &decision, temperature, &mut chance);
            place = if decision.chosen == 1 { place + 1 } else { place.saturating_sub(1) };
            decision.reward = if place == Self::LENGTH { 1.0 } else { 0.0 };
            decisions.push(decision);
        }
        Episode { value: f64::from(u8::from(place == Self::LENGTH)), decisions }
    }
}

/// Candidates of which the larger is worth more or less by the sign of the context; the rule always takes the larger.
pub(super) struct Market {
    shape: NetworkShape,
}

impl Market {
    const STEPS: usize = 20;

    pub(super) fn new() -> Self {
        Self { shape: NetworkShape { candidate: 1, context: 1, hidden: vec![8] } }
    }

    fn decisions(seed: u64) -> Vec<Decision> {
        let mut chance = Pcg64Mcg::seed_from_u64(seed);
        let one = |_| {
            let sizes: Vec<f32> = (0..chance.random_range(2..6)).map(|_| chance.random()).collect();
            let sign = if chance.random() { 1.0 } else { -1.0 };
            Decision { context: vec![sign], base: sizes.clone(), candidates: sizes, chosen: 0, reward: 0.0 }
        };
        (0..Self::STEPS).map(one).collect()
    }

    /// What the best policy reaches.
    pub(super) fn best(seed: u64) -> f64 {
        let best = |d: &Decision| {
            let worth = d.candidates.iter().map(|x| f64::from(x * d.context[0]));
            worth.fold(f64::NEG_INFINITY, f64::max)
        };
        Self::decisions(seed).iter().map(best).sum()
    }
}

impl Environment for Market {
    fn name(&self) -> &'static str {
        "market"
    }

    fn play(&self, weights: &[f32], seed: u64) -> f64 {
        self.record(weights, seed, 0.0).value
    }

    fn play_best_rule(&self, seed: u64) -> f64 {
        self.play(&vec![0.0; self.shape.weight_count()], seed)
    }

    fn recorded(&self) -> Option<&dyn RecordedEnvironment> {
        Some(self)
    }
}

impl RecordedEnvironment for Market {
    fn shape(&self) -> &NetworkShape {
        &self.shape
    }

    fn record(&self, weights: &[f32], seed: u64, temperature: f32) -> Episode {
        let network = Network::new(self.shape.clone(), weights).expect("weights of the shape");
        let mut chance = Pcg64Mcg::seed_from_u64(!seed);
        let mut decisions = Self::decisions(seed);
        for decision in &mut decisions {
            decision.chosen = choose(&network, decision, temperature, &mut chance);
            decision.reward = decision.candidates[decision.chosen] * decision.context[0];
        }
        Episode { value: decisions.iter().map(|d| f64::from(d.reward)).sum(), decisions }
    }
}
