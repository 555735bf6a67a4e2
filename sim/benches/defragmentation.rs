//! Defragmentation of the openb clusters: filled to 100% by several policies, then planned for with at most 5% of the
//! placed tasks moved: how many of the dropped tasks fit afterwards.
//!
//! Run by `cargo xtask bench defragmentation [--seconds 8 | --rounds N] [--seeds 5] [--threads 2]
//! [--traces default,gpushare100,..] [--policies random,best-fit,fgd] [--moves-percent 5]`; needs LEPTON_DATA. With rounds
//! instead of seconds the result does not depend on the machine. Every plan is replayed step by step, with all invariants
//! checked after every step.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its table")]

#[path = "../tests/common/published.rs"]
#[expect(dead_code, reason = "only the traces are read here")]
mod published;
#[path = "../../app/src/clock.rs"]
mod wall_clock;

use lepton_core::decide::defragment::{
    DefragmentOptions, DefragmentProblem, DefragmentSurroundings, Effort, Objective, WaveLimits, defragment,
};
use lepton_core::decide::search::Method;
use lepton_core::model::{Cluster, Moving, invariants, replay};
use lepton_sim::Clock;
use lepton_sim::experiment::{StudyOptions, fill_cluster, spread};
use lepton_sim::workload::PlacementWorkload;
use wall_clock::WallClock;

struct Arguments {
    effort: Effort,
    seeds: u64,
    threads: usize,
    moves_percent: f64,
    traces: Vec<String>,
    policies: Vec<String>,
}

/// First of the seeds of the published sequences.
const FIRST_SEED: u64 = 42;

/// One cluster, before and after.
struct Row {
    dropped: f64,
    dropped_devices: f64,
    placed: f64,
    placed_devices: f64,
    before: f64,
    after: f64,
    moves: f64,
    moves_percent: f64,
    seconds: f64,
}

fn main() {
    let arguments = arguments();
    let Some(folder) = published::folder() else { std::process::exit(1) };
    let effort = match arguments.effort {
        Effort::Seconds(seconds) => format!("{seconds} s"),
        Effort::Rounds(rounds) => format!("{rounds} rounds"),
    };
    println!(
        "At most {}% of the placed tasks moved, {effort} and {} threads a plan, seeds {FIRST_SEED} to {}; mean ±standard \
         deviation\n",
        arguments.moves_percent,
        arguments.threads,
        FIRST_SEED + arguments.seeds - 1
    );
    println!(
        "| trace | policy | dropped | devices dropped | placed by the plan | devices placed | allocated before, % | \
         after, % | moves | moves, % of the placed | seconds |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for trace in &arguments.traces {
        let workload = published::load(&folder, trace);
        for policy in &arguments.policies {
            let seeds = FIRST_SEED..FIRST_SEED + arguments.seeds;
            let rows: Vec<Row> = seeds.map(|seed| plan(&workload, policy, seed, &arguments)).collect();
            let mean = |value: fn(&Row) -> f64, digits: usize| {
                let values: Vec<f64> = rows.iter().map(value).collect();
                spread(&values)
                    .map_or_else(String::new, |s| format!("{:.digits$} ±{:.digits$}", s.mean, s.sd))
            };
            println!(
                "| {trace} | {policy} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                mean(|r| r.dropped, 0),
                mean(|r| r.dropped_devices, 1),
                mean(|r| r.placed, 0),
                mean(|r| r.placed_devices, 1),
                mean(|r| r.before, 2),
                mean(|r| r.after, 2),
                mean(|r| r.moves, 0),
                mean(|r| r.moves_percent, 1),
                mean(|r| r.seconds, 1),
            );
        }
    }
}

fn plan(workload: &PlacementWorkload, policy: &str, seed: u64, arguments: &Arguments) -> Row {
    let filled = match fill_cluster(workload, &StudyOptions::default(), policy, seed, 100.0) {
        Ok(filled) => filled,
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(2);
        }
    };
    let moves_max = (arguments.moves_percent / 100.0 * filled.placed as f64) as usize;
    let clock = WallClock::start();
    let seconds = || clock.now_nanos() as f64 / 1e9;
    let problem = DefragmentProblem::new(&filled.cluster, &workload.target, Objective::default(), None);
    let options = DefragmentOptions {
        seed: 1,
        threads: arguments.threads,
        islands: arguments.threads,
        effort: arguments.effort,
        moves_max,
        method: Method::Hybrid,
        waves: WaveLimits::default(),
    };
    let surroundings = DefragmentSurroundings { seconds: &seconds, stopped: &|| false, progress: &|_, _| () };
    let found = defragment(&problem, &options, &surroundings);
    let spent = seconds();
    let mut after = filled.cluster.clone();
    let replayed = replay(&found.plan, &mut after, Moving::StandTwice, |step, cluster| {
        assert_eq!(invariants::check(cluster), Ok(()), "after step {step}");
    });
    assert_eq!(replayed, Ok(()), "every step is allowed at its turn");
    assert!(found.moves <= moves_max, "the limit on moves is kept");
    let percent = |cluster: &Cluster| {
        100.0 * cluster.device_milli_held() as f64 / cluster.device_milli_capacity() as f64
    };
    let held = |cluster: &Cluster| cluster.device_milli_held() as f64 / 1000.0;
    let waiting = filled.cluster.waiting();
    Row {
        dropped: filled.dropped as f64,
        dropped_devices: waiting.map(|t| filled.cluster.demand(t).device_milli()).sum::<i64>() as f64
            / 1000.0,
        placed: found.placed as f64,
        placed_devices: held(&after) - held(&filled.cluster),
        before: percent(&filled.cluster),
        after: percent(&after),
        moves: found.moves as f64,
        moves_percent: 100.0 * found.moves as f64 / filled.placed as f64,
        seconds: spent,
    }
}

fn arguments() -> Arguments {
    let list = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
    let mut arguments = Arguments {
        effort: Effort::Seconds(8.0),
        seeds: 5,
        threads: 2,
        moves_percent: 5.0,
        traces: list("default,cpu250,gpushare100,gpuspec33,multigpu50"),
        policies: list("random,best-fit,fgd"),
    };
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(option) = words.next() {
        let value = words.next().unwrap_or_default();
        let known = match option.as_str() {
            "--seconds" => value.parse().map(|v| arguments.effort = Effort::Seconds(v)).is_ok(),
            "--rounds" => value.parse().map(|v| arguments.effort = Effort::Rounds(v)).is_ok(),
            "--seeds" => value.parse().map(|v: u64| arguments.seeds = v.max(1)).is_ok(),
            "--threads" => value.parse().map(|v: usize| arguments.threads = v.max(1)).is_ok(),
            "--moves-percent" => value.parse().map(|v| arguments.moves_percent = v).is_ok(),
            "--traces" => {
                arguments.traces = list(&value);
                true
            }
            "--policies" => {
                arguments.policies = list(&value);
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
