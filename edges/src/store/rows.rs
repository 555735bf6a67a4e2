//! What the loop writes beside its journal: decisions with their results, plans and what people said to them, the audit.

use lepton_core::model::{DecisionRecord, Outcome, PartKey, PlanDocument, StepResult};
use rusqlite::Transaction;

use super::history::{self, HistoryRow, Inventory};
use super::ledger::{self, LedgerHour};
use super::{Store, StoreError};

/// The fact under which the end of the last turn is kept, seconds.
const CLOCK: &str = "clock_seconds";

/// Turns before the last that are looked through for steps that were not tried.
const TURNS_UNTRIED: u64 = 1000;

/// How a plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanState {
    /// It waits for a person.
    Proposed,
    /// A person has approved it; it is being carried out.
    Approved,
    /// A person has rejected it.
    Rejected,
    /// A person has put it off.
    Snoozed,
    /// A later plan with other effects has taken its place.
    Superseded,
    /// The loop carried it out by itself.
    CarriedOut,
}

/// Names of the states, as kept and as shown.
const STATES: [(PlanState, &str); 6] = [
    (PlanState::Proposed, "proposed"),
    (PlanState::Approved, "approved"),
    (PlanState::Rejected, "rejected"),
    (PlanState::Snoozed, "snoozed"),
    (PlanState::Superseded, "superseded"),
    (PlanState::CarriedOut, "carried_out"),
];

impl PlanState {
    /// Its name.
    pub fn name(self) -> &'static str {
        STATES.iter().find(|(state, _)| *state == self).map_or("", |(_, name)| name)
    }

    /// The state of that name.
    pub fn named(name: &str) -> Option<Self> {
        STATES.iter().find(|(_, of)| *of == name).map(|(state, _)| *state)
    }
}

/// Something that a person, or the service itself, did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// When, seconds since 1970.
    pub unix_seconds: u64,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// To what.
    pub target: String,
    /// More of it.
    pub detail: String,
}

/// The answer to a request that carried a key, so that the same request gets the same answer again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The key.
    pub key: String,
    /// What was asked: another request under this key is an error of the asker.
    pub request: String,
    /// Status of the answer.
    pub status: u16,
    /// Its body.
    pub body: String,
}

/// What a person said to a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The plan's turn.
    pub turn: u64,
    /// What it becomes.
    pub state: PlanState,
    /// Why, in the person's words.
    pub why: String,
    /// The line for the audit.
    pub line: AuditLine,
    /// The answer that is kept, if the request carried a key.
    pub answer: Option<KeptAnswer>,
}

/// A plan that is new.
#[derive(Debug, Clone, Copy)]
pub struct NewPlan<'a> {
    /// The turn that made it.
    pub turn: u64,
    /// How it stands.
    pub state: PlanState,
    /// Digest of what it does.
    pub effects: &'a str,
    /// The plan.
    pub document: &'a PlanDocument,
}

/// What a turn leaves.
#[derive(Debug, Clone, Copy, Default)]
pub struct TurnRows<'a> {
    /// The turn's moment, seconds.
    pub clock_seconds: u64,
    /// The decisions.
    pub records: &'a [DecisionRecord],
    /// What became of parts, of this turn's plan and of earlier ones.
    pub outcome: Option<&'a Outcome>,
    /// The plan, where it is news.
    pub plan: Option<NewPlan<'a>>,
    /// The plan whose place it takes, by its turn; without a new plan its effects are no longer wanted.
    pub superseded: Option<u64>,
    /// What a person said to the plan that is superseded.
    pub verdict: Option<&'a Verdict>,
    /// Of a plan that a person derived: the effects of the loop's own plan.
    pub origin: Option<&'a str>,
    /// How turns went: this one, and the one before, of which more is known by now.
    pub history: &'a [HistoryRow],
    /// The names of the nodes, where they are others than before.
    pub inventory: Option<&'a Inventory>,
    /// Hours of the ledger.
    pub ledger: &'a [LedgerHour],
}

impl Store {
    /// Keeps what a turn leaves, in one transaction with journal entries that are behind.
    ///
    /// # Errors
    /// When it cannot be written; nothing of it is then kept.
    pub fn keep_turn(&mut self, rows: &TurnRows<'_>) -> Result<(), StoreError> {
        self.in_one(|transaction| {
            set_clock(transaction, rows.clock_seconds)?;
            rows.records.iter().try_for_each(|record| insert_decision(transaction, record))?;
            history::keep(transaction, rows.history, rows.inventory)?;
            ledger::keep(transaction, rows.ledger)?;
            if let Some(plan) = &rows.plan {
                insert_plan(transaction, plan)?;
            }
            if let (Some(plan), Some(origin)) = (&rows.plan, rows.origin) {
                let sql = "INSERT OR REPLACE INTO derivations (turn, effects) VALUES (?1, ?2)";
                transaction.execute(sql, (plan.turn as i64, origin))?;
            }
            if let Some(verdict) = rows.verdict {
                insert_verdict(transaction, verdict)?;
            }
            if let Some(turn) = rows.superseded {
                let sql = "UPDATE plans SET state = ?2, successor = ?3 WHERE turn = ?1";
                let successor = rows.plan.map(|plan| plan.turn as i64);
                transaction.execute(sql, (turn as i64, PlanState::Superseded.name(), successor))?;
            }
            for part in rows.outcome.iter().flat_map(|outcome| &outcome.parts) {
                let mut update = transaction
                    .prepare_cached("UPDATE decisions SET result = ?3 WHERE part = ?1 AND step = ?2")?;
                for (step, result) in part.results.iter().enumerate() {
                    update.execute((part.key.to_string(), step as i64, json(result)?))?;
                }
            }
            Ok(())
        })
    }

    /// After a start: steps of the last turns' plans that were to be carried out, and of which no part was begun and nothing is known, were not
    /// tried.
    ///
    /// # Errors
    /// When it cannot be written; nothing of it is then kept.
    pub fn leave_untried(&mut self, under_way: &[PartKey]) -> Result<(), StoreError> {
        let under_way: Vec<String> = under_way.iter().map(ToString::to_string).collect();
        let sql = "UPDATE decisions SET result = ?1 WHERE result IS NULL AND part IS NOT NULL
             AND turn > (SELECT coalesce(max(turn), 0) FROM decisions) - ?3
             AND turn IN (SELECT turn FROM plans WHERE state IN (?4, ?5))
             AND part NOT IN (SELECT value FROM json_each(?2))";
        let states = [PlanState::CarriedOut, PlanState::Approved].map(PlanState::name);
        self.in_one(|transaction| {
            let (untried, under_way) = (json(&StepResult::NotTried)?, json(&under_way)?);
            transaction.execute(sql, (untried, under_way, TURNS_UNTRIED as i64, states[0], states[1]))?;
            Ok(())
        })
    }

    /// The moment of the last turn that was kept, seconds.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn clock_seconds(&self) -> Result<Option<u64>, StoreError> {
        Ok(self.fact(CLOCK)?.and_then(|text| text.parse().ok()))
    }

    /// Keeps what a person said to a plan, the audit line and the answer in one transaction.
    ///
    /// # Errors
    /// When it cannot be written; nothing of it is then kept.
    pub fn keep_verdict(&mut self, verdict: &Verdict) -> Result<(), StoreError> {
        self.in_one(|transaction| insert_verdict(transaction, verdict))
    }

    /// Of a plan that a person derived: the effects of the loop's own plan.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn origin_of(&self, turn: u64) -> Result<Option<String>, StoreError> {
        let mut statement =
            self.connection.prepare_cached("SELECT effects FROM derivations WHERE turn = ?1")?;
        let mut rows = statement.query([turn as i64])?;
        Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
    }

    /// Keeps lines of the audit, and a fact with them in the place of what was there.
    ///
    /// # Errors
    /// When they cannot be written; nothing of it is then kept.
    pub fn keep_audit(&mut self, lines: &[AuditLine], fact: Option<(&str, &str)>) -> Result<(), StoreError> {
        self.in_one(|transaction| {
            lines.iter().try_for_each(|line| insert_line(transaction, line))?;
            fact.map_or(Ok(()), |(name, value)| set_fact(transaction, name, value))
        })
    }
}

impl Store {
    /// Keeps something that was done in one piece: its line of the audit, a fact in the place of what was there, and the answer, if the
    /// request carried a key.
    ///
    /// # Errors
    /// When it cannot be written, as where the key is taken; nothing of it is then kept.
    pub fn keep_deed(
        &mut self,
        line: &AuditLine,
        (name, value): (&str, &str),
        answer: Option<&KeptAnswer>,
    ) -> Result<(), StoreError> {
        self.in_one(|transaction| {
            insert_line(transaction, line)?;
            set_fact(transaction, name, value)?;
            answer.map_or(Ok(()), |answer| insert_answer(transaction, answer, line.unix_seconds))
        })
    }
}

fn set_clock(transaction: &Transaction<'_>, seconds: u64) -> Result<(), StoreError> {
    set_fact(transaction, CLOCK, &seconds.to_string())
}

fn set_fact(transaction: &Transaction<'_>, name: &str, value: &str) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO facts (name, value) VALUES (?1, ?2)";
    transaction.prepare_cached(sql)?.execute([name, value])?;
    Ok(())
}

fn insert_decision(transaction: &Transaction<'_>, record: &DecisionRecord) -> Result<(), StoreError> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO decisions (turn, number, part, step, time_seconds, action, task, from_node, to_node, record, result)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    insert.execute((
        record.turn as i64,
        record.number,
        record.step.map(|key| key.part.to_string()),
        record.step.map(|key| key.step),
        record.time_seconds as i64,
        record.action.name(),
        &record.task,
        &record.from,
        &record.to,
        json(record)?,
        record.result.as_ref().map(json::<StepResult>).transpose()?,
    ))?;
    Ok(())
}

fn insert_plan(transaction: &Transaction<'_>, plan: &NewPlan<'_>) -> Result<(), StoreError> {
    let sql = "INSERT INTO plans (turn, time_seconds, state, effects, document) VALUES (?1, ?2, ?3, ?4, ?5)";
    let (turn, time) = (plan.turn as i64, plan.document.time_seconds as i64);
    transaction.execute(sql, (turn, time, plan.state.name(), plan.effects, json(plan.document)?))?;
    let sql = "INSERT OR REPLACE INTO plan_summaries (turn, summary) VALUES (?1, ?2)";
    transaction.execute(sql, (turn, json(&plan.document.summary())?))?;
    Ok(())
}

fn insert_verdict(transaction: &Transaction<'_>, verdict: &Verdict) -> Result<(), StoreError> {
    let sql = "UPDATE plans SET state = ?2, decided_by = ?3, why = ?4 WHERE turn = ?1";
    let by = &verdict.line.actor;
    transaction.execute(sql, (verdict.turn as i64, verdict.state.name(), by, &verdict.why))?;
    insert_line(transaction, &verdict.line)?;
    let answer = verdict.answer.as_ref();
    answer.map_or(Ok(()), |answer| insert_answer(transaction, answer, verdict.line.unix_seconds))
}

fn insert_answer(
    transaction: &Transaction<'_>,
    KeptAnswer { key, request, status, body }: &KeptAnswer,
    unix_seconds: u64,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO answers (key, request, status, body, unix_seconds) VALUES (?1, ?2, ?3, ?4, ?5)";
    transaction.execute(sql, (key, request, status, body, unix_seconds as i64))?;
    Ok(())
}

fn insert_line(transaction: &Transaction<'_>, line: &AuditLine) -> Result<(), StoreError> {
    let sql = "INSERT INTO audit (unix_seconds, actor, action, target, detail) VALUES (?1, ?2, ?3, ?4, ?5)";
    let AuditLine { unix_seconds, actor, action, target, detail } = line;
    transaction.execute(sql, (*unix_seconds as i64, actor, action, target, detail))?;
    Ok(())
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| StoreError::Row {
        table: "decisions or plans",
        row: "to be written".to_owned(),
        problem: e.to_string(),
    })
}
