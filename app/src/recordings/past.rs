//! What the loop believed at a moment of the past: its recording is played up to there.

use std::path::Path;

use lepton_core::model::Snapshot;
use lepton_sim::readers::InputError;
use thiserror::Error;

use super::play::Player;
use super::read::{FOLDER, Lines, Stretch, stretches};

/// Why there is no such moment.
#[derive(Debug, Error)]
pub(crate) enum PastError {
    /// It is not in the recording.
    #[error("nothing is recorded of {at_seconds} s of the cluster's time{}", recorded(*.from_seconds, *.to_seconds))]
    NotRecorded {
        /// What was asked for.
        at_seconds: u64,
        /// When the recording begins, if there is any.
        from_seconds: Option<u64>,
        /// Its last turn, if there is any.
        to_seconds: Option<u64>,
    },
    /// The recording cannot be read.
    #[error(transparent)]
    Unreadable(#[from] InputError),
    /// This version of Lepton does not come to what was recorded.
    #[error("what is recorded does not come out again as it was: {0}")]
    Differs(String),
}

fn recorded(from: Option<u64>, to: Option<u64>) -> String {
    match (from, to) {
        (Some(from), Some(to)) => format!(", only from {from} s to {to} s"),
        (Some(from), None) => format!(", only from {from} s on"),
        _ => String::new(),
    }
}

/// What the loop believed after its last turn that was not later than this. The recording is a bundle, or the folder of a service's
/// store; of several stretches that begin before, the last counts.
///
/// # Errors
/// When the recording does not reach there or cannot be read, and when it does not come out again as it was.
pub(crate) fn snapshot_at(recording: &Path, at_seconds: u64) -> Result<Snapshot, PastError> {
    let not_recorded =
        |from_seconds, to_seconds| PastError::NotRecorded { at_seconds, from_seconds, to_seconds };
    let mut player = Player::default();
    if recording.is_dir() {
        let folder = recording.join(FOLDER);
        let all = stretches(&folder).map_err(|error| {
            InputError::new(&folder, format!("cannot be read: {error}"))
                .maybe("it is no folder of a store, or `record_hours` is 0")
        })?;
        let begun = |stretch: &&Stretch| stretch.from_seconds <= at_seconds;
        let first = all.first().map(|stretch| stretch.from_seconds);
        let stretch = all.iter().rev().find(begun).ok_or_else(|| not_recorded(first, None))?;
        player.play_until(&mut Lines::open(&stretch.path, true)?, at_seconds)?;
    } else {
        player.play_until(&mut Lines::open(recording, false)?, at_seconds)?;
    }
    let played = player.played();
    if let Some(difference) = &played.difference {
        return Err(PastError::Differs(difference.clone()));
    }
    let (from, to) = (played.from_seconds, played.to_seconds);
    let between = to.zip(from).map_or(0, |(to, from)| (to - from) / played.turns.max(1));
    let lasts = END_SECONDS.max(2 * between);
    let is_past_end = played.reached_end && to.is_some_and(|to| to.saturating_add(lasts) < at_seconds);
    match player.into_snapshot() {
        Some(snapshot) if to.is_some() && !is_past_end => Ok(snapshot),
        _ => Err(not_recorded(from, to)),
    }
}

/// How long after the last turn of a recording its belief is still that of the moment at least, seconds.
const END_SECONDS: u64 = 300;
