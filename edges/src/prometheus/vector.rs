//! Answers of instant queries.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// Letters of a series that are shown.
const SHOWN_MAX: usize = 160;

/// A series with its value now.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Element {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) value: f64,
}

impl Element {
    /// The value of a label; none where it is empty, which means the same as absent.
    pub(super) fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The first of these labels that is there.
    pub(super) fn first<'a>(&'a self, names: &[&str]) -> Option<&'a str> {
        names.iter().find_map(|name| self.label(name))
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.label("__name__").unwrap_or_default();
        let labels = self.labels.iter().filter(|(label, _)| *label != "__name__");
        let labels: Vec<String> = labels.map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        let whole = format!("{name}{{{}}}", labels.join(","));
        let shown: String = whole.chars().take(SHOWN_MAX).collect();
        f.write_str(&shown)?;
        if shown.len() < whole.len() { f.write_str("...") } else { Ok(()) }
    }
}

/// The elements of the `data` of an answer; those whose value is no number are left out.
pub(super) fn vector(data: &Value) -> Vec<Element> {
    let element = |row: &Value| {
        let labels = row["metric"].as_object()?.iter();
        let labels = labels.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        let value: f64 = row["value"][1].as_str()?.parse().ok()?;
        value.is_finite().then(|| Element { labels: labels.collect(), value })
    };
    data["result"].as_array().into_iter().flatten().filter_map(element).collect()
}
