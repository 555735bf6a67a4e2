//! The group `browser`: tests that look at a page in Chromium. They are marked
//! `#[ignore = "needs chromium"]`, so that a plain `cargo test` needs no browser, and found by that mark.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::apt::ensure;
use super::tally::{State, Tally};
use super::{WORKSPACE, run_cargo_tests};
use crate::tidy;

/// The reason such tests give for being ignored.
const REASON: &str = "needs chromium";
/// The program that they start.
const PROGRAM: &str = "chromium";

pub(super) fn run(root: &Path, traces: &Result<PathBuf, String>) -> Result<(State, Tally)> {
    let tests = tidy::ignored_tests(root, REASON)?;
    if tests.is_empty() {
        return Ok((State::Passed("no test looks at a page".to_owned()), Tally::default()));
    }
    if let Err(error) = ensure(&[PROGRAM], &[PROGRAM]) {
        return Ok((State::NotRun(format!("no Chromium: {error:#}")), Tally::default()));
    }
    let args: Vec<&str> = ["--ignored"].into_iter().chain(tests.iter().map(String::as_str)).collect();
    let (state, tally) = run_cargo_tests(root, traces, WORKSPACE, &args)?;
    let (ran, marked) = (tally.passed + tally.failed, tests.len());
    if matches!(state, State::Passed(_)) && ran < marked as u64 {
        return Ok((State::Failed(format!("{marked} tests are marked, {ran} ran")), tally));
    }
    Ok((state, tally))
}
