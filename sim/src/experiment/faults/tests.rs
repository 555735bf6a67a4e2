//! Simulated figures meet their closed forms, lemons are found, chances hold.

use super::*;
use crate::generate::FAULT_PRESETS;

fn preset(name: &str) -> FaultPreset {
    FAULT_PRESETS.into_iter().find(|p| p.name == name).expect("a preset")
}

#[test]
fn mean_time_to_failure_is_within_three_standard_errors_of_the_formula() {
    for (nodes, published) in [(128, 28.8), (2048, 1.80), (16_384, 0.225)] {
        let found = simulate_mttf(preset("rsc1"), nodes, 2000, 1);
        assert!((found.expected_hours - published).abs() < 0.01 * published, "{found:?}");
        assert!(
            (found.mean_hours - found.expected_hours).abs() < 3.0 * found.standard_error_hours,
            "{found:?}"
        );
    }
}

#[test]
fn effective_training_time_is_within_a_twentieth_of_the_formula() {
    for (job, published) in LONG_JOBS.into_iter().zip([0.886, 0.737, 0.919, 0.897]) {
        let found = simulate_ettr(job, 60, 1);
        assert!((found.expected - published).abs() < 0.001, "{found:?}");
        assert!((found.ettr / found.expected - 1.0).abs() < 0.05, "{found:?}");
    }
}

#[test]
fn lemons_are_found_by_their_past_and_jobs_fail_less_without_them() {
    let (mut flagged, mut right, mut with, mut without) = (0, 0, 0.0, 0.0);
    for seed in 1..=5 {
        let found = simulate_lemons(preset("lemons"), 3000, 28, seed);
        flagged += found.flagged;
        right += found.flagged_lemons;
        with += found.jobs_failed;
        without += found.jobs_failed_without;
    }
    assert!(f64::from(right as u32) >= 0.85 * f64::from(flagged as u32), "{right} of {flagged}");
    assert!(without < with / 3.0, "{without} against {with}");
}

#[test]
fn causes_come_as_often_as_published() {
    let causes = simulate_causes(preset("llama3"), 4096, 54, 1);
    let chi_squared: f64 = causes.iter().map(|c| (c.failures as f64 - c.expected).powi(2) / c.expected).sum();
    // 17 degrees of freedom: 1 in 1000 is above 40.8.
    assert!(chi_squared < 40.8, "{chi_squared}");
}

#[test]
fn of_the_nodes_that_are_given_a_chance_as_many_fail() {
    let model = learn_risk(preset("all-causes"), 200, 90, 1);
    let world = |seed| risk_cases(preset("all-causes"), 200, 90, seed, &model.prior);
    let cases: Vec<RiskCase> = (1..=4).flat_map(world).collect();
    for horizon in 0..3 {
        let bins = reliability(&model, &cases, horizon);
        // Looks at the same failure are alike: fewer cases tell less than they seem.
        for bin in bins.iter().filter(|b| b.cases >= 2000) {
            assert!((bin.given - bin.failed).abs() < 0.05, "horizon {horizon}: {bins:?}");
        }
    }
}
