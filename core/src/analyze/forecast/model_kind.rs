//! The names of the models.

use std::fmt;
use std::str::FromStr;

/// A model, or the choice among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelKind {
    /// What has earned it on each series, mixed and corrected.
    Auto,
    /// The global network alone.
    Network,
    /// The source's network, 64 - 32 - 1.
    Source,
    /// The last value.
    Naive,
    /// The value of the day before.
    SeasonalNaive,
    /// Quantiles of the last day.
    WindowQuantiles,
    /// A histogram that forgets, with a margin.
    DecayedHistogram,
    /// Simple exponential smoothing.
    Smoothing,
}

/// All of them with their names.
pub const MODEL_KINDS: [(ModelKind, &str); 8] = [
    (ModelKind::Auto, "auto"),
    (ModelKind::Network, "network"),
    (ModelKind::Source, "source-64-32-1"),
    (ModelKind::Naive, "naive"),
    (ModelKind::SeasonalNaive, "seasonal-naive"),
    (ModelKind::WindowQuantiles, "window-quantiles"),
    (ModelKind::DecayedHistogram, "decayed-histogram"),
    (ModelKind::Smoothing, "smoothing"),
];

impl fmt::Display for ModelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = MODEL_KINDS.iter().find(|(kind, _)| kind == self).map_or("", |(_, name)| name);
        f.write_str(name)
    }
}

impl FromStr for ModelKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = MODEL_KINDS.iter().find(|(_, name)| *name == text);
        found.map(|(kind, _)| *kind).ok_or_else(|| {
            let names: Vec<&str> = MODEL_KINDS.iter().map(|(_, name)| *name).collect();
            format!("`{text}` is no model; there are {}", names.join(", "))
        })
    }
}
