//! Whether what a seed shows is typical: a few other seeds of the same hours, run beside them where they are small.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use lepton_sim::experiment::Keeper;
use lepton_sim::world::WorldConfig;

use super::hours::{Hours, Pair};
use crate::failure::Failure;

/// Most other seeds.
const SEEDS_MAX: u64 = 9;
/// Node-hours of all other seeds together: a second or two.
const NODE_HOURS_MAX: u64 = 15_000;
/// Fewer others say nothing.
const SEEDS_MIN: u64 = 4;
/// Time between two looks at the stop flag.
const LOOK: Duration = Duration::from_millis(50);

/// Other seeds in the background.
pub(super) struct Others {
    pairs: Receiver<Pair>,
}

impl Others {
    /// Begins them; there are none where the hours are too many or the cluster is too large.
    pub(super) fn begin(config: &WorldConfig, keepers: [Keeper; 2]) -> Result<Self, Failure> {
        /// They run to their end, or to that of the program.
        static GO_ON: AtomicBool = AtomicBool::new(false);
        let (sender, pairs) = channel();
        let node_hours = (config.nodes as u64 * u64::from(config.hours)).max(1);
        let count = (NODE_HOURS_MAX / node_hours).min(SEEDS_MAX);
        let config = config.clone();
        let run = move || {
            // The same others for the same seed.
            for seed in (1..=count).map(|i| config.seed.wrapping_add(i)) {
                let Ok(Some(pair)) =
                    Hours::whole(&WorldConfig { seed, ..config.clone() }, keepers.clone(), &GO_ON)
                else {
                    return;
                };
                if sender.send(pair).is_err() {
                    return;
                }
            }
        };
        if count >= SEEDS_MIN {
            thread::Builder::new().name("others".to_owned()).spawn(run).context("cannot start a thread")?;
        }
        Ok(Self { pairs })
    }

    /// By how many node-minutes above the safety level the loop does better with each; waits for them.
    pub(super) fn gains(&self, stop: &AtomicBool) -> Vec<f64> {
        let mut gains = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            match self.pairs.recv_timeout(LOOK) {
                Ok(pair) => gains.push(gain(&pair)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return gains,
            }
        }
        Vec::new()
    }
}

/// Node-minutes above the safety level that the loop takes off.
pub(super) fn gain(pair: &Pair) -> f64 {
    pair.without.hot_node_minutes - pair.with.hot_node_minutes
}

/// What is said of the seed beside the others.
pub(super) fn said(seed: u64, own: f64, others: &[f64]) -> String {
    let mut sorted = others.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (Some(least), Some(most)) = (sorted.first(), sorted.last()) else {
        return format!(
            "Whether seed {seed} is typical was not looked at; `--seed 1..=10` compares ten of them."
        );
    };
    let (median, count) = (sorted[sorted.len() / 2], sorted.len());
    let word = if (*least..=*most).contains(&own) { "typical" } else { "unusual" };
    format!(
        "Seed {seed} is {word}: node-minutes above the safety level that the loop takes off: {own:.0}; with the next \
         {count} seeds from {least:.0} to {most:.0}, median {median:.0}."
    )
}

#[cfg(test)]
mod tests {
    use super::said;

    #[test]
    fn a_seed_within_the_others_is_typical_and_one_beyond_them_is_not() {
        assert!(said(3, 5.0, &[9.0, 1.0, 4.0]).starts_with("Seed 3 is typical"));
        let unusual = said(3, 0.5, &[9.0, 1.0, 4.0]);
        assert!(unusual.starts_with("Seed 3 is unusual") && unusual.contains("from 1 to 9, median 4"));
        assert!(said(3, 5.0, &[]).contains("was not looked at"));
    }
}
