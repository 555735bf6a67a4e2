//! The figures of a run, and the tables of them.

use std::time::Instant;

use crate::Gang;
use crate::crowd::Bound;
use crate::figures::quantile;
use crate::schedulers::{Used, Who};

/// What came of a run.
pub(crate) struct Run {
    who: Who,
    pods: usize,
    bound: usize,
    /// Bound per second from the first binding to the last, and from the start of the scheduler.
    rate: f64,
    rate_of_all: f64,
    used: Option<Used>,
}

impl Run {
    pub(crate) fn new(who: Who, pods: usize, bound: &[Bound], begun: Instant, used: Option<Used>) -> Self {
        let (rate, rate_of_all) = match bound {
            [first, .., last] => (
                (bound.len() - 1) as f64 / (last.at - first.at).as_secs_f64(),
                bound.len() as f64 / (last.at - begun).as_secs_f64(),
            ),
            _ => (0.0, 0.0),
        };
        Self { who, pods, bound: bound.len(), rate, rate_of_all, used }
    }
}

/// Median, lowest and highest.
fn spread(mut values: Vec<f64>, digits: usize) -> String {
    values.sort_by(f64::total_cmp);
    match values[..] {
        [] => "-".to_owned(),
        _ => {
            let (low, high) = (values[0], values[values.len() - 1]);
            format!("{:.digits$} ({low:.digits$}-{high:.digits$})", values[values.len() / 2])
        }
    }
}

/// A row for each who binds, and their shares of each other round by round.
pub(crate) fn print_runs(runs: &[Run]) {
    println!(
        "| | bound | bound/s from the first binding | bound/s from the start | CPU per pod, ms | peak memory, MB |"
    );
    println!("|---|---|---|---|---|---|");
    let of = |who: Who| runs.iter().filter(move |run| run.who == who).collect::<Vec<_>>();
    for who in [Who::Blind, Who::Lepton, Who::Stock] {
        let own = of(who);
        if own.is_empty() {
            continue;
        }
        let of_used = |value: fn(&Run, &Used) -> f64| {
            own.iter().filter_map(|run| Some(value(run, run.used.as_ref()?))).collect::<Vec<_>>()
        };
        let bound: usize = own.iter().map(|run| run.bound).sum();
        let pods: usize = own.iter().map(|run| run.pods).sum();
        println!(
            "| {} | {bound} of {pods} | {} | {} | {} | {} |",
            who.name(),
            spread(own.iter().map(|run| run.rate).collect(), 0),
            spread(own.iter().map(|run| run.rate_of_all).collect(), 0),
            spread(of_used(|run, used| 1000.0 * used.cpu_seconds / run.pods as f64), 2),
            spread(of_used(|_, used| used.peak_mb), 0),
        );
    }
    let share = |one: Who, of_other: Who, rate: fn(&Run) -> f64| {
        let pairs = of(one).into_iter().zip(of(of_other));
        spread(pairs.map(|(one, other)| rate(one) / rate(other)).collect(), 2)
    };
    println!();
    for (one, other) in [(Who::Lepton, Who::Blind), (Who::Stock, Who::Blind), (Who::Lepton, Who::Stock)] {
        if !of(one).is_empty() && !of(other).is_empty() {
            println!(
                "{} over {}: {} from the first binding, {} from the start",
                one.name(),
                other.name(),
                share(one, other, |run| run.rate),
                share(one, other, |run| run.rate_of_all),
            );
        }
    }
}

/// The gangs, round by round.
pub(crate) fn print_gangs(gangs: &[Gang]) {
    println!(
        "| created, s | submission to last binding, s | bound | nodes used | cannot fit: told after its last pod, s |"
    );
    println!("|---|---|---|---|---|");
    for gang in gangs {
        println!(
            "| {:.2} | {:.2} | {} | {} | {:.3} |",
            gang.created_seconds, gang.bound_seconds, gang.bound, gang.nodes_used, gang.told_seconds
        );
    }
}

/// How long pods that came one by one waited for their binding.
pub(crate) fn print_singles(singles: &[(Who, Vec<f64>)]) {
    println!("| | bound | median, ms | 99 in 100, ms |");
    println!("|---|---|---|---|");
    for who in [Who::Lepton, Who::Stock] {
        let rounds: Vec<&Vec<f64>> = singles.iter().filter(|of| of.0 == who).map(|of| &of.1).collect();
        let spread_of = |percent| spread(rounds.iter().map(|of| 1000.0 * quantile(of, percent)).collect(), 1);
        let bound: usize = rounds.iter().map(|of| of.len()).sum();
        println!("| {} | {bound} | {} | {} |", who.name(), spread_of(50), spread_of(99));
    }
}
