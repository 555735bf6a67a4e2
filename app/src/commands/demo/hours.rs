//! The hours with the loop and the same hours without it, side by side on a thread of their own. Whoever looks on may
//! leave at any time, also in the middle of a turn, which takes long on a large cluster.

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

/// Turns that are worked ahead.
const AHEAD: usize = 16;
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

/// The hours as they pass.
pub(super) struct Hours {
    turns: Receiver<Result<Turn, UnknownPolicy>>,
    stop: &'static AtomicBool,
}

impl Hours {
    /// Begins them, with the loop and with another keeper.
    pub(super) fn begin(
        config: &WorldConfig,
        keepers: [Keeper; 2],
        stop: &'static AtomicBool,
    ) -> Result<Self, Failure> {
        let (sender, turns) = sync_channel(AHEAD);
        let config = config.clone();
        let pass = move || {
            let mut both = match both(&config, &keepers) {
                Ok(both) => both,
                // Nobody may be there any more to be told.
                Err(e) => return drop(sender.send(Err(e))),
            };
            while let Some(turn) = turn(&mut both) {
                if sender.send(Ok(turn)).is_err() {
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

fn both(config: &WorldConfig, [the_loop, other]: &[Keeper; 2]) -> Result<[LoopRun; 2], UnknownPolicy> {
    Ok([LoopRun::start(config, the_loop)?, LoopRun::start(config, other)?])
}

fn turn([with, without]: &mut [LoopRun; 2]) -> Option<Turn> {
    let report = with.turn()?;
    without.turn()?;
    Some(Turn {
        now_seconds: with.now_seconds(),
        nodes: with.nodes(),
        devices: with.devices(),
        report,
        pair: Pair { with: with.measures(), without: without.measures() },
    })
}
