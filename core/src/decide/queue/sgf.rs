//! Least GPU-seconds first, with the true duration: an oracle for GPU clusters.

use super::{JobFacts, QueuePolicy, ScoreChange};

/// Least GPU-seconds (true duration x GPUs) first; an oracle that bounds what a predictor of GPU time can gain.
#[derive(Debug, Clone, Copy, Default)]
pub struct SmallestGpuTimeFirst;

impl QueuePolicy for SmallestGpuTimeFirst {
    fn name(&self) -> &'static str {
        "sgf"
    }

    fn about(&self) -> &'static str {
        "Least GPU-seconds (true duration x GPUs) first; an oracle that bounds what a predictor of GPU time can gain."
    }

    fn change(&self) -> ScoreChange {
        ScoreChange::Never
    }

    fn coefficients(&self, job: &JobFacts) -> [f64; 2] {
        [job.run_seconds * job.size, 0.0]
    }
}
