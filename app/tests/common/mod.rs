//! What the tests of the binary share: how to run it, what it said, and files to give it.

#![allow(dead_code, reason = "every test program is a crate of its own and uses a part of this")]

#[cfg(feature = "kafka")]
pub(crate) mod broker;
pub(crate) mod browser;
pub(crate) mod kept;
pub(crate) mod ports;
pub(crate) mod service;
pub(crate) mod terminal;

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

/// The worked example of the machine reassignment problem's statement; from [`ASSIGNMENT`] its optimum costs 2411.
pub(crate) const MODEL: &str = "2 1 100 0 10 4 0 0 30 400 16 80 0 1 4 5 0 0 10 240 8 160 1 0 3 4 1 1 15 100 12 80 4 3 0 2 \
     1 2 10 100 8 80 5 4 2 0 2 2 0 1 1 0 3 0 12 10 1000 0 10 20 100 1 6 200 1 1 0 1 20 10 1 10 100";
/// Where its tasks run.
pub(crate) const ASSIGNMENT: &str = "0 3 0";

/// Runs the binary.
pub(crate) fn lepton(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lepton"))
        .args(args)
        .output()
        .expect("the binary was built for this test")
}

/// What it said to people.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What it gave to programs.
pub(crate) fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", stderr(output));
    serde_json::from_slice(&output.stdout).expect("exactly one JSON document")
}

/// A path in the folder for temporary files that no other test program uses; there is nothing yet.
pub(crate) fn scratch(name: &str) -> String {
    let file = format!("lepton-{}-{}-{name}", env!("CARGO_CRATE_NAME"), std::process::id());
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(file);
    path.to_str().expect("a plain name").to_owned()
}

/// A temporary file.
pub(crate) fn written(name: &str, content: impl AsRef<[u8]>) -> String {
    let path = scratch(name);
    std::fs::write(&path, content).expect("the temporary folder is writable");
    path
}

/// The text of a file that a command has written.
pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(path).expect("the command has written its file")
}

/// The JSON document in a file that a command has written.
pub(crate) fn document(path: &str) -> Value {
    serde_json::from_str(&read(path)).expect("exactly one JSON document")
}
