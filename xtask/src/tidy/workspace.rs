//! The workspace as the checks see it: its files, its packages, and each package's modules as reached by
//! `mod` from its crate roots.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::manifest::Manifest;
use super::paths::Outline;

/// Everything that is read once and checked by all rules. Paths are relative to `root`.
pub(super) struct Workspace {
    pub(super) root: PathBuf,
    pub(super) files: Vec<PathBuf>,
    pub(super) manifest: Manifest,
    pub(super) packages: Vec<Package>,
}

/// A member of the workspace.
pub(super) struct Package {
    /// Its folder, which is also the name of its room.
    pub(super) room: String,
    pub(super) manifest: Manifest,
    pub(super) crates: Vec<Crate>,
}

/// One crate of a package: a library, a binary, a test, a bench or an example.
pub(super) struct Crate {
    /// The crate root first.
    pub(super) modules: Vec<Module>,
}

/// A file of a crate.
pub(super) struct Module {
    pub(super) file: PathBuf,
    /// Names from the crate root down; empty for the root itself.
    pub(super) path: Vec<String>,
    /// The whole file is test code.
    pub(super) test: bool,
    pub(super) outline: Outline,
}

impl Workspace {
    pub(super) fn load(root: &Path) -> Result<Self> {
        let files = files(root)?;
        let manifest = Manifest::read(&read(&root.join("Cargo.toml"))?);
        let mut packages = Vec::new();
        for room in &manifest.members {
            let manifest = Manifest::read(&read(&root.join(room).join("Cargo.toml"))?);
            let mut crates = Vec::new();
            for file in files.iter().filter(|file| is_crate_root(room, file)) {
                crates.push(Crate::load(root, file, is_test_root(room, file))?);
            }
            packages.push(Package { room: room.clone(), manifest, crates });
        }
        Ok(Self { root: root.to_path_buf(), files, manifest, packages })
    }

    /// The text of a file; what is not UTF-8 is shown as replacement characters.
    pub(super) fn text(&self, file: &Path) -> Result<String> {
        read(&self.root.join(file))
    }
}

impl Package {
    /// All files of the package that some crate reaches.
    pub(super) fn modules(&self) -> impl Iterator<Item = &Module> {
        self.crates.iter().flat_map(|c| &c.modules)
    }
}

impl Crate {
    fn load(root: &Path, file: &Path, test: bool) -> Result<Self> {
        // Each with its module path, and whether its children lie beside it.
        let mut waiting = vec![(file.to_path_buf(), Vec::new(), true, test)];
        let mut seen = BTreeSet::new();
        let mut modules = Vec::new();
        while let Some((file, path, beside, test)) = waiting.pop() {
            if !seen.insert(file.clone()) {
                continue;
            }
            let outline = Outline::read(&read(&root.join(&file))?);
            for declared in &outline.modules {
                let found = match &declared.file {
                    Some(named) => within(&folder_of(&file).join(named)),
                    None => module_file(root, &child_folder(&file, beside), &declared.path),
                };
                if let Some(child) = found.filter(|child| root.join(child).is_file()) {
                    let path = path.iter().chain(&declared.path).cloned().collect();
                    let beside = declared.file.is_some() || child.ends_with("mod.rs");
                    waiting.push((child, path, beside, test || declared.test));
                }
            }
            modules.push(Module { file, path, test, outline });
        }
        Ok(Self { modules })
    }

    /// The crate root.
    pub(super) fn root(&self) -> Option<&Module> {
        self.modules.first()
    }
}

/// The folder in which a file's `mod name;` are looked for.
fn child_folder(file: &Path, beside: bool) -> PathBuf {
    if beside { folder_of(file).to_path_buf() } else { file.with_extension("") }
}

fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new(""))
}

/// The path without `.` and `..`; none when it leaves the repository.
pub(super) fn within(path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => out.push(name),
            Component::CurDir => {}
            Component::ParentDir if out.pop() => {}
            _ => return None,
        }
    }
    Some(out)
}

fn module_file(root: &Path, folder: &Path, path: &[String]) -> Option<PathBuf> {
    let base: PathBuf = folder.join(path.iter().collect::<PathBuf>());
    [base.with_extension("rs"), base.join("mod.rs")].into_iter().find(|file| root.join(file).is_file())
}

/// Cargo's automatic targets: src/lib.rs, src/main.rs, src/bin, build.rs, tests, benches, examples.
fn is_crate_root(room: &str, file: &Path) -> bool {
    let Ok(inside) = file.strip_prefix(room) else { return false };
    let parts: Vec<&str> = inside.iter().filter_map(|part| part.to_str()).collect();
    match parts.as_slice() {
        ["src", "bin", name] | ["tests" | "benches" | "examples", name] => name.ends_with(".rs"),
        ["src", "bin", _, last] | ["tests" | "benches" | "examples", _, last] => *last == "main.rs",
        _ => matches!(parts.as_slice(), ["build.rs"] | ["src", "lib.rs" | "main.rs"]),
    }
}

/// Tests, benches and examples stand outside a room's rules on clocks and printing.
fn is_test_root(room: &str, file: &Path) -> bool {
    ["tests", "benches", "examples"].iter().any(|part| file.starts_with(Path::new(room).join(part)))
}

fn read(file: &Path) -> Result<String> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The files that git tracks and the sources that it would; what else lies around untracked (a report, a
/// trace) is nobody's business here. Outside of a git checkout: all files but build output.
fn files(root: &Path) -> Result<Vec<PathBuf>> {
    let tracked = git_files(root, &["--cached"]);
    let new = git_files(root, &["--others", "--exclude-standard", "--", "*.rs", "*.md", "*.toml"]);
    let mut files = match (tracked, new) {
        (Some(tracked), Some(new)) => [tracked, new].concat(),
        _ => {
            let mut found = Vec::new();
            walk(root, Path::new(""), &mut found)?;
            found
        }
    };
    files.retain(|file| root.join(file).is_file());
    files.sort();
    files.dedup();
    Ok(files)
}

/// What `git ls-files` lists; none where it cannot.
fn git_files(root: &Path, args: &[&str]) -> Option<Vec<PathBuf>> {
    let out = Command::new("git").args(["ls-files", "-z"]).args(args).current_dir(root).output().ok()?;
    let names = String::from_utf8_lossy(&out.stdout).into_owned();
    let files = names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect();
    out.status.success().then_some(files)
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let here = root.join(folder);
    let entries = std::fs::read_dir(&here).with_context(|| format!("cannot list {}", here.display()))?;
    for entry in entries {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_file() {
            found.push(path);
        } else if kind.is_dir() && entry.file_name() != "target" && entry.file_name() != ".git" {
            walk(root, &path, found)?;
        }
    }
    Ok(())
}
