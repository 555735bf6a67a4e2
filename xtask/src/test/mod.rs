//! `cargo xtask test`: runs the tests in groups and ends with one line a group and the number of tests. What
//! a group needs and cannot have (recorded traces, a browser) leaves it "not run", and that is said.

mod apt;
mod fuzz;
mod kafka;
mod marked;
mod page;
mod tally;
#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Result, bail};

use crate::programs::{COLLECTOR, FEASIBLE, HELM_3, HELM_4, server};
use crate::{Usage, data};
use tally::{GroupReport, State, Tally};

const HELP: &str = "\
cargo xtask test [GROUP..]

Runs the groups named, or all of them:
  rust     every test of the workspace (cargo test --workspace)
  data     the tests that replay recorded traces have them: LEPTON_DATA (default ../shared/data) names a
           folder with openb, hpc-swf, philly-jobs and machine-reassignment. They are ordinary tests, so
           they run with `rust`, and on their own only when `rust` is not asked for
  page     the page's source: types, its tests, and whether the built files that are committed are what it
           builds; needs node and npm
  browser  tests marked #[ignore = \"needs chromium\"], and the checks of axe, which npm brings; as root on Debian, Chromium is
           installed for them
  sources  tests marked #[ignore = \"needs prometheus\"]: a real Prometheus that scrapes a real node-exporter; as
           root on Debian, both are installed for them
  kubernetes  tests marked #[ignore = \"needs kubernetes\"]: a real API server with its etcd on loopback, the rules of the
           stock scheduler, and helm 3 and 4, built from tests/control-plane and tests/helm once into ~/.cache/lepton (10 to 25 minutes; needs Go, and its module proxy).
           With LEPTON_KUBERNETES=newest the API server is that of the newest Kubernetes that was tried
  kafka    tests marked #[ignore = \"needs kafka\"]: a real Apache Kafka, fetched by Maven once into ~/.cache/lepton; as root
           on Debian, Java, Maven and what building the feature `kafka` needs are installed for them. Where that cannot be had
           all groups build without the feature
  stores   tests marked #[ignore = \"needs databases\"]: the store is told to a real PostgreSQL and a real MariaDB; as
           root on Debian, both are installed for them. Compiling the features `mysql` and `postgres` takes minutes
  fuzz     tests marked #[ignore = \"needs schemathesis\"]: requests made from docs/openapi.json; installed from PyPI once into
           ~/.cache/lepton (needs Python and its venv, which are installed as root on Debian)
  otel     tests marked #[ignore = \"needs a collector\"]: a real collector of OpenTelemetry is told the traces of turns; built
           from tests/collector once into ~/.cache/lepton (2 to 5 minutes; needs Go, and its module proxy)
  train    the tests of lepton-learn with its feature `train`; compiling that feature takes minutes
A group that cannot be run is listed as not run. With CI=true that is a failure.";

/// The groups in the order they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    Rust,
    Data,
    Page,
    Browser,
    Sources,
    Kubernetes,
    Kafka,
    Stores,
    Fuzz,
    Otel,
    Train,
}

const GROUPS: [(&str, Group); 11] = [
    ("rust", Group::Rust),
    ("data", Group::Data),
    ("page", Group::Page),
    ("browser", Group::Browser),
    ("sources", Group::Sources),
    ("kubernetes", Group::Kubernetes),
    ("kafka", Group::Kafka),
    ("stores", Group::Stores),
    ("fuzz", Group::Fuzz),
    ("otel", Group::Otel),
    ("train", Group::Train),
];

/// What `cargo test` builds for most groups: all of it once, with what tells databases elsewhere, and with Kafka where it can be built.
fn workspace() -> &'static [&'static str] {
    match kafka::can_be_built() {
        Ok(()) => &["--workspace", "--features", "lepton/kafka,lepton/mysql,lepton/postgres"],
        Err(_) => &["--workspace", "--features", "lepton/mysql,lepton/postgres"],
    }
}

/// What it builds for the learner.
const LEARNER: &[&str] = &["--package", "lepton-learn", "--features", "train"];

/// The chore.
pub(crate) fn main(root: &Path, args: &[&str]) -> Result<ExitCode> {
    if args.iter().any(|arg| matches!(*arg, "-h" | "--help")) {
        println!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    let wanted = wanted_groups(args)?;
    let traces = data::find_here(root);
    let mut reports: Vec<GroupReport> = Vec::new();
    for &(name, group) in &wanted {
        println!("\n== {name}");
        let start = Instant::now();
        let (state, tally) = match group {
            // The tests of TLS make their certificates with it.
            Group::Rust => match apt::ensure(&["openssl"], &["openssl"]) {
                Err(missing) => (State::NotRun(format!("no openssl: {missing:#}")), Tally::default()),
                Ok(()) => run_cargo_tests(root, &traces, workspace(), &[], &[])?,
            },
            Group::Train => run_cargo_tests(root, &traces, LEARNER, &[], &[])?,
            Group::Data => run_data(root, &traces, reports.iter().any(|r| r.name == "rust"))?,
            Group::Page => page::run(root)?,
            Group::Kubernetes => {
                marked::run_with(root, &traces, &[server()?, FEASIBLE, HELM_3, HELM_4], &marked::KUBERNETES)?
            }
            Group::Otel => marked::run_with(root, &traces, &[COLLECTOR], &marked::COLLECTOR)?,
            Group::Kafka => kafka::run(root, &traces)?,
            Group::Fuzz => fuzz::run(root, &traces)?,
            Group::Browser => match page::missing_packages(root)? {
                Some(missing) => (State::NotRun(missing), Tally::default()),
                None => marked::run(root, &traces, &marked::BROWSER)?,
            },
            Group::Sources => marked::run(root, &traces, &marked::PROMETHEUS)?,
            Group::Stores => marked::run(root, &traces, &marked::DATABASES)?,
        };
        reports.push(GroupReport { name, state, tally, seconds: start.elapsed().as_secs_f64() });
    }
    let in_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    let (summary, success) = tally::summary(&reports, in_ci);
    println!("\n{summary}");
    Ok(if success { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn wanted_groups(args: &[&str]) -> Result<Vec<(&'static str, Group)>> {
    for arg in args {
        if !GROUPS.iter().any(|(name, _)| name == arg) {
            let names: Vec<&str> = GROUPS.iter().map(|(name, _)| *name).collect();
            let there_are = names.join(", ");
            bail!(Usage(format!("there is no test group `{arg}`; there are: {there_are}")));
        }
    }
    Ok(GROUPS.into_iter().filter(|(name, _)| args.is_empty() || args.contains(name)).collect())
}

/// The replays are tests of the workspace like all others: after `rust` only the data is looked for.
fn run_data(root: &Path, traces: &Result<PathBuf, String>, rust_ran: bool) -> Result<(State, Tally)> {
    match traces {
        Err(missing) => Ok((State::NotRun(missing.clone()), Tally::default())),
        Ok(_) if rust_ran => {
            let found = format!("{} found; what replays them is counted with `rust`", data::trace_names());
            Ok((State::Passed(found), Tally::default()))
        }
        Ok(_) => run_cargo_tests(root, traces, workspace(), &[], &[]),
    }
}

/// `cargo test` of some packages, with arguments for the test programs; a build that fails is a failed group.
fn run_cargo_tests(
    root: &Path,
    traces: &Result<PathBuf, String>,
    packages: &[&str],
    test_args: &[&str],
    variables: &[(&str, &OsStr)],
) -> Result<(State, Tally)> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["test", "--no-fail-fast"]).args(packages).current_dir(root);
    match traces {
        Ok(folder) => command.env(data::VARIABLE, folder),
        Err(_) => command.env_remove(data::VARIABLE),
    };
    command.envs(variables.iter().copied());
    if !test_args.is_empty() {
        command.arg("--").args(test_args);
    }
    let (status, tally) = tally::run_and_count(&mut command)?;
    let state = match (status.success(), tally.failed) {
        (true, 0) => State::Passed(String::new()),
        (_, 0) => State::Failed(format!("cargo test ended with {status}")),
        // The summary counts them.
        _ => State::Failed(String::new()),
    };
    Ok((state, tally))
}
