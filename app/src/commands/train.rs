//! A training, whatever it is of: starts or resumes it, goes on until the time is over, compares, writes the model.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::Context;
use lepton_core::decide::policy::Manifest;
use lepton_learn::{
    Comparison, Environment, HeldOut, Learner, TrainOptions, Training, Verdict, begin_learner, resume_learner,
};
use lepton_sim::readers::{in_plain_words, read_whole_text};
use lepton_sim::report::training_html;
use serde::Serialize;

use super::policy_gate;
use super::simulate_placement::{command_line, threads};
use crate::cli_train::TrainArgs;
use crate::failure::Failure;
use crate::output::{self, OutputFormat};
use crate::result_files::{Overwrite, ResultFile, ResultFiles, previous_of, with_ending};
use crate::stop;

/// Longest file of hyper-parameters, bytes.
const CONFIG_BYTES_MAX: u64 = 1 << 20;
/// Longest checkpoint, bytes.
const CHECKPOINT_BYTES_MAX: u64 = 1 << 30;

/// Sequences that the result is compared on with its start; nobody has seen them before.
const FINAL_SEEDS: std::ops::Range<u64> = 3_000_000_000..3_000_000_005;

/// What a kind of model brings to its training.
pub(super) struct Trained<'a> {
    /// The weights to start from.
    pub(super) start: Vec<f32>,
    /// How far each weight is worth moving.
    pub(super) scale: Vec<f64>,
    /// Where to learn.
    pub(super) environments: Vec<&'a dyn Environment>,
    /// Where the model goes when nothing else is said.
    pub(super) out: &'a str,
    /// The files that are read, with their options.
    pub(super) inputs: Vec<(&'static str, Option<&'a Path>)>,
    /// What the numbers of a comparison are.
    pub(super) unit: &'a str,
    /// The manifest of the model to start from.
    pub(super) before: Manifest,
    /// A model file of these weights.
    pub(super) to_bytes: fn(&[f32], Manifest) -> Vec<u8>,
}

/// The result as JSON.
#[derive(Debug, Serialize)]
struct Report<'a> {
    tool: &'static str,
    version: &'static str,
    command: String,
    /// What the model decides.
    decides: &'a str,
    /// What the results are; more is better.
    unit: &'a str,
    /// The workloads.
    environments: &'a [String],
    model: &'a Path,
    seed: u64,
    threads: usize,
    generations: u64,
    episodes: u64,
    seconds: f64,
    stopped_early: bool,
    /// The result against the weights that training started from; none when it was stopped before that.
    verdict: Option<&'a Verdict>,
    history: &'a [lepton_learn::GenerationRecord],
    /// The result, its start and every fixed rule on the same sequences; only with a report page.
    held_out: Option<HeldOut>,
}

/// A training, and the learner that takes part in it if the method has one.
struct TakingPart {
    training: Training,
    learner: Option<Box<dyn Learner>>,
}

/// Trains, with progress on stderr and the result on stdout.
pub(super) fn run(trained: &Trained<'_>, args: &TrainArgs) -> Result<(), Failure> {
    let begun = Instant::now();
    let threads = threads(args.threads);
    let options = options(args)?;
    let environments = trained.environments.as_slice();
    let mut files = ResultFiles::beside_inputs(trained.inputs.iter().copied());
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from(trained.out));
    let checkpoint = args.checkpoint.clone().unwrap_or_else(|| with_ending(&out, ".checkpoint"));
    let overwrite = if args.force || args.resume { Overwrite::Yes } else { Overwrite::No };
    let model = files.claim("--model", &out, overwrite)?;
    let checkpoint = files.claim("--checkpoint", &checkpoint, Overwrite::Yes)?;
    let page = files.claim_if_given("--report", args.report.as_deref())?;
    let mut taking_part = if args.resume {
        let mut taking_part = resume(checkpoint.path(), trained.start.len(), environments)?;
        taking_part.training.end_after(args.generations.unwrap_or(0));
        taking_part
    } else {
        let learner = begin_learner(&options, &trained.start, environments, args.seed);
        let learner = learner.map_err(|e| Failure::Input(e.to_string()))?;
        let (start, scale) = (&trained.start, trained.scale.clone());
        let training = Training::start(start, scale, options, args.seed, environments, threads);
        TakingPart { training, learner }
    };
    let stop = stop::flag();
    learn(&mut taking_part, environments, args, threads, &checkpoint, stop, begun)?;
    let stopped = || stop.load(Ordering::Relaxed);
    let training = taking_part.training;

    let seeds: Vec<u64> = FINAL_SEEDS.collect();
    let weights = training.best();
    let compare = || lepton_learn::compare(&weights, &trained.start, environments, &seeds, threads);
    // A comparison that is stopped is none.
    let verdict = (!stopped()).then(compare).filter(|_| !stopped());
    let manifest = manifest(trained, &training, verdict.as_ref(), &out);
    if files.write(Some(&model), |to| to.write_all(&(trained.to_bytes)(&weights, manifest))) {
        output::note(&format!("model: {}", out.display()));
    }
    let held_out = (args.report.is_some() && !stopped()).then(|| {
        output::note("report: every fixed rule plays the sequences kept apart");
        let policies = [("learned", &weights[..]), ("start", &trained.start[..])];
        lepton_learn::held_out(&policies, environments, &seeds, threads)
    });
    let stopped_early = stopped();
    let held_out = held_out.filter(|_| !stopped_early);
    let report = Report {
        tool: "lepton",
        version: env!("CARGO_PKG_VERSION"),
        command: command_line(),
        decides: &trained.before.kind,
        unit: trained.unit,
        environments: training.environments(),
        model: &out,
        seed: args.seed,
        threads,
        generations: training.generations(),
        episodes: training.episodes(),
        seconds: begun.elapsed().as_secs_f64(),
        stopped_early,
        verdict: verdict.as_ref(),
        history: training.history(),
        held_out,
    };
    if page.is_some() {
        let result = serde_json::to_value(&report).context("cannot write the report as JSON")?;
        files.write_page(page.as_ref(), &training_html(&result));
    }
    match args.output {
        OutputFormat::Json => output::print_json(&report)?,
        OutputFormat::Table => output::print(&text(&report, trained.unit))?,
        OutputFormat::Csv => output::print(&csv(&report))?,
    }
    files.end()?;
    if stopped_early { Err(Failure::Stopped) } else { Ok(()) }
}

fn options(args: &TrainArgs) -> Result<TrainOptions, Failure> {
    let mut options = match &args.config {
        None => TrainOptions::default(),
        Some(path) => {
            let wrong = |problem: String| Failure::Input(format!("{}: {problem}", path.display()));
            let text = read_whole_text(path, CONFIG_BYTES_MAX)?;
            let options: TrainOptions =
                toml::from_str(&text).map_err(|e| wrong(in_plain_words(e.to_string().trim_end())))?;
            options.check().map_err(wrong)?;
            options
        }
    };
    if let Some(generations) = args.generations {
        options.generations_max = generations;
    }
    if let Some(method) = args.method {
        options.method = method.into();
    }
    Ok(options)
}

/// The training of the checkpoint, or of the one before it when that is damaged.
fn resume(
    checkpoint: &Path,
    weights: usize,
    environments: &[&dyn Environment],
) -> Result<TakingPart, Failure> {
    let names: Vec<&str> = environments.iter().map(|e| e.name()).collect();
    let read = |path: &Path| -> Result<TakingPart, String> {
        let text = read_whole_text(path, CHECKPOINT_BYTES_MAX).map_err(|e| e.to_string())?;
        let wrong = |problem: &dyn std::fmt::Display| format!("{} {problem}", path.display());
        let training = Training::from_checkpoint(&text, weights, &names).map_err(|e| wrong(&e))?;
        let learner = Training::learner_of_checkpoint(&text).map_err(|e| wrong(&e))?;
        let learner = resume_learner(learner, environments).map_err(|e| wrong(&e))?;
        Ok(TakingPart { training, learner })
    };
    let previous = previous_of(checkpoint);
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
    TakingPart { training, learner }: &mut TakingPart,
    environments: &[&dyn Environment],
    args: &TrainArgs,
    threads: usize,
    checkpoint: &ResultFile,
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
        let before = training.clone();
        let taking_part = learner.as_mut().map(|l| &mut **l as &mut dyn Learner);
        let record = training.next_generation_with(taking_part, environments, threads).clone();
        if stop.load(Ordering::Relaxed) {
            // What was stopped in the middle has not been.
            *training = before;
            break;
        }
        let state = learner.as_ref().map(|l| l.to_text());
        let text = training.to_checkpoint_with(state.as_deref());
        checkpoint.write_keeping_previous(|out| out.write_all(text.as_bytes()))?;
        longest = longest.max(since.elapsed().as_secs_f64());
        let left = seconds - begun.elapsed().as_secs_f64();
        let left = if left.is_finite() { format!(", {left:.0} s left") } else { String::new() };
        let rank = record.learner.map_or_else(String::new, |l| format!(", learner's rank {}", l.rank));
        line.set_message(format!(
            "generation {}: best {:.3}, mean {:.3}, centre so far {:.3}{rank}{left}",
            record.generation,
            record.best,
            record.mean,
            training.best_fitness()
        ));
        line.tick();
    }
    if !stop.load(Ordering::Relaxed) {
        training.check_with(learner.as_deref(), environments, threads);
    }
    line.finish_and_clear();
    Ok(())
}

/// Where the model comes from: from this training, and from those of the model that it started from.
fn manifest(trained: &Trained<'_>, training: &Training, verdict: Option<&Verdict>, out: &Path) -> Manifest {
    let before = &trained.before;
    let joined = |before: &str, now: String, between: &str| {
        if before.is_empty() { now } else { format!("{before}{between}{now}") }
    };
    let gain = |c: &Comparison| (format!("gain_over_best_rule {}", c.environment), c.candidate - c.best_rule);
    let mut trained_on = before.trained_on.clone();
    trained_on.extend(training.environments().iter().filter(|e| !before.trained_on.contains(e)).cloned());
    let mut figures = before.figures.clone();
    figures.extend(verdict.iter().flat_map(|v| &v.comparisons).map(gain));
    Manifest {
        name: out.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned()),
        made_by: format!("lepton {}", env!("CARGO_PKG_VERSION")),
        command: joined(&before.command, command_line(), " && "),
        trained_on,
        training_seeds: joined(&before.training_seeds, training.training_seeds(), "; "),
        generations: before.generations + training.generations(),
        episodes: before.episodes + training.episodes(),
        figures,
        ..before.clone()
    }
}

fn text(report: &Report<'_>, unit: &str) -> String {
    let compared = match report.verdict {
        Some(verdict) => format!(
            "The model against the weights that training began\nwith (serving), on sequences that neither has \
             seen:\n\n{}",
            policy_gate::text(verdict, unit)
        ),
        None => "It was stopped: the\nmodel is the best so far and was not compared.\n".to_owned(),
    };
    format!(
        "{} generations, {} episodes in {:.0} s on {} threads, seed {}. {compared}",
        report.generations, report.episodes, report.seconds, report.threads, report.seed
    )
}

/// One line per generation.
fn csv(report: &Report<'_>) -> String {
    let line = |r: &lepton_learn::GenerationRecord| {
        let check = r.check.as_ref().map_or_else(String::new, |gains| {
            (gains.iter().sum::<f64>() / gains.len().max(1) as f64).to_string()
        });
        let rank = r.learner.map_or_else(String::new, |l| l.rank.to_string());
        format!("{},{},{},{},{check},{rank}\n", r.generation, r.best, r.mean, r.width)
    };
    let lines: String = report.history.iter().map(line).collect();
    format!("generation,best,mean,width,mean_gain_kept_apart,learner_rank\n{lines}")
}
