//! `lepton policy compare` and `promote`: two models on the same sequences, and the gate between them.

use std::fmt::Write as _;

use lepton_core::decide::policy::PlacementModel;
use lepton_learn::Verdict;

use super::learning_workloads::{as_learning_sees_them, environments};
use super::model_files;
use super::simulate_placement::threads;
use crate::cli_train::{CompareArgs, DemoteArgs, GateArgs, PromoteArgs};
use crate::failure::Failure;
use crate::output::{self, OutputFormat};

pub(crate) fn compare(args: &CompareArgs) -> Result<(), Failure> {
    let candidate = model_files::read(&args.candidate)?;
    let serving = args.serving.as_deref().map_or_else(|| Ok(PlacementModel::shipped()), model_files::read)?;
    print(&judge(&candidate, &serving, &args.gate)?, args.gate.output)
}

pub(crate) fn promote(args: &PromoteArgs) -> Result<(), Failure> {
    let candidate = model_files::read(&args.candidate)?;
    let serving =
        if args.serving.exists() { model_files::read(&args.serving)? } else { PlacementModel::shipped() };
    let verdict = judge(&candidate, &serving, &args.gate)?;
    print(&verdict, args.gate.output)?;
    if !verdict.promoted {
        return Err(Failure::Other(anyhow::anyhow!("not promoted: {} stays", args.serving.display())));
    }
    model_files::replace(&args.serving, &candidate.to_bytes(), true)?;
    output::note(&format!("promoted: {} now serves", args.serving.display()));
    Ok(())
}

/// Both files are read first, so that nothing serves that cannot.
pub(crate) fn demote(args: &DemoteArgs) -> Result<(), Failure> {
    let serving = model_files::read(&args.serving)?;
    let previous = model_files::previous_of(&args.serving);
    if !previous.exists() {
        return Err(Failure::Input(format!(
            "{}: there is no model that served before. Maybe remove {}: the model that Lepton comes with serves then",
            previous.display(),
            args.serving.display()
        )));
    }
    let before = model_files::read(&previous)?;
    // The old file becomes the previous one.
    model_files::replace(&args.serving, &before.to_bytes(), true)?;
    output::note(&format!(
        "demoted: {} serves in the place of {}, which is kept as {}",
        before.manifest.name,
        serving.manifest.name,
        previous.display()
    ));
    Ok(())
}

fn judge(candidate: &PlacementModel, serving: &PlacementModel, args: &GateArgs) -> Result<Verdict, Failure> {
    let environments = environments(&args.workload)?;
    Ok(lepton_learn::compare(
        &candidate.weights(),
        &serving.weights(),
        &as_learning_sees_them(&environments),
        &args.seeds.0,
        threads(args.threads),
    ))
}

fn print(verdict: &Verdict, format: OutputFormat) -> Result<(), Failure> {
    match format {
        OutputFormat::Table => output::print(&text(verdict, PLACEMENT_UNIT))?,
        OutputFormat::Json => output::print_json(verdict)?,
        OutputFormat::Csv => {
            let mut out = String::from("workload,candidate,serving,best_rule,gain,gain_half_width\n");
            for c in &verdict.comparisons {
                let (gain, half) = (c.gain, c.gain_half_width);
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

/// What the numbers of a comparison of placement models are.
pub(super) const PLACEMENT_UNIT: &str = "Percent of the devices allocated when 100% have been asked for";

/// The table for people; `unit` says what its numbers are.
pub(super) fn text(verdict: &Verdict, unit: &str) -> String {
    let mut table = output::table(&["workload", "best rule", "serving", "candidate", "gain"]);
    for c in &verdict.comparisons {
        let gain = format!("{:+.2} ±{:.2}", c.gain, c.gain_half_width);
        let numbers = [c.best_rule, c.serving, c.candidate].map(|v| format!("{v:.2}"));
        table.add_row(std::iter::once(c.environment.clone()).chain(numbers).chain([gain]));
    }
    let better = if verdict.promoted { "better" } else { "not better" };
    format!(
        "{table}\n{unit}; gain: candidate less serving model, sequence\nby sequence, with its 95% interval. In the mean {:+.3}: the candidate is {better}.\n",
        verdict.gain
    )
}
