//! F3: a rule found by regression over simulated schedules (Carastan-Santos and de Camargo, SC 2017).

use super::{JobFacts, QueuePolicy, ScoreChange, log_submit};

/// requested x size + 6.86e6 log10(submitted), lowest first: learned by regression
/// (Carastan-Santos and de Camargo, SC 2017), good for mean slowdown without starving.
#[derive(Debug, Clone, Copy, Default)]
pub struct F3;

impl QueuePolicy for F3 {
    fn name(&self) -> &'static str {
        "f3"
    }

    fn about(&self) -> &'static str {
        "requested x size + 6.86e6 log10(submitted), lowest first; learned by regression (SC 2017), good for mean slowdown without starving."
    }

    fn change(&self) -> ScoreChange {
        ScoreChange::Never
    }

    fn coefficients(&self, job: &JobFacts) -> [f64; 2] {
        [job.requested_seconds * job.size + 6.86e6 * log_submit(job), 0.0]
    }
}
