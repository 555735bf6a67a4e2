//! The command line of `lepton serve` and of the commands that talk to a running one.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use lepton_core::model::Mode;

use crate::cli_workload::nodes_count;
use crate::log::{LogFormat, LogLevel};
use crate::serve::config::{SourceKind, address, mode_named, speed, store_url, turn_seconds};
use crate::serve::tokens::Role;
use crate::serve::trials::TrialKind;
use crate::server_address::ServerAddress;

#[derive(Debug, Args)]
#[command(
    after_help = "Without options the loop looks at the machine that it runs on: its load, and its processes by service, container or
program; nothing is carried out there. It keeps what it knows, decides and does in the folder of --state-dir and goes
on where it stood after any end. With --source prometheus it looks at nodes, devices and tasks as node-exporter,
kube-state-metrics, cAdvisor and dcgm-exporter tell of them. With --source kubernetes it follows a cluster and only looks, until
--mode recommend or act lets it bind the pods whose schedulerName is lepton. With --source kafka it reads nodes and tasks from topics, as
the table [kafka] of the settings names them. With --source simulation it serves a simulated cluster: in the modes observe and
recommend the cluster places its tasks by itself (first come, first served); in recommend, `lepton plan` approves or
rejects what the loop would change; in act the loop places, moves, drains and cordons. SIGINT and SIGTERM end it in
an orderly way (exit codes 130 and 143).

Examples:
  lepton serve
  lepton serve --source prometheus --prometheus-url http://prometheus:9090
  lepton serve --source kubernetes --context my-cluster
  lepton serve --source simulation --mode recommend --speed 1
  lepton serve --source simulation --mode act --nodes-count 200 --state-dir /var/lib/lepton
  lepton serve --store-url postgres://lepton@db/lepton --store-password-file db.password
  lepton serve --config lepton.toml --listen 127.0.0.1:8080"
)]
pub(crate) struct ServeArgs {
    /// Settings file (TOML); variables as LEPTON_MODE go before it, and options before both
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// What the loop may do: observe, recommend or act [default: observe]
    #[arg(long, value_parser = mode_named)]
    pub(crate) mode: Option<Mode>,
    /// Where the HTTP interface listens; beyond this machine tokens are asked for [default: 127.0.0.1:7717]
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = address)]
    pub(crate) listen: Option<SocketAddr>,
    /// Ask for tokens on this machine too
    #[arg(long)]
    pub(crate) require_tokens: bool,
    /// File of the certificate that the HTTP interface shows (PEM) [default: no TLS]
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// File of that certificate's key (PEM)
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Folder of the store [default: lepton-state]
    #[arg(long, value_name = "FOLDER", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) state_dir: Option<String>,
    /// A database that is told what the store has: postgres://USER@HOST:PORT/DATABASE, mysql://USER@HOST:PORT/DATABASE or sqlite:///FILE
    #[arg(long, value_name = "URL", value_parser = store_url)]
    pub(crate) store_url: Option<String>,
    /// File with that database's password in its first line
    #[arg(long, value_name = "FILE")]
    pub(crate) store_password_file: Option<PathBuf>,
    /// What the loop is connected to: the host that it runs on, a Prometheus, a Kubernetes cluster, topics of Kafka, or a simulated cluster [default: host]
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(SourceKind::NAMES))]
    pub(crate) source: Option<String>,
    /// Address of Prometheus [default: http://127.0.0.1:9090]
    #[arg(long, value_name = "URL", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) prometheus_url: Option<String>,
    /// Kubeconfig of the cluster [default: KUBECONFIG, the service account of the pod, or ~/.kube/config]
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) context: Option<String>,
    /// Seconds from one turn to the next on a real source [default: 15]
    #[arg(long, value_name = "SECONDS", value_parser = turn_seconds)]
    pub(crate) turn_seconds: Option<f64>,
    /// Simulated seconds per second; a turn is a simulated minute [default: 60]
    #[arg(long, value_name = "X", value_parser = speed)]
    pub(crate) speed: Option<f64>,
    /// Nodes of the simulated cluster [default: 60]
    #[arg(long, value_name = "N", value_parser = nodes_count)]
    pub(crate) nodes_count: Option<usize>,
    /// Seed of the simulated cluster [default: 7]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub(crate) seed: Option<u64>,
    /// Form of what is logged on stderr [default: text]
    #[arg(long, value_enum, value_name = "FORM")]
    pub(crate) log_format: Option<LogFormat>,
    /// What is logged, and all before it [default: info]
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub(crate) log_level: Option<LogLevel>,
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
    /// Where `lepton serve` listens: an address with a port, or https://HOST:PORT
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7717", value_parser = ServerAddress::named)]
    pub(crate) server: ServerAddress,
    /// File of the authorities (PEM) of which one has signed the certificate of an https server [default: those that the system trusts]
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// File with the token, where the service asks for one
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
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

/// Whose accounts are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AccountsOf {
    /// A row a node.
    Node,
    /// A row an owner: what its tasks had.
    Owner,
}

impl AccountsOf {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Owner => "owner",
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "\
All capacity is in one account: used, allocated and not used, used beyond what is allocated, paid for moves, stranded, lost (nodes that were down)
or idle. The accounts are kept by the hour; an hour counts where any of it is asked for. -o json has what is stranded by cause.

Examples:
  lepton ledger
  lepton ledger --by owner --hours 168 --resource devices
  lepton ledger --from 3600 --to 90000 -o json")]
pub(crate) struct LedgerArgs {
    /// Whose accounts are shown beside those of all nodes together
    #[arg(long, value_enum, default_value_t = AccountsOf::Node)]
    pub(crate) by: AccountsOf,
    /// How many hours before the end it begins, 1 to 2208 [default: 24]
    #[arg(long, value_name = "N", conflicts_with = "from", value_parser = clap::value_parser!(u64).range(1..=2208))]
    pub(crate) hours: Option<u64>,
    /// Where it begins, seconds of the cluster's time
    #[arg(long, value_name = "SECONDS")]
    pub(crate) from: Option<u64>,
    /// Where it ends, seconds of the cluster's time [default: now]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) to: Option<u64>,
    /// Only this resource, as cpu_millicores or devices
    #[arg(long, value_name = "NAME")]
    pub(crate) resource: Option<String>,
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
    /// Learned policies and the rules in their place: who decides, and on what evidence.
    Policies,
    /// The audit: who did what, or was kept from it, the newest first.
    Audit,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lepton get nodes\n  lepton get tasks --limit 20\n  lepton get decisions -o json\n  lepton get audit --token-file admin.token"
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
    after_help = "Examples:\n  lepton explain task-000042\n  lepton explain task-000042 --why-not node-0007\n  lepton explain d12-3\n  lepton explain p12 -o json"
)]
pub(crate) struct ExplainArgs {
    /// A task, a node, a decision (d12-3) or a plan (p12)
    #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) id: String,
    /// Of a task: a node on which it does not stand; what is in the way, and the smallest change after which it would fit
    #[arg(long, value_name = "NODE", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) why_not: Option<String>,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  lepton trial failure\n  lepton trial burst -o json")]
pub(crate) struct TrialArgs {
    /// What is tried
    #[arg(value_enum)]
    pub(crate) what: TrialKind,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// List plans, the newest first
    #[command(after_help = "Example:\n  lepton plan list --limit 20")]
    List(PlanListArgs),
    /// Show a plan: its parts with their keys, steps, gain and cost
    #[command(after_help = "Example:\n  lepton plan show p12")]
    Show(PlanShowArgs),
    /// What one plan does that another does not
    #[command(after_help = "Example:\n  lepton plan diff p12 p13")]
    Diff(PlanDiffArgs),
    /// Approve a plan and have it carried out
    #[command(after_help = "Example:\n  lepton plan approve p12")]
    Approve(ApproveArgs),
    /// Reject a plan; it is not proposed again while its effects are the same
    #[command(
        after_help = "Example:\n  lepton plan reject p12 --code too-disruptive --reason 'not before the demo'"
    )]
    Reject(RejectArgs),
    /// Put a plan without some of its parts in its place; parts that need them go with them
    #[command(after_help = "Example:\n  lepton plan derive p12 --without 12.0,12.3")]
    Derive(DeriveArgs),
    /// Put a plan off, or some of its parts: until then plans are proposed without it
    #[command(
        after_help = "Examples:\n  lepton plan snooze p12 --minutes 120\n  lepton plan snooze p12 --minutes 480 --parts 12.0,12.3 --reason 'after the run'"
    )]
    Snooze(SnoozeArgs),
    /// List what is put off
    #[command(after_help = "Example:\n  lepton plan snoozes")]
    Snoozes(SnoozesArgs),
    /// Take up again what was put off
    #[command(after_help = "Example:\n  lepton plan unsnooze s1")]
    Unsnooze(UnsnoozeArgs),
}

#[derive(Debug, Args)]
pub(crate) struct SnoozeArgs {
    #[command(flatten)]
    pub(crate) plan: ApproveArgs,
    /// For how long, minutes of the cluster's time, 1 to 10080
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_080))]
    pub(crate) minutes: u64,
    /// Keys of the parts that are put off, separated by commas, with what needs them [default: all of the plan]
    #[arg(long, value_name = "KEYS", value_delimiter = ',')]
    pub(crate) parts: Vec<String>,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct SnoozesArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct UnsnoozeArgs {
    /// What was put off, as s1
    #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct PlanListArgs {
    /// Most rows
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct PlanShowArgs {
    /// The plan, as p12
    #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct PlanDiffArgs {
    /// The plan before, as p12
    #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) before: String,
    /// The plan after
    #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) after: String,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DeriveArgs {
    #[command(flatten)]
    pub(crate) plan: ApproveArgs,
    /// Keys of the parts that are to go, separated by commas; `lepton plan show` tells them
    #[arg(long, value_name = "KEYS", value_delimiter = ',', required = true)]
    pub(crate) without: Vec<String>,
}

#[derive(Debug, Args)]
#[command(
    group(clap::ArgGroup::new("submitted").args(["submit_like", "demand", "devices"]).multiple(true)),
    after_help = "The live cluster, or the cluster as it was at a moment that is recorded, is copied, changed and decided upon by the same engine,
beside the same cluster unchanged. Nothing is touched.

Examples:
  lepton whatif --drain node-0003
  lepton whatif --add node-0003x4
  lepton whatif --submit-like task-000042 --count 8 --gang
  lepton whatif --demand cpu_millicores=16000,memory_mib=65536 --devices 2 --count 4
  lepton whatif --policy best-fit
  lepton whatif --drain node-0003 --at 7200
  lepton whatif --drain node-0003 --at 7200 --recording lepton-bundle.jsonl.gz"
)]
pub(crate) struct WhatIfArgs {
    /// Nodes that are drained, separated by commas
    #[arg(long, value_name = "NODES", value_delimiter = ',')]
    pub(crate) drain: Vec<String>,
    /// Nodes that are added, each like one that is there, with how many: node-0003x4
    #[arg(long, value_name = "NODExN", value_delimiter = ',', value_parser = node_times)]
    pub(crate) add: Vec<(String, usize)>,
    /// Submit tasks like this one
    #[arg(long, value_name = "TASK", conflicts_with = "demand")]
    pub(crate) submit_like: Option<String>,
    /// Submit tasks that ask for these amounts of resources
    #[arg(long, value_name = "NAME=AMOUNT", value_delimiter = ',', value_parser = amount)]
    pub(crate) demand: Vec<(String, i64)>,
    /// Devices that each submitted task asks for
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) devices: Option<u16>,
    /// How many tasks are submitted
    #[arg(long, value_name = "N", default_value_t = 1, requires = "submitted", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(crate) count: u16,
    /// Whether they are a gang: placed all or none
    #[arg(long, requires = "submitted")]
    pub(crate) gang: bool,
    /// The placement policy that scores nodes
    #[arg(long, value_name = "POLICY")]
    pub(crate) policy: Option<String>,
    /// A moment of the past that is recorded, seconds of the cluster's time [default: now]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) at: Option<u64>,
    /// Ask no service: play it on the belief at the moment of --at in this bundle, or in the recordings of this folder of a store
    #[arg(long, value_name = "PATH", requires = "at", conflicts_with_all = ["server", "ca_file", "token_file"])]
    pub(crate) recording: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Reads a node and how many times it is added.
fn node_times(text: &str) -> Result<(String, usize), String> {
    let parsed = text.rsplit_once('x').and_then(|(node, count)| Some((node, count.parse().ok()?)));
    match parsed {
        Some((node, count @ 1..=10_000)) if !node.is_empty() => Ok((node.to_owned(), count)),
        _ => Err("expected a node and how many are added like it, 1 to 10000, as node-0003x4".to_owned()),
    }
}

/// Reads a resource and an amount.
fn amount(text: &str) -> Result<(String, i64), String> {
    let parsed = text.split_once('=').and_then(|(name, amount)| Some((name, amount.parse().ok()?)));
    match parsed {
        Some((name, amount)) if amount >= 0 => Ok((name.to_owned(), amount)),
        _ => Err("expected a resource and a whole amount, as cpu_millicores=16000".to_owned()),
    }
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

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token and print it, this once
    #[command(
        after_help = "Examples:\n  lepton token create --name ann --role operator --days 90 > ann.token\n  lepton status --server 10.0.0.7:7717 --token-file ann.token"
    )]
    Create(TokenCreateArgs),
    /// List the tokens
    #[command(after_help = "Example:\n  lepton token list -o json")]
    List(TokenListArgs),
    /// Revoke a token; a running service refuses it from then on
    #[command(after_help = "Example:\n  lepton token revoke 1f00ba12")]
    Revoke(TokenRevokeArgs),
}

/// Where the tokens are.
#[derive(Debug, Args)]
pub(crate) struct TokenFolder {
    /// Folder of the service's store
    #[arg(long, value_name = "FOLDER", default_value = "lepton-state", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) state_dir: String,
}

#[derive(Debug, Args)]
pub(crate) struct TokenCreateArgs {
    /// Whose it is, for lists and the audit
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) name: String,
    /// What it allows: viewer looks, operator decides on plans, admin sees the audit too
    #[arg(long, value_enum)]
    pub(crate) role: Role,
    /// Days for which it is good [default: for ever]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub(crate) days: Option<u32>,
    #[command(flatten)]
    pub(crate) folder: TokenFolder,
}

#[derive(Debug, Args)]
pub(crate) struct TokenListArgs {
    #[command(flatten)]
    pub(crate) folder: TokenFolder,
    /// Form of the result on stdout
    #[arg(long, short, value_enum, default_value_t = Shown::Table)]
    pub(crate) output: Shown,
}

#[derive(Debug, Args)]
pub(crate) struct TokenRevokeArgs {
    /// The token's id, as `lepton token list` names it
    #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) folder: TokenFolder,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check a settings file and show each value with where it comes from
    #[command(
        after_help = "Examples:\n  lepton config check lepton.toml\n  lepton config check lepton.toml -o json"
    )]
    Check(ConfigCheckArgs),
    /// Print a settings file with every setting at its default, explained
    #[command(after_help = "Example:\n  lepton config init > lepton.toml")]
    Init,
    /// Print the JSON Schema of settings files
    #[command(after_help = "Example:\n  lepton config schema > lepton.schema.json")]
    Schema,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigCheckArgs {
    /// The settings file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Form of the result on stdout
    #[arg(long, short, value_enum, default_value_t = Shown::Table)]
    pub(crate) output: Shown,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lepton policy candidates\n  lepton policy candidates -o json\n  lepton policy demote"
)]
pub(crate) struct CandidatesArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "The gate judges it again, on the cluster as it is now: on sequences that are new, and on what came lately.
Where it does not pass, nothing changes and the exit code is 3.

Examples:\n  lepton policy promote c3"
)]
pub(crate) struct CandidateArgs {
    /// The candidate, as `lepton policy candidates` names it
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}
