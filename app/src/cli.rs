//! The command line: commands, options, help.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, CommandFactory, Parser, Subcommand};
use lepton_core::decide::placement_policies::PLACEMENT_POLICIES;
use lepton_core::model::Mode;

use crate::against::Against;
use crate::cli_execute::ExecuteArgs;
use crate::cli_forecast::ForecastArgs;
use crate::cli_generate::Generate;
use crate::cli_jobs::JobsArgs;
use crate::cli_rebalance::RebalanceArgs;
use crate::cli_risk::{FaultsArgs, RiskArgs};
use crate::cli_serve::{
    CandidateArgs, CandidatesArgs, ConfigCommand, ExplainArgs, GetArgs, LedgerArgs, LoadArgs, PlanCommand,
    ServeArgs, StatusArgs, TokenCommand, TrialArgs, WhatIfArgs,
};
use crate::cli_snapshot::{ReplayArgs, SnapshotArgs};
use crate::cli_train::{CompareArgs, DemoteArgs, PromoteArgs, ShowArgs, TrainPlacementArgs};
use crate::cli_train_jobs::{CompareJobsArgs, PromoteJobsArgs, TrainJobsArgs};
use crate::cli_workload::{Generator, TraceFormat, load, nodes_count, request_factor};
use crate::output::OutputFormat;
use crate::seeds::{Seeds, seeds};
use crate::serve::config::{mode_named, speed};

/// Lepton, a learning scheduler for AI clusters: simulates, compares and explains placement decisions.
#[derive(Debug, Parser)]
#[command(name = "lepton", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The definition that the command line is parsed by.
pub(crate) fn command() -> clap::Command {
    negative_numbers(Cli::command())
}

/// A number that begins with a minus sign is a value, and refused as one, not as an unknown option.
fn negative_numbers(command: clap::Command) -> clap::Command {
    let value = |arg: clap::Arg| {
        let takes_values = arg.get_action().takes_values();
        if takes_values { arg.allow_negative_numbers(true) } else { arg }
    };
    command.mut_args(value).mut_subcommands(negative_numbers)
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the loop on a simulated cluster in accelerated time, live
    Demo(DemoArgs),
    /// Run the loop as a service with its HTTP interface
    Serve(Box<ServeArgs>),
    /// How a running service stands
    Status(StatusArgs),
    /// How load stands, stood and is expected to stand on a running service
    Load(LoadArgs),
    /// Where the capacity went on a running service, by node or owner
    Ledger(LedgerArgs),
    /// List nodes, tasks, plans or decisions of a running service
    Get(GetArgs),
    /// Why a running service decided as it did
    Explain(ExplainArgs),
    /// List, show, compare, approve, reject, derive and put off plans of a running service
    #[command(subcommand)]
    Plan(PlanCommand),
    /// What would be if nodes were drained or added, tasks submitted, or another policy served
    Whatif(Box<WhatIfArgs>),
    /// Try to break the simulated cluster of a running service
    Trial(TrialArgs),
    /// Make, list and revoke tokens of a service
    #[command(subcommand)]
    Token(TokenCommand),
    /// Settings of the service: explained, checked, as a schema
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Write a bundle of a service, running or not: hours that it recorded, decisions, plans, and no secrets
    Snapshot(SnapshotArgs),
    /// Replay a workload under one or several policies, compare, report; play recorded hours of a service again
    #[command(subcommand)]
    Simulate(Simulate),
    /// Plan migrations that make a running placement cheaper
    Rebalance(Box<RebalanceArgs>),
    /// Carry a plan out on a simulated cluster and say what became of each step
    Execute(Box<ExecuteArgs>),
    /// Tell which machines are likely to fail, from recorded telemetry
    Risk(Box<RiskArgs>),
    /// Forecast load from recorded series: fit, back-test, predict
    Forecast(Box<ForecastArgs>),
    /// Evolve and train a policy
    #[command(subcommand)]
    Train(Train),
    /// Write generated problem instances as files
    #[command(subcommand)]
    Generate(Generate),
    /// List the policies; show, compare, promote and demote learned ones
    #[command(subcommand)]
    Policy(Policy),
    /// Print a completion script for a shell
    #[command(after_help = "Examples:\n  lepton completion bash > /etc/bash_completion.d/lepton")]
    Completion {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Simulate {
    /// Fill a cluster with tasks that arrive one by one and never leave
    Placement(Box<PlacementArgs>),
    /// Run jobs that come, wait in a queue, run and leave
    Jobs(Box<JobsArgs>),
    /// Let nodes fail at published rates: training time, lemons, chances of failure
    Faults(Box<FaultsArgs>),
    /// Play recorded hours of a service again: the same plans, byte for byte, or the first difference
    Replay(ReplayArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Train {
    /// Learn on which node and devices tasks go
    Placement(Box<TrainPlacementArgs>),
    /// Learn which waiting job goes next, and what starts ahead of it
    Jobs(Box<TrainJobsArgs>),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// List all policies with what they do
    List {
        /// Form of the result on stdout
        #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
        output: OutputFormat,
    },
    /// Show a learned model: where it comes from, and its weights
    Show(ShowArgs),
    /// Play two learned placement models and the best fixed rule on the same sequences
    Compare(Box<CompareArgs>),
    /// The same for two models of the order of jobs
    CompareJobs(Box<CompareJobsArgs>),
    /// Put a placement model in the place of the one that serves, if it is better
    Promote(Box<PromoteArgs>),
    /// The same for a model of the order of jobs
    PromoteJobs(Box<PromoteJobsArgs>),
    /// Put the model back that served before
    Demote(DemoteArgs),
    /// List the placements that a running service has learned, with what the gate said of them
    Candidates(CandidatesArgs),
    /// Let a candidate of a running service serve, if it passes the gate; `promote c3` is the same
    PromoteCandidate(CandidateArgs),
    /// Let the placement of a running service's settings serve again; `demote` without --serving is the same
    DemoteCandidate(CandidatesArgs),
}

#[derive(Debug, Args)]
#[command(
    after_help = "The loop collects, analyzes, decides and executes once a simulated minute: it places what waits,
takes work off hot nodes and clears nodes that show signs of a fault. Beside it the same hours pass
without it. On a terminal it is shown live and is a service: the page and the HTTP interface are at
the address that is printed, and `lepton status`, `get` and `explain` ask it, also when the hours
are over, until Ctrl-C. Elsewhere there is a line for each simulated minute and for each move,
cordon and failure, and with --serve the service as well. What it keeps is in a temporary folder
and goes with it.

Examples:
  lepton demo
  lepton demo --speed 60
  lepton demo --mode recommend --speed 600
  lepton demo --hours 24 --seed 7 > decisions.txt
  lepton demo --hours 24 --seed 1..=20
  lepton demo --nodes-count 500 --records decisions.jsonl"
)]
pub(crate) struct DemoArgs {
    /// Hours that pass
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=8760))]
    pub(crate) hours: u32,
    /// Seed of arrivals, loads and faults; several, as `1..=20` or `1,5,9`, are compared instead of shown [default: drawn]
    #[arg(long = "seed", alias = "seeds", value_name = "SEEDS", value_parser = seeds)]
    pub(crate) seeds: Option<Seeds>,
    /// Nodes of the cluster
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = nodes_count)]
    pub(crate) nodes_count: usize,
    /// Mean device demand as a share of the device capacity
    #[arg(long, default_value_t = lepton_sim::world::WorldConfig::default().load, value_parser = load)]
    pub(crate) load: f64,
    /// Tasks say how long they ask to run: their work times a number drawn evenly from 1 to this [default: they do not say]
    #[arg(long, value_name = "X", value_parser = request_factor)]
    pub(crate) request_factor: Option<f64>,
    /// Model of the order in which waiting tasks are started, with `--request-factor` [default: the one that Lepton comes with]
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    /// What the loop is compared with, over several seeds
    #[arg(long, value_enum, value_name = "KEEPER", default_value = "without-loop")]
    pub(crate) against: Against,
    /// Simulated seconds per second as a service; otherwise time passes as fast as it can [default: 3600]
    #[arg(long, value_name = "X", value_parser = speed)]
    pub(crate) speed: Option<f64>,
    /// As a service: whether plans are carried out as they are made (act) or wait for a person (recommend) [default: act]
    #[arg(long, value_name = "MODE", value_parser = mode_of_demo)]
    pub(crate) mode: Option<Mode>,
    /// Run as a service also where stdout is no terminal
    #[arg(long)]
    pub(crate) serve: bool,
    /// Write every decision record to this file, one JSON document a line
    #[arg(long, value_name = "FILE")]
    pub(crate) records: Option<PathBuf>,
    /// Form of the result on stdout
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub(crate) output: OutputFormat,
}

/// A demo shows plans, so it doesn't only look on.
fn mode_of_demo(name: &str) -> Result<Mode, String> {
    let mode = mode_named(name).ok().filter(|mode| *mode != Mode::Observe);
    mode.ok_or_else(|| "expected recommend or act".to_owned())
}

#[derive(Debug, Args)]
#[command(after_help = "Tasks arrive one by one; each is placed at once or dropped. The score is the share
of the cluster's devices that is allocated when the arrived demand reaches 100% of
their capacity, and again at the end. Inputs may be plain or packed with gzip, xz or
zstd.

Examples:
  lepton simulate placement --generate openb-like
  lepton simulate placement --generate openb-like --nodes-count 10000 \\
      --policy fgd,best-fit --seed 1..=3
  lepton simulate placement --format openb --nodes nodes.csv --tasks pods.csv \\
      --report report.html
  lepton simulate placement --format openb --nodes nodes.csv --tasks pods.csv \\
      --arrivals arrivals.csv.gz --policy random,best-fit,fgd \\
      --seed 42..=51 --baseline fgd --output json
  lepton simulate placement --generate bound-models --generate-seed 7 --nodes-count 256 \\
      --policy lepton,fgd,best-fit
  lepton simulate placement --generate openb-like --policy best-fit --seed 1 \\
      --snapshot-at 100 --snapshot filled.json")]
pub(crate) struct PlacementArgs {
    /// Format of the trace files
    #[arg(
        long,
        value_enum,
        required_unless_present = "generate",
        conflicts_with = "generate",
        requires = "nodes",
        requires = "tasks"
    )]
    pub(crate) format: Option<TraceFormat>,
    /// Node list of the trace
    #[arg(long, value_name = "FILE", requires = "format")]
    pub(crate) nodes: Option<PathBuf>,
    /// Task list of the trace
    #[arg(long, value_name = "FILE", requires = "format")]
    pub(crate) tasks: Option<PathBuf>,
    /// Arrival orders and node ranks by seed; for seeds not in the file they are drawn
    #[arg(long, value_name = "FILE", requires = "format")]
    pub(crate) arrivals: Option<PathBuf>,
    /// Generate the workload instead of reading one
    #[arg(long, value_enum)]
    pub(crate) generate: Option<Generator>,
    /// Nodes of the generated cluster
    #[arg(long, value_name = "N", requires = "generate", conflicts_with = "format",
          default_value_t = lepton_sim::generate::OPENB_NODES, value_parser = nodes_count)]
    pub(crate) nodes_count: usize,
    /// Seed of an invented cluster and its tasks
    #[arg(long, value_name = "N", requires = "generate", default_value_t = 1)]
    pub(crate) generate_seed: u64,
    /// Policies to compare, separated by commas; `lepton policy list` names them [default: all,
    /// `lepton` first]
    #[arg(long, value_name = "A,B,..", value_delimiter = ',', value_parser = placement_policies(&[]),
          hide_possible_values = true)]
    pub(crate) policy: Vec<String>,
    /// Weights of the policy `lepton`, made by `lepton train` [default: those it is shipped with]
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    /// Let the learned policy serve as `lepton` even where a rehearsal on the mix does not show it to be better
    /// than the best fixed rule
    #[arg(long)]
    pub(crate) no_guard: bool,
    /// Seeds: a range `42..=51`, a list `1,5,9`, or one number
    #[arg(long = "seed", alias = "seeds", value_name = "SEEDS", default_value = "42..=46", value_parser = seeds)]
    pub(crate) seeds: Seeds,
    /// Device demand that arrives, as a multiple of the cluster's device capacity
    #[arg(long, default_value_t = 1.3, value_parser = load)]
    pub(crate) load: f64,
    /// Policy that the others are compared with, seed by seed; `none` for no comparison [default: fgd, if
    /// it is among the policies]
    #[arg(long, value_name = "POLICY", value_parser = placement_policies(&["none"]), hide_possible_values = true)]
    pub(crate) baseline: Option<String>,
    /// Threads to use [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Write the cluster as it is when so many percent of its device capacity have been asked for, dropped tasks
    /// included: what `lepton rebalance --snapshot` starts from
    #[arg(long, value_name = "PERCENT", value_parser = snapshot_at)]
    pub(crate) snapshot_at: Option<f64>,
    /// Where to write it; with several runs, policy and seed are added to the name
    #[arg(long, value_name = "FILE", default_value = "snapshot.json", requires = "snapshot_at")]
    pub(crate) snapshot: PathBuf,
    /// Write a report page to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Form of the result on stdout
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub(crate) output: OutputFormat,
}

/// Accepts the names of placement policies and `others`; for a typing error clap suggests the nearest.
fn placement_policies(others: &[&'static str]) -> PossibleValuesParser {
    let names = PLACEMENT_POLICIES.iter().map(|p| p.name).chain(others.iter().copied());
    PossibleValuesParser::new(names.collect::<Vec<_>>())
}

/// Reads a moment of a run: above 0 percent, at most 1000.
fn snapshot_at(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(percent) if percent > 0.0 && percent <= 1000.0 => Ok(percent),
        _ => Err("expected a number above 0 and at most 1000; 100 means all of the capacity".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }
}
