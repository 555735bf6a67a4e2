//! Between the loop and its store: what is decided is on the disk, with its reasons, before anything of it is carried out.

use std::collections::BTreeSet;
use std::time::Instant;

use lepton_core::execute::{Journal, JournalError};
use lepton_core::model::digest::Digest;
use lepton_core::model::{DecisionRecord, JournalEntry, Moving, PartKey, Plan, PlanDocument};
use lepton_edges::store::{NewPlan, PlanState, Store, TurnRows};

use super::snoozes::Snoozes;

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
    /// Since when what the turn decided is in the store.
    pub(super) written: Option<Instant>,
    pub(super) store: &'a mut Store,
    pub(super) proposal: &'a mut Option<Proposal>,
    pub(super) snoozes: &'a Snoozes,
}

impl Journal for TurnJournal<'_> {
    fn write(&mut self, entry: &JournalEntry) -> Result<(), JournalError> {
        self.store.write(entry)
    }

    /// With the turn are kept its records and its plan: what is done without asking, and what waits for a person where that is news. The same
    /// proposal as before keeps its number, its records and what people said to it.
    fn begin_turn(
        &mut self,
        entry: &JournalEntry,
        plan: &Plan,
        records: &[DecisionRecord],
    ) -> Result<(), JournalError> {
        let &JournalEntry::Turn { turn, time_seconds } = entry else { return self.store.write(entry) };
        let proposed = self.snoozes.leave(plan.for_approval(), time_seconds);
        let effects = effects_of(&proposed);
        let known = self.proposal.as_ref().is_some_and(|before| before.answers(&effects));
        let is_news = !proposed.parts.is_empty() && !known;
        let own = plan.own_parts();
        let of_proposal = proposed.parts.iter().filter(|_| is_news);
        let told: BTreeSet<PartKey> = own.parts.iter().chain(of_proposal).map(|part| part.key).collect();
        let is_told = |record: &&DecisionRecord| record.step.is_none_or(|key| told.contains(&key.part));
        let records: Vec<DecisionRecord> = records.iter().filter(is_told).cloned().collect();
        // Where a turn has both, its plan is what waits for a person; what is done at once has its records.
        let (state, kept, effects) = if is_news {
            (PlanState::Proposed, &proposed, effects)
        } else {
            (PlanState::CarriedOut, &*own, effects_of(&own))
        };
        let document = PlanDocument::of(kept, Moving::StopFirst, time_seconds);
        let new = NewPlan { turn, state, effects: &effects, document: &document };
        let replaced = self.proposal.as_ref().filter(|before| is_news && !before.rejected);
        self.store.begin_turn(
            entry,
            &TurnRows {
                clock_seconds: time_seconds,
                records: &records,
                plan: (!kept.parts.is_empty()).then_some(new),
                superseded: replaced.map(|before| before.turn),
                ..TurnRows::default()
            },
        )?;
        self.written = Some(Instant::now());
        if is_news {
            *self.proposal =
                Some(Proposal { turn, effects, plan: proposed, rejected: false, derived_from: None });
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
