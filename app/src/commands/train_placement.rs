//! `lepton train placement`: reads workloads, trains a placement model on them.

use std::path::Path;

use lepton_core::decide::policy::PlacementModel;

use super::learning_workloads::{as_learning_sees_them, environments};
use super::model_files;
use super::train::{self, Trained};
use super::verdict_text::PLACEMENT_UNIT;
use crate::cli_train::{TrainArgs, TrainPlacementArgs};
use crate::failure::Failure;

pub(crate) fn run(args: &TrainPlacementArgs) -> Result<(), Failure> {
    let start = start(&args.train)?;
    let environments = environments(&args.workload)?;
    let lists = std::iter::once(("--nodes", args.workload.nodes.as_deref()))
        .chain(args.workload.tasks.iter().map(|path| ("--tasks", Some(path.as_path()))));
    let trained = Trained {
        start: start.weights().to_vec(),
        scale: PlacementModel::weight_scales().map(f64::from).to_vec(),
        environments: as_learning_sees_them(&environments),
        out: "placement.safetensors",
        inputs: lists.chain(args.train.inputs()).collect(),
        unit: PLACEMENT_UNIT,
        before: start.manifest,
        to_bytes: |weights, manifest| {
            let model = PlacementModel::from_weights(weights, manifest);
            model.expect("training keeps the number of weights").to_bytes()
        },
    };
    train::run(&trained, &args.train)
}

fn start(args: &TrainArgs) -> Result<PlacementModel, Failure> {
    match args.from.as_deref().unwrap_or(train::DEFAULT_START) {
        _ if args.adapt => Ok(PlacementModel::shipped()),
        "zero" => Ok(PlacementModel::untrained()),
        "guess" => Ok(PlacementModel::guess()),
        "shipped" => Ok(PlacementModel::shipped()),
        file => model_files::read(Path::new(file)),
    }
}
