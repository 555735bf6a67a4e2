//! Learns what signs are worth: a logistic regression for each horizon by Newton's method, then a calibration on cases
//! that the regression has not seen.

use lepton_core::analyze::risk::{
    Calibration, FailurePrior, HorizonModel, Outcome, RISK_HORIZONS_SECONDS, RiskModel, SIGNALS,
};

/// Weights and the intercept.
const SIZE: usize = SIGNALS.len() + 1;
/// What draws weights towards zero: as much as this many cases.
const RIDGE: f64 = 1.0;
const STEPS: usize = 25;

/// A node at a moment, and what came after it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RiskCase {
    /// Its signals.
    pub signals: [f64; SIGNALS.len()],
    /// Whether it failed within each of the horizons.
    pub failed: [bool; RISK_HORIZONS_SECONDS.len()],
}

/// Learns a model: the weights from the first cases, the calibration from the second, which should be of other nodes
/// or a later time. With no failure among the first, the weights of [`RiskModel::default`] stay.
pub fn fit_risk_model(prior: FailurePrior, first: &[RiskCase], second: &[RiskCase]) -> RiskModel {
    let mut model = RiskModel { prior, ..RiskModel::default() };
    for (h, horizon) in model.horizons.iter_mut().enumerate() {
        if first.iter().any(|c| c.failed[h]) {
            *horizon = regression(first, h);
        }
        let outcome = |c: &RiskCase| Outcome { score: horizon.log_odds(&c.signals), event: c.failed[h] };
        let outcomes: Vec<Outcome> = second.iter().map(outcome).collect();
        horizon.calibration = Calibration::fit(&outcomes);
    }
    model
}

fn regression(cases: &[RiskCase], h: usize) -> HorizonModel {
    let mut weights = [0.0; SIZE];
    let share = cases.iter().filter(|c| c.failed[h]).count() as f64 / cases.len() as f64;
    weights[SIZE - 1] = (share / (1.0 - share).max(1e-9)).max(1e-9).ln();
    for _ in 0..STEPS {
        let (mut slope, mut curve) = ([0.0; SIZE], [[0.0; SIZE]; SIZE]);
        for case in cases {
            let mut x = [1.0; SIZE];
            x[..SIGNALS.len()].copy_from_slice(&case.signals);
            let sum: f64 = x.iter().zip(&weights).map(|(x, w)| x * w).sum();
            let p = 1.0 / (1.0 + (-sum).exp());
            let (off, weight) = (p - f64::from(u8::from(case.failed[h])), p * (1.0 - p));
            for (i, (slope, curve)) in slope.iter_mut().zip(&mut curve).enumerate() {
                *slope += off * x[i];
                for (curve, other) in curve.iter_mut().zip(&x).take(i + 1) {
                    *curve += weight * x[i] * other;
                }
            }
        }
        for i in 0..SIZE {
            let ridge = if i + 1 == SIZE { 1e-9 } else { RIDGE };
            slope[i] += ridge * weights[i];
            curve[i][i] += ridge;
        }
        let Some(step) = solve(curve, slope) else { break };
        let longest = step.iter().fold(0.0_f64, |m, s| m.max(s.abs()));
        // A long step of Newton's overshoots.
        let shorten = if longest > 2.0 { 2.0 / longest } else { 1.0 };
        for (w, s) in weights.iter_mut().zip(step) {
            *w -= shorten * s;
        }
        if longest < 1e-8 {
            break;
        }
    }
    let mut horizon = HorizonModel { intercept: weights[SIZE - 1], ..HorizonModel::default() };
    horizon.weights.copy_from_slice(&weights[..SIGNALS.len()]);
    horizon
}

/// Solves a symmetric, positive system given by its lower half (Cholesky).
fn solve(mut a: [[f64; SIZE]; SIZE], b: [f64; SIZE]) -> Option<[f64; SIZE]> {
    for i in 0..SIZE {
        for j in 0..=i {
            let sum = a[i][j] - (0..j).map(|k| a[i][k] * a[j][k]).sum::<f64>();
            if i != j {
                a[i][j] = sum / a[j][j];
            } else if sum > 0.0 {
                a[i][i] = sum.sqrt();
            } else {
                return None;
            }
        }
    }
    let mut x = b;
    for i in 0..SIZE {
        x[i] = (x[i] - (0..i).map(|k| a[i][k] * x[k]).sum::<f64>()) / a[i][i];
    }
    for i in (0..SIZE).rev() {
        x[i] = (x[i] - (i + 1..SIZE).map(|k| a[k][i] * x[k]).sum::<f64>()) / a[i][i];
    }
    x.iter().all(|v| v.is_finite()).then_some(x)
}
