//! What analyze remembers from turn to turn: how load has moved, which signs were followed by failures. Fed with one snapshot
//! after the other, it adds to each assessment what is expected of the next hour and how likely nodes are to fail.
//!
//! It is a value made of the snapshots that it was shown, and of nothing else: the same snapshots make the same analyst. Failures and
//! signs of nodes can be kept over a restart ([`KeptSigns`]); load is learned anew, and the assessment says since when it looks and how
//! many series are still young ([`ExpectedLoad`]).

mod outlook;
mod series;
mod watch;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::assess_with;
use super::forecast::NetworkModel;
use super::load::TaskUse;
use super::load_history::LoadHistory;
use super::risk::RiskModel;
use crate::model::{Assessment, ExpectedLoad, NodeRisk, Settings, Snapshot};
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

/// What an analyst adds to what a snapshot says by itself: all that its memory amounts to in an assessment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Foresight {
    /// What is expected of the next hour.
    pub expected: Option<ExpectedLoad>,
    /// Per node: how likely it is to fail.
    pub risk: Vec<NodeRisk>,
}

impl Foresight {
    /// What was added to this assessment.
    pub fn of(assessment: &Assessment) -> Self {
        Self { expected: assessment.expected.clone(), risk: assessment.risk.clone() }
    }
}

/// The memory of analyze.
#[derive(Debug)]
pub struct Analyst {
    told: Option<Foresight>,
    /// Working space of a look at the tasks.
    uses: TaskUse,
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
            told: None,
            uses: TaskUse::default(),
            outlook: Outlook::new(config.network),
            watch: Watch::new(config.risk),
            load: LoadHistory::default(),
        }
    }

    /// Takes in the snapshot and assesses it: O(nodes x resources + placed tasks), and for each node once in
    /// [`BIN_SECONDS`] a forecast of each of its resources.
    pub fn assess(&mut self, snapshot: &Snapshot, settings: &Settings) -> Assessment {
        self.uses.look(snapshot);
        if let Some(Foresight { expected, mut risk }) = self.told.take() {
            risk.resize_with(snapshot.cluster.node_count(), NodeRisk::default);
            return Assessment { expected, ..assess_with(snapshot, settings, risk, &self.uses) };
        }
        let risk = self.watch.observe(snapshot);
        self.load.observe(snapshot, settings);
        let mut assessment = assess_with(snapshot, settings, risk, &self.uses);
        assessment.expected = self.outlook.observe(snapshot, &self.uses, &assessment.used);
        assessment
    }

    /// Tells what the next assessment is to add, in the place of what this analyst remembers: so what another one assessed is
    /// assessed again without all that it had seen.
    pub fn tell(&mut self, foresight: Foresight) {
        self.told = Some(foresight);
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
