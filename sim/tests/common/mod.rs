//! What the tests against real data share: finding the data, reading its tables of results.

#![allow(dead_code, reason = "not every test file reads lists or tables")]

use std::path::{Path, PathBuf};

use serde_json::Value;

/// The folder of one data set below LEPTON_DATA. `None`, with a word on it, when the variable is not set;
/// a failure when it is not set in continuous integration.
#[expect(clippy::print_stdout, reason = "a test that is not run says so")]
pub(crate) fn data(set: &str) -> Option<PathBuf> {
    if let Some(root) = std::env::var_os("LEPTON_DATA") {
        return Some(Path::new(&root).join(set));
    }
    let in_ci = std::env::var("CI").is_ok_and(|v| v == "true");
    assert!(!in_ci, "LEPTON_DATA must be set in continuous integration");
    println!("NOT RUN: set LEPTON_DATA to the folder of the data sets to compare with {set}");
    None
}

/// A JSON file as a value.
pub(crate) fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).expect("the table is readable");
    serde_json::from_str(&text).expect("the table is JSON")
}

/// A JSON list of numbers.
pub(crate) fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number")).collect()
}
