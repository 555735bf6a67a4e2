//! Dominant-resource fairness over owners (Ghodsi et al., NSDI 2011).

use super::{JobFacts, QueuePolicy, ScoreChange};

/// The job whose owner holds the smallest dominant share goes first (progressive filling); among one
/// owner's jobs, the earlier submission. Good where owners share a cluster and none may crowd out others.
#[derive(Debug, Clone, Copy, Default)]
pub struct DominantResourceFairness;

impl QueuePolicy for DominantResourceFairness {
    fn name(&self) -> &'static str {
        "drf"
    }

    fn about(&self) -> &'static str {
        "Smallest dominant share of its owner first (Ghodsi et al., NSDI 2011); for clusters shared by owners."
    }

    fn change(&self) -> ScoreChange {
        ScoreChange::WithState
    }

    fn coefficients(&self, job: &JobFacts) -> [f64; 2] {
        [job.owner_share, 0.0]
    }
}
