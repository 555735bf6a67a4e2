//! The mean of paired gains, and how sure it is.

use serde::Serialize;

/// What a policy gains over another on the same sequences.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PairedGain {
    /// Pairs of results.
    pub pairs: usize,
    /// Mean gain, in the unit of the results.
    pub mean: f64,
    /// Half width of its 95% interval (Student's t); infinite for a single pair.
    pub half_width: f64,
}

impl PairedGain {
    /// Of these gains; `None` of none.
    pub fn of(gains: &[f64]) -> Option<Self> {
        let pairs = gains.len();
        if pairs == 0 {
            return None;
        }
        let count = pairs as f64;
        let mean = gains.iter().sum::<f64>() / count;
        let squares: f64 = gains.iter().map(|g| (g - mean).powi(2)).sum();
        let half_width = match pairs {
            1 => f64::INFINITY,
            _ => student_t_975(pairs - 1) * (squares / (count - 1.0) / count).sqrt(),
        };
        Some(Self { pairs, mean, half_width })
    }

    /// Lower end of the interval.
    pub fn low(&self) -> f64 {
        self.mean - self.half_width
    }

    /// Upper end of the interval.
    pub fn high(&self) -> f64 {
        self.mean + self.half_width
    }
}

/// 97.5% quantile of Student's t distribution: a table up to 30 degrees of freedom, above it the expansion
/// of Cornish and Fisher (error below 0.001). Infinite for 0 degrees.
pub fn student_t_975(degrees: usize) -> f64 {
    const TABLE: [f64; 31] = [
        f64::INFINITY,
        12.706,
        4.303,
        3.182,
        2.776,
        2.571,
        2.447,
        2.365,
        2.306,
        2.262,
        2.228,
        2.201,
        2.179,
        2.160,
        2.145,
        2.131,
        2.120,
        2.110,
        2.101,
        2.093,
        2.086,
        2.080,
        2.074,
        2.069,
        2.064,
        2.060,
        2.056,
        2.052,
        2.048,
        2.045,
        2.042,
    ];
    const Z: f64 = 1.959_964;
    match TABLE.get(degrees) {
        Some(&t) => t,
        None => Z + (Z.powi(3) + Z) / (4.0 * degrees as f64),
    }
}
