//! The one error of all readers: where the input is wrong, what stood there, what was expected.

use std::fmt;
use std::path::{Path, PathBuf};

/// Values are quoted up to this many characters.
const QUOTED_CHARS_MAX: usize = 60;

/// Bad input: the message names file, line, column and value, and says what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct InputError {
    /// The file as the user named it.
    pub file: PathBuf,
    /// 1-based line, where one is known.
    pub line: Option<u64>,
    /// Column name (or field number as text), where one is known.
    pub column: Option<String>,
    /// The offending value, shortened.
    pub value: Option<String>,
    /// What is wrong or what was expected: lower-case, no full stop.
    pub problem: String,
    /// A suggestion that follows "Maybe ".
    pub maybe: Option<String>,
}

impl InputError {
    /// An error about the file as a whole.
    pub fn new(file: &Path, problem: impl Into<String>) -> Self {
        Self {
            file: file.to_path_buf(),
            line: None,
            column: None,
            value: None,
            problem: problem.into(),
            maybe: None,
        }
    }

    /// Adds the 1-based line.
    #[must_use]
    pub fn at_line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    /// Adds the column's name.
    #[must_use]
    pub fn in_column(mut self, column: impl Into<String>) -> Self {
        self.column = Some(column.into());
        self
    }

    /// Adds the offending value, shortened to 60 characters with control characters escaped.
    #[must_use]
    pub fn with_value(mut self, value: &str) -> Self {
        let mut shown: String = value.chars().take(QUOTED_CHARS_MAX).flat_map(char::escape_debug).collect();
        if value.chars().nth(QUOTED_CHARS_MAX).is_some() {
            shown.push_str("...");
        }
        self.value = Some(shown);
        self
    }

    /// Adds a suggestion; it is printed after "Maybe ".
    #[must_use]
    pub fn maybe(mut self, hint: impl Into<String>) -> Self {
        self.maybe = Some(hint.into());
        self
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if let Some(column) = &self.column {
            write!(f, ", column `{column}`")?;
        }
        if let Some(value) = &self.value {
            write!(f, ", value `{value}`")?;
        }
        write!(f, ": {}", self.problem)?;
        if let Some(maybe) = &self.maybe {
            write!(f, ". Maybe {maybe}")?;
        }
        Ok(())
    }
}
