//! What a choice is made of, that learning starts at the rule, and files that must be refused.

use super::choice::ln;
use super::*;
use crate::decide::policy::ModelFileError;
use crate::decide::policy::Network;
use crate::decide::queue::{FreeLater, Held, MachineView, QueuePolicy, WaitingColumns};
use proptest::prelude::*;

/// Waiting jobs of (requested seconds, size), submitted a second after each other up to now.
struct Queue {
    submit: Vec<f64>,
    requested: Vec<f64>,
    size: Vec<f64>,
}

impl Queue {
    fn of(jobs: &[(f64, f64)]) -> Self {
        Self {
            submit: (0..jobs.len()).map(|i| i as f64).collect(),
            requested: jobs.iter().map(|job| job.0).collect(),
            size: jobs.iter().map(|job| job.1).collect(),
        }
    }

    fn columns(&self) -> WaitingColumns<'_> {
        WaitingColumns { submit_seconds: &self.submit, first: &self.requested, second: &self.size }
    }

    fn scores(&self, model: &JobsModel, machine: &MachineView<'_>) -> Vec<f64> {
        let mut scores = Vec::new();
        LearnedOrder::new(model).score_all(machine, self.columns(), &mut scores);
        scores
    }
}

const LATER: [FreeLater; 2] =
    [FreeLater { in_seconds: 100.0, free_units: 60.0 }, FreeLater { in_seconds: 500.0, free_units: 100.0 }];

fn machine(backfills: bool) -> MachineView<'static> {
    MachineView {
        now_seconds: 1000.0,
        units: 100.0,
        free_units: 20.0,
        backfills,
        held: None,
        used_share: 1.0,
        arrivals_per_second: 0.1,
        later: &LATER,
    }
}

fn first(scores: &[f64]) -> usize {
    (0..scores.len()).min_by(|&a, &b| scores[a].total_cmp(&scores[b])).expect("there are jobs")
}

#[test]
fn each_feature_says_what_it_is_named_after() {
    // The second fits, ends before the first could start, and fills what is free; the third delays the first.
    let queue = Queue::of(&[(300.0, 60.0), (50.0, 20.0), (400.0, 20.0)]);
    let choice = JobChoice::new(&machine(false), &queue.columns());
    let rows = choice.rows();
    let feature = |job: usize, name: &str| {
        let at = JOB_FEATURES.iter().position(|f| *f == name).expect("a feature");
        rows[job * CANDIDATE_WIDTH + at]
    };
    assert_eq!([0, 1, 2].map(|job| feature(job, "fits")), [0.0, 1.0, 1.0]);
    assert_eq!([0, 1, 2].map(|job| feature(job, "is-smallest")), [1.0, 0.0, 0.0]);
    assert_eq!([0, 1, 2].map(|job| feature(job, "delays-smallest")), [0.0, 0.0, 1.0]);
    assert!((feature(2, "smallest-delay") - (1.0_f32 + 300.0 / 300.0).ln() / 2.0).abs() < 1e-3);
    assert!((feature(0, "hold-for-own") - (1.0_f32 + 100.0 / 300.0).ln() / 2.0).abs() < 1e-3);
    assert_eq!(feature(1, "share-of-free"), 1.0);
    assert_eq!(feature(0, "hold-idle"), 0.2);
    assert!(feature(1, "blocks-arrivals") > 0.0, "nothing is left beside it");
    for (kind, backfills, used_share) in [(1, false, 0.4), (2, true, 1.0), (3, true, 0.4)] {
        let machine = MachineView { used_share, ..machine(backfills) };
        let others = JobChoice::new(&machine, &queue.columns()).rows();
        let from = kind * JOB_FEATURES.len();
        let elsewhere: f32 = others[..from].iter().sum();
        assert_eq!(others[from..from + JOB_FEATURES.len()], rows[..JOB_FEATURES.len()], "in another place");
        assert_eq!(elsewhere, 0.0);
    }
}

#[test]
fn scores_are_those_of_the_network_over_the_recorded_rows() {
    let queue = Queue::of(&[(300.0, 60.0), (50.0, 20.0), (400.0, 20.0), (7.0, 1.0)]);
    let model = JobsModel::guess();
    let choice = JobChoice::new(&machine(false), &queue.columns());
    let mut expected = choice.base().to_vec();
    let network = Network::new(JobsModel::shape(), model.weights()).expect("the shape of the model");
    network.correct(&[], &choice.rows(), &mut expected);
    for (score, expected) in choice.scores(model.weights()).iter().zip(&expected) {
        assert!((score - expected).abs() < 1e-4, "{score} {expected}");
    }
}

#[test]
fn the_guess_starts_what_fits_and_the_rule_does_not_ask() {
    let queue = Queue::of(&[(10.0, 60.0), (400.0, 20.0)]);
    assert_eq!(first(&queue.scores(&JobsModel::untrained(), &machine(false))), 0);
    assert_eq!(first(&queue.scores(&JobsModel::guess(), &machine(false))), 1);
}

#[test]
fn the_held_job_goes_last_by_the_rule_and_is_a_candidate_in_the_longest_queue() {
    let jobs: Vec<(f64, f64)> = (0..1000).map(|i| (10.0 + f64::from(i), 1.0)).collect();
    let queue = Queue::of(&jobs);
    let held = Held { position: 900, in_seconds: 100.0 };
    let choice = JobChoice::new(&MachineView { held: Some(held), ..machine(true) }, &queue.columns());
    assert!(choice.positions().len() <= CANDIDATES_MAX);
    let at = choice.positions().iter().position(|&p| p == 900).expect("a candidate");
    assert!(choice.base().iter().enumerate().all(|(i, &base)| i == at || base > choice.base()[at]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Learning starts at the best fixed rule, and the queue's length changes nothing about that.
    #[test]
    fn without_a_correction_the_smallest_area_goes_first(
        jobs in prop::collection::vec((1_u32..100_000, 1_u32..100), 1..300),
        backfills in any::<bool>(),
    ) {
        let jobs: Vec<(f64, f64)> = jobs.iter().map(|&(q, p)| (f64::from(q), f64::from(p))).collect();
        let scores = Queue::of(&jobs).scores(&JobsModel::untrained(), &machine(backfills));
        prop_assert_eq!(scores.len(), jobs.len());
        let smallest = jobs.iter().map(|job| job.0 * job.1).fold(f64::INFINITY, f64::min);
        let chosen = jobs[first(&scores)];
        // Logarithms are right to 1e-4, so areas nearer than that may change places.
        prop_assert!(chosen.0 * chosen.1 <= smallest * 1.0005);
    }

    #[test]
    fn scores_are_numbers_whatever_the_queue(
        jobs in prop::collection::vec((0.0..1e10_f64, 0.0..1e10_f64), 1..200),
        free in 0.0..1e9_f64,
    ) {
        let view = MachineView { free_units: free, now_seconds: -1e12, units: 0.0, ..machine(true) };
        let scores = Queue::of(&jobs).scores(&JobsModel::shipped(), &view);
        prop_assert!(scores.iter().all(|score| !score.is_nan()));
    }

    #[test]
    fn the_logarithm_is_right_to_a_ten_thousandth(x in 1e-6..1e12_f32) {
        prop_assert!((ln(x) - x.ln()).abs() < 1e-4 * x.ln().abs().max(1.0), "{} {}", ln(x), x.ln());
    }

    #[test]
    fn a_model_file_is_read_back_or_refused(at in any::<prop::sample::Index>(), bit in 0..8) {
        let model = JobsModel::guess();
        let bytes = model.to_bytes();
        prop_assert_eq!(JobsModel::from_bytes(&bytes), Ok(model.clone()));
        let mut damaged = bytes.clone();
        damaged[at.index(bytes.len())] ^= 1_u8 << bit;
        if let Ok(read) = JobsModel::from_bytes(&damaged) {
            // Only a change that leaves the header's meaning as it was (the kind of its white space) may pass.
            prop_assert_eq!(&read, &model);
        }
        prop_assert!(JobsModel::from_bytes(&bytes[..at.index(bytes.len())]).is_err());
    }
}

#[test]
fn a_model_for_other_decisions_or_over_other_features_is_refused() {
    let mut model = JobsModel::untrained();
    model.manifest.kind = "placement".into();
    let error = JobsModel::from_bytes(&model.to_bytes()).expect_err("it places tasks");
    assert_eq!(error.to_string(), "is a model of kind `placement`, expected `jobs`");
    let mut model = JobsModel::untrained();
    model.manifest.features.pop();
    let error = JobsModel::from_bytes(&model.to_bytes()).expect_err("a feature is missing");
    assert!(matches!(error, ModelFileError::Features { .. }), "{error}");
}

#[test]
fn only_the_weights_of_the_queues_that_are_learned_in_move() {
    let scales = JobsModel::weight_scales(&[queue_kind(true, false)]);
    let learned: Vec<bool> = scales.chunks(JOB_FEATURES.len()).map(|s| s.iter().all(|&x| x > 0.0)).collect();
    assert_eq!(learned, [false, false, false, true]);
    assert_eq!(scales.iter().filter(|&&scale| scale > 0.0).count(), JOB_FEATURES.len());
}

#[test]
fn the_shipped_model_is_sound_and_says_where_it_comes_from() {
    let manifest = JobsModel::shipped().manifest;
    assert!(manifest.command.starts_with("lepton train jobs"), "{}", manifest.command);
    assert!(!manifest.trained_on.is_empty() && !manifest.training_seeds.is_empty());
}
