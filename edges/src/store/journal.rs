//! The loop's journal. What must be known before the world is touched is on the disk when `write` returns, with all before
//! it; the answer to a call goes with the next such entry, since a loop that never learns of it looks at the world instead.

use std::collections::BTreeMap;

use lepton_core::execute::{Journal, JournalError};
use lepton_core::model::{Answer, Call, JournalEntry, PartKey};
use rusqlite::{Transaction, TransactionBehavior};

use super::{Store, StoreError, TurnRows};

/// An entry as it is kept.
pub(super) struct Row {
    kind: &'static str,
    part: Option<String>,
    time_seconds: Option<u64>,
    entry: String,
}

impl Row {
    fn of(entry: &JournalEntry) -> Result<Self, JournalError> {
        let text = serde_json::to_string(entry).map_err(|e| JournalError(e.to_string()))?;
        let (kind, part, time_seconds) = match entry {
            JournalEntry::Turn { time_seconds, .. } => ("turn", None, Some(*time_seconds)),
            JournalEntry::Opened { part, time_seconds, .. } => {
                ("opened", Some(part.key), Some(*time_seconds))
            }
            JournalEntry::Calling { key, time_seconds, .. } => ("calling", Some(*key), Some(*time_seconds)),
            JournalEntry::Answered { key, time_seconds, .. } => ("answered", Some(*key), Some(*time_seconds)),
            JournalEntry::Compared { time_seconds, .. } => ("compared", None, Some(*time_seconds)),
            JournalEntry::Placing { time_seconds, .. } => ("placing", None, Some(*time_seconds)),
            JournalEntry::Remembered { .. } => ("remembered", None, None),
        };
        Ok(Self { kind, part: part.map(|key| key.to_string()), time_seconds, entry: text })
    }
}

impl Journal for Store {
    fn write(&mut self, entry: &JournalEntry) -> Result<(), JournalError> {
        self.write_all(std::slice::from_ref(entry))
    }

    fn write_all(&mut self, entries: &[JournalEntry]) -> Result<(), JournalError> {
        let rows = entries.iter().map(Row::of).collect::<Result<Vec<_>, _>>()?;
        let before = self.behind.len();
        self.behind.extend(rows);
        // What no call on the world waits for goes with the next entry that one does.
        let waits = |entry: &JournalEntry| {
            matches!(
                entry,
                JournalEntry::Opened { .. }
                    | JournalEntry::Answered { .. }
                    | JournalEntry::Compared { .. }
                    | JournalEntry::Placing { .. }
            )
        };
        if entries.iter().all(waits) {
            return Ok(());
        }
        self.in_one(|_| Ok(())).map_err(|error| {
            // These entries are refused; those before them were accepted, and go with the next.
            self.behind.truncate(before);
            JournalError(error.to_string())
        })
    }

    fn recall(&self) -> Result<Vec<JournalEntry>, JournalError> {
        let from = "(SELECT coalesce(max(sequence), 0) FROM journal WHERE kind = 'remembered')";
        let sql = format!("SELECT sequence, entry FROM journal WHERE sequence >= {from} ORDER BY sequence");
        self.entries(&sql).map_err(|e| JournalError(e.to_string()))
    }
}

impl Store {
    /// Writes the entry of a turn together with what it leaves before anything is carried out: its decisions and plan.
    ///
    /// # Errors
    /// When it cannot be kept; nothing of it is then.
    pub fn begin_turn(&mut self, entry: &JournalEntry, rows: &TurnRows<'_>) -> Result<(), JournalError> {
        self.behind.push(Row::of(entry)?);
        self.keep_turn(rows).map_err(|error| {
            self.behind.pop();
            JournalError(error.to_string())
        })
    }

    /// One transaction: the entries that are behind, and what `more` writes.
    pub(super) fn in_one(
        &mut self,
        more: impl FnOnce(&Transaction<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO journal (kind, part, time_seconds, entry) VALUES (?1, ?2, ?3, ?4)",
            )?;
            for Row { kind, part, time_seconds, entry } in &self.behind {
                insert.execute((kind, part, time_seconds.map(|s| s as i64), entry))?;
            }
        }
        more(&transaction)?;
        let told = self.outbox.forget(&transaction)?;
        transaction.commit()?;
        self.behind.clear();
        self.outbox.forgot(told);
        Ok(())
    }

    fn entries(&self, sql: &str) -> Result<Vec<JournalEntry>, StoreError> {
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
        let mut entries = Vec::new();
        for row in rows {
            let (sequence, text) = row?;
            entries.push(serde_json::from_str(&text).map_err(|e| StoreError::Row {
                table: "journal",
                row: sequence.to_string(),
                problem: e.to_string(),
            })?);
        }
        Ok(entries)
    }

    /// All calls that the world did or began, in order, each with its moment in seconds: what a simulated cluster is lived
    /// again from.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn calls(&self) -> Result<Vec<(u64, Call)>, StoreError> {
        let sql =
            "SELECT sequence, entry FROM journal WHERE kind IN ('calling', 'answered') ORDER BY sequence";
        let (mut calls, mut in_hand) = (Vec::new(), BTreeMap::<PartKey, Vec<(Call, u64)>>::new());
        for entry in self.entries(sql)? {
            match entry {
                JournalEntry::Calling { key, call, time_seconds } => {
                    let of_part = in_hand.entry(key).or_default();
                    of_part.retain(|(other, _)| *other != call);
                    of_part.push((call, time_seconds));
                }
                JournalEntry::Answered { key, call, answer, .. } => {
                    let Some(of_part) = in_hand.get_mut(&key) else { continue };
                    // A journal that does not name the call has one in hand at a time, the last.
                    let at = match &call {
                        Some(call) => of_part.iter().position(|(other, _)| other == call),
                        None => of_part.len().checked_sub(1),
                    };
                    let Some((call, time_seconds)) = at.map(|at| of_part.swap_remove(at)) else { continue };
                    if of_part.is_empty() {
                        in_hand.remove(&key);
                    }
                    if !matches!(answer, Answer::Refused(_) | Answer::Never(_)) {
                        calls.push((time_seconds, call));
                    }
                }
                _ => {}
            }
        }
        Ok(calls)
    }
}
