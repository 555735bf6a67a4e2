//! `lepton completion SHELL`.

use crate::cli;
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::command(), "lepton", &mut script);
    Ok(output::print(&String::from_utf8_lossy(&script))?)
}
