//! Where a running service is, as a person names it, and the connection to it: plain, or over TLS.

use std::fmt;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use lepton_sim::readers::read_whole_text;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::failure::Failure;

/// Longest file of authorities, bytes.
const PEM_BYTES_MAX: u64 = 16 << 20;
/// Where systems keep the authorities that they trust.
const SYSTEM_AUTHORITIES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
const EXPECTED: &str = "expected an address with a port, as 127.0.0.1:7717, or https://HOST:PORT";

/// Where a service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerAddress {
    tls: bool,
    host: String,
    port: u16,
}

impl ServerAddress {
    /// Reads ADDRESS:PORT, http://HOST:PORT or https://HOST:PORT.
    ///
    /// # Errors
    /// What was expected.
    pub(crate) fn named(text: &str) -> Result<Self, String> {
        let (tls, rest) = match text.split_once("://") {
            None => (false, text),
            Some(("http", rest)) => (false, rest),
            Some(("https", rest)) => (true, rest),
            Some(_) => return Err(EXPECTED.to_owned()),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = rest.rsplit_once(':').ok_or(EXPECTED)?;
        let port = port.parse().map_err(|_| EXPECTED)?;
        let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_host = match inner {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => {
                !host.is_empty()
                    && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
            }
        };
        if !is_host {
            return Err(EXPECTED.to_owned());
        }
        Ok(Self { tls, host: inner.unwrap_or(host).to_owned(), port })
    }

    /// Host and port, as a request names them.
    pub(crate) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Connects to it. Over TLS it must show a certificate of an authority in this file, or of one that the system trusts.
    ///
    /// # Errors
    /// When it cannot be reached or trusted.
    pub(crate) fn connect(
        &self,
        authorities: Option<&Path>,
        patience: Duration,
    ) -> Result<Box<dyn ReadWrite>, Failure> {
        if let (Some(file), false) = (authorities, self.tls) {
            return Err(Failure::Input(format!(
                "--ca-file {} has no effect with {self}. Maybe https://{} is meant",
                file.display(),
                self.authority()
            )));
        }
        let stream = self.reach(patience)?;
        if !self.tls {
            return Ok(Box::new(stream));
        }
        let roots = roots(authorities).map_err(Failure::Input)?;
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .context("TLS")?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(self.host.clone()).context("the name of the server")?;
        let connection = ClientConnection::new(Arc::new(config), name).context("TLS")?;
        let mut stream = StreamOwned::new(connection, stream);
        // What is wrong with a certificate is said here, and not as an answer that did not come.
        while stream.conn.is_handshaking() {
            let done = stream.conn.complete_io(&mut stream.sock);
            done.with_context(|| {
                format!("{self} cannot be trusted. Maybe --ca-file names the authority of its certificate")
            })?;
        }
        Ok(Box::new(stream))
    }

    fn reach(&self, patience: Duration) -> anyhow::Result<TcpStream> {
        let mut tried = None;
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, patience) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(patience))?;
                    return Ok(stream);
                }
                Err(error) => tried = Some(error),
            }
        }
        match tried {
            Some(error) => Err(error.into()),
            None => bail!("`{}` has no address", self.host),
        }
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.tls { "https" } else { "http" }, self.authority())
    }
}

/// What can be read from and written to.
pub(crate) trait ReadWrite: Read + Write {}
impl<T: Read + Write> ReadWrite for T {}

/// The authorities in a file, or those of the system.
fn roots(file: Option<&Path>) -> Result<RootCertStore, String> {
    let system = || {
        let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
        let usual = SYSTEM_AUTHORITIES.iter().map(PathBuf::from).find(|file| file.is_file());
        named.or(usual).ok_or("this system names no authorities that it trusts; --ca-file does")
    };
    let file = file.map_or_else(system, |file| Ok(file.to_owned()))?;
    let text = read_whole_text(&file, PEM_BYTES_MAX).map_err(|error| error.to_string())?;
    let mut roots = RootCertStore::empty();
    // Of a system's many, those that are of no use are left out.
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(text.as_bytes()).flatten());
    if roots.is_empty() {
        return Err(format!("{}: expected certificates of authorities in PEM", file.display()));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_named_by_its_address_or_its_url() {
        for (text, shown) in [
            ("127.0.0.1:7717", "http://127.0.0.1:7717"),
            ("https://lepton.internal:443/", "https://lepton.internal:443"),
            ("http://[::1]:80", "http://[::1]:80"),
            ("[::1]:7717", "http://[::1]:7717"),
        ] {
            assert_eq!(ServerAddress::named(text).map(|address| address.to_string()), Ok(shown.to_owned()));
        }
        for text in
            ["", "here", "ftp://h:1", "h:1:2", "https://h", "h:70000", "a b:1", "u@h:1", "http://h:1/x", ":1"]
        {
            assert_eq!(ServerAddress::named(text), Err(EXPECTED.to_owned()), "{text}");
        }
    }
}
