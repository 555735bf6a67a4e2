//! The `lepton` command: reads arguments, wires the crates together, prints results.

mod cli;
mod cli_generate;
mod cli_jobs;
mod cli_rebalance;
mod cli_risk;
mod cli_train;
mod cli_train_jobs;
mod cli_workload;
mod clock;
mod commands;
mod failure;
mod objective_file;
mod output;
mod result_files;
mod seeds;
mod stop;

use std::process::ExitCode;

use clap::Parser;

use crate::failure::Failure;

fn main() -> ExitCode {
    // Clap itself prints usage errors and leaves with 2.
    let cli = cli::Cli::parse();
    match stop::listen().map_err(Failure::from).and_then(|()| commands::run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
