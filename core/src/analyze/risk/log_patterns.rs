//! Log messages that tell of faults, by a maintained list: `log_patterns.txt`, one block for each with its severity, an
//! example and its origin. A message is matched piece by piece, without expressions that could take long.

use serde::{Deserialize, Serialize};

/// The list that is built in.
pub const LOG_PATTERNS: &str = include_str!("log_patterns.txt");

/// How bad a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth counting.
    Warning,
    /// A part fails.
    Error,
    /// The node or a device of it is lost or about to be.
    Critical,
}

/// A message that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPattern {
    /// Unique name.
    pub name: String,
    /// How bad it is.
    pub severity: Severity,
    /// What is at fault.
    pub cause: String,
    /// A line as it is found in a log.
    pub example: String,
    /// Who prints it, or where it is explained.
    pub origin: String,
    /// Pieces in their order.
    pieces: Vec<String>,
}

/// A list of patterns cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the list of log patterns: {problem}")]
pub struct LogPatternError {
    /// 1-based line.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
}

/// A list of patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPatterns {
    patterns: Vec<LogPattern>,
}

impl LogPatterns {
    /// The list that is built in.
    pub fn built_in() -> Self {
        Self::parse(LOG_PATTERNS).expect("a test reads the list that is built in")
    }

    /// Reads a list; the form is told at the top of `log_patterns.txt`.
    ///
    /// # Errors
    /// When a block lacks a field or has an unknown one, a severity is none, or a name comes twice.
    pub fn parse(text: &str) -> Result<Self, LogPatternError> {
        let mut patterns: Vec<LogPattern> = Vec::new();
        let mut block: Vec<(usize, &str)> = Vec::new();
        let lines = text.lines().map(|l| l.trim_end_matches('\r')).chain([""]);
        for (i, line) in lines.enumerate() {
            if line.trim().is_empty() {
                if !block.is_empty() {
                    let pattern = LogPattern::parse(&block)?;
                    if patterns.iter().any(|p| p.name == pattern.name) {
                        let problem = format!("the name `{}` comes twice", pattern.name);
                        return Err(LogPatternError { line: block[0].0, problem });
                    }
                    patterns.push(pattern);
                    block.clear();
                }
            } else if !line.starts_with('#') {
                block.push((i + 1, line));
            }
        }
        Ok(Self { patterns })
    }

    /// The patterns, in the order of the list.
    pub fn patterns(&self) -> &[LogPattern] {
        &self.patterns
    }

    /// The worst pattern that the message matches, the first of equals.
    pub fn find(&self, message: &str) -> Option<&LogPattern> {
        let mut found: Option<&LogPattern> = None;
        for pattern in &self.patterns {
            if found.is_none_or(|f| f.severity < pattern.severity) && pattern.matches(message) {
                found = Some(pattern);
            }
        }
        found
    }
}

impl LogPattern {
    /// Whether all pieces are found in the message, in their order.
    pub fn matches(&self, message: &str) -> bool {
        let mut rest = message;
        self.pieces.iter().all(|piece| match rest.find(piece.as_str()) {
            Some(at) => {
                rest = &rest[at + piece.len()..];
                true
            }
            None => false,
        })
    }

    fn parse(block: &[(usize, &str)]) -> Result<Self, LogPatternError> {
        let (first, head) = block[0];
        let wrong = |line: usize, problem: String| LogPatternError { line, problem };
        let name =
            head.strip_prefix('[').and_then(|h| h.trim_end().strip_suffix(']')).filter(|n| !n.is_empty());
        let Some(name) = name else {
            return Err(wrong(first, format!("expected a name in brackets, found `{head}`")));
        };
        let mut fields = [None; 5];
        const FIELDS: [&str; 5] = ["severity", "cause", "match", "example", "origin"];
        for &(line, text) in &block[1..] {
            let (key, value) = text.split_once(' ').unwrap_or((text, ""));
            let Some(at) = FIELDS.iter().position(|f| *f == key) else {
                let there_are = FIELDS.join(", ");
                return Err(wrong(line, format!("unknown field `{key}`; there are: {there_are}")));
            };
            if value.trim().is_empty() || fields[at].replace((line, value)).is_some() {
                return Err(wrong(line, format!("expected one value for `{key}`")));
            }
        }
        let field = |at: usize| {
            fields[at].ok_or_else(|| wrong(first, format!("`{name}` lacks the field `{}`", FIELDS[at])))
        };
        let (line, severity) = field(0)?;
        let severity = match severity.trim() {
            "critical" => Severity::Critical,
            "error" => Severity::Error,
            "warning" => Severity::Warning,
            other => {
                let problem = format!("expected critical, error or warning, found `{other}`");
                return Err(wrong(line, problem));
            }
        };
        let (line, pieces) = field(2)?;
        let pieces: Vec<String> = pieces.split('*').filter(|p| !p.is_empty()).map(str::to_owned).collect();
        if pieces.is_empty() {
            return Err(wrong(line, "matches everything".to_owned()));
        }
        Ok(Self {
            name: name.to_owned(),
            severity,
            cause: field(1)?.1.trim().to_owned(),
            example: field(3)?.1.to_owned(),
            origin: field(4)?.1.to_owned(),
            pieces,
        })
    }
}
