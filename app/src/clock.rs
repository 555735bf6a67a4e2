//! The machine's clock, handed to the simulator as an argument: the one place for commands and benches.

use std::time::Instant;

use lepton_sim::Clock;

/// Nanoseconds since it was made.
pub(crate) struct WallClock(Instant);

impl WallClock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for WallClock {
    fn now_nanos(&self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }
}
