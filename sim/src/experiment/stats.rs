//! Mean, spread, and paired differences with an interval.

use lepton_core::decide::guard::student_t_975;
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
    let half = student_t_975(differences.len() - 1) * sd / (differences.len() as f64).sqrt();
    Some(Paired { difference: mean, low: mean - half, high: mean + half })
}
