//! What people say to plans: approve or reject, against the effects that they saw.

use std::time::{SystemTime, UNIX_EPOCH};

use lepton_edges::store::{PlanState, Store};
use serde_json::Value;
use tokio::sync::oneshot;

use super::recording::Proposal;

/// A request to the loop.
pub(super) struct Ask {
    /// The plan, by its turn.
    pub(super) turn: u64,
    /// The effects that the person saw.
    pub(super) effects: String,
    pub(super) approve: bool,
    /// Code and words of a rejection.
    pub(super) why: String,
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
    /// It could not be done.
    Failed(String),
}

impl Ask {
    pub(super) fn request(&self) -> String {
        let verb = if self.approve { "approve" } else { "reject" };
        format!("{verb} p{} {} {}", self.turn, self.effects, self.why)
    }
}

/// The plan that was open, or rejected last, when the service ended.
pub(super) fn open_proposal(store: &Store) -> anyhow::Result<Option<Proposal>> {
    let Some(row) = store.reader()?.plans(None, 1)?.items.pop() else { return Ok(None) };
    let rejected = row.state == PlanState::Rejected;
    if row.state != PlanState::Proposed && !rejected {
        return Ok(None);
    }
    Ok(Some(Proposal { turn: row.turn, effects: row.effects, plan: row.document.into_plan()?, rejected }))
}

/// Seconds since 1970.
pub(super) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
