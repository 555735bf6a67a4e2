//! The group `kubernetes`: tests on a real API server with its etcd.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::marked;
use super::tally::{State, Tally};
use crate::control_plane::{PROGRAM, Parts, program};

pub(super) fn run(root: &Path, traces: &Result<PathBuf, String>) -> Result<(State, Tally)> {
    let program = match program(root, Parts::Server) {
        Ok(program) => program,
        Err(error) => {
            return Ok((State::NotRun(format!("no control plane: {error:#}")), Tally::default()));
        }
    };
    let needs = marked::Needs { variables: &[(PROGRAM, program.as_os_str())], ..marked::KUBERNETES };
    marked::run(root, traces, &needs)
}
