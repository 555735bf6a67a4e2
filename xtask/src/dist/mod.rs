//! `cargo xtask dist`: what a release is made of. The same sources, lock file and tool chain give the same bytes: every time in it is that
//! of the commit, and everything is in order of its name.

mod archive;
mod licenses;
mod packages;
mod sbom;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest as _, Sha256};

use crate::Usage;
use crate::said::said;
use archive::Entry;
use packages::Packages;

const HELP: &str = "\
cargo xtask dist [OPTIONS]

Builds the binary in release mode and writes
  lepton-VERSION-TARGET.tar.gz         the binary, shell completions, LICENSE, README, CHANGELOG, deploy/, the
                                       licences of all that is compiled in, the bill of materials
  lepton-VERSION-TARGET.tar.gz.sha256  its digest, for `sha256sum --check`
  lepton-VERSION-TARGET.cdx.json       the bill of materials (CycloneDX 1.6)
  lepton-VERSION.tgz                   the chart, for helm
The same sources give the same bytes. Times in them are SOURCE_DATE_EPOCH, or else that of the last commit.

  --target TRIPLE    for which machine [default: this one]. For another one there are no completions: the
                     binary, which prints them, does not run here
  --features LIST    features beside the default ones, separated by commas
  --binary FILE      take this binary, which was built of these sources for that target with those features,
                     in the place of building one
  --out FOLDER       where to [default: target/dist]";

/// The shells, and how a completion of each is called where it looks for one.
const COMPLETIONS: [(&str, &str); 5] = [
    ("bash", "lepton.bash"),
    ("elvish", "lepton.elv"),
    ("fish", "lepton.fish"),
    ("powershell", "_lepton.ps1"),
    ("zsh", "_lepton"),
];
/// The chart.
const CHART: &str = "deploy/helm/lepton";

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    target: Option<String>,
    features: Vec<String>,
    binary: Option<PathBuf>,
    out: Option<PathBuf>,
}

/// The chore.
pub(crate) fn main(root: &Path, args: &[&str]) -> Result<ExitCode> {
    if args.iter().any(|arg| matches!(*arg, "-h" | "--help")) {
        println!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    let options = options(args)?;
    let host = host()?;
    let target = options.target.clone().unwrap_or_else(|| host.clone());
    let packages = Packages::of(root, &target, &options.features)?;
    let unix_seconds = unix_seconds(root)?;
    let binary = match &options.binary {
        // A bare name would be looked for in the path.
        Some(file) => fs::canonicalize(file).with_context(|| format!("cannot read {}", file.display()))?,
        None => build(root, &packages, &target, &options.features)?,
    };
    let name = format!("lepton-{}-{target}", packages.version()?);
    let bill = sbom::json(&packages, &target, &options.features, unix_seconds)?;
    let mut entries = vec![
        Entry::executable("lepton", read(&binary)?),
        Entry::file("THIRD-PARTY-LICENSES.txt", licenses::text(root, &packages, &target)?),
        Entry::file("lepton.cdx.json", bill.clone()),
    ];
    for file in ["CHANGELOG.md", "LICENSE", "README.md"] {
        entries.push(Entry::file(file, read(&root.join(file))?));
    }
    entries.extend(archive::folder(&root.join("deploy"), "deploy")?);
    if target == host {
        for (shell, file) in COMPLETIONS {
            let said = said(Command::new(&binary).args(["completion", shell]))?;
            entries.push(Entry::file(&format!("completions/{file}"), said));
        }
    } else {
        println!("without completions: the binary is for {target} and does not run here");
    }

    let out = options.out.unwrap_or_else(|| packages.target_folder().join("dist"));
    fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;
    let tarball = archive::packed(&name, entries, unix_seconds)?;
    let chart = archive::packed("lepton", archive::folder(&root.join(CHART), "")?, unix_seconds)?;
    let digest = format!("{}  {name}.tar.gz\n", hex(&Sha256::digest(&tarball)));
    for (file, content) in [
        (format!("{name}.tar.gz"), tarball),
        (format!("{name}.tar.gz.sha256"), digest.into_bytes()),
        (format!("{name}.cdx.json"), bill),
        (format!("lepton-{}.tgz", packages.version()?), chart),
    ] {
        let path = out.join(file);
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn options(args: &[&str]) -> Result<Options> {
    let mut options = Options::default();
    let mut args = args.iter();
    while let Some(option) = args.next() {
        let mut value = || match args.next() {
            Some(value) if !value.is_empty() && !value.starts_with('-') => Ok((*value).to_owned()),
            _ => bail!(Usage(format!("`{option}` needs a value\n\n{HELP}"))),
        };
        match *option {
            "--target" => options.target = Some(value()?),
            "--features" => options.features.extend(value()?.split(',').map(str::to_owned)),
            "--binary" => options.binary = Some(value()?.into()),
            "--out" => options.out = Some(value()?.into()),
            other => bail!(Usage(format!("`cargo xtask dist` has no option `{other}`\n\n{HELP}"))),
        }
    }
    Ok(options)
}

/// The machine that this one is.
fn host() -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said =
        String::from_utf8(said(Command::new(rustc).arg("-vV"))?).context("what rustc says is no text")?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not say which machine this is")?.to_owned())
}

/// The time that everything in a release has.
fn unix_seconds(root: &Path) -> Result<u64> {
    if let Some(set) = std::env::var_os("SOURCE_DATE_EPOCH") {
        let seconds = set.to_str().and_then(|text| text.parse().ok());
        return seconds.with_context(|| {
            format!("SOURCE_DATE_EPOCH is `{}`, expected seconds since 1970", set.display())
        });
    }
    let said = said(Command::new("git").args(["log", "-1", "--format=%ct"]).current_dir(root));
    let said = said.context("the sources are no git repository. Maybe SOURCE_DATE_EPOCH is to be set")?;
    let text = String::from_utf8_lossy(&said);
    text.trim()
        .parse()
        .with_context(|| format!("git says that the last commit was made at `{}`", text.trim()))
}

/// Builds the binary, without the names of this machine's folders in it.
fn build(root: &Path, packages: &Packages, target: &str, features: &[String]) -> Result<PathBuf> {
    let mut flags: Vec<String> = match std::env::var("CARGO_ENCODED_RUSTFLAGS") {
        Ok(set) => set.split('\u{1f}').map(str::to_owned).collect(),
        Err(_) => {
            let set = std::env::var("RUSTFLAGS").unwrap_or_default();
            set.split_whitespace().map(str::to_owned).collect()
        }
    };
    flags.retain(|flag| !flag.is_empty());
    for (folder, name) in [(packages.registry(), "registry"), (Some(root.to_owned()), "lepton")] {
        flags.extend(folder.map(|folder| format!("--remap-path-prefix={}=/{name}", folder.display())));
    }
    let mut command = packages::cargo();
    command
        .args(["build", "--profile", "dist", "--locked", "--package", "lepton", "--bin", "lepton"])
        .args(["--target", target])
        .args(packages::features(features))
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"))
        .current_dir(root)
        .stdin(Stdio::null());
    let status = command.status().context("cannot start cargo")?;
    ensure!(status.success(), "cargo build ended with {status}");
    let suffix = if target.contains("windows") { ".exe" } else { "" };
    Ok(packages.target_folder().join(target).join("dist").join(format!("lepton{suffix}")))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
