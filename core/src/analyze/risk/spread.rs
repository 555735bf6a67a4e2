//! Means and deviations of numbers that may be missing.

/// Standard deviation of finite numbers around their mean; 0 of fewer than two.
pub(super) fn deviation(values: impl Iterator<Item = f64>) -> f64 {
    // Welford's recurrence: one pass, no cancellation.
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for v in values {
        count += 1.0;
        let distance = v - mean;
        mean += distance / count;
        squares += distance * (v - mean);
    }
    if count < 2.0 { 0.0 } else { (squares / count).sqrt() }
}
