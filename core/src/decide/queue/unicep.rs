//! UNICEP, the second utility rule of the batch-scheduling studies, in its right form and as published.

use super::{JobFacts, QueuePolicy, ScoreChange};

/// Added to wait and size, as in the published form, so that neither is exactly zero.
const TINY: f64 = 1e-15;

/// -w / (log2(p) q), lowest first (Tang et al., CLUSTER 2009): favours long waits and small, short jobs.
/// `as_published` takes the waiting time w as (-1 - submit), a slip of the RLScheduler study (SC 2020)
/// that its published columns carry; it is kept only to reproduce them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unicep {
    /// Whether to repeat the published slip in the waiting time.
    pub as_published: bool,
}

impl QueuePolicy for Unicep {
    fn name(&self) -> &'static str {
        if self.as_published { "unicep-published" } else { "unicep" }
    }

    fn about(&self) -> &'static str {
        if self.as_published {
            "UNICEP with the published slip (waiting time = -1 - submit); only for comparison with that study."
        } else {
            "-wait / (log2(size) x requested), lowest first (Tang et al., CLUSTER 2009); favours long waits and small jobs."
        }
    }

    fn change(&self) -> ScoreChange {
        if self.as_published { ScoreChange::Never } else { ScoreChange::WithWaiting }
    }

    fn coefficients(&self, job: &JobFacts) -> [f64; 2] {
        let log_size = (job.size + TINY).log2();
        if self.as_published {
            let wait = -1.0 - job.submit_seconds;
            [-(wait + TINY) / (log_size * job.requested_seconds), 0.0]
        } else {
            [log_size.max(TINY) * job.requested_seconds, 0.0]
        }
    }

    fn score(&self, coefficients: [f64; 2], wait_seconds: f64) -> f64 {
        if self.as_published { coefficients[0] } else { -(wait_seconds + TINY) / coefficients[0] }
    }
}
