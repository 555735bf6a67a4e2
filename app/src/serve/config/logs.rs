//! Which logs are followed beside the source.

/// Files, the journal, and whose they are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LogsSettings {
    /// Paths, in which `{node}` stands for the name of a node.
    pub(crate) files: Vec<String>,
    /// Which part of the journal, of [`JOURNALS`].
    pub(crate) journal: &'static str,
    /// The node of files and entries that name none; this machine where there is none.
    pub(crate) node: Option<String>,
    /// Where is begun at first, of [`FROM`].
    pub(crate) from: &'static str,
}

/// Parts of the journal.
pub(crate) const JOURNALS: &[&str] = &["none", "kernel", "all"];
/// Where is begun.
pub(crate) const FROM: &[&str] = &["end", "start"];

impl Default for LogsSettings {
    fn default() -> Self {
        Self { files: Vec::new(), journal: JOURNALS[0], node: None, from: FROM[0] }
    }
}

impl LogsSettings {
    /// Whether there is anything to follow.
    pub(crate) fn are_followed(&self) -> bool {
        !self.files.is_empty() || self.journal != JOURNALS[0]
    }

    /// Why these settings do not go together, if they do not.
    pub(super) fn contradiction(&self) -> Option<String> {
        let node = self.node.as_ref().filter(|_| !self.are_followed())?;
        Some(format!(
            "`logs.node` is {node} and nothing is followed: `logs.files` and `logs.journal` name nothing"
        ))
    }
}

/// Paths that can be followed.
pub(super) fn files(paths: Vec<String>) -> Result<Vec<String>, String> {
    #[cfg(all(feature = "logs", unix))]
    for path in &paths {
        lepton_edges::logs::FilePattern::parse(path)?;
    }
    Ok(paths)
}
