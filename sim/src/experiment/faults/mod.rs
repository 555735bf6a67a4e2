//! What a fault world does to jobs: mean time to failure and effective training time beside their closed forms, lemons
//! found and taken out, and chances of failure beside what became of them.
//!
//! Closed forms (Kokolis et al., arXiv 2410.21680): `MTTF = 1 / (N r)`; `E[ETTR] = (1 - N r (u + D/2)) / (1 + w/D)` with
//! restart `u`, checkpoint write `w` and interval `D`; the best interval is the root of `2 w / (N r)`.

use lepton_core::analyze::risk::{
    FailurePrior, LemonRule, NodeSigns, PastFailures, RISK_HORIZONS_SECONDS, RiskModel,
};
use lepton_learn::{RiskCase, fit_risk_model};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde::Serialize;

use crate::generate::{FAULT_CAUSES, FaultEvent, FaultOptions, FaultPreset, FaultWorld};

const HOUR_SECONDS: f64 = 3600.0;
const DAY_SECONDS: i64 = 86_400;
/// Mean time until a failed node is back: 90% within hours, 10% within days (an assumption without a source).
const MEAN_REPAIR_HOURS: f64 = 6.6;
/// Nodes and hours of the jobs that lemons are judged by (14% of such jobs fail at r = 6.5).
pub const LEMON_JOB_NODES: usize = 64;
const LEMON_JOB_SECONDS: i64 = 31_320;
/// Worlds that weights are learned from, and as many for the calibration.
const WORLDS_LEARNED: u64 = 4;
/// Time between two looks at the risk of a node.
const LOOK_SECONDS: i64 = 21_600;

/// Simulated times to failure beside the formula.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MttfResult {
    /// Nodes of the job.
    pub nodes: u32,
    /// Failures simulated.
    pub failures: usize,
    /// Mean time between them, hours.
    pub mean_hours: f64,
    /// Standard error of that.
    pub standard_error_hours: f64,
    /// By the formula.
    pub expected_hours: f64,
}

/// Settings of one long job.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LongJob {
    /// Its nodes.
    pub nodes: u32,
    /// Failures of a node in 1000 days.
    pub per_1000_node_days: f64,
    /// How long it takes to write a checkpoint, minutes.
    pub write_minutes: f64,
    /// Work between checkpoints, minutes; the best one where it is none.
    pub interval_minutes: Option<f64>,
    /// From a failure to work again, minutes.
    pub restart_minutes: f64,
}

/// The four jobs of the published figures.
pub const LONG_JOBS: [LongJob; 4] = [
    long_job(256, 6.5, 5.0, Some(60.0)),
    long_job(1536, 6.5, 5.0, None),
    long_job(1536, 6.5, 1.0 / 6.0, None),
    long_job(1536, 1.0, 5.0, None),
];

const fn long_job(
    nodes: u32,
    per_1000_node_days: f64,
    write_minutes: f64,
    interval_minutes: Option<f64>,
) -> LongJob {
    LongJob { nodes, per_1000_node_days, write_minutes, interval_minutes, restart_minutes: 5.0 }
}

/// Simulated effective training time beside the formula.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EttrResult {
    /// The job.
    pub job: LongJob,
    /// Its interval, minutes.
    pub interval_minutes: f64,
    /// Work that was kept over the time that passed, 0 to 1.
    pub ettr: f64,
    /// By the formula.
    pub expected: f64,
}

/// Lemons found by their past, and what it brings to leave them out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LemonResult {
    /// Seed of the world.
    pub seed: u64,
    /// Lemons there are.
    pub lemons: usize,
    /// Nodes that were flagged.
    pub flagged: usize,
    /// Of those, lemons.
    pub flagged_lemons: usize,
    /// Share of jobs on 64 nodes that fail when nothing is left out, 0 to 1.
    pub jobs_failed: f64,
    /// The same without the flagged nodes.
    pub jobs_failed_without: f64,
    /// Jobs that were run for each.
    pub jobs: usize,
}

/// Cases that were given about the same chance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// Cases, each a node at a moment.
    pub cases: usize,
    /// Mean chance that they were given.
    pub given: f64,
    /// Share that failed.
    pub failed: f64,
}

/// How often a fault world's failures have each cause.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CauseShare {
    /// The cause.
    pub cause: &'static str,
    /// Failures.
    pub failures: usize,
    /// Expected of as many failures.
    pub expected: f64,
}

/// Times between failures of a job that always has all its nodes.
pub fn simulate_mttf(preset: FaultPreset, nodes: u32, failures: usize, seed: u64) -> MttfResult {
    let options = FaultOptions { nodes, mean_repair_hours: 0.0, signs: false, seed };
    let mut world = FaultWorld::new(preset, options);
    let (mut last, mut hours) = (0, Vec::with_capacity(failures));
    while hours.len() < failures {
        let Some((now, _, event)) = world.advance() else { break };
        if matches!(event, FaultEvent::Fail { .. }) {
            hours.push((now - last) as f64 / HOUR_SECONDS);
            last = now;
        }
    }
    let count = hours.len().max(1) as f64;
    let mean_hours = hours.iter().sum::<f64>() / count;
    let squares: f64 = hours.iter().map(|h| (h - mean_hours).powi(2)).sum();
    let standard_error_hours = (squares / (count - 1.0).max(1.0) / count).sqrt();
    let expected_hours = preset.mttf_hours(nodes);
    MttfResult { nodes, failures: hours.len(), mean_hours, standard_error_hours, expected_hours }
}

/// One job that runs for so many days, writes checkpoints, fails and starts again.
pub fn simulate_ettr(job: LongJob, days: u32, seed: u64) -> EttrResult {
    let preset = FaultPreset::even("", "", job.per_1000_node_days);
    let failures_per_minute = f64::from(job.nodes) * preset.mean_per_day() / 1440.0;
    let best = (2.0 * job.write_minutes / failures_per_minute).sqrt();
    let interval = job.interval_minutes.unwrap_or(best);
    let options = FaultOptions { nodes: job.nodes, mean_repair_hours: 0.0, signs: false, seed };
    let mut world = FaultWorld::new(preset, options);
    let end = f64::from(days) * 1440.0;
    let (mut begin, mut kept) = (0.0, 0.0);
    // From restart to restart: only whole rounds of work and write are kept.
    while begin < end {
        let failed = loop {
            match world.advance() {
                Some((now, _, FaultEvent::Fail { .. })) => break now as f64 / 60.0,
                Some(_) => {}
                None => break end,
            }
        };
        let rounds = ((failed.min(end) - begin).max(0.0) / (interval + job.write_minutes)).floor();
        kept += rounds * interval;
        begin = begin.max(failed + job.restart_minutes);
    }
    let lost = failures_per_minute * (job.restart_minutes + interval / 2.0);
    let expected = (1.0 - lost) / (1.0 + job.write_minutes / interval);
    EttrResult { job, interval_minutes: interval, ettr: kept / end, expected }
}

/// Watches so many days, flags lemons by their past failures, and runs jobs for as many days more.
pub fn simulate_lemons(preset: FaultPreset, nodes: u32, days: u32, seed: u64) -> LemonResult {
    let options = FaultOptions { nodes, mean_repair_hours: MEAN_REPAIR_HOURS, signs: false, seed };
    let mut world = FaultWorld::new(preset, options);
    let prior = FailurePrior::default();
    let (watched, end) = (i64::from(days) * DAY_SECONDS, 2 * i64::from(days) * DAY_SECONDS);
    let mut past = vec![PastFailures::default(); nodes as usize];
    past.iter_mut().for_each(|p| p.observe(0, &prior));
    let mut later: Vec<Vec<i64>> = vec![Vec::new(); nodes as usize];
    while let Some((now, node, event)) = world.advance() {
        if now >= end {
            break;
        }
        match event {
            FaultEvent::Fail { .. } if now < watched => past[node as usize].fail(now, &prior),
            FaultEvent::Repaired if now < watched => past[node as usize].skip(now),
            FaultEvent::Fail { .. } => later[node as usize].push(now),
            _ => {}
        }
    }
    past.iter_mut().for_each(|p| p.observe(watched, &prior));
    let usual = usual_per_day(&past, days);
    let rule = LemonRule::default();
    let flagged: Vec<bool> = past.iter().map(|p| p.is_lemon(usual, &prior, &rule)).collect();
    let is_lemon = |n: usize| world.is_lemon(n as u32);
    let all: Vec<usize> = (0..nodes as usize).collect();
    let left: Vec<usize> = all.iter().copied().filter(|&n| !flagged[n]).collect();
    let window = (watched, end);
    let (failed, jobs) = jobs_failed(&all, &later, window, seed);
    let (failed_without, jobs_without) = jobs_failed(&left, &later, window, seed);
    LemonResult {
        seed,
        lemons: all.iter().filter(|&&n| is_lemon(n)).count(),
        flagged: flagged.iter().filter(|&&f| f).count(),
        flagged_lemons: all.iter().filter(|&&n| flagged[n] && is_lemon(n)).count(),
        jobs_failed: failed as f64 / jobs.max(1) as f64,
        jobs_failed_without: failed_without as f64 / jobs_without.max(1) as f64,
        jobs,
    }
}

/// Failures a day of a usual node: the mean over nodes without the worst 5%, which may be lemons.
fn usual_per_day(past: &[PastFailures], days: u32) -> f64 {
    let mut failures: Vec<u32> = past.iter().map(PastFailures::failures).collect();
    failures.sort_unstable();
    failures.truncate((failures.len() * 95).div_ceil(100));
    let sum: u32 = failures.iter().sum();
    // Half a failure more, so that a quiet cluster has no rate of zero.
    (f64::from(sum) + 0.5) / (failures.len().max(1) as f64 * f64::from(days.max(1)))
}

/// Jobs one after the other on 64 nodes each, drawn anew every time: how many see a failure, and how many there are.
fn jobs_failed(nodes: &[usize], failures: &[Vec<i64>], (from, to): (i64, i64), seed: u64) -> (usize, usize) {
    let mut chance = Pcg64Mcg::seed_from_u64(seed ^ 0x6a6f_6273);
    let mut order = nodes.to_vec();
    let (mut failed, mut jobs, mut begin) = (0, 0, from);
    while begin + LEMON_JOB_SECONDS <= to {
        for at in (1..order.len()).rev() {
            order.swap(at, chance.random_range(0..=at));
        }
        let hit = |&n: &usize| {
            let first = failures[n].partition_point(|&t| t < begin);
            failures[n].get(first).is_some_and(|&t| t < begin + LEMON_JOB_SECONDS)
        };
        for members in order.chunks_exact(LEMON_JOB_NODES) {
            jobs += 1;
            failed += usize::from(members.iter().any(hit));
        }
        begin += LEMON_JOB_SECONDS;
    }
    (failed, jobs)
}

/// Failures of so many nodes over so many days by cause.
pub fn simulate_causes(preset: FaultPreset, nodes: u32, days: u32, seed: u64) -> Vec<CauseShare> {
    let options = FaultOptions { nodes, mean_repair_hours: MEAN_REPAIR_HOURS, signs: false, seed };
    let mut world = FaultWorld::new(preset, options);
    let mut failures = [0; FAULT_CAUSES.len()];
    while let Some((now, _, event)) = world.advance() {
        if now >= i64::from(days) * DAY_SECONDS {
            break;
        }
        if let FaultEvent::Fail { cause } = event {
            failures[cause] += 1;
        }
    }
    let (all, stops) = (failures.iter().sum::<usize>(), FAULT_CAUSES.iter().map(|c| c.stops).sum::<u32>());
    let share = |c: usize| f64::from(FAULT_CAUSES[c].stops) / f64::from(stops);
    let row = |c: usize| CauseShare {
        cause: FAULT_CAUSES[c].name,
        failures: failures[c],
        expected: share(c) * all as f64,
    };
    (0..FAULT_CAUSES.len()).map(row).collect()
}

/// Nodes at moments with their signals and what came after, from a world with signs.
pub fn risk_cases(
    preset: FaultPreset,
    nodes: u32,
    days: u32,
    seed: u64,
    prior: &FailurePrior,
) -> Vec<RiskCase> {
    let options = FaultOptions { nodes, mean_repair_hours: MEAN_REPAIR_HOURS, signs: true, seed };
    let mut world = FaultWorld::new(preset, options);
    let mut signs = vec![NodeSigns::default(); nodes as usize];
    signs.iter_mut().for_each(|s| s.observe(0, prior));
    let mut away = vec![false; nodes as usize];
    let mut failures: Vec<Vec<i64>> = vec![Vec::new(); nodes as usize];
    let longest = i64::from(*RISK_HORIZONS_SECONDS.last().expect("there are horizons"));
    let end = i64::from(days) * DAY_SECONDS;
    let mut looks: Vec<(i64, usize, RiskCase)> = Vec::new();
    let mut look_at = LOOK_SECONDS;
    while let Some((now, node, event)) = world.advance() {
        while look_at <= now.min(end) {
            for n in (0..nodes as usize).filter(|&n| !away[n]) {
                let signals = signs[n].signals(look_at, prior);
                looks.push((look_at, n, RiskCase { signals, failed: [false; 3] }));
            }
            look_at += LOOK_SECONDS;
        }
        if now > end + longest {
            break;
        }
        let n = node as usize;
        match event {
            FaultEvent::Fail { .. } => {
                signs[n].fail(now, prior);
                failures[n].push(now);
                away[n] = true;
            }
            FaultEvent::Repaired => {
                signs[n].repaired(now);
                away[n] = false;
            }
            FaultEvent::Sign { sign, .. } if !away[n] => signs[n].sign(now, sign, prior),
            FaultEvent::Sign { .. } => {}
        }
    }
    for (at, node, case) in &mut looks {
        let next = failures[*node].partition_point(|t| *t <= *at);
        if let Some(&fails) = failures[*node].get(next) {
            case.failed = RISK_HORIZONS_SECONDS.map(|h| fails <= *at + i64::from(h));
        }
    }
    looks.into_iter().map(|(.., case)| case).collect()
}

/// Learns what signs are worth in worlds of one preset, on seeds of their own.
pub fn learn_risk(preset: FaultPreset, nodes: u32, days: u32, seed: u64) -> RiskModel {
    let prior = FailurePrior { failures_per_day: preset.mean_per_day(), ..FailurePrior::default() };
    let world = |k| risk_cases(preset, nodes, days, seed.wrapping_add(k), &prior);
    let worlds = |from: u64| (from..from + WORLDS_LEARNED).flat_map(world).collect::<Vec<_>>();
    fit_risk_model(prior, &worlds(1_000_000), &worlds(2_000_000))
}

/// Puts cases with similar chances of a horizon (by number) together: up to 0.5%, 1%, 2%, 5%, 10%, 20%, 50% and above.
pub fn reliability(model: &RiskModel, cases: &[RiskCase], horizon: usize) -> Vec<ReliabilityBin> {
    const BORDERS: [f64; 7] = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];
    let mut sums = [(0_usize, 0.0, 0_usize); BORDERS.len() + 1];
    for case in cases {
        let chance = model.horizons[horizon].chance(&case.signals);
        let sum = &mut sums[BORDERS.partition_point(|&b| b < chance)];
        sum.0 += 1;
        sum.1 += chance;
        sum.2 += usize::from(case.failed[horizon]);
    }
    let bin = |&(cases, given, failed): &(usize, f64, usize)| {
        let count = cases as f64;
        ReliabilityBin { cases, given: given / count, failed: failed as f64 / count }
    };
    sums.iter().filter(|s| s.0 > 0).map(bin).collect()
}

#[cfg(test)]
mod tests;
