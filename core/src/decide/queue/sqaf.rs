//! Square-root area first: requested time times the square root of the size.

use super::{JobFacts, QueuePolicy, ScoreChange};

/// Smallest requested time x sqrt(size) first; between shortest-first and smallest-area-first.
#[derive(Debug, Clone, Copy, Default)]
pub struct SquareRootAreaFirst;

impl QueuePolicy for SquareRootAreaFirst {
    fn name(&self) -> &'static str {
        "sqaf"
    }

    fn about(&self) -> &'static str {
        "Smallest requested time x sqrt(size) first; between shortest-first and smallest-area-first."
    }

    fn change(&self) -> ScoreChange {
        ScoreChange::Never
    }

    fn coefficients(&self, job: &JobFacts) -> [f64; 2] {
        [job.requested_seconds * job.size.sqrt(), 0.0]
    }
}
