//! Shortest remaining time first, preemptive.

use super::{JobFacts, Preemption, QueuePolicy, RunTimes, ScoreChange};

/// Least remaining run time first, stopping running jobs for shorter ones; an oracle, since it knows the
/// duration. The bound for mean completion time when preemption is cheap.
#[derive(Debug, Clone, Default)]
pub struct ShortestRemainingTimeFirst {
    /// How long the jobs really run.
    pub truth: RunTimes,
    /// As Helios' simulator does it (Hu et al., SC 2021), to compare with its tables.
    pub as_published: bool,
}

impl QueuePolicy for ShortestRemainingTimeFirst {
    fn name(&self) -> &'static str {
        if self.as_published { "srtf-published" } else { "srtf" }
    }

    fn about(&self) -> &'static str {
        if self.as_published {
            "The same as Helios' simulator does it: by a quota of GPUs, ends seen a second late; only to compare with it."
        } else {
            "Least remaining time first, preemptive (an oracle); near the bound for mean completion when preemption is cheap."
        }
    }

    fn change(&self) -> ScoreChange {
        ScoreChange::WithState
    }

    fn preemption(&self) -> Option<Preemption> {
        Some(if self.as_published { Preemption::ByQuota } else { Preemption::MakingRoom })
    }

    fn coefficients(&self, job: &JobFacts) -> [f64; 2] {
        [self.truth.remaining_seconds(job), 0.0]
    }
}
