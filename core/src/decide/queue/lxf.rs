//! Largest expansion factor first.

use super::{JobFacts, QueuePolicy, ScoreChange};

/// Largest (wait + requested) / requested first: the job whose slowdown is worst now (Mu'alem and
/// Feitelson, TPDS 2001, among others). Fair in slowdown, middling in the mean.
#[derive(Debug, Clone, Copy, Default)]
pub struct LargestExpansionFactor;

impl QueuePolicy for LargestExpansionFactor {
    fn name(&self) -> &'static str {
        "lxf"
    }

    fn about(&self) -> &'static str {
        "Largest (wait + requested) / requested first; evens out slowdown, middling in its mean."
    }

    fn change(&self) -> ScoreChange {
        ScoreChange::WithWaiting
    }

    fn coefficients(&self, job: &JobFacts) -> [f64; 2] {
        [job.requested_seconds, 0.0]
    }

    fn score(&self, coefficients: [f64; 2], wait_seconds: f64) -> f64 {
        -(wait_seconds + coefficients[0]) / coefficients[0]
    }
}
