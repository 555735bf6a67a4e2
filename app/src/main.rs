//! The `lepton` command: reads arguments, wires the crates together, prints results.

mod cli;
mod cli_generate;
mod cli_jobs;
mod cli_rebalance;
mod cli_train;
mod cli_train_jobs;
mod cli_workload;
mod clock;
mod commands;
mod failure;
mod objective_file;
mod output;
mod seeds;
mod stop;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // Clap itself prints usage errors and leaves with 2.
    let cli = cli::Cli::parse();
    match commands::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
