//! The schema, version by version. A version is applied in one transaction together with its number, and may be applied to a
//! file that has it already.

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;

/// What leads from each version to the next; never changed once released, only added to.
pub(super) const MIGRATIONS: [&str; 7] = [
    include_str!("migrations/1_journal.sql"),
    include_str!("migrations/2_decisions.sql"),
    include_str!("migrations/3_history.sql"),
    include_str!("migrations/4_derivations.sql"),
    include_str!("migrations/5_ledger.sql"),
    include_str!("migrations/6_outbox.sql"),
    include_str!("migrations/7_plan_summaries.sql"),
];

/// Brings a file of any earlier version to the present one, by what leads from each version to the next.
pub(super) fn migrate(connection: &mut Connection, migrations: &[&str]) -> Result<(), StoreError> {
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version as usize > migrations.len() {
        return Err(StoreError::NewerSchema { version, known: migrations.len() as u32 });
    }
    for (number, sql) in migrations.iter().enumerate().skip(version as usize) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "user_version", number as u32 + 1)?;
        transaction.commit()?;
    }
    Ok(())
}
