//! The group `page`: the page's source has sound types, the built files that the binary carries are what it builds, and its own
//! tests pass. Needs node, and npm for what `web/package-lock.json` names.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::apt::ensure;
use super::tally::{State, Tally, run_and_count};

/// The page's source.
const SOURCE: &str = "web";
/// What the binary carries.
const BUILT: &str = "app/assets/page";
const FILES: [&str; 4] = ["index.html", "app.js", "app.css", "icon.svg"];

pub(super) fn run(root: &Path) -> Result<(State, Tally)> {
    let (source, built) = (root.join(SOURCE), root.join(BUILT));
    if let Some(missing) = missing_packages(root)? {
        return Ok((State::NotRun(missing), Tally::default()));
    }
    let out = root.join("target/page");
    fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    let node = |script: &str, into: &Path| {
        shown(Command::new("node").arg(script).arg(into).current_dir(&source))
            .map(|ok| (script.to_owned(), ok))
    };
    let types = shown(Command::new("node").arg("node_modules/typescript/bin/tsc").current_dir(&source))?;
    let steps = [
        ("tsc".to_owned(), types),
        node("tools/types.mjs", &out.join("api.ts"))?,
        node("tools/build.mjs", &out)?,
    ];
    if let Some((step, _)) = steps.into_iter().find(|(_, ok)| !ok) {
        return Ok((State::Failed(format!("{step} failed")), Tally::default()));
    }
    let pairs = FILES.iter().map(|name| (out.join(name), built.join(name)));
    for (made, kept) in pairs.chain([(out.join("api.ts"), source.join("src/api.ts"))]) {
        if fs::read(&made).ok() != fs::read(&kept).ok() {
            let kept = kept.strip_prefix(root).unwrap_or(&kept).display();
            let problem = format!("{kept} is not what the source gives; run `npm run build` in {SOURCE}");
            return Ok((State::Failed(problem), Tally::default()));
        }
    }
    let (status, tally) = run_and_count(Command::new("node").arg("tools/test.mjs").current_dir(&source))?;
    let state = match (status.success(), tally.failed) {
        (true, 0) => State::Passed(String::new()),
        (_, 0) => State::Failed(format!("its tests ended with {status}")),
        _ => State::Failed(String::new()),
    };
    Ok((state, tally))
}

/// Installs what the lock file names, where it is not there; why that cannot be.
pub(super) fn missing_packages(root: &Path) -> Result<Option<String>> {
    if let Err(error) = ensure(&["node", "npm"], &["nodejs", "npm"]) {
        return Ok(Some(format!("no node 20 with npm: {error:#}")));
    }
    let source = root.join(SOURCE);
    let there = is_installed(&source)
        || shown(Command::new("npm").args(["ci", "--ignore-scripts"]).current_dir(&source))?;
    Ok((!there).then(|| "npm ci failed in web".to_owned()))
}

/// Whether the packages there are those that the lock file names.
fn is_installed(source: &Path) -> bool {
    let age = |path: &str| fs::metadata(source.join(path)).and_then(|meta| meta.modified()).ok();
    let (lock, installed) = (age("package-lock.json"), age("node_modules/.package-lock.json"));
    installed.is_some() && installed >= lock
}

/// Runs a step with what it says shown.
fn shown(command: &mut Command) -> Result<bool> {
    let program = command.get_program().to_owned();
    let status = command.stdin(Stdio::null()).status();
    Ok(status.with_context(|| format!("cannot start {}", program.display()))?.success())
}
