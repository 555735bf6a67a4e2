//! Whether generated batch jobs have the model's published statistics.

use super::*;

fn mean(values: impl Iterator<Item = f64> + Clone) -> f64 {
    values.clone().sum::<f64>() / values.count() as f64
}

#[test]
fn the_same_seed_gives_the_same_jobs_and_another_seed_others() {
    let model = LublinModel::published(128);
    assert_eq!(model.generate(500, 3), model.generate(500, 3));
    assert_ne!(model.generate(500, 3), model.generate(500, 4));
}

#[test]
fn sizes_have_the_published_shares() {
    let jobs = LublinModel::published(128).generate(40_000, 1);
    assert!(jobs.size.iter().all(|&s| (1..=128).contains(&s)));
    let share = |keep: fn(u32) -> bool| mean(jobs.size.iter().map(|&s| f64::from(u8::from(keep(s)))));
    let serial = share(|s| s == 1);
    assert!((serial - 0.244).abs() < 0.01, "{serial}");
    // Powers of two by intent, and a few by chance.
    let powers = share(|s| s > 1 && s.is_power_of_two());
    assert!((0.57..0.66).contains(&powers), "{powers}");
}

#[test]
fn run_times_have_the_mean_of_their_logarithm_and_its_limit() {
    let jobs = LublinModel::published(128).generate(40_000, 2);
    let serial = || (0..jobs.len()).filter(|&i| jobs.size[i] == 1).map(|i| f64::from(jobs.run_seconds[i]));
    // For serial jobs: 0.7746 of gamma(4.2, 0.94), mean 3.948, else gamma(312, 0.03), mean 9.36; whole
    // seconds cut a little off short runs.
    let expected = 0.7746 * 3.948 + 0.2254 * 9.36;
    let got = mean(serial().map(f64::ln));
    assert!((got - expected).abs() < 0.1, "{got} instead of {expected}");
    assert!(serial().fold(0.0, f64::max) <= 12.0f64.exp());
}

#[test]
fn arrivals_ascend_and_follow_the_daily_cycle() {
    let jobs = LublinModel::published(128).generate(40_000, 5);
    assert!(jobs.submit_seconds.is_sorted());
    let within = |from: i64, to: i64| {
        jobs.submit_seconds.iter().filter(|&&s| (from..to).contains(&(s % 86_400 / 3600))).count() as f64
    };
    let (night, day) = (within(2, 5), within(12, 15));
    assert!(day > 3.0 * night, "{day} by day, {night} by night");
}
