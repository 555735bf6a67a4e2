//! The group `kubernetes`: tests on a real API server with its etcd, and of the chart with helm.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::marked;
use super::tally::{State, Tally};
use crate::programs::{HELM_3, HELM_4, SERVER};

pub(super) fn run(root: &Path, traces: &Result<PathBuf, String>) -> Result<(State, Tally)> {
    let mut programs = Vec::new();
    for program in [SERVER, HELM_3, HELM_4] {
        match program.built(root) {
            Ok(path) => programs.push((program.variable, path)),
            Err(error) => {
                return Ok((State::NotRun(format!("no {}: {error:#}", program.name)), Tally::default()));
            }
        }
    }
    let variables: Vec<(&str, &OsStr)> =
        programs.iter().map(|(variable, path)| (*variable, path.as_os_str())).collect();
    let needs = marked::Needs { variables: &variables, ..marked::KUBERNETES };
    marked::run(root, traces, &needs)
}
