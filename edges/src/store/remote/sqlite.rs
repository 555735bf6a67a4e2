//! Another SQLite file.

use std::path::Path;
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, TransactionBehavior, params_from_iter};

use super::{Cell, Database, Dialect, RemoteError, Target};

/// How long others that write it are waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// An open file.
pub(super) struct Sqlite(Connection);

impl Sqlite {
    pub(super) fn connect(target: &Target) -> Result<Self, RemoteError> {
        let connection = Connection::open(Path::new(target.rest()))?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        Ok(Self(connection))
    }
}

impl Database for Sqlite {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn run(&mut self, sql: &str) -> Result<(), RemoteError> {
        Ok(self.0.execute_batch(sql)?)
    }

    fn number(&mut self, sql: &str) -> Result<i64, RemoteError> {
        Ok(self.0.query_row(sql, [], |row| row.get(0))?)
    }

    fn write(&mut self, statements: &[(String, Vec<Cell>)]) -> Result<(), RemoteError> {
        let transaction = self.0.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (sql, cells) in statements {
            let values = cells.iter().map(|cell| match cell {
                Cell::Whole(number) => Value::from(*number),
                Cell::Text(text) => Value::from(text.clone()),
                Cell::Bytes(bytes) => Value::from(bytes.clone()),
            });
            transaction.execute(sql, params_from_iter(values))?;
        }
        Ok(transaction.commit()?)
    }
}

impl From<rusqlite::Error> for RemoteError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.to_string())
    }
}
