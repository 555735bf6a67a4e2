//! The options of `lepton rebalance`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lepton_core::decide::search::Method;

use crate::output::OutputFormat;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RebalanceFormat {
    /// Model and assignment of the machine reassignment problem (ROADEF/EURO challenge 2012)
    Roadef,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SearchMethod {
    /// A long local search on each island, then rounds of crossover and shorter searches
    Hybrid,
    /// Local search alone, on each island
    LocalSearch,
    /// Crossover and mutation alone, each child repaired and completed
    Evolution,
}

impl From<SearchMethod> for Method {
    fn from(method: SearchMethod) -> Self {
        match method {
            SearchMethod::Hybrid => Self::Hybrid,
            SearchMethod::LocalSearch => Self::LocalSearch,
            SearchMethod::Evolution => Self::Evolution,
        }
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "The running placement is improved by moving tasks; every move costs, every rule (capacity, also of
transient resources while tasks move; conflicts; spread; dependencies) holds, also after each
single step of the plan. The time limit is for all of it: reading, the search, the ordering of the
plan, the front. Ctrl-C ends it within a second with the best so far. Inputs ending in .gz, .xz or .zst are read as they are.

Examples:
  lepton rebalance --format roadef --model model.txt --assignment assignment.txt
  lepton rebalance --format roadef --model model.txt.gz --assignment assignment.txt.gz \\
      --time-limit 5m --max-moves 100 --solution new.txt --plan plan.json --output json
  lepton rebalance --format roadef --model model.txt --assignment assignment.txt \\
      --pareto --max-moves-per-wave 20 --max-moves-per-owner 2 --plan plan.json
  lepton simulate placement --generate openb-like --policy best-fit --seed 1 --snapshot-at 100
  lepton rebalance --snapshot snapshot.json --max-moves 400 --time-limit 10s --plan plan.json"
)]
pub(crate) struct RebalanceArgs {
    /// Format of the input files
    #[arg(
        long,
        value_enum,
        required_unless_present = "snapshot",
        requires = "model",
        requires = "assignment"
    )]
    pub(crate) format: Option<RebalanceFormat>,
    /// The cluster, its tasks and rules
    #[arg(long, value_name = "FILE", requires = "format")]
    pub(crate) model: Option<PathBuf>,
    /// The running placement
    #[arg(long, value_name = "FILE", requires = "format")]
    pub(crate) assignment: Option<PathBuf>,
    /// A cluster with devices and waiting tasks, as `lepton simulate placement --snapshot-at` writes it; plans the
    /// moves that make them fit
    #[arg(long, value_name = "FILE", conflicts_with_all = ["format", "model", "assignment"])]
    pub(crate) snapshot: Option<PathBuf>,
    /// Weights of the terms of the objective, as TOML (docs/rebalance.md) [default: built in]
    #[arg(long, value_name = "FILE", requires = "snapshot", conflicts_with = "format")]
    pub(crate) objective: Option<PathBuf>,
    /// Time for the whole command: `60s`, `5m`, `500ms` or seconds as a plain number
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = time_limit)]
    pub(crate) time_limit: f64,
    /// End the search after about so many evaluated moves (rounds with --snapshot) instead; the result then depends on
    /// the seed alone
    #[arg(long, value_name = "N", conflicts_with = "time_limit", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) evaluations: Option<u64>,
    /// Threads to use
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) threads: u16,
    /// Populations that evolve side by side [default: the number of threads, or 2 with --evaluations]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) islands: Option<u16>,
    /// Seed of all random choices
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// What takes part in the search
    #[arg(long, value_enum, default_value_t = SearchMethod::Hybrid)]
    pub(crate) method: SearchMethod,
    /// Most tasks to move
    #[arg(long, value_name = "N")]
    pub(crate) max_moves: Option<usize>,
    /// Most steps of the plan in one wave (with --snapshot: moves)
    #[arg(long, value_name = "N")]
    pub(crate) max_moves_per_wave: Option<NonZeroUsize>,
    /// Most steps of the plan in one wave that move tasks of one owner (of a service, with --format roadef)
    #[arg(long, value_name = "N")]
    pub(crate) max_moves_per_owner: Option<NonZeroUsize>,
    /// Also show how the cost falls with the number of moves (takes a part of the time limit)
    #[arg(long)]
    pub(crate) pareto: bool,
    /// Write the new placement to this file, in the form of the assignment (of the snapshot)
    #[arg(long, value_name = "FILE")]
    pub(crate) solution: Option<PathBuf>,
    /// Order the steps and write them to this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
    /// Form of the result on stdout
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub(crate) output: OutputFormat,
}

/// Islands where the number must not depend on the machine.
const ISLANDS_DEFAULT: u16 = 2;

impl RebalanceArgs {
    /// Populations that evolve side by side. Only a search by time may make use of whatever threads there are.
    pub(crate) fn islands_count(&self) -> u16 {
        let default = if self.evaluations.is_some() { ISLANDS_DEFAULT } else { self.threads };
        self.islands.unwrap_or(default)
    }

    /// Does the result need the order of the steps?
    pub(crate) fn needs_order(&self) -> bool {
        self.plan.is_some() || self.max_moves_per_wave.is_some() || self.max_moves_per_owner.is_some()
    }
}

/// Longest search, in seconds: a day.
const SECONDS_MAX: f64 = 86_400.0;

/// Reads `60s`, `5m`, `500ms` or `60`: above 0, at most a day.
fn time_limit(text: &str) -> Result<f64, String> {
    let (number, factor) = if let Some(number) = text.strip_suffix("ms") {
        (number, 0.001)
    } else if let Some(number) = text.strip_suffix('s') {
        (number, 1.0)
    } else if let Some(number) = text.strip_suffix('m') {
        (number, 60.0)
    } else {
        (text, 1.0)
    };
    match number.parse::<f64>() {
        Ok(value) if value * factor > 0.0 && value * factor <= SECONDS_MAX => Ok(value * factor),
        _ => Err("expected a time above 0 and up to a day, e.g. 60s, 5m or 500ms".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::time_limit;

    #[test]
    fn times_come_with_and_without_a_unit() {
        assert_eq!(time_limit("60s"), Ok(60.0));
        assert_eq!(time_limit("5m"), Ok(300.0));
        assert_eq!(time_limit("500ms"), Ok(0.5));
        assert_eq!(time_limit("7"), Ok(7.0));
    }

    #[test]
    fn bad_times_are_refused() {
        for bad in ["", "0", "-1s", "NaN", "inf", "5h", "100000s", "s"] {
            assert!(time_limit(bad).is_err(), "{bad}");
        }
    }
}
