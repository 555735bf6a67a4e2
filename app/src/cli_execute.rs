//! The options of `lepton execute`.

use std::path::PathBuf;

use clap::Args;

use crate::cli_rebalance::RebalanceFormat;
use crate::output::OutputFormat;

#[derive(Debug, Args)]
#[command(
    after_help = "The plan is carried out part by part on a simulated cluster, as the loop would: each step is asked for in
its turn, what a rule or a change since the plan forbids is refused, and a part of which only the whole is of
use is taken back when one of its steps is refused. Parts that must come after one that was not done are not
tried. Exit code 1 says that not every step was done; --solution has what was.

Examples:
  lepton rebalance --snapshot snapshot.json --max-moves 400 --plan plan.json
  lepton execute --snapshot snapshot.json --plan plan.json --solution after.json
  lepton execute --format roadef --model model.txt --assignment assignment.txt --plan plan.json \\
      --solution new.txt --output json"
)]
pub(crate) struct ExecuteArgs {
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
    /// A cluster with devices, as `lepton simulate placement --snapshot-at` writes it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["format", "model", "assignment"])]
    pub(crate) snapshot: Option<PathBuf>,
    /// The plan, as `lepton rebalance --plan` writes it
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: PathBuf,
    /// Write what has become of the placement to this file, in the form of the assignment (of the snapshot)
    #[arg(long, value_name = "FILE")]
    pub(crate) solution: Option<PathBuf>,
    /// Form of the result on stdout
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub(crate) output: OutputFormat,
}
