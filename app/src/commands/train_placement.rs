//! `lepton train placement`: reads workloads, trains until the time is over, writes the model.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::Context;
use lepton_core::decide::policy::{Manifest, PLACEMENT_KIND, PlacementModel, WEIGHTS};
use lepton_learn::{Environment, HeldOut, TrainOptions, Training, Verdict};
use lepton_sim::report::training_html;
use serde::Serialize;

use super::learning_workloads::{as_learning_sees_them, environments};
use super::model_files;
use super::policy_gate;
use super::simulate_placement::{command_line, threads};
use crate::cli_train::TrainPlacementArgs;
use crate::failure::Failure;
use crate::output::{self, OutputFormat};
use crate::stop;

/// Sequences that the result is compared on with its start; nobody has seen them before.
const FINAL_SEEDS: std::ops::Range<u64> = 3_000_000_000..3_000_000_005;

/// The result as JSON.
#[derive(Debug, Serialize)]
struct Report<'a> {
    tool: &'static str,
    version: &'static str,
    command: String,
    /// What the model decides.
    decides: &'static str,
    /// Of the results; more is better.
    unit: &'static str,
    /// The workloads.
    environments: &'a [String],
    model: &'a Path,
    seed: u64,
    threads: usize,
    generations: u64,
    episodes: u64,
    seconds: f64,
    stopped_early: bool,
    /// The result against the weights that training started from.
    verdict: &'a Verdict,
    history: &'a [lepton_learn::GenerationRecord],
    /// The result, its start and every fixed rule on the same sequences; only with a report page.
    held_out: Option<HeldOut>,
}

pub(crate) fn run(args: &TrainPlacementArgs) -> Result<(), Failure> {
    let begun = Instant::now();
    let stop = stop::on_ctrl_c()?;
    let threads = threads(args.threads);
    let start = start(args)?;
    let options = options(args)?;
    let environments = environments(&args.workload)?;
    let environments = as_learning_sees_them(&environments);
    let checkpoint =
        args.checkpoint.clone().unwrap_or_else(|| model_files::with_ending(&args.out, ".checkpoint"));
    let mut training = if args.resume {
        let mut training = resume(&checkpoint, &environments)?;
        training.end_after(args.generations.unwrap_or(0));
        training
    } else {
        let scale = PlacementModel::weight_scales().map(f64::from).to_vec();
        Training::start(&start.weights(), scale, options, args.seed, &environments, threads)
    };
    learn(&mut training, &environments, args, threads, &checkpoint, &stop, begun)?;

    let mut model = model_of(&training, args);
    let seeds: Vec<u64> = FINAL_SEEDS.collect();
    let verdict = lepton_learn::compare(&model.weights(), &start.weights(), &environments, &seeds, threads);
    for c in &verdict.comparisons {
        model
            .manifest
            .figures
            .insert(format!("gain_over_best_rule {}", c.environment), c.candidate - c.best_rule);
    }
    model_files::replace(&args.out, &model.to_bytes(), false)?;
    output::note(&format!("model: {}", args.out.display()));
    let stopped_early = stop.load(Ordering::Relaxed);
    let held_out = args.report.is_some().then(|| {
        output::note("report: every fixed rule plays the sequences kept apart");
        let policies = [("learned", &model.weights()[..]), ("start", &start.weights()[..])];
        lepton_learn::held_out(&policies, &environments, &seeds, threads)
    });
    let report = Report {
        tool: "lepton",
        version: env!("CARGO_PKG_VERSION"),
        command: command_line(),
        decides: PLACEMENT_KIND,
        unit: "percent of the devices allocated when all have been asked for",
        environments: training.environments(),
        model: &args.out,
        seed: args.seed,
        threads,
        generations: training.generations(),
        episodes: training.episodes(),
        seconds: begun.elapsed().as_secs_f64(),
        stopped_early,
        verdict: &verdict,
        history: training.history(),
        held_out,
    };
    if let Some(path) = &args.report {
        let report = serde_json::to_value(&report).context("cannot write the report as JSON")?;
        output::write_page(path, &training_html(&report))?;
    }
    match args.output {
        OutputFormat::Json => output::print_json(&report)?,
        OutputFormat::Table => output::print(&text(&report))?,
        OutputFormat::Csv => output::print(&csv(&report))?,
    }
    if stopped_early { Err(Failure::Stopped) } else { Ok(()) }
}

fn start(args: &TrainPlacementArgs) -> Result<PlacementModel, Failure> {
    match args.from.as_str() {
        _ if args.adapt => Ok(PlacementModel::shipped()),
        "zero" => Ok(PlacementModel::untrained()),
        "guess" => Ok(PlacementModel::guess()),
        "shipped" => Ok(PlacementModel::shipped()),
        file => model_files::read(Path::new(file)),
    }
}

fn options(args: &TrainPlacementArgs) -> Result<TrainOptions, Failure> {
    let mut options = match &args.config {
        None => TrainOptions::default(),
        Some(path) => {
            let wrong = |problem: String| Failure::Input(format!("{}: {problem}", path.display()));
            let text = std::fs::read_to_string(path).map_err(|e| wrong(format!("cannot be read: {e}")))?;
            let options: TrainOptions = toml::from_str(&text).map_err(|e| wrong(e.to_string()))?;
            options.check().map_err(wrong)?;
            options
        }
    };
    if let Some(generations) = args.generations {
        options.generations_max = generations;
    }
    Ok(options)
}

/// The training of the checkpoint, or of the one before it when that is damaged.
fn resume(checkpoint: &Path, environments: &[&dyn Environment]) -> Result<Training, Failure> {
    let names: Vec<&str> = environments.iter().map(|e| e.name()).collect();
    let read = |path: &Path| -> Result<Training, String> {
        let text =
            std::fs::read_to_string(path).map_err(|e| format!("{}: cannot be read: {e}", path.display()))?;
        Training::from_checkpoint(&text, WEIGHTS, &names).map_err(|e| format!("{} {e}", path.display()))
    };
    let previous: PathBuf = model_files::previous_of(checkpoint);
    read(checkpoint).or_else(|problem| {
        if !previous.exists() {
            return Err(Failure::Input(problem));
        }
        output::note(&format!("warning: {problem}; going on from {}", previous.display()));
        read(&previous).map_err(Failure::Input)
    })
}

/// Generation after generation, each with its checkpoint, until the time is over or Ctrl-C.
fn learn(
    training: &mut Training,
    environments: &[&dyn Environment],
    args: &TrainPlacementArgs,
    threads: usize,
    checkpoint: &Path,
    stop: &AtomicBool,
    begun: Instant,
) -> Result<(), Failure> {
    let line = output::live_line();
    let seconds = if args.generations.is_some() { f64::INFINITY } else { args.minutes * 60.0 };
    let mut longest = 0.0_f64;
    // The last generation must end within the time.
    while !training.is_over()
        && begun.elapsed().as_secs_f64() + longest < seconds
        && !stop.load(Ordering::Relaxed)
    {
        let since = Instant::now();
        let record = training.next_generation(environments, threads).clone();
        model_files::replace(checkpoint, training.to_checkpoint().as_bytes(), true)?;
        longest = longest.max(since.elapsed().as_secs_f64());
        let left = seconds - begun.elapsed().as_secs_f64();
        let left = if left.is_finite() { format!(", {left:.0} s left") } else { String::new() };
        line.set_message(format!(
            "generation {}: best {:.3}, mean {:.3}, centre so far {:.3}{left}",
            record.generation,
            record.best,
            record.mean,
            training.best_fitness()
        ));
        line.tick();
    }
    training.check(environments, threads);
    line.finish_and_clear();
    Ok(())
}

fn model_of(training: &Training, args: &TrainPlacementArgs) -> PlacementModel {
    let mut weights = [0.0; WEIGHTS];
    weights.iter_mut().zip(training.best()).for_each(|(to, from)| *to = from);
    let name = args.out.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned());
    let manifest = Manifest {
        command: command_line(),
        trained_on: training.environments().to_vec(),
        training_seeds: training.training_seeds(),
        generations: training.generations(),
        episodes: training.episodes(),
        ..Manifest::untrained(name)
    };
    PlacementModel::from_weights(&weights, manifest)
}

fn text(report: &Report<'_>) -> String {
    format!(
        "{} generations, {} episodes in {:.0} s on {} threads, seed {}. The model against the weights that training \
         began\nwith (serving), on sequences that neither has seen:\n\n{}",
        report.generations,
        report.episodes,
        report.seconds,
        report.threads,
        report.seed,
        policy_gate::text(report.verdict)
    )
}

/// One line per generation.
fn csv(report: &Report<'_>) -> String {
    let line = |r: &lepton_learn::GenerationRecord| {
        let check = r.check.as_ref().map_or_else(String::new, |gains| {
            (gains.iter().sum::<f64>() / gains.len().max(1) as f64).to_string()
        });
        format!("{},{},{},{},{check}\n", r.generation, r.best, r.mean, r.width)
    };
    let lines: String = report.history.iter().map(line).collect();
    format!("generation,best,mean,width,mean_gain_kept_apart\n{lines}")
}
