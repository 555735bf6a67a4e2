//! Counting: what `cargo test` prints, added up, and the closing summary.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result};

/// Numbers of tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: u64,
    pub(super) failed: u64,
}

/// How a group ended, with a word on why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    Passed(String),
    Failed(String),
    NotRun(String),
}

/// One line of the summary.
#[derive(Debug, Clone)]
pub(super) struct GroupReport {
    pub(super) name: &'static str,
    pub(super) state: State,
    pub(super) tally: Tally,
    pub(super) seconds: f64,
}

impl Tally {
    /// Adds a line of the form `test result: ok. 5 passed; 1 failed; 0 ignored; ..`, or one of node's closing lines, `# pass 5` and
    /// `# fail 1`; others change nothing.
    pub(super) fn add_line(&mut self, line: &str) {
        let of_node = |name| line.strip_prefix(name).and_then(|count: &str| count.trim().parse::<u64>().ok());
        self.passed += of_node("# pass ").unwrap_or(0);
        self.failed += of_node("# fail ").unwrap_or(0);
        let Some(result) = line.trim_start().strip_prefix("test result: ") else { return };
        for part in result.split([';', '.']) {
            let mut words = part.split_whitespace();
            let count = words.next().and_then(|word| word.parse::<u64>().ok());
            match (count, words.next()) {
                (Some(count), Some("passed")) => self.passed += count,
                (Some(count), Some("failed")) => self.failed += count,
                _ => {}
            }
        }
    }
}

/// Runs `command`, shows its output as it comes, and counts its test results.
pub(super) fn run_and_count(command: &mut Command) -> Result<(ExitStatus, Tally)> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", command.get_program().display()))?;
    let stdout = child.stdout.take().context("the output of cargo test is not to be had")?;
    let mut tally = Tally::default();
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line.context("cannot read the output of cargo test")?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        tally.add_line(&line);
    }
    let status = child.wait().context("cargo test was lost")?;
    Ok((status, tally))
}

/// The closing lines and whether all is well. A group that failed without a failed test (it did not build),
/// or was not run where all must run, counts as one failure, so the last line never hides it.
pub(super) fn summary(reports: &[GroupReport], all_must_run: bool) -> (String, bool) {
    let mut text = String::from("summary\n");
    let mut total = Tally::default();
    for GroupReport { name, state, tally, seconds } in reports {
        let (word, why, failures) = match state {
            State::Passed(why) => ("passed", why, 0),
            State::Failed(why) => ("failed", why, tally.failed.max(1)),
            State::NotRun(why) => ("not run", why, u64::from(all_must_run)),
        };
        total.passed += tally.passed;
        total.failed += failures;
        let counted = match tally {
            Tally { passed: 0, failed: 0 } => String::new(),
            Tally { passed, failed: 0 } => format!("{passed} tests"),
            Tally { passed, failed } => format!("{failed} of {} tests", passed + failed),
        };
        let notes: Vec<&str> =
            [counted.as_str(), why.as_str()].into_iter().filter(|n| !n.is_empty()).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {name:<10} {word:<8} {seconds:>6.1} s  {}", notes.join("; "));
    }
    let _ = write!(text, "{} passed, {} failed", total.passed, total.failed);
    (text, total.failed == 0)
}
