//! How much the results of a study of jobs vary from seed to seed or from sequence to sequence, and what may be said of
//! one combination beside another because of it. The tests are those of every study ([`paired`]).

use serde::Serialize;

use super::sampled::{JobsSpread, SampledFigure};
use super::summary::{JobsRun, JobsSummary, utilization};
use crate::experiment::stats::{Paired, paired, spread};
use crate::jobs::NEVER;

/// Names of a combination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CombinationName {
    /// Queue policy.
    pub policy: String,
    /// Backfilling.
    pub backfill: &'static str,
    /// Placement.
    pub placement: String,
}

/// What may be said of the combination with the lowest mean bounded slowdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Finding {
    /// No combination finished a job.
    NoResult,
    /// There is nothing to compare with.
    OnlyOne,
    /// The study was stopped before every combination had all its runs.
    Stopped,
    /// Different jobs finished, so the means are not over the same.
    DifferentJobs,
    /// The two lowest are equal.
    Even,
    /// One sample: the lowest in this run, and no test of more.
    OneSample,
    /// The interval of the difference to the next one holds zero.
    NotShown,
    /// The interval is below zero: it is the best.
    Best,
}

/// The combination with the lowest mean bounded slowdown, and what may be said of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// What may be said.
    pub finding: Finding,
    /// The lowest, where means can be compared.
    pub lowest: Option<CombinationName>,
    /// The next one.
    pub next: Option<CombinationName>,
    /// Mean bounded slowdown of the lowest less that of the next one, sample by sample.
    pub difference: Option<Paired>,
}

impl JobsSummary {
    /// Its names.
    pub fn name(&self) -> CombinationName {
        let Self { policy, backfill, placement, .. } = self;
        CombinationName { policy: policy.clone(), backfill, placement: placement.clone() }
    }

    /// Whether the same jobs finished in the same runs.
    fn finished_the_same(&self, other: &Self) -> bool {
        let same_run = |(a, b): (&JobsRun, &JobsRun)| {
            let ended = |run: &JobsRun| run.outcome.end_seconds.iter().map(|&end| end != NEVER).collect();
            let (of_a, of_b): (Vec<bool>, Vec<bool>) = (ended(a), ended(b));
            (a.seed, a.start, &a.virtual_cluster) == (b.seed, b.start, &b.virtual_cluster) && of_a == of_b
        };
        self.runs == other.runs && self.per_sequence.iter().zip(&other.per_sequence).all(same_run)
    }

    /// One value for each sample; `None` where a sample has none.
    fn samples(&self, of_runs: impl Fn(&[&JobsRun]) -> Option<f64>) -> Option<Vec<f64>> {
        let by_sequence = self.per_sequence.iter().any(|r| r.start.is_some());
        // The runs of a seed follow each other: its virtual clusters, its sequences.
        let same = |a: &&JobsRun, b: &&JobsRun| !by_sequence && a.seed == b.seed;
        let runs: Vec<&JobsRun> = self.per_sequence.iter().collect();
        runs.chunk_by(same).map(of_runs).collect()
    }

    fn slowdowns(&self) -> Option<Vec<f64>> {
        self.samples(|runs| over_jobs(runs, |r| r.mean_bounded_slowdown))
    }
}

/// A mean over the jobs of several runs.
fn over_jobs(runs: &[&JobsRun], mean: impl Fn(&JobsRun) -> Option<f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0.0);
    for run in runs {
        let Some(mean) = mean(run) else { continue };
        sum += mean * run.finished as f64;
        count += run.finished as f64;
    }
    (count > 0.0).then(|| sum / count)
}

/// Differences sample by sample; `None` where they cannot be paired or all repeat one result.
fn difference(of: &[f64], to: &[f64]) -> Option<Paired> {
    let repeats = |values: &[f64]| values.iter().all(|v| *v == values[0]);
    if of.len() != to.len() || of.is_empty() || (repeats(of) && repeats(to)) {
        return None;
    }
    paired(&of.iter().zip(to).map(|(of, to)| of - to).collect::<Vec<f64>>())
}

/// The spread of one combination; `baseline` is another one whose same jobs finished.
fn spread_of(summary: &JobsSummary, baseline: Option<&JobsSummary>) -> Option<JobsSpread> {
    let figure = |of_runs: &dyn Fn(&[&JobsRun]) -> Option<f64>| -> Option<SampledFigure> {
        let values = summary.samples(of_runs).filter(|values| values.len() > 1)?;
        let paired = baseline.and_then(|b| difference(&values, &b.samples(of_runs)?));
        spread(&values).map(|s| SampledFigure { mean: s.mean, sd: s.sd, paired })
    };
    Some(JobsSpread {
        over: if summary.per_sequence.iter().any(|r| r.start.is_some()) { "sequences" } else { "seeds" },
        samples: summary.slowdowns()?.len(),
        mean_bounded_slowdown: figure(&|runs| over_jobs(runs, |r| r.mean_bounded_slowdown))?,
        mean_wait_seconds: figure(&|runs| over_jobs(runs, |r| r.mean_wait_seconds))?,
        mean_completion_seconds: figure(&|runs| over_jobs(runs, |r| r.mean_completion_seconds))?,
        utilization: figure(&|runs| utilization(runs.iter().copied()))?,
    })
}

/// Gives every combination its spread, with differences to the first combination of the policy `baseline`, whose names
/// are returned.
pub(super) fn spread_all(all: &mut [JobsSummary], baseline: Option<&str>) -> Option<CombinationName> {
    let at = baseline.and_then(|policy| all.iter().position(|s| s.policy == policy));
    let spreads: Vec<Option<JobsSpread>> = (all.iter().enumerate())
        .map(|(i, summary)| {
            let baseline = at.filter(|&at| at != i).map(|at| &all[at]);
            spread_of(summary, baseline.filter(|b| b.finished_the_same(summary)))
        })
        .collect();
    for (summary, spread) in all.iter_mut().zip(spreads) {
        summary.spread = spread;
    }
    at.map(|at| all[at].name())
}

/// What may be said of the lowest mean bounded slowdown.
pub(super) fn verdict(all: &[JobsSummary]) -> Verdict {
    let say = |finding| Verdict { finding, lowest: None, next: None, difference: None };
    if all.iter().all(|s| s.finished == 0) {
        return say(Finding::NoResult);
    }
    if all.len() < 2 {
        return say(Finding::OnlyOne);
    }
    if all.iter().any(|s| s.runs < s.runs_planned) {
        return say(Finding::Stopped);
    }
    if all.iter().any(|s| !s.finished_the_same(&all[0])) {
        return say(Finding::DifferentJobs);
    }
    let score = |s: &JobsSummary| s.mean_bounded_slowdown.unwrap_or(f64::INFINITY);
    let mut ranked: Vec<&JobsSummary> = all.iter().collect();
    ranked.sort_by(|a, b| score(a).total_cmp(&score(b)));
    let (lowest, next) = (ranked[0], ranked[1]);
    let samples = lowest.slowdowns().zip(next.slowdowns());
    let interval = samples.and_then(|(of, to)| difference(&of, &to));
    let finding = match interval {
        _ if score(lowest) == score(next) => Finding::Even,
        None => Finding::OneSample,
        Some(p) if p.high < 0.0 => Finding::Best,
        Some(_) => Finding::NotShown,
    };
    Verdict { finding, lowest: Some(lowest.name()), next: Some(next.name()), difference: interval }
}

#[cfg(test)]
mod tests;
