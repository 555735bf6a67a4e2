//! Looking on: lists page by page from the newest backwards, and single rows.

use std::collections::BTreeMap;
use std::path::Path;

use lepton_core::analyze::{Accounts, Ledger};
use lepton_core::model::{DecisionRecord, PlanDocument, PlanSummary};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::ledger::{self, LedgerHour};
use super::{AuditLine, HistoryRow, KeptAnswer, PlanState, Store, StoreError, reading};

/// A connection that only reads; it sees what is committed.
pub struct Reader {
    connection: Connection,
}

/// A decision with its place in the list.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredDecision {
    /// Its place: later ones have higher numbers.
    pub sequence: u64,
    /// The record, its result as it is known now.
    pub record: DecisionRecord,
}

/// A plan with what people said to it.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanRow {
    /// The turn that made it.
    pub turn: u64,
    /// How it stands.
    pub state: PlanState,
    /// Digest of what it does.
    pub effects: String,
    /// The plan.
    pub document: PlanDocument,
    /// Who approved or rejected it.
    pub decided_by: Option<String>,
    /// Why.
    pub why: Option<String>,
    /// The plan that took its place, by its turn.
    pub successor: Option<u64>,
}

/// A plan as a line of a list: what it comes to in the place of what it does.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanLine {
    /// The turn that made it.
    pub turn: u64,
    /// When it was made, seconds.
    pub time_seconds: u64,
    /// How it stands.
    pub state: PlanState,
    /// Digest of what it does.
    pub effects: String,
    /// What it comes to.
    pub summary: PlanSummary,
    /// Who approved or rejected it.
    pub decided_by: Option<String>,
    /// Why.
    pub why: Option<String>,
    /// The plan that took its place, by its turn.
    pub successor: Option<u64>,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The rows, the newest first.
    pub items: Vec<T>,
    /// Where the next page begins: rows before this number; none at the end.
    pub next_before: Option<u64>,
}

const DECISION: &str = "SELECT sequence, record, result FROM decisions";
const TURN: &str = "SELECT sequence, turn, time_seconds, unix_seconds, figures, inventory";
/// The document only where there is no summary of it.
const PLAN_LINE: &str = "SELECT plans.turn, time_seconds, state, effects, summary, iif(summary IS NULL, document, NULL), decided_by, why, successor
     FROM plans LEFT JOIN plan_summaries ON plan_summaries.turn = plans.turn";
const PLAN: &str = "SELECT turn, state, effects, document, decided_by, why, successor FROM plans";

impl Reader {
    /// Opens a store that a [`Store`] has made in this folder.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        Ok(Self { connection: reading(folder)? })
    }

    /// Decisions, all or those about a task, the newest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn decisions(
        &self,
        task: Option<&str>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Page<StoredDecision>, StoreError> {
        let of_task = if task.is_some() { " AND task = ?3" } else { "" };
        let sql = format!("{DECISION} WHERE sequence < ?1{of_task} ORDER BY sequence DESC LIMIT ?2");
        let values = [Value::from(before_or_end(before)), Value::from(limit as i64 + 1)];
        let values = values.into_iter().chain(task.map(|task| Value::from(task.to_owned())));
        let items = self.list(&sql, values, decision)?;
        Ok(page(items, limit, |item| item.sequence))
    }

    /// Decisions about a node, as where a task comes from or goes to, the newest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn decisions_of_node(&self, node: &str, limit: usize) -> Result<Vec<StoredDecision>, StoreError> {
        let sql = format!("{DECISION} WHERE from_node = ?1 OR to_node = ?1 ORDER BY sequence DESC LIMIT ?2");
        self.list(&sql, [Value::from(node.to_owned()), Value::from(limit as i64)], decision)
    }

    /// The decision of a turn under its number.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn decision(&self, turn: u64, number: u32) -> Result<Option<StoredDecision>, StoreError> {
        let sql = format!("{DECISION} WHERE turn = ?1 AND number = ?2");
        let values = [Value::from(turn as i64), Value::from(i64::from(number))];
        Ok(self.list(&sql, values, decision)?.pop())
    }

    /// Plans, the newest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn plans(&self, before: Option<u64>, limit: usize) -> Result<Page<PlanRow>, StoreError> {
        let sql = format!("{PLAN} WHERE turn < ?1 ORDER BY turn DESC LIMIT ?2");
        let values = [Value::from(before_or_end(before)), Value::from(limit as i64 + 1)];
        Ok(page(self.list(&sql, values, plan)?, limit, |item| item.turn))
    }

    /// Plans without what they do, the newest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn plan_lines(&self, before: Option<u64>, limit: usize) -> Result<Page<PlanLine>, StoreError> {
        let sql = format!("{PLAN_LINE} WHERE plans.turn < ?1 ORDER BY plans.turn DESC LIMIT ?2");
        let values = [Value::from(before_or_end(before)), Value::from(limit as i64 + 1)];
        Ok(page(self.list(&sql, values, plan_line)?, limit, |item| item.turn))
    }

    /// The newest plan that was made for a person to decide on, however it stands.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn last_proposed(&self) -> Result<Option<PlanRow>, StoreError> {
        let sql = format!("{PLAN} WHERE state != ?1 ORDER BY turn DESC LIMIT 1");
        let carried_out = Value::from(PlanState::CarriedOut.name().to_owned());
        Ok(self.list(&sql, [carried_out], plan)?.pop())
    }

    /// The plan of a turn.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn plan(&self, turn: u64) -> Result<Option<PlanRow>, StoreError> {
        let sql = format!("{PLAN} WHERE turn = ?1");
        Ok(self.list(&sql, [Value::from(turn as i64)], plan)?.pop())
    }

    /// The answer that is kept under a key.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn answer(&self, key: &str) -> Result<Option<KeptAnswer>, StoreError> {
        let sql = "SELECT key, request, status, body FROM answers WHERE key = ?1";
        let answer = |row: &Row<'_>| {
            Ok(KeptAnswer { key: row.get(0)?, request: row.get(1)?, status: row.get(2)?, body: row.get(3)? })
        };
        Ok(self.list(sql, [Value::from(key.to_owned())], answer)?.pop())
    }

    /// The last lines of the audit, the newest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn audit(&self, limit: usize) -> Result<Vec<AuditLine>, StoreError> {
        let sql =
            "SELECT unix_seconds, actor, action, target, detail FROM audit ORDER BY sequence DESC LIMIT ?1";
        self.list(sql, [Value::from(limit as i64)], |row| {
            Ok(AuditLine {
                unix_seconds: row.get::<_, i64>(0)? as u64,
                actor: row.get(1)?,
                action: row.get(2)?,
                target: row.get(3)?,
                detail: row.get(4)?,
            })
        })
    }

    /// Turns, the newest first, without how their nodes stood.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn history(&self, before: Option<u64>, limit: usize) -> Result<Page<HistoryRow>, StoreError> {
        let sql = format!("{TURN}, NULL FROM history WHERE sequence < ?1 ORDER BY sequence DESC LIMIT ?2");
        let values = [Value::from(before_or_end(before)), Value::from(limit as i64 + 1)];
        let items = self.list(&sql, values, history_row)?;
        Ok(page(items, limit, |item| item.sequence))
    }

    /// One turn, with how its nodes stood and their names as a JSON list.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn history_row(&self, sequence: u64) -> Result<Option<(HistoryRow, Option<String>)>, StoreError> {
        let sql = format!("{TURN}, nodes FROM history WHERE sequence = ?1");
        let place = i64::try_from(sequence).unwrap_or(i64::MAX);
        let Some(row) = self.list(&sql, [Value::from(place)], history_row)?.pop() else { return Ok(None) };
        let names = self.inventory(&row.inventory)?;
        Ok(Some((row, names)))
    }

    /// The last turns, at most so many and none before a moment, of which it is known how the nodes stood: the oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn node_history(&self, from_seconds: u64, most: usize) -> Result<Vec<HistoryRow>, StoreError> {
        let sql = format!(
            "{TURN}, nodes FROM history WHERE sequence > (SELECT coalesce(max(sequence), 0) FROM history) - ?1
             AND time_seconds >= ?2 AND nodes IS NOT NULL ORDER BY sequence"
        );
        self.list(
            &sql,
            [Value::from(most as i64), Value::from(before_or_end(Some(from_seconds)))],
            history_row,
        )
    }

    /// The names of the nodes under a digest, as a JSON list; none that is not kept.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn inventory(&self, digest: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT names FROM inventories WHERE digest = ?1";
        Ok(self.list(sql, [Value::from(digest.to_owned())], |row| Ok(row.get(0)?))?.pop())
    }

    /// The hours that begin from one moment up to before another, the oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn ledger(&self, from_seconds: u64, to_seconds: u64) -> Result<Vec<LedgerHour>, StoreError> {
        let range =
            || [from_seconds, to_seconds].map(|at| Value::from(i64::try_from(at).unwrap_or(i64::MAX)));
        let sql = "SELECT from_seconds, seconds, resources FROM ledger_hours WHERE from_seconds >= ?1 AND from_seconds < ?2";
        let heads = self.list(sql, range(), |row| {
            let from = row.get::<_, i64>(0)?;
            let seconds = row.get::<_, i64>(1)? as u64;
            let resources = ledger::read(from, &row.get::<_, String>(2)?)?;
            Ok(LedgerHour {
                from_seconds: from as u64,
                ledger: Ledger { seconds, resources, ..Ledger::default() },
            })
        })?;
        let mut hours: BTreeMap<u64, LedgerHour> =
            heads.into_iter().map(|hour| (hour.from_seconds, hour)).collect();
        let sql = "SELECT from_seconds, kind, name, accounts FROM ledger WHERE from_seconds >= ?1 AND from_seconds < ?2";
        for (from, kind, name, accounts) in self.list(sql, range(), accounts)? {
            let Some(LedgerHour { ledger, .. }) = hours.get_mut(&from) else { continue };
            let into = if kind == ledger::NODE { &mut ledger.nodes } else { &mut ledger.owners };
            into.insert(name, accounts);
        }
        Ok(hours.into_values().collect())
    }

    fn list<T>(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
        make: impl Fn(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        let mut items = Vec::new();
        while let Some(row) = rows.next()? {
            items.push(make(row)?);
        }
        Ok(items)
    }
}

impl Store {
    /// What is kept of the hour that begins at this moment; none where nothing is.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn ledger_hour(&self, from_seconds: u64) -> Result<Option<LedgerHour>, StoreError> {
        Ok(self.reader()?.ledger(from_seconds, from_seconds + 1)?.pop())
    }

    /// A reader's view of the same file, for the writer itself.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        let file = Path::new(self.connection.path().unwrap_or_default());
        Reader::open(file.parent().unwrap_or(Path::new(".")))
    }
}

fn before_or_end(before: Option<u64>) -> i64 {
    before.map_or(i64::MAX, |before| before.min(i64::MAX as u64) as i64)
}

/// One row more was asked for than wanted, to see whether there are more.
fn page<T>(mut items: Vec<T>, limit: usize, number: impl Fn(&T) -> u64) -> Page<T> {
    let more = items.len() > limit;
    items.truncate(limit);
    let next_before = items.last().map(number).filter(|_| more);
    Page { items, next_before }
}

fn decision(row: &Row<'_>) -> Result<StoredDecision, StoreError> {
    let sequence = row.get::<_, i64>(0)? as u64;
    let wrong = |e: serde_json::Error| problem("decisions", &sequence.to_string(), &e.to_string());
    let mut record: DecisionRecord = serde_json::from_str(&row.get::<_, String>(1)?).map_err(wrong)?;
    let result: Option<String> = row.get(2)?;
    record.result = result.map(|text| serde_json::from_str(&text)).transpose().map_err(wrong)?;
    Ok(StoredDecision { sequence, record })
}

fn plan_state(turn: u64, state: &str) -> Result<PlanState, StoreError> {
    let wrong = || problem("plans", &turn.to_string(), &format!("there is no state `{state}`"));
    PlanState::named(state).ok_or_else(wrong)
}

fn plan_line(row: &Row<'_>) -> Result<PlanLine, StoreError> {
    let turn = row.get::<_, i64>(0)? as u64;
    let wrong = |e: serde_json::Error| problem("plans", &turn.to_string(), &e.to_string());
    let summary = match row.get::<_, Option<String>>(4)? {
        Some(summary) => serde_json::from_str(&summary).map_err(wrong)?,
        None => serde_json::from_str::<PlanDocument>(&row.get::<_, String>(5)?).map_err(wrong)?.summary(),
    };
    Ok(PlanLine {
        turn,
        time_seconds: row.get::<_, i64>(1)? as u64,
        state: plan_state(turn, &row.get::<_, String>(2)?)?,
        effects: row.get(3)?,
        summary,
        decided_by: row.get(6)?,
        why: row.get(7)?,
        successor: row.get::<_, Option<i64>>(8)?.map(|turn| turn as u64),
    })
}

fn plan(row: &Row<'_>) -> Result<PlanRow, StoreError> {
    let turn = row.get::<_, i64>(0)? as u64;
    let wrong = |what: &str| problem("plans", &turn.to_string(), what);
    Ok(PlanRow {
        turn,
        state: plan_state(turn, &row.get::<_, String>(1)?)?,
        effects: row.get(2)?,
        document: serde_json::from_str(&row.get::<_, String>(3)?).map_err(|e| wrong(&e.to_string()))?,
        decided_by: row.get(4)?,
        why: row.get(5)?,
        successor: row.get::<_, Option<i64>>(6)?.map(|turn| turn as u64),
    })
}

fn history_row(row: &Row<'_>) -> Result<HistoryRow, StoreError> {
    let number = |at| Ok::<u64, rusqlite::Error>(row.get::<_, i64>(at)? as u64);
    Ok(HistoryRow {
        sequence: number(0)?,
        turn: number(1)?,
        time_seconds: number(2)?,
        unix_seconds: number(3)?,
        figures: row.get(4)?,
        inventory: row.get::<_, Option<String>>(5)?.unwrap_or_default(),
        nodes: row.get::<_, Option<Vec<u8>>>(6)?.unwrap_or_default(),
    })
}

fn accounts(row: &Row<'_>) -> Result<(u64, String, String, Vec<Accounts>), StoreError> {
    let from = row.get::<_, i64>(0)?;
    Ok((from as u64, row.get(1)?, row.get(2)?, ledger::read(from, &row.get::<_, String>(3)?)?))
}

fn problem(table: &'static str, row: &str, problem: &str) -> StoreError {
    StoreError::Row { table, row: row.to_owned(), problem: problem.to_owned() }
}
