//! `lepton policy show`: what is in a model.

use std::fmt::Write as _;

use lepton_core::decide::policy::{
    FEATURES, JOB_FEATURES, JobsModel, Manifest, PlacementModel, QUEUE_KINDS, TASK_KINDS,
};

use super::model_files::{self, AnyModel};
use crate::cli_train::{ModelKind, ShowArgs};
use crate::failure::Failure;
use crate::output::{self, OutputFormat};

/// What is shown of a model, whatever its kind.
struct Shown {
    manifest: Manifest,
    names: Vec<String>,
    weights: Vec<f32>,
    /// The features, and what each has a weight for; weights beyond these stand below the table.
    features: &'static [&'static str],
    columns: &'static [&'static str],
}

pub(crate) fn run(args: &ShowArgs) -> Result<(), Failure> {
    let shown = match (&args.model, args.kind) {
        (None, ModelKind::Placement) => placement(&PlacementModel::shipped()),
        (None, ModelKind::Jobs) => jobs(JobsModel::shipped()),
        (Some(path), _) => match model_files::read_any(path)? {
            AnyModel::Placement(model) => placement(&model),
            AnyModel::Jobs(model) => jobs(model),
        },
    };
    let Shown { manifest, names, weights, .. } = &shown;
    match args.output {
        OutputFormat::Table => output::print(&text(&shown))?,
        OutputFormat::Json => {
            let named: Vec<_> = names
                .iter()
                .zip(weights)
                .map(|(name, weight)| serde_json::json!({ "name": name, "weight": weight }))
                .collect();
            output::print_json(&serde_json::json!({ "manifest": manifest, "weights": named }))?;
        }
        OutputFormat::Csv => {
            let lines: String = names.iter().zip(weights).map(|(name, w)| format!("{name},{w}\n")).collect();
            output::print(&format!("weight,value\n{lines}"))?;
        }
    }
    Ok(())
}

fn placement(model: &PlacementModel) -> Shown {
    Shown {
        manifest: model.manifest.clone(),
        names: PlacementModel::weight_names(),
        weights: model.weights().to_vec(),
        features: &FEATURES,
        columns: &TASK_KINDS,
    }
}

fn jobs(model: JobsModel) -> Shown {
    Shown {
        names: JobsModel::weight_names(),
        weights: model.weights().to_vec(),
        manifest: model.manifest,
        features: &JOB_FEATURES,
        columns: &QUEUE_KINDS,
    }
}

fn text(shown: &Shown) -> String {
    let m = &shown.manifest;
    let mut text = String::new();
    let _ = writeln!(text, "{}: decides {}, made by {}", m.name, m.kind, m.made_by);
    let _ = writeln!(text, "command:     {}", m.command);
    let _ = writeln!(text, "trained on:  {}", m.trained_on.join(", "));
    let _ = writeln!(text, "seeds:       {}", m.training_seeds);
    let _ = writeln!(text, "training:    {} generations, {} episodes", m.generations, m.episodes);
    for (name, value) in &m.figures {
        let _ = writeln!(text, "{name}: {value:.3}");
    }
    let Shown { weights, features, columns, .. } = shown;
    let header: Vec<&str> = std::iter::once("feature").chain(columns.iter().copied()).collect();
    let mut table = output::table(&header);
    for (i, feature) in features.iter().enumerate() {
        let of_column = |column: usize| format!("{:.3}", weights[column * features.len() + i]);
        table.add_row(std::iter::once((*feature).to_owned()).chain((0..columns.len()).map(of_column)));
    }
    let _ = writeln!(text, "{table}");
    for (name, weight) in shown.names.iter().zip(weights).skip(columns.len() * features.len()) {
        let _ = writeln!(text, "{name}: {weight:.3}");
    }
    text
}
