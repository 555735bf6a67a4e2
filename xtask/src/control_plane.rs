//! The control plane of Kubernetes that tests and benches run against: one program of etcd, the API server and, for the bench, the stock
//! scheduler, built from `tests/control-plane` once into a cache outside of the repository, kept by what it is made of.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::cache::{cache, digest};

/// The program's source.
const SOURCE: &str = "tests/control-plane";
const FILES: [&str; 4] = ["go.mod", "go.sum", "main.go", "scheduler.go"];
/// What tests and benches find the program by.
pub(crate) const PROGRAM: &str = "LEPTON_CONTROL_PLANE";
/// The oldest Go that can build it.
const GO_MIN: (u32, u32) = (1, 25);

/// What the program can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parts {
    /// etcd and the API server.
    Server,
    /// The same and the stock scheduler.
    ServerAndScheduler,
}

/// The program, built where the cache does not have it; another one where a variable names one.
pub(crate) fn program(root: &Path, parts: Parts) -> Result<PathBuf> {
    if let Some(program) = std::env::var_os(PROGRAM) {
        return Ok(PathBuf::from(program));
    }
    let source = &root.join(SOURCE);
    let folder = cache()?.join("control-plane");
    let (name, tags) = match parts {
        Parts::Server => ("control-plane", ""),
        Parts::ServerAndScheduler => ("control-plane-with-scheduler", "scheduler"),
    };
    let program = folder.join(digest(source, &FILES)?).join(name);
    if program.is_file() {
        return Ok(program);
    }
    let go = go()?;
    let into = program.parent().context("a program lies in a folder")?;
    fs::create_dir_all(into).with_context(|| format!("cannot make {}", into.display()))?;
    // Whole or not at all: who is stopped in the middle leaves nothing that looks done.
    let part = into.join(format!("part-{}", std::process::id()));
    println!("building the control plane into {}; this takes 5 to 15 minutes, once", into.display());
    let status = Command::new(go)
        .args(["build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-tags", tags, "-o"])
        .arg(&part)
        .arg(".")
        .current_dir(source)
        .env("GOTOOLCHAIN", "local")
        .env("GOFLAGS", "-mod=readonly")
        .stdin(Stdio::null())
        .status()
        .context("cannot start go")?;
    if !status.success() {
        // It may not have been made.
        let _ = fs::remove_file(&part);
        bail!("go build ended with {status}");
    }
    fs::rename(&part, &program).with_context(|| format!("cannot keep {}", program.display()))?;
    Ok(program)
}

/// A Go that is new enough: on the path, or where its own installer puts it.
fn go() -> Result<&'static OsStr> {
    let candidates = ["go", "/usr/local/go/bin/go"];
    for candidate in candidates {
        let Ok(out) = Command::new(candidate).args(["env", "GOVERSION"]).stdin(Stdio::null()).output() else {
            continue;
        };
        let version = String::from_utf8_lossy(&out.stdout);
        if version_of(version.trim()).is_some_and(|version| version >= GO_MIN) {
            return Ok(OsStr::new(candidate));
        }
    }
    bail!("no Go {}.{} or newer", GO_MIN.0, GO_MIN.1)
}

/// Of `go1.26.8`.
fn version_of(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.strip_prefix("go")?.split('.');
    let number = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
    Some((number(parts.next()?)?, number(parts.next()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_go_are_read() {
        for (text, version) in
            [("go1.26.8", Some((1, 26))), ("go1.25rc1", Some((1, 25))), ("devel", None), ("", None)]
        {
            assert_eq!(version_of(text), version, "{text}");
        }
    }
}
