//! Groups of tests that need a program: they are marked `#[ignore = "needs .."]`, so that a plain `cargo test` needs none, and
//! found by that mark.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::apt::ensure;
use super::tally::{State, Tally};
use super::{run_cargo_tests, workspace};
use crate::go::GoProgram;
use crate::tidy;

/// What such a group needs.
pub(super) struct Needs<'a> {
    /// The reason that its tests give for being ignored.
    pub(super) reason: &'static str,
    /// The programs that they start.
    pub(super) programs: &'static [&'static str],
    /// Debian's packages of them.
    pub(super) packages: &'static [&'static str],
    /// Variables that they find things by.
    pub(super) variables: &'a [(&'a str, &'a OsStr)],
}

/// Tests that look at a page.
pub(super) const BROWSER: Needs<'static> =
    Needs { reason: "needs chromium", programs: &["chromium"], packages: &["chromium"], variables: &[] };
/// Tests that ask a Prometheus.
pub(super) const PROMETHEUS: Needs<'static> = Needs {
    reason: "needs prometheus",
    programs: &["prometheus", "prometheus-node-exporter"],
    packages: &["prometheus", "prometheus-node-exporter"],
    variables: &[],
};
/// Tests that start databases. Debian keeps PostgreSQL's server out of the path.
pub(super) const DATABASES: Needs<'static> = Needs {
    reason: "needs databases",
    programs: &["mariadbd", "mariadb-install-db", "psql", "pg_lsclusters"],
    packages: &["mariadb-server", "postgresql"],
    variables: &[],
};
/// Tests that talk to an API server.
pub(super) const KUBERNETES: Needs<'static> =
    Needs { reason: "needs kubernetes", programs: &[], packages: &[], variables: &[] };

/// Tests that a fuzzer makes.
pub(super) const FUZZER: Needs<'static> =
    Needs { reason: "needs schemathesis", programs: &[], packages: &[], variables: &[] };

/// Tests that talk to a broker of Kafka.
pub(super) const KAFKA: Needs<'static> =
    Needs { reason: "needs kafka", programs: &[], packages: &[], variables: &[] };

/// Tests that tell a collector of OpenTelemetry.
pub(super) const COLLECTOR: Needs<'static> =
    Needs { reason: "needs a collector", programs: &[], packages: &[], variables: &[] };

/// Such a group whose programs are built from Go modules.
pub(super) fn run_with(
    root: &Path,
    traces: &Result<PathBuf, String>,
    programs: &[GoProgram],
    needs: &Needs<'_>,
) -> Result<(State, Tally)> {
    let mut built = Vec::new();
    for program in programs {
        match program.built(root) {
            Ok(path) => built.push((program.variable, path)),
            Err(error) => {
                return Ok((State::NotRun(format!("no {}: {error:#}", program.name)), Tally::default()));
            }
        }
    }
    let variables: Vec<(&str, &OsStr)> =
        built.iter().map(|(variable, path)| (*variable, path.as_os_str())).collect();
    run(root, traces, &Needs { variables: &variables, ..*needs })
}

pub(super) fn run(
    root: &Path,
    traces: &Result<PathBuf, String>,
    needs: &Needs<'_>,
) -> Result<(State, Tally)> {
    let tests = tidy::ignored_tests(root, needs.reason)?;
    if tests.is_empty() {
        return Ok((State::Passed(format!("no test {}", needs.reason)), Tally::default()));
    }
    if let Err(error) = ensure(needs.programs, needs.packages) {
        return Ok((
            State::NotRun(format!("no {}: {error:#}", needs.packages.join(" and "))),
            Tally::default(),
        ));
    }
    let args: Vec<&str> = ["--ignored"].into_iter().chain(tests.iter().map(String::as_str)).collect();
    let (state, tally) = run_cargo_tests(root, traces, workspace(), &args, needs.variables)?;
    let (ran, marked) = (tally.passed + tally.failed, tests.len());
    if matches!(state, State::Passed(_)) && ran < marked as u64 {
        return Ok((State::Failed(format!("{marked} tests are marked, {ran} ran")), tally));
    }
    Ok((state, tally))
}
