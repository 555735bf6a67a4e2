//! What a database elsewhere and our own store must have alike.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

/// The rows that a query of a file gives, columns parted by tabs; other statements give none.
pub(crate) fn ask_file(path: &Path, sql: &str) -> String {
    let connection = Connection::open(path).expect("readable");
    if !sql.starts_with("SELECT") {
        connection.execute_batch(sql).expect("it is sound");
        return String::new();
    }
    let mut statement = connection.prepare(sql).expect("it is sound");
    let columns = statement.column_count();
    let mut rows = statement.query([]).expect("readable");
    let mut lines = Vec::new();
    while let Some(row) = rows.next().expect("readable") {
        let shown = |at| match row.get_ref(at).expect("a column") {
            ValueRef::Null => String::new(),
            ValueRef::Integer(number) => number.to_string(),
            ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
            other => panic!("{other:?} is not asked for here"),
        };
        lines.push((0..columns).map(shown).collect::<Vec<_>>().join("\t"));
    }
    lines.join("\n")
}

/// What both sides must have alike: theirs, ours.
const ALIKE: [(&str, &str); 6] = [
    (
        "SELECT sequence, kind, part, time_seconds, entry FROM lepton_steps ORDER BY sequence",
        "SELECT sequence, kind, part, time_seconds, entry FROM journal WHERE kind <> 'remembered' ORDER BY sequence",
    ),
    (
        "SELECT sequence, turn, number, action, from_node, to_node, result, record FROM lepton_decisions ORDER BY sequence",
        "SELECT sequence, turn, number, action, from_node, to_node, result, record FROM decisions ORDER BY sequence",
    ),
    (
        "SELECT sequence, state, effects, decided_by, why, successor, document FROM lepton_plans ORDER BY sequence",
        "SELECT turn, state, effects, decided_by, why, successor, document FROM plans ORDER BY turn",
    ),
    (
        "SELECT sequence, unix_seconds, actor, action, target, detail FROM lepton_audit ORDER BY sequence",
        "SELECT sequence, unix_seconds, actor, action, target, detail FROM audit ORDER BY sequence",
    ),
    (
        "SELECT sequence, turn, time_seconds, figures FROM lepton_turns ORDER BY sequence",
        "SELECT sequence, turn, time_seconds, figures FROM history ORDER BY sequence",
    ),
    (
        "SELECT sequence, seconds, resources FROM lepton_hours ORDER BY sequence",
        "SELECT from_seconds, seconds, resources FROM ledger_hours ORDER BY from_seconds",
    ),
];

/// MariaDB's client shows a null as a word.
fn rows(text: &str) -> String {
    text.replace("NULL", "")
}

/// Every row of ours is there as we have it, and no other.
pub(crate) fn assert_alike(ask: impl Fn(&str) -> String, folder: &Path) {
    for (theirs, ours) in ALIKE {
        let (theirs, ours) = (rows(&ask(theirs)), ask_file(&folder.join("journal.db"), ours));
        let ours = rows(&ours);
        assert_eq!(theirs.lines().count(), ours.lines().count());
        for (theirs, ours) in theirs.lines().zip(ours.lines()) {
            assert_eq!(theirs, ours);
        }
    }
}
