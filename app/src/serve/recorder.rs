//! What the service has recorded of itself: where, how much of it is kept, and what may be told of its settings.

use std::path::Path;

use anyhow::Context;
use lepton_core::decide::policy::{JobsModel, PlacementModel};
use lepton_core::model::digest::Digest;
use serde_json::{Map, Value};

use super::config::{KEYS, ServeConfig};
use crate::recordings::{DeciderSettings, FOLDER, Head, Recorder, RecorderOptions};

/// Settings that are told; all others may be secrets or lead to one: addresses, files, queries.
const TOLD: [&str; 23] = [
    "mode",
    "owner_modes",
    "require_tokens",
    "source",
    "turn_seconds",
    "fresh_seconds",
    "network_mbit_s",
    "speed",
    "rearrange",
    "learned_placement",
    "adapt",
    "adapt_cpu_percent",
    "log_format",
    "log_level",
    "requests_per_second",
    "record_hours",
    "record_mib",
    "journal_days",
    "history_raw_hours",
    "history_five_minutes_days",
    "history_hours_days",
    "prometheus.rate_seconds",
    "prometheus.back_fill_hours",
];
/// And all of these.
const TOLD_SECTION: &str = "simulation.";

/// How the loop decides by these settings.
pub(super) fn decider_settings(config: &ServeConfig) -> DeciderSettings {
    DeciderSettings {
        seed: config.simulation.seed,
        rearrange: config.rearrange,
        learned_placement: config.learned_placement,
        placement: None,
    }
}

/// Starts recording, if the settings say so.
pub(super) fn start(
    config: &ServeConfig,
    instance: &str,
    placement: Option<&PlacementModel>,
) -> anyhow::Result<Option<Recorder>> {
    // An order of one's own is in no recording.
    if config.record_hours == 0 || config.order.is_some() {
        return Ok(None);
    }
    let options = RecorderOptions {
        folder: Path::new(&config.state_dir).join(FOLDER),
        hours: config.record_hours,
        mib_max: config.record_mib,
        head: Head::new(instance, decider_settings(config).with(placement), models(placement), told(config)),
    };
    let recorder = Recorder::start(options).context("the recording (`record_hours`)")?;
    Ok(Some(recorder))
}

/// The settings that are told.
fn told(config: &ServeConfig) -> Map<String, Value> {
    let is_told = |name: &str| TOLD.contains(&name) || name.starts_with(TOLD_SECTION);
    let value = |value: toml::Value| value.try_into().unwrap_or(Value::Null);
    (KEYS.iter().filter(|key| is_told(key.name)))
        .map(|key| (key.name.to_owned(), (key.get)(config).map_or(Value::Null, value)))
        .collect()
}

/// Digests of the models that decide.
fn models(placement: Option<&PlacementModel>) -> Map<String, Value> {
    let placement = placement.map_or_else(|| PlacementModel::shipped().weights(), PlacementModel::weights);
    Map::from_iter([
        ("placement".to_owned(), digest_of(&placement).into()),
        ("order".to_owned(), digest_of(JobsModel::shipped().weights()).into()),
    ])
}

/// Digest of weights: 16 hexadecimal digits.
pub(super) fn digest_of(weights: &[f32]) -> String {
    let mut digest = Digest::default();
    weights.iter().for_each(|&weight| digest.real(f64::from(weight)));
    format!("{:016x}", digest.value())
}
