//! The command line of bundles: how they are written, and how recorded hours are played again.

use std::path::PathBuf;

use clap::Args;

use crate::output::OutputFormat;

#[derive(Debug, Args)]
#[command(after_help = "\
What the service was told and decided, from the folder of its store, which may be in use: the loop as it stood, each turn with its
readings and the answers to its calls, decisions and plans with what people said, lines of the audit, and the settings that are no
secret. Names of nodes, tasks, owners and people are in it; tokens, passwords, addresses and names of files are not. Whole files of
the recording are taken, each of about an hour.

Examples:
  lepton snapshot
  lepton snapshot --hours 6 --state-dir /var/lib/lepton support.jsonl.gz
  lepton snapshot --from 3600 --to 7200
  lepton simulate replay lepton-bundle.jsonl.gz")]
pub(crate) struct SnapshotArgs {
    /// Where the bundle is written; `.gz`, `.xz` and `.zst` pack it
    #[arg(value_name = "FILE", default_value = "lepton-bundle.jsonl.gz")]
    pub(crate) bundle: PathBuf,
    /// Folder of the service's store
    #[arg(long, value_name = "FOLDER", default_value = "lepton-state", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) state_dir: String,
    /// How many hours before the newest file of the recording it begins, 1 to 8760 [default: 1]
    #[arg(long, value_name = "N", conflicts_with = "from", value_parser = clap::value_parser!(u64).range(1..=8760))]
    pub(crate) hours: Option<u64>,
    /// Where it begins, seconds of the cluster's time
    #[arg(long, value_name = "SECONDS")]
    pub(crate) from: Option<u64>,
    /// Where it ends, seconds of the cluster's time [default: the end]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) to: Option<u64>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The loop is given what it was given then, from a bundle or from the folder of a service's store; what comes of each turn must be what
came of it: plan, records with their digests, outcome, and a digest of all that it believes. Exit code 1 where something differs; it
may when another version of Lepton has recorded.

Examples:
  lepton simulate replay lepton-bundle.jsonl.gz
  lepton simulate replay lepton-state --from 3600 --to 7200")]
pub(crate) struct ReplayArgs {
    /// A bundle as `lepton snapshot` writes it, or the folder of a service's store
    #[arg(value_name = "BUNDLE")]
    pub(crate) recording: PathBuf,
    /// Of a folder: where it begins, seconds of the cluster's time; whole files are played, each of about an hour
    #[arg(long, value_name = "SECONDS")]
    pub(crate) from: Option<u64>,
    /// Of a folder: where it ends, seconds of the cluster's time
    #[arg(long, value_name = "SECONDS")]
    pub(crate) to: Option<u64>,
    /// Form of the result on stdout
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub(crate) output: OutputFormat,
}
