//! The options of `lepton generate`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::output::OutputFormat;

#[derive(Debug, Subcommand)]
pub(crate) enum Generate {
    /// A running placement to rebalance, in the machine reassignment format
    Reassignment(Box<ReassignmentArgs>),
}

#[derive(Debug, Args)]
#[command(
    after_help = "The instance has the statistics of the machine reassignment challenge (ROADEF/EURO 2012): tight
capacities, services with conflicts, spread and dependencies, a running placement that keeps every
rule but is poor. The same options give the same files.

Examples:
  lepton generate reassignment --model model.txt --assignment assignment.txt
  lepton generate reassignment --nodes-count 5000 --tasks-count 50000 --resources 12 --transient 4 \\
      --seed 7 --model model.txt --assignment assignment.txt
  lepton rebalance --format roadef --model model.txt --assignment assignment.txt"
)]
pub(crate) struct ReassignmentArgs {
    /// Nodes of the cluster
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub(crate) nodes_count: u32,
    /// Tasks that run
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) tasks_count: u32,
    /// Resources
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) resources: u32,
    /// How many of them a leaving task holds until all moves are done [default: a third]
    #[arg(long, value_name = "N")]
    pub(crate) transient: Option<u32>,
    /// Failure domains [default: one for ten nodes, at most 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub(crate) locations: Option<u32>,
    /// Groups of locations that dependencies are about [default: 5]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub(crate) neighbourhoods: Option<u32>,
    /// Tasks per service in the mean
    #[arg(long, value_name = "X", default_value_t = 6.0, value_parser = service_tasks)]
    pub(crate) service_tasks: f64,
    /// Share of the services that depend on others
    #[arg(long, value_name = "X", default_value_t = 0.4, value_parser = share)]
    pub(crate) dependent: f64,
    /// Wishes for balance between pairs of resources
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=64))]
    pub(crate) balance_goals: u32,
    /// Use as a share of the capacity
    #[arg(long, value_name = "X", default_value_t = 0.85, value_parser = fill)]
    pub(crate) fill: f64,
    /// Seed of all random choices
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Write the cluster, its tasks and rules to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) model: PathBuf,
    /// Write the running placement to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) assignment: PathBuf,
    /// Form of the result on stdout
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub(crate) output: OutputFormat,
}

fn between(text: &str, least: f64, most: f64) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (least..=most).contains(&value) => Ok(value),
        _ => Err(format!("expected a number from {least} to {most}")),
    }
}

fn service_tasks(text: &str) -> Result<f64, String> {
    between(text, 1.0, 1_000.0)
}

fn share(text: &str) -> Result<f64, String> {
    between(text, 0.0, 1.0)
}

fn fill(text: &str) -> Result<f64, String> {
    between(text, 0.1, 0.98)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_out_of_range_are_refused() {
        for bad in ["-0.1", "1.1", "NaN", "inf", ""] {
            assert!(share(bad).is_err() && fill(bad).is_err(), "{bad}");
        }
        assert_eq!((share("0"), fill("0.9"), service_tasks("12")), (Ok(0.0), Ok(0.9), Ok(12.0)));
        assert!(fill("0").is_err() && service_tasks("0.5").is_err());
    }
}
