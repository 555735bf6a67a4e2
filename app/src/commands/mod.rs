//! The commands, one file each.

mod completion;
mod demo;
mod generate_reassignment;
mod jobs_workload;
mod placement_snapshots;
mod policy_list;
mod rebalance;
mod rebalance_report;
mod rebalance_snapshot;
mod simulate_jobs;
mod simulate_placement;

use crate::cli::{Cli, Command, Policy, Simulate};
use crate::cli_generate::Generate;
use crate::failure::Failure;

/// Runs the command.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Demo(args) => demo::run(&args),
        Command::Simulate(Simulate::Placement(args)) => simulate_placement::run(&args),
        Command::Simulate(Simulate::Jobs(args)) => simulate_jobs::run(&args),
        Command::Rebalance(args) => rebalance::run(&args),
        Command::Generate(Generate::Reassignment(args)) => generate_reassignment::run(&args),
        Command::Policy(Policy::List { output }) => policy_list::run(output),
        Command::Completion { shell } => completion::run(shell),
    }
}
