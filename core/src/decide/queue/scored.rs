//! Scores of jobs that wait at one moment, for those who keep no queue between moments: the running loop, and the shadows that
//! it compares orders in.

use super::pass::Lately;
use super::{FreeLater, JobFacts, MachineView, QueuePolicy, ScoreChange, WaitingColumns};

/// What a job that says nothing is taken to ask for, seconds: a day, so that it goes after those that say less.
const UNKNOWN_RUN_SECONDS: u64 = 86_400;

impl JobFacts {
    /// A job that waits and has never run.
    pub fn waiting(unit: u32, submit_seconds: u64, requested_seconds: Option<u64>, size: f64) -> Self {
        let requested_seconds = requested_seconds.unwrap_or(UNKNOWN_RUN_SECONDS) as f64;
        Self {
            unit,
            submit_seconds: submit_seconds as f64,
            requested_seconds,
            size,
            attained_unit_seconds: 0.0,
            lost_seconds: 0.0,
            priority: 0.0,
            owner_share: 0.0,
            running: false,
            seconds_per_end: requested_seconds,
        }
    }
}

/// How a machine stands when jobs are chosen.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Now, seconds.
    pub now_seconds: u64,
    /// Units in service.
    pub units: f64,
    /// Units that nothing uses.
    pub free_units: f64,
    /// How jobs have gone lately.
    pub lately: Lately,
}

/// Scores the jobs, which are in order of submission; those that do not fit let others pass. `ends` says when running jobs are
/// expected to end and what they then free, in any order; it is asked only for a policy that looks at the machine.
pub fn scores_at(
    policy: &dyn QueuePolicy,
    Moment { now_seconds, units, free_units, lately }: Moment,
    jobs: &[JobFacts],
    ends: impl Iterator<Item = (u64, f64)>,
) -> Vec<f64> {
    let shows_machine = policy.change() == ScoreChange::WithMachine;
    let mut ends: Vec<(u64, f64)> = if shows_machine { ends.collect() } else { Vec::new() };
    let mut free_then = free_units;
    ends.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let later = ends.into_iter().map(|(end_seconds, size)| {
        free_then += size;
        FreeLater { in_seconds: end_seconds.saturating_sub(now_seconds) as f64, free_units: free_then }
    });
    let later: Vec<FreeLater> = later.collect();
    let machine = MachineView {
        now_seconds: now_seconds as f64,
        units,
        free_units,
        backfills: true,
        held: None,
        used_share: lately.used_share,
        arrivals_per_second: lately.arrivals_per_second,
        later: &later,
    };
    let coefficients: Vec<[f64; 2]> = jobs.iter().map(|job| policy.coefficients(job)).collect();
    let column = |at: usize| coefficients.iter().map(|c| c[at]).collect::<Vec<f64>>();
    let submits: Vec<f64> = jobs.iter().map(|job| job.submit_seconds).collect();
    let (first, second) = (column(0), column(1));
    let waiting = WaitingColumns { submit_seconds: &submits, first: &first, second: &second };
    let mut scores = Vec::new();
    policy.score_all(&machine, waiting, &mut scores);
    scores
}
