//! A service that runs: the loop on a thread of its own, the HTTP interface on a few others.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use tokio::runtime::{Builder, Runtime};

use super::LOOK;
use super::api;
use super::config::ServeConfig;
use super::connection::WrongSettings;
use super::engine::{Engine, Turns, Watch};
use super::people::Request;
use super::tls::{Entrance, Identity, Peer};
use super::tokens::Tokens;
use super::view::Published;
use crate::failure::Failure;

/// Requests of people that may wait for the loop.
const ASKS_MAX: usize = 64;
/// Threads that serve requests.
const HTTP_THREADS: usize = 2;
/// How long open requests may take when the service ends.
const PATIENCE: Duration = Duration::from_secs(2);

/// A running service.
pub(crate) struct Service {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// What it is connected to, for people.
    pub(crate) about: String,
    pub(super) requests: SyncSender<Request>,
    /// The certificate that it shows; none without TLS.
    pub(super) identity: Option<Arc<Identity>>,
    stop: &'static AtomicBool,
    published: Arc<Published>,
    engine: thread::JoinHandle<()>,
    http: tokio::task::JoinHandle<std::io::Result<()>>,
    runtime: Runtime,
}

/// How a service ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServiceEnd {
    /// Whether a signal had come.
    pub(crate) asked: bool,
    /// Turns that it took.
    pub(crate) turns: u64,
}

impl Service {
    /// Starts one; it asks for these tokens, goes on for so many turns, and has each of them watched.
    pub(crate) fn start(
        config: &ServeConfig,
        listener: TcpListener,
        tokens: Option<Tokens>,
        (turns, watch): (Turns, Option<Watch>),
        stop: &'static AtomicBool,
    ) -> Result<Self, Failure> {
        let address = listener.local_addr().context("the address that was bound")?;
        listener.set_nonblocking(true).context("cannot use the socket")?;
        let identity = match (&config.tls_cert, &config.tls_key) {
            (Some(cert), Some(key)) => Some(Arc::new(Identity::read(cert, key).map_err(Failure::Input)?)),
            _ => None,
        };
        let published = Arc::new(Published::new(&config.modes()));
        let (asks, mailbox) = sync_channel(ASKS_MAX);
        let reviews = api::Reviews::of(config).map_err(Failure::Input)?;
        let door = api::Door::new(tokens, reviews, config.requests_per_second);
        let requests = asks.clone();
        let folder = PathBuf::from(&config.state_dir);
        let shared = api::Shared::new(Arc::clone(&published), asks, folder, address.port(), door);

        let (started, start) = sync_channel(1);
        let (settings, view) = (config.clone(), Arc::clone(&published));
        let run = move || match Engine::start(&settings, view) {
            Ok(engine) => {
                // The other end waits for it.
                let _ = started.send(Ok(engine.about()));
                engine.run(&mailbox, stop, turns, watch);
            }
            Err(error) => drop(started.send(Err(error))),
        };
        let engine =
            thread::Builder::new().name("loop".to_owned()).spawn(run).context("cannot start a thread")?;
        let about =
            start.recv().context("the loop ended at once")?.map_err(|error| match error.downcast() {
                Ok(WrongSettings(problem)) => Failure::Input(problem),
                Err(error) => Failure::Other(error),
            })?;

        let runtime = Builder::new_multi_thread()
            .worker_threads(HTTP_THREADS)
            .thread_name("http")
            .enable_io()
            .enable_time()
            .build()
            .context("cannot start the HTTP interface")?;
        let router = api::router(shared);
        let shown = identity.clone();
        let http = runtime.spawn(async move {
            let entrance = Entrance::new(tokio::net::TcpListener::from_std(listener)?, shown);
            let service = router.into_make_service_with_connect_info::<Peer>();
            axum::serve(entrance, service).with_graceful_shutdown(turned(stop)).await
        });
        Ok(Self { address, about, requests, identity, stop, published, engine, http, runtime })
    }

    /// Whether no signal has come and both sides of it work.
    pub(crate) fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed) && !self.engine.is_finished() && !self.http.is_finished()
    }

    /// Ends it after the turn in hand.
    ///
    /// # Errors
    /// When the loop had panicked.
    pub(crate) fn end(self) -> Result<ServiceEnd, Failure> {
        drop(self.requests);
        let asked = self.stop.swap(true, Ordering::Relaxed);
        let ended = self.engine.join();
        self.runtime.shutdown_timeout(PATIENCE);
        let turns = self.published.view().health.turns;
        match ended {
            Ok(()) => Ok(ServiceEnd { asked, turns }),
            Err(_) => Err(Failure::Other(anyhow::anyhow!("the loop ended by a panic after {turns} turns"))),
        }
    }
}

async fn turned(stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(LOOK).await;
    }
}
