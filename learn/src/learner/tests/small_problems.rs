//! The updates on problems whose optimum is known, alone and in the training.

use lepton_core::decide::policy::NetworkShape;
use proptest::prelude::*;

use super::worlds::{Corridor, Market};
use crate::learner::replay::ReplayBuffer;
use crate::learner::{LearnerOptions, Update, targets};
use crate::{
    Decision, Environment, Episode, GradientLearner, Learner, Method, Recipe, RecordedEnvironment,
    TrainOptions, Training, starting_weights,
};

/// The options, with the update that learns from everybody's episodes.
fn reweighting() -> LearnerOptions {
    LearnerOptions { update: Update::Exponentiated, ..LearnerOptions::default() }
}

/// Weights of a corridor's policy that always goes right.
fn right(shape: &NetworkShape) -> Vec<f32> {
    let mut weights = vec![0.0; shape.weight_count()];
    weights[0] = 1.0;
    let last = weights.len() - shape.hidden[0];
    weights[last] = 10.0;
    weights
}

fn recipe(weights: &[f32], seed: u64, temperature: f32, gain: f64) -> Recipe {
    let own = temperature > 0.0;
    Recipe { environment: 0, seed, weights: weights.to_vec(), temperature, gain, own }
}

#[test]
fn the_critic_learns_the_known_values_of_a_corridor() {
    for observed_share in [0.0, 0.5] {
        let corridor = Corridor::new();
        let options = LearnerOptions { discount: 0.8, observed_share, steps: 60, ..reweighting() };
        let weights = right(corridor.shape());
        let mut learner =
            GradientLearner::new(corridor.shape(), &weights, options, 1).expect("weights of the shape");
        learner.remember(recipe(&weights, 0, 0.0, 1.0), &corridor.record(&weights, 0, 0.0));
        // Bellman targets carry the late reward back by a place each round.
        for _ in 0..12 {
            learner.learn(None, &|| false);
        }
        for place in 0..Corridor::LENGTH {
            let expected = 0.8_f64.powi((Corridor::LENGTH - 1 - place) as i32);
            let value = learner.value(&Corridor::decision(place)).expect("a sound network");
            assert!((value - expected).abs() < 0.05, "place {place}: {value}, expected {expected}");
        }
    }
}

#[test]
fn reweighting_makes_the_best_choice_certain() {
    let worth = [0.2, 0.5, 0.9];
    for update in [Update::Exponentiated, Update::Shifted] {
        let options = LearnerOptions { update, ..reweighting() };
        let mut policy = [0.6, 0.3, 0.1];
        for _ in 0..60 {
            let value: f64 = policy.iter().zip(worth).map(|(p, w)| p * w).sum();
            let factors = targets::factors(&options, &worth.map(|w| w - value));
            let raw: Vec<f64> = policy.iter().zip(factors).map(|(p, f)| p * f).collect();
            let sum: f64 = raw.iter().sum();
            policy.iter_mut().zip(raw).for_each(|(p, raw)| *p = raw / sum);
        }
        assert!(policy[2] > 0.999, "{update:?}: {policy:?}");
    }
}

#[test]
fn every_update_solves_a_market_whose_best_choice_depends_on_the_context() {
    let market = Market::new();
    for (update, generations) in [(Update::Exponentiated, 12), (Update::Shifted, 40), (Update::Ppo, 12)] {
        let options = LearnerOptions { update, actor_rate: 0.02, temperature: 0.3, ..reweighting() };
        let (share, _) = trained(&market, options, Method::Reinforcement, 1, generations);
        assert!(share > 0.9, "{update:?} reaches {share} of what is possible over the rule");
    }
}

/// Trains over a market; what the result gains over the rule, as a share of what is possible, and its weights.
fn trained(
    market: &Market,
    learner: LearnerOptions,
    method: Method,
    seed: u64,
    generations: u64,
) -> (f64, Vec<f32>) {
    let environments: [&dyn Environment; 1] = [market];
    let training = train(&environments, market.shape(), learner, method, seed, generations).0;
    let best = training.best();
    let seeds = 0..40;
    let gain: f64 = seeds.clone().map(|s| market.play(&best, s) - market.play_best_rule(s)).sum();
    let possible: f64 = seeds.map(|s| Market::best(s) - market.play_best_rule(s)).sum();
    (gain / possible, best)
}

fn train(
    environments: &[&dyn Environment],
    shape: &NetworkShape,
    learner: LearnerOptions,
    method: Method,
    seed: u64,
    generations: u64,
) -> (Training, GradientLearner) {
    let options = TrainOptions {
        population: 8,
        sequences: 2,
        spread: 0.3,
        check_every: 2,
        check_sequences: 10,
        method,
        learner: learner.clone(),
        ..TrainOptions::default()
    };
    let start = starting_weights(shape, seed);
    let mut gradient = GradientLearner::new(shape, &start, learner, seed).expect("weights of the shape");
    let scale = vec![1.0; start.len()];
    let mut training = Training::start(&start, scale, options, seed, environments, 1);
    for _ in 0..generations {
        training.next_generation_with(Some(&mut gradient), environments, 1, &|| false);
    }
    (training, gradient)
}

#[test]
fn the_hybrid_solves_the_market_from_five_seeds() {
    let market = Market::new();
    let options = LearnerOptions { actor_rate: 0.02, steps: 20, temperature: 0.3, ..reweighting() };
    for seed in 0..5 {
        let (share, _) = trained(&market, options.clone(), Method::Hybrid, seed, 15);
        assert!(share > 0.9, "seed {seed} reaches {share} of what is possible over the rule");
    }
}

#[test]
fn the_hybrid_and_the_learner_alone_find_the_late_reward_from_five_seeds() {
    let corridor = Corridor::new();
    let environments: [&dyn Environment; 1] = [&corridor];
    let options = LearnerOptions { actor_rate: 0.02, temperature: 1.0, steps: 20, ..reweighting() };
    for method in [Method::Hybrid, Method::Reinforcement] {
        for seed in 0..5 {
            let (training, _) = train(&environments, corridor.shape(), options.clone(), method, seed, 12);
            assert_eq!(corridor.play(&training.best(), 0), 1.0, "{method:?}, seed {seed}");
        }
    }
}

#[test]
fn a_learner_that_is_stopped_takes_no_further_step() {
    let corridor = Corridor::new();
    let weights = right(corridor.shape());
    let options = LearnerOptions { steps: 100_000, batch: 10_000, ..reweighting() };
    let mut learner =
        GradientLearner::new(corridor.shape(), &weights, options, 1).expect("weights of the shape");
    learner.remember(recipe(&weights, 0, 0.0, 1.0), &corridor.record(&weights, 0, 0.0));
    let looks = std::cell::Cell::new(0);
    let before = learner.weights();
    learner.learn(None, &|| {
        looks.set(looks.get() + 1);
        looks.get() > 1
    });
    assert_eq!(
        (looks.get(), learner.weights()),
        (3, before),
        "seen within the first step, and before the next"
    );
}

#[test]
fn the_gradient_of_a_large_batch_is_that_of_its_parts() {
    let corridor = Corridor::new();
    let weights = right(corridor.shape());
    let after = |batch| {
        let options = LearnerOptions { steps: 1, batch, ..reweighting() };
        let learner = GradientLearner::new(corridor.shape(), &weights, options, 1);
        let mut learner = learner.expect("weights of the shape");
        learner.remember(recipe(&weights, 0, 0.0, 1.0), &corridor.record(&weights, 0, 0.0));
        learner.learn(None, &|| false);
        learner.value(&Corridor::decision(0)).expect("a sound network")
    };
    // A step of Adam's goes as far whatever the size of the gradient: only its direction counts here.
    assert!((after(10_000) - after(256)).abs() < 0.02);
}

#[test]
fn the_same_seed_gives_the_same_weights_for_any_number_of_threads() {
    let market = Market::new();
    let run = |threads: usize| {
        let environments: [&dyn Environment; 1] = [&market];
        let (mut training, mut learner) =
            train(&environments, market.shape(), reweighting(), Method::Hybrid, 4, 2);
        training.next_generation_with(Some(&mut learner), &environments, threads, &|| false);
        (training, learner)
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn a_learner_goes_on_from_its_text_as_if_nothing_had_happened() {
    let market = Market::new();
    let environments: [&dyn Environment; 1] = [&market];
    // So small a buffer that the oldest decisions have left it.
    let options = LearnerOptions { capacity: 150, episode_decisions: 15, ..reweighting() };
    let (mut training, mut learner) = train(&environments, market.shape(), options, Method::Hybrid, 2, 3);
    let text = learner.to_text();
    let mut restored = GradientLearner::restore(&text, &environments).expect("just written");
    assert_eq!(restored, learner);
    let mut same = training.clone();
    training.next_generation_with(Some(&mut learner), &environments, 1, &|| false);
    same.next_generation_with(Some(&mut restored), &environments, 1, &|| false);
    assert_eq!((same, restored), (training, learner));
    assert_eq!(GradientLearner::restore(&text[1..], &environments), None);
    assert_eq!(GradientLearner::restore(&text, &[]), None, "its environments are gone");
}

#[test]
fn a_checkpoint_holds_the_training_and_its_learner_and_a_damaged_one_is_refused() {
    let market = Market::new();
    let environments: [&dyn Environment; 1] = [&market];
    let (training, learner) = train(&environments, market.shape(), reweighting(), Method::Hybrid, 3, 2);
    let text = training.to_checkpoint_with(Some(&learner.to_text()));
    let weights = market.shape().weight_count();
    let read = Training::from_checkpoint(&text, weights, &["market"]).expect("just written");
    let state = Training::learner_of_checkpoint(&text).expect("just written").expect("there was a learner");
    assert_eq!(read, training);
    assert_eq!(GradientLearner::restore(state, &environments), Some(learner));
    for at in [0, text.len() / 4, text.len() / 2, text.len() - 2] {
        let damaged = format!("{}~{}", &text[..at], &text[at + 1..]);
        assert!(Training::from_checkpoint(&damaged, weights, &["market"]).is_err());
        assert!(Training::learner_of_checkpoint(&damaged).is_err());
        assert!(Training::learner_of_checkpoint(&text[..at]).is_err());
    }
    let alone = training.to_checkpoint();
    assert_eq!(Training::learner_of_checkpoint(&alone), Ok(None));
}

#[test]
fn an_environment_without_records_teaches_nothing() {
    struct Silent;
    impl Environment for Silent {
        fn name(&self) -> &'static str {
            "silent"
        }
        fn play(&self, weights: &[f32], _seed: u64) -> f64 {
            f64::from(weights[0])
        }
        fn play_best_rule(&self, _seed: u64) -> f64 {
            0.0
        }
    }
    let shape = NetworkShape { candidate: 1, context: 0, hidden: vec![] };
    let environments: [&dyn Environment; 1] = [&Silent];
    let (training, learner) = train(&environments, &shape, reweighting(), Method::Hybrid, 1, 3);
    assert_eq!(learner.weights().len(), 1);
    assert!(training.best_fitness() > 0.0, "the evolution goes on alone");
}

proptest! {
    #[test]
    fn better_choices_count_more_none_counts_less_than_nothing_and_v_counts_one(
        raw in proptest::collection::vec(-5.0..5.0_f64, 2..8),
        shifted in any::<bool>(),
    ) {
        let update = if shifted { Update::Shifted } else { Update::Exponentiated };
        let options = LearnerOptions { update, ..reweighting() };
        let advantages = [raw.as_slice(), &[0.0]].concat();
        let factors = targets::factors(&options, &advantages);
        prop_assert!((factors[raw.len()] - 1.0).abs() < 1e-9);
        prop_assert!(factors.iter().all(|f| (0.0..=options.weight_max).contains(f)), "{:?}", factors);
        for (a, f) in advantages.iter().zip(&factors) {
            for (b, g) in advantages.iter().zip(&factors) {
                prop_assert!(a < b || f >= g, "{} {} {} {}", a, b, f, g);
            }
        }
    }

    #[test]
    fn the_buffer_keeps_the_newest_and_its_rewards_add_up_to_the_gain(
        lengths in proptest::collection::vec(1_usize..30, 1..12),
        capacity in 2_usize..60,
        gain in -5.0..5.0_f64,
    ) {
        let mut buffer = ReplayBuffer::new(capacity);
        let mut kept = 0;
        for (seed, &length) in (0..).zip(&lengths) {
            let decision = |i: usize| Decision { reward: i as f32, ..Corridor::decision(i % 5) };
            let episode = Episode { decisions: (0..length).map(decision).collect(), value: gain };
            kept += buffer.push(&episode, gain, 1.0, 20, seed);
            let newest: Vec<_> = buffer.iter().collect();
            prop_assert_eq!(newest.len(), kept.min(capacity));
            if length <= 20 && length <= capacity {
                let sum: f32 = newest[newest.len() - length..].iter().map(|t| t.reward).sum();
                let first = newest[newest.len() - length].observed;
                prop_assert!((f64::from(sum) - gain).abs() < 1e-3, "{} {}", sum, gain);
                prop_assert!((f64::from(first) - gain).abs() < 1e-3);
            }
        }
    }
}
