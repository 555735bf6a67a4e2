//! What is unusual is found, what is usual is not, and nothing makes a score that is no number.

use proptest::prelude::*;

use crate::analyze::risk::*;

/// Days of a machine with a daily rhythm and a little noise, a bin each ten minutes.
fn machine(days: usize, metrics: usize) -> Telemetry {
    let wave = |bin: usize, m: usize| (bin as f64 / 144.0 * std::f64::consts::TAU + m as f64).sin();
    // A multiplicative hash: noise that is the same everywhere.
    let noise = |i: usize| ((i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as f64 / f64::from(1 << 24);
    let values =
        (0..days * 144 * metrics).map(|i| 10.0 + 5.0 * wave(i / metrics, i % metrics) + noise(i)).collect();
    let names = (0..metrics).map(|m| format!("m{m}")).collect();
    Telemetry { machine: "a".into(), metrics: names, period_seconds: 600, first_bin: 0, values }
}

fn budget() -> AlarmBudget {
    AlarmBudget { episodes_per_day: 0.2 }
}

fn split(all: &Telemetry, bins: usize) -> (Telemetry, Telemetry) {
    let at = bins * all.metrics.len();
    let mut parts = (all.clone(), all.clone());
    parts.0.values.truncate(at);
    parts.1.values.drain(..at);
    parts.1.first_bin += bins as i64;
    parts
}

fn judge(detector: &mut AnomalyDetector, telemetry: &Telemetry) -> Vec<AnomalyReading> {
    telemetry.rows().map(|(bin, row)| detector.push(bin, row).unwrap()).collect()
}

#[test]
fn a_metric_that_leaves_its_habit_raises_an_alarm_and_is_named() {
    let (train, mut input) = split(&machine(20, 5), 18 * 144);
    for bin in 100..110 {
        input.values[bin * 5 + 3] += 8.0;
    }
    let readings = judge(&mut AnomalyDetector::fit(&train, budget()).unwrap(), &input);
    assert!(readings[100].alarm && readings[100].metrics[0].0 == 3, "{:?}", readings[100]);
    assert!(!readings[..100].iter().any(|r| r.alarm));
    let worst = readings.iter().map(|r| r.score).fold(0.0, f64::max);
    assert!(readings[100..111].iter().any(|r| r.score == worst));
}

#[test]
fn readings_one_by_one_score_as_readings_after_a_pause_of_the_program() {
    let (train, input) = split(&machine(8, 3), 6 * 144);
    let fitted = AnomalyDetector::fit(&train, budget()).unwrap();
    let whole = judge(&mut fitted.clone(), &input);
    let (first, rest) = split(&input, 77);
    let mut detector = fitted;
    let mut parts = judge(&mut detector, &first);
    let kept = serde_json::to_string(&detector).unwrap();
    parts.extend(judge(&mut serde_json::from_str(&kept).unwrap(), &rest));
    assert_eq!(parts, whole);
}

#[test]
fn a_bin_that_is_seen_twice_counts_once() {
    let (train, input) = split(&machine(8, 3), 6 * 144);
    let fitted = AnomalyDetector::fit(&train, budget()).unwrap();
    let (mut once, mut twice) = (fitted.clone(), fitted);
    for (bin, row) in input.rows() {
        let first = twice.push(bin, row);
        assert_eq!(first, once.push(bin, row));
        twice.push(bin, row);
    }
    assert_eq!(once, twice);
}

#[test]
fn missing_bins_are_no_anomaly() {
    let (train, input) = split(&machine(12, 3), 10 * 144);
    let mut detector = AnomalyDetector::fit(&train, budget()).unwrap();
    let all = judge(&mut detector.clone(), &input);
    let mut gaps = Vec::new();
    for (bin, row) in input.rows() {
        match (bin / 7) % 3 {
            0 => {}
            1 => gaps.push(detector.push(bin, &[f64::NAN; 3]).unwrap()),
            _ => gaps.push(detector.push(bin, row).unwrap()),
        }
    }
    assert!(all.iter().chain(&gaps).filter(|r| r.alarm).count() <= 3);
}

#[test]
fn the_profile_knows_the_time_of_day() {
    // Noon's value at midnight is an alarm though it is a value of every day.
    let (train, mut input) = split(&machine(20, 1), 18 * 144);
    let noon = input.values[36];
    input.values[108..112].fill(noon);
    let readings = judge(&mut AnomalyDetector::fit(&train, budget()).unwrap(), &input);
    assert!(readings[108].alarm);
}

#[test]
fn the_budget_holds_where_it_was_set_and_episodes_join_over_half_an_hour() {
    let scores: Vec<f64> = (0..2880).map(|i| if i % 288 == 5 { 10.0 + f64::from(i) } else { 1.0 }).collect();
    for wanted in 1..10 {
        let budget = AlarmBudget { episodes_per_day: f64::from(wanted) / 10.0 };
        let threshold = budget.threshold(&scores, 300);
        assert_eq!(episodes(scores.iter().map(|&s| s >= threshold), 300), wanted as usize);
    }
    let alarms = |text: &str| episodes(text.bytes().map(|b| b == b'x'), 600);
    assert_eq!([alarms("x..."), alarms("x...x"), alarms("x....x"), alarms("....")], [1, 1, 2, 0]);
    assert_eq!(budget().threshold(&[], 300), f64::INFINITY);
    let flat = budget().threshold(&[1.0; 100], 300);
    assert!(flat > 1.0 && flat < 1.1, "scores that never differ are no alarm");
}

#[test]
fn what_cannot_be_learned_from_is_refused() {
    let short = split(&machine(1, 2), 19).0;
    let message = AnomalyDetector::fit(&short, budget()).unwrap_err().to_string();
    assert_eq!(message, "machine `a` has 19 bins to learn from, expected at least 20");
    let mut empty = machine(1, 2);
    empty.values.fill(f64::NAN);
    let message = AnomalyDetector::fit(&empty, budget()).unwrap_err().to_string();
    assert_eq!(message, "machine `a` has no reading in any of its 2 metrics to learn from");
    let mut detector = AnomalyDetector::fit(&machine(2, 2), budget()).unwrap();
    assert_eq!(detector.push(0, &[1.0]), None);
}

fn strange() -> impl Strategy<Value = f64> {
    prop_oneof![
        -1e3..1e3,
        Just(0.0),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::MAX),
        Just(f64::MIN_POSITIVE),
        any::<f64>(),
    ]
}

proptest! {
    #[test]
    fn no_reading_makes_a_score_that_is_no_number(
        values in prop::collection::vec(strange(), 60..400),
        period_seconds in prop_oneof![Just(1_u32), Just(60), Just(3600), Just(86_400), Just(u32::MAX)],
        first_bin in -1000_i64..1000,
        bins in prop::collection::vec(-2000_i64..2000, 20),
    ) {
        let values = values[..values.len() / 2 * 2].to_vec();
        let metrics = vec!["a".to_owned(), "b".to_owned()];
        let telemetry = Telemetry { machine: "m".into(), metrics, period_seconds, first_bin, values };
        if let Ok(mut detector) = AnomalyDetector::fit(&telemetry, budget()) {
            for (i, bin) in bins.into_iter().chain([i64::MAX, i64::MIN]).enumerate() {
                let row = telemetry.row(i % telemetry.bins());
                let reading = detector.push(bin, row).unwrap();
                prop_assert!(reading.score.is_finite() && reading.score >= 0.0, "{reading:?}");
                prop_assert!(reading.metrics.iter().all(|m| m.1.is_finite()));
            }
        }
    }
}
