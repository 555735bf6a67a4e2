//! Objective files: TOML with a table `weights` of named terms, and `safety_level`. What is not named keeps its
//! default.

use std::path::Path;

use lepton_core::decide::defragment::{OBJECTIVE_TERMS, Objective};
use lepton_sim::readers::InputError;
use toml::Value;

use crate::toml_file::{TomlFile, read_toml};

/// Largest weight.
const WEIGHT_MAX: f64 = 1e9;
const KEYS: [&str; 2] = ["safety_level", "weights"];

/// Reads an objective file.
///
/// # Errors
/// When it cannot be read, is not TOML, or names or gives what is not known.
pub(crate) fn read_objective(path: &Path) -> Result<Objective, InputError> {
    read_toml(path, parse)
}

fn parse(file: &TomlFile<'_>) -> Result<Objective, InputError> {
    let mut objective = Objective::default();
    for (key, value) in &file.table()? {
        match (key.as_str(), value) {
            ("safety_level", value) => match number(value).filter(|v| (0.0..=1.0).contains(v)) {
                Some(level) => objective.safety_level = level,
                None => return Err(file.wrong(key, value, "expected a share of the capacity from 0 to 1")),
            },
            ("weights", Value::Table(weights)) => {
                for (name, value) in weights {
                    let Some(at) = OBJECTIVE_TERMS.iter().position(|t| t.name == name) else {
                        return Err(file.unknown("term", name, &OBJECTIVE_TERMS.map(|t| t.name)));
                    };
                    match number(value).filter(|v| (0.0..=WEIGHT_MAX).contains(v)) {
                        Some(weight) => objective.weights[at] = weight,
                        None => return Err(file.wrong(name, value, "expected a weight from 0 to 1e9")),
                    }
                }
            }
            ("weights", value) => {
                return Err(file.wrong(key, value, "expected a table of terms, `[weights]`"));
            }
            _ => return Err(file.unknown("setting", key, &KEYS)),
        }
    }
    if objective.weights.iter().all(|w| *w == 0.0) {
        return Err(InputError::new(file.path, "all weights are 0, so that no plan is better than another"));
    }
    Ok(objective)
}

fn number(value: &Value) -> Option<f64> {
    match *value {
        Value::Integer(whole) => Some(whole as f64),
        Value::Float(float) => Some(float),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Objective, String> {
        parse(&TomlFile { path: Path::new("o.toml"), text }).map_err(|e| e.to_string())
    }

    #[test]
    fn what_is_not_named_keeps_its_default() {
        let default = Objective::default();
        assert_eq!(parsed("# nothing"), Ok(default));
        let given =
            parsed("safety_level = 0.7\n[weights]\nmigration = 5\noverload = 0.5\n").expect("it is sound");
        let [unplaced, fragmentation, .., worth] = default.weights;
        assert_eq!(given.weights, [unplaced, fragmentation, 5.0, 0.5, 0.0, worth]);
        assert_eq!(given.safety_level, 0.7);
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
            ("[weights]\nunplaced = 0\nmigration = 0\nworth = 0", "all weights are 0"),
        ];
        for (text, expected) in cases {
            let said = parsed(text).expect_err(expected);
            assert!(said.contains(expected), "{said}");
        }
    }
}
