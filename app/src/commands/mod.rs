//! The commands, one file each.

mod client;
mod completion;
mod config;
mod demo;
mod execute;
mod forecast;
mod forecast_output;
mod generate_reassignment;
mod jobs_result;
mod jobs_workload;
mod learning_jobs;
mod learning_workloads;
mod ledger;
mod load;
pub(crate) mod model_files;
mod placement_snapshots;
mod plan;
mod policy_candidates;
mod policy_gate;
mod policy_list;
mod policy_show;
mod reading;
mod rebalance;
mod rebalance_report;
mod rebalance_snapshot;
mod rebalance_snapshot_report;
mod risk;
mod risk_counters;
mod risk_logs;
mod risk_telemetry;
mod serve;
mod simulate_faults;
mod simulate_jobs;
mod simulate_placement;
mod simulate_replay;
mod snapshot;
mod token;
mod train;
mod train_jobs;
mod train_placement;
mod verdict_text;
mod whatif;

use crate::cli::{Cli, Command, Policy, Simulate, Train};
use crate::cli_generate::Generate;
use crate::failure::Failure;

/// Runs the command.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Demo(args) => demo::run(&args),
        Command::Simulate(Simulate::Placement(args)) => simulate_placement::run(&args),
        Command::Simulate(Simulate::Faults(args)) => simulate_faults::run(&args),
        Command::Simulate(Simulate::Jobs(args)) => simulate_jobs::run(&args),
        Command::Simulate(Simulate::Replay(args)) => simulate_replay::run(&args),
        Command::Snapshot(args) => snapshot::run(&args),
        Command::Rebalance(args) => rebalance::run(&args),
        Command::Execute(args) => execute::run(&args),
        Command::Risk(args) => risk::run(&args),
        Command::Forecast(args) => forecast::run(&args),
        Command::Train(Train::Placement(args)) => train_placement::run(&args),
        Command::Train(Train::Jobs(args)) => train_jobs::run(&args),
        Command::Generate(Generate::Reassignment(args)) => generate_reassignment::run(&args),
        Command::Policy(Policy::List { output }) => policy_list::run(output),
        Command::Policy(Policy::Show(args)) => policy_show::run(&args),
        Command::Policy(Policy::Compare(args)) => policy_gate::compare(&args),
        Command::Policy(Policy::CompareJobs(args)) => policy_gate::compare_jobs(&args),
        Command::Policy(Policy::Promote(args)) => policy_gate::promote(&args),
        Command::Policy(Policy::PromoteJobs(args)) => policy_gate::promote_jobs(&args),
        Command::Policy(Policy::Demote(args)) => policy_gate::demote(&args),
        Command::Policy(Policy::Candidates(args)) => policy_candidates::list(&args),
        Command::Policy(Policy::PromoteCandidate(args)) => policy_candidates::promote(&args),
        Command::Policy(Policy::DemoteCandidate(args)) => policy_candidates::demote(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Status(args) => client::status(&args),
        Command::Load(args) => load::run(&args),
        Command::Ledger(args) => ledger::run(&args),
        Command::Get(args) => client::get(&args),
        Command::Explain(args) => client::explain(&args),
        Command::Plan(command) => plan::run(&command),
        Command::Whatif(args) => whatif::run(&args),
        Command::Trial(args) => client::trial(&args),
        Command::Token(command) => token::run(&command),
        Command::Config(command) => config::run(&command),
        Command::Completion { shell } => completion::run(shell),
    }
}
