//! Running a program to a good end.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// What a program says that ends well.
pub(crate) fn said(command: &mut Command) -> Result<Vec<u8>> {
    let program = command.get_program().to_owned();
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("cannot start {}", program.display()))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let lines = || errors.lines().map(str::trim).filter(|line| !line.is_empty());
        let why = lines().find(|line| line.starts_with("error")).or_else(|| lines().next_back());
        bail!("{} ended with {}: {}", program.display(), output.status, why.unwrap_or("no message"));
    }
    Ok(output.stdout)
}
