//! Topics that are told of decisions and of what came of them, from the outbox of the store. An event's id is the instance and the number
//! of its row: what a kill left in doubt is sent again under the same id, and whoever reads leaves out what he has had. Nothing is marked as told before the
//! brokers have it.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::client::{KafkaAccess, Letter, Producer};
use crate::store::{Cell, Elsewhere, Relay, Row, Store, StoreError};

/// Decisions without a result that are remembered as told.
const TOLD_MAX: usize = 1_000_000;
/// The kind of row.
const DECISION: &str = "decision";
const CONTENT: (&str, &str) = ("content-type", "application/cloudevents+json; charset=utf-8");

/// The topics; what has none is not told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KafkaTopics {
    /// Of decisions.
    pub decisions: Option<String>,
    /// Of what came of them.
    pub outcomes: Option<String>,
}

/// Tells topics of decisions.
pub struct KafkaSink {
    access: KafkaAccess,
    topics: KafkaTopics,
    /// None before the first attempt, and after a failure.
    producer: Option<Producer>,
    /// Decisions that were told and have no result yet.
    told: BTreeSet<i64>,
}

impl KafkaSink {
    /// One that has told nothing yet.
    pub fn new(access: KafkaAccess, topics: KafkaTopics) -> Self {
        Self { access, topics, producer: None, told: BTreeSet::new() }
    }

    /// What is told, and where.
    pub fn name(&self) -> String {
        let topics = [&self.topics.decisions, &self.topics.outcomes];
        let topics: Vec<&str> = topics.into_iter().flatten().map(String::as_str).collect();
        format!("kafka://{}/{}", self.access.brokers, topics.join(","))
    }

    /// Begins to tell what the store in this folder has. The store must [feed](Store::feed) it.
    ///
    /// # Errors
    /// When the store cannot be read, or no thread be started.
    pub fn start(self, folder: &Path, store: &Store) -> Result<Relay, StoreError> {
        Relay::to(folder, store, self.name(), Box::new(self))
    }
}

impl Elsewhere for KafkaSink {
    fn tell(&mut self, instance: &str, rows: &[Row]) -> Result<(), String> {
        let decisions: Vec<Decision> = rows.iter().filter_map(Decision::of).collect();
        let mut letters = Vec::new();
        for decision in &decisions {
            if let Some(topic) = &self.topics.decisions
                && !self.told.contains(&decision.sequence)
            {
                letters.push(decision.letter(topic, instance));
            }
            if let Some(topic) = &self.topics.outcomes {
                letters.extend(decision.outcome_letter(topic, instance));
            }
        }
        if !letters.is_empty() {
            let producer = match &mut self.producer {
                Some(producer) => producer,
                none => none.insert(Producer::new(&self.access)?),
            };
            if let Err(problem) = producer.deliver(&letters) {
                self.producer = None;
                return Err(problem);
            }
        }
        for decision in &decisions {
            if decision.result().is_some() {
                self.told.remove(&decision.sequence);
            } else {
                self.told.insert(decision.sequence);
            }
        }
        while self.told.len() > TOLD_MAX {
            self.told.pop_first();
        }
        Ok(())
    }
}

/// A decision as its row has it.
struct Decision {
    sequence: i64,
    /// By the names of its columns.
    cells: serde_json::Map<String, Value>,
}

impl Decision {
    fn of((table, sequence, cells): &Row) -> Option<Self> {
        if table.kind != DECISION {
            return None;
        }
        let names = table.columns.iter().map(|(name, _)| *name);
        let cell = |(name, cell): (&str, &Cell)| {
            let value = match cell {
                Cell::Whole(number) => json!(number),
                // Both are JSON in their columns.
                Cell::Text(Some(text)) if matches!(name, "record" | "result") => {
                    serde_json::from_str(text).unwrap_or_else(|_| json!(text))
                }
                Cell::Text(text) => json!(text),
                // A decision has none.
                Cell::Bytes(_) => json!(null),
            };
            (name.to_owned(), value)
        };
        Some(Self { sequence: *sequence, cells: names.zip(cells).map(cell).collect() })
    }

    /// What came of it; none while that is not known.
    fn result(&self) -> Option<&Value> {
        self.cells.get("result").filter(|result| !result.is_null() && *result != "underway")
    }

    fn name(&self) -> String {
        let number = |name| self.cells.get(name).and_then(Value::as_i64).unwrap_or(0);
        format!("d{}-{}", number("turn"), number("number"))
    }

    fn letter(&self, topic: &str, instance: &str) -> Letter {
        let mut data = self.data(instance);
        data.extend(
            ["record"].into_iter().filter_map(|name| Some((name.to_owned(), self.cells.get(name)?.clone()))),
        );
        self.event(topic, instance, "lepton.decision.v1", "", &data)
    }

    fn outcome_letter(&self, topic: &str, instance: &str) -> Option<Letter> {
        let mut data = self.data(instance);
        data.insert("result".to_owned(), self.result()?.clone());
        Some(self.event(topic, instance, "lepton.outcome.v1", "-outcome", &data))
    }

    /// What both have.
    fn data(&self, instance: &str) -> serde_json::Map<String, Value> {
        let mut data = serde_json::Map::new();
        data.insert("decision".to_owned(), json!(self.name()));
        data.insert("instance".to_owned(), json!(instance));
        data.insert("sequence".to_owned(), json!(self.sequence));
        for name in ["turn", "number", "time_seconds", "action", "task", "from_node", "to_node"] {
            data.insert(name.to_owned(), self.cells.get(name).cloned().unwrap_or_default());
        }
        data
    }

    fn event(
        &self,
        topic: &str,
        instance: &str,
        kind: &str,
        suffix: &str,
        data: &serde_json::Map<String, Value>,
    ) -> Letter {
        let key = format!("{instance}-{}", self.sequence);
        let event = json!({
            "specversion": "1.0",
            "id": format!("{key}{suffix}"),
            "source": format!("/lepton/{instance}"),
            "type": kind,
            "subject": self.name(),
            "datacontenttype": "application/json",
            "data": data,
        });
        Letter {
            topic: topic.to_owned(),
            key: Some(key.into_bytes()),
            payload: Some(event.to_string().into_bytes()),
            headers: vec![(CONTENT.0.to_owned(), CONTENT.1.as_bytes().to_vec())],
        }
    }
}
