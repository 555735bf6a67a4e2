//! The licences of all that is compiled in: which package is under which, and the texts that the packages bring, each once.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::packages::{Kind, Package, Packages};
use super::read;

/// What the names of such files begin with, in capitals.
const NAMES: [&str; 6] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];

/// The page of them.
pub(super) fn text(root: &Path, packages: &Packages, target: &str) -> Result<Vec<u8>> {
    let mut out = format!(
        "Lepton {} for {target} is under the Apache License, version 2.0 (the file LICENSE). Compiled into it are the\n\
         standard library of Rust (MIT OR Apache-2.0) and these packages, whose licences follow.\n\n",
        packages.version()?
    );
    let others: Vec<&Package> = packages.all.values().filter(|package| package.kind != Kind::Own).collect();
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in &others {
        let found = texts_in(&package.folder)?;
        // The page's packages bring theirs in this repository; what is missing was forgotten here.
        ensure!(
            !found.is_empty() || package.kind == Kind::Crate,
            "{} is in the page, and there is no licence of it in {}",
            package.name,
            package.folder.strip_prefix(root).unwrap_or(&package.folder).display()
        );
        let note = if found.is_empty() { "  (its package has no text)" } else { "" };
        let source = package.repository.as_deref().map_or(String::new(), |url| format!("  {url}"));
        let line = format!("{} {}  {}{source}{note}", package.name, package.version, package.license);
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{line}");
        for (file, text) in found {
            texts.entry(text).or_default().push(format!("{} {} ({file})", package.name, package.version));
        }
    }
    // By the first package of each, so that the order says nothing of the texts.
    let mut texts: Vec<(Vec<String>, String)> = texts.into_iter().map(|(text, of)| (of, text)).collect();
    texts.sort();
    for (of, text) in texts {
        let _ = write!(out, "\n{}\n{}\n\n{text}\n", "=".repeat(80), of.join("\n"));
    }
    Ok(out.into_bytes())
}

/// Name and text of each licence in a folder, in order.
fn texts_in(folder: &Path) -> Result<Vec<(String, String)>> {
    let Ok(items) = fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for item in items {
        let path = item.with_context(|| format!("cannot read {}", folder.display()))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let is_one = NAMES.iter().any(|begin| name.to_uppercase().starts_with(begin));
        if is_one && path.is_file() {
            let text = String::from_utf8_lossy(&read(&path)?).replace("\r\n", "\n");
            found.push((name, text.trim_end().to_owned()));
        }
    }
    found.sort();
    Ok(found)
}
