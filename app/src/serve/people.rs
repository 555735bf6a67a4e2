//! What people ask of the loop: to approve, reject or derive a plan, against the effects that they saw; a copy of what it believes.

use std::time::{SystemTime, UNIX_EPOCH};

use lepton_core::model::{PartKey, Snapshot};
use lepton_edges::store::{AuditLine, PlanState, Reader, Store};
use serde_json::Value;
use tokio::sync::oneshot;

use super::asking::CandidateAsk;
use super::config::ServeConfig;
use super::recording::Proposal;
use super::trials::{NotTried, TrialBody, TrialKind};

/// A request to the loop.
pub(super) enum Request {
    /// Something is said to a plan.
    Ask(Ask),
    /// A copy of the snapshot is wanted, to look at beside the loop.
    Copy(oneshot::Sender<Box<Snapshot>>),
    /// Something that was put off is to be taken up again: its name, who says so, and what is answered.
    EndSnooze(String, String, oneshot::Sender<Result<(), String>>),
    /// Something is tried on a simulated cluster: what, who says so, and what is answered.
    Try(TrialKind, String, oneshot::Sender<Result<TrialBody, NotTried>>),
    /// Something is asked of candidates.
    Candidate(CandidateAsk),
    /// Somebody was kept from changing something.
    Refused(AuditLine),
    /// Settings that were read again.
    Settings(Box<ServeConfig>),
}

/// What is said to a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// It is to be carried out.
    Approve,
    /// It is not; code and words.
    Reject(String),
    /// A plan without these parts is to take its place.
    Derive(Vec<PartKey>),
    /// It is put off.
    Snooze(Snoozing),
}

/// How something is put off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Snoozing {
    /// The parts; all of the plan where none is named.
    pub(super) parts: Vec<PartKey>,
    /// For so many minutes of the cluster's time.
    pub(super) minutes: u64,
    /// Why.
    pub(super) why: String,
}

impl Word {
    /// Its name in the audit.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Approve => "plan.approve",
            Self::Reject(_) => "plan.reject",
            Self::Derive(_) => "plan.derive",
            Self::Snooze(_) => "plan.snooze",
        }
    }
}

/// A word to a plan.
pub(super) struct Ask {
    /// Whose word it is.
    pub(super) actor: String,
    /// The plan, by its turn.
    pub(super) turn: u64,
    /// The effects that the person saw.
    pub(super) effects: String,
    pub(super) word: Word,
    /// The key of the request, if it has one.
    pub(super) key: Option<String>,
    pub(super) reply: oneshot::Sender<Answer>,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    /// It is done, or was before under this key: status and body.
    Done(u16, Value),
    /// There is no such plan.
    NoSuchPlan,
    /// The plan has other effects than the person saw.
    OtherEffects,
    /// The plan is no longer open: how it stands, and the plan in its place.
    NotOpen(PlanState, Option<u64>),
    /// The mode leaves nothing to say.
    WrongMode,
    /// The key belongs to another request.
    KeyTaken,
    /// Of the parts named these are not there, or nothing would be left.
    WrongParts(String),
    /// It could not be done.
    Failed(String),
}

impl Ask {
    pub(super) fn request(&self) -> String {
        let (verb, more) = match &self.word {
            Word::Approve => ("approve", String::new()),
            Word::Reject(why) => ("reject", why.clone()),
            Word::Derive(parts) => ("derive", keys(parts)),
            Word::Snooze(Snoozing { parts, minutes, why }) => {
                ("snooze", format!("{minutes} {} {why}", keys(parts)))
            }
        };
        format!("{verb} p{} {} {more}", self.turn, self.effects)
    }
}

/// Keys of parts as text.
pub(super) fn keys(parts: &[PartKey]) -> String {
    parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// What was answered under a key before.
pub(super) enum Before {
    /// To this request: status and body.
    Same(u16, Value),
    /// To another one.
    Other,
}

/// What was answered under the key of a request before; none where it is a new one.
pub(super) fn answered(reader: &Reader, key: &str, request: &str) -> anyhow::Result<Option<Before>> {
    Ok(reader.answer(key)?.map(|kept| {
        let body = serde_json::from_str(&kept.body).unwrap_or(Value::Null);
        if kept.request == request { Before::Same(kept.status, body) } else { Before::Other }
    }))
}

/// The plan that was open, or rejected last, when the service ended.
pub(super) fn open_proposal(store: &Store) -> anyhow::Result<Option<Proposal>> {
    let Some(row) = store.reader()?.last_proposed()? else { return Ok(None) };
    let rejected = row.state == PlanState::Rejected;
    if row.state != PlanState::Proposed && !rejected {
        return Ok(None);
    }
    let derived_from = store.origin_of(row.turn)?;
    let plan = row.document.into_plan()?;
    Ok(Some(Proposal { turn: row.turn, effects: row.effects, plan, rejected, derived_from }))
}

/// Seconds since 1970.
pub(super) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
