//! Whether what a service has kept holds together, whatever happened to it.

use std::collections::{BTreeMap, BTreeSet};

use lepton_core::model::{Answer, Call, JournalEntry, Memory, PartKey, StepResult};
use rusqlite::Connection;

/// What must be in no store: what it is, and how many there are of it.
const WRONG: [(&str, &str); 7] = [
    (
        "turns missing from the history",
        "SELECT coalesce(max(sequence) - min(sequence) + 1, 0) - count(*) FROM history",
    ),
    (
        "turns after which the cluster's time went back",
        "SELECT count(*) FROM history AS a JOIN history AS b ON b.sequence = a.sequence + 1
         WHERE b.time_seconds <= a.time_seconds",
    ),
    ("entries missing from the journal", "SELECT coalesce(max(sequence), 0) - count(*) FROM journal"),
    ("decisions missing", "SELECT coalesce(max(sequence), 0) - count(*) FROM decisions"),
    (
        "turns whose decisions are not numbered through",
        "SELECT count(*) FROM (SELECT 1 FROM decisions GROUP BY turn HAVING max(number) + 1 <> count(*))",
    ),
    (
        "steps without their plan",
        "SELECT count(*) FROM decisions WHERE part IS NOT NULL AND turn NOT IN (SELECT turn FROM plans)",
    ),
    (
        "steps that were to be done and of which nothing is known",
        "SELECT count(*) FROM decisions WHERE part IS NOT NULL AND result IS NULL
         AND turn IN (SELECT turn FROM plans WHERE state IN ('carried_out', 'approved'))",
    ),
];

/// The store of a service that has ended.
pub(crate) struct Kept(Connection);

impl Kept {
    pub(crate) fn open(folder: &str) -> Self {
        Self(Connection::open(format!("{folder}/journal.db")).expect("readable"))
    }

    pub(crate) fn number(&self, sql: &str) -> i64 {
        self.0.query_row(sql, [], |row| row.get(0)).expect("readable")
    }

    pub(crate) fn text(&self, sql: &str) -> String {
        self.0.query_row(sql, [], |row| row.get(0)).expect("readable")
    }

    fn entries(&self) -> Vec<JournalEntry> {
        let mut statement = self.0.prepare("SELECT entry FROM journal ORDER BY sequence").expect("sound");
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).expect("readable");
        rows.map(|text| serde_json::from_str(&text.expect("readable")).expect("an entry")).collect()
    }

    /// Nothing is corrupted, missing, or there twice; every part that was begun is over, each of its calls was done once at most, and its decisions
    /// have the results that the journal tells.
    pub(crate) fn assert_sound(&self) {
        assert_eq!(self.text("PRAGMA integrity_check"), "ok");
        for (what, sql) in WRONG {
            assert_eq!(self.number(sql), 0, "{what}");
        }
        let (mut memory, mut opened, mut done) = (Memory::default(), BTreeSet::new(), BTreeSet::new());
        for entry in self.entries() {
            match &entry {
                JournalEntry::Opened { part, .. } => {
                    assert!(opened.insert(part.key), "part {} was begun twice", part.key);
                }
                JournalEntry::Answered { key, call: Some(call), answer: Answer::Done, .. } => {
                    assert!(done.insert((*key, format!("{call:?}"))), "part {key}: {call:?} was done twice");
                }
                _ => {}
            }
            if let Some(over) = memory.apply(&entry) {
                let outcome = over.outcome();
                self.assert_results(outcome.key, &outcome.results);
            }
        }
        let under_way: Vec<String> = memory.underway().map(|s| s.part().key.to_string()).collect();
        assert!(under_way.is_empty(), "parts {under_way:?} were begun and never ended");
    }

    fn assert_results(&self, key: PartKey, results: &[StepResult]) {
        let mut of_step = self.0.prepare_cached("SELECT result FROM decisions WHERE part = ?1 AND step = ?2");
        let of_step = of_step.as_mut().expect("sound");
        for (step, result) in results.iter().enumerate() {
            let kept: Option<String> = of_step
                .query_row((key.to_string(), step as i64), |row| row.get(0))
                .expect("each step was decided");
            let kept: StepResult = serde_json::from_str(&kept.expect("it has a result")).expect("a result");
            assert_eq!(kept, *result, "part {key}, step {step}");
        }
    }

    /// Where the calls of the loop have put each task: the last that was done counts, and one that was stopped stands nowhere.
    pub(crate) fn places(&self) -> BTreeMap<String, Option<String>> {
        let mut places = BTreeMap::new();
        for entry in self.entries() {
            let JournalEntry::Answered { call: Some(call), answer: Answer::Done, .. } = entry else {
                continue;
            };
            match call {
                Call::Start { task, to } | Call::Move { task, to, .. } => {
                    places.insert(task.to_string(), Some(to.node.to_string()));
                }
                Call::Stop { task, .. } => {
                    places.insert(task.to_string(), None);
                }
                Call::Cordon { .. } => {}
            }
        }
        places
    }
}
