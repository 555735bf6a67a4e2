//! Losses and gradients against the same losses written out in plain double precision, and their finite differences.

use lepton_core::decide::policy::{Network, NetworkShape};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use crate::Decision;
use crate::learner::gradients::{Engine, Goal, Rows, Slope};
use crate::learner::targets::softmax;

const TEMPERATURE: f64 = 0.7;
const CLIP: f64 = 0.2;
/// Largest error of a gradient. On a CUDA device, tensor cores multiply matrices from factors of ten bits.
const TOLERANCE: f64 = if cfg!(feature = "train-cuda") { 1e-2 } else { 1e-4 };

fn draw(chance: &mut Pcg64Mcg) -> f32 {
    2.0 * chance.random::<f32>() - 1.0
}

fn draws(count: usize, chance: &mut Pcg64Mcg) -> Vec<f32> {
    (0..count).map(|_| draw(chance)).collect()
}

/// Decisions with 1 to 5 candidates.
fn decisions(shape: &NetworkShape, chance: &mut Pcg64Mcg) -> Vec<Decision> {
    let one = |candidates: usize| Decision {
        context: draws(shape.context, chance),
        candidates: draws(candidates * shape.candidate, chance),
        base: draws(candidates, chance),
        chosen: candidates / 2,
        reward: 0.0,
    };
    [3, 1, 5, 2].map(one).to_vec()
}

/// The network in double precision, layer by layer as its layout says.
fn answer(shape: &NetworkShape, weights: &[f64], input: &[f32]) -> f64 {
    let mut layer: Vec<f64> = input.iter().map(|&x| f64::from(x)).collect();
    let mut weights = weights.iter();
    for (i, (inputs, outputs)) in shape.layers().enumerate() {
        let mut next = vec![0.0; outputs];
        for x in layer.iter().take(inputs) {
            next.iter_mut().for_each(|y| *y += x * weights.next().expect("a weight for each pair"));
        }
        if i < shape.hidden.len() {
            next.iter_mut().for_each(|y| *y = (*y + weights.next().expect("a bias for each unit")).max(0.0));
        }
        layer = next;
    }
    layer[0]
}

fn log_policy(shape: &NetworkShape, weights: &[f64], decision: &Decision) -> Vec<f64> {
    let candidates = decision.candidates.chunks_exact(shape.candidate).zip(&decision.base);
    let scores: Vec<f64> = candidates
        .map(|(c, base)| {
            let input = [c, &decision.context].concat();
            (f64::from(*base) + answer(shape, weights, &input)) / TEMPERATURE
        })
        .collect();
    let sum: f64 = scores.iter().map(|s| s.exp()).sum();
    scores.iter().map(|s| s - sum.ln()).collect()
}

/// Compares with central differences of `loss`.
fn assert_slope(slope: &Slope, weights: &[f32], loss: &dyn Fn(&[f64]) -> f64) {
    const STEP: f64 = 1e-6;
    let weights: Vec<f64> = weights.iter().map(|&w| f64::from(w)).collect();
    let error = (f64::from(slope.loss) - loss(&weights)).abs();
    assert!(error < 0.1 * TOLERANCE, "{} {}", slope.loss, loss(&weights));
    assert_eq!(slope.gradient.len(), weights.len());
    for i in 0..weights.len() {
        let at = |change: f64| {
            let mut moved = weights.clone();
            moved[i] += change;
            loss(&moved)
        };
        let expected = (at(STEP) - at(-STEP)) / (2.0 * STEP);
        let found = f64::from(slope.gradient[i]);
        assert!((found - expected).abs() < TOLERANCE, "weight {i}: {found}, finite difference {expected}");
    }
}

fn shapes() -> [NetworkShape; 3] {
    let shape =
        |candidate, context, hidden: &[usize]| NetworkShape { candidate, context, hidden: hidden.to_vec() };
    [shape(3, 2, &[6, 4]), shape(2, 0, &[5]), shape(3, 0, &[])]
}

#[test]
fn the_gradient_of_the_reweighting_loss_is_its_finite_difference() {
    let mut chance = Pcg64Mcg::seed_from_u64(1);
    for shape in shapes() {
        let weights = draws(shape.weight_count(), &mut chance);
        let decisions = decisions(&shape, &mut chance);
        let goals: Vec<Vec<f64>> =
            decisions.iter().map(|d| softmax(&draws(d.base.len(), &mut chance), 1.0)).collect();
        let rows = Rows::new(&decisions.iter().collect::<Vec<_>>(), &shape);
        let filled = goals.iter().flat_map(|g| (0..5).map(|i| g.get(i).map_or(0.0, |&p| p as f32)));
        let filled: Vec<f32> = filled.collect();
        let slope = Engine::new().actor(&shape, &weights, &rows, TEMPERATURE, &Goal::Policy(&filled));
        assert_slope(&slope, &weights, &|weights| {
            let cross_entropy = |(d, goal): (&Decision, &Vec<f64>)| -> f64 {
                -log_policy(&shape, weights, d).iter().zip(goal).map(|(l, g)| l * g).sum::<f64>()
            };
            decisions.iter().zip(&goals).map(cross_entropy).sum::<f64>() / decisions.len() as f64
        });
    }
}

#[test]
fn the_gradient_of_the_ppo_loss_is_its_finite_difference() {
    let mut chance = Pcg64Mcg::seed_from_u64(2);
    for shape in shapes() {
        let weights = draws(shape.weight_count(), &mut chance);
        let decisions = decisions(&shape, &mut chance);
        let rows = Rows::new(&decisions.iter().collect::<Vec<_>>(), &shape);
        let mut taken = vec![0.0; 5 * decisions.len()];
        decisions.iter().enumerate().for_each(|(row, d)| taken[5 * row + d.chosen] = 1.0);
        // Some ratios are within the clip and some are not.
        let exact: Vec<f64> = weights.iter().map(|&w| f64::from(w)).collect();
        let moved = [0.05, -0.1, 0.6, -0.7];
        let old_log: Vec<f32> = decisions
            .iter()
            .zip(moved)
            .map(|(d, moved)| (log_policy(&shape, &exact, d)[d.chosen] + moved) as f32)
            .collect();
        let advantage = [1.5, -0.5, 1.0, 1.0_f32];
        let goal = Goal::Clipped { taken: &taken, old_log: &old_log, advantage: &advantage, clip: CLIP };
        let slope = Engine::new().actor(&shape, &weights, &rows, TEMPERATURE, &goal);
        assert_slope(&slope, &weights, &|weights| {
            let gain = |i: usize| {
                let log = log_policy(&shape, weights, &decisions[i])[decisions[i].chosen];
                let (ratio, advantage) = ((log - f64::from(old_log[i])).exp(), f64::from(advantage[i]));
                (ratio * advantage).min(ratio.clamp(1.0 - CLIP, 1.0 + CLIP) * advantage)
            };
            -(0..decisions.len()).map(gain).sum::<f64>() / decisions.len() as f64
        });
    }
}

#[test]
fn the_gradient_of_the_critics_loss_is_its_finite_difference() {
    let mut chance = Pcg64Mcg::seed_from_u64(3);
    let shape = NetworkShape { candidate: 4, context: 0, hidden: vec![6, 5] };
    let weights = draws(shape.weight_count(), &mut chance);
    let (states, goals) = (draws(4 * 7, &mut chance), draws(7, &mut chance));
    let slope = Engine::new().critic(&shape, &weights, states.clone(), &goals);
    assert_slope(&slope, &weights, &|weights| {
        let square =
            |(state, goal): (&[f32], &f32)| (answer(&shape, weights, state) - f64::from(*goal)).powi(2);
        states.chunks_exact(4).zip(&goals).map(square).sum::<f64>() / 7.0
    });
}

#[test]
fn the_network_that_is_trained_is_the_network_that_decides() {
    let mut chance = Pcg64Mcg::seed_from_u64(4);
    for shape in shapes() {
        let weights = draws(shape.weight_count(), &mut chance);
        let exact: Vec<f64> = weights.iter().map(|&w| f64::from(w)).collect();
        let network = Network::new(shape.clone(), &weights).expect("the number of weights fits");
        for d in decisions(&shape, &mut chance) {
            let mut scores = d.base.clone();
            network.correct(&d.context, &d.candidates, &mut scores);
            let decides = softmax(&scores, TEMPERATURE);
            for (p, log) in decides.iter().zip(log_policy(&shape, &exact, &d)) {
                assert!((p - log.exp()).abs() < 1e-5);
            }
        }
    }
}
