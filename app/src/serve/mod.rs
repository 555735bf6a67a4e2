//! `lepton serve`: the loop on a thread of its own, its store, and the HTTP interface beside it.

mod api;
mod books;
mod chronicle;
pub(crate) mod config;
mod connection;
mod engine;
mod figures;
mod load;
mod node_view;
mod nodes;
mod people;
mod recording;
mod reload;
mod stream;
#[cfg(test)]
mod tests;
pub(crate) mod tokens;
mod verdicts;
mod view;
mod waiting;
mod whatif;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use tokio::runtime::Builder;

use crate::failure::Failure;
use crate::output;
use crate::stop;
use config::{ServeConfig, mode_name};
use connection::WrongSettings;
use engine::Engine;
use reload::Reloader;
use tokens::Tokens;
use view::Published;

pub(crate) use api::openapi;

/// Requests of people that may wait for the loop.
const ASKS_MAX: usize = 64;
/// Threads that serve requests.
const HTTP_THREADS: usize = 2;
/// How long open requests may take when the service ends.
const PATIENCE: Duration = Duration::from_secs(2);
/// Time between two looks at the stop flag.
const LOOK: Duration = Duration::from_millis(50);

/// Reads the settings again, as at the start.
pub(crate) type ReadAgain<'a> = &'a dyn Fn() -> Result<ServeConfig, Failure>;

/// Serves until a signal comes, or for so many turns. SIGHUP reads the settings again.
pub(crate) fn serve(
    config: &ServeConfig,
    turns_max: Option<u64>,
    read_again: ReadAgain<'_>,
) -> Result<(), Failure> {
    if let Some(contradiction) = config.contradiction() {
        return Err(Failure::Input(contradiction));
    }
    let folder = PathBuf::from(&config.state_dir);
    let tokens = demanded(config, &folder)?;
    let asked = if tokens.is_some() { ", tokens are asked for" } else { "" };
    let listener = TcpListener::bind(config.listen).map_err(|e| {
        Failure::Input(format!("cannot listen on {}: {e}. Maybe `lepton serve` runs already", config.listen))
    })?;
    let address = listener.local_addr().context("the address that was bound")?;
    listener.set_nonblocking(true).context("cannot use the socket")?;
    let stop = stop::flag();
    let mut reloader = Reloader { flag: stop::reload_flag()?, serving: config.clone(), read_again };
    let published = Arc::new(Published::new(config.mode));
    let (asks, mailbox) = sync_channel(ASKS_MAX);
    let door = api::Door::new(tokens);
    let requests = asks.clone();
    let shared = api::Shared::new(Arc::clone(&published), asks, folder, address.port(), door);

    let (started, start) = sync_channel(1);
    let (settings, view) = (config.clone(), Arc::clone(&published));
    let run = move || match Engine::start(&settings, view) {
        Ok(engine) => {
            // The other end waits for it.
            let _ = started.send(Ok(engine.about()));
            engine.run(&mailbox, stop, turns_max.unwrap_or(u64::MAX));
        }
        Err(error) => drop(started.send(Err(error))),
    };
    let engine =
        thread::Builder::new().name("loop".to_owned()).spawn(run).context("cannot start a thread")?;
    let about = start.recv().context("the loop ended at once")?.map_err(|error| match error.downcast() {
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
    let http = runtime.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        axum::serve(listener, router).with_graceful_shutdown(turned(stop)).await
    });
    output::note(&format!(
        "lepton serve: mode {}, {about}, http://{address}/api/v1/status{asked}, store {}",
        mode_name(config.mode),
        config.state_dir
    ));
    while !stop.load(Ordering::Relaxed) && !engine.is_finished() && !http.is_finished() {
        thread::sleep(LOOK);
        reloader.look(&requests);
    }
    drop(requests);
    let asked = stop.swap(true, Ordering::Relaxed);
    let ended = engine.join();
    runtime.shutdown_timeout(PATIENCE);
    let turns = published.view().health.turns;
    match (asked, ended) {
        (true, Ok(())) => {
            Err(Failure::Ended(format!("stopped after {turns} turns; all of them are in the store")))
        }
        (false, Ok(())) if turns_max.is_some_and(|max| turns >= max) => Ok(()),
        (_, Err(_)) => Err(Failure::Other(anyhow::anyhow!("the loop ended by a panic after {turns} turns"))),
        (false, Ok(())) => {
            Err(Failure::Other(anyhow::anyhow!("the HTTP interface ended after {turns} turns")))
        }
    }
}

/// The tokens that are asked for: beyond this machine always, and then there must be one that is good.
fn demanded(config: &ServeConfig, folder: &Path) -> Result<Option<Tokens>, Failure> {
    if config.listen.ip().is_loopback() && !config.require_tokens {
        return Ok(None);
    }
    let tokens = Tokens::new(folder.to_owned());
    if tokens.any()? {
        return Ok(Some(tokens));
    }
    Err(Failure::Input(format!(
        "tokens are asked for on {}, and there is none that is good in {}. Maybe `lepton token create --role admin --state-dir {}` first",
        config.listen,
        folder.display(),
        folder.display()
    )))
}

async fn turned(stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(LOOK).await;
    }
}
