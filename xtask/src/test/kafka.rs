//! The group `kafka`: tests on a real broker, Apache Kafka from its artifacts of Maven, and whether what speaks to it can be built here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};

use super::tally::{State, Tally};
use super::{apt, marked};
use crate::cache::{cache, digest};

/// What the tests find the broker's archives by.
const JARS: &str = "LEPTON_KAFKA_JARS";
/// Which version, and what it needs.
const SOURCE: &str = "tests/kafka";
/// The headers of OpenSSL, where Debian has them.
const HEADERS: &str = "/usr/include/openssl/ssl.h";

/// Whether the feature `kafka` can be built: its client is made of C, and speaks TLS by OpenSSL.
pub(super) fn can_be_built() -> Result<(), String> {
    static TOOLS: OnceLock<Result<(), String>> = OnceLock::new();
    let find = || {
        let packages = &["make", "g++", "pkg-config", "libssl-dev"];
        let has_headers = Path::new(HEADERS).is_file();
        let found = if has_headers { apt::ensure(&packages[..3], packages) } else { apt::install(packages) };
        found.map_err(|error| format!("no make, g++ and headers of OpenSSL: {error:#}"))
    };
    TOOLS.get_or_init(find).clone()
}

pub(super) fn run(root: &Path, traces: &Result<PathBuf, String>) -> Result<(State, Tally)> {
    let not_run = |why: String| Ok((State::NotRun(why), Tally::default()));
    if let Err(missing) = can_be_built() {
        return not_run(missing);
    }
    let packages = ["openjdk-17-jre-headless", "maven"];
    if let Err(error) = apt::ensure(&["java", "mvn"], &packages) {
        return not_run(format!("no Java and Maven: {error:#}"));
    }
    let jars = match jars(root) {
        Ok(jars) => jars,
        Err(error) => return not_run(format!("no Apache Kafka: {error:#}")),
    };
    let needs = marked::Needs { variables: &[(JARS, jars.as_os_str())], ..marked::KAFKA };
    marked::run(root, traces, &needs)
}

/// The folder with the broker's archives, filled where the cache does not have it; another one where a variable names one.
fn jars(root: &Path) -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os(JARS) {
        return Ok(PathBuf::from(folder));
    }
    let source = &root.join(SOURCE);
    let folder = cache()?.join("kafka").join(digest(source, &["pom.xml"])?);
    if folder.is_dir() {
        return Ok(folder);
    }
    let into = folder.parent().context("a folder lies in another")?;
    fs::create_dir_all(into).with_context(|| format!("cannot make {}", into.display()))?;
    // Whole or not at all: who is stopped in the middle leaves nothing that looks done.
    let part = into.join(format!("part-{}", std::process::id()));
    println!("fetching Apache Kafka into {}, once", folder.display());
    let output = Command::new("mvn")
        .args(["--quiet", "--batch-mode", "dependency:copy-dependencies"])
        .arg(format!("-DoutputDirectory={}", part.display()))
        .current_dir(source)
        .stdin(Stdio::null())
        .output()
        .context("cannot start mvn")?;
    if !output.status.success() {
        // It may not have been made.
        let _ = fs::remove_dir_all(&part);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let first = said.lines().find(|line| line.contains("ERROR")).unwrap_or("no message").to_owned();
        bail!("mvn ended with {}: {first}", output.status);
    }
    fs::rename(&part, &folder).with_context(|| format!("cannot keep {}", folder.display()))?;
    Ok(folder)
}
