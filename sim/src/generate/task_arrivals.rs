//! Jobs of given classes that arrive by chance: evenly over time (Poisson) or with a daily cycle.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::chance::{exponential, normal};
use crate::jobs::{Job, Jobs};

const DAY_SECONDS: f64 = 86_400.0;

/// Longest generated run: a week, the limit that many sites set. Without one, a few jobs of a log-normal
/// tail would hold most of the work, and no generated trace of useful length would reach a steady state.
const RUN_SECONDS_MAX: f64 = 7.0 * DAY_SECONDS;

/// A class of jobs.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskClassSpec {
    /// Name, for the owner of its jobs.
    pub name: String,
    /// How often it comes, relative to the others; above zero.
    pub weight: f64,
    /// Units of each job; at least 1.
    pub size: u32,
    /// Median run time, in seconds.
    pub median_run_seconds: f64,
    /// Standard deviation of the run time's logarithm.
    pub log_run_deviation: f64,
}

/// When jobs come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Arrivals {
    /// Independently, at a constant rate.
    Poisson {
        /// Mean time between jobs, in seconds; above zero.
        mean_seconds_between: f64,
    },
    /// Independently, at a rate that swings over the day as 1 + `swing` sin: highest at a quarter of it.
    DailyCycle {
        /// Mean time between jobs over a whole day, in seconds; above zero.
        mean_seconds_between: f64,
        /// From 0 (constant) to 1 (nothing comes at the lowest point).
        swing: f64,
    },
}

/// Jobs of a GPU training cluster: sizes from 1 to 64 GPUs, most of them small and short. Shares and run
/// times follow what Jeon et al. (ATC 2019) report for Microsoft's cluster, in round numbers.
pub fn training_classes() -> Vec<TaskClassSpec> {
    [
        ("1-gpu", 70.0, 1, 900.0, 1.9),
        ("2-gpu", 8.0, 2, 1800.0, 1.8),
        ("4-gpu", 9.0, 4, 3600.0, 1.7),
        ("8-gpu", 10.0, 8, 5400.0, 1.6),
        ("16-gpu", 2.0, 16, 9000.0, 1.5),
        ("32-gpu", 0.7, 32, 10_800.0, 1.4),
        ("64-gpu", 0.3, 64, 14_400.0, 1.3),
    ]
    .map(|(name, weight, size, median_run_seconds, log_run_deviation)| TaskClassSpec {
        name: name.to_owned(),
        weight,
        size,
        median_run_seconds,
        log_run_deviation,
    })
    .into()
}

/// `count` jobs of these classes (at least one). Run times are log-normal up to a week; the requested time is the run
/// time; the owner is the class.
pub fn task_arrivals(classes: &[TaskClassSpec], arrivals: Arrivals, count: usize, seed: u64) -> Jobs {
    let mut chance = Pcg64Mcg::seed_from_u64(seed);
    let mut jobs = Jobs::with_capacity(count);
    jobs.owners = classes.iter().map(|c| c.name.clone()).collect();
    let total: f64 = classes.iter().map(|c| c.weight).sum();
    let mut now = 0.0;
    for id in 0..count as u64 {
        now = next_arrival(&mut chance, arrivals, now);
        let mut at = chance.random::<f64>() * total;
        let chosen = classes.iter().position(|c| {
            at -= c.weight;
            at < 0.0
        });
        let owner = chosen.unwrap_or(classes.len().saturating_sub(1));
        let Some(class) = classes.get(owner) else { break };
        let log = class.median_run_seconds.max(1.0).ln() + class.log_run_deviation * normal(&mut chance);
        let run_seconds = log.exp().clamp(1.0, RUN_SECONDS_MAX) as u32;
        jobs.push(Job {
            id: id + 1,
            submit_seconds: now as i64,
            run_seconds,
            requested_seconds: run_seconds,
            size: class.size.max(1),
            owner: owner as u32,
            priority: 0,
        });
    }
    jobs
}

/// The next arrival after `now`; with a cycle by thinning (Lewis and Shedler, 1979).
fn next_arrival(chance: &mut Pcg64Mcg, arrivals: Arrivals, now: f64) -> f64 {
    match arrivals {
        Arrivals::Poisson { mean_seconds_between } => now + exponential(chance, mean_seconds_between),
        Arrivals::DailyCycle { mean_seconds_between, swing } => {
            let swing = swing.clamp(0.0, 1.0);
            let mut at = now;
            loop {
                at += exponential(chance, mean_seconds_between / (1.0 + swing));
                let rate = 1.0 + swing * (at / DAY_SECONDS * std::f64::consts::TAU).sin();
                if chance.random::<f64>() * (1.0 + swing) < rate {
                    return at;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
