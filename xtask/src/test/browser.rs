//! The group `browser`: tests that look at a page in Chromium. They are marked
//! `#[ignore = "needs chromium"]` and their names end in `_in_a_browser`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::tally::{State, Tally};
use super::{cargo, run_cargo_tests};

/// How the names of such tests end.
const NAME: &str = "_in_a_browser";
/// Programs that do, the first found is enough.
const PROGRAMS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

pub(super) fn run(root: &Path, traces: &Result<PathBuf, String>) -> Result<(State, Tally)> {
    let tests = count(root, traces)?;
    if tests == 0 {
        return Ok((State::Passed("no test looks at a page".to_owned()), Tally::default()));
    }
    if !is_installed()
        && let Err(error) = install()
    {
        return Ok((State::NotRun(format!("no Chromium: {error:#}")), Tally::default()));
    }
    let (state, tally) = run_cargo_tests(root, traces, &["--ignored", NAME])?;
    if tally.passed + tally.failed < tests && matches!(state, State::Passed(_)) {
        let ran = tally.passed + tally.failed;
        return Ok((State::Failed(format!("{ran} of the {tests} tests ran")), tally));
    }
    Ok((state, tally))
}

/// How many tests there are, so that Chromium is not fetched for none.
fn count(root: &Path, traces: &Result<PathBuf, String>) -> Result<u64> {
    let out = cargo(root, traces)
        .args(["test", "--quiet", "--workspace", "--", "--list", "--ignored", NAME])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo test")?;
    if !out.status.success() {
        bail!("cannot list the tests: cargo test ended with {}", out.status);
    }
    let text = String::from_utf8_lossy(&out.stdout);
    let tests = text.lines().filter(|line| line.ends_with(&format!("{NAME}: test"))).count();
    Ok(tests as u64)
}

fn is_installed() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| PROGRAMS.iter().any(|name| folder.join(name).is_file()))
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
