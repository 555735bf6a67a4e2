//! Building programs of published Go modules, once, into the cache, where they are kept by what they are made of.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::cache::{cache, digest};

/// A program, and what it is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GoProgram {
    /// What it is called, also in the cache.
    pub(crate) name: &'static str,
    /// What names one that is built already.
    pub(crate) variable: &'static str,
    /// The folder of its module.
    pub(crate) source: &'static str,
    /// The description of its module, in that folder.
    pub(crate) module: &'static str,
    /// What it is made of, in that folder.
    pub(crate) files: &'static [&'static str],
    /// The package that is built.
    pub(crate) package: &'static str,
    /// Build tags.
    pub(crate) tags: &'static str,
    /// The oldest Go that can build it.
    pub(crate) go_min: (u32, u32),
    /// How long that takes, for a person who waits.
    pub(crate) takes: &'static str,
}

impl GoProgram {
    /// The program, built where the cache does not have it; another one where its variable names one.
    pub(crate) fn built(&self, root: &Path) -> Result<PathBuf> {
        if let Some(program) = std::env::var_os(self.variable) {
            return Ok(PathBuf::from(program));
        }
        let source = &root.join(self.source);
        let folder = self.source.strip_prefix("tests/").unwrap_or(self.source);
        let program = cache()?.join(folder).join(digest(source, self.files)?).join(self.name);
        if program.is_file() {
            return Ok(program);
        }
        let go = go(self.go_min)?;
        let into = program.parent().context("a program lies in a folder")?;
        fs::create_dir_all(into).with_context(|| format!("cannot make {}", into.display()))?;
        // Whole or not at all: who is stopped in the middle leaves nothing that looks done.
        let part = into.join(format!("part-{}", std::process::id()));
        println!("building {} into {}; this takes {}, once", self.name, into.display(), self.takes);
        let status = Command::new(go)
            .args(["build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-tags", self.tags])
            .args(["-modfile", self.module, "-o"])
            .arg(&part)
            .arg(self.package)
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
}

/// A Go that is new enough: on the path, or where its own installer puts it.
fn go(min: (u32, u32)) -> Result<&'static OsStr> {
    let candidates = ["go", "/usr/local/go/bin/go"];
    for candidate in candidates {
        let Ok(out) = Command::new(candidate).args(["env", "GOVERSION"]).stdin(Stdio::null()).output() else {
            continue;
        };
        let version = String::from_utf8_lossy(&out.stdout);
        if version_of(version.trim()).is_some_and(|version| version >= min) {
            return Ok(OsStr::new(candidate));
        }
    }
    bail!("no Go {}.{} or newer", min.0, min.1)
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
