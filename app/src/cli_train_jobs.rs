//! The options of `lepton train jobs`.

use std::ops::Range;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli_train::{ComparisonArgs, TrainArgs};
use crate::cli_workload::JobStatusChoice;

/// Machines and jobs that are invented, new ones for each sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BatchGenerator {
    /// Batch machines of 64 to 8,192 nodes at loads from 60 to 120%; requested times are the run times
    Exact,
    /// The same with requested times as users give them, most too long and some too short
    Noisy,
}

/// Whether others may start ahead of a job that waits for its nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LearnBackfill {
    /// Nothing starts ahead of its turn
    None,
    /// What does not delay the job that waits
    Easy,
}

/// The sequences of jobs to learn on, or to compare on.
#[derive(Debug, Args)]
pub(crate) struct LearningJobsArgs {
    /// Format of the traces
    #[arg(long, value_enum, required_unless_present = "generate", requires = "trace")]
    pub(crate) format: Option<LearnFormat>,
    /// Traces to learn on; several are separated by commas
    #[arg(long, value_name = "FILE,..", value_delimiter = ',', requires = "format")]
    pub(crate) trace: Vec<PathBuf>,
    /// Nodes of the traces' machines [default: as each trace says: MaxProcs, else MaxNodes]
    #[arg(long = "nodes-count", alias = "nodes", value_name = "N", requires = "format",
          value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) nodes: Option<u32>,
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
    /// Parts of the traces that sequences are cut from, in jobs from 0: `0..1981,6252..7085` [default: the
    /// first two thirds of a trace shape a model, models are compared on its last third]
    #[arg(long, value_name = "FROM..TO,..", value_delimiter = ',', requires = "format", value_parser = part)]
    pub(crate) parts: Vec<Range<usize>>,
    /// Invented machines, instead of traces or beside them; several are separated by commas
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) generate: Vec<BatchGenerator>,
    /// Jobs of a sequence
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = length)]
    pub(crate) length: usize,
    /// Queues to learn; several are separated by commas
    #[arg(long, value_enum, value_delimiter = ',', default_value = "none,easy")]
    pub(crate) backfill: Vec<LearnBackfill>,
}

#[derive(Debug, Args)]
#[command(after_help = "Policies are vectors of weights. Each generation plays a population of them on new
sequences of jobs, each on an empty machine, in the loop of the sequence protocol, compares
them with the best fixed rule on the same sequence, and breeds the next one from the better
half. A gain of 0.1 means a tenth less mean bounded slowdown. Now and then the centre of the
population is tried on sequences kept apart; the best centre is the result. Ctrl-C ends the
training with the best model so far.

Of a trace, only the parts named (or the first two thirds) shape the model: three quarters of their
jobs are learned from, the last quarter chooses the best centre. The result is judged on five sequences
of the jobs after them, which do not overlap. Where a trace is too short for that, all of it is learned
from and nothing is claimed of the result.

Every generation leaves a checkpoint; `--resume` goes on from there.

Examples:
  lepton train jobs --generate exact,noisy --minutes 5
  lepton train jobs --generate exact,noisy --minutes 5 --method hybrid
  lepton train jobs --adapt --format swf --trace lublin-1.swf.gz --nodes-count 256 \\
      --parts 0..1981,6252..7085 --minutes 3 --model lublin-1.safetensors
  lepton simulate jobs --format swf --trace lublin-1.swf.gz --nodes-count 256 \\
      --starts 1981,2756 --policy lepton,saf --model lublin-1.safetensors")]
pub(crate) struct TrainJobsArgs {
    #[command(flatten)]
    pub(crate) jobs: LearningJobsArgs,
    #[command(flatten)]
    pub(crate) train: TrainArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  lepton policy compare-jobs adapted.safetensors --generate exact,noisy
  lepton policy compare-jobs new.safetensors --serving old.safetensors --format swf \\
      --trace lublin-1.swf.gz --nodes-count 256 --backfill easy --seed 1..=20")]
pub(crate) struct CompareJobsArgs {
    /// The candidate
    pub(crate) candidate: PathBuf,
    /// The model it is compared with [default: the model that Lepton comes with]
    #[arg(long, value_name = "FILE")]
    pub(crate) serving: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) gate: JobsGateArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "The candidate takes the place of the serving model when, on at least 5 sequences, it gains at least
0.02 in the mean (a fiftieth less mean bounded slowdown), the 95% interval of the gain lies above zero,
and it is nowhere shown to lose more than 0.05; the old file is kept beside it, ending in `.previous`.
Otherwise nothing is changed and the exit code is 1. Sequences of a trace do not overlap.

Examples:
  lepton policy promote-jobs new.safetensors --serving serving.safetensors --generate exact,noisy"
)]
pub(crate) struct PromoteJobsArgs {
    /// The candidate
    pub(crate) candidate: PathBuf,
    /// The file of the serving model; where there is none yet, the candidate is compared with the shipped model
    #[arg(long, value_name = "FILE")]
    pub(crate) serving: PathBuf,
    #[command(flatten)]
    pub(crate) gate: JobsGateArgs,
}

/// What two models of the order of jobs are compared on.
#[derive(Debug, Args)]
pub(crate) struct JobsGateArgs {
    #[command(flatten)]
    pub(crate) jobs: LearningJobsArgs,
    #[command(flatten)]
    pub(crate) run: ComparisonArgs,
}

/// Formats of traces that jobs are learned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LearnFormat {
    /// Standard Workload Format of parallel batch traces
    Swf,
    /// Any jobs as CSV: `submit_seconds,run_seconds,size` and optionally `requested_seconds,owner,priority,id`
    Csv,
}

/// Reads a range of jobs.
fn part(text: &str) -> Result<Range<usize>, String> {
    let parsed = text.split_once("..").and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    match parsed {
        Some((from, to)) if from < to => Ok(from..to),
        _ => Err("expected FROM..TO in jobs, e.g. 0..1981".to_owned()),
    }
}

/// Reads the length of a sequence.
fn length(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(length) if (16..=1_000_000).contains(&length) => Ok(length),
        _ => Err("expected a number of jobs from 16 to 1000000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_ascending_ranges_of_jobs() {
        assert_eq!(part("0..1981"), Ok(0..1981));
        for bad in ["", "5", "10..5", "3..3", "-1..4", "a..b"] {
            assert!(part(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sequences_have_a_sensible_length() {
        assert_eq!(length("1024"), Ok(1024));
        for bad in ["", "0", "15", "1000001", "x"] {
            assert!(length(bad).is_err(), "{bad}");
        }
    }
}
