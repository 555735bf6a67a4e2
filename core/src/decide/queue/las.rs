//! Two-queue least attained service, as in Tiresias (Gu et al., NSDI 2019).

use super::{JobFacts, Preemption, QueuePolicy, ScoreChange};

/// Submit times are below this many seconds (31 million years), so a queue's number outweighs them.
const QUEUE_WEIGHT: f64 = 1e15;

/// A job starts in the first queue and is demoted to the second once it has had `demotion_unit_seconds`
/// of service; each queue is in order of submission, the first goes before the second. Needs no durations:
/// good where short jobs matter and nothing is known of a job beforehand.
#[derive(Debug, Clone, Copy)]
pub struct LeastAttainedService {
    /// Service after which a job is demoted, in unit-seconds.
    pub demotion_unit_seconds: f64,
}

impl Default for LeastAttainedService {
    /// 16 GPU-hours, the value of the Tiresias baseline in the Pollux study (OSDI 2021).
    fn default() -> Self {
        Self { demotion_unit_seconds: 16.0 * 3600.0 }
    }
}

impl QueuePolicy for LeastAttainedService {
    fn name(&self) -> &'static str {
        "las"
    }

    fn about(&self) -> &'static str {
        "Two queues by service had (16 GPU-hours), preemptive (Tiresias, NSDI 2019); good when durations are unknown."
    }

    fn change(&self) -> ScoreChange {
        ScoreChange::WithState
    }

    fn preemption(&self) -> Option<Preemption> {
        Some(Preemption::MakingRoom)
    }

    fn jumps_after_seconds(&self, running: &JobFacts) -> Option<f64> {
        let left = self.demotion_unit_seconds - running.attained_unit_seconds;
        (left > 0.0).then(|| left / running.size)
    }

    fn coefficients(&self, job: &JobFacts) -> [f64; 2] {
        let demoted = job.attained_unit_seconds >= self.demotion_unit_seconds;
        [job.submit_seconds + if demoted { QUEUE_WEIGHT } else { 0.0 }, 0.0]
    }
}
