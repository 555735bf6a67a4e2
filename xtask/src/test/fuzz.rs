//! The group `fuzz`: requests made from the description of the HTTP interface, by schemathesis of PyPI.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::tally::{State, Tally};
use super::{apt, marked};
use crate::cache::{cache, digest};
use crate::said::said;

/// What the tests find the program by.
const PROGRAM: &str = "LEPTON_SCHEMATHESIS";
/// Which versions.
const SOURCE: &str = "tests/fuzz";

pub(super) fn run(root: &Path, traces: &Result<PathBuf, String>) -> Result<(State, Tally)> {
    let program = match program(root) {
        Ok(program) => program,
        Err(error) => return Ok((State::NotRun(format!("no schemathesis: {error:#}")), Tally::default())),
    };
    let needs = marked::Needs { variables: &[(PROGRAM, program.as_os_str())], ..marked::FUZZER };
    marked::run(root, traces, &needs)
}

/// The program, installed where the cache does not have it; another one where a variable names one.
fn program(root: &Path) -> Result<PathBuf> {
    if let Some(program) = std::env::var_os(PROGRAM) {
        return Ok(PathBuf::from(program));
    }
    let wanted = root.join(SOURCE).join("requirements.txt");
    let folder = cache()?.join("schemathesis").join(digest(&root.join(SOURCE), &["requirements.txt"])?);
    let program = folder.join("bin/schemathesis");
    let done = folder.join("done");
    if done.is_file() {
        return Ok(program);
    }
    apt::ensure(&["python3"], &["python3"])?;
    // Debian has what `venv` needs in a package of its own, which adds no program.
    let python = |words: &[&str]| said(Command::new("python3").args(words));
    if python(&["-c", "import ensurepip"]).is_err() {
        apt::install(&["python3-venv"])?;
    }
    println!("installing schemathesis into {}, once", folder.display());
    // What somebody who was stopped in the middle has left is begun anew.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let place = folder.to_str().context("a plain name")?;
    python(&["-m", "venv", place])?;
    let wanted = wanted.to_str().context("a plain name")?;
    said(Command::new(folder.join("bin/pip")).args(["install", "--quiet", "--requirement", wanted]))?;
    fs::write(&done, "")?;
    Ok(program)
}
