//! `lepton policy show`: what is in a model.

use lepton_core::model::counted;
use std::fmt::Write as _;

use lepton_core::decide::policy::{JobsModel, Model, PlacementModel};

use super::model_files;
use crate::cli_train::{ModelKind, ShowArgs};
use crate::failure::Failure;
use crate::output::{self, OutputFormat};

pub(crate) fn run(args: &ShowArgs) -> Result<(), Failure> {
    let model = match (&args.model, args.kind) {
        (None, ModelKind::Placement) => Box::new(PlacementModel::shipped()) as Box<dyn Model>,
        (None, ModelKind::Jobs) => Box::new(JobsModel::shipped()),
        (Some(path), _) => model_files::read_any(path)?,
    };
    let (manifest, names, weights) = (model.manifest(), model.weight_names(), model.weights());
    match args.output {
        OutputFormat::Table => output::print(&text(&*model))?,
        OutputFormat::Json => {
            let named: Vec<_> = names
                .iter()
                .zip(&weights)
                .map(|(name, weight)| serde_json::json!({ "name": name, "weight": weight }))
                .collect();
            output::print_json(&serde_json::json!({ "manifest": manifest, "weights": named }))?;
        }
        OutputFormat::Csv => {
            let lines: String = names.iter().zip(&weights).map(|(name, w)| format!("{name},{w}\n")).collect();
            output::print(&format!("weight,value\n{lines}"))?;
        }
    }
    Ok(())
}

fn text(model: &dyn Model) -> String {
    let m = model.manifest();
    let mut text = String::new();
    let _ = writeln!(text, "{}: decides {}, made by {}", m.name, m.kind, m.made_by);
    let _ = writeln!(text, "command:     {}", m.command);
    let _ = writeln!(text, "trained on:  {}", m.trained_on.join(", "));
    let _ = writeln!(text, "seeds:       {}", m.training_seeds);
    let _ = writeln!(
        text,
        "training:    {}, {}",
        counted(m.generations, "generation", "generations"),
        counted(m.episodes, "episode", "episodes")
    );
    for (name, value) in &m.figures {
        let _ = writeln!(text, "{name}: {value:.3}");
    }
    let ([features, columns], weights) = (model.table(), model.weights());
    let header: Vec<&str> = std::iter::once("feature").chain(columns.iter().copied()).collect();
    let mut table = output::table(&header);
    for (i, feature) in features.iter().enumerate() {
        let of_column = |column: usize| format!("{:.3}", weights[column * features.len() + i]);
        table.add_row(std::iter::once((*feature).to_owned()).chain((0..columns.len()).map(of_column)));
    }
    let _ = writeln!(text, "{table}");
    for (name, weight) in model.weight_names().iter().zip(&weights).skip(columns.len() * features.len()) {
        let _ = writeln!(text, "{name}: {weight:.3}");
    }
    text
}
