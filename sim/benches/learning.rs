//! The learned placement policy beside the best fixed rules: on the 17 openb traces over seeds 42 to 51 as it is
//! shipped and, with `--adapt-minutes N`, after N minutes of learning each trace's own mix; and on generated
//! clusters of other shapes and sizes, with `--nodes A,B,..`.
//!
//! Run by `cargo xtask bench learn`; the traces need LEPTON_DATA. `--traces A,B,..` takes some of them,
//! `--threads N` more threads than 2, `--guess` and `--untrained` show where training began.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its table")]

#[path = "../tests/common/published.rs"]
#[expect(dead_code, reason = "the traces are read here, the published curves are not")]
mod published;
#[path = "common/wall_clock.rs"]
mod wall_clock;

use std::sync::atomic::AtomicBool;

use lepton_core::decide::policy::{Manifest, PlacementModel};
use lepton_learn::{Environment, TrainOptions, Training};
use lepton_sim::Clock;
use lepton_sim::experiment::{PlacementEnvironment, PlacementStudy, StudyOptions, run_study};
use lepton_sim::generate::{GPU_CLUSTER_KINDS, gpu_cluster};
use lepton_sim::workload::PlacementWorkload;
use published::{folder, load};
use wall_clock::WallClock;

/// The traces, and the most that can be allocated up to the first forced drop where it is known (a linear program
/// over packings of one device; published with the trace's protocol).
const TRACES: [(&str, Option<f64>); 17] = [
    ("default", Some(96.32)),
    ("cpu050", Some(96.32)),
    ("cpu100", Some(96.32)),
    ("cpu200", Some(96.32)),
    ("cpu250", Some(96.32)),
    ("gpushare40", Some(94.9)),
    ("gpushare60", Some(92.4)),
    ("gpushare80", Some(90.4)),
    ("gpushare100", Some(88.2)),
    ("gpuspec10", None),
    ("gpuspec20", None),
    ("gpuspec25", None),
    ("gpuspec33", None),
    ("multigpu20", Some(96.8)),
    ("multigpu30", Some(97.2)),
    ("multigpu40", Some(97.6)),
    ("multigpu50", Some(98.0)),
];
/// Clusters of each generated kind and size.
const CLUSTER_SEEDS: std::ops::Range<u64> = 100..105;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| arguments.iter().position(|a| a == name).and_then(|i| arguments.get(i + 1));
    let threads = value("--threads").map_or(2, |t| t.parse().expect("a number of threads"));
    let minutes: Option<f64> = value("--adapt-minutes").map(|m| m.parse().expect("a number of minutes"));
    let has = |name: &str| arguments.iter().any(|a| a == name);
    if let Some(sizes) = value("--nodes") {
        let sizes: Vec<usize> = sizes.split(',').map(|n| n.parse().expect("a number of nodes")).collect();
        other_clusters(&sizes, threads);
        return;
    }
    let mut models = Vec::new();
    if has("--untrained") {
        models.push(("untrained", PlacementModel::untrained()));
    }
    if has("--guess") {
        models.push(("guess", PlacementModel::guess()));
    }
    models.push(("shipped", PlacementModel::shipped()));
    let chosen = value("--traces");
    let chosen = |name: &str| chosen.is_none_or(|list| list.split(',').any(|n| n == name));
    traces(&models, &chosen, minutes, threads);
}

fn traces(
    models: &[(&str, PlacementModel)],
    chosen: &dyn Fn(&str) -> bool,
    minutes: Option<f64>,
    threads: usize,
) {
    let Some(folder) = folder() else { std::process::exit(1) };
    println!(
        "Percent of all GPUs at 100% arrived, mean over seeds 42 to 51; difference to fgd seed by seed with its 95%"
    );
    println!("interval; the same difference at 130%.\n");
    let mut names: Vec<&str> = models.iter().map(|m| m.0).collect();
    names.extend(minutes.map(|_| "adapted"));
    let columns: Vec<String> = names.iter().map(|n| format!("{n} | against fgd | at 130% ")).collect();
    println!("| trace | best-fit | fgd | {}| ceiling | left |", columns.join("| "));
    println!("|---|---|---|{}---|---|", "---|---|---|".repeat(names.len()));
    let mut gains = vec![Vec::new(); names.len()];
    for (trace, ceiling) in TRACES.into_iter().filter(|t| chosen(t.0)) {
        let workload = load(&folder, trace);
        let mut row = String::new();
        let adapted = minutes.map(|m| ("adapted", adapt(&workload, m, threads)));
        let (mut last, mut rules) = (0.0, [0.0; 2]);
        for ((_, model), gains) in models.iter().chain(adapted.as_ref()).zip(&mut gains) {
            let study = study(&workload, model, (42..=51).collect(), 1.3, threads);
            let at = |point: &str| study.summary[0].allocation_at[point].clone();
            let (full, end) = (at("100"), at("130"));
            let (d100, d130) = (full.paired.expect("two policies"), end.paired.expect("two policies"));
            row += &format!(
                " {:.2} ±{:.2} | {:+.2} ±{:.2} | {:+.2} ±{:.2} |",
                full.mean,
                full.sd,
                d100.difference,
                (d100.high - d100.low) / 2.0,
                d130.difference,
                (d130.high - d130.low) / 2.0
            );
            gains.push((d100.difference, d100.low));
            rules = [2, 1].map(|i| study.summary[i].allocation_at["100"].mean);
            last = full.mean;
        }
        let row = format!("| {trace} | {:.2} | {:.2} |{row}", rules[0], rules[1]);
        match ceiling {
            Some(ceiling) => println!("{row} {ceiling} | {:+.2} |", ceiling - last),
            None => println!("{row} | |"),
        }
    }
    for (name, gains) in names.iter().zip(&gains) {
        let mean = gains.iter().map(|g| g.0).sum::<f64>() / gains.len().max(1) as f64;
        let worst = gains.iter().map(|g| g.1).fold(f64::INFINITY, f64::min);
        println!(
            "\n{name}: {mean:+.3} points in the mean over the traces; lowest end of an interval {worst:+.2}"
        );
    }
}

fn study(
    workload: &PlacementWorkload,
    model: &PlacementModel,
    seeds: Vec<u64>,
    load: f64,
    threads: usize,
) -> PlacementStudy {
    let options = StudyOptions {
        policies: ["lepton", "fgd", "best-fit"].map(str::to_owned).to_vec(),
        seeds,
        load,
        baseline: Some("fgd".to_owned()),
        threads,
        heat: false,
        command: String::new(),
        model: Some(model.clone()),
    };
    run_study(workload, &options, &WallClock::start(), &AtomicBool::new(false), &|| ())
        .expect("the study runs")
}

/// The shipped model after so many minutes on the workload's mix.
fn adapt(workload: &PlacementWorkload, minutes: f64, threads: usize) -> PlacementModel {
    let clock = WallClock::start();
    let environment = PlacementEnvironment::new(workload.clone());
    let environments: [&dyn Environment; 1] = [&environment];
    let scale = PlacementModel::weight_scales().map(f64::from).to_vec();
    let start = PlacementModel::shipped().weights();
    let mut training = Training::start(&start, scale, TrainOptions::default(), 1, &environments, threads);
    while (clock.now_nanos() as f64) < minutes * 60e9 {
        training.next_generation(&environments, threads);
    }
    eprintln!("{}: {} generations, {} episodes", workload.name, training.generations(), training.episodes());
    let mut weights = start;
    weights.copy_from_slice(&training.best());
    PlacementModel::from_weights(&weights, Manifest::untrained("adapted"))
}

/// Generated clusters of five kinds: the shipped model against the better of the fixed rules on each of them.
fn other_clusters(sizes: &[usize], threads: usize) {
    println!(
        "Percent of all devices at 100% arrived, mean over {} clusters of each kind and",
        CLUSTER_SEEDS.count()
    );
    println!("size, one sequence each; gain over the better rule of each cluster, with its 95% interval.\n");
    println!(
        "| cluster | nodes | best-fit | fgd | shipped | gain | worst cluster |\n|---|---|---|---|---|---|---|"
    );
    for (kind, name) in GPU_CLUSTER_KINDS {
        for &nodes in sizes {
            let (mut means, mut gains) = ([0.0; 3], Vec::new());
            for seed in CLUSTER_SEEDS {
                let workload = gpu_cluster(kind, nodes, seed);
                let study = study(&workload, &PlacementModel::shipped(), vec![seed], 1.0, threads);
                let reached = |i: usize| study.summary[i].allocation_at["100"].mean;
                let all = [reached(2), reached(1), reached(0)];
                gains.push(all[2] - all[0].max(all[1]));
                means.iter_mut().zip(all).for_each(|(m, a)| *m += a / CLUSTER_SEEDS.count() as f64);
            }
            let paired = lepton_sim::experiment::paired(&gains).expect("several clusters");
            let worst = gains.iter().copied().fold(f64::INFINITY, f64::min);
            println!(
                "| {name} | {nodes} | {:.2} | {:.2} | {:.2} | {:+.2} ±{:.2} | {worst:+.2} |",
                means[0],
                means[1],
                means[2],
                paired.difference,
                (paired.high - paired.low) / 2.0
            );
        }
    }
}
