//! `lepton completion SHELL`.

use clap::CommandFactory;

use crate::cli::Cli;
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "lepton", &mut script);
    Ok(output::print(&String::from_utf8_lossy(&script))?)
}
