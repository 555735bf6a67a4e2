//! From runs to the figures of a study: means, spreads, pairs, and what they show.

use std::collections::BTreeMap;

use super::study_points::points;
use super::study_result::{CurveSummary, Finding, PointSummary, PolicySummary, RunRecord};
use super::{Curve, PlacementRun, StudyOptions, paired, spread};

pub(super) fn record(policy: &str, seed: u64, load: f64, mut run: PlacementRun) -> RunRecord {
    let at = |values: &[Option<f64>]| {
        points(load).into_iter().map(|p| (p.name, values.get(p.at).copied().flatten())).collect()
    };
    run.latency_nanos.sort_unstable();
    let quantile = |q: f64| {
        let last = run.latency_nanos.len().checked_sub(1)?;
        Some(f64::from(run.latency_nanos[(q * last as f64).round() as usize]) / 1e3)
    };
    RunRecord {
        policy: policy.to_owned(),
        seed,
        allocation_at: at(&run.curve.allocation_percent),
        fragmentation_at: at(&run.curve.fragmentation_percent),
        decisions: run.decisions,
        placed: run.placed,
        dropped: run.decisions - run.placed,
        seconds: run.seconds,
        latency_p50_us: quantile(0.5),
        latency_p99_us: quantile(0.99),
        curve: run.curve,
    }
}

pub(super) fn summarize(options: &StudyOptions, runs: &[RunRecord]) -> Vec<PolicySummary> {
    let of = |policy: &str| runs.iter().filter(|r| r.policy == policy).collect::<Vec<_>>();
    let base = options.baseline.as_deref().map_or_else(Vec::new, of);
    options.policies.iter().map(|policy| summary(policy, options, &of(policy), &base)).collect()
}

fn summary(policy: &str, options: &StudyOptions, own: &[&RunRecord], base: &[&RunRecord]) -> PolicySummary {
    let point = |value: &dyn Fn(&RunRecord) -> Option<f64>| {
        let values: Vec<f64> = own.iter().filter_map(|r| value(r)).collect();
        let differences = own.iter().filter_map(|r| {
            let twin = base.iter().find(|b| b.seed == r.seed && b.policy != r.policy)?;
            Some(value(r)? - value(twin)?)
        });
        let mean = spread(&values).map(|s| s.mean);
        let sd = spread(&values).filter(|_| values.len() > 1).map(|s| s.sd);
        PointSummary { runs: values.len(), mean, sd, paired: paired(&differences.collect::<Vec<_>>()) }
    };
    let at = |of: &dyn Fn(&RunRecord) -> &BTreeMap<String, Option<f64>>| {
        let points = points(options.load).into_iter();
        points.map(|p| (p.name.clone(), point(&|r| of(r).get(&p.name).copied().flatten()))).collect()
    };
    let mean = |value: &dyn Fn(&RunRecord) -> f64| {
        spread(&own.iter().map(|r| value(r)).collect::<Vec<_>>()).map(|s| s.mean)
    };
    let median = |value: &dyn Fn(&RunRecord) -> Option<f64>| {
        let mut values: Vec<f64> = own.iter().filter_map(|r| value(r)).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    PolicySummary {
        policy: policy.to_owned(),
        runs: own.len(),
        runs_asked: options.seeds.len(),
        allocation_at: at(&|r| &r.allocation_at),
        fragmentation_at: at(&|r| &r.fragmentation_at),
        allocation: curve(own, |c| &c.allocation_percent),
        fragmentation: curve(own, |c| &c.fragmentation_percent),
        decisions: mean(&|r| r.decisions as f64),
        placed: mean(&|r| r.placed as f64),
        seconds: mean(&|r| r.seconds),
        latency_p50_us: median(&|r| r.latency_p50_us),
        latency_p99_us: median(&|r| r.latency_p99_us),
    }
}

fn curve(own: &[&RunRecord], of: fn(&Curve) -> &Vec<Option<f64>>) -> CurveSummary {
    let mut summary = CurveSummary::default();
    for load in 0..own.first().map_or(0, |run| of(&run.curve).len()) {
        let values: Option<Vec<f64>> = own.iter().map(|run| of(&run.curve)[load]).collect();
        let values = values.unwrap_or_default();
        let some = spread(&values);
        summary.mean.push(some.map(|s| s.mean));
        summary.sd.push(some.filter(|_| values.len() > 1).map(|s| s.sd));
        summary.low.push(values.iter().copied().reduce(f64::min));
        summary.high.push(values.iter().copied().reduce(f64::max));
    }
    summary
}

/// Why no load has a result, in words; `None` where one has.
pub(super) fn without_result(devices: usize, runs: &[RunRecord]) -> Option<&'static str> {
    if runs.iter().any(|r| r.allocation_at.values().any(Option::is_some)) {
        return None;
    }
    Some(match (runs.is_empty(), devices) {
        (true, _) => "no run was done",
        (_, 0) => "the cluster has no devices, so there is no share of them",
        _ => "fewer devices were asked for than the load says",
    })
}

/// Who leads, over the seeds that all policies with a result have in common: figures of different seeds are not
/// compared.
pub(super) fn finding(options: &StudyOptions, runs: &[RunRecord]) -> Option<Finding> {
    let at = points(options.load).swap_remove(0).name;
    let value = |policy: &str, seed: u64| {
        let run = runs.iter().find(|r| r.policy == policy && r.seed == seed)?;
        run.allocation_at.get(&at).copied().flatten()
    };
    let present = options.policies.iter().filter(|p| options.seeds.iter().any(|&s| value(p, s).is_some()));
    let present: Vec<&String> = present.collect();
    let common = options.seeds.iter().copied().filter(|&s| present.iter().all(|p| value(p, s).is_some()));
    let common: Vec<u64> = common.collect();
    let of = |policy: &str| common.iter().filter_map(|&s| value(policy, s)).collect::<Vec<f64>>();
    let mut ranked: Vec<(&str, f64)> =
        present.iter().filter_map(|p| Some((p.as_str(), spread(&of(p))?.mean))).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    let (&(leader, leader_percent), others) = ranked.split_first()?;
    let against = |peer: &str| {
        paired(&of(leader).iter().zip(of(peer)).map(|(ours, theirs)| ours - theirs).collect::<Vec<_>>())
    };
    let shows = |peer: &str| against(peer).is_some_and(|p| p.low > 0.0);
    let baseline = others.iter().find(|(name, _)| Some(*name) == options.baseline.as_deref());
    let peer = baseline.or(others.first());
    Some(Finding {
        load_percent: at.clone(),
        seeds: common.len(),
        leader: leader.to_owned(),
        leader_percent,
        peer: peer.map(|(name, _)| (*name).to_owned()),
        peer_percent: peer.map(|&(_, percent)| percent),
        paired: peer.and_then(|(name, _)| against(name)),
        shown: peer.is_some_and(|(name, _)| shows(name)),
        best: !others.is_empty() && others.iter().all(|(name, _)| shows(name)),
    })
}
