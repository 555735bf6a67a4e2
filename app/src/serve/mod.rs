//! `lepton serve`: the loop on a thread of its own, its store, and the HTTP interface beside it.

mod adapting;
#[cfg(test)]
mod adapting_tests;
mod api;
mod asking;
mod auditing;
mod beside;
mod books;
mod chronicle;
pub(crate) mod config;
mod connection;
pub(crate) mod engine;
mod figures;
mod load;
mod logged;
#[cfg(test)]
mod modes_tests;
mod node_view;
mod nodes;
mod people;
mod policies;
mod promoting;
pub(crate) mod recorder;
mod recording;
mod reload;
mod sampling;
pub(crate) mod service;
#[cfg(test)]
mod snooze_tests;
mod snoozes;
mod starts;
mod stream;
mod task_rows;
#[cfg(test)]
mod tests;
mod tls;
pub(crate) mod tokens;
#[cfg(test)]
mod trial_tests;
pub(crate) mod trials;
mod trying;
mod turn_traces;
mod upkeep;
mod verdicts;
mod view;
mod waiting;
pub(crate) mod whatif;

use std::net::TcpListener;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::failure::Failure;
use crate::log;
use crate::output;
use crate::stop;
use config::{ServeConfig, mode_name};
use engine::Turns;
use reload::Reloader;
use service::{Service, ServiceEnd};
use tokens::Tokens;

pub(crate) use api::openapi;

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
    log::start(config.log_format, config.log_level);
    let tokens = demanded(config, Path::new(&config.state_dir))?;
    let asked = if tokens.is_some() { ", tokens are asked for" } else { "" };
    let listener = TcpListener::bind(config.listen).map_err(|e| {
        Failure::Input(format!("cannot listen on {}: {e}. Maybe `lepton serve` runs already", config.listen))
    })?;
    let stop = stop::flag();
    let reload_flag = stop::reload_flag()?;
    let turns = turns_max.map_or(Turns::Endless, Turns::Ending);
    let service = Service::start(config, listener, tokens, (turns, None), stop)?;
    let identity = service.identity.clone();
    let scheme = if identity.is_some() { "https" } else { "http" };
    let mut reloader = Reloader { flag: reload_flag, serving: config.clone(), identity, read_again };
    output::note(&format!(
        "lepton serve: mode {}, {}, {scheme}://{}/api/v1/status{asked}, store {}",
        mode_name(config.mode),
        service.about,
        service.address,
        config.state_dir
    ));
    if !config.listen.ip().is_loopback() && service.identity.is_none() {
        output::note("tokens and all else can be read on the way: there is no TLS (`tls_cert`, `tls_key`)");
    }
    while service.goes_on() {
        thread::sleep(LOOK);
        reloader.look(&service.requests);
    }
    let ServiceEnd { asked, turns } = service.end()?;
    if asked {
        return Err(Failure::Ended(format!("stopped after {turns} turns; all of them are in the store")));
    }
    if turns_max.is_some_and(|max| turns >= max) {
        return Ok(());
    }
    Err(Failure::Other(anyhow::anyhow!("the HTTP interface ended after {turns} turns")))
}

/// The tokens that are asked for: beyond this machine always, and then there must be one that is good.
fn demanded(config: &ServeConfig, folder: &Path) -> Result<Option<Tokens>, Failure> {
    if config.listen.ip().is_loopback() && !config.require_tokens && !config.kubernetes.review_tokens {
        return Ok(None);
    }
    let tokens = Tokens::new(folder.to_owned());
    // Where the cluster says who may come in, nobody needs one of ours.
    if tokens.any()? || config.kubernetes.review_tokens {
        return Ok(Some(tokens));
    }
    Err(Failure::Input(format!(
        "tokens are asked for on {}, and there is none that is good in {}. Maybe `lepton token create --role admin --state-dir {}` first",
        config.listen,
        folder.display(),
        folder.display()
    )))
}
