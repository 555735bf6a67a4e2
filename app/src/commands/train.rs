//! A training, whatever it is of: starts or resumes it, goes on until the time is over, compares, writes the model.

use lepton_core::model::counted;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::Context;
use lepton_core::decide::policy::Manifest;
use lepton_learn::{
    Comparison, Environment, HeldOut, KeptApart, Learner, LeftOut, TrainOptions, Training, Verdict,
    begin_learner, kept_apart, resume_learner,
};
use lepton_sim::readers::{in_plain_words, read_whole_text};
use lepton_sim::report::training_html;
use serde::Serialize;

use super::simulate_placement::{command_line, threads};
use super::verdict_text;
use crate::cli_train::TrainArgs;
use crate::failure::Failure;
use crate::output::{self, OutputFormat};
use crate::result_files::{FileLock, Overwrite, ResultFile, ResultFiles, previous_of, with_ending};
use crate::stop;

/// Longest file of hyper-parameters, bytes.
const CONFIG_BYTES_MAX: u64 = 1 << 20;
/// Longest checkpoint, bytes.
const CHECKPOINT_BYTES_MAX: u64 = 1 << 30;

/// The start where none is named.
pub(super) const DEFAULT_START: &str = "guess";
/// The seed where none is named.
const DEFAULT_SEED: u64 = 1;
/// Sequences that the result is compared on with its start, where sequences of other seeds are new.
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
    /// The result against the weights that training started from; `None` where nothing is kept apart to compare on, or
    /// when it was stopped.
    verdict: Option<&'a Verdict>,
    /// Workloads of which nothing is kept apart from learning, so that nothing is claimed of them.
    left_out: &'a [LeftOut],
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
    let mut files = ResultFiles::beside_inputs(trained.inputs.iter().copied());
    let Places { model, checkpoint, page, _locks } = places(&mut files, trained, args)?;
    let mut taking_part = match args.resume {
        true => resume(trained, args, checkpoint.path())?,
        false => begin(trained, args, options, threads)?,
    };
    let (environments, stop) = (trained.environments.as_slice(), stop::flag());
    // Without a place for checkpoints learning ends, and what has been learned is kept.
    files.keep_failure(learn(&mut taking_part, environments, args, threads, &checkpoint, stop, begun));
    let training = taking_part.training;

    let seeds: Vec<u64> = FINAL_SEEDS.collect();
    let weights = training.best();
    let KeptApart { environments: apart, left_out } = kept_apart(environments);
    let start = training.start_weights();
    let verdict = lepton_learn::compare(&weights, start, &apart, &seeds, threads);
    // What was cut short is no result.
    let verdict = Some(verdict).filter(|v| v.gain.is_some() && !stop.load(Ordering::Relaxed));
    let held_out = (page.is_some() && verdict.is_some()).then(|| {
        output::note("report: every fixed rule plays the sequences kept apart");
        let policies = [("learned", &weights[..]), ("start", start)];
        lepton_learn::held_out(&policies, &apart, &seeds, threads)
    });
    let stopped_early = stop.load(Ordering::Relaxed);
    let before = training.origin().unwrap_or(&trained.before);
    let manifest = manifest(before, &training, verdict.as_ref(), model.path());
    if files.write(Some(&model), |to| to.write_all(&(trained.to_bytes)(&weights, manifest))) {
        output::note(&format!("model: {}", model.path().display()));
    }
    let report = Report {
        tool: "lepton",
        version: env!("CARGO_PKG_VERSION"),
        command: command_line(),
        decides: &trained.before.kind,
        unit: trained.unit,
        environments: training.environments(),
        model: model.path(),
        seed: training.seed(),
        threads,
        generations: training.generations(),
        episodes: training.episodes(),
        seconds: begun.elapsed().as_secs_f64(),
        stopped_early,
        verdict: verdict.as_ref(),
        left_out: &left_out,
        history: training.history(),
        held_out: held_out.filter(|_| !stopped_early),
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

/// Where the results go.
struct Places {
    model: ResultFile,
    checkpoint: ResultFile,
    page: Option<ResultFile>,
    /// No other training writes there meanwhile.
    _locks: [Option<FileLock>; 2],
}

fn places(files: &mut ResultFiles, trained: &Trained<'_>, args: &TrainArgs) -> Result<Places, Failure> {
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from(trained.out));
    let checkpoint = args.checkpoint.clone().unwrap_or_else(|| with_ending(&out, ".checkpoint"));
    let overwrite = if args.force || args.resume { Overwrite::Yes } else { Overwrite::No };
    let model = files.claim("--model", &out, overwrite)?;
    let checkpoint = files.claim("--checkpoint", &checkpoint, Overwrite::Yes)?;
    let page = files.claim_if_given("--report", args.report.as_deref())?;
    let _locks = [model.lock("training")?, checkpoint.lock("training")?];
    Ok(Places { model, checkpoint, page, _locks })
}

/// A new training.
fn begin(
    trained: &Trained<'_>,
    args: &TrainArgs,
    options: TrainOptions,
    threads: usize,
) -> Result<TakingPart, Failure> {
    let (environments, seed) = (trained.environments.as_slice(), args.seed.unwrap_or(DEFAULT_SEED));
    let learner = begin_learner(&options, &trained.start, environments, seed);
    let learner = learner.map_err(|e| Failure::Input(e.to_string()))?;
    let training =
        Training::start(&trained.start, trained.scale.clone(), options, seed, environments, threads);
    Ok(TakingPart { training: training.with_origin(trained.before.clone()), learner })
}

/// The training of the checkpoint, if it is the one that the command line speaks of.
fn resume(trained: &Trained<'_>, args: &TrainArgs, checkpoint: &Path) -> Result<TakingPart, Failure> {
    let mut taking_part = read_checkpoint(checkpoint, trained.start.len(), &trained.environments)?;
    let training = &mut taking_part.training;
    let refused = |problem: String| {
        Failure::Input(format!("{problem}. Maybe leave that out with --resume, or begin anew without it"))
    };
    let (seed, at) = (training.seed(), checkpoint.display());
    if let Some(asked) = args.seed.filter(|&asked| asked != seed) {
        return Err(refused(format!("--seed {asked}: the training in {at} has seed {seed}")));
    }
    if (args.adapt || args.from.is_some()) && training.start_weights() != trained.start {
        let option = args.from.as_ref().map_or_else(|| "--adapt".to_owned(), |from| format!("--from {from}"));
        return Err(refused(format!("{option}: the training in {at} began with other weights")));
    }
    if let Some((was, now)) = training.other_than(&trained.environments) {
        return Err(Failure::Input(format!(
            "--resume: the training in {at} is over {was}; asked for is {now}. Maybe the options of its workloads \
             were others"
        )));
    }
    output::note(&format!(
        "resuming: seed {seed}, {} done",
        counted(training.generations(), "generation is", "generations are")
    ));
    training.end_after(args.generations.unwrap_or(0));
    Ok(taking_part)
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
fn read_checkpoint(
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

/// Generation after generation, each with its checkpoint, until the time is over, Ctrl-C, or a checkpoint cannot be written.
fn learn(
    TakingPart { training, learner }: &mut TakingPart,
    environments: &[&dyn Environment],
    args: &TrainArgs,
    threads: usize,
    checkpoint: &ResultFile,
    stop: &AtomicBool,
    begun: Instant,
) -> anyhow::Result<()> {
    let line = output::live_line();
    let mut written = Ok(());
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
        let stopped = || stop.load(Ordering::Relaxed);
        let record = training.next_generation_with(taking_part, environments, threads, &stopped).clone();
        if stop.load(Ordering::Relaxed) {
            // A generation that was cut short has not been.
            *training = before;
            break;
        }
        let state = learner.as_ref().map(|l| l.to_text());
        let text = training.to_checkpoint_with(state.as_deref());
        written = checkpoint.write_keeping_previous(|out| out.write_all(text.as_bytes()));
        if written.is_err() {
            break;
        }
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
        let before = training.clone();
        training.check_with(learner.as_deref(), environments, threads);
        if stop.load(Ordering::Relaxed) {
            *training = before;
        }
    }
    line.finish_and_clear();
    written
}

/// Where the model comes from: from this training, and from those of the model that it started from.
fn manifest(before: &Manifest, training: &Training, verdict: Option<&Verdict>, out: &Path) -> Manifest {
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
    let Report { generations, episodes, seconds, threads, seed, verdict, left_out, stopped_early, .. } =
        report;
    let mut text = format!(
        "{}, {} in {seconds:.0} s on {}, seed {seed}.\n",
        counted(*generations, "generation", "generations"),
        counted(*episodes, "episode", "episodes"),
        counted(*threads, "thread", "threads"),
    );
    match verdict {
        Some(verdict) => {
            text += &format!(
                "The model against the weights that training began with (serving), on {} sequences kept apart from\n\
                 learning:\n\n{}",
                verdict.sequences,
                verdict_text::text(verdict, unit)
            );
        }
        None => {
            text += match stopped_early {
                true => "It was stopped before its result was compared: nothing is said of how good it is.\n",
                false => {
                    "No sequence is kept apart from learning: nothing is said of how good the model is.\n"
                }
            };
        }
    }
    for LeftOut { environment, reason } in *left_out {
        text += &format!("{environment}: nothing is kept apart: {reason}.\n");
    }
    text
}

/// One line per generation.
fn csv(report: &Report<'_>) -> String {
    let line = |r: &lepton_learn::GenerationRecord| {
        let check =
            r.check.as_ref().filter(|gains| !gains.is_empty()).map_or_else(String::new, |gains| {
                (gains.iter().sum::<f64>() / gains.len() as f64).to_string()
            });
        let rank = r.learner.map_or_else(String::new, |l| l.rank.to_string());
        format!("{},{},{},{},{check},{rank}\n", r.generation, r.best, r.mean, r.width)
    };
    let lines: String = report.history.iter().map(line).collect();
    format!("generation,best,mean,width,mean_gain_checked,learner_rank\n{lines}")
}
