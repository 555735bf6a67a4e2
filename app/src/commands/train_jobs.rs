//! `lepton train jobs`: reads traces and invents machines, trains the order of jobs on them.

use std::path::Path;

use lepton_core::decide::policy::JobsModel;
use lepton_learn::Environment;
use lepton_sim::experiment::jobs::JobsEnvironment;

use super::learning_jobs::{JOBS_UNIT, environments};
use super::model_files;
use super::train::{self, Trained};
use crate::cli_train::TrainArgs;
use crate::cli_train_jobs::TrainJobsArgs;
use crate::failure::Failure;

pub(crate) fn run(args: &TrainJobsArgs) -> Result<(), Failure> {
    let start = start(&args.train)?;
    let environments = environments(&args.jobs)?;
    let traces = args.jobs.trace.iter().map(|path| ("--trace", Some(path.as_path())));
    let kinds: Vec<usize> = environments.iter().map(JobsEnvironment::queue_kind).collect();
    let trained = Trained {
        start: start.weights().to_vec(),
        scale: JobsModel::weight_scales(&kinds).into_iter().map(f64::from).collect(),
        environments: environments.iter().map(|e| e as &dyn Environment).collect(),
        out: "jobs.safetensors",
        inputs: traces.chain(args.train.inputs()).collect(),
        unit: JOBS_UNIT,
        before: start.manifest,
        to_bytes: |weights, manifest| {
            let model = JobsModel::from_weights(weights, manifest);
            model.expect("training keeps the number of weights").to_bytes()
        },
    };
    train::run(&trained, &args.train)
}

fn start(args: &TrainArgs) -> Result<JobsModel, Failure> {
    match args.from.as_deref().unwrap_or(train::DEFAULT_START) {
        _ if args.adapt => Ok(JobsModel::shipped()),
        "zero" => Ok(JobsModel::untrained()),
        "guess" => Ok(JobsModel::guess()),
        "shipped" => Ok(JobsModel::shipped()),
        file => model_files::read_jobs(Path::new(file)),
    }
}
