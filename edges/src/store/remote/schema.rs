//! The schema that all of them have, version by version, and the statements that fill it. A version's statements may be run on tables that
//! have them already, since not every database takes a change of tables back.

use super::{Database, Dialect, RemoteError};

/// Names are cut to so many characters where they have a column of their own; the record has them whole.
const WORD_MAX: usize = 330;
/// Rows in one statement, and bytes of their values: a quarter of what MariaDB takes unless it is told otherwise.
const ROWS_MAX: usize = 100;
const BYTES_MAX: usize = 4 << 20;
/// Held while the tables are changed.
const LOCK: i64 = 0x6c65_7074;

/// What leads from each version to the next; never changed once released, only added to.
const MIGRATIONS: [&str; 3] = [
    include_str!("migrations/1_tables.sql"),
    include_str!("migrations/2_hours.sql"),
    include_str!("migrations/3_series.sql"),
];

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    /// A whole number.
    Whole(Option<i64>),
    /// A text.
    Text(Option<String>),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Cell {
    fn bytes(&self) -> usize {
        match self {
            Self::Text(Some(text)) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            _ => size_of::<i64>(),
        }
    }
}

/// What a column takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    Whole,
    Word,
    Text,
    Bytes,
}

/// A table of theirs, and where its rows come from.
pub(crate) struct Table {
    /// The kind of row, as the outbox has it.
    pub(crate) kind: &'static str,
    pub(in super::super) name: &'static str,
    /// The columns that name a row.
    key: &'static str,
    /// Its columns after instance and sequence.
    pub(crate) columns: &'static [(&'static str, Column)],
    /// The same of a row of the store, by its number.
    pub(in super::super) select: &'static str,
}

/// What names a row; where days lie apart, the day with it.
const KEY: &str = "instance, sequence";
const KEY_OF_DAY: &str = "instance, sequence, unix_day";

/// All that the outbox names.
pub(in super::super) const TABLES: [Table; 6] = [
    Table {
        kind: "step",
        name: "lepton_steps",
        key: KEY,
        columns: &[
            ("kind", Column::Word),
            ("part", Column::Word),
            ("time_seconds", Column::Whole),
            ("entry", Column::Text),
        ],
        select: "SELECT kind, part, time_seconds, entry FROM journal WHERE sequence = ?1",
    },
    Table {
        kind: "decision",
        name: "lepton_decisions",
        key: KEY,
        columns: &[
            ("turn", Column::Whole),
            ("number", Column::Whole),
            ("time_seconds", Column::Whole),
            ("action", Column::Word),
            ("task", Column::Word),
            ("from_node", Column::Word),
            ("to_node", Column::Word),
            ("result", Column::Text),
            ("record", Column::Text),
        ],
        select: "SELECT turn, number, time_seconds, action, task, from_node, to_node, result, record FROM decisions WHERE sequence = ?1",
    },
    Table {
        kind: "plan",
        name: "lepton_plans",
        key: KEY,
        columns: &[
            ("time_seconds", Column::Whole),
            ("state", Column::Word),
            ("effects", Column::Word),
            ("decided_by", Column::Word),
            ("why", Column::Text),
            ("successor", Column::Whole),
            ("document", Column::Text),
        ],
        select: "SELECT time_seconds, state, effects, decided_by, why, successor, document FROM plans WHERE turn = ?1",
    },
    Table {
        kind: "audit",
        name: "lepton_audit",
        key: KEY,
        columns: &[
            ("unix_seconds", Column::Whole),
            ("actor", Column::Word),
            ("action", Column::Word),
            ("target", Column::Word),
            ("detail", Column::Text),
        ],
        select: "SELECT unix_seconds, actor, action, target, detail FROM audit WHERE sequence = ?1",
    },
    Table {
        kind: "turn",
        name: "lepton_turns",
        key: KEY,
        columns: &[
            ("turn", Column::Whole),
            ("time_seconds", Column::Whole),
            ("unix_seconds", Column::Whole),
            ("figures", Column::Text),
        ],
        select: "SELECT turn, time_seconds, unix_seconds, figures FROM history WHERE sequence = ?1",
    },
    Table {
        kind: "hour",
        name: "lepton_hours",
        key: KEY,
        columns: &[("seconds", Column::Whole), ("resources", Column::Text), ("accounts", Column::Text)],
        select: "SELECT seconds, resources,
                 (SELECT json_group_object(kind || ':' || name, json(accounts)) FROM ledger WHERE from_seconds = ?1)
                 FROM ledger_hours WHERE from_seconds = ?1",
    },
];

/// A table of the series: one for each level, by days, and filled in the order of its rows.
const fn of_series(name: &'static str) -> Table {
    Table {
        kind: name,
        name,
        key: KEY_OF_DAY,
        columns: &[
            ("unix_day", Column::Whole),
            ("node", Column::Word),
            ("from_seconds", Column::Whole),
            ("to_seconds", Column::Whole),
            ("measures", Column::Whole),
            ("samples", Column::Bytes),
        ],
        select: "SELECT unix_day, nodes.name, from_seconds, to_seconds, measures, samples, sequence FROM rows
                 JOIN nodes ON nodes.number = rows.node WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
    }
}

/// The tables of the series, the finest level first.
pub(in super::super) const SERIES: [Table; 3] = [
    of_series("lepton_readings"),
    of_series("lepton_readings_five_minutes"),
    of_series("lepton_readings_hours"),
];

/// The names of what is measured, for all of the series.
pub(in super::super) const MEASURES: Table = Table {
    kind: "measures",
    name: "lepton_measures",
    key: KEY,
    columns: &[("names", Column::Text)],
    select: "SELECT names, number FROM measures",
};

/// A text as every one of them takes it.
pub(in super::super) fn fitting(column: Column, text: String) -> String {
    let text = if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text };
    match column {
        Column::Word if text.chars().count() > WORD_MAX => text.chars().take(WORD_MAX).collect(),
        _ => text,
    }
}

/// Brings the tables up to date.
pub(super) fn migrate(database: &mut dyn Database) -> Result<(), RemoteError> {
    let (lock, unlock) = match database.dialect() {
        Dialect::Sqlite => (String::new(), String::new()),
        Dialect::Postgres => {
            (format!("SELECT pg_advisory_lock({LOCK})"), format!("SELECT pg_advisory_unlock({LOCK})"))
        }
        Dialect::MySql => {
            (format!("SELECT GET_LOCK('lepton{LOCK}', 60)"), format!("SELECT RELEASE_LOCK('lepton{LOCK}')"))
        }
    };
    if !lock.is_empty() {
        database.run(&lock)?;
    }
    apply(database)?;
    if unlock.is_empty() { Ok(()) } else { database.run(&unlock) }
}

fn apply(database: &mut dyn Database) -> Result<(), RemoteError> {
    database.run("CREATE TABLE IF NOT EXISTS lepton_schema (version BIGINT NOT NULL PRIMARY KEY)")?;
    let version = database.number("SELECT coalesce(max(version), 0) FROM lepton_schema")?;
    let known = MIGRATIONS.len() as i64;
    if version > known {
        return Err(RemoteError::NewerSchema { version, known });
    }
    for (number, sql) in MIGRATIONS.iter().enumerate().skip(version.max(0) as usize) {
        for statement in in_dialect(sql, database.dialect()).split(";\n").filter(|s| !s.trim().is_empty()) {
            database.run(statement)?;
        }
        database.run(&format!("INSERT INTO lepton_schema (version) VALUES ({})", number + 1))?;
    }
    Ok(())
}

fn in_dialect(sql: &str, dialect: Dialect) -> String {
    let word = format!("VARCHAR({WORD_MAX})");
    let (text, options, unless_there) = match dialect {
        Dialect::MySql => ("LONGTEXT", " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin", ""),
        Dialect::Sqlite | Dialect::Postgres => ("TEXT", "", "IF NOT EXISTS"),
    };
    let (bytes, by_day) = match dialect {
        Dialect::MySql => {
            ("MEDIUMBLOB", " PARTITION BY RANGE (unix_day) (PARTITION d0 VALUES LESS THAN (0))")
        }
        Dialect::Sqlite => ("BLOB", ""),
        Dialect::Postgres => ("BYTEA", " PARTITION BY RANGE (unix_day)"),
    };
    let sql = sql.replace("{bytes}", bytes).replace("{by_day}", by_day);
    let sql = sql.replace("{word}", &word).replace("{text}", text);
    sql.replace("{options}", options).replace("{unless_there}", unless_there)
}

/// A row to be written: its table, its number, the values of its columns after instance and sequence.
pub(crate) type Row = (&'static Table, i64, Vec<Cell>);

/// Statements that write rows, each in the place of what is there under its instance and sequence.
pub(in super::super) fn upserts(dialect: Dialect, instance: &str, rows: &[Row]) -> Vec<(String, Vec<Cell>)> {
    let statement = |rows: &[Row]| {
        let values = rows.iter().flat_map(|(_, sequence, cells)| {
            let key = [Cell::Text(Some(instance.to_owned())), Cell::Whole(Some(*sequence))];
            key.into_iter().chain(cells.iter().cloned())
        });
        (upsert(dialect, rows[0].0, rows.len()), values.collect())
    };
    let mut statements = Vec::new();
    for mut rows in rows.chunk_by(|(a, ..), (b, ..)| a.kind == b.kind) {
        while !rows.is_empty() {
            let mut bytes = 0;
            let fits = |row: &&Row| {
                bytes += row.2.iter().map(Cell::bytes).sum::<usize>();
                bytes <= BYTES_MAX
            };
            // One row goes, however large it is.
            let count = rows.iter().take(ROWS_MAX).take_while(fits).count().max(1);
            let (first, rest) = rows.split_at(count);
            statements.push(statement(first));
            rows = rest;
        }
    }
    statements
}

fn upsert(dialect: Dialect, table: &Table, rows: usize) -> String {
    let names: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
    let width = names.len() + 2;
    let place = |at: usize| match dialect {
        Dialect::Postgres => format!("${}", at + 1),
        Dialect::Sqlite | Dialect::MySql => "?".to_owned(),
    };
    let row = |row: usize| {
        let places: Vec<String> = (0..width).map(|column| place(row * width + column)).collect();
        format!("({})", places.join(", "))
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    let replace = |name: &&str| match dialect {
        Dialect::MySql => format!("{name} = VALUES({name})"),
        Dialect::Sqlite | Dialect::Postgres => format!("{name} = excluded.{name}"),
    };
    let replaced: Vec<String> = names.iter().map(replace).collect();
    let conflict = match dialect {
        Dialect::MySql => "ON DUPLICATE KEY UPDATE".to_owned(),
        Dialect::Sqlite | Dialect::Postgres => format!("ON CONFLICT ({}) DO UPDATE SET", table.key),
    };
    format!(
        "INSERT INTO {} (instance, sequence, {}) VALUES {} {conflict} {}",
        table.name,
        names.join(", "),
        rows.join(", "),
        replaced.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_to_their_column_and_no_text_has_what_a_database_refuses() {
        let long = "ü".repeat(400);
        assert_eq!(fitting(Column::Word, long.clone()).chars().count(), WORD_MAX);
        assert_eq!(fitting(Column::Text, long.clone()), long);
        assert_eq!(fitting(Column::Text, "a\0b".to_owned()), "a\u{fffd}b");
    }

    #[test]
    fn a_statement_has_so_many_rows_and_bytes_and_always_one_row() {
        let table = |kind| TABLES.iter().find(|table| table.kind == kind).expect("there is one");
        let row = |kind, bytes| (table(kind), 7, vec![Cell::Text(Some("x".repeat(bytes)))]);
        let rows: Vec<Row> = (0..250).map(|_| row("step", 10)).collect();
        let sizes = |rows: &[Row]| -> Vec<usize> {
            upserts(Dialect::MySql, "i", rows).iter().map(|(_, cells)| cells.len() / 3).collect()
        };
        assert_eq!(sizes(&rows), [100, 100, 50]);
        let large = [row("step", 3 << 20), row("step", 3 << 20), row("step", 9 << 20), row("turn", 1)];
        assert_eq!(sizes(&large), [1, 1, 1, 1]);
        assert_eq!(sizes(&[]), [0; 0]);
    }

    #[test]
    fn each_database_is_spoken_to_in_its_own_words() {
        let table = TABLES.iter().find(|table| table.kind == "hour").expect("there is one");
        assert_eq!(
            upsert(Dialect::Postgres, table, 2),
            "INSERT INTO lepton_hours (instance, sequence, seconds, resources, accounts) VALUES ($1, $2, $3, $4, $5), ($6, $7, $8, $9, $10) \
             ON CONFLICT (instance, sequence) DO UPDATE SET seconds = excluded.seconds, resources = excluded.resources, accounts = \
             excluded.accounts"
        );
        assert!(
            upsert(Dialect::MySql, table, 1)
                .contains("VALUES (?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE seconds = VALUES(seconds)")
        );
    }
}
