//! The learned placement policy beside the best fixed rules: on the 17 openb traces over seeds 42 to 51 as it is
//! shipped and, with `--adapt-generations N`, after N generations of learning each trace's own mix; and on
//! generated clusters of other shapes and sizes, with `--nodes A,B,..`, under its guard and without.
//!
//! Run by `cargo xtask bench learn`; the traces need LEPTON_DATA. `--traces A,B,..` takes some of them, `--seeds FROM`
//! ten other sequences than 42 to 51, `--clusters FROM` five other clusters than 100 to 104, `--sequences N` so many
//! of each cluster, `--model FILE` another model, `--threads N` more threads than 2; `--guess` and `--untrained` show
//! where training began.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its table")]

#[path = "../tests/common/published.rs"]
#[expect(dead_code, reason = "the traces are read here, the published curves are not")]
mod published;
#[path = "../../app/src/clock.rs"]
mod wall_clock;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lepton_core::decide::guard::{PairedGain, RehearsalOptions, rehearse};
use lepton_core::decide::policy::{Mix, PlacementModel, WEIGHTS};
use lepton_core::model::Serving;
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
/// The learned policy and the rules that it is compared with.
const POLICIES: [&str; 3] = ["lepton", "fgd", "best-fit"];
/// First seed of the sequences of a trace, and how many there are.
const TRACE_SEEDS: (u64, u64) = (42, 10);
/// First seed of the clusters of each generated kind and size, and how many there are.
const CLUSTER_SEEDS: (u64, u64) = (100, 5);
/// Sequences of each generated cluster.
const CLUSTER_SEQUENCES: u64 = 5;
/// Distance of the seeds of a cluster's sequences; the first is the cluster's own.
const SEQUENCE_STEP: u64 = 1_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| arguments.iter().position(|a| a == name).and_then(|i| arguments.get(i + 1));
    let threads = value("--threads").map_or(2, |t| t.parse().expect("a number of threads"));
    let generations: Option<u64> = value("--adapt-generations").map(|n| n.parse().expect("a number"));
    let has = |name: &str| arguments.iter().any(|a| a == name);
    let number = |name: &str, default: u64| value(name).map_or(default, |n| n.parse().expect("a number"));
    let model = value("--model").map_or_else(PlacementModel::shipped, |file| {
        PlacementModel::from_bytes(&std::fs::read(file).expect("the model can be read"))
            .expect("a sound model")
    });
    if let Some(sizes) = value("--nodes") {
        let sizes: Vec<usize> = sizes.split(',').map(|n| n.parse().expect("a number of nodes")).collect();
        let clusters = number("--clusters", CLUSTER_SEEDS.0);
        other_clusters(&model, &sizes, clusters, number("--sequences", CLUSTER_SEQUENCES), threads);
        return;
    }
    let from = number("--seeds", TRACE_SEEDS.0);
    let mut models = Vec::new();
    if has("--untrained") {
        models.push(("untrained", PlacementModel::untrained()));
    }
    if has("--guess") {
        models.push(("guess", PlacementModel::guess()));
    }
    models.push(("shipped", model));
    let chosen = value("--traces");
    let chosen = |name: &str| chosen.is_none_or(|list| list.split(',').any(|n| n == name));
    traces(&models, &chosen, from, generations, threads);
}

fn traces(
    models: &[(&str, PlacementModel)],
    chosen: &dyn Fn(&str) -> bool,
    from: u64,
    generations: Option<u64>,
    threads: usize,
) {
    let Some(folder) = folder() else { std::process::exit(1) };
    let seeds = from..from + TRACE_SEEDS.1;
    println!(
        "Percent of all GPUs at 100% arrived, mean over seeds {} to {}; difference to fgd seed by seed with its 95%",
        seeds.start,
        seeds.end - 1
    );
    println!("interval; the same difference at 130%.\n");
    let mut names: Vec<&str> = models.iter().map(|m| m.0).collect();
    names.extend(generations.map(|_| "adapted"));
    let columns: Vec<String> = names.iter().map(|n| format!("{n} | against fgd | at 130% ")).collect();
    println!("| trace | best-fit | fgd | {}| ceiling | left |", columns.join("| "));
    println!("|---|---|---|{}---|---|", "---|---|---|".repeat(names.len()));
    let mut gains = vec![Vec::new(); names.len()];
    let mut model_serves = vec![0; names.len()];
    for (trace, ceiling) in TRACES.into_iter().filter(|t| chosen(t.0)) {
        let workload = load(&folder, trace);
        let mut row = String::new();
        let shipped = models.last().map(|m| m.1.weights());
        let adapted =
            generations.zip(shipped).map(|(g, start)| ("adapted", adapt(&workload, start, g, threads)));
        let (mut last, mut rules) = (0.0, [0.0; 2]);
        for (i, (_, model)) in models.iter().chain(adapted.as_ref()).enumerate() {
            let study = study(&workload, &POLICIES, model, seeds.clone().collect(), 1.3, true, threads);
            model_serves[i] += u32::from(served_by_model(&study));
            let at = |point: &str| study.summary[0].allocation_at[point].clone();
            let (full, end) = (at("100"), at("130"));
            let (d100, d130) = (full.paired.expect("two policies"), end.paired.expect("two policies"));
            row += &format!(
                " {:.2} ±{:.2} | {:+.2} ±{:.2} | {:+.2} ±{:.2} |",
                full.mean.expect("runs were done"),
                full.sd.unwrap_or_default(),
                d100.difference,
                (d100.high - d100.low) / 2.0,
                d130.difference,
                (d130.high - d130.low) / 2.0
            );
            gains[i].push((d100.difference, d100.low));
            rules = [2, 1].map(|i| study.summary[i].allocation_at["100"].mean.expect("runs were done"));
            last = full.mean.expect("runs were done");
        }
        let row = format!("| {trace} | {:.2} | {:.2} |{row}", rules[0], rules[1]);
        match ceiling {
            Some(ceiling) => println!("{row} {ceiling} | {:+.2} |", ceiling - last),
            None => println!("{row} | |"),
        }
    }
    for ((name, gains), serves) in names.iter().zip(&gains).zip(model_serves) {
        let mean = gains.iter().map(|g| g.0).sum::<f64>() / gains.len().max(1) as f64;
        let worst = gains.iter().map(|g| g.1).fold(f64::INFINITY, f64::min);
        println!(
            "\n{name}: {mean:+.3} points in the mean over the traces; lowest end of an interval {worst:+.2}; \
             the guard lets it serve on {serves} of {}",
            gains.len()
        );
    }
}

fn study(
    workload: &PlacementWorkload,
    policies: &[&str],
    model: &PlacementModel,
    seeds: Vec<u64>,
    load: f64,
    guarded: bool,
    threads: usize,
) -> PlacementStudy {
    let options = StudyOptions {
        policies: policies.iter().map(|&policy| policy.to_owned()).collect(),
        seeds,
        load,
        baseline: policies.contains(&"fgd").then(|| "fgd".to_owned()),
        threads,
        model: Some(model.clone()),
        guarded,
        ..StudyOptions::default()
    };
    run_study(workload, &options, &WallClock::start(), &AtomicBool::new(false), &|| ())
        .expect("the study runs")
}

fn served_by_model(study: &PlacementStudy) -> bool {
    study.guard.as_ref().is_some_and(|guard| guard.decision.serving == Serving::Model)
}

/// The model of these weights after so many generations on the workload's mix.
fn adapt(
    workload: &PlacementWorkload,
    mut weights: [f32; WEIGHTS],
    generations: u64,
    threads: usize,
) -> PlacementModel {
    let clock = WallClock::start();
    let environment = PlacementEnvironment::new(workload.clone());
    let environments: [&dyn Environment; 1] = [&environment];
    let scale = PlacementModel::weight_scales().map(f64::from).to_vec();
    let mut training = Training::start(&weights, scale, TrainOptions::default(), 1, &environments, threads);
    for _ in 0..generations {
        training.next_generation(&environments, threads);
    }
    let (episodes, seconds) = (training.episodes(), clock.now_nanos() as f64 / 1e9);
    eprintln!("{}: {generations} generations, {episodes} episodes, {seconds:.0} s", workload.name);
    weights.copy_from_slice(&training.best());
    PlacementModel::from_weights(&weights, PlacementModel::manifest_of("adapted"))
        .expect("a weight for each place")
}

/// Generated clusters of five kinds: the model against the better of the fixed rules on each of them, with the
/// guard and without.
fn other_clusters(model: &PlacementModel, sizes: &[usize], from: u64, sequences: u64, threads: usize) {
    let clusters = CLUSTER_SEEDS.1;
    println!(
        "Percent of all devices at 100% arrived: mean over clusters {from} to {} of each kind and",
        from + clusters - 1
    );
    println!(
        "size, {sequences} sequences each; gain over the better rule of each cluster, with its 95% interval.\n"
    );
    println!(
        "| cluster | nodes | best-fit | fgd | model | gain | worst cluster | guarded | gain | worst cluster | model serves | rehearsal s |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    let (mut all, mut beyond) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for (kind, name) in GPU_CLUSTER_KINDS {
        for &nodes in sizes {
            let (mut means, mut gains) = ([0.0; 4], [Vec::new(), Vec::new()]);
            let (mut serves, mut seconds) = (0, 0.0);
            for seed in from..from + clusters {
                let workload = gpu_cluster(kind, nodes, seed);
                let seeds: Vec<u64> = (0..sequences).map(|i| seed + SEQUENCE_STEP * i).collect();
                let plain = study(&workload, &POLICIES, model, seeds.clone(), 1.3, false, threads);
                let guarded = study(&workload, &POLICIES[..1], model, seeds, 1.3, true, threads);
                seconds += rehearsal_seconds(&workload, model);
                serves += u32::from(served_by_model(&guarded));
                let reached = ["100", "130"].map(|load| {
                    let at = |study: &PlacementStudy, i: usize| {
                        study.summary[i].allocation_at[load].mean.expect("runs were done")
                    };
                    [at(&plain, 2), at(&plain, 1), at(&plain, 0), at(&guarded, 0)]
                });
                let gain = |at: &[f64; 4], i: usize| at[2 + i] - at[0].max(at[1]);
                (0..2).for_each(|i| gains[i].push(gain(&reached[0], i)));
                (0..2).for_each(|i| beyond[i].push(gain(&reached[1], i)));
                let reached = reached[0];
                means.iter_mut().zip(reached).for_each(|(m, r)| *m += r / clusters as f64);
            }
            let [plain, guarded] = gains.each_ref().map(|gains| gain_of(gains));
            println!(
                "| {name} | {nodes} | {:.2} | {:.2} | {:.2} | {plain} | {:.2} | {guarded} | {serves} of {clusters} | {:.2} |",
                means[0],
                means[1],
                means[2],
                means[3],
                seconds / clusters as f64
            );
            all.iter_mut().zip(gains).for_each(|(all, gains)| all.extend(gains));
        }
    }
    for (load, gains) in [("100%", all), ("130%", beyond)] {
        for (name, gains) in ["without the guard", "with the guard"].iter().zip(gains) {
            let (losses, clusters) = (gains.iter().filter(|&&g| g < -0.05).count(), gains.len());
            println!(
                "\n{name}, at {load}: gain | worst of {clusters} clusters {}; {losses} lose more than 0.05",
                gain_of(&gains)
            );
        }
    }
}

/// How long it takes to learn who is to serve on the cluster.
fn rehearsal_seconds(workload: &PlacementWorkload, model: &PlacementModel) -> f64 {
    let PlacementWorkload { cluster, target, .. } = workload;
    let mix = Arc::new(Mix::new(cluster, target));
    let clock = WallClock::start();
    rehearse(cluster, target, &mix, model, &RehearsalOptions::default());
    clock.now_nanos() as f64 / 1e9
}

/// Mean gain with its 95% interval, and the worst.
fn gain_of(gains: &[f64]) -> String {
    let gain = PairedGain::of(gains).expect("several clusters");
    let worst = gains.iter().copied().fold(f64::INFINITY, f64::min);
    format!("{:+.2} ±{:.2} | {worst:+.2}", gain.mean, gain.half_width)
}
