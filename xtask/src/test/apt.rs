//! Programs that tests need, from Debian's packages where they are missing.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Installs the packages through apt where one of the programs is missing, as root only: nobody's machine is changed by asking
/// for a password.
pub(super) fn ensure(programs: &[&str], packages: &[&str]) -> Result<()> {
    if programs.iter().all(|program| is_installed(program)) { Ok(()) } else { install(packages) }
}

/// Installs the packages, as root only.
pub(super) fn install(packages: &[&str]) -> Result<()> {
    let names = packages.join(" and ");
    let user = Command::new("id").arg("-u").output().context("cannot ask for the user")?;
    if user.stdout.trim_ascii() != b"0" {
        bail!("not root, so nothing is installed; install {names}");
    }
    println!("installing Debian's {names}");
    apt_get(&["update"])?;
    apt_get(&[&["install", "--yes", "--no-install-recommends"], packages].concat())
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn apt_get(args: &[&str]) -> Result<()> {
    let out = Command::new("apt-get")
        .args(["-qq", "-o", "Acquire::http::Timeout=30", "-o", "DPkg::Lock::Timeout=120"])
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .output()
        .context("cannot start apt-get")?;
    if out.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&out.stderr).into_owned();
    let last = errors.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no message");
    bail!("apt-get {} ended with {}: {last}", args.join(" "), out.status)
}
