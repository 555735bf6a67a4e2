//! What tests need and is made once, outside of the repository: kept by what it is made of.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folder of all of it.
pub(crate) fn cache() -> Result<PathBuf> {
    let folder =
        |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let named = folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")));
    Ok(named.context("neither XDG_CACHE_HOME nor HOME is set")?.join("lepton"))
}

/// A name for what is made of these files of a folder (FNV-1a over them).
pub(crate) fn digest(source: &Path, files: &[&str]) -> Result<String> {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for name in files {
        let path = source.join(name);
        let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        for byte in bytes {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    Ok(format!("{hash:016x}"))
}
