//! What analyze remembers from turn to turn: how load has moved, which signs were followed by failures. Fed with one snapshot
//! after the other, it adds to each assessment what is expected of the next hour and how likely nodes are to fail.
//!
//! It is a value made of the snapshots that it was shown, and of nothing else: the same snapshots make the same analyst. Failures and
//! signs of nodes can be kept over a restart ([`KeptSigns`]); load is learned anew, and the assessment says since when it looks and how
//! many series are still young ([`ExpectedLoad`](crate::model::ExpectedLoad)).

mod outlook;
mod series;
mod watch;

use std::sync::Arc;

use super::assess_with;
use super::forecast::NetworkModel;
use super::load::TaskUse;
use super::load_history::LoadHistory;
use super::risk::RiskModel;
use crate::model::{Assessment, Settings, Snapshot};
use outlook::Outlook;
use watch::Watch;

pub use outlook::{BIN_SECONDS, forecast_steps};
pub use series::{HORIZON_BINS, LEVELS};
pub use watch::KeptSigns;

/// What an analyst knows before it has seen anything.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AnalystConfig {
    /// What signs and past failures are worth.
    pub risk: RiskModel,
    /// A network for the steps of [`forecast_steps`], which serves a series from its first hour.
    pub network: Option<Arc<NetworkModel>>,
}

/// The memory of analyze.
#[derive(Debug)]
pub struct Analyst {
    outlook: Outlook,
    watch: Watch,
    load: LoadHistory,
}

impl Default for Analyst {
    fn default() -> Self {
        Self::new(AnalystConfig::default())
    }
}

impl Analyst {
    /// An analyst that has seen nothing.
    pub fn new(config: AnalystConfig) -> Self {
        Self {
            outlook: Outlook::new(config.network),
            watch: Watch::new(config.risk),
            load: LoadHistory::default(),
        }
    }

    /// Takes in the snapshot and assesses it: O(nodes x resources + placed tasks), and for each node once in
    /// [`BIN_SECONDS`] a forecast of each of its resources.
    pub fn assess(&mut self, snapshot: &Snapshot, settings: &Settings) -> Assessment {
        let risk = self.watch.observe(snapshot);
        self.load.observe(snapshot, settings);
        let uses = TaskUse::of(snapshot);
        let mut assessment = assess_with(snapshot, settings, risk, &uses);
        assessment.expected = self.outlook.observe(snapshot, &uses, &assessment.used);
        assessment
    }

    /// What is remembered of the nodes' failures and signs, to be kept over a restart.
    pub fn signs(&self) -> KeptSigns {
        self.watch.keep()
    }

    /// Goes on with what another analyst had remembered of failures and signs.
    pub fn recall_signs(&mut self, kept: KeptSigns) {
        self.watch.recall(kept);
    }

    /// The load of the last week.
    pub fn load_history(&self) -> &LoadHistory {
        &self.load
    }
}

#[cfg(test)]
mod tests;
