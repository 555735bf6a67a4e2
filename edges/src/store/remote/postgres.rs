//! PostgreSQL, over TLS where there is an authority for it; without, the way to it must be private.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use postgres::config::SslMode;
use postgres::types::ToSql;
use postgres::{Client, Config, Error, NoTls};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

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
        let Some(authority) = target.authority() else { return Ok(Self(config.connect(NoTls)?)) };
        config.ssl_mode(SslMode::Require);
        Ok(Self(config.connect(MakeRustlsConnect::new(trusting(authority)?))?))
    }
}

/// TLS with who shows a certificate by one of the authorities in the file.
fn trusting(authority: &Path) -> Result<ClientConfig, RemoteError> {
    let wrong = |problem: String| RemoteError::Database(format!("{}: {problem}", authority.display()));
    let certificates = CertificateDer::pem_file_iter(authority).map_err(|error| wrong(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    let (known, _) = roots.add_parsable_certificates(certificates.flatten());
    if known == 0 {
        return Err(wrong("there is no certificate in it that can be used".to_owned()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| wrong(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
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
