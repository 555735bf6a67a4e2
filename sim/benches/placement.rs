//! The whole published study replayed: 17 traces x 6 policies x 10 seeds, every run of the deterministic
//! policies compared with the published curves, the random policy with the published mean.
//!
//! Run by `cargo xtask bench placement`; needs LEPTON_DATA.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its table")]

#[path = "../tests/common/published.rs"]
mod published;
#[path = "../../app/src/clock.rs"]
mod wall_clock;

use std::sync::atomic::AtomicBool;

use lepton_sim::Clock;
use lepton_sim::experiment::{StudyOptions, run_study};
use published::{DETERMINISTIC, Published, RANDOM, folder, load};
use wall_clock::WallClock;

const TRACES: [&str; 17] = [
    "default",
    "cpu050",
    "cpu100",
    "cpu200",
    "cpu250",
    "gpushare40",
    "gpushare60",
    "gpushare80",
    "gpushare100",
    "gpuspec10",
    "gpuspec20",
    "gpuspec25",
    "gpuspec33",
    "multigpu20",
    "multigpu30",
    "multigpu40",
    "multigpu50",
];

fn main() {
    let Some(folder) = folder() else { std::process::exit(1) };
    let published = Published::read(&folder);
    let clock = WallClock::start();
    let policies: Vec<&str> = ["random"].into_iter().chain(DETERMINISTIC.iter().map(|p| p.0)).collect();
    println!("Percent of all GPUs at 100% arrived, mean and standard deviation over seeds 42 to 51:\n");
    println!("| trace | {} | equal to published | random, published |", policies.join(" | "));
    println!("|---|{}", "---|".repeat(policies.len() + 2));
    let (mut runs, mut compared, mut equal, mut random_worst) = (0, 0, 0, 0.0_f64);
    let mut seconds = vec![0.0; policies.len()];
    for trace in TRACES {
        let options = StudyOptions {
            policies: policies.iter().map(|&p| p.to_owned()).collect(),
            seeds: (42..=51).collect(),
            threads: 2,
            ..StudyOptions::default()
        };
        let study = run_study(&load(&folder, trace), &options, &clock, &AtomicBool::new(false), &|| ())
            .expect("the study runs");
        let deterministic: Vec<_> = study.runs.iter().filter(|r| r.policy != "random").collect();
        let same = deterministic.iter().filter(|run| match published.difference(trace, run) {
            None => true,
            Some((load, theirs, ours)) => {
                eprintln!("{trace} {} {}: at {load}% {theirs:?}, ours {ours:?}", run.policy, run.seed);
                false
            }
        });
        let same = same.count();
        let means: Vec<String> = study
            .summary
            .iter()
            .map(|s| &s.allocation_at["100"])
            .map(|p| format!("{:.2} ±{:.2}", p.mean.unwrap_or(f64::NAN), p.sd.unwrap_or_default()))
            .collect();
        let random: f64 =
            (42..=51).filter_map(|s| published.curve(trace, RANDOM, s)[100]).sum::<f64>() / 10.0;
        let difference = study.summary[0].allocation_at["100"].mean.unwrap_or(f64::NAN) - random;
        random_worst = random_worst.max(difference.abs());
        println!(
            "| {trace} | {} | {same} of {} | {random:.2} ({difference:+.2}) |",
            means.join(" | "),
            deterministic.len()
        );
        runs += study.runs.len();
        compared += deterministic.len();
        equal += same;
        for (sum, s) in seconds.iter_mut().zip(&study.summary) {
            *sum += s.seconds.unwrap_or_default() / TRACES.len() as f64;
        }
    }
    println!("\n{equal} of {compared} runs equal the published curves at every load.");
    println!("Random differs from the published mean by at most {random_worst:.2} points.");
    println!("{runs} runs in {:.1} s on 2 threads.", clock.now_nanos() as f64 / 1e9);
    for (policy, seconds) in policies.iter().zip(&seconds) {
        println!("{policy}: {seconds:.3} s a run in the mean");
    }
    if equal < compared || random_worst > 0.3 {
        std::process::exit(1);
    }
}
