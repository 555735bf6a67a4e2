//! F1: a rule found by regression over simulated schedules (Carastan-Santos and de Camargo, SC 2017).

use super::{JobFacts, QueuePolicy, ScoreChange, log_submit};

/// log10(requested) x size + 870 log10(submitted), lowest first: learned by regression
/// (Carastan-Santos and de Camargo, SC 2017), good for mean slowdown without starving.
#[derive(Debug, Clone, Copy, Default)]
pub struct F1;

impl QueuePolicy for F1 {
    fn name(&self) -> &'static str {
        "f1"
    }

    fn about(&self) -> &'static str {
        "log10(requested) x size + 870 log10(submitted), lowest first; learned by regression (SC 2017), good for mean slowdown without starving."
    }

    fn change(&self) -> ScoreChange {
        ScoreChange::Never
    }

    fn coefficients(&self, job: &JobFacts) -> [f64; 2] {
        [job.requested_seconds.max(0.1).log10() * job.size + 870.0 * log_submit(job), 0.0]
    }
}
