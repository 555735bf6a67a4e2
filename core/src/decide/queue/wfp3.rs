//! WFP3, the utility rule of a large batch site, in its right form and in the form as published.

use super::{JobFacts, QueuePolicy, ScoreChange};

/// -(w / q)^3 p, lowest first (Tang et al., CLUSTER 2009): favours what waited long for its length, and
/// large jobs. `as_published` takes the waiting time w as (-1 - submit), a slip of the RLScheduler study
/// (SC 2020) that its published columns carry; it is kept only to reproduce them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wfp3 {
    /// Whether to repeat the published slip in the waiting time.
    pub as_published: bool,
}

impl QueuePolicy for Wfp3 {
    fn name(&self) -> &'static str {
        if self.as_published { "wfp3-published" } else { "wfp3" }
    }

    fn about(&self) -> &'static str {
        if self.as_published {
            "WFP3 with the published slip (waiting time = -1 - submit); only for comparison with that study."
        } else {
            "-(wait / requested)^3 x size, lowest first (Tang et al., CLUSTER 2009); favours long waits and large jobs."
        }
    }

    fn change(&self) -> ScoreChange {
        if self.as_published { ScoreChange::Never } else { ScoreChange::WithWaiting }
    }

    fn coefficients(&self, job: &JobFacts) -> [f64; 2] {
        let c = [job.requested_seconds, job.size];
        if self.as_published { [cubed(c, -1.0 - job.submit_seconds), 0.0] } else { c }
    }

    fn score(&self, coefficients: [f64; 2], wait_seconds: f64) -> f64 {
        if self.as_published { coefficients[0] } else { cubed(coefficients, wait_seconds) }
    }
}

fn cubed([requested_seconds, size]: [f64; 2], wait_seconds: f64) -> f64 {
    let ratio = wait_seconds / requested_seconds;
    -(ratio * ratio * ratio) * size
}
