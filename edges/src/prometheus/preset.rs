//! Presets: for each exporter the queries of its measures, one file an exporter. Every query may be replaced by one of a person's own.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The files.
const FILES: [&str; 4] = [
    include_str!("presets/node-exporter.toml"),
    include_str!("presets/kube-state-metrics.toml"),
    include_str!("presets/cadvisor.toml"),
    include_str!("presets/dcgm.toml"),
];

/// What is asked for a measure.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Measure {
    /// The query.
    pub(super) query: String,
    /// What brings the measure where it is missing.
    pub(super) add: String,
    /// Whether an empty answer means that all is well.
    #[serde(default)]
    pub(super) quiet: bool,
}

/// An exporter and its measures.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Preset {
    /// The exporter's name.
    pub(super) exporter: String,
    /// A plain series of every target: when it was last scraped.
    pub(super) plain: String,
    /// The measures by name.
    pub(super) measures: BTreeMap<String, Measure>,
}

/// A query for a measure that there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no measure `{name}`; there are: {known}")]
pub struct UnknownMeasure {
    name: String,
    known: String,
}

/// The time over which the files take rates.
const RATES: &str = "[2m]";

/// All presets, with rates over this time, and a person's own queries by measure in the place of theirs.
pub(super) fn presets(
    own: &BTreeMap<String, String>,
    rate_seconds: u64,
) -> Result<Vec<Preset>, UnknownMeasure> {
    // The files are a part of the program; a test reads them.
    let mut presets: Vec<Preset> = FILES.iter().filter_map(|text| toml::from_str(text).ok()).collect();
    let rates = format!("[{rate_seconds}s]");
    for measure in presets.iter_mut().flat_map(|preset| preset.measures.values_mut()) {
        measure.query = measure.query.replace(RATES, &rates);
    }
    for (name, query) in own {
        let mut places = presets.iter_mut().filter_map(|preset| preset.measures.get_mut(name));
        let Some(measure) = places.next() else {
            let known = presets.iter().flat_map(|preset| preset.measures.keys().cloned());
            return Err(UnknownMeasure { name: name.clone(), known: known.collect::<Vec<_>>().join(", ") });
        };
        measure.query.clone_from(query);
    }
    Ok(presets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_preset_and_no_measure_is_in_two() {
        for text in FILES {
            toml::from_str::<Preset>(text).map_err(|error| error.to_string()).expect("a preset");
        }
        let presets = presets(&BTreeMap::new(), 120).expect("nothing is replaced");
        let mut names: Vec<_> = presets.iter().flat_map(|preset| preset.measures.keys()).collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!((presets.len(), names.len()), (FILES.len(), all));
    }

    #[test]
    fn a_query_of_ones_own_takes_the_place_of_the_presets() {
        let own = |name: &str| presets(&BTreeMap::from([(name.to_owned(), "mine".to_owned())]), 60);
        let with = own("cores").expect("there is such a measure");
        assert_eq!(with[0].measures["cores"].query, "mine");
        assert!(with[0].measures["cores_used"].query.contains("[60s]"), "{with:?}");
        let unknown = own("kores").expect_err("there is none");
        let said = unknown.to_string();
        assert!(said.contains("no measure `kores`") && said.contains("cores_used"), "{said}");
    }
}
