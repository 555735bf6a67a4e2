//! Where the journal is kept.

use crate::model::{DecisionRecord, JournalEntry, Plan};

/// The journal cannot be written or read: why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the journal: {0}")]
pub struct JournalError(pub String);

/// Where journal entries are kept.
pub trait Journal {
    /// Keeps an entry. Where the world or the numbers of turns depend on it (all but [`JournalEntry::Opened`] and
    /// [`JournalEntry::Answered`]) it is durable when this returns, with all before it. Those two may wait for the next:
    /// nothing was done under a part that is not known to be open, and a loop that never learns of an answer looks at the
    /// world instead.
    ///
    /// # Errors
    /// When it cannot be kept. The loop then does nothing more in this turn.
    fn write(&mut self, entry: &JournalEntry) -> Result<(), JournalError>;

    /// Keeps the entry of a turn, as [`Journal::write`] does, with what the turn has decided and why.
    ///
    /// # Errors
    /// When it cannot be kept.
    fn begin_turn(
        &mut self,
        entry: &JournalEntry,
        _plan: &Plan,
        _records: &[DecisionRecord],
    ) -> Result<(), JournalError> {
        self.write(entry)
    }

    /// Keeps entries in order, each as [`Journal::write`] does; a journal on a disk forces them there together, not one by one.
    ///
    /// # Errors
    /// When they cannot all be kept. Those before the first that cannot may be kept all the same.
    fn write_all(&mut self, entries: &[JournalEntry]) -> Result<(), JournalError> {
        entries.iter().try_for_each(|entry| self.write(entry))
    }

    /// The entries in order, from the last [`JournalEntry::Remembered`] on: asked when a loop starts.
    ///
    /// # Errors
    /// When they cannot be read. The loop then does not start.
    fn recall(&self) -> Result<Vec<JournalEntry>, JournalError>;
}

/// In memory: for simulations, where the process is the world's life.
impl Journal for Vec<JournalEntry> {
    fn write(&mut self, entry: &JournalEntry) -> Result<(), JournalError> {
        if matches!(entry, JournalEntry::Remembered { .. }) {
            self.clear();
        }
        self.push(entry.clone());
        Ok(())
    }

    fn recall(&self) -> Result<Vec<JournalEntry>, JournalError> {
        let remembered = self.iter().rposition(|e| matches!(e, JournalEntry::Remembered { .. }));
        Ok(self[remembered.unwrap_or(0)..].to_vec())
    }
}
