//! Training on problems whose optimum is known, and what must survive a crash.

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::*;

/// Reaches most at one point; sequences add noise that all policies share.
struct Hill {
    name: String,
    top: Vec<f32>,
}

impl Environment for Hill {
    fn name(&self) -> &str {
        &self.name
    }

    fn play(&self, weights: &[f32], seed: u64) -> f64 {
        let away: f32 = weights
            .iter()
            .zip(&self.top)
            .enumerate()
            .map(|(i, (w, t))| (1 + i) as f32 * (w - t).powi(2))
            .sum();
        self.play_best_rule(seed) + 1.0 - f64::from(away)
    }

    fn play_best_rule(&self, seed: u64) -> f64 {
        (seed % 97) as f64
    }
}

fn hill(name: &str, top: &[f32]) -> Hill {
    Hill { name: name.to_owned(), top: top.to_vec() }
}

fn train(seed: u64, threads: usize, generations: u64) -> Training {
    let (a, b) = (hill("a", &[1.0, -2.0, 0.5, 3.0]), hill("b", &[1.2, -2.0, 0.5, 2.8]));
    let environments: [&dyn Environment; 2] = [&a, &b];
    let options = TrainOptions { spread: 0.5, loss_weight: 0.0, ..TrainOptions::default() };
    let mut training = Training::start(&[0.0; 4], vec![1.0; 4], options, seed, &environments, threads);
    for _ in 0..generations {
        training.next_generation(&environments, threads);
    }
    training
}

#[test]
fn the_optimum_between_two_environments_is_found_from_five_seeds() {
    for seed in 0..5 {
        let training = train(seed, 1, 150);
        let expected = [1.1, -2.0, 0.5, 2.9];
        let close = training.best().iter().zip(expected).all(|(w, e)| (w - e).abs() < 0.02);
        assert!(close, "seed {seed}: {:?}", training.best());
    }
}

#[test]
fn the_genetic_algorithm_comes_near_the_optimum_from_five_seeds() {
    let (a, b) = (hill("a", &[1.0, -2.0]), hill("b", &[1.2, -2.0]));
    let environments: [&dyn Environment; 2] = [&a, &b];
    for seed in 0..5 {
        let options = TrainOptions {
            spread: 0.5,
            loss_weight: 0.0,
            population: 20,
            evolution: EvolutionKind::Genetic,
            ..TrainOptions::default()
        };
        let mut training = Training::start(&[0.0; 2], vec![1.0; 2], options, seed, &environments, 1);
        for _ in 0..100 {
            training.next_generation(&environments, 1);
        }
        let close = training.best().iter().zip([1.1, -2.0]).all(|(w, e)| (w - e).abs() < 0.1);
        assert!(close, "seed {seed}: {:?}", training.best());
    }
}

#[test]
fn a_good_visitor_draws_the_centre_and_a_bad_one_does_nothing() {
    let mut alone = MatrixAdaptation::new(vec![0.0; 3], vec![1.0; 3], 0.1, 1);
    let (mut with_good, mut with_bad) = (alone.clone(), alone.clone());
    let fitness = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let far = [10.0, 10.0, 10.0];
    alone.tell(&fitness);
    with_good.tell_with(&fitness, Some((&far, 7.0)));
    with_bad.tell_with(&fitness, Some((&far, 0.0)));
    assert_eq!(with_bad, alone);
    assert!(with_good.centre().iter().all(|&x| x > 1.0), "{:?}", with_good.centre());
    assert_eq!(with_good.width(), alone.width());
}

#[test]
fn the_number_of_threads_changes_nothing() {
    assert_eq!(train(7, 1, 12), train(7, 3, 12));
}

#[test]
fn a_training_goes_on_from_its_checkpoint_as_if_nothing_had_happened() {
    let half = train(3, 2, 8);
    let names: Vec<&str> = half.environments().iter().map(String::as_str).collect();
    let mut resumed = Training::from_checkpoint(&half.to_checkpoint(), 4, &names).expect("just written");
    assert_eq!(resumed, half);
    let (a, b) = (hill("a", &[1.0, -2.0, 0.5, 3.0]), hill("b", &[1.2, -2.0, 0.5, 2.8]));
    for _ in 0..8 {
        resumed.next_generation(&[&a, &b], 1);
    }
    assert_eq!(resumed, train(3, 1, 16));
}

#[test]
fn the_result_is_never_worse_than_the_start_on_the_sequences_kept_apart() {
    let top = hill("a", &[1.0, 2.0]);
    let options = TrainOptions { spread: 3.0, ..TrainOptions::default() };
    let mut training = Training::start(&[1.0, 2.0], vec![1.0; 2], options, 1, &[&top], 1);
    for _ in 0..10 {
        training.next_generation(&[&top], 1);
    }
    assert_eq!(training.best(), [1.0, 2.0]);
}

#[test]
fn a_training_knows_where_another_thing_is_played_under_the_same_name() {
    struct Longer(Hill);
    impl Environment for Longer {
        fn name(&self) -> &str {
            self.0.name()
        }
        fn about(&self) -> String {
            format!("{}: longer sequences", self.name())
        }
        fn play(&self, weights: &[f32], seed: u64) -> f64 {
            self.0.play(weights, seed)
        }
        fn play_best_rule(&self, seed: u64) -> f64 {
            self.0.play_best_rule(seed)
        }
    }
    let training = train(1, 1, 1);
    let [a, b] = ["a", "b"].map(|name| hill(name, &[0.0; 4]));
    assert_eq!(training.other_than(&[&a, &b]), None);
    let longer = Longer(hill("b", &[0.0; 4]));
    assert_eq!(training.other_than(&[&a, &longer]), Some(("b", "b: longer sequences".to_owned())));
}

#[test]
fn a_checkpoint_of_other_workloads_is_refused() {
    let text = train(1, 1, 1).to_checkpoint();
    let error = Training::from_checkpoint(&text, 4, &["a", "c"]).expect_err("b is not c");
    assert_eq!(error.to_string(), "is a checkpoint over the workloads a, b, expected a, c");
    assert!(matches!(Training::from_checkpoint(&text, 5, &["a", "b"]), Err(CheckpointError::Version(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_checkpoint_that_is_cut_off_or_damaged_is_refused(at in any::<prop::sample::Index>(), bit in 0..7) {
        let text = train(1, 1, 2).to_checkpoint();
        let at = at.index(text.len());
        prop_assert!(Training::from_checkpoint(&text[..at], 4, &["a", "b"]).is_err());
        let mut bytes = text.into_bytes();
        bytes[at] ^= 1_u8 << bit;
        let damaged = String::from_utf8(bytes).expect("seven bits are text");
        prop_assert!(Training::from_checkpoint(&damaged, 4, &["a", "b"]).is_err());
    }
}

#[test]
fn environments_are_taken_in_turn() {
    let all: Vec<Hill> = (0..5).map(|i| hill(&format!("h{i}"), &[0.0])).collect();
    let environments: Vec<&dyn Environment> = all.iter().map(|h| h as &dyn Environment).collect();
    let options = TrainOptions { environments: 2, ..TrainOptions::default() };
    let mut training = Training::start(&[0.5], vec![1.0], options, 1, &environments, 1);
    let before = training.episodes();
    training.next_generation(&environments, 1);
    assert_eq!(training.episodes() - before, 2 * 14, "two environments, one sequence, fourteen policies");
}

/// Counts how often it is played.
struct Counting(AtomicUsize);

impl Environment for Counting {
    fn name(&self) -> &str {
        "counting"
    }

    fn play(&self, _: &[f32], _: u64) -> f64 {
        self.0.fetch_add(1, Ordering::Relaxed);
        0.0
    }

    fn play_best_rule(&self, _: u64) -> f64 {
        0.0
    }
}

#[test]
fn in_as_many_generations_as_there_are_environments_each_comes_up_equally_often() {
    for count in 1..24 {
        let all: Vec<Counting> = (0..count).map(|_| Counting(AtomicUsize::new(0))).collect();
        let environments: Vec<&dyn Environment> = all.iter().map(|e| e as &dyn Environment).collect();
        let options = TrainOptions { environments: 5, check_every: 1_000, ..TrainOptions::default() };
        let mut training = Training::start(&[0.0], vec![1.0], options, 1, &environments, 1);
        for _ in 0..count {
            training.next_generation(&environments, 1);
        }
        let played: Vec<usize> = all.iter().map(|e| e.0.load(Ordering::Relaxed)).collect();
        assert!(played.iter().all(|&p| p == played[0]), "{played:?}");
    }
}

/// What the best weights are worth after 60 generations in these many equal environments.
fn fitness_after_60(options: TrainOptions, environments: usize) -> f64 {
    let all: Vec<Hill> = (0..environments).map(|i| hill(&format!("h{i}"), &[0.0, 0.0])).collect();
    let environments: Vec<&dyn Environment> = all.iter().map(|h| h as &dyn Environment).collect();
    let options = TrainOptions { gain_max: 0.1, spread: 0.5, ..options };
    let mut training = Training::start(&[0.5, 0.5], vec![1.0; 2], options, 1, &environments, 1);
    for _ in 0..60 {
        training.next_generation(&environments, 1);
    }
    training.best_fitness()
}

#[test]
fn a_single_environment_is_learned_beyond_the_largest_gain_that_counts_among_several() {
    let several = fitness_after_60(TrainOptions::default(), 2);
    assert!((several - 0.1).abs() < 1e-9, "{several}");
    let single = fitness_after_60(TrainOptions::default(), 1);
    assert!(single > 0.99, "{single}");
}

#[test]
fn gains_that_count_less_and_less_are_learned_to_the_top_in_several_environments() {
    let fitness = fitness_after_60(TrainOptions { gain_scale: 0.1, ..TrainOptions::default() }, 2);
    let whole = 0.1 * 10.0_f64.ln_1p();
    assert!(fitness > 0.999 * whole, "{fitness} of {whole}");
}

#[test]
fn only_a_policy_that_is_better_is_promoted() {
    let hills = [hill("a", &[1.0]), hill("b", &[-1.0])];
    let environments: Vec<&dyn Environment> = hills.iter().map(|h| h as &dyn Environment).collect();
    let seeds: Vec<u64> = (0..10).collect();
    let verdict = |candidate: f32, serving: f32| compare(&[candidate], &[serving], &environments, &seeds, 2);
    assert!(verdict(0.0, 5.0).promoted);
    assert!(!verdict(5.0, 0.0).promoted);
    assert!(!verdict(0.0, 0.0).promoted, "equal is not better");
    let partial = verdict(0.5, -0.1);
    assert!(partial.comparisons[0].gain > 0.0 && partial.comparisons[1].gain < 0.0);
    assert!(!partial.promoted, "a loss anywhere keeps it out");
    let few = compare(&[0.0], &[5.0], &environments, &seeds[..4], 2);
    assert!(few.too_few() && !few.promoted && few.gain > Some(0.0), "a large gain of four sequences");
    let one = compare(&[0.0], &[5.0], &environments, &seeds[..1], 2);
    assert_eq!((one.gain_half_width, one.comparisons[0].gain_half_width, one.promoted), (None, None, false));
    let none = compare(&[0.0], &[5.0], &[], &seeds, 2);
    assert_eq!((none.gain, none.promoted), (None, false), "a mean over nothing is no number");
}

/// A hill of which a record is kept: what comes later is apart.
struct WithLater {
    name: &'static str,
    learned: Hill,
    later: Option<[Hill; 2]>,
}

impl Environment for WithLater {
    fn name(&self) -> &str {
        self.name
    }

    fn play(&self, weights: &[f32], seed: u64) -> f64 {
        self.learned.play(weights, seed)
    }

    fn play_best_rule(&self, seed: u64) -> f64 {
        self.learned.play_best_rule(seed)
    }

    fn apart(&self) -> Apart<'_> {
        match &self.later {
            Some([checks, held_out]) => Apart::Later { checks, held_out },
            None => Apart::Nothing("too short"),
        }
    }
}

#[test]
fn policies_are_chosen_and_judged_on_what_comes_later_and_nothing_is_claimed_of_a_short_record() {
    let later = Some([hill("checks", &[3.0]), hill("held out", &[4.0])]);
    let long = WithLater { name: "long", learned: hill("learned", &[1.0]), later };
    let short = WithLater { name: "short", learned: hill("learned", &[1.0]), later: None };
    let environments: [&dyn Environment; 2] = [&long, &short];
    let kept = kept_apart(&environments);
    assert_eq!(kept.environments.iter().map(|e| e.name()).collect::<Vec<_>>(), ["held out"]);
    let left_out = LeftOut { environment: "short".to_owned(), reason: "too short".to_owned() };
    assert_eq!(kept.left_out, [left_out]);
    let start = |at: f32| {
        Training::start(&[at], vec![1.0], TrainOptions::default(), 1, &environments[..1], 1).best_fitness()
    };
    assert!(start(3.0) > start(1.0), "the checks have their top elsewhere than what is learned from");
}

/// A hill with two rules: the one stands at a level, the other below it.
struct WithRules(Hill);

impl Environment for WithRules {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn play(&self, weights: &[f32], seed: u64) -> f64 {
        self.0.play(weights, seed)
    }

    fn play_best_rule(&self, seed: u64) -> f64 {
        self.0.play_best_rule(seed)
    }

    fn rules(&self) -> Vec<&'static str> {
        vec!["poor", "good"]
    }

    fn play_rule(&self, rule: &str, seed: u64) -> f64 {
        self.play_best_rule(seed) - if rule == "poor" { 5.0 } else { 0.0 }
    }
}

#[test]
fn the_comparison_at_the_end_names_the_best_rule_and_pairs_the_gain_with_it() {
    let (with_rules, without) = (WithRules(hill("a", &[1.0])), hill("b", &[1.0]));
    let environments: [&dyn Environment; 2] = [&with_rules, &without];
    let found = held_out(&[("learned", &[1.0]), ("start", &[0.0])], &environments, &[3, 5, 8], 2);
    let [a, b] = &found.environments[..] else { panic!("two environments: {found:?}") };
    let names = |e: &HeldOutEnvironment| e.results.iter().map(|r| r.policy.clone()).collect::<Vec<_>>();
    assert_eq!(names(a), ["learned", "start", "poor", "good"]);
    assert_eq!(a.results[0].values, [4.0, 6.0, 9.0]);
    assert_eq!(a.results[2].values, [-2.0, 0.0, 3.0]);
    assert_eq!((a.best_rule.as_str(), a.gain.map(|g| (g.pairs, g.mean))), ("good", Some((3, 1.0))));
    assert_eq!((names(b).len(), b.best_rule.as_str(), b.gain), (2, "", None));
    assert_eq!(found.gain, a.gain, "in the mean over the environments that have a rule");
}

#[test]
fn a_learner_is_refused_where_there_are_no_decisions_to_learn_from() {
    let hill = hill("a", &[1.0]);
    let begin = |method| {
        let options = TrainOptions { method, ..TrainOptions::default() };
        begin_learner(&options, &[0.0], &[&hill], 1).map(|learner| learner.is_some())
    };
    assert_eq!(begin(Method::Evolution), Ok(false));
    assert_eq!(begin(Method::Hybrid), Err(LearnerError::NotRecorded("a".to_owned())));
}

#[test]
fn options_out_of_range_are_named() {
    let wrong = TrainOptions { population: 3, ..TrainOptions::default() };
    assert_eq!(wrong.check(), Err("`population` is 3, expected a whole number from 4 to 10000".to_owned()));
    let wrong = TrainOptions { spread: f64::NAN, ..TrainOptions::default() };
    assert!(wrong.check().expect_err("NaN").starts_with("`spread` is NaN"));
    let learner = LearnerOptions { discount: 1.5, ..LearnerOptions::default() };
    let wrong = TrainOptions { learner, ..TrainOptions::default() };
    assert_eq!(wrong.check(), Err("`learner.discount` is 1.5, expected a number from 0 to 1".to_owned()));
    assert_eq!(TrainOptions::default().check(), Ok(()));
}
