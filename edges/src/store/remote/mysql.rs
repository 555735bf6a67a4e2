//! MySQL and MariaDB, over TLS where there is an authority for it; without, the way to them must be private.

use std::time::Duration;

use mysql::prelude::Queryable;
use mysql::{Conn, Error, Opts, OptsBuilder, Params, SslOpts, TxOpts, Value};

use super::{Cell, Database, Dialect, RemoteError, Target};

/// How long it is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// What is refused is an error, not cut.
const STRICT: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES'";
/// An index of this name is there already; a partition of this name, or one of a later day.
const THERE_ALREADY: [u16; 3] = [1061, 1517, 1493];

/// There is a table of this name, or what is left of one.
const TABLE_THERE: u16 = 1050;

/// An open connection.
pub(super) struct MySql(Conn);

impl MySql {
    pub(super) fn connect(target: &Target) -> Result<Self, RemoteError> {
        // MariaDB goes by the same protocol, and by a name of its own.
        let opts =
            Opts::from_url(&format!("mysql://{}", target.rest())).map_err(|error| RemoteError::of(&error))?;
        let authority =
            target.authority().map(|file| SslOpts::default().with_root_cert_path(Some(file.to_owned())));
        let opts = OptsBuilder::from_opts(opts)
            .ssl_opts(authority)
            // Who is named by a host is spoken to there, as its certificate and its users have it.
            .prefer_socket(false)
            .pass(target.password()?)
            .tcp_connect_timeout(Some(PATIENCE))
            .read_timeout(Some(PATIENCE))
            .write_timeout(Some(PATIENCE))
            .init(vec![STRICT]);
        Ok(Self(Conn::new(opts)?))
    }
}

impl Database for MySql {
    fn dialect(&self) -> Dialect {
        Dialect::MySql
    }

    fn run(&mut self, sql: &str) -> Result<(), RemoteError> {
        match self.0.query_drop(sql) {
            Err(Error::MySqlError(error)) if THERE_ALREADY.contains(&error.code) => Ok(()),
            Err(Error::MySqlError(error)) if error.code == TABLE_THERE => match left_over(&error.message) {
                Some(name) => {
                    self.0.query_drop(format!("DROP TABLE IF EXISTS `{name}`"))?;
                    Ok(self.0.query_drop(sql)?)
                }
                None => Err(Error::MySqlError(error).into()),
            },
            other => Ok(other?),
        }
    }

    fn number(&mut self, sql: &str) -> Result<i64, RemoteError> {
        self.0.query_first(sql)?.ok_or_else(|| RemoteError::Database(format!("`{sql}` gave no row")))
    }

    fn write(&mut self, statements: &[(String, Vec<Cell>)]) -> Result<(), RemoteError> {
        let mut transaction = self.0.start_transaction(TxOpts::default())?;
        for (sql, cells) in statements {
            let values = cells.iter().map(|cell| match cell {
                Cell::Whole(number) => Value::from(*number),
                Cell::Text(text) => Value::from(text.as_deref()),
                Cell::Bytes(bytes) => Value::from(bytes),
            });
            transaction.exec_drop(sql, Params::Positional(values.collect()))?;
        }
        Ok(transaction.commit()?)
    }
}

/// MariaDB makes tables of partitions in steps: one that is killed meanwhile has a partition of no table, which stands in the way of the table ever
/// after. The name under which it can be dropped, by what the server says of it.
fn left_over(message: &str) -> Option<String> {
    let (before, after) = message.split_once("` /* Partition `")?;
    let (table, partition) = (before.rsplit_once('`')?.1, after.split_once('`')?.0);
    let is_plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (is_plain(table) && is_plain(partition)).then(|| format!("#mysql50#{table}#P#{partition}"))
}

impl From<Error> for RemoteError {
    fn from(error: Error) -> Self {
        Self::of(&error)
    }
}
