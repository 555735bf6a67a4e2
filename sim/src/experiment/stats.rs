//! Mean, spread, and paired differences with an interval.

use serde::Serialize;

/// Mean and sample standard deviation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// Mean.
    pub mean: f64,
    /// Sample standard deviation; 0 for a single value.
    pub sd: f64,
}

/// A paired difference with its 95% interval (Student's t).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Paired {
    /// Mean of the differences.
    pub difference: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// Mean and spread of values; `None` of none.
pub fn spread(values: &[f64]) -> Option<Spread> {
    if values.is_empty() {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    let sd = if values.len() < 2 { 0.0 } else { (squares / (n - 1.0)).sqrt() };
    Some(Spread { mean, sd })
}

/// The mean of the differences of pairs and its interval; `None` for fewer than two pairs.
pub fn paired(differences: &[f64]) -> Option<Paired> {
    let Spread { mean, sd } = spread(differences).filter(|_| differences.len() > 1)?;
    let half = t_975(differences.len() - 1) * sd / (differences.len() as f64).sqrt();
    Some(Paired { difference: mean, low: mean - half, high: mean + half })
}

/// 97.5% quantile of Student's t distribution: a table up to 30 degrees of freedom, above it the expansion
/// of Cornish and Fisher (error below 0.001).
fn t_975(degrees: usize) -> f64 {
    const TABLE: [f64; 30] = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145,
        2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048,
        2.045, 2.042,
    ];
    const Z: f64 = 1.959_964;
    match TABLE.get(degrees - 1) {
        Some(&t) => t,
        None => Z + (Z.powi(3) + Z) / (4.0 * degrees as f64),
    }
}
