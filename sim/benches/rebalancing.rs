//! The machine reassignment problem (ROADEF/EURO challenge 2012): instances of set A and generated ones of any
//! size, each searched for set times from several seeds, beside published results; and the parts of the search
//! at equal time.
//!
//! Run by `cargo xtask bench rebalancing [--seconds 5,60,300] [--seeds 5] [--threads 2]
//! [--instances a1_4,g5000x50000x12] [--ablation] [--solutions FOLDER]`. `g5000x50000x12` is a generated
//! instance of 5,000 nodes, 50,000 tasks and 12 resources; instances of set A need LEPTON_DATA. Each run is a
//! process of its own and its answer is checked there from scratch, without the search's counters; with
//! `--solutions` the answers are kept as files for an independent checker.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its table")]

#[path = "common/memory.rs"]
mod memory;
#[path = "rebalancing/published.rs"]
mod published;
#[path = "rebalancing/run.rs"]
mod run;
#[path = "../../app/src/clock.rs"]
mod wall_clock;

use lepton_core::decide::rebalance::Method;

use published::{PUBLISHED, published};
use run::{CHILD, Outcome, Setting, child, generated, name};

/// Instances beside set A where none are chosen.
const GENERATED: [&str; 3] = ["g100x5000x12", "g1000x20000x6", "g5000x50000x3"];

struct Arguments {
    seconds: Vec<f64>,
    seeds: u64,
    threads: usize,
    instances: Vec<String>,
    ablation: bool,
    solutions: String,
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if words.first().is_some_and(|word| word == CHILD) {
        child(&words[1..]);
        return;
    }
    let arguments = arguments(&words);
    let of_files = arguments.instances.iter().any(|i| generated(i).is_none());
    if of_files && std::env::var_os("LEPTON_DATA").is_none() {
        refuse("set LEPTON_DATA to the folder of the recorded data, or choose generated instances");
    }
    for &seconds in &arguments.seconds {
        if arguments.ablation {
            ablation(&arguments, seconds);
        } else {
            results(&arguments, seconds);
        }
    }
}

/// The runs of one instance from all seeds, the cheapest answer first.
fn runs(arguments: &Arguments, seconds: f64, instance: &str, method: Method, islands: usize) -> Vec<Outcome> {
    let setting = |seed| Setting {
        instance: instance.to_owned(),
        seconds,
        seed,
        threads: arguments.threads,
        islands,
        method,
        solutions: arguments.solutions.clone(),
    };
    let mut runs: Vec<Outcome> = (1..=arguments.seeds).map(|seed| setting(seed).run()).collect();
    runs.sort_by(|a, b| a.cost.total_cmp(&b.cost));
    runs
}

fn median(runs: &[Outcome], of: fn(&Outcome) -> f64) -> f64 {
    let mut values: Vec<f64> = runs.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values[(values.len() - 1) / 2]
}

/// A time in seconds, or a dash where there is none.
fn shown(seconds: f64) -> String {
    if seconds.is_finite() { format!("{seconds:.2}") } else { "-".to_owned() }
}

/// Costs beside what others found, then how the search went.
fn results(arguments: &Arguments, seconds: f64) {
    let Arguments { seeds, threads, .. } = arguments;
    println!("\n{seconds} s, {threads} threads, seeds 1 to {seeds}; every answer keeps all rules.\n");
    println!(
        "| instance | initial | median | best | worst | winner's mean in 300 s (published) | best known \
         (published) | winner's program in 60 s | J33's program in 60 s | median less winner's mean, % of initial |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let mut all = Vec::new();
    for instance in &arguments.instances {
        let runs = runs(arguments, seconds, instance, Method::Hybrid, *threads);
        let (first, last) = (&runs[0], &runs[runs.len() - 1]);
        let middle = median(&runs, |r| r.cost);
        let others = published(instance).map_or("- | - | - | - | -".to_owned(), |p| {
            let [winner, j33] =
                p.programs.map_or(["-".to_owned(), "-".to_owned()], |c| c.map(|c| c.to_string()));
            let behind = 100.0 * (middle - p.winner_mean as f64) / first.initial;
            format!("{} | {} | {winner} | {j33} | {behind:+.3}", p.winner_mean, p.best_known)
        });
        println!("| {instance} | {} | {middle} | {} | {} | {others} |", first.initial, first.cost, last.cost);
        all.push(runs);
    }
    println!(
        "\nMedians over the seeds; gap closed: of the way from the initial cost to the lower bound; memory: the \
         largest of the runs.\n"
    );
    println!(
        "| instance | gap closed, % | first improvement, s | 90% of the gain, s | moves | no safe step | ordering, \
         s | reading, s | million evaluations/s and thread | memory, MB |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for (instance, runs) in arguments.instances.iter().zip(&all) {
        println!(
            "| {instance} | {:.2} | {} | {} | {} | {} | {:.2} | {:.2} | {:.1} | {:.0} |",
            median(runs, |r| 100.0 * (r.initial - r.cost) / (r.initial - r.lower_bound).max(1.0)),
            shown(median(runs, |r| r.first_seconds)),
            shown(median(runs, |r| r.most_seconds)),
            median(runs, |r| r.moves),
            median(runs, |r| r.blocked),
            median(runs, |r| r.order_seconds),
            median(runs, |r| r.read_seconds),
            median(runs, |r| r.rate),
            runs.iter().map(|r| r.peak_mb).fold(0.0, f64::max),
        );
    }
}

/// The whole search, its halves alone, one island and two, at equal time and threads.
fn ablation(arguments: &Arguments, seconds: f64) {
    let Arguments { seeds, threads, .. } = arguments;
    println!("\nAt equal time: {seconds} s, {threads} threads, seeds 1 to {seeds}.\n");
    println!(
        "| instance | method | islands | median | best | worst | median against hybrid, % of initial | seeds \
         cheaper than hybrid's median |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for instance in &arguments.instances {
        let mut hybrid = None;
        for method in [Method::Hybrid, Method::LocalSearch, Method::Evolution] {
            for islands in [2, 1] {
                let runs = runs(arguments, seconds, instance, method, islands);
                let middle = median(&runs, |r| r.cost);
                let base = *hybrid.get_or_insert(middle);
                let cheaper = runs.iter().filter(|r| r.cost < base).count();
                println!(
                    "| {instance} | {} | {islands} | {middle} | {} | {} | {:+.3} | {cheaper} of {seeds} |",
                    name(method),
                    runs[0].cost,
                    runs[runs.len() - 1].cost,
                    100.0 * (middle - base) / runs[0].initial,
                );
            }
        }
    }
}

fn arguments(words: &[String]) -> Arguments {
    let mut arguments = Arguments {
        seconds: vec![60.0],
        seeds: 5,
        threads: 2,
        instances: PUBLISHED.iter().map(|p| p.instance).chain(GENERATED).map(str::to_owned).collect(),
        ablation: false,
        solutions: String::new(),
    };
    let mut words = words.iter();
    while let Some(option) = words.next() {
        if option == "--ablation" {
            arguments.ablation = true;
            continue;
        }
        let value = words.next().map_or("", String::as_str);
        let known = match option.as_str() {
            "--seconds" => {
                let times: Option<Vec<f64>> =
                    value.split(',').map(|t| t.parse().ok().filter(|&t| t > 0.0)).collect();
                times.map(|times| arguments.seconds = times).is_some()
            }
            "--seeds" => value.parse().map(|v: u64| arguments.seeds = v.max(1)).is_ok(),
            "--threads" => value.parse().map(|v: usize| arguments.threads = v.max(1)).is_ok(),
            "--instances" => {
                arguments.instances = value.split(',').map(str::to_owned).collect();
                arguments.instances.iter().all(|i| published(i).is_some() || generated(i).is_some())
            }
            "--solutions" => {
                // Benches run in their package's folder; a path is meant from where the user stands.
                let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(value);
                arguments.solutions = folder.to_string_lossy().into_owned();
                !value.is_empty() && std::fs::create_dir_all(folder).is_ok()
            }
            _ => false,
        };
        if !known {
            refuse(&format!(
                "`{option} {value}` is not understood; see the head of this file's documentation"
            ));
        }
    }
    arguments
}

fn refuse(problem: &str) -> ! {
    eprintln!("{problem}");
    std::process::exit(2);
}
