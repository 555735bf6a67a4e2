//! The `lepton` command: reads arguments, wires the crates together, prints results.

mod against;
mod by_kind;
mod cli;
mod cli_execute;
mod cli_forecast;
mod cli_generate;
mod cli_jobs;
mod cli_rebalance;
mod cli_risk;
mod cli_serve;
mod cli_snapshot;
mod cli_train;
mod cli_train_jobs;
mod cli_workload;
mod clock;
mod columns;
mod commands;
mod failure;
mod forms;
mod kubectl;
mod log;
mod numbers;
mod objective_file;
mod output;
mod recordings;
mod result_files;
mod seeds;
mod serve;
mod server_address;
mod spellings;
mod stop;
mod token_file;
mod toml_file;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::FromArgMatches;
use clap::error::ErrorKind;

use crate::failure::Failure;

/// A turn of a large cluster makes and drops hundreds of thousands of small values.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let ended = run();
    kubectl::end();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run() -> Result<(), Failure> {
    stop::listen()?;
    let mut called: Vec<OsString> = std::env::args_os().collect();
    if kubectl::is_called(called.first()) {
        match kubectl::words(&called)? {
            Some(words) => called = words,
            None => return Ok(()),
        }
    }
    let words = by_kind::for_kind_of_model(spellings::with_numbers_as_values(called.into_iter()));
    let parsed = cli::command().try_get_matches_from(&words);
    let matches = parsed.unwrap_or_else(|e| match e.kind() {
        ErrorKind::ValueValidation => {
            output::note(spellings::in_plain_words(&e.to_string()).trim_end());
            kubectl::end();
            std::process::exit(e.exit_code())
        }
        // Help, versions and other usage errors are printed by the parser.
        _ => {
            kubectl::end();
            e.exit()
        }
    });
    spellings::remarks(&words).iter().for_each(|remark| output::note(remark));
    forms::check(&matches)?;
    commands::run(cli::Cli::from_arg_matches(&matches).unwrap_or_else(|e| e.exit()))
}
