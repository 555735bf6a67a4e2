//! The learned order of jobs beside the fixed rules: the ten sequences of the published protocol and fifty more of each
//! trace, with and without backfilling; and how long a decision takes.
//!
//! Run by `cargo xtask bench learn-jobs`; the traces need LEPTON_DATA. `--model FILE` takes other weights than the
//! shipped ones.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

#[path = "../../app/src/clock.rs"]
mod wall_clock;

use std::ops::Range;
use std::path::{Path, PathBuf};

use lepton_core::decide::policy::{JobsModel, LearnedOrder};
use lepton_core::decide::queue::{FreeLater, MachineView, QueuePolicy, WaitingColumns};
use lepton_core::decide::queue_policies::queue_policy;
use lepton_sim::Clock;
use lepton_sim::experiment::jobs::BATCH_RULES;
use lepton_sim::jobs::{Jobs, SequenceMetrics, SequenceSimulator};
use lepton_sim::readers::read_swf;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use wall_clock::WallClock;

const SEQUENCE_JOBS: usize = 1024;
/// Sequences beyond the protocol's.
const MORE: usize = 50;
const MORE_SEED: u64 = 50;

/// A trace with what the study says of it.
struct Trace {
    name: &'static str,
    nodes: u32,
    /// First jobs of the protocol's sequences.
    starts: [usize; 10],
    /// Where further sequences lie: nothing in here was ever learned from.
    held_out: &'static [Range<usize>],
    /// What the study's reinforcement learning reached, without and with backfilling.
    published: [Option<f64>; 2],
}

const LUBLIN_STARTS: [usize; 10] = [1981, 2756, 4299, 8850, 3316, 2714, 5228, 7762, 4022, 7085];
#[expect(clippy::single_range_in_vec_init, reason = "a trace that was never learned from is one part")]
const TRACES: [Trace; 3] = [
    Trace {
        name: "lublin-1",
        nodes: 256,
        starts: LUBLIN_STARTS,
        held_out: &[1981..6252, 7085..10_000],
        published: [Some(254.67), Some(58.64)],
    },
    Trace {
        name: "lublin-2",
        nodes: 256,
        starts: LUBLIN_STARTS,
        held_out: &[1981..6252, 7085..10_000],
        published: [Some(724.51), Some(118.79)],
    },
    Trace {
        name: "theta",
        nodes: 4392,
        starts: [10173, 19140, 8850, 11508, 2714, 13420, 12214, 7085, 10446, 2124],
        held_out: &[0..23_387],
        published: [None; 2],
    },
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| arguments.iter().position(|a| a == name).and_then(|i| arguments.get(i + 1));
    let model = value("--model").map_or_else(JobsModel::shipped, |file| {
        let bytes = std::fs::read(file).expect("the model can be read");
        JobsModel::from_bytes(&bytes).expect("the model is sound")
    });
    let policy = LearnedOrder::new(&model);
    match std::env::var_os("LEPTON_DATA").map(PathBuf::from) {
        Some(root) => sequences(&root.join("hpc-swf"), &policy),
        None => println!("LEPTON_DATA is not set: only decisions are measured\n"),
    }
    decisions(&policy);
}

fn sequences(folder: &Path, policy: &LearnedOrder) {
    for (title, protocol) in [("the ten sequences of the protocol", true), ("fifty more sequences", false)] {
        println!("Mean bounded slowdown over {title}.\n");
        println!(
            "| trace | backfill | best of 13 rules | published RL | lepton | lepton / best | worst sequence | its best rule |"
        );
        println!("|---|---|---|---|---|---|---|---|");
        let mut ratios = Vec::new();
        for backfill in [false, true] {
            for trace in &TRACES {
                let jobs = read_swf(&folder.join(format!("{}.swf.gz", trace.name))).expect("sound").jobs;
                let starts = if protocol { trace.starts.to_vec() } else { more_starts(trace) };
                let published = if protocol { trace.published[usize::from(backfill)] } else { None };
                ratios.push(row(trace, (&jobs, &starts), backfill, published, policy));
            }
        }
        let logs: f64 = ratios.iter().map(|r| r.ln()).sum();
        let worst = ratios.iter().copied().fold(0.0, f64::max);
        let mean = (logs / ratios.len() as f64).exp();
        println!("\nGeometric mean of the six ratios {mean:.3}, the highest {worst:.3}.\n");
    }
}

/// Prints one row of the table and returns the ratio of the learned policy to the best rule of the row.
fn row(
    trace: &Trace,
    (jobs, starts): (&Jobs, &[usize]),
    backfill: bool,
    published: Option<f64>,
    policy: &LearnedOrder,
) -> f64 {
    let mut simulator = SequenceSimulator::default();
    let mut slowdowns = |policy: &dyn QueuePolicy| -> Vec<f64> {
        let of = |&start: &usize| {
            let range = start..start + SEQUENCE_JOBS;
            let started = simulator.run(jobs, range.clone(), trace.nodes, policy, backfill);
            SequenceMetrics::of(jobs, range, started, trace.nodes)
                .expect("jobs started")
                .mean_bounded_slowdown
        };
        starts.iter().map(of).collect()
    };
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let rules: Vec<(&str, Vec<f64>)> = BATCH_RULES
        .iter()
        .map(|rule| (*rule, slowdowns(queue_policy(rule).expect("a known rule").as_ref())))
        .collect();
    let ours = slowdowns(policy);
    let best = rules.iter().min_by(|a, b| mean(&a.1).total_cmp(&mean(&b.1))).expect("there are rules");
    let worst = (0..ours.len()).max_by(|&a, &b| ours[a].total_cmp(&ours[b])).expect("there are sequences");
    let rule_there = rules.iter().map(|rule| rule.1[worst]).fold(f64::INFINITY, f64::min);
    let (best_mean, our_mean) = (mean(&best.1), mean(&ours));
    let published = published.map_or("-".to_owned(), |v| format!("{v:.2}"));
    println!(
        "| {} | {} | {best_mean:.2} ({}) | {published} | {our_mean:.2} | {:.3} | {:.2} | {rule_there:.2} |",
        trace.name,
        if backfill { "yes" } else { "no" },
        best.0,
        our_mean / best_mean,
        ours[worst],
    );
    our_mean / best_mean
}

/// Starts drawn evenly from where the trace was never learned from.
fn more_starts(trace: &Trace) -> Vec<usize> {
    let mut chance = Pcg64Mcg::seed_from_u64(MORE_SEED);
    let of = |part: &Range<usize>| part.start..=part.end - SEQUENCE_JOBS;
    let all: Vec<usize> = trace.held_out.iter().flat_map(of).collect();
    (0..MORE).map(|_| all[chance.random_range(0..all.len())]).collect()
}

/// How long one choice takes, by the number of waiting jobs.
fn decisions(policy: &LearnedOrder) {
    const CHOICES: u32 = 2_000;
    const PASSES: usize = 21;
    println!(
        "| waiting jobs | microseconds a decision, median of {PASSES} passes | fastest pass |\n|---|---|---|"
    );
    for waiting in [10, 64, 128, 1_000, 10_000] {
        let mut chance = Pcg64Mcg::seed_from_u64(waiting);
        let mut column = |most: f64| -> Vec<f64> {
            (0..waiting).map(|_| (chance.random::<f64>() * most.ln()).exp().floor()).collect()
        };
        let (requested, size) = (column(86_400.0), column(256.0));
        let submit: Vec<f64> = (0..waiting).map(|i| i as f64 * 7.0).collect();
        let later: Vec<FreeLater> = (1..60)
            .map(|i| FreeLater { in_seconds: f64::from(i) * 300.0, free_units: f64::from(20 + 4 * i) })
            .collect();
        let machine = MachineView {
            now_seconds: waiting as f64 * 7.0,
            units: 256.0,
            free_units: 20.0,
            backfills: true,
            held: None,
            used_share: 1.0,
            arrivals_per_second: 1.0 / 7.0,
            later: &later,
        };
        let columns = WaitingColumns { submit_seconds: &submit, first: &requested, second: &size };
        let mut scores = Vec::new();
        let mut passes: Vec<f64> = (0..PASSES)
            .map(|_| {
                let clock = WallClock::start();
                for _ in 0..CHOICES {
                    policy.score_all(&machine, columns, &mut scores);
                }
                clock.now_nanos() as f64 / f64::from(CHOICES) / 1e3
            })
            .collect();
        passes.sort_by(f64::total_cmp);
        println!("| {waiting} | {:.2} | {:.2} |", passes[PASSES / 2], passes[0]);
    }
}
