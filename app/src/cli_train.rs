//! The options of `lepton train` and of the commands on learned models.

use std::path::{Path, PathBuf};

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};

use crate::cli_workload::{Generator, TraceFormat, nodes_count};
use crate::output::OutputFormat;
use crate::seeds::{Seeds, seeds};

/// The workloads to learn on, or to compare on.
#[derive(Debug, Args)]
pub(crate) struct LearningWorkloadArgs {
    /// Format of the trace files
    #[arg(long, value_enum, required_unless_present = "generate", requires = "nodes", requires = "tasks")]
    pub(crate) format: Option<TraceFormat>,
    /// Node list of the trace
    #[arg(long, value_name = "FILE", requires = "format")]
    pub(crate) nodes: Option<PathBuf>,
    /// Task lists of the trace, each a mix to learn on; several are separated by commas
    #[arg(long, value_name = "FILE,..", value_delimiter = ',', requires = "format")]
    pub(crate) tasks: Vec<PathBuf>,
    /// Generated workloads, instead of files or beside them; several are separated by commas
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) generate: Vec<Generator>,
    /// Nodes of the generated clusters; several sizes are separated by commas
    #[arg(long, value_name = "N,..", value_delimiter = ',', requires = "generate",
          default_values_t = [lepton_sim::generate::OPENB_NODES], value_parser = nodes_count)]
    pub(crate) nodes_count: Vec<usize>,
    /// Seeds of the invented clusters: one of each kind and size for each seed, `1..=6`
    #[arg(long = "generate-seed", alias = "generate-seeds", value_name = "SEEDS", requires = "generate",
          default_value = "1", value_parser = seeds)]
    pub(crate) generate_seeds: Seeds,
}

#[derive(Debug, Args)]
#[command(after_help = "Policies are vectors of weights. Each generation plays a population of them on new
sequences drawn from the mix of each task list (arrival orders of a study are never played),
compares them with the best fixed rule on the same sequences, and breeds the next one from
the better half. Now and then the centre of the population is tried on sequences kept apart;
the best centre is the result. Ctrl-C ends the training with the best model so far.

Every generation leaves a checkpoint; `--resume` goes on from there. One training at a time writes to a
model file or a checkpoint: a second one is refused.

Examples:
  lepton train placement --generate openb-like --nodes-count 200 --minutes 1 --report training.html
  lepton train placement --adapt --format openb --nodes nodes.csv --tasks pods.csv \\
      --minutes 5 --threads 2 --model adapted.safetensors
  lepton simulate placement --format openb --nodes nodes.csv --tasks pods.csv \\
      --policy lepton,fgd --model adapted.safetensors
  lepton train placement --config train.toml --format openb --nodes nodes.csv \\
      --tasks a.csv,b.csv,c.csv --minutes 15")]
pub(crate) struct TrainPlacementArgs {
    #[command(flatten)]
    pub(crate) workload: LearningWorkloadArgs,
    #[command(flatten)]
    pub(crate) train: TrainArgs,
}

/// How a training goes, whatever it is of.
#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    /// Start from the shipped model and learn this cluster's own mix
    #[arg(long, conflicts_with = "from")]
    pub(crate) adapt: bool,
    /// Where to start: `zero` (decides as the best fixed rule), `guess` (weights by hand), `shipped`, or a model file
    /// Where to start: `zero` (decides as the best fixed rule), `guess` (weights by hand), `shipped`, or a model file
    /// [default: guess]
    #[arg(long, value_name = "START", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) from: Option<String>,
    /// Who learns; all but `evolution` need a build with the feature `train` and a kind of model whose decisions
    /// can be recorded (jobs) [default: as the configuration says, else `evolution`]
    #[arg(long, value_enum, conflicts_with = "resume")]
    pub(crate) method: Option<TrainMethod>,
    /// Minutes to learn
    #[arg(long, value_name = "N", default_value_t = 5.0, value_parser = minutes)]
    pub(crate) minutes: f64,
    /// End after so many generations, however long they take; the result then depends on the seed alone
    #[arg(long, value_name = "N", conflicts_with = "minutes", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) generations: Option<u64>,
    /// Threads to use [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Seed of all random choices [default: 1, or that of the checkpoint]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Hyper-parameters, a TOML file: population, sequences, environments, spread, loss_weight, gain_max, gain_scale,
    /// check_every, check_sequences, method, evolution, and the table `learner`
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The model file to write [default: the kind of the model, ending in `.safetensors`]
    #[arg(long = "model", alias = "out", value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Replace the model file if there is one
    #[arg(long)]
    pub(crate) force: bool,
    /// Where checkpoints are kept [default: the model file with `.checkpoint` at its end]
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// Go on from the checkpoint, with the seed, start and hyper-parameters it was begun with; another seed or start is refused
    #[arg(long)]
    pub(crate) resume: bool,
    /// Write a report page to this file: learning curves, and every fixed rule on sequences kept apart
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Form of the result on stdout
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub(crate) output: OutputFormat,
}

impl TrainArgs {
    /// The files that are read, whatever the training is of.
    pub(crate) fn inputs(&self) -> [(&'static str, Option<&Path>); 2] {
        let from = self.from.as_deref().map(Path::new);
        [("--from", from), ("--config", self.config.as_deref())]
    }
}

/// Who learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TrainMethod {
    /// Evolution and reinforcement learning together
    Hybrid,
    /// Evolution alone
    Evolution,
    /// Reinforcement learning alone
    Reinforcement,
}

impl From<TrainMethod> for lepton_learn::Method {
    fn from(method: TrainMethod) -> Self {
        match method {
            TrainMethod::Hybrid => Self::Hybrid,
            TrainMethod::Evolution => Self::Evolution,
            TrainMethod::Reinforcement => Self::Reinforcement,
        }
    }
}

/// What a learned model decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModelKind {
    /// On which node and devices a task goes
    Placement,
    /// Which waiting job goes next
    Jobs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lepton policy show\n  lepton policy show --kind jobs\n  lepton policy show adapted.safetensors \
                  --output json"
)]
pub(crate) struct ShowArgs {
    /// The model file [default: the model that Lepton comes with]
    pub(crate) model: Option<PathBuf>,
    /// Which of the models that Lepton comes with
    #[arg(long, value_enum, default_value_t = ModelKind::Placement, conflicts_with = "model")]
    pub(crate) kind: ModelKind,
    /// Form of the result on stdout
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub(crate) output: OutputFormat,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  lepton policy compare adapted.safetensors --generate openb-like --nodes-count 200
  lepton policy compare new.safetensors --serving old.safetensors --format openb \\
      --nodes nodes.csv --tasks a.csv,b.csv --seed 1..=20")]
pub(crate) struct CompareArgs {
    /// The candidate
    pub(crate) candidate: PathBuf,
    /// The model it is compared with [default: the model that Lepton comes with]
    #[arg(long, value_name = "FILE")]
    pub(crate) serving: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) gate: GateArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "The candidate takes the place of the serving model when, on at least 5 sequences, it gains at least
0.02 points in the mean, the 95% interval of the gain lies above zero, and it is nowhere shown to lose
more than 0.05; the old file is kept beside it, ending in `.previous`. Otherwise nothing is changed and
the exit code is 1.

Examples:
  lepton policy promote new.safetensors --serving serving.safetensors --format openb \\
      --nodes nodes.csv --tasks pods.csv"
)]
pub(crate) struct PromoteArgs {
    /// The candidate
    pub(crate) candidate: PathBuf,
    /// The file of the serving model; where there is none yet, the candidate is compared with the shipped model
    #[arg(long, value_name = "FILE")]
    pub(crate) serving: PathBuf,
    #[command(flatten)]
    pub(crate) gate: GateArgs,
}

#[derive(Debug, Args)]
#[command(
    after_help = "The model that served before takes its place again: FILE and FILE.previous change places, so a
second `demote` takes the first one back.

Examples:
  lepton policy demote --serving serving.safetensors"
)]
pub(crate) struct DemoteArgs {
    /// The file of the serving model
    #[arg(long, value_name = "FILE")]
    pub(crate) serving: PathBuf,
}

/// What two models are compared on.
#[derive(Debug, Args)]
pub(crate) struct GateArgs {
    #[command(flatten)]
    pub(crate) workload: LearningWorkloadArgs,
    #[command(flatten)]
    pub(crate) run: ComparisonArgs,
}

/// How two models of any kind are compared.
#[derive(Debug, Args)]
pub(crate) struct ComparisonArgs {
    /// Seeds of the sequences: a range `1..=10`, a list `1,5,9`, or one number
    #[arg(long = "seed", alias = "seeds", value_name = "SEEDS", default_value = "1..=10", value_parser = seeds)]
    pub(crate) seeds: Seeds,
    /// Threads to use [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Form of the result on stdout
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub(crate) output: OutputFormat,
}

/// Reads a number of minutes: above 0, at most a week.
fn minutes(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(minutes) if minutes > 0.0 && minutes <= 10_080.0 => Ok(minutes),
        _ => Err("expected a number above 0 and at most 10080 (a week)".to_owned()),
    }
}
