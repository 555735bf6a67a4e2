//! The demo as a service: the simulated cluster under the engine of `lepton serve`, its store in a temporary folder, on the usual
//! port or the next that is free.

use std::fs;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use lepton_core::model::Mode;
use lepton_sim::experiment::{Keeper, TURN_SECONDS};
use lepton_sim::world::WorldConfig;

use super::hours::AHEAD;
use crate::failure::Failure;
use crate::output;
use crate::serve::config::{ServeConfig, Simulation, SourceKind};
use crate::serve::engine::{Turns, Watched};
use crate::serve::service::Service;
use crate::stop;

/// Ports that are tried from the usual one on; after those any will do.
const PORTS_TRIED: u16 = 20;
/// Simulated seconds per second.
const SPEED_DEFAULT: f64 = 3600.0;
/// Time between two looks at whether it goes on.
const LOOK: Duration = Duration::from_millis(50);

/// The service.
pub(super) struct DemoService {
    service: Service,
    _folder: StateFolder,
}

impl DemoService {
    /// Starts it with this speed and mode, says where it is, and gives its turns.
    pub(super) fn begin(
        config: &WorldConfig,
        the_loop: &Keeper,
        lived: (Option<f64>, Mode),
        stop: &'static AtomicBool,
    ) -> Result<(Self, Receiver<Watched>), Failure> {
        stop::hangup_too()?;
        let folder = StateFolder::make().context("cannot make a temporary folder for the store")?;
        let usual = ServeConfig::default().listen;
        let listener = listener(usual).with_context(|| format!("cannot listen on {}", usual.ip()))?;
        let settings = settings(config, the_loop, lived, &folder.path)?;
        let (sender, watched) = sync_channel(AHEAD);
        // Whoever has left does not want to know.
        let watch = Box::new(move |turn| drop(sender.send(turn)));
        let turns = u64::from(config.hours) * 3600 / TURN_SECONDS;
        let turns = (Turns::Standing(turns), Some(watch as _));
        let service = Service::start(&settings, listener, None, turns, stop)?;
        let address = service.address;
        if address.port() != usual.port() {
            output::note(&format!("port {} is in use, this is {}", usual.port(), address.port()));
        }
        let to = server_option(address);
        output::note(&format!(
            "lepton demo: http://{address} shows the page; ask as `lepton status{to}`, `lepton get decisions{to}`, `lepton explain \
             d1-0{to}`"
        ));
        Ok((Self { service, _folder: folder }, watched))
    }

    /// Where it is.
    pub(super) fn address(&self) -> SocketAddr {
        self.service.address
    }

    /// The hours are over: it answers until a signal comes.
    pub(super) fn stand(&self) {
        output::note(&format!(
            "The hours are over and the cluster stands still; http://{} goes on answering until Ctrl-C.",
            self.address()
        ));
        while self.service.goes_on() {
            thread::sleep(LOOK);
        }
    }

    /// Ends it; false where it had ended by itself.
    pub(super) fn end(self) -> Result<bool, Failure> {
        Ok(self.service.end()?.asked)
    }
}

/// What tells commands where it is, where that is not the usual place.
pub(super) fn server_option(address: SocketAddr) -> String {
    if address == ServeConfig::default().listen { String::new() } else { format!(" --server {address}") }
}

fn settings(
    config: &WorldConfig,
    the_loop: &Keeper,
    (speed, mode): (Option<f64>, Mode),
    folder: &Path,
) -> Result<ServeConfig, Failure> {
    let order = match the_loop {
        Keeper::OrderingBy(model) => Some(Arc::clone(model)),
        _ => None,
    };
    let name = folder.to_str().with_context(|| format!("{} is no name in UTF-8", folder.display()))?;
    Ok(ServeConfig {
        mode,
        source: SourceKind::Simulation,
        state_dir: name.to_owned(),
        speed: speed.unwrap_or(SPEED_DEFAULT),
        order,
        // What a demo keeps goes with it.
        record_hours: 0,
        simulation: Simulation {
            seed: config.seed,
            nodes_count: config.nodes,
            hours: config.hours,
            load: config.load,
            request_factor: Some(config.request_factor_max).filter(|factor| *factor > 0.0),
            services_per_node: config.services_per_node,
            owners: config.owners,
            between_turns: false,
        },
        ..ServeConfig::default()
    })
}

/// The usual port, or the next that is free.
fn listener(usual: SocketAddr) -> io::Result<TcpListener> {
    let ports = (0..PORTS_TRIED).map(|more| usual.port() + more).chain([0]);
    let mut tried = Err(ErrorKind::AddrInUse.into());
    for port in ports {
        tried = TcpListener::bind((usual.ip(), port));
        if !matches!(&tried, Err(error) if error.kind() == ErrorKind::AddrInUse) {
            break;
        }
    }
    tried
}

/// A folder that goes with the demo, also when a signal ends it at once.
struct StateFolder {
    path: PathBuf,
    _leftover: stop::Leftover,
}

impl StateFolder {
    fn make() -> io::Result<Self> {
        let mut number = 0_u32;
        loop {
            let name = format!("lepton-demo-{}-{number}", std::process::id());
            let path = std::env::temp_dir().join(name);
            match fs::create_dir(&path) {
                Ok(()) => {
                    let left = path.clone();
                    let leftover = stop::leftover(move || drop(fs::remove_dir_all(left)));
                    return Ok(Self { path, _leftover: leftover });
                }
                // Another one of this number was killed.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for StateFolder {
    fn drop(&mut self) {
        // What cannot be removed is left to whoever empties the temporary folder.
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_leads_to_the_next() {
        let usual = SocketAddr::from(([127, 0, 0, 1], 0));
        let first = listener(usual).expect("any port");
        let taken = first.local_addr().expect("an address");
        let next = listener(taken).expect("another one").local_addr().expect("an address");
        assert!(next.port() != taken.port() && next.ip() == taken.ip(), "{next}");
    }
}
