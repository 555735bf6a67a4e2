//! A token in a file: its first line, which may stand in a header.

use std::path::Path;

use lepton_sim::readers::read_whole_text;

/// A file of a token is at most so long.
const BYTES_MAX: u64 = 16 << 10;

/// Reads it.
///
/// # Errors
/// What is wrong with the file.
pub(crate) fn read(file: &Path) -> Result<String, String> {
    let line = first_line(file)?;
    let token = line.trim();
    let is_token = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    let expected = || format!("{} holds no token, expected one in its first line", file.display());
    is_token.then(|| token.to_owned()).ok_or_else(expected)
}

/// The first line of a file, which may be a password with spaces; empty where the file is.
///
/// # Errors
/// What is wrong with the file.
pub(crate) fn first_line(file: &Path) -> Result<String, String> {
    let text = read_whole_text(file, BYTES_MAX).map_err(|error| error.to_string())?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
