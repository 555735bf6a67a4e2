//! Queue policies: which waiting job goes next. One file each behind [`QueuePolicy`]; the registry that
//! names them is one level up.
//!
//! A policy turns a job's facts into at most two coefficients once, and coefficients plus a waiting time
//! into a score; the lowest score goes first, ties go to the earlier submission. It says how its score
//! changes ([`ScoreChange`]), so that an engine can keep a sorted order where nothing changes and rescore
//! only where it must. What it deliberately is not: it places nothing, starts nothing and keeps no state. Who starts now,
//! in that order, is [`pass`].

mod drf;
mod duration_history;
mod f1;
mod f2;
mod f3;
mod f4;
mod fcfs;
mod gittins;
mod las;
mod lxf;
pub mod pass;
mod priority_ageing;
mod run_times;
mod saf;
mod saf_oracle;
mod scored;
mod sgf;
mod sjf;
mod smallest;
mod spf_oracle;
mod sqaf;
mod srtf;
mod unicep;
mod wfp3;

pub use drf::DominantResourceFairness;
pub use duration_history::DurationHistory;
pub use f1::F1;
pub use f2::F2;
pub use f3::F3;
pub use f4::F4;
pub use fcfs::FirstComeFirstServed;
pub use gittins::Gittins;
pub use las::LeastAttainedService;
pub use lxf::LargestExpansionFactor;
pub use priority_ageing::PriorityAgeing;
pub use run_times::RunTimes;
pub use saf::SmallestAreaFirst;
pub use saf_oracle::SmallestAreaOracle;
pub use scored::{Moment, scores_at};
pub use sgf::SmallestGpuTimeFirst;
pub use sjf::ShortestJobFirst;
pub use smallest::SmallestFirst;
pub use spf_oracle::ShortestProcessingOracle;
pub use sqaf::SquareRootAreaFirst;
pub use srtf::ShortestRemainingTimeFirst;
pub use unicep::Unicep;
pub use wfp3::Wfp3;

/// What a queue policy may know of a job. Sizes are in units of the machine (processors, nodes or GPUs).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JobFacts {
    /// Its number; numbers rise with submission.
    pub unit: u32,
    /// When the job was submitted, in seconds of the trace's own clock.
    pub submit_seconds: f64,
    /// How long the job asks to run (the user's walltime), in seconds.
    pub requested_seconds: f64,
    /// Units it occupies while it runs.
    pub size: f64,
    /// Service it has had, in unit-seconds.
    pub attained_unit_seconds: f64,
    /// Service that it has had and must have again because it was stopped, in seconds.
    pub lost_seconds: f64,
    /// The submitter's priority; a higher one matters more.
    pub priority: f64,
    /// The largest share of any resource in service that its owner's running jobs hold (the dominant share).
    pub owner_share: f64,
    /// Whether it runs now and would have to be stopped.
    pub running: bool,
    /// Run time that it is expected to take for each chance to end, by its owner's past ([`DurationHistory`]), in
    /// seconds; the requested time where no past is kept.
    pub seconds_per_end: f64,
}

/// How a policy's score moves while a job waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScoreChange {
    /// Fixed at submission: the engine may sort once.
    Never,
    /// A function of the coefficients and the waiting time: the engine rescores at each choice.
    WithWaiting,
    /// Depends on what else runs or on service had: the engine takes new coefficients at each choice.
    WithState,
    /// A function of the coefficients, the waiting time and the [`MachineView`]: the engine rescores at each choice,
    /// and shows what the machine has free now and later.
    WithMachine,
}

/// How running jobs are stopped for waiting ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preemption {
    /// The fewest that make room for the one that waits, and nobody where that cannot be.
    MakingRoom,
    /// As published by Helios (Hu et al., SC 2021): all jobs in order fill a quota of units, whether or not they then fit
    /// the nodes; an end is seen a second late.
    ByQuota,
}

/// What a queue policy may know of the machine at the moment of a choice.
#[derive(Debug, Clone, Copy)]
pub struct MachineView<'a> {
    /// Now, in seconds of the trace's own clock.
    pub now_seconds: f64,
    /// Units in service, used or free.
    pub units: f64,
    /// Units in service that nothing uses.
    pub free_units: f64,
    /// Whether others may start while a chosen job that does not fit waits for its units.
    pub backfills: bool,
    /// The job that units are held for, while others are tried ahead of it.
    pub held: Option<Held>,
    /// Share of the time asked for that the jobs that ended lately have used; 1 while nothing is known.
    pub used_share: f64,
    /// Jobs that have come lately, in a second.
    pub arrivals_per_second: f64,
    /// What will be free later, by the requested times of what runs; ascending. Only filled for a policy of
    /// [`ScoreChange::WithMachine`].
    pub later: &'a [FreeLater],
}

/// A waiting job that units are held for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Held {
    /// Its position among the waiting jobs.
    pub position: usize,
    /// When it is to start, in seconds from now: only what ends before, by its request, may start ahead of it.
    pub in_seconds: f64,
}

/// Units that will be free from some time on, if nothing else starts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FreeLater {
    /// From when, in seconds from now; at least 0.
    pub in_seconds: f64,
    /// Units that are free then.
    pub free_units: f64,
}

/// The waiting jobs' columns that a rescoring reads; all of one length, in queue order.
#[derive(Debug, Clone, Copy)]
pub struct WaitingColumns<'a> {
    /// Submit times, in seconds.
    pub submit_seconds: &'a [f64],
    /// First coefficient of each job.
    pub first: &'a [f64],
    /// Second coefficient of each job.
    pub second: &'a [f64],
}

/// Orders the waiting jobs: the lowest score goes first.
pub trait QueuePolicy: Send + Sync + std::fmt::Debug {
    /// The name used on the command line and in results.
    fn name(&self) -> &'static str;

    /// One sentence: what it does, its source, when it is good.
    fn about(&self) -> &'static str;

    /// How the score moves while a job waits.
    fn change(&self) -> ScoreChange;

    /// How running jobs are stopped for waiting ones that score lower; `None` when none is.
    fn preemption(&self) -> Option<Preemption> {
        None
    }

    /// Whether running jobs may be stopped for waiting ones that score lower.
    fn preempts(&self) -> bool {
        self.preemption().is_some()
    }

    /// For a policy that preempts: after how many more seconds of running the job's score jumps, if it does.
    fn jumps_after_seconds(&self, _running: &JobFacts) -> Option<f64> {
        None
    }

    /// What of the job's facts the score needs. For a fixed score the first is the score itself.
    fn coefficients(&self, job: &JobFacts) -> [f64; 2];

    /// The score after a wait, from the job's coefficients.
    fn score(&self, coefficients: [f64; 2], _wait_seconds: f64) -> f64 {
        coefficients[0]
    }

    /// Scores all waiting jobs into `scores` (cleared first): one call per choice.
    fn score_all(&self, machine: &MachineView<'_>, waiting: WaitingColumns<'_>, scores: &mut Vec<f64>) {
        scores.clear();
        let columns = waiting.submit_seconds.iter().zip(waiting.first).zip(waiting.second);
        scores.extend(columns.map(|((submit, &a), &b)| self.score([a, b], machine.now_seconds - submit)));
    }
}

/// log10 of the submit time, counted from the trace's beginning, with 0 (and anything before) taken as
/// 0.1 s: the term that the rules F1 to F4 share.
fn log_submit(job: &JobFacts) -> f64 {
    if job.submit_seconds > 0.0 { job.submit_seconds.log10() } else { -1.0 }
}

#[cfg(test)]
mod tests;
