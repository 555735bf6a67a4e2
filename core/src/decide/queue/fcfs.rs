//! First come, first served: the plain queue, and the yardstick of every other policy.

use super::{JobFacts, QueuePolicy, ScoreChange};

/// Earliest submission first; fair and predictable, poor when one large job blocks many small ones.
#[derive(Debug, Clone, Copy, Default)]
pub struct FirstComeFirstServed;

impl QueuePolicy for FirstComeFirstServed {
    fn name(&self) -> &'static str {
        "fcfs"
    }

    fn about(&self) -> &'static str {
        "Earliest submission first; fair and predictable, poor when one large job blocks many small ones."
    }

    fn change(&self) -> ScoreChange {
        ScoreChange::Never
    }

    fn coefficients(&self, job: &JobFacts) -> [f64; 2] {
        [job.submit_seconds, 0.0]
    }
}
