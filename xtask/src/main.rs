//! The project's chores: `cargo xtask test | tidy | bench | dist`.
//!
//! Only a dispatcher. It depends on nothing of ours, so it still builds when the rest does not.

// A chore's output is its result, so printing is what this package is for.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool that prints its findings"
)]

mod bench;
mod cache;
mod data;
mod dist;
mod go;
mod programs;
mod said;
mod test;
mod tidy;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const HELP: &str = "\
The project's chores.

    cargo xtask test [GROUP..]         run the tests: rust, data, page, browser (all of them by default)
    cargo xtask tidy                   check the map: arrows between rooms, dead files, banned calls, links
    cargo xtask bench [NAME [ARGS..]]  run a bench in release mode; without a name, list them
    cargo xtask dist [OPTIONS]         make the files of a release: archive, digest, licences, bill of materials, chart

`--help` after a chore says more about it.";

/// A chore was asked for wrongly: the message says what there is instead. Ends with exit code 2.
#[derive(Debug)]
struct Usage(String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args.split_first() {
        None | Some((&("help" | "-h" | "--help"), _)) => {
            println!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        Some((&"test", rest)) => test::main(&workspace_root(), rest),
        Some((&"tidy", rest)) => tidy::main(&workspace_root(), rest),
        Some((&"bench", rest)) => bench::main(&workspace_root(), rest),
        Some((&"dist", rest)) => dist::main(&workspace_root(), rest),
        Some((other, _)) => Err(Usage(format!("there is no chore `{other}`\n\n{HELP}")).into()),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        if error.is::<Usage>() { ExitCode::from(2) } else { ExitCode::FAILURE }
    })
}

/// The folder of the workspace's Cargo.toml: the parent of this package.
fn workspace_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("this package lies in a folder of the workspace").to_path_buf()
}
