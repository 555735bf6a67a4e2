//! The order by what each owner's past says of durations: the Gittins index, preemptive.

use super::{DurationHistory, JobFacts, Preemption, QueuePolicy, ScoreChange};

/// A running job is stopped only for one that is expected to end ten times as fast: stopping costs a restart, and what
/// is expected is not exact.
const RUNNING_SHARE: f64 = 0.1;

/// Fewest expected seconds for each chance to end first, by the durations of the owner's jobs of that size that have
/// ended and the run time that the job has had. Knows no durations beforehand and learns them while it runs: good
/// where nothing is known of a job and its owner's jobs are alike.
#[derive(Debug, Clone, Copy, Default)]
pub struct Gittins;

impl QueuePolicy for Gittins {
    fn name(&self) -> &'static str {
        "gittins"
    }

    fn about(&self) -> &'static str {
        "Least expected time for each chance to end, learned from the owner's past; preemptive, needs no durations."
    }

    fn change(&self) -> ScoreChange {
        ScoreChange::WithState
    }

    fn preemption(&self) -> Option<Preemption> {
        Some(Preemption::MakingRoom)
    }

    fn jumps_after_seconds(&self, running: &JobFacts) -> Option<f64> {
        DurationHistory::changes_after_seconds(running.attained_unit_seconds / running.size)
    }

    fn coefficients(&self, job: &JobFacts) -> [f64; 2] {
        let share = if job.running { RUNNING_SHARE } else { 1.0 };
        [job.seconds_per_end * share, 0.0]
    }
}
