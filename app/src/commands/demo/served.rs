//! Who said in which order waiting tasks are started, the learned order or its rule, and on what evidence.

use lepton_core::decide::guard::GuardDecision;
use lepton_core::model::{Serving, counted};
use serde_json::{Value, json};

use super::hours::Turn;

/// The comparisons of a run.
#[derive(Debug, Default)]
pub(super) struct Served {
    compared: usize,
    last: Option<GuardDecision>,
    /// When somebody else took over, seconds.
    changes: Vec<(u64, GuardDecision)>,
}

impl Served {
    /// Takes in a turn.
    pub(super) fn add(&mut self, turn: &Turn) {
        let Some(decision) = turn.report.order else { return };
        // A model that ships serves until it is shown to be worse.
        let before = self.last.map_or(Serving::Model, |last| last.serving);
        self.compared += 1;
        self.last = Some(decision);
        if decision.serving != before {
            self.changes.push((turn.now_seconds, decision));
        }
    }

    /// In a sentence; nothing where nothing was compared.
    pub(super) fn said(&self) -> Option<String> {
        let last = self.last?;
        let who = |serving| match serving {
            Serving::Model => "the learned order",
            Serving::Rule => "the rule, smallest area first",
        };
        let changes = self.changes.iter().map(|(at, decision)| {
            let (hours, minutes) = (at / 3600, at / 60 % 60);
            format!(", from {hours:02}:{minutes:02} on {}, as {}", who(decision.serving), decision.reason)
        });
        let began = self.changes.first().map_or(last.serving, |(_, first)| match first.serving {
            Serving::Model => Serving::Rule,
            Serving::Rule => Serving::Model,
        });
        let gain = last.gain.map_or_else(String::new, |gain| {
            format!(
                "; over the last {} the learned order saved {:.1} ±{:.1}% of the rule's waiting",
                counted(gain.pairs, "comparison", "comparisons"),
                gain.mean,
                gain.half_width
            )
        });
        let changes: String = changes.collect();
        Some(format!("Waiting tasks were started by {}{changes}{gain}.", who(began)))
    }

    /// As a document; null where nothing was compared.
    pub(super) fn document(&self) -> Value {
        let changes: Vec<Value> = self
            .changes
            .iter()
            .map(|(at, decision)| json!({"at_seconds": at, "decision": decision}))
            .collect();
        self.last
            .map_or(Value::Null, |last| json!({"compared": self.compared, "last": last, "changes": changes}))
    }
}
