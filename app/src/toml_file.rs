//! A settings file in TOML, to read it and to say where something in it is wrong.

use std::path::Path;

use lepton_sim::readers::{InputError, read_whole_text};
use toml::{Table, Value};

/// Longest file, bytes.
const BYTES_MAX: u64 = 1 << 20;

/// Reads a file and makes something of it.
///
/// # Errors
/// When it cannot be read, or `parse` says so.
pub(crate) fn read_toml<T>(
    path: &Path,
    parse: impl Fn(&TomlFile<'_>) -> Result<T, InputError>,
) -> Result<T, InputError> {
    let text = read_whole_text(path, BYTES_MAX)?;
    parse(&TomlFile { path, text: &text })
}

/// A file and its text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TomlFile<'a> {
    pub(crate) path: &'a Path,
    pub(crate) text: &'a str,
}

impl TomlFile<'_> {
    /// What stands in it.
    pub(crate) fn table(&self) -> Result<Table, InputError> {
        self.text.parse().map_err(|e: toml::de::Error| {
            let error = InputError::new(self.path, format!("not TOML: {}", e.message()));
            match e.span() {
                Some(span) => error.at_line(1 + self.text[..span.start].matches('\n').count() as u64),
                None => error,
            }
        })
    }

    /// A value that is not what it should be.
    pub(crate) fn wrong(&self, key: &str, value: &Value, expected: &str) -> InputError {
        let error = InputError::new(self.path, expected).in_column(key).with_value(&shown(value));
        self.at(key, error)
    }

    /// A name that is none of the known ones.
    pub(crate) fn unknown(&self, what: &str, key: &str, known: &[&str]) -> InputError {
        let there_are = known.join(", ");
        let said = format!("there is no {what} `{key}`; there are: {there_are}");
        let error = self.at(key, InputError::new(self.path, said));
        match nearest(key, known) {
            Some(name) => error.maybe(format!("`{name}` is meant")),
            None => error,
        }
    }

    /// The line that a key stands on, the first of that name.
    pub(crate) fn line_of(&self, key: &str) -> Option<u64> {
        line_of(self.text, key)
    }

    fn at(&self, key: &str, error: InputError) -> InputError {
        match self.line_of(key) {
            Some(line) => error.at_line(line),
            None => error,
        }
    }
}

/// A value as a person wrote it.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Integer(whole) => whole.to_string(),
        Value::Float(float) => float.to_string(),
        other => other.type_str().to_owned(),
    }
}

/// The 1-based line that a key stands on.
fn line_of(text: &str, key: &str) -> Option<u64> {
    let names = |line: &str| {
        line.split(['=', ']']).next().is_some_and(|k| k.trim_matches([' ', '"', '\'', '[']) == key)
    };
    text.lines().position(names).map(|at| at as u64 + 1)
}

/// The known name that takes the fewest changed letters, if these are few.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let (distance, nearest) = known.iter().map(|&k| (edits(name, k), k)).min()?;
    (distance <= 1 + name.chars().count() / 3).then_some(nearest)
}

/// Letters to add, drop or change to make one word of the other (Levenshtein).
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in to.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (diagonal + usize::from(a != *b)).min(above + 1).min(row[j] + 1);
            diagonal = above;
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_names_are_suggested() {
        assert_eq!(nearest("xyz", &["migration", "overload"]), None);
        assert_eq!(nearest("migrations", &["migration", "overload"]), Some("migration"));
    }
}
