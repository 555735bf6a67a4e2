//! When what waits is expected to start, told of each waiting task, and kept until it is known what became of it.

use std::collections::BTreeMap;

use lepton_core::analyze::{StartBand, StartCalibration, StartsJudged};
use lepton_core::model::{Name, Snapshot, counted};
use lepton_edges::store::Store;
use serde::Serialize;
use utoipa::ToSchema;

use crate::numbers::duration;

/// Name of the fact in the store that tells how far earlier bands held.
pub(super) const STARTS: &str = "starts";

/// When a waiting task is expected to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct StartRow {
    /// The cluster's time before which it starts as likely as after it, seconds.
    pub(crate) expected_seconds: u64,
    /// The cluster's time before which it starts with nine chances in ten, seconds; none where that is further away than can be seen.
    pub(crate) within_seconds: Option<u64>,
}

/// How starts came that were told before, each task once, by the first that was told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub(crate) struct StartsJudgedRow {
    /// Tasks that started, or are later than was told.
    pub(crate) judged: u64,
    /// Of them those that started before the time expected; half of them should have.
    pub(crate) within_expected: u64,
    /// Those that started within the band; nine of ten should have.
    pub(crate) within: u64,
}

impl From<StartsJudged> for StartsJudgedRow {
    fn from(of: StartsJudged) -> Self {
        Self { judged: of.judged, within_expected: of.within_expected, within: of.within }
    }
}

/// When a waiting task is expected to start, seen from now.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ExpectedStart {
    /// The answer in one sentence.
    pub(crate) sentence: String,
    /// In so many seconds as likely before as after; 0 where it could start now.
    pub(crate) expected_in_seconds: u64,
    /// Within so many seconds with nine chances in ten; none where that is further away than can be seen.
    pub(crate) within_in_seconds: Option<u64>,
    /// How starts came that were told before.
    pub(crate) judged: StartsJudgedRow,
}

impl ExpectedStart {
    /// Of what is told of a task, seen from this moment.
    pub(crate) fn of(row: StartRow, now_seconds: u64, judged: StartsJudgedRow) -> Self {
        let from_now = |at: u64| at.saturating_sub(now_seconds);
        let (expected, within) = (from_now(row.expected_seconds), row.within_seconds.map(from_now));
        let band = within.map_or_else(String::new, |seconds| {
            format!(", and within {} with nine chances in ten", duration(Some(seconds as f64)))
        });
        let past = match judged.judged {
            0 => "no start told before could be judged yet".to_owned(),
            all => format!(
                "of {} told before {:.0}% came within their time",
                counted(all, "start", "starts"),
                100.0 * judged.within as f64 / all as f64
            ),
        };
        let sentence =
            format!("It is expected to start in about {}{band}; {past}", duration(Some(expected as f64)));
        Self { sentence, expected_in_seconds: expected, within_in_seconds: within, judged }
    }
}

/// What is told of starts.
#[derive(Debug, Default)]
pub(super) struct Starts {
    bands: BTreeMap<Name, StartBand>,
    calibration: StartCalibration,
}

impl Starts {
    /// Goes on with what is known of earlier bands.
    pub(super) fn open(store: &Store) -> anyhow::Result<Self> {
        // What another version kept in another form is learned anew.
        let kept = store.fact(STARTS)?.and_then(|kept| serde_json::from_str(&kept).ok());
        Ok(Self { bands: BTreeMap::new(), calibration: kept.unwrap_or_default() })
    }

    /// How far bands held, as it is kept.
    pub(super) fn written(&self) -> serde_json::Result<String> {
        serde_json::to_string(&self.calibration)
    }

    /// Bands that were found on a snapshot of this moment: they are told from now on, corrected.
    pub(super) fn tell(&mut self, bands: BTreeMap<Name, StartBand>, found_seconds: u64) {
        let correct = |(task, band)| (task, self.calibration.correct(band, found_seconds));
        self.bands = bands.into_iter().map(correct).collect();
        self.calibration.told(&self.bands);
    }

    /// Sees what became of those that were told.
    pub(super) fn look(&mut self, snapshot: &Snapshot) {
        self.calibration.look(snapshot);
        let waits =
            |task: &Name| snapshot.task_by_name.get(task).is_some_and(|task| snapshot.pending.contains(task));
        self.bands.retain(|task, _| waits(task));
    }

    /// What is told of a task.
    pub(super) fn of(&self, task: &str) -> Option<StartRow> {
        let band = self.bands.get(task)?;
        Some(StartRow { expected_seconds: band.expected_seconds, within_seconds: band.within_seconds })
    }

    /// How far bands held.
    pub(super) fn judged(&self) -> StartsJudgedRow {
        self.calibration.judged().into()
    }
}
