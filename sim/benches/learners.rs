//! The hybrid against its two halves alone, and the forms of each, at equal simulated steps and at equal time: learning
//! the order of jobs on invented batch machines, from several seeds, judged on machines that nobody learned from.
//!
//! Run by `cargo xtask bench learners`. `--only A,B` takes some of the competitors, `--seeds N` other than 5 seeds,
//! `--episodes N` and `--seconds N` other budgets, `--svg FILE` draws the curves, `--config FILE` reads other
//! hyper-parameters of the learner (JSON).

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints its table")]

#[path = "common/curves.rs"]
mod curves;

use std::sync::OnceLock;
use std::time::Instant;

use lepton_core::decide::policy::JobsModel;
use lepton_learn::{
    Environment, EvolutionKind, GradientLearner, LearnerOptions, Method, RecordedEnvironment, TrainOptions,
    Training, Update,
};
use lepton_sim::experiment::jobs::{JobSource, JobsEnvironment};
use lepton_sim::generate::BatchMachines;

/// Sequences of each environment that the results are judged on.
const JUDGED_ON: std::ops::Range<u64> = 5_000_000_000..5_000_000_050;
/// Jobs of a sequence.
const SEQUENCE_JOBS: usize = 256;
/// Points of a learning curve.
const POINTS: u64 = 10;

/// A way of learning.
#[derive(Clone, Copy)]
struct Competitor {
    name: &'static str,
    method: Method,
    evolution: EvolutionKind,
    update: Update,
}

const fn competitor(
    name: &'static str,
    method: Method,
    evolution: EvolutionKind,
    update: Update,
) -> Competitor {
    Competitor { name, method, evolution, update }
}

const COMPETITORS: [Competitor; 9] = {
    use EvolutionKind::{Genetic, Matrix};
    use Method::{Evolution, Hybrid, Reinforcement};
    use Update::{Exponentiated, Ppo, Shifted};
    [
        competitor("hybrid-exponentiated", Hybrid, Matrix, Exponentiated),
        competitor("evolution", Evolution, Matrix, Exponentiated),
        competitor("reinforcement-exponentiated", Reinforcement, Matrix, Exponentiated),
        competitor("hybrid-shifted", Hybrid, Matrix, Shifted),
        competitor("reinforcement-shifted", Reinforcement, Matrix, Shifted),
        competitor("hybrid-ppo", Hybrid, Matrix, Ppo),
        competitor("reinforcement-ppo", Reinforcement, Matrix, Ppo),
        competitor("hybrid-genetic", Hybrid, Genetic, Exponentiated),
        competitor("evolution-genetic", Evolution, Genetic, Exponentiated),
    ]
};

/// What one training reached.
struct Outcome {
    /// Gain over the best rule at equal steps, at equal time.
    at_episodes: f64,
    at_seconds: f64,
    /// Time that the equal steps took, steps that the equal time allowed.
    seconds: f64,
    episodes: u64,
    /// Gain at each tenth of the episodes.
    curve: Vec<f64>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| arguments.iter().position(|a| a == name).and_then(|i| arguments.get(i + 1));
    let number = |name: &str, default: f64| {
        value(name).map_or(default, |v| v.parse().unwrap_or_else(|_| panic!("{name} takes a number")))
    };
    let only = value("--only");
    let chosen = COMPETITORS.iter().filter(|c| only.is_none_or(|list| list.split(',').any(|n| n == c.name)));
    let learner: LearnerOptions = value("--config").map_or_else(LearnerOptions::default, |file| {
        serde_json::from_str(&std::fs::read_to_string(file).expect("the file can be read")).expect("options")
    });
    let (episodes, seconds) = (number("--episodes", 12_000.0) as u64, number("--seconds", 15.0));
    let seeds = number("--seeds", 5.0) as u64;

    let environments =
        [("exact", 0.0, false), ("noisy", 1.0, false), ("exact", 0.0, true), ("noisy", 1.0, true)].map(
            |(name, noisy_share, backfill)| {
                let machines = BatchMachines { noisy_share, ..BatchMachines::default() };
                JobsEnvironment::new(name, JobSource::Generated(machines), SEQUENCE_JOBS, backfill)
            },
        );
    println!(
        "Mean gain over the best fixed rule of each of {} unseen sequences of each of",
        JUDGED_ON.count()
    );
    println!(
        "{} environments, in logarithms of the mean bounded slowdown (0.10 is 10% less),",
        environments.len()
    );
    println!("mean ± standard deviation over {seeds} seeds. Untrained: {:+.3}.\n", {
        let environments: Vec<&dyn Environment> = environments.iter().map(|e| e as _).collect();
        judge(JobsModel::untrained().weights(), &environments)
    });
    println!(
        "| method | after {episodes} episodes | worst seed | seconds | after {seconds} s | worst seed | episodes |"
    );
    println!("|---|---|---|---|---|---|---|");
    let mut curves = Vec::new();
    for competitor in chosen {
        let outcomes: Vec<Outcome> = (1..=seeds)
            .map(|seed| train(competitor, &learner, &environments, seed, episodes, seconds))
            .collect();
        let of = |f: &dyn Fn(&Outcome) -> f64| -> Vec<f64> { outcomes.iter().map(f).collect() };
        let (steps, time) = (of(&|o| o.at_episodes), of(&|o| o.at_seconds));
        println!(
            "| {} | {} | {:.3} | {:.1} | {} | {:.3} | {:.0} |",
            competitor.name,
            spread(&steps),
            steps.iter().copied().fold(f64::INFINITY, f64::min),
            mean(&of(&|o| o.seconds)),
            spread(&time),
            time.iter().copied().fold(f64::INFINITY, f64::min),
            mean(&of(&|o| o.episodes as f64)),
        );
        let point = |i: usize| mean(&outcomes.iter().map(|o| o.curve[i]).collect::<Vec<f64>>());
        curves.push((competitor.name, (0..POINTS as usize).map(point).collect::<Vec<f64>>()));
    }
    println!("\nThe same at each tenth of the episodes:\n");
    println!("| method |{} 100% |", (1..POINTS).map(|i| format!(" {}% |", i * 10)).collect::<String>());
    println!("|---|{}", "---|".repeat(POINTS as usize));
    for (name, points) in &curves {
        println!("| {name} |{}", points.iter().map(|p| format!(" {p:.3} |")).collect::<String>());
    }
    if let Some(file) = value("--svg") {
        std::fs::write(file, curves::svg(&curves, "gain over the rule", episodes))
            .expect("the file can be written");
    }
}

/// One training, until both budgets are used up. Judging takes none of its time.
fn train(
    competitor: &Competitor,
    learner: &LearnerOptions,
    environments: &[JobsEnvironment],
    seed: u64,
    episodes: u64,
    seconds: f64,
) -> Outcome {
    let shape = environments[0].shape();
    let environments: Vec<&dyn Environment> = environments.iter().map(|e| e as &dyn Environment).collect();
    let learner = LearnerOptions { update: competitor.update, ..learner.clone() };
    let start = JobsModel::untrained().weights().to_vec();
    let mut gradient =
        GradientLearner::new(shape, &start, learner.clone(), seed).expect("weights of the shape");
    let options = TrainOptions {
        population: 14,
        sequences: 2,
        environments: 0,
        spread: 0.3,
        loss_weight: 0.5,
        check_every: 5,
        check_sequences: 8,
        method: competitor.method,
        evolution: competitor.evolution,
        learner,
        ..TrainOptions::default()
    };
    let scale = JobsModel::weight_scales(&[0, 1, 2, 3]).into_iter().map(f64::from).collect();
    let mut training = Training::start(&start, scale, options, seed, &environments, 1);
    let mut outcome =
        Outcome { at_episodes: 0.0, at_seconds: f64::NAN, seconds: 0.0, episodes: 0, curve: Vec::new() };
    let mut used = 0.0;
    while (outcome.curve.len() as u64) < POINTS || outcome.at_seconds.is_nan() {
        let since = cpu_seconds();
        let with = (competitor.method != Method::Evolution).then_some(&mut gradient as _);
        training.next_generation_with(with, &environments, 1, &|| false);
        used += cpu_seconds() - since;
        let point = outcome.curve.len() as u64 + 1;
        let at_point = point <= POINTS && training.episodes() >= episodes * point / POINTS;
        let at_time = outcome.at_seconds.is_nan() && used >= seconds;
        if !at_point && !at_time {
            continue;
        }
        let gain = judge(&training.best(), &environments);
        if at_point {
            outcome.curve.push(gain);
            (outcome.at_episodes, outcome.seconds) = (gain, used);
        }
        if at_time {
            (outcome.at_seconds, outcome.episodes) = (gain, training.episodes());
        }
    }
    let ranks: Vec<f64> =
        training.history().iter().filter_map(|g| g.learner).map(|l| l.rank as f64).collect();
    let ranks: Vec<String> =
        ranks.chunks(ranks.len().div_ceil(5).max(1)).map(|r| format!("{:.1}", mean(r))).collect();
    eprintln!(
        "{} seed {seed}: {:.3}, {:.3}; mean rank of the learner by fifths: {}",
        competitor.name,
        outcome.at_episodes,
        outcome.at_seconds,
        ranks.join(" ")
    );
    outcome
}

/// What this thread has used of the processor, so that a busy machine disturbs less; the time of day where the system
/// does not tell.
fn cpu_seconds() -> f64 {
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds: Option<f64> = statistics.and_then(|s| s.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| BEGUN.get_or_init(Instant::now).elapsed().as_secs_f64(), |n| n / 1e9)
}

fn judge(weights: &[f32], environments: &[&dyn Environment]) -> f64 {
    let gain = |e: &dyn Environment| -> f64 {
        JUDGED_ON.map(|seed| e.play(weights, seed) - e.play_best_rule(seed)).sum::<f64>()
    };
    environments.iter().map(|&e| gain(e)).sum::<f64>() / (JUDGED_ON.count() * environments.len()) as f64
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn spread(values: &[f64]) -> String {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    format!("{mean:+.3} ±{:.3}", (squares / (values.len() as f64 - 1.0).max(1.0)).sqrt())
}
