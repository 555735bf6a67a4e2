//! The risk of one node: signs come in one by one, chances of a failure within an hour, a day and a week come out, with
//! the signals behind them.
//!
//! A sign counts in full when it is seen and fades with a half-life of its kind. The logarithm of the node's failure
//! rate (from its past, [`super::past_failures`]) and the faded signs are weighted and added for each horizon; a
//! calibration learned from outcomes turns the sum into a chance.

use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::log_patterns::Severity;
use super::past_failures::{FailurePrior, PastFailures};

/// Seconds of a day.
const DAY_SECONDS: f64 = 86_400.0;
/// Horizons of a chance, seconds: an hour, a day, a week.
pub const RISK_HORIZONS_SECONDS: [u32; 3] = [3600, 86_400, 604_800];
/// Kinds of signals, in the order of their weights.
pub const SIGNALS: [&str; 7] = [
    "past failures",
    "failed lately",
    "critical messages",
    "error messages",
    "warnings",
    "counters that grow",
    "unusual telemetry",
];
/// How fast the signals after the first fade, seconds to half.
const HALF_LIVES_SECONDS: [f64; SIGNALS.len() - 1] =
    [43_200.0, 86_400.0, 86_400.0, 172_800.0, 604_800.0, 7200.0];
/// A score of telemetry below this is no sign: one bin in a thousand is above.
const UNUSUAL_FROM: f64 = 3.0;

/// What signals are worth before anything was learned: assumed, in round numbers.
const WEIGHTS_UNLEARNED: [f64; SIGNALS.len()] = [1.0, 1.0, 2.5, 1.5, 0.5, 0.7, 0.5];

/// Something that was seen on a node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sign {
    /// A log message that is known.
    Message(Severity),
    /// A counter that leads to failure (corrected memory errors, link errors, a drive's) has grown by so much.
    CounterGrowth(f64),
    /// The anomaly score of its telemetry, a decimal logarithm of rarity.
    Anomaly(f64),
}

/// What is remembered of one node: a few numbers, whatever comes.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct NodeSigns {
    past: PastFailures,
    faded: [f64; SIGNALS.len() - 1],
    as_of_seconds: Option<i64>,
}

/// A chance with what it comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NodeRisk {
    /// Chances of a failure within each of [`RISK_HORIZONS_SECONDS`], each 0 to 1 and none above the next.
    pub chances: [f64; RISK_HORIZONS_SECONDS.len()],
    /// Signals that raise the chance of the day, the strongest first: the kind and by which factor it raises the odds.
    pub signals: Vec<(&'static str, f64)>,
}

/// What signs are worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RiskModel {
    /// What is known of failures before any was seen.
    pub prior: FailurePrior,
    /// One for each horizon.
    pub horizons: [HorizonModel; RISK_HORIZONS_SECONDS.len()],
}

/// A horizon's weights.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct HorizonModel {
    /// Logarithm of the odds when all signals are zero.
    pub intercept: f64,
    /// Of each signal.
    pub weights: [f64; SIGNALS.len()],
    /// From the logarithm of the odds to a chance; without it, the logistic function.
    pub calibration: Option<Calibration>,
}

impl NodeSigns {
    /// The node has worked up to this moment.
    pub fn observe(&mut self, now_seconds: i64, prior: &FailurePrior) {
        self.past.observe(now_seconds, prior);
        self.fade(now_seconds);
    }

    /// A sign was seen; one that is no number is none.
    pub fn sign(&mut self, now_seconds: i64, sign: Sign, prior: &FailurePrior) {
        self.observe(now_seconds, prior);
        let [_, critical, error, warning, counter, anomaly] = &mut self.faded;
        match sign {
            Sign::Message(Severity::Critical) => *critical += 1.0,
            Sign::Message(Severity::Error) => *error += 1.0,
            Sign::Message(Severity::Warning) => *warning += 1.0,
            Sign::CounterGrowth(by) if by.is_finite() => *counter += by.clamp(0.0, 1e6),
            Sign::Anomaly(score) if score.is_finite() => {
                *anomaly = anomaly.max(score.min(100.0) - UNUSUAL_FROM);
            }
            Sign::CounterGrowth(_) | Sign::Anomaly(_) => {}
        }
    }

    /// The node has failed. Its signs go with what was wrong; that it failed stays.
    pub fn fail(&mut self, now_seconds: i64, prior: &FailurePrior) {
        self.past.fail(now_seconds, prior);
        self.fade(now_seconds);
        self.faded = [0.0; SIGNALS.len() - 1];
        self.faded[0] = 1.0;
    }

    /// The node is back: the time that it was away is no time in which it could have failed.
    pub fn repaired(&mut self, now_seconds: i64) {
        self.past.skip(now_seconds);
        self.fade(now_seconds);
    }

    /// Whether its numbers can have come from what was seen: what was read from a file may be anything.
    pub fn is_sound(&self) -> bool {
        self.past.is_sound() && self.faded.iter().all(|f| f.is_finite() && *f >= 0.0)
    }

    /// Its past failures.
    pub fn past(&self) -> &PastFailures {
        &self.past
    }

    /// The signals as numbers, each finite.
    pub fn signals(&self, now_seconds: i64, prior: &FailurePrior) -> [f64; SIGNALS.len()] {
        let mut now = *self;
        now.observe(now_seconds, prior);
        let rate = (now.past.rate_per_day(prior) / prior.failures_per_day.max(1e-12)).max(1e-6).ln();
        let mut out = [rate; SIGNALS.len()];
        for (to, faded) in out[1..].iter_mut().zip(now.faded) {
            *to = faded.ln_1p();
        }
        out
    }

    fn fade(&mut self, now_seconds: i64) {
        let before = self.as_of_seconds.unwrap_or(now_seconds);
        let seconds = now_seconds.saturating_sub(before).max(0) as f64;
        for (sign, half_life) in self.faded.iter_mut().zip(HALF_LIVES_SECONDS) {
            *sign *= (-seconds / half_life).exp2();
        }
        self.as_of_seconds = Some(before.max(now_seconds));
    }
}

impl Default for RiskModel {
    fn default() -> Self {
        let prior = FailurePrior::default();
        let horizons = RISK_HORIZONS_SECONDS.map(|seconds| {
            let expected = prior.failures_per_day * f64::from(seconds) / DAY_SECONDS;
            HorizonModel { intercept: expected.ln(), weights: WEIGHTS_UNLEARNED, calibration: None }
        });
        Self { prior, horizons }
    }
}

impl RiskModel {
    /// Whether it makes chances of signs: what was read from a file may be anything.
    pub fn is_sound(&self) -> bool {
        let FailurePrior { failures_per_day, shape, half_life_days } = self.prior;
        let positive = |n: f64| n.is_finite() && n > 0.0;
        let of = |h: &HorizonModel| {
            h.intercept.is_finite()
                && h.weights.iter().all(|w| w.is_finite())
                && h.calibration.as_ref().is_none_or(Calibration::is_sound)
        };
        [failures_per_day, shape, half_life_days].into_iter().all(positive) && self.horizons.iter().all(of)
    }

    /// The risk of a node at this moment.
    pub fn assess(&self, signs: &NodeSigns, now_seconds: i64) -> NodeRisk {
        let signals = signs.signals(now_seconds, &self.prior);
        let mut chances = [0.0; RISK_HORIZONS_SECONDS.len()];
        let mut least = 0.0_f64;
        for (chance, horizon) in chances.iter_mut().zip(&self.horizons) {
            // What is likely within an hour is at least as likely within a day.
            least = horizon.chance(&signals).max(least);
            *chance = least;
        }
        let raises = |(k, &signal): (usize, &f64)| {
            let factor = (self.horizons[1].weights[k] * signal).clamp(-50.0, 50.0).exp();
            (factor > 1.05).then_some((SIGNALS[k], factor))
        };
        let mut signals: Vec<(&'static str, f64)> = signals.iter().enumerate().filter_map(raises).collect();
        signals.sort_by(|a, b| b.1.total_cmp(&a.1));
        NodeRisk { chances, signals }
    }
}

impl HorizonModel {
    /// Logarithm of the odds.
    pub fn log_odds(&self, signals: &[f64; SIGNALS.len()]) -> f64 {
        let sum: f64 = self.weights.iter().zip(signals).map(|(w, s)| w * s).sum();
        let all = self.intercept + sum;
        if all.is_finite() { all.clamp(-50.0, 50.0) } else { 0.0 }
    }

    /// The chance, 0 to 1.
    pub fn chance(&self, signals: &[f64; SIGNALS.len()]) -> f64 {
        let log_odds = self.log_odds(signals);
        match &self.calibration {
            Some(calibration) => calibration.chance(log_odds),
            None => 1.0 / (1.0 + (-log_odds).exp()),
        }
    }
}
