//! One look: every measure of every exporter that is there, how old it is, and what is missing.

use std::collections::BTreeMap;

use super::client::{AskError, Client};
use super::preset::Preset;
use super::vector::{Element, vector};

/// Targets that are named of those that do not answer.
const TARGETS_MAX: usize = 5;

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// Series by measure.
    measures: BTreeMap<String, Vec<Element>>,
    /// Of each exporter that is there: its targets with the age of what they told, seconds.
    pub(super) ages: BTreeMap<String, Vec<Element>>,
    /// Every target and whether it answers.
    pub(super) targets: Vec<Element>,
    pub(super) notes: Vec<String>,
}

impl Gathered {
    /// The series of a measure; none where it is missing.
    pub(super) fn of(&self, measure: &str) -> &[Element] {
        self.measures.get(measure).map_or(&[], Vec::as_slice)
    }

    /// The age of the youngest that an exporter told, seconds.
    pub(super) fn age_seconds(&self, exporter: &str) -> Option<f64> {
        let ages = self.ages.get(exporter)?.iter().map(|target| target.value.max(0.0));
        ages.min_by(f64::total_cmp)
    }
}

/// Looks.
///
/// # Errors
/// When Prometheus does not answer; a query that it refuses is a note.
pub(super) fn gather(client: &Client, presets: &[Preset]) -> Result<Gathered, AskError> {
    let mut gathered = Gathered::default();
    let ask = |query: &str| client.ask("query", &[("query", query)]);
    gathered.targets = vector(&ask("up")?.0);
    gathered.targets_that_are_silent();
    for preset in presets {
        // An instant query gives the last value of five minutes under the time of the question: only this tells its age.
        let ages = vector(&ask(&format!("time() - timestamp({})", preset.plain))?.0);
        if ages.is_empty() {
            let scrape = preset.measures.values().map(|measure| measure.add.as_str());
            let scrape = scrape.filter(|add| add.starts_with("scrape ")).max().unwrap_or_default();
            gathered.notes.push(format!("{}: no series. Maybe {scrape}", preset.exporter));
            continue;
        }
        gathered.ages.insert(preset.exporter.clone(), ages);
        for (name, measure) in &preset.measures {
            let (data, warnings) = match ask(&measure.query) {
                Ok(answer) => answer,
                Err(error @ AskError::Query { .. }) => {
                    gathered.notes.push(format!("{}: `{name}` is {error}", preset.exporter));
                    continue;
                }
                Err(error) => return Err(error),
            };
            gathered.notes.extend(warnings.iter().map(|said| format!("`{name}`: Prometheus warns: {said}")));
            let elements = vector(&data);
            if elements.is_empty() && !measure.quiet {
                gathered.notes.push(format!("{}: no `{name}`. Maybe add: {}", preset.exporter, measure.add));
            }
            gathered.measures.insert(name.clone(), elements);
        }
    }
    Ok(gathered)
}

impl Gathered {
    /// Names targets that do not answer Prometheus.
    fn targets_that_are_silent(&mut self) {
        let silent: Vec<&Element> = self.targets.iter().filter(|target| target.value == 0.0).collect();
        if silent.is_empty() {
            return;
        }
        let name = |target: &&Element| {
            let of = |label| target.label(label).unwrap_or("?");
            format!("{} of job `{}`", of("instance"), of("job"))
        };
        let named: Vec<String> = silent.iter().take(TARGETS_MAX).map(name).collect();
        let note =
            format!("{} of {} targets do not answer: {}", silent.len(), self.targets.len(), named.join(", "));
        self.notes.push(note);
    }
}
