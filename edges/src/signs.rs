//! Messages of faults on their way to the loop: each has a number, in the order in which they were found and kept, and is told once. What was learned of
//! them is kept with the number of the last, so that none is told again after a restart.

use std::collections::BTreeMap;

use lepton_core::analyze::risk::Severity;
use lepton_core::model::Reading;
use serde::{Deserialize, Serialize};

/// A message of a log speaks of what is to come for so long, seconds.
pub(crate) const SIGN_SECONDS: u64 = 3600;

/// A message of a log that tells of a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Numbered {
    pub(crate) number: u64,
    pub(crate) node: String,
    pub(crate) severity: Severity,
    /// When, seconds since 1970.
    pub(crate) seconds: u64,
}

/// What tells the loop of them.
#[derive(Debug)]
pub(crate) struct Teller {
    /// What is added to the names of its signals, where other sources tell of the same nodes.
    beside: &'static str,
    /// Numbers of the last signs that the loop was told, and that it has kept.
    told: u64,
    seen: u64,
    /// When the loop looked last, seconds, and the messages that it was told then: what analyzes them tells one second from the next.
    looked_seconds: u64,
    messages: Vec<Reading>,
}

impl Teller {
    /// One that goes on after the sign of this number.
    pub(crate) fn new(beside: &'static str, seen: u64) -> Self {
        Self { beside, told: seen, seen, looked_seconds: 0, messages: Vec::new() }
    }

    /// What is to be told now of signs in the order of their numbers. A list takes back what was told of signs; what was told in this
    /// second is not analyzed yet.
    pub(crate) fn tell(&mut self, now_seconds: u64, complete: bool, signs: &[Numbered]) -> Vec<Reading> {
        let mut readings = Vec::new();
        if complete {
            readings.extend(self.messages.iter().filter(|_| now_seconds == self.looked_seconds).cloned());
        } else if now_seconds > self.looked_seconds {
            readings.extend(self.messages.drain(..).map(taken_back));
            let told = self.told;
            self.messages = messages(signs.iter().filter(|sign| sign.number > told), self.beside);
            self.told = signs.last().map_or(told, |sign| sign.number.max(told));
            readings.extend(self.messages.iter().cloned());
        }
        self.looked_seconds = now_seconds;
        readings
    }

    /// The number of the last that was told, where it is not kept.
    pub(crate) fn told(&self) -> Option<u64> {
        (self.told > self.seen).then_some(self.told)
    }

    /// What was learned is kept with that number.
    pub(crate) fn kept(&mut self, number: u64) {
        self.seen = number;
    }
}

/// The same signal as over.
fn taken_back(reading: Reading) -> Reading {
    match reading {
        Reading::Signal { node, signal, .. } => Reading::Signal { node, signal, value: 0.0 },
        other => other,
    }
}

/// How many messages of each severity came from each node.
fn messages<'a>(signs: impl Iterator<Item = &'a Numbered>, beside: &str) -> Vec<Reading> {
    let mut counts = BTreeMap::<(&str, &str), f64>::new();
    for sign in signs {
        let signal = match sign.severity {
            Severity::Critical => "critical_log_messages",
            Severity::Error => "error_log_messages",
            Severity::Warning => "warning_log_messages",
        };
        *counts.entry((&sign.node, signal)).or_insert(0.0) += 1.0;
    }
    let signal = |((node, signal), value): ((&str, &str), f64)| Reading::Signal {
        node: node.to_owned(),
        signal: format!("{signal}{beside}"),
        value,
    };
    counts.into_iter().map(signal).collect()
}

const SEVERITIES: [(&str, Severity); 3] =
    [("critical", Severity::Critical), ("error", Severity::Error), ("warning", Severity::Warning)];

/// The name of a severity.
pub(crate) fn severity_name(severity: Severity) -> &'static str {
    SEVERITIES.iter().find(|(_, of)| *of == severity).map_or("warning", |(name, _)| name)
}

/// The severity of that name.
#[cfg(feature = "kafka")]
pub(crate) fn severity_named(name: &str) -> Severity {
    SEVERITIES.iter().find(|(of, _)| *of == name).map_or(Severity::Warning, |(_, severity)| *severity)
}
