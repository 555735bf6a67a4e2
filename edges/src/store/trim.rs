//! The journal is what the loop goes on from, and a past that nobody needs for that any more: that goes after a while, some of it at a time.

use rusqlite::TransactionBehavior;

use super::{Store, StoreError};

/// Entries that are looked at in one turn.
const ENTRIES_AT_ONCE: usize = 2000;

/// What is known of an entry that may go.
struct Old {
    sequence: i64,
    /// Whether it is of a call: what a simulated cluster is lived again from.
    of_call: bool,
}

impl Store {
    /// Drops entries of the journal that nothing needs any more, some of them at once; how many went. They are all before the last memory, so a loop
    /// that starts does not read them; they are older than a moment; and the database elsewhere, where there is one, has been told them.
    /// Entries of calls stay where a simulated cluster is lived again from them.
    ///
    /// # Errors
    /// When it cannot be written; all of them are then still there.
    pub fn trim(&mut self, before_seconds: u64, keeps_calls: bool) -> Result<usize, StoreError> {
        let (old, to) = self.old(before_seconds)?;
        let going: Vec<i64> =
            old.iter().filter(|entry| !(keeps_calls && entry.of_call)).map(|entry| entry.sequence).collect();
        if !going.is_empty() {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let delete = "DELETE FROM journal WHERE sequence = ?1";
            going.iter().try_for_each(|of| transaction.prepare_cached(delete)?.execute([of]).map(drop))?;
            transaction.commit()?;
        }
        self.trimmed_to = to;
        Ok(going.len())
    }

    /// The next entries that may go, and up to where was looked.
    fn old(&self, before_seconds: u64) -> Result<(Vec<Old>, i64), StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT sequence, kind IN ('calling', 'answered'),
                 kind = 'remembered' OR (coalesce(time_seconds, 0) < ?2
                     AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.kind = 'step' AND outbox.row = journal.sequence))
             FROM journal
             WHERE sequence > ?1 AND sequence < (SELECT max(sequence) FROM journal WHERE kind = 'remembered')
             ORDER BY sequence LIMIT ?3",
        )?;
        let before = i64::try_from(before_seconds).unwrap_or(i64::MAX);
        let mut rows = statement.query((self.trimmed_to, before, ENTRIES_AT_ONCE as i64))?;
        let (mut old, mut to) = (Vec::new(), self.trimmed_to);
        while let Some(row) = rows.next()? {
            // Those after one that must stay are younger, or wait behind it.
            if !row.get::<_, bool>(2)? {
                break;
            }
            to = row.get(0)?;
            old.push(Old { sequence: to, of_call: row.get(1)? });
        }
        Ok((old, to))
    }
}
