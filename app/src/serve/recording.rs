//! Between the loop and its store: what is decided is on the disk, with its reasons, before anything of it is carried out.

use std::cell::RefCell;
use std::rc::Rc;

use lepton_core::cycle::Mode;
use lepton_core::decide::guard::Compared;
use lepton_core::decide::plan::{Decided, Decider, Situation};
use lepton_core::execute::{Journal, JournalError};
use lepton_core::model::digest::Digest;
use lepton_core::model::{JournalEntry, Moving, PartKey, Plan, PlanDocument, RecentTasks, Serving};
use lepton_edges::store::{NewPlan, PlanState, Store, TurnRows};

use super::snoozes::Snoozes;

/// What was decided last, as the journal will need it.
pub(super) type LastDecided = Rc<RefCell<Decided>>;

/// A decider that leaves a copy of what it decides.
pub(super) struct Copying {
    pub(super) inner: Box<dyn Decider>,
    pub(super) last: LastDecided,
}

impl Decider for Copying {
    fn decide(&mut self, situation: &Situation<'_>) -> Decided {
        let decided = self.inner.decide(situation);
        self.last.borrow_mut().clone_from(&decided);
        decided
    }

    fn compare(&self, recent: &RecentTasks, serving: Serving) -> Option<Compared> {
        self.inner.compare(recent, serving)
    }
}

/// A plan that people may have something to say to.
#[derive(Debug, Clone)]
pub(super) struct Proposal {
    pub(super) turn: u64,
    pub(super) effects: String,
    pub(super) plan: Plan,
    /// Whether a person has rejected it: it is then not proposed again while its effects are the same.
    pub(super) rejected: bool,
    /// Of a plan that a person derived: the effects of the loop's own plan. While the loop would still do that, the derived one stands.
    pub(super) derived_from: Option<String>,
}

impl Proposal {
    /// Whether the loop's plan with these effects is no news.
    fn answers(&self, effects: &str) -> bool {
        self.effects == effects || self.derived_from.as_deref() == Some(effects)
    }
}

/// The journal of one turn.
pub(super) struct TurnJournal<'a> {
    /// Whether what the turn decided is in the store.
    pub(super) is_written: bool,
    pub(super) store: &'a mut Store,
    pub(super) last: LastDecided,
    pub(super) mode: Mode,
    pub(super) proposal: &'a mut Option<Proposal>,
    pub(super) snoozes: &'a Snoozes,
}

impl Journal for TurnJournal<'_> {
    fn write(&mut self, entry: &JournalEntry) -> Result<(), JournalError> {
        let &JournalEntry::Turn { turn, time_seconds } = entry else { return self.store.write(entry) };
        let Decided { mut plan, mut records } = std::mem::take(&mut *self.last.borrow_mut());
        if self.mode == Mode::Recommend {
            plan = self.snoozes.leave(plan, time_seconds);
            let is_left = |key: PartKey| plan.parts.iter().any(|part| part.key == key);
            records.retain(|record| record.step.is_none_or(|key| is_left(key.part)));
        }
        let effects = effects_of(&plan);
        let known = self.proposal.as_ref().is_some_and(|before| before.answers(&effects));
        if known {
            // The same plan as before keeps its number, its records and what people said to it.
            records.retain(|record| record.step.is_none());
        }
        let is_news = !plan.parts.is_empty() && !known;
        let state = if self.mode == Mode::Act { PlanState::CarriedOut } else { PlanState::Proposed };
        let document = PlanDocument::of(&plan, Moving::StopFirst, time_seconds);
        let new = NewPlan { turn, state, effects: &effects, document: &document };
        let replaced = self.proposal.as_ref().filter(|before| is_news && !before.rejected);
        self.store.begin_turn(
            entry,
            &TurnRows {
                clock_seconds: time_seconds,
                records: &records,
                plan: is_news.then_some(new),
                superseded: replaced.map(|before| before.turn),
                ..TurnRows::default()
            },
        )?;
        self.is_written = true;
        if is_news && self.mode == Mode::Recommend {
            *self.proposal = Some(Proposal { turn, effects, plan, rejected: false, derived_from: None });
        }
        Ok(())
    }

    /// What is written together are calls and their answers, and none of them a turn.
    fn write_all(&mut self, entries: &[JournalEntry]) -> Result<(), JournalError> {
        match entries {
            [entry] => self.write(entry),
            _ => self.store.write_all(entries),
        }
    }

    fn recall(&self) -> Result<Vec<JournalEntry>, JournalError> {
        self.store.recall()
    }
}

/// Digest of what a plan does, whatever turn made it: 16 hexadecimal digits.
pub(super) fn effects_of(plan: &Plan) -> String {
    let mut digest = Digest::default();
    for part in &plan.parts {
        digest.text(&format!("{:?} {:?} {:?}", part.steps, part.binding, part.waves));
        for after in &part.after {
            digest.number(u64::from(after.number));
        }
    }
    format!("{:016x}", digest.value())
}
