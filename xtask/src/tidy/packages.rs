//! Rules on packages: the arrows between rooms, the workspace's lints, the page of dependencies, and the
//! registry of benches.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::bench::{BENCHES, Bench, Target};

use super::violation::Violation;
use super::workspace::{Package, Workspace};

/// Which rooms a room may depend on.
const ARROWS: [(&str, &[&str]); 6] = [
    ("app", &["edges", "sim", "learn", "core"]),
    ("sim", &["learn", "core"]),
    ("learn", &["core"]),
    ("edges", &["core"]),
    ("core", &[]),
    ("xtask", &[]),
];

/// The page that says why each dependency is there.
const DEPENDENCIES_PAGE: &str = "docs/DEPENDENCIES.md";

/// A room depends only on the rooms it may depend on, in any of its dependency tables.
pub(super) fn arrows(workspace: &Workspace) -> Vec<Violation> {
    let mut out = Vec::new();
    for package in &workspace.packages {
        let file = manifest_file(package);
        let Some((_, allowed)) = ARROWS.iter().find(|(room, _)| *room == package.room) else {
            out.push(Violation::new(
                &file,
                1,
                "package-arrow",
                format!("`{}` is no room of the map", package.room),
                "put the code into a room that ARCHITECTURE.md names, or add the room there and to tidy",
            ));
            continue;
        };
        for dependency in &package.manifest.dependencies {
            let target = workspace.packages.iter().find(|p| p.manifest.name == dependency.package);
            let Some(target) = target else { continue };
            if !allowed.contains(&target.room.as_str()) {
                out.push(Violation::new(
                    &file,
                    dependency.line,
                    "package-arrow",
                    format!("`{}` must not depend on `{}`", package.room, target.room),
                    format!("move what both need into a room that both may use (allowed: {allowed:?})"),
                ));
            }
        }
    }
    out
}

/// Each package takes the workspace's lints.
pub(super) fn lints(workspace: &Workspace) -> Vec<Violation> {
    let without = workspace.packages.iter().filter(|p| !p.manifest.has_workspace_lints);
    without
        .map(|p| {
            Violation::new(
                &manifest_file(p),
                1,
                "lints",
                "the package does not take the workspace's lints",
                "add `[lints]` with `workspace = true`",
            )
        })
        .collect()
}

/// Each foreign package in use is explained on the page of dependencies, and the page explains no other.
pub(super) fn dependency_page(workspace: &Workspace) -> Result<Vec<Violation>> {
    let ours: BTreeSet<&str> = workspace.packages.iter().map(|p| p.manifest.name.as_str()).collect();
    let page = Path::new(DEPENDENCIES_PAGE);
    let on_disk = workspace.files.iter().any(|file| file == page);
    let text = if on_disk { workspace.text(page)? } else { String::new() };
    let rows: Vec<(usize, String)> = text.lines().enumerate().filter_map(table_row).collect();

    let root = [(PathBuf::from("Cargo.toml"), &workspace.manifest.shared)];
    let members = workspace.packages.iter().map(|p| (manifest_file(p), &p.manifest.dependencies));
    let mut out = Vec::new();
    let mut used = BTreeSet::new();
    for (file, dependencies) in root.into_iter().chain(members) {
        for dependency in dependencies {
            let package = dependency.package.as_str();
            if dependency.by_path || ours.contains(package) || !used.insert(package) {
                continue;
            }
            if !rows.iter().any(|(_, name)| name == package) {
                out.push(Violation::new(
                    &file,
                    dependency.line,
                    "dependency-page",
                    format!("`{package}` is not explained in {DEPENDENCIES_PAGE}"),
                    "add a row: the need, why this package, its licence",
                ));
            }
        }
    }
    for (line, name) in rows.iter().filter(|(_, name)| !used.contains(name.as_str())) {
        let problem = format!("`{name}` is explained but no package depends on it");
        out.push(Violation::new(page, *line, "dependency-page", problem, "remove the row"));
    }
    Ok(out)
}

/// The name in a table row that begins "| `name`", with its 1-based line.
fn table_row((index, line): (usize, &str)) -> Option<(usize, String)> {
    let rest = line.trim_start().strip_prefix('|')?.trim_start().strip_prefix('`')?;
    let (name, _) = rest.split_once('`')?;
    Some((index + 1, name.to_owned()))
}

/// Each `[[bench]]` can be run by `cargo xtask bench`.
pub(super) fn benches(workspace: &Workspace) -> Vec<Violation> {
    let mut out = Vec::new();
    for package in &workspace.packages {
        for (target, line) in &package.manifest.benches {
            let name = &package.manifest.name;
            let registered = |b: &Bench| {
                b.package == name
                    && matches!(b.target, Target::Bench(t) | Target::FeatureBench(t, _) | Target::ControlPlaneBench(t) if t == target)
            };
            if !BENCHES.iter().any(registered) {
                out.push(Violation::new(
                    &manifest_file(package),
                    *line,
                    "bench-registry",
                    format!("the bench `{target}` is not registered"),
                    "add it to the table in xtask/src/bench.rs",
                ));
            }
        }
    }
    out
}

/// Registered benches without a program or a page, as hints: one may be on its way from another branch.
pub(super) fn bench_hints(workspace: &Workspace) -> Vec<String> {
    let mut out = Vec::new();
    for bench in &BENCHES {
        let package = workspace.packages.iter().find(|p| p.manifest.name == bench.package);
        let file = package.map(|p| Path::new(&p.room).join(bench.target.file()));
        if !file.is_some_and(|file| workspace.root.join(file).is_file()) {
            out.push(format!(
                "{} has no {} for the bench `{}`",
                bench.package,
                bench.target.file(),
                bench.name
            ));
        } else if !workspace.root.join(bench.page).is_file() {
            out.push(format!("the bench `{}` has no page {}", bench.name, bench.page));
        }
    }
    out
}

fn manifest_file(package: &Package) -> PathBuf {
    Path::new(&package.room).join("Cargo.toml")
}
