//! Whether generated arrivals have their rate, spread and daily cycle.

use super::*;

#[test]
fn poisson_arrivals_have_their_rate_and_their_spread() {
    let arrivals = Arrivals::Poisson { mean_seconds_between: 50.0 };
    let jobs = task_arrivals(&training_classes(), arrivals, 20_000, 9);
    let last = jobs.submit_seconds[19_999] as f64;
    assert!((last / 20_000.0 - 50.0).abs() < 1.5, "{last}");
    // In a Poisson process the variance of the counts equals their mean.
    let mut counts = vec![0f64; (last / 5000.0) as usize];
    for &s in &jobs.submit_seconds {
        if let Some(count) = counts.get_mut((s / 5000) as usize) {
            *count += 1.0;
        }
    }
    let mean = counts.iter().sum::<f64>() / counts.len() as f64;
    let variance = counts.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / counts.len() as f64;
    assert!((variance / mean - 1.0).abs() < 0.3, "{variance} of {mean}");
}

#[test]
fn a_full_swing_leaves_the_lowest_hours_nearly_empty() {
    let arrivals = Arrivals::DailyCycle { mean_seconds_between: 60.0, swing: 1.0 };
    let jobs = task_arrivals(&training_classes(), arrivals, 20_000, 9);
    let around = |hour: i64| jobs.submit_seconds.iter().filter(|&&s| s % 86_400 / 3600 == hour).count();
    assert!(around(6) > 20 * around(18).max(1), "{} and {}", around(6), around(18));
}

#[test]
fn classes_come_in_proportion_to_their_weights() {
    let class = |name: &str, weight, size| TaskClassSpec {
        name: name.to_owned(),
        weight,
        size,
        median_run_seconds: 100.0,
        log_run_deviation: 0.0,
    };
    let classes = [class("small", 3.0, 1), class("large", 1.0, 8)];
    let jobs = task_arrivals(&classes, Arrivals::Poisson { mean_seconds_between: 1.0 }, 20_000, 1);
    let large = jobs.size.iter().filter(|&&s| s == 8).count() as f64 / 20_000.0;
    assert!((large - 0.25).abs() < 0.02, "{large}");
    assert!(jobs.run_seconds.iter().all(|&r| (99..=101).contains(&r)));
}
