//! The hours with the loop and the same hours without it, side by side on a thread of their own. With the loop they are played as
//! fast as that goes, or they pass in a service and are watched. Whoever looks on may leave at any time, also in the middle of
//! a turn, which takes long on a large cluster.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use lepton_core::cycle::CycleReport;
use lepton_core::decide::placement_policies::UnknownPolicy;
use lepton_sim::experiment::{Keeper, LoopRun};
use lepton_sim::world::{Measures, WorldConfig};

use crate::failure::Failure;
use crate::serve::engine::Watched;

/// Turns that are worked ahead.
pub(super) const AHEAD: usize = 16;
/// Time between two looks at the stop flag while a turn takes long.
const LOOK: Duration = Duration::from_millis(50);

/// Figures of both.
#[derive(Debug, Clone, Default)]
pub(super) struct Pair {
    pub(super) with: Measures,
    pub(super) without: Measures,
}

/// A turn of both.
pub(super) struct Turn {
    /// Simulated seconds when it was over.
    pub(super) now_seconds: u64,
    pub(super) nodes: usize,
    pub(super) devices: usize,
    pub(super) report: CycleReport,
    pub(super) pair: Pair,
}

/// Where the turns with the loop come from.
enum WithLoop {
    Played(Box<LoopRun>),
    Watched(Receiver<Watched>),
}

impl WithLoop {
    fn turn(&mut self) -> Option<Watched> {
        match self {
            Self::Played(run) => {
                let report = run.turn()?;
                let (now_seconds, nodes, devices) = (run.now_seconds(), run.nodes(), run.devices());
                Some(Watched { now_seconds, nodes, devices, report, measures: run.measures() })
            }
            Self::Watched(turns) => turns.recv().ok(),
        }
    }
}

/// The hours as they pass.
pub(super) struct Hours {
    turns: Receiver<Result<Turn, UnknownPolicy>>,
    stop: &'static AtomicBool,
}

impl Hours {
    /// Plays them, with the loop and with another keeper.
    pub(super) fn begin(
        config: &WorldConfig,
        [the_loop, other]: [Keeper; 2],
        stop: &'static AtomicBool,
    ) -> Result<Self, Failure> {
        let played = config.clone();
        let with = move || Ok(WithLoop::Played(Box::new(LoopRun::start(&played, &the_loop)?)));
        Self::beside(with, config, other, stop)
    }

    /// Plays them with another keeper, beside those with the loop as they pass in a service.
    pub(super) fn watch(
        watched: Receiver<Watched>,
        config: &WorldConfig,
        other: Keeper,
        stop: &'static AtomicBool,
    ) -> Result<Self, Failure> {
        Self::beside(|| Ok(WithLoop::Watched(watched)), config, other, stop)
    }

    fn beside(
        with: impl FnOnce() -> Result<WithLoop, UnknownPolicy> + Send + 'static,
        config: &WorldConfig,
        other: Keeper,
        stop: &'static AtomicBool,
    ) -> Result<Self, Failure> {
        let (sender, turns) = sync_channel(AHEAD);
        let config = config.clone();
        let pass = move || {
            let begun = with().and_then(|with| Ok((with, LoopRun::start(&config, &other)?)));
            let (mut with, mut without) = match begun {
                Ok(both) => both,
                // Nobody may be there any more to be told.
                Err(e) => return drop(sender.send(Err(e))),
            };
            while let Some(turn) = with.turn() {
                if sender.send(Ok(beside(turn, &mut without))).is_err() {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("hours".to_owned());
        thread.spawn(pass).context("cannot start a thread")?;
        Ok(Self { turns, stop })
    }

    /// The next turn; `None` at the end, or when the stop flag has turned.
    pub(super) fn next_turn(&self) -> Result<Option<Turn>, Failure> {
        while !self.stop.load(Ordering::Relaxed) {
            match self.turns.recv_timeout(LOOK) {
                Ok(turn) => return Ok(Some(turn.map_err(|e| Failure::Input(e.to_string()))?)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        Ok(None)
    }

    /// The figures at the end; `None` when they were stopped before.
    pub(super) fn whole(
        config: &WorldConfig,
        keepers: [Keeper; 2],
        stop: &'static AtomicBool,
    ) -> Result<Option<Pair>, Failure> {
        let hours = Self::begin(config, keepers, stop)?;
        let mut last = None;
        while let Some(turn) = hours.next_turn()? {
            last = Some(turn.pair);
        }
        Ok(last.filter(|_| !stop.load(Ordering::Relaxed)))
    }
}

/// The same time without the loop.
fn beside(turn: Watched, without: &mut LoopRun) -> Turn {
    let Watched { now_seconds, nodes, devices, report, measures } = turn;
    // A turn of a service that panicked is not told, and its time passes all the same.
    while without.now_seconds() < now_seconds && without.turn().is_some() {}
    Turn { now_seconds, nodes, devices, report, pair: Pair { with: measures, without: without.measures() } }
}
