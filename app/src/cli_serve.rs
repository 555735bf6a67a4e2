//! The command line of `lepton serve` and of the commands that talk to a running one.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use lepton_core::cycle::Mode;

use crate::cli_workload::nodes_count;
use crate::serve::config::{loopback, mode_named, speed};

#[derive(Debug, Args)]
#[command(
    after_help = "The loop serves a simulated cluster so far. It keeps what it decides and does in the folder of --state-dir and goes
on where it stood after any end. In the modes observe and recommend the cluster places its tasks by itself (first
come, first served); in recommend, `lepton plan` approves or rejects what the loop would change; in act the loop
places, moves, drains and cordons. SIGINT and SIGTERM end it in an orderly way (exit codes 130 and 143).

Examples:
  lepton serve
  lepton serve --mode recommend --speed 1
  lepton serve --mode act --nodes-count 200 --state-dir /var/lib/lepton
  lepton serve --config lepton.toml --listen 127.0.0.1:8080"
)]
pub(crate) struct ServeArgs {
    /// Settings file (TOML); options go before it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// What the loop may do: observe, recommend or act [default: observe]
    #[arg(long, value_parser = mode_named)]
    pub(crate) mode: Option<Mode>,
    /// Where the HTTP interface listens; on this machine only [default: 127.0.0.1:7717]
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = loopback)]
    pub(crate) listen: Option<SocketAddr>,
    /// Folder of the store [default: lepton-state]
    #[arg(long, value_name = "FOLDER", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) state_dir: Option<String>,
    /// Simulated seconds per second; a turn is a simulated minute [default: 60]
    #[arg(long, value_name = "X", value_parser = speed)]
    pub(crate) speed: Option<f64>,
    /// Nodes of the simulated cluster [default: 60]
    #[arg(long, value_name = "N", value_parser = nodes_count)]
    pub(crate) nodes_count: Option<usize>,
    /// Seed of the simulated cluster [default: 7]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub(crate) seed: Option<u64>,
    /// End after so many turns [default: go on until a signal comes]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) turns: Option<u64>,
    /// Print the description of the HTTP interface (OpenAPI 3.1) and end
    #[arg(long, exclusive = true)]
    pub(crate) print_openapi: bool,
}

/// Where the service is.
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// Where `lepton serve` listens
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7717", value_parser = loopback)]
    pub(crate) server: SocketAddr,
    /// Form of the result on stdout
    #[arg(long, short, value_enum, default_value_t = Shown::Table)]
    pub(crate) output: Shown,
}

/// Form of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shown {
    /// A table for people.
    Table,
    /// Exactly one JSON document.
    Json,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  lepton status\n  lepton status -o json")]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Balance, hot and cold nodes, the bottleneck, free devices that cannot be used and why; over the last day or more, and expected.

Examples:
  lepton load
  lepton load --hours 168
  lepton load -o json")]
pub(crate) struct LoadArgs {
    /// How far back the table goes, hours
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..=168))]
    pub(crate) hours: u16,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Listed {
    /// Nodes with their load.
    Nodes,
    /// Tasks and where they stand.
    Tasks,
    /// Plans, the newest first.
    Plans,
    /// Decisions, the newest first.
    Decisions,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lepton get nodes\n  lepton get tasks --limit 20\n  lepton get decisions -o json"
)]
pub(crate) struct GetArgs {
    /// What to list
    #[arg(value_enum)]
    pub(crate) what: Listed,
    /// Most rows
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lepton explain task-000042\n  lepton explain d12-3\n  lepton explain p12 -o json"
)]
pub(crate) struct ExplainArgs {
    /// A task, a node, a decision (d12-3) or a plan (p12)
    #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// Approve a plan and have it carried out
    #[command(after_help = "Example:\n  lepton plan approve p12")]
    Approve(ApproveArgs),
    /// Reject a plan; it is not proposed again while its effects are the same
    #[command(
        after_help = "Example:\n  lepton plan reject p12 --code too-disruptive --reason 'not before the demo'"
    )]
    Reject(RejectArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    /// The plan, as p12
    #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) id: String,
    /// Its effects as they were looked at (`lepton explain p12` shows them) [default: as they are now]
    #[arg(long, value_name = "DIGEST", value_parser = digest)]
    pub(crate) effects: Option<String>,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Reads the digest of a plan's effects.
fn digest(text: &str) -> Result<String, String> {
    let is_digest = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    let expected = "expected the digest that `lepton explain` shows for the plan: letters and digits";
    if is_digest { Ok(text.to_owned()) } else { Err(expected.to_owned()) }
}

#[derive(Debug, Args)]
pub(crate) struct RejectArgs {
    #[command(flatten)]
    pub(crate) plan: ApproveArgs,
    /// The kind of reason
    #[arg(long, value_enum, default_value_t = RejectionCode::Other)]
    pub(crate) code: RejectionCode,
    /// More of it
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,
}

/// Kinds of reasons against a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RejectionCode {
    TooDisruptive,
    WrongTime,
    WrongVictim,
    NotWorthIt,
    Other,
}
