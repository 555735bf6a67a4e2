//! `cargo xtask tidy`: the map as a test. It reads the sources and reports each place that leaves the map of
//! ARCHITECTURE.md, with what to do. Style and types are the business of rustfmt and clippy, not of this.

mod calls;
mod decide_arrows;
mod file_circles;
mod manifest;
mod modules;
mod packages;
mod paths;
mod sizes;
#[cfg(test)]
mod tests;
mod text;
mod tokens;
mod violation;
mod workspace;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::Usage;
use violation::Violation;
use workspace::Workspace;

const HELP: &str = "\
cargo xtask tidy

Checks the map of the project by reading its sources:
  package-arrow    a room depends only on the rooms it may depend on
  core-arrow       the stages of core meet only in `model`; only cycle.rs imports all
  circle           the top-level modules of a crate do not import each other in a circle
  decide-arrow     inside of `decide` a room uses only the rooms that it may use
  file-circle      no file needs another that needs it in turn; test code is not counted
  dead-file        every .rs file is reached by `mod` from a crate root
  banned-call      no clock, chance, environment or socket in core, learn and sim; no printing in libraries
  header           every .rs file opens with a `//!` comment
  open-end         no marks of unfinished work
  file-size        no file above 300 kB
  foreign-path     no absolute path of one machine
  link             relative links in Markdown lead to files
  map-path         ARCHITECTURE.md names files and folders that exist
  lints            every package takes the workspace's lints
  dependency-page  docs/DEPENDENCIES.md explains every dependency, and no other
  bench-registry   every bench can be run by `cargo xtask bench`
Long functions and files are printed as hints and do not fail.";

/// The chore: prints hints and violations, and fails when there is a violation.
pub(crate) fn main(root: &Path, args: &[&str]) -> Result<ExitCode> {
    match args {
        [] => {}
        ["-h" | "--help"] => {
            println!("{HELP}");
            return Ok(ExitCode::SUCCESS);
        }
        [other, ..] => bail!(Usage(format!("`cargo xtask tidy` takes no argument, got `{other}`"))),
    }
    let workspace = Workspace::load(root)?;
    for hint in packages::bench_hints(&workspace).into_iter().chain(sizes::hints(&workspace)) {
        println!("hint: {hint}");
    }
    let violations = check(&workspace)?;
    for violation in &violations {
        println!("{violation}");
    }
    println!("tidy: {} files read, {} violations", workspace.files.len(), violations.len());
    Ok(if violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Names of the tests of the workspace that are ignored with `reason` in the mark, each once.
pub(crate) fn ignored_tests(root: &Path, reason: &str) -> Result<Vec<String>> {
    let workspace = Workspace::load(root)?;
    let modules = workspace.packages.iter().flat_map(workspace::Package::modules);
    let mut names: Vec<String> =
        modules.flat_map(|m| tokens::ignored_functions(&m.outline.tokens, reason)).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// All rules over `workspace`, in the order of file and line.
fn check(workspace: &Workspace) -> Result<Vec<Violation>> {
    let mut out = packages::arrows(workspace);
    out.extend(packages::lints(workspace));
    out.extend(packages::dependency_page(workspace)?);
    out.extend(packages::benches(workspace));
    out.extend(modules::core_arrows(workspace));
    out.extend(modules::circles(workspace));
    out.extend(decide_arrows::check(workspace));
    out.extend(file_circles::check(workspace));
    out.extend(modules::dead_files(workspace));
    out.extend(calls::banned(workspace));
    out.extend(text::check(workspace)?);
    out.sort();
    // One line may import two things of a stage, and a file may belong to two crates of its package.
    out.dedup();
    Ok(out)
}
