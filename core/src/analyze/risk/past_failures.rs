//! What a node's past failures say of its future: the rate at which it fails, learned from its own past and from that
//! of all nodes.
//!
//! Rates differ from node to node as a gamma distribution; a node that has failed k times in an exposure of t then has
//! the mean rate (shape + k) / (shape / mean + t) (empirical Bayes; H. Robbins, 1956). Old failures count less, with a
//! half-life. A lemon is a node whose rate is, with high probability, a multiple of what is usual: a single bad day of
//! a good node is no lemon. After a failure, the hazard of the next hours is higher than later, by what is known of
//! repairs that did not help.

use serde::{Deserialize, Serialize};

/// Seconds of a day.
const DAY_SECONDS: f64 = 86_400.0;

/// What is taken to be known of failures before any was seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FailurePrior {
    /// Failures of an ordinary node a day (published: 0.0065 for nodes of eight GPUs, Kokolis et al., "Revisiting
    /// Reliability in Large-Scale Machine Learning Research Clusters", 2024).
    pub failures_per_day: f64,
    /// How alike nodes are: the shape of the gamma distribution. At 1/5 a few fail far more often than the rest.
    pub shape: f64,
    /// A failure counts half after so many days.
    pub half_life_days: f64,
}

impl Default for FailurePrior {
    fn default() -> Self {
        Self { failures_per_day: 0.0065, shape: 0.2, half_life_days: 90.0 }
    }
}

/// When a node is a lemon.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LemonRule {
    /// Times the usual rate.
    pub times_usual: f64,
    /// How sure one must be, 0 to 1.
    pub sure: f64,
    /// Failures that it must have had, whatever its rate.
    pub failures_min: u32,
}

impl Default for LemonRule {
    fn default() -> Self {
        Self { times_usual: 5.0, sure: 0.99, failures_min: 3 }
    }
}

/// Failures and exposure of one node, older ones counting less.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct PastFailures {
    count: f64,
    exposure_days: f64,
    failures: u32,
    last_seconds: Option<i64>,
    as_of_seconds: Option<i64>,
}

impl PastFailures {
    /// The node has been in service up to this moment; going back in time changes nothing.
    pub fn observe(&mut self, now_seconds: i64, prior: &FailurePrior) {
        let before = self.as_of_seconds.unwrap_or(now_seconds);
        let days = now_seconds.saturating_sub(before) as f64 / DAY_SECONDS;
        if days > 0.0 {
            let half_life = prior.half_life_days.max(1e-3);
            let kept = (-days / half_life).exp2();
            self.count *= kept;
            // Exposure fades as it grows: the integral of the weights over the time that has passed.
            let grown = half_life / std::f64::consts::LN_2 * (1.0 - kept);
            self.exposure_days = self.exposure_days * kept + grown;
        }
        self.as_of_seconds = Some(before.max(now_seconds));
    }

    /// The node has failed.
    pub fn fail(&mut self, now_seconds: i64, prior: &FailurePrior) {
        self.observe(now_seconds, prior);
        self.count += 1.0;
        self.failures = self.failures.saturating_add(1);
        self.last_seconds = Some(self.last_seconds.map_or(now_seconds, |l| l.max(now_seconds)));
    }

    /// The node was out of service for so long up to now: no exposure.
    pub fn skip(&mut self, now_seconds: i64) {
        self.as_of_seconds = Some(self.as_of_seconds.map_or(now_seconds, |a| a.max(now_seconds)));
    }

    /// Whether its numbers can have come from what was seen.
    pub fn is_sound(&self) -> bool {
        let number = |n: f64| n.is_finite() && n >= 0.0;
        number(self.count) && number(self.exposure_days)
    }

    /// Failures there were, old ones counting as much as new ones.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// When it last failed.
    pub fn last_seconds(&self) -> Option<i64> {
        self.last_seconds
    }

    /// Failures a day to expect.
    pub fn rate_per_day(&self, prior: &FailurePrior) -> f64 {
        let (shape, scale_days) = self.gamma(prior);
        shape / scale_days
    }

    /// How sure it is that the node fails more often than so many times a day, 0 to 1.
    pub fn sure_above(&self, rate_per_day: f64, prior: &FailurePrior) -> f64 {
        let (shape, days) = self.gamma(prior);
        1.0 - regularized_gamma(shape, days * rate_per_day.max(0.0))
    }

    /// Whether the node is a lemon, where nodes usually fail `usual_per_day` times a day.
    pub fn is_lemon(&self, usual_per_day: f64, prior: &FailurePrior, rule: &LemonRule) -> bool {
        self.failures >= rule.failures_min
            && self.sure_above(rule.times_usual * usual_per_day, prior) >= rule.sure
    }

    /// Shape and days of the gamma distribution of its rate.
    fn gamma(&self, prior: &FailurePrior) -> (f64, f64) {
        let shape = prior.shape.max(1e-6);
        let mean = prior.failures_per_day.max(1e-12);
        (shape + self.count, shape / mean + self.exposure_days)
    }
}

/// The share of a gamma distribution of this shape and scale 1 below `x`: its series below the mean, its continued
/// fraction above (W. H. Press et al., "Numerical Recipes", 6.2).
fn regularized_gamma(shape: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    let front = (-x + shape * x.ln() - ln_gamma(shape)).exp();
    if x < shape + 1.0 {
        let (mut term, mut sum, mut a) = (1.0 / shape, 1.0 / shape, shape);
        for _ in 0..1000 {
            a += 1.0;
            term *= x / a;
            sum += term;
            if term < sum * 1e-15 {
                break;
            }
        }
        return (front * sum).clamp(0.0, 1.0);
    }
    let tiny = 1e-300;
    let mut b = x + 1.0 - shape;
    let (mut c, mut d) = (1.0 / tiny, 1.0 / b);
    let mut h = d;
    for i in 1..1000 {
        let an = -f64::from(i) * (f64::from(i) - shape);
        b += 2.0;
        d = 1.0 / (an * d + b).max(tiny);
        c = (b + an / c).max(tiny);
        h *= d * c;
        if (d * c - 1.0).abs() < 1e-14 {
            break;
        }
    }
    (1.0 - front * h).clamp(0.0, 1.0)
}

/// Logarithm of the gamma function above zero (C. Lanczos, 1964; coefficients for g = 5 of Numerical Recipes, 6.1).
fn ln_gamma(x: f64) -> f64 {
    const COEFFICIENTS: [f64; 6] = [
        76.180_091_729_471_5,
        -86.505_320_329_416_8,
        24.014_098_240_830_9,
        -1.231_739_572_450_16,
        1.208_650_973_866_18e-3,
        -5.395_239_384_953e-6,
    ];
    let shifted = x + 5.5;
    let head = (x + 0.5) * shifted.ln() - shifted;
    let (mut sum, mut y) = (1.000_000_000_190_02, x);
    for c in COEFFICIENTS {
        y += 1.0;
        sum += c / y;
    }
    head + (2.506_628_274_631 * sum / x).ln()
}
