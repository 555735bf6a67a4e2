//! A database elsewhere that is told what the store has: MySQL or MariaDB, PostgreSQL, or another SQLite file. Nothing is read from it but
//! the version of its schema and how far it has the series; what is written is written by (instance, sequence), so telling the same again changes nothing.

mod days;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
mod schema;
mod sqlite;
mod target;

pub(super) use days::Days;
pub(crate) use schema::{Cell, Row};
pub(super) use schema::{Column, MEASURES, SERIES, TABLES, Table, fitting, upserts};
pub use target::Target;

use target::Kind;

/// Why it could not be told.
#[derive(Debug, thiserror::Error)]
pub(super) enum RemoteError {
    /// It is away, or did not take what it was told.
    #[error("{0}")]
    Database(String),
    /// A later lepton made its tables.
    #[error("its schema has version {version}, known are those up to {known}. Maybe a later lepton wrote it")]
    NewerSchema {
        /// Its version.
        version: i64,
        /// The last that is known here.
        known: i64,
    },
    /// The file with the password cannot be read.
    #[error("{file}: {problem}")]
    PasswordFile {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl RemoteError {
    /// With all that the driver knows.
    #[cfg_attr(
        not(any(feature = "mysql", feature = "postgres")),
        allow(dead_code, reason = "SQLite says it at once")
    )]
    fn of(error: &dyn std::error::Error) -> Self {
        let mut said = error.to_string();
        let mut source = error.source();
        while let Some(inner) = source {
            let more = inner.to_string();
            if !said.contains(&more) {
                said = format!("{said}: {more}");
            }
            source = inner.source();
        }
        Self::Database(said)
    }
}

/// In which SQL it is spoken to.
#[cfg_attr(not(all(feature = "mysql", feature = "postgres")), allow(dead_code, reason = "one feature each"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
    MySql,
}

/// An open connection to it.
pub(super) trait Database: Send {
    fn dialect(&self) -> Dialect;

    /// Runs a statement that gives nothing; an index or a partition that is there already is no error.
    fn run(&mut self, sql: &str) -> Result<(), RemoteError>;

    /// Asks for one whole number.
    fn number(&mut self, sql: &str) -> Result<i64, RemoteError>;

    /// Runs statements with their values in one transaction: all or none.
    fn write(&mut self, statements: &[(String, Vec<Cell>)]) -> Result<(), RemoteError>;
}

/// Connects to it and brings its schema up to date.
pub(super) fn connect(target: &Target) -> Result<Box<dyn Database>, RemoteError> {
    let mut database: Box<dyn Database> = match target.kind() {
        Kind::Sqlite => Box::new(sqlite::Sqlite::connect(target)?),
        #[cfg(feature = "postgres")]
        Kind::Postgres => Box::new(postgres::Postgres::connect(target)?),
        #[cfg(feature = "mysql")]
        Kind::MySql => Box::new(mysql::MySql::connect(target)?),
        #[cfg(not(all(feature = "postgres", feature = "mysql")))]
        other => return Err(RemoteError::Database(other.missing())),
    };
    schema::migrate(&mut *database)?;
    Ok(database)
}
