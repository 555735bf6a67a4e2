//! The options of `lepton simulate jobs`.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use lepton_core::decide::queue_policies::queue_policies;
use lepton_sim::workload::jobs::{NodeGroup, Nodes};

use crate::cli_workload::JobStatusChoice;
use crate::output::OutputFormat;
use crate::seeds::{Seeds, seeds};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum JobsFormat {
    /// Standard Workload Format of parallel batch traces
    Swf,
    /// GPU jobs as CSV: `submit_s,duration_s,gpus,vc` (Microsoft Philly)
    Philly,
    /// Task list with creation and deletion times (Alibaba cluster-trace-gpu-v2023)
    Openb,
    /// Any jobs as CSV: `submit_seconds,run_seconds,size` and optionally
    /// `requested_seconds,owner,priority,id,partition`
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum JobsGenerator {
    /// Parallel batch jobs by the Lublin-Feitelson model
    Lublin,
    /// GPU training jobs that arrive at a constant rate
    Poisson,
    /// GPU training jobs with a daily cycle
    DailyCycle,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BackfillChoice {
    /// Nothing starts ahead of its turn
    None,
    /// What does not delay the first waiting job
    Easy,
    /// What delays no waiting job ahead of it
    Conservative,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProtocolChoice {
    /// The loop of the RLScheduler study, job sequences on a pool of nodes
    Sequence,
    /// Event by event: ends, failures, arrivals, then one pass through the queue
    Events,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum QueueChoice {
    /// Nothing passes a job that does not fit
    Strict,
    /// Whatever fits starts
    Skipping,
}

/// The nodes: a number of them, how many there are of each size, or the file that lists them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NodesChoice {
    Count(u32),
    Sizes(Nodes),
    File(PathBuf),
}

#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("drawn_failures")
        .args(["mean_hours_between_failures", "mean_hours_between_device_failures"])
        .multiple(true),
    after_help = "Jobs come, wait in a queue, run and leave. Inputs may be plain or packed with gzip, xz or zstd.

With --starts, sequences of --length jobs run on an empty machine each, in the loop of the
RLScheduler study, and means are means over the sequences; with --clusters, each virtual
cluster is scheduled alone, and means are over all jobs.

Nodes of several sizes: `--nodes-count 200x2,321x8` is 200 nodes of 2 GPUs and 321 of 8. In the
file of --clusters a virtual cluster has a line for each size, with a column `gpus_per_node`.
Jobs find their virtual cluster by their partition (SWF field 16, or the column `partition`),
or by their owner where the trace has no partitions.

Rows are sorted by mean bounded slowdown. One is called best only where several seeds or
sequences show it: where the 95% interval of the difference to the next one is below zero.

Examples:
  lepton simulate jobs --generate lublin --nodes-count 256 --jobs-count 20000 \\
      --policy lepton,fcfs,sjf,f1 --backfill none,easy
  lepton simulate jobs --format swf --trace lublin-1.swf.gz --nodes-count 256 \\
      --policy sjf,f1,saf --backfill easy --starts 1981,2756,4299 \\
      --length 1024 --output json
  lepton simulate jobs --format philly --trace jobs.csv.gz --clusters vc.csv \\
      --scale 1/2 --policy fcfs,sjf,sgf
  lepton simulate jobs --format openb --nodes nodes.csv --trace pods.csv \\
      --placement fgd,best-fit --queue skipping"
)]
pub(crate) struct JobsArgs {
    /// Format of the trace
    #[arg(
        long,
        value_enum,
        required_unless_present = "generate",
        conflicts_with = "generate",
        requires = "trace"
    )]
    pub(crate) format: Option<JobsFormat>,
    /// The trace
    #[arg(long, value_name = "FILE", requires = "format")]
    pub(crate) trace: Option<PathBuf>,
    /// Generate the jobs instead of reading them
    #[arg(long, value_enum)]
    pub(crate) generate: Option<JobsGenerator>,
    /// Jobs to generate
    #[arg(long, value_name = "N", requires = "generate", default_value_t = 10_000,
          value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    pub(crate) jobs_count: u32,
    /// Number of nodes, or how many of each number of GPUs as `200x2,321x8`; for openb the node list [default: as the
    /// trace says: SWF's MaxProcs, else MaxNodes]
    #[arg(long = "nodes-count", visible_alias = "nodes", value_name = "N|NxG,..|FILE", value_parser = nodes)]
    pub(crate) nodes: Option<NodesChoice>,
    /// Virtual clusters or partitions, `vc,nodes` and optionally `gpus_per_node`: each is scheduled alone
    #[arg(long, value_name = "FILE", conflicts_with_all = ["nodes", "starts"])]
    pub(crate) clusters: Option<PathBuf>,
    /// Schedule each partition of an SWF trace (field 16) alone, on the processors that the header gives it in
    /// parentheses after MaxProcs
    #[arg(long, requires = "format", conflicts_with_all = ["nodes", "starts", "clusters", "load"])]
    pub(crate) partitions: bool,
    /// Which lines of an SWF trace are jobs, by their status (field 11)
    #[arg(
        long,
        value_enum,
        value_name = "A,B,..",
        value_delimiter = ',',
        requires = "format",
        default_value = "unknown,failed,completed,cancelled"
    )]
    pub(crate) status: Vec<JobStatusChoice>,
    /// Divides the nodes of every virtual cluster, rounded up: 1, 1/2, 1/4, ..
    #[arg(long, value_name = "1/D", requires = "clusters", default_value = "1", value_parser = scale)]
    pub(crate) scale: u32,
    /// GPUs of each node; a job's size counts GPUs then [default: 8 for philly and GPU generators, otherwise
    /// a job's size counts nodes]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) gpus_per_node: Option<u32>,
    /// Nodes that share an NVLink domain, for the placement `topology`
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) nodes_per_domain: u32,
    /// Nodes of a rack, for the placement `topology`
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) nodes_per_rack: u32,
    /// Queue policies to compare, separated by commas; `lepton policy list` names them; `fifo` is `fcfs`
    #[arg(long, value_name = "A,B,..", value_delimiter = ',', default_value = "lepton,fcfs,sjf,saf,f1",
          value_parser = policies(), hide_possible_values = true)]
    pub(crate) policy: Vec<String>,
    /// Policy that differences are taken to, seed by seed or sequence by sequence, with the first backfilling and placement
    /// named; `none` for none [default: fcfs, where it is one of the policies]
    #[arg(long, value_name = "POLICY")]
    pub(crate) baseline: Option<String>,
    /// Weights of the policy `lepton`, made by `lepton train jobs` [default: those it is shipped with]
    #[arg(long, value_name = "FILE")]
    pub(crate) model: Option<PathBuf>,
    /// In the events loop, let the learned policy serve as `lepton` even while it is worse than saf on the jobs so far
    #[arg(long)]
    pub(crate) no_guard: bool,
    /// Ways of backfilling to compare, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', default_value = "none")]
    pub(crate) backfill: Vec<BackfillChoice>,
    /// Placements to compare: consolidate, spread, topology on GPU nodes [default: consolidate]; for openb any
    /// placement policy [default: fgd]
    #[arg(long, value_name = "A,B,..", value_delimiter = ',')]
    pub(crate) placement: Vec<String>,
    /// What a queue does when its first job does not fit
    #[arg(long, value_enum, default_value = "strict")]
    pub(crate) queue: QueueChoice,
    /// Most waiting jobs looked at beyond the first in one pass [default: all]
    #[arg(long, value_name = "N")]
    pub(crate) depth: Option<usize>,
    /// Loop to run [default: sequence with --starts, otherwise events]
    #[arg(long, value_enum)]
    pub(crate) protocol: Option<ProtocolChoice>,
    /// First jobs (from 0) of sequences, each run on an empty machine
    #[arg(long, value_name = "I,J,..", value_delimiter = ',')]
    pub(crate) starts: Vec<usize>,
    /// Jobs of each sequence
    #[arg(long, value_name = "N", default_value_t = 1024, requires = "starts")]
    pub(crate) length: usize,
    /// Only jobs submitted from the first to before the second of these seconds
    #[arg(long, value_name = "FROM..TO", value_parser = window, allow_hyphen_values = true)]
    pub(crate) window: Option<(i64, i64)>,
    /// Moves submissions closer together or further apart to this offered load (1.0 = 100% of the machine) of the jobs
    /// that the machine can hold
    #[arg(long, value_parser = load)]
    pub(crate) load: Option<f64>,
    /// Seeds of what is drawn: a range `42..=51`, a list `1,5,9`, or one number
    #[arg(long = "seed", alias = "seeds", value_name = "SEEDS", default_value = "42", value_parser = seeds)]
    pub(crate) seeds: Seeds,
    /// Failures to replay, `at_seconds,node,device,repair_seconds`; without a `device` (its index on the node,
    /// from 0) the whole node fails, without `repair_seconds` for good
    #[arg(long, value_name = "FILE",
          conflicts_with_all = ["mean_hours_between_failures", "mean_hours_between_device_failures"])]
    pub(crate) failures: Option<PathBuf>,
    /// Mean time between failures of one node; failures are drawn
    #[arg(long, value_name = "HOURS", value_parser = positive)]
    pub(crate) mean_hours_between_failures: Option<f64>,
    /// Mean time between failures of one device (GPU); failures are drawn
    #[arg(long, value_name = "HOURS", value_parser = positive)]
    pub(crate) mean_hours_between_device_failures: Option<f64>,
    /// Mean time to repair a node or device, with drawn failures
    #[arg(long, value_name = "HOURS", default_value_t = 4.0, value_parser = positive,
          requires = "drawn_failures")]
    pub(crate) mean_hours_to_repair: f64,
    /// Jobs save their state this often; without it a failure costs the whole run
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) checkpoint_minutes: Option<u32>,
    /// Stop the run after all that happens at this second of the trace, and save its state
    #[arg(long, value_name = "SECONDS", requires = "save", allow_negative_numbers = true)]
    pub(crate) stop_at: Option<i64>,
    /// File for the state of the stopped run (one policy, one run; not for policies that preempt nor openb)
    #[arg(long, value_name = "FILE", requires = "stop_at",
          conflicts_with_all = ["report", "jobs_csv", "jobs_swf"])]
    pub(crate) save: Option<PathBuf>,
    /// Go on with a saved run; all other options as when it was saved
    #[arg(long, value_name = "FILE")]
    pub(crate) resume: Option<PathBuf>,
    /// Threads to use [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Write what became of each job to this CSV file (one policy, one run)
    #[arg(long, value_name = "FILE")]
    pub(crate) jobs_csv: Option<PathBuf>,
    /// Write what became of each job to this SWF file (one policy, one run)
    #[arg(long, value_name = "FILE")]
    pub(crate) jobs_swf: Option<PathBuf>,
    /// Write a report page to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Show the results by owner, too; with `--output csv` in the place of those by run
    #[arg(long)]
    pub(crate) by_owner: bool,
    /// Form of the result on stdout
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub(crate) output: OutputFormat,
}

/// Accepts the names of queue policies; for a typing error clap suggests the nearest.
fn policies() -> PossibleValuesParser {
    let names = queue_policies().into_iter().map(|p| p.name()).chain(["fifo"]);
    PossibleValuesParser::new(names.collect::<Vec<_>>())
}

/// Reads a number of nodes or how many there are of each size, or takes the text as a file name.
fn nodes(text: &str) -> Result<NodesChoice, String> {
    if !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_digit() || b == b'x' || b == b',')
        && text.contains('x')
    {
        return sizes(text).map(NodesChoice::Sizes);
    }
    match text.parse::<i64>() {
        Ok(count) if (1..=10_000_000).contains(&count) => Ok(NodesChoice::Count(count as u32)),
        Ok(_) => Err("expected a number of nodes from 1 to 10000000".to_owned()),
        Err(_) if text.is_empty() => Err("expected a number of nodes or a file".to_owned()),
        Err(_) => Ok(NodesChoice::File(PathBuf::from(text))),
    }
}

/// Reads `200x2,321x8`: 200 nodes of 2 GPUs and 321 of 8.
fn sizes(text: &str) -> Result<Nodes, String> {
    let group = |text: &str| {
        let (nodes, gpus) = text.split_once('x')?;
        let (nodes, gpus_per_node) = (nodes.parse().ok()?, gpus.parse().ok()?);
        ((1..=1_000_000).contains(&nodes) && (1..=64).contains(&gpus_per_node))
            .then_some(NodeGroup { nodes, gpus_per_node })
    };
    let groups: Option<Vec<NodeGroup>> = text.split(',').map(group).collect();
    groups.map(Nodes).filter(|nodes| nodes.count() <= 10_000_000).ok_or_else(|| {
        "expected numbers of nodes (1 to 1000000) and their GPUs (1 to 64) as in 200x2,321x8".to_owned()
    })
}

/// Reads `1` or `1/D` and returns D.
fn scale(text: &str) -> Result<u32, String> {
    let divisor = if text == "1" { Some(1) } else { text.strip_prefix("1/").and_then(|d| d.parse().ok()) };
    divisor.filter(|&d: &u32| d > 0).ok_or_else(|| "expected 1, 1/2, 1/4 or alike".to_owned())
}

/// Reads `FROM..TO`, in seconds.
fn window(text: &str) -> Result<(i64, i64), String> {
    let parsed = text.split_once("..").and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    match parsed {
        Some((from, to)) if from < to => Ok((from, to)),
        _ => Err("expected FROM..TO in seconds, e.g. 0..2678400".to_owned()),
    }
}

fn load(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(load) if load > 0.0 && load <= 10.0 => Ok(load),
        _ => Err("expected a number above 0 and at most 10; 0.9 means 90% of the machine".to_owned()),
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(hours) if hours > 0.0 && hours <= 1e9 => Ok(hours),
        _ => Err("expected a number of hours above 0".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_a_number_or_a_file() {
        assert_eq!(nodes("256"), Ok(NodesChoice::Count(256)));
        assert_eq!(nodes("nodes.csv"), Ok(NodesChoice::File("nodes.csv".into())));
        let sizes = nodes("200x2,321x8").expect("two sizes");
        assert!(matches!(sizes, NodesChoice::Sizes(nodes) if nodes.count() == 521 && nodes.units() == 2968));
        for bad in ["0x8", "3x0", "3x65", "3x", "x8", "3x8,", "3x8x2", "1000001x1"] {
            assert!(nodes(bad).is_err(), "{bad}");
        }
        assert!(nodes("0").is_err());
        assert!(nodes("-3").is_err());
    }

    #[test]
    fn scales_are_one_over_a_whole_number() {
        assert_eq!(scale("1"), Ok(1));
        assert_eq!(scale("1/4"), Ok(4));
        for bad in ["", "0", "2", "1/0", "1/-2", "0.5"] {
            assert!(scale(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn windows_are_two_ascending_seconds() {
        assert_eq!(window("-5..10"), Ok((-5, 10)));
        for bad in ["", "5", "10..5", "a..b"] {
            assert!(window(bad).is_err(), "{bad}");
        }
    }
}
