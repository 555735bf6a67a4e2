//! What a check reports: where, which rule, what is wrong, what to do.

use std::fmt;
use std::path::{Path, PathBuf};

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Violation {
    pub(super) file: PathBuf,
    /// 1-based line.
    pub(super) line: usize,
    pub(super) rule: &'static str,
    pub(super) problem: String,
    pub(super) remedy: String,
}

impl Violation {
    pub(super) fn new(
        file: &Path,
        line: usize,
        rule: &'static str,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { file: file.to_path_buf(), line, rule, problem: problem.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, rule, problem, remedy } = self;
        write!(f, "{}:{line}: [{rule}] {problem}; {remedy}", file.display())
    }
}
