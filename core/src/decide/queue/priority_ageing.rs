//! Priority with ageing: the submitter's priority, raised the longer a job waits.

use super::{JobFacts, QueuePolicy, ScoreChange};

/// Highest (priority + wait / `ageing_seconds`) first. One point of priority is worth `ageing_seconds` of
/// waiting, so no job starves behind a stream of more important ones.
#[derive(Debug, Clone, Copy)]
pub struct PriorityAgeing {
    /// Waiting time that equals one point of priority, in seconds; above zero.
    pub ageing_seconds: f64,
}

impl Default for PriorityAgeing {
    /// One point per hour.
    fn default() -> Self {
        Self { ageing_seconds: 3600.0 }
    }
}

impl QueuePolicy for PriorityAgeing {
    fn name(&self) -> &'static str {
        "priority-ageing"
    }

    fn about(&self) -> &'static str {
        "Highest priority first, one more point per hour of waiting; for sites with classes of service."
    }

    // All jobs age at one rate, so two jobs never change places: the order is fixed at submission.
    fn change(&self) -> ScoreChange {
        ScoreChange::Never
    }

    fn coefficients(&self, job: &JobFacts) -> [f64; 2] {
        [job.submit_seconds / self.ageing_seconds - job.priority, 0.0]
    }
}
