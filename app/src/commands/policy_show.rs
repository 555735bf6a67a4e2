//! `lepton policy show`: what is in a model.

use std::fmt::Write as _;

use lepton_core::decide::policy::{FEATURES, PlacementModel, TASK_KINDS};

use super::model_files;
use crate::cli_train::ShowArgs;
use crate::failure::Failure;
use crate::output::{self, OutputFormat};

pub(crate) fn run(args: &ShowArgs) -> Result<(), Failure> {
    let model = args.model.as_deref().map_or_else(|| Ok(PlacementModel::shipped()), model_files::read)?;
    let (weights, names) = (model.weights(), PlacementModel::weight_names());
    match args.output {
        OutputFormat::Table => output::print(&text(&model))?,
        OutputFormat::Json => {
            let named: Vec<_> = names
                .iter()
                .zip(weights)
                .map(|(name, weight)| serde_json::json!({ "name": name, "weight": weight }))
                .collect();
            output::print_json(&serde_json::json!({ "manifest": model.manifest, "weights": named }))?;
        }
        OutputFormat::Csv => {
            let lines: String = names.iter().zip(weights).map(|(name, w)| format!("{name},{w}\n")).collect();
            output::print(&format!("weight,value\n{lines}"))?;
        }
    }
    Ok(())
}

fn text(model: &PlacementModel) -> String {
    let m = &model.manifest;
    let mut text = String::new();
    let _ = writeln!(text, "{}: decides {}, made by {}", m.name, m.kind, m.made_by);
    let _ = writeln!(text, "command:     {}", m.command);
    let _ = writeln!(text, "trained on:  {}", m.trained_on.join(", "));
    let _ = writeln!(text, "seeds:       {}", m.training_seeds);
    let _ = writeln!(text, "training:    {} generations, {} episodes", m.generations, m.episodes);
    for (name, value) in &m.figures {
        let _ = writeln!(text, "{name}: {value:.3}");
    }
    let mut header = vec!["feature"];
    header.extend(TASK_KINDS);
    let mut table = output::table(&header);
    let weights = model.weights();
    for (i, feature) in FEATURES.iter().enumerate() {
        let of_kind = |kind: usize| format!("{:.3}", weights[kind * FEATURES.len() + i]);
        table.add_row(std::iter::once((*feature).to_owned()).chain((0..TASK_KINDS.len()).map(of_kind)));
    }
    let _ = writeln!(text, "{table}");
    for (name, weight) in
        PlacementModel::weight_names().iter().zip(weights).skip(TASK_KINDS.len() * FEATURES.len())
    {
        let _ = writeln!(text, "{name}: {weight:.3}");
    }
    text
}
