//! Objective files: TOML with a table `weights` of named terms, and `safety_level`. What is not named keeps its
//! default.

use std::path::Path;

use lepton_core::decide::defragment::{OBJECTIVE_TERMS, Objective};
use lepton_sim::readers::{InputError, read_whole_text};
use toml::{Table, Value};

/// Longest file, bytes.
const BYTES_MAX: u64 = 1 << 20;
/// Largest weight.
const WEIGHT_MAX: f64 = 1e9;
const KEYS: [&str; 2] = ["safety_level", "weights"];

/// Reads an objective file.
///
/// # Errors
/// When it cannot be read, is not TOML, or names or gives what is not known.
pub(crate) fn read_objective(path: &Path) -> Result<Objective, InputError> {
    parse(path, &read_whole_text(path, BYTES_MAX)?)
}

fn parse(path: &Path, text: &str) -> Result<Objective, InputError> {
    let file: Table = text.parse().map_err(|e: toml::de::Error| {
        let error = InputError::new(path, format!("not TOML: {}", e.message()));
        match e.span() {
            Some(span) => error.at_line(1 + text[..span.start].matches('\n').count() as u64),
            None => error,
        }
    })?;
    let wrong = |key: &str, value: &Value, expected: &str| {
        let error = InputError::new(path, expected).in_column(key).with_value(&shown(value));
        match line_of(text, key) {
            Some(line) => error.at_line(line),
            None => error,
        }
    };
    let unknown = |what: &str, key: &str, known: &[&str]| {
        let there_are = known.join(", ");
        let error = InputError::new(path, format!("there is no {what} `{key}`; there are: {there_are}"));
        let error = match line_of(text, key) {
            Some(line) => error.at_line(line),
            None => error,
        };
        match nearest(key, known) {
            Some(name) => error.maybe(format!("`{name}` is meant")),
            None => error,
        }
    };
    let mut objective = Objective::default();
    for (key, value) in &file {
        match (key.as_str(), value) {
            ("safety_level", value) => match number(value).filter(|v| (0.0..=1.0).contains(v)) {
                Some(level) => objective.safety_level = level,
                None => return Err(wrong(key, value, "expected a share of the capacity from 0 to 1")),
            },
            ("weights", Value::Table(weights)) => {
                for (name, value) in weights {
                    let Some(at) = OBJECTIVE_TERMS.iter().position(|t| t.name == name) else {
                        return Err(unknown("term", name, &OBJECTIVE_TERMS.map(|t| t.name)));
                    };
                    match number(value).filter(|v| (0.0..=WEIGHT_MAX).contains(v)) {
                        Some(weight) => objective.weights[at] = weight,
                        None => return Err(wrong(name, value, "expected a weight from 0 to 1e9")),
                    }
                }
            }
            ("weights", value) => return Err(wrong(key, value, "expected a table of terms, `[weights]`")),
            _ => return Err(unknown("setting", key, &KEYS)),
        }
    }
    if objective.weights.iter().all(|w| *w == 0.0) {
        return Err(InputError::new(path, "all weights are 0, so that no plan is better than another"));
    }
    Ok(objective)
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

fn number(value: &Value) -> Option<f64> {
    match *value {
        Value::Integer(whole) => Some(whole as f64),
        Value::Float(float) => Some(float),
        _ => None,
    }
}

/// The 1-based line that a key stands on.
pub(crate) fn line_of(text: &str, key: &str) -> Option<u64> {
    let names = |line: &str| {
        line.split(['=', ']']).next().is_some_and(|k| k.trim_matches([' ', '"', '\'', '[']) == key)
    };
    text.lines().position(names).map(|at| at as u64 + 1)
}

/// The known name that takes the fewest changed letters, if these are few.
pub(crate) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
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

    fn parsed(text: &str) -> Result<Objective, String> {
        parse(Path::new("o.toml"), text).map_err(|e| e.to_string())
    }

    #[test]
    fn what_is_not_named_keeps_its_default() {
        let default = Objective::default();
        assert_eq!(parsed("# nothing"), Ok(default));
        let given =
            parsed("safety_level = 0.8\n[weights]\nmigration = 5\noverload = 0.5\n").expect("it is sound");
        let [unplaced, fragmentation, ..] = default.weights;
        assert_eq!(given.weights, [unplaced, fragmentation, 5.0, 0.5, 0.0]);
        assert_eq!(given.safety_level, 0.8);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let cases = [
            (
                "[weights]\nfragmentaton = 1",
                "o.toml, line 2: there is no term `fragmentaton`; there are: unplaced",
            ),
            ("[weights]\nfragmentaton = 1", "Maybe `fragmentation` is meant"),
            (
                "safty_level = 1",
                "line 1: there is no setting `safty_level`; there are: safety_level, weights. Maybe",
            ),
            ("[weights]\nunplaced = -1", "line 2, column `unplaced`, value `-1`: expected a weight"),
            ("[weights]\nunplaced = nan", "expected a weight from 0 to 1e9"),
            ("[weights]\nunplaced = \"much\"", "expected a weight from 0 to 1e9"),
            ("safety_level = 1.5", "expected a share of the capacity"),
            ("weights = 3", "line 1, column `weights`, value `3`: expected a table"),
            ("[weights\n", "line 1: not TOML"),
            ("[weights]\nunplaced = 0\nfragmentation = 0\nmigration = 0", "all weights are 0"),
        ];
        for (text, expected) in cases {
            let said = parsed(text).expect_err(expected);
            assert!(said.contains(expected), "{said}");
        }
    }

    #[test]
    fn only_near_names_are_suggested() {
        assert_eq!(nearest("xyz", &["migration", "overload"]), None);
        assert_eq!(nearest("migrations", &["migration", "overload"]), Some("migration"));
    }
}
