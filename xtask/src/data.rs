//! Where the recorded traces lie. The data is no part of the repository: `LEPTON_DATA` names its folder, and
//! without it the folder `shared/data` beside the checkout is tried.

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The variable that tests and benches read.
pub(crate) const VARIABLE: &str = "LEPTON_DATA";
/// Tried from the workspace root when the variable is not set.
const DEFAULT: &str = "../shared/data";
/// What the tests and benches replay.
const TRACES: [&str; 4] = ["openb", "hpc-swf", "philly-jobs", "machine-reassignment"];

/// The folder of the traces, with all of them in it, or a sentence saying what is missing.
pub(crate) fn find(root: &Path, set: Option<OsString>) -> Result<PathBuf, String> {
    // Set to nothing means not set, as in shell scripts.
    let (folder, named) = match set.filter(|value| !value.is_empty()) {
        // Relative paths count from the workspace root: test processes run in their package's folder.
        Some(value) => (root.join(&value), format!("{VARIABLE}={}", value.display())),
        None => (root.join(DEFAULT), format!("{VARIABLE} is not set and {DEFAULT}")),
    };
    let Ok(folder) = folder.canonicalize() else {
        return Err(format!("{named} does not exist"));
    };
    let missing: Vec<&str> = TRACES.into_iter().filter(|trace| !folder.join(trace).is_dir()).collect();
    if missing.is_empty() { Ok(folder) } else { Err(format!("{named} lacks {}", missing.join(", "))) }
}

/// [`find`] with the variable as this process has it.
pub(crate) fn find_here(root: &Path) -> Result<PathBuf, String> {
    find(root, std::env::var_os(VARIABLE))
}

/// The traces looked for, for messages.
pub(crate) fn trace_names() -> String {
    TRACES.join(", ")
}
