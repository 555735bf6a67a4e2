//! What stands first in a file of what was learned of risk: what it is of, and its version. It is read before the rest, so that a file
//! of another kind is named as what it is.

use serde::Deserialize;

/// The head of a file; what comes after it is left unread.
#[derive(Deserialize)]
pub(super) struct FileHead {
    pub(super) kind: String,
    pub(super) version: u32,
}

impl FileHead {
    /// Reads the head of these bytes.
    pub(super) fn of(bytes: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(bytes)
    }
}
