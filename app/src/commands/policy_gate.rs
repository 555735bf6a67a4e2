//! `lepton policy compare` and `promote`: two models on the same sequences, and the gate between them.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use lepton_core::decide::guard::Gate;
use lepton_core::decide::policy::{JobsModel, PlacementModel};
use lepton_learn::{Environment, KeptApart, LeftOut, Verdict, kept_apart};
use lepton_sim::experiment::jobs::JobsEnvironment;

use super::learning_jobs::{self, JOBS_UNIT};
use super::learning_workloads::{as_learning_sees_them, environments};
use super::model_files;
use super::simulate_placement::threads;
use super::verdict_text::{PLACEMENT_UNIT, text};
use crate::cli_train::{CompareArgs, ComparisonArgs, DemoteArgs, GateArgs, PromoteArgs};
use crate::cli_train_jobs::{CompareJobsArgs, JobsGateArgs, PromoteJobsArgs};
use crate::failure::Failure;
use crate::output::{self, OutputFormat};
use crate::result_files::{Overwrite, ResultFile, ResultFiles, previous_of};

pub(crate) fn compare(args: &CompareArgs) -> Result<(), Failure> {
    let candidate = model_files::read(&args.candidate)?;
    let serving = args.serving.as_deref().map_or_else(|| Ok(PlacementModel::shipped()), model_files::read)?;
    print(&judge(&candidate, &serving, &args.gate)?, PLACEMENT_UNIT, args.gate.run.output)
}

pub(crate) fn compare_jobs(args: &CompareJobsArgs) -> Result<(), Failure> {
    let candidate = model_files::read_jobs(&args.candidate)?;
    let serving = args.serving.as_deref().map_or_else(|| Ok(JobsModel::shipped()), model_files::read_jobs)?;
    print(&judge_jobs(&candidate, &serving, &args.gate)?, JOBS_UNIT, args.gate.run.output)
}

pub(crate) fn promote(args: &PromoteArgs) -> Result<(), Failure> {
    enough_sequences(&args.gate.run)?;
    let place = place(&args.candidate, &args.serving)?;
    let candidate = model_files::read(&args.candidate)?;
    let serving =
        if args.serving.exists() { model_files::read(&args.serving)? } else { PlacementModel::shipped() };
    let verdict = judge(&candidate, &serving, &args.gate)?;
    print(&verdict, PLACEMENT_UNIT, args.gate.run.output)?;
    put_in_place(&verdict, &candidate.to_bytes(), &place)
}

pub(crate) fn promote_jobs(args: &PromoteJobsArgs) -> Result<(), Failure> {
    enough_sequences(&args.gate.run)?;
    let place = place(&args.candidate, &args.serving)?;
    let candidate = model_files::read_jobs(&args.candidate)?;
    let serving =
        if args.serving.exists() { model_files::read_jobs(&args.serving)? } else { JobsModel::shipped() };
    let verdict = judge_jobs(&candidate, &serving, &args.gate)?;
    print(&verdict, JOBS_UNIT, args.gate.run.output)?;
    put_in_place(&verdict, &candidate.to_bytes(), &place)
}

/// The place of the serving model, which must be able to change before it is judged.
fn place(candidate: &Path, serving: &Path) -> Result<ResultFile, Failure> {
    ResultFiles::beside_inputs([("the candidate", Some(candidate))]).claim(
        "--serving",
        serving,
        Overwrite::Yes,
    )
}

/// Makes the candidate the serving model if the gate lets it through.
fn put_in_place(verdict: &Verdict, candidate: &[u8], serving: &ResultFile) -> Result<(), Failure> {
    let path = serving.path().display();
    if !verdict.promoted {
        return Err(Failure::Other(anyhow::anyhow!("not promoted: {path} stays")));
    }
    serving.write_keeping_previous(|out| out.write_all(candidate))?;
    output::note(&format!("promoted: {path} now serves"));
    Ok(())
}

/// Both files are read first, so that nothing serves that cannot.
pub(crate) fn demote(args: &DemoteArgs) -> Result<(), Failure> {
    let serving = model_files::read_any(&args.serving)?;
    let previous = previous_of(&args.serving);
    if !previous.exists() {
        return Err(Failure::Input(format!(
            "{}: there is no model that served before. Maybe remove {}: the model that Lepton comes with serves then",
            previous.display(),
            args.serving.display()
        )));
    }
    let before = model_files::read_any(&previous)?;
    let (serving, served_before) = (serving.manifest(), before.manifest());
    if serving.kind != served_before.kind {
        return Err(Failure::Input(format!(
            "{}: is a model of kind `{}`, expected `{}` as the one that serves",
            previous.display(),
            served_before.kind,
            serving.kind
        )));
    }
    // The old file becomes the previous one.
    place(&previous, &args.serving)?.write_keeping_previous(|out| out.write_all(&before.to_bytes()))?;
    output::note(&format!(
        "demoted: {} serves in the place of {}, which is kept as {}",
        served_before.name,
        serving.name,
        previous.display()
    ));
    Ok(())
}

fn judge(candidate: &PlacementModel, serving: &PlacementModel, args: &GateArgs) -> Result<Verdict, Failure> {
    let environments = environments(&args.workload)?;
    let all = as_learning_sees_them(&environments);
    compared(&candidate.weights(), &serving.weights(), &all, &args.run)
}

fn judge_jobs(candidate: &JobsModel, serving: &JobsModel, args: &JobsGateArgs) -> Result<Verdict, Failure> {
    let seeds = &args.run.seeds.0;
    let to_compare = |environment: &JobsEnvironment| {
        let wrong = |e| {
            let shorter = "Maybe take fewer of --seed, a shorter --length, or name other --parts";
            Failure::Input(format!("{}: {e}. {shorter}", environment.name()))
        };
        environment.to_compare(seeds).map_err(wrong)
    };
    let environments: Vec<JobsEnvironment> =
        learning_jobs::environments(&args.jobs)?.iter().map(to_compare).collect::<Result<_, _>>()?;
    let all: Vec<&dyn Environment> = environments.iter().map(|e| e as &dyn Environment).collect();
    compared(candidate.weights(), serving.weights(), &all, &args.run)
}

/// The verdict on the workloads that have new sequences.
fn compared(
    candidate: &[f32],
    serving: &[f32],
    environments: &[&dyn Environment],
    args: &ComparisonArgs,
) -> Result<Verdict, Failure> {
    let KeptApart { environments, left_out } = kept_apart(environments);
    for LeftOut { environment, reason } in left_out {
        output::note(&format!("warning: {environment} is left out: {reason}"));
    }
    Ok(lepton_learn::compare(candidate, serving, &environments, &args.seeds.0, threads(args.threads)))
}

/// Promotion needs enough sequences, whatever they show.
fn enough_sequences(args: &ComparisonArgs) -> Result<(), Failure> {
    let (asked, least) = (args.seeds.0.len(), Gate::default().pairs_least);
    if asked >= least {
        return Ok(());
    }
    Err(Failure::Input(format!(
        "--seed names {asked} sequence{}, expected at least {least} to promote a model on. Maybe `--seed 1..=10`",
        if asked == 1 { "" } else { "s" }
    )))
}

fn print(verdict: &Verdict, unit: &str, format: OutputFormat) -> Result<(), Failure> {
    match format {
        OutputFormat::Table => output::print(&text(verdict, unit))?,
        OutputFormat::Json => output::print_json(verdict)?,
        OutputFormat::Csv => {
            let mut out = String::from("workload,candidate,serving,best_rule,gain,gain_half_width\n");
            for c in &verdict.comparisons {
                let (gain, half) = (c.gain, c.gain_half_width.map_or_else(String::new, |h| h.to_string()));
                let _ = writeln!(
                    out,
                    "{},{},{},{},{gain},{half}",
                    c.environment, c.candidate, c.serving, c.best_rule
                );
            }
            output::print(&out)?;
        }
    }
    Ok(())
}
