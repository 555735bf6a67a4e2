//! Log files and the journal, beside another source.

use std::fs;
use std::path::Path;

use lepton_edges::logs::{FilePattern, JournalPart, LogOptions, LogSource};
use lepton_edges::store::Store;

use super::{SIGNS_SEEN_IN_LOGS, WrongSettings, signs_seen};
use crate::serve::config::ServeConfig;

/// Those that the settings name, from where the store and what lies beside it left them; none where they name none.
pub(super) fn source(store: &Store, config: &ServeConfig) -> anyhow::Result<Option<LogSource>> {
    let settings = &config.logs;
    if !settings.are_followed() {
        return Ok(None);
    }
    let files = settings.files.iter().map(|text| FilePattern::parse(text).map_err(WrongSettings));
    let options = LogOptions {
        files: files.collect::<Result<_, _>>()?,
        journal: match settings.journal {
            "kernel" => Some(JournalPart::Kernel),
            "all" => Some(JournalPart::All),
            _ => None,
        },
        node: settings.node.clone().unwrap_or_else(|| here(&config.host.root)),
        from_end: settings.from == "end",
        folder: Path::new(&config.state_dir).to_owned(),
        signs_seen: signs_seen(store, SIGNS_SEEN_IN_LOGS)?,
    };
    Ok(Some(LogSource::start(options).map_err(|error| WrongSettings(error.to_string()))?))
}

/// The name of this machine.
fn here(root: &Path) -> String {
    let name = fs::read_to_string(root.join("proc/sys/kernel/hostname")).unwrap_or_default();
    Some(name.trim()).filter(|name| !name.is_empty()).unwrap_or("localhost").to_owned()
}
