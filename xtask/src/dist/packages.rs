//! What is compiled into the binary: which packages, from `cargo tree`, which resolves the features of this binary alone; what each is,
//! from `cargo metadata`; their digests, from the lock file. And the packages of npm that the page is built with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::read;
use crate::said::said;

/// The lock file of the page's packages.
const PAGE_LOCK: &str = "web/package-lock.json";

/// A package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    /// Where it comes from.
    pub(super) kind: Kind,
    /// Its licence as an SPDX expression.
    pub(super) license: String,
    /// Where its sources are developed.
    pub(super) repository: Option<String>,
    /// SHA-256 of its archive, of those that come from a registry.
    pub(super) sha256: Option<String>,
    /// Where its sources lie; of a package of npm, where its licence does.
    pub(super) folder: PathBuf,
    /// Name and version of the packages that it needs.
    pub(super) needs: BTreeSet<(String, String)>,
}

impl Package {
    /// Whether the binary is made of it.
    pub(super) fn is_binary(&self) -> bool {
        self.name == "lepton" && self.kind == Kind::Own
    }
}

/// Where a package comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// This workspace.
    Own,
    /// A registry of crates.
    Crate,
    /// Npm; it is in the page.
    Npm,
}

/// All that is in the binary, by name and version.
#[derive(Debug)]
pub(super) struct Packages {
    pub(super) all: BTreeMap<(String, String), Package>,
    target_folder: PathBuf,
}

impl Packages {
    /// Those of a binary for that target with those features.
    pub(super) fn of(root: &Path, target: &str, wanted: &[String]) -> Result<Self> {
        let manifest = root.join("app/Cargo.toml");
        let ask = |words: &[&str]| {
            let mut command = cargo();
            command.args(words).arg("--manifest-path").arg(&manifest).args(features(wanted));
            said(command.current_dir(root))
        };
        let metadata = ask(&["metadata", "--locked", "--format-version=1", "--filter-platform", target])?;
        let tree =
            ["tree", "--locked", "--edges=normal", "--prefix=none", "--format={p}", "--target", target];
        let tree = String::from_utf8(ask(&tree)?).context("what cargo tree says is no text")?;
        let metadata: Value = serde_json::from_slice(&metadata).context("what cargo metadata says")?;
        let lock = String::from_utf8(read(&root.join("Cargo.lock"))?).context("Cargo.lock is no text")?;
        let mut all = compiled(&metadata, &compiled_names(&tree), &digests(&lock))?;
        let page: Value = serde_json::from_slice(&read(&root.join(PAGE_LOCK))?).context(PAGE_LOCK)?;
        all.extend(of_page(root, &page)?);
        let folder =
            metadata["target_directory"].as_str().context("cargo metadata names no target folder")?;
        Ok(Self { all, target_folder: folder.into() })
    }

    /// That of the binary.
    pub(super) fn binary(&self) -> Result<&Package> {
        let found = self.all.values().find(|package| package.is_binary());
        found.context("the workspace has no package `lepton`")
    }

    /// The version of the binary.
    pub(super) fn version(&self) -> Result<&str> {
        Ok(&self.binary()?.version)
    }

    /// Where cargo builds.
    pub(super) fn target_folder(&self) -> &Path {
        &self.target_folder
    }

    /// The folder that the sources of crates lie in.
    pub(super) fn registry(&self) -> Option<PathBuf> {
        let of_crates = self.all.values().find(|package| package.kind == Kind::Crate)?;
        Some(of_crates.folder.parent()?.parent()?.to_owned())
    }
}

/// The cargo that this runs under.
pub(super) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// These features, as options of cargo.
pub(super) fn features(wanted: &[String]) -> Vec<String> {
    if wanted.is_empty() { Vec::new() } else { vec!["--features".to_owned(), wanted.join(",")] }
}

/// Name and version in each line of `cargo tree`.
pub(super) fn compiled_names(tree: &str) -> BTreeSet<(String, String)> {
    let named = |line: &str| {
        let (name, rest) = line.split_once(" v")?;
        Some((name.to_owned(), rest.split_whitespace().next()?.to_owned()))
    };
    tree.lines().filter_map(named).collect()
}

/// The digests of the lock file by name and version. It is no TOML parser: cargo writes the file in one style.
pub(super) fn digests(lock: &str) -> BTreeMap<(String, String), String> {
    let mut digests = BTreeMap::new();
    for block in lock.split("[[package]]").skip(1) {
        let value = |key: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""));
            line.and_then(|rest| rest.strip_suffix('"')).map(str::to_owned)
        };
        if let (Some(name), Some(version), Some(checksum)) =
            (value("name"), value("version"), value("checksum"))
        {
            digests.insert((name, version), checksum);
        }
    }
    digests
}

fn compiled(
    metadata: &Value,
    names: &BTreeSet<(String, String)>,
    digests: &BTreeMap<(String, String), String>,
) -> Result<BTreeMap<(String, String), Package>> {
    let list = |of: &Value| of.as_array().cloned().unwrap_or_default();
    let text = |of: &Value| of.as_str().map(str::to_owned);
    let (mut all, mut by_id) = (BTreeMap::new(), BTreeMap::new());
    for of in list(&metadata["packages"]) {
        let (Some(name), Some(version)) = (text(&of["name"]), text(&of["version"])) else { continue };
        let key = (name.clone(), version.clone());
        by_id.insert(text(&of["id"]).unwrap_or_default(), key.clone());
        if !names.contains(&key) {
            continue;
        }
        let manifest = PathBuf::from(of["manifest_path"].as_str().unwrap_or_default());
        let package = Package {
            license: license(&of).with_context(|| format!("{name} {version}"))?,
            kind: if of["source"].is_null() { Kind::Own } else { Kind::Crate },
            repository: text(&of["repository"]),
            sha256: digests.get(&key).cloned(),
            folder: manifest.parent().map(Path::to_owned).unwrap_or_default(),
            needs: BTreeSet::new(),
            name,
            version,
        };
        all.insert(key, package);
    }
    for node in list(&metadata["resolve"]["nodes"]) {
        let id = |of: &Value| by_id.get(of.as_str().unwrap_or_default()).cloned();
        let Some(package) = id(&node["id"]).and_then(|key| all.get_mut(&key)) else { continue };
        let is_normal = |dep: &&Value| list(&dep["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
        let needs = list(&node["deps"]);
        package.needs = needs.iter().filter(is_normal).filter_map(|dep| id(&dep["pkg"])).collect();
        package.needs.retain(|key| names.contains(key));
    }
    let missing: Vec<_> = names.iter().filter(|key| !all.contains_key(*key)).collect();
    ensure!(missing.is_empty(), "cargo metadata does not know what cargo tree names: {missing:?}");
    Ok(all)
}

/// The licence as an SPDX expression; old packages write `/` for OR. Of one that only has a text, a name for that.
pub(super) fn license(of: &Value) -> Result<String> {
    if let Some(said) = of["license"].as_str() {
        return Ok(said.replace(" / ", " OR ").replace('/', " OR "));
    }
    ensure!(of["license_file"].is_string(), "it has no licence; only packages that have one are taken");
    let name = of["name"].as_str().context("a package has a name")?;
    Ok(format!("LicenseRef-{}", name.replace('_', "-")))
}

/// What the page is built with, save what is there only to build and to test it.
fn of_page(root: &Path, lock: &Value) -> Result<Vec<((String, String), Package)>> {
    let mut found = Vec::new();
    for (place, of) in lock["packages"].as_object().into_iter().flatten() {
        let Some(name) = place.strip_prefix("node_modules/").filter(|_| of["dev"] != true) else { continue };
        let text = |key: &str| {
            let value = of[key].as_str().map(str::to_owned);
            value.with_context(|| format!("{PAGE_LOCK} does not say the {key} of {name}"))
        };
        let version = text("version")?;
        let package = Package {
            name: name.to_owned(),
            version: version.clone(),
            kind: Kind::Npm,
            license: text("license")?,
            repository: None,
            sha256: None,
            folder: root.join("web/licenses").join(name),
            needs: BTreeSet::new(),
        };
        found.push(((name.to_owned(), version), package));
    }
    Ok(found)
}
