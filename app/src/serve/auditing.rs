//! Lines of the audit beside those of what was done to a plan: what was refused, and tokens that came and went.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

use lepton_edges::store::{AuditLine, Store};

use super::people::{Answer, Ask, unix_seconds};
use super::tokens;

/// Name of the fact in the store that tells which tokens the audit knows, and which of them as revoked.
const TOKENS: &str = "audited_tokens";

/// Of a word that came to nothing: the line that says so. What was done has one already, and what is asked again under its key is no news.
pub(super) fn refused(ask: &Ask, answer: &Answer) -> Option<AuditLine> {
    let why = match answer {
        Answer::Done(..) => return None,
        Answer::NoSuchPlan => "there is no such plan".to_owned(),
        Answer::OtherEffects => "it has other effects than were looked at".to_owned(),
        Answer::NotOpen(state, _) => format!("it is {}", state.name()),
        Answer::WrongMode => "no plan waits for a person".to_owned(),
        Answer::KeyTaken => "the key belongs to another request".to_owned(),
        Answer::WrongParts(why) | Answer::Failed(why) => why.clone(),
    };
    Some(line(&ask.actor, ask.word.name(), &format!("p{}", ask.turn), &format!("refused: {why}")))
}

/// A line of now.
pub(super) fn line(actor: &str, action: &str, target: &str, detail: &str) -> AuditLine {
    let [actor, action, target, detail] = [actor, action, target, detail].map(str::to_owned);
    AuditLine { unix_seconds: unix_seconds(), actor, action, target, detail }
}

/// Watches the file of tokens, which `lepton token` writes, also while no service runs.
#[derive(Debug)]
pub(super) struct TokenWatch {
    folder: PathBuf,
    /// When the file that the audit knows was written, and how long it is.
    known: Option<(SystemTime, u64)>,
}

impl TokenWatch {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, known: None }
    }

    /// Tells the audit of tokens that were made or revoked since it was told last.
    ///
    /// # Errors
    /// When the tokens cannot be read or the lines not be written: the next look tries again.
    pub(super) fn look(&mut self, store: &mut Store) -> anyhow::Result<()> {
        let written = tokens::written(&self.folder);
        if written == self.known {
            return Ok(());
        }
        let told = store.fact(TOKENS)?;
        let mut told: BTreeMap<String, bool> =
            told.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let mut lines = Vec::new();
        for token in tokens::read(&self.folder)? {
            let of = format!("{} ({})", token.name, token.id);
            if !told.contains_key(&token.id) {
                let made = line("local", "token.create", &of, &format!("role {}", token.role.name()));
                lines.push(AuditLine { unix_seconds: token.created_unix_seconds, ..made });
            }
            if token.revoked && told.get(&token.id) != Some(&true) {
                lines.push(line("local", "token.revoke", &of, ""));
            }
            told.insert(token.id, token.revoked);
        }
        if !lines.is_empty() {
            store.keep_audit(&lines, Some((TOKENS, &serde_json::to_string(&told)?)))?;
        }
        self.known = written;
        Ok(())
    }
}
