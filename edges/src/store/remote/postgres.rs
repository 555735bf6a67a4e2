//! PostgreSQL. There is no TLS: the way to it must be private.

use std::time::Duration;

use postgres::types::ToSql;
use postgres::{Client, Config, Error, NoTls};

use super::{Cell, Database, Dialect, RemoteError, Target};

/// How long it is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest that a statement may take.
const OPTIONS: &str = "-c statement_timeout=30000 -c lock_timeout=30000";

/// An open connection.
pub(super) struct Postgres(Client);

impl Postgres {
    pub(super) fn connect(target: &Target) -> Result<Self, RemoteError> {
        let mut config: Config = target.url().parse()?;
        config.connect_timeout(PATIENCE).tcp_user_timeout(PATIENCE).keepalives_idle(PATIENCE);
        config.options(OPTIONS).application_name("lepton");
        if let Some(password) = target.password()? {
            config.password(password);
        }
        Ok(Self(config.connect(NoTls)?))
    }
}

impl Database for Postgres {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn run(&mut self, sql: &str) -> Result<(), RemoteError> {
        Ok(self.0.batch_execute(sql)?)
    }

    fn number(&mut self, sql: &str) -> Result<i64, RemoteError> {
        Ok(self.0.query_one(sql, &[])?.try_get(0)?)
    }

    fn write(&mut self, statements: &[(String, Vec<Cell>)]) -> Result<(), RemoteError> {
        let mut transaction = self.0.transaction()?;
        for (sql, cells) in statements {
            let values: Vec<&(dyn ToSql + Sync)> = cells
                .iter()
                .map(|cell| match cell {
                    Cell::Whole(number) => number as &(dyn ToSql + Sync),
                    Cell::Text(text) => text as &(dyn ToSql + Sync),
                    Cell::Bytes(bytes) => bytes as &(dyn ToSql + Sync),
                })
                .collect();
            transaction.execute(sql, &values)?;
        }
        Ok(transaction.commit()?)
    }
}

impl From<Error> for RemoteError {
    fn from(error: Error) -> Self {
        Self::of(&error)
    }
}
