//! The HTTP interface over TLS: certificate and key from files that are read again on SIGHUP, and a listener whose connections agree on their
//! keys by themselves, so that one that is slow holds up no other.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use lepton_sim::readers::read_whole_text;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Sleep, sleep};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

/// How long a connection may take to agree on its keys.
const GREETING: Duration = Duration::from_secs(10);
/// Longest file of certificates or of a key, bytes.
const PEM_BYTES_MAX: u64 = 1 << 20;

/// The certificate of the service, and its key.
#[derive(Debug)]
pub(super) struct Identity {
    cert: PathBuf,
    key: PathBuf,
    config: RwLock<Arc<ServerConfig>>,
}

impl Identity {
    /// Reads it from two files in PEM: the service's own certificate with those that lead from it to an authority, and its key.
    ///
    /// # Errors
    /// Which file is wrong, and how.
    pub(super) fn read(cert: &Path, key: &Path) -> Result<Self, String> {
        let config = RwLock::new(read(cert, key)?);
        Ok(Self { cert: cert.to_owned(), key: key.to_owned(), config })
    }

    /// Reads both files again, for connections from now on.
    ///
    /// # Errors
    /// Which file is wrong, and how; then all stays as it was.
    pub(super) fn read_again(&self) -> Result<(), String> {
        let config = read(&self.cert, &self.key)?;
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    fn greet(&self, stream: TcpStream) -> Accept<TcpStream> {
        let config = Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner));
        TlsAcceptor::from(config).accept(stream)
    }
}

fn read(cert: &Path, key: &Path) -> Result<Arc<ServerConfig>, String> {
    let text = |file: &Path| read_whole_text(file, PEM_BYTES_MAX).map_err(|error| error.to_string());
    let (certificates, secret) = (text(cert)?, text(key)?);
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(certificates.as_bytes()).collect::<Result<_, _>>().unwrap_or_default();
    if chain.is_empty() {
        return Err(format!("{}: expected certificates in PEM, that of the service first", cert.display()));
    }
    let secret = PrivateKeyDer::from_pem_slice(secret.as_bytes())
        .map_err(|_| format!("{}: expected a private key in PEM", key.display()))?;
    let apart = |error: rustls::Error| {
        format!("{} and {} are no certificate and its key: {error}", cert.display(), key.display())
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret))
        .map_err(apart)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Who has connected.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// Where connections come in, with TLS or without.
pub(super) struct Entrance {
    listener: TcpListener,
    identity: Option<Arc<Identity>>,
}

impl Entrance {
    pub(super) fn new(listener: TcpListener, identity: Option<Arc<Identity>>) -> Self {
        Self { listener, identity }
    }
}

impl Listener for Entrance {
    type Io = Wire;
    type Addr = Peer;

    async fn accept(&mut self) -> (Wire, Peer) {
        let (stream, from) = <TcpListener as Listener>::accept(&mut self.listener).await;
        let wire = match &self.identity {
            None => Wire::Plain(stream),
            Some(identity) => {
                let greeting =
                    Greeting { accept: identity.greet(stream), patience: Box::pin(sleep(GREETING)) };
                Wire::Greeting(Box::new(greeting))
            }
        };
        (wire, Peer(from))
    }

    fn local_addr(&self) -> io::Result<Peer> {
        self.listener.local_addr().map(Peer)
    }
}

impl Connected<IncomingStream<'_, Entrance>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Entrance>) -> Self {
        *stream.remote_addr()
    }
}

/// Both sides agree on their keys.
pub(super) struct Greeting {
    accept: Accept<TcpStream>,
    patience: Pin<Box<Sleep>>,
}

/// A connection.
pub(super) enum Wire {
    Plain(TcpStream),
    Greeting(Box<Greeting>),
    Secret(Box<TlsStream<TcpStream>>),
    /// They did not agree.
    Broken,
}

/// What goes both ways.
trait BothWays: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> BothWays for T {}

impl Wire {
    /// The connection once both sides have agreed on their keys, or where there are none.
    fn poll_open(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Pin<&mut dyn BothWays>>> {
        if let Self::Greeting(greeting) = self {
            let Greeting { accept, patience } = &mut **greeting;
            let greeted = match Pin::new(accept).poll(context) {
                Poll::Pending if patience.as_mut().poll(context).is_pending() => return Poll::Pending,
                Poll::Pending => Err(io::ErrorKind::TimedOut.into()),
                Poll::Ready(greeted) => greeted,
            };
            match greeted {
                Ok(stream) => *self = Self::Secret(Box::new(stream)),
                Err(error) => {
                    *self = Self::Broken;
                    return Poll::Ready(Err(error));
                }
            }
        }
        Poll::Ready(match self {
            Self::Plain(stream) => Ok(Pin::new(stream)),
            Self::Secret(stream) => Ok(Pin::new(&mut **stream)),
            Self::Greeting(_) | Self::Broken => Err(io::ErrorKind::BrokenPipe.into()),
        })
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.get_mut().poll_open(context))?.poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.get_mut().poll_open(context))?.poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.get_mut().poll_open(context))?.poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        if matches!(wire, Self::Greeting(_) | Self::Broken) {
            // There is nobody to say goodbye to.
            return Poll::Ready(Ok(()));
        }
        ready!(wire.poll_open(context))?.poll_shutdown(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.get_mut().poll_open(context))?.poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        // Either kind of stream takes several pieces at once.
        true
    }
}
