//! The group `browser`: tests that look at a page in Chromium. They are marked
//! `#[ignore = "needs chromium"]`, so that a plain `cargo test` needs no browser, and found by that mark.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

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
    if !is_installed()
        && let Err(error) = install()
    {
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

fn is_installed() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(PROGRAM).is_file())
}

/// Debian's Chromium through apt, as root only: nobody's machine is changed by asking for a password.
fn install() -> Result<()> {
    let user = Command::new("id").arg("-u").output().context("cannot ask for the user")?;
    if user.stdout.trim_ascii() != b"0" {
        bail!("not root, so it is not installed; install Debian's package `chromium`");
    }
    println!("installing Debian's chromium");
    apt_get(&["update"])?;
    apt_get(&["install", "--yes", "--no-install-recommends", "chromium"])
}

fn apt_get(args: &[&str]) -> Result<()> {
    let out = Command::new("apt-get")
        .args(["-qq", "-o", "Acquire::http::Timeout=30", "-o", "DPkg::Lock::Timeout=120"])
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .output()
        .context("cannot start apt-get")?;
    if out.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&out.stderr).into_owned();
    let last = errors.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no message");
    bail!("apt-get {} ended with {}: {last}", args.join(" "), out.status)
}
