//! `cargo xtask bench`: the registry of the project's benches. Each is a program of its own that prints its
//! table and names its page under docs/benchmarks; here is only what they are called and how they are run.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::programs::SERVER_AND_SCHEDULER;
use crate::{Usage, data};

/// A bench that can be asked for by name.
pub(crate) struct Bench {
    pub(crate) name: &'static str,
    pub(crate) package: &'static str,
    /// The bench or example of the package that is run.
    pub(crate) target: Target,
    shows: &'static str,
    pub(crate) page: &'static str,
}

/// A program of a package that measures something.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    /// `benches/NAME.rs`, a `[[bench]]` without the test harness.
    Bench(&'static str),
    /// The same, with a feature of the package that it needs.
    FeatureBench(&'static str, &'static str),
    /// The same, on a control plane of Kubernetes with the stock scheduler.
    ControlPlaneBench(&'static str),
    /// `examples/NAME.rs`.
    Example(&'static str),
}

impl Target {
    /// The program's file in its package.
    pub(crate) fn file(self) -> String {
        match self {
            Self::Bench(name) | Self::FeatureBench(name, _) | Self::ControlPlaneBench(name) => {
                format!("benches/{name}.rs")
            }
            Self::Example(name) => format!("examples/{name}.rs"),
        }
    }
}

pub(crate) const BENCHES: [Bench; 17] = [
    Bench {
        name: "placement",
        package: "lepton-sim",
        target: Target::Bench("placement"),
        shows: "the published placement study on the openb traces, run by run, and how long it takes",
        page: "docs/benchmarks/placement.md",
    },
    Bench {
        name: "scale",
        package: "lepton-sim",
        target: Target::Bench("scale"),
        shows: "the cost of a decision and the memory at 1,213, 10,000 and 100,000 nodes",
        page: "docs/benchmarks/scale.md",
    },
    Bench {
        name: "loop",
        package: "lepton-sim",
        target: Target::Bench("loop_turns"),
        shows: "how long a turn of the loop takes with 5,000 nodes and 50,000 tasks, and its memory over 10,000 turns",
        page: "docs/benchmarks/loop.md",
    },
    Bench {
        name: "jobs",
        package: "lepton-sim",
        target: Target::Example("job_rates"),
        shows: "how fast jobs are simulated under the queue policies, on recorded and generated traces",
        page: "docs/benchmarks/jobs.md",
    },
    Bench {
        name: "learn",
        package: "lepton-sim",
        target: Target::Bench("learning"),
        shows: "the learned policy beside the best fixed rules: the openb traces, adapted models, other clusters",
        page: "docs/benchmarks/learning.md",
    },
    Bench {
        name: "learn-jobs",
        package: "lepton-sim",
        target: Target::Bench("learning_jobs"),
        shows: "the learned order of jobs beside the fixed rules on batch traces, and the time of a decision",
        page: "docs/benchmarks/learning-jobs.md",
    },
    Bench {
        name: "learners",
        package: "lepton-sim",
        target: Target::FeatureBench("learners", "train"),
        shows: "evolution and reinforcement learning together and each alone, at equal steps and equal time",
        page: "docs/benchmarks/learners.md",
    },
    Bench {
        name: "rebalancing",
        package: "lepton-sim",
        target: Target::Bench("rebalancing"),
        shows: "machine reassignment: published and large instances beside published results, parts of the search",
        page: "docs/benchmarks/rebalancing.md",
    },
    Bench {
        name: "defragmentation",
        package: "lepton-sim",
        target: Target::Bench("defragmentation"),
        shows: "how many dropped tasks of the openb traces fit after moving at most 5% of the placed ones",
        page: "docs/benchmarks/defragmentation.md",
    },
    Bench {
        name: "what_is_left",
        package: "lepton-sim",
        target: Target::Bench("what_is_left"),
        shows: "what the tasks that come later find after moves on a cluster where nothing waits",
        page: "docs/benchmarks/defragmentation.md",
    },
    Bench {
        name: "risk",
        package: "lepton-sim",
        target: Target::Example("risk_tables"),
        shows: "worlds of faults beside their closed forms, lemons found, the cost of a reading and a node",
        page: "docs/benchmarks/risk.md",
    },
    Bench {
        name: "forecast",
        package: "lepton-sim",
        target: Target::Bench("forecast"),
        shows: "the cost of a reading and a forecast, memory of 10,000 series, and all models on recorded load",
        page: "docs/benchmarks/forecast.md",
    },
    Bench {
        name: "expected-load",
        package: "lepton-sim",
        target: Target::Example("expected_load"),
        shows: "the loop deciding by current and by expected load, and with and without heeding signs of faults",
        page: "docs/benchmarks/expected-load.md",
    },
    Bench {
        name: "store",
        package: "lepton-edges",
        target: Target::FeatureBench("store", "mysql,postgres"),
        shows: "how much of a core and of a disk the history of 5,000 nodes takes, here and on each database",
        page: "docs/benchmarks/store.md",
    },
    Bench {
        name: "load",
        package: "lepton",
        target: Target::Bench("load"),
        shows: "a service of 5,000 nodes for a day, watched by 200: turns, decisions, reads and memory",
        page: "docs/benchmarks/load.md",
    },
    Bench {
        name: "kubernetes",
        package: "lepton",
        target: Target::ControlPlaneBench("kubernetes"),
        shows: "binding on a real API server beside blind binding and the stock scheduler, and gangs",
        page: "docs/benchmarks/kubernetes.md",
    },
    Bench {
        name: "kubernetes-scale",
        package: "lepton",
        target: Target::Bench("kubernetes_scale"),
        shows: "a service on 5,000 nodes and 50,000 pods: changes taken in, pods that come one by one, memory",
        page: "docs/benchmarks/kubernetes.md",
    },
];

const HELP: &str = "\
cargo xtask bench [NAME [ARGS..]]

Runs the bench NAME in release mode and passes ARGS on to it; `all` runs every bench in turn. Without a
name, lists the benches. Recorded traces are found by LEPTON_DATA (default: ../shared/data).";

/// The chore.
pub(crate) fn main(root: &Path, args: &[&str]) -> Result<ExitCode> {
    match args {
        [] => {
            println!("benches, run by `cargo xtask bench NAME`:\n\n{}", list());
            Ok(ExitCode::SUCCESS)
        }
        ["-h" | "--help", ..] => {
            println!("{HELP}\n\n{}", list());
            Ok(ExitCode::SUCCESS)
        }
        ["all", args @ ..] => {
            for bench in &BENCHES {
                run(root, bench, args)?;
            }
            Ok(ExitCode::SUCCESS)
        }
        [name, args @ ..] => {
            let Some(bench) = BENCHES.iter().find(|b| b.name == *name) else {
                let names: Vec<&str> = BENCHES.iter().map(|b| b.name).collect();
                let there_are = names.join(", ");
                bail!(Usage(format!("there is no bench `{name}`; there are: {there_are}")));
            };
            // People put `--` before a program's own arguments out of habit.
            run(root, bench, args.strip_prefix(&["--"]).unwrap_or(args))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn list() -> String {
    let rows = BENCHES.iter().map(|b| format!("  {:<16} {}\n{:19}{}\n", b.name, b.shows, "", b.page));
    rows.collect()
}

fn run(root: &Path, bench: &Bench, args: &[&str]) -> Result<()> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    match bench.target {
        Target::Bench(name) => command.args(["bench", "--bench", name]),
        Target::ControlPlaneBench(name) => {
            command.env(SERVER_AND_SCHEDULER.variable, SERVER_AND_SCHEDULER.built(root)?);
            command.args(["bench", "--bench", name])
        }
        Target::FeatureBench(name, feature) => {
            command.args(["bench", "--bench", name, "--features", feature])
        }
        Target::Example(name) => command.args(["run", "--profile", "bench", "--example", name]),
    };
    command.args(["--package", bench.package]).current_dir(root);
    if !args.is_empty() {
        command.arg("--").args(args);
    }
    match data::find_here(root) {
        Ok(folder) => {
            command.env(data::VARIABLE, folder);
        }
        Err(missing) => eprintln!("note: no recorded traces ({missing})"),
    }
    println!("{}: {}", bench.name, bench.shows);
    let status = command.status().context("cannot start cargo")?;
    if !status.success() {
        bail!("the bench `{}` failed ({status})", bench.name);
    }
    Ok(())
}
