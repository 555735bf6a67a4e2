//! F2: a rule found by regression over simulated schedules (Carastan-Santos and de Camargo, SC 2017).

use super::{JobFacts, QueuePolicy, ScoreChange, log_submit};

/// sqrt(requested) x size + 25600 log10(submitted), lowest first: learned by regression
/// (Carastan-Santos and de Camargo, SC 2017), good for mean slowdown without starving.
#[derive(Debug, Clone, Copy, Default)]
pub struct F2;

impl QueuePolicy for F2 {
    fn name(&self) -> &'static str {
        "f2"
    }

    fn about(&self) -> &'static str {
        "sqrt(requested) x size + 25600 log10(submitted), lowest first; learned by regression (SC 2017), good for mean slowdown without starving."
    }

    fn change(&self) -> ScoreChange {
        ScoreChange::Never
    }

    fn coefficients(&self, job: &JobFacts) -> [f64; 2] {
        [job.requested_seconds.sqrt() * job.size + 25_600.0 * log_submit(job), 0.0]
    }
}
