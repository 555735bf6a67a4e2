//! The machine reassignment problem (ROADEF/EURO challenge 2012, set A): each instance searched for a set time
//! from several seeds, beside published results.
//!
//! Run by `cargo xtask bench rebalancing [--seconds 60] [--seeds 5] [--threads 2] [--instances a1_1,a2_2]`;
//! needs LEPTON_DATA. The placements are checked here from scratch, without the search's counters.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its table")]

#[path = "common/wall_clock.rs"]
mod wall_clock;

use std::path::{Path, PathBuf};

use lepton_core::decide::rebalance::{
    Board, Budget, RebalanceOptions, RebalancePlan, RebalanceProblem, Surroundings, rebalance,
};
use lepton_sim::Clock;
use lepton_sim::readers::read_reassignment;
use wall_clock::WallClock;

/// Instance, mean cost of the challenge's winner after 300 s, best known (both published).
const PUBLISHED: [(&str, u64, u64); 10] = [
    ("a1_1", 44_306_501, 44_306_501),
    ("a1_2", 778_142_261, 777_531_842),
    ("a1_3", 583_006_320, 583_005_717),
    ("a1_4", 259_815_285, 245_421_266),
    ("a1_5", 727_578_311, 727_578_309),
    ("a2_1", 333, 167),
    ("a2_2", 740_140_535, 707_237_541),
    ("a2_3", 1_210_207_120, 1_182_260_491),
    ("a2_4", 1_680_629_156, 1_680_542_520),
    ("a2_5", 317_804_454, 309_714_522),
];

struct Arguments {
    seconds: f64,
    seeds: u64,
    threads: usize,
    instances: Option<Vec<String>>,
}

/// One search.
struct Found {
    cost: u64,
    moves: usize,
    blocked: usize,
    evaluations_per_second: f64,
}

fn main() {
    let arguments = arguments();
    let Some(data) = std::env::var_os("LEPTON_DATA") else {
        eprintln!("set LEPTON_DATA to the folder of the recorded data");
        std::process::exit(1);
    };
    let folder = PathBuf::from(data).join("machine-reassignment");
    println!(
        "{} s, {} threads, seeds 1 to {}; costs in full, the winner's mean is after 300 s\n",
        arguments.seconds, arguments.threads, arguments.seeds
    );
    println!(
        "| instance | median | best | worst | winner's mean (published) | best known (published) | moves | left out of the plan | million evaluations/s and thread |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for (name, winner, best_known) in PUBLISHED {
        if arguments.instances.as_ref().is_some_and(|chosen| !chosen.iter().any(|c| c == name)) {
            continue;
        }
        let problem = read(&folder, name);
        let mut runs: Vec<Found> =
            (1..=arguments.seeds).map(|seed| search(&problem, seed, &arguments)).collect();
        runs.sort_by_key(|run| run.cost);
        let median = &runs[(runs.len() - 1) / 2];
        let (best, worst) = (runs[0].cost, runs[runs.len() - 1].cost);
        let rate = runs.iter().map(|r| r.evaluations_per_second).sum::<f64>() / runs.len() as f64;
        println!(
            "| {name} | {} | {best} | {worst} | {winner} | {best_known} | {} | {} | {:.1} |",
            median.cost,
            median.moves,
            median.blocked,
            rate / arguments.threads as f64 / 1e6
        );
    }
}

fn read(folder: &Path, name: &str) -> RebalanceProblem {
    let file = |kind: &str| folder.join(format!("{kind}_{name}.txt.gz"));
    match read_reassignment(&file("model"), &file("assignment")) {
        Ok(problem) => problem,
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1);
        }
    }
}

fn search(problem: &RebalanceProblem, seed: u64, arguments: &Arguments) -> Found {
    let options = RebalanceOptions {
        seed,
        threads: arguments.threads,
        islands: arguments.threads,
        budget: Budget::Seconds(arguments.seconds),
        moves_max: None,
    };
    let clock = WallClock::start();
    let board = Board::new(problem.cost(problem.initial()).total());
    let seconds = || clock.now_nanos() as f64 / 1e9;
    let surroundings = Surroundings { seconds: &seconds, stopped: &|| false, board: &board };
    let placement = rebalance(problem, &options, &surroundings);
    let spent = seconds();
    assert_eq!(problem.first_violation(&placement), None, "the search keeps every rule");
    let plan = RebalancePlan::order(problem, &placement).expect("the placement keeps every rule");
    Found {
        cost: problem.cost(&placement).total(),
        moves: problem.moved_count(&placement),
        blocked: plan.blocked.len(),
        evaluations_per_second: board.evaluations() as f64 / spent,
    }
}

fn arguments() -> Arguments {
    let mut arguments = Arguments { seconds: 60.0, seeds: 5, threads: 2, instances: None };
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(option) = words.next() {
        let value = words.next().unwrap_or_default();
        let known = match option.as_str() {
            "--seconds" => value.parse().map(|v| arguments.seconds = v).is_ok(),
            "--seeds" => value.parse().map(|v: u64| arguments.seeds = v.max(1)).is_ok(),
            "--threads" => value.parse().map(|v: usize| arguments.threads = v.max(1)).is_ok(),
            "--instances" => {
                arguments.instances = Some(value.split(',').map(str::to_owned).collect());
                true
            }
            _ => false,
        };
        if !known {
            eprintln!("`{option} {value}` is not understood; see the head of this file's documentation");
            std::process::exit(2);
        }
    }
    arguments
}
