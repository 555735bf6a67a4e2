//! Between the loop and what it is connected to: passes everything through and keeps a copy.

use lepton_core::analyze::Foresight;
use lepton_core::cycle::{Cycle, CycleReport, Means};
use lepton_core::decide::plan::Scope;
use lepton_core::execute::{Actuator, Journal, JournalError};
use lepton_core::model::{Answer, Call, Clock, DecisionRecord, JournalEntry, Moving, Outcome, Plan};

use super::form::{Allowed, Answers, Approved, Came, Line, Turn, Unwritten, came_of_outcome};

/// Hands that are watched.
struct HandsTap<'a> {
    inner: &'a mut dyn Actuator,
    calls: Vec<(Call, Answer)>,
}

impl Actuator for HandsTap<'_> {
    fn moving(&self) -> Moving {
        self.inner.moving()
    }

    fn call(&mut self, call: &Call) -> Answer {
        let answer = self.inner.call(call);
        self.calls.push((call.clone(), answer.clone()));
        answer
    }

    fn calls(&mut self, calls: &[&Call]) -> Vec<Answer> {
        let answers = self.inner.calls(calls);
        self.calls.extend(calls.iter().map(|&call| call.clone()).zip(answers.iter().cloned()));
        answers
    }
}

/// A journal of which it is noted what it did not take.
struct JournalTap<'a> {
    inner: &'a mut dyn Journal,
    entries: usize,
    unwritten: Vec<Unwritten>,
}

impl<'a> JournalTap<'a> {
    fn new(inner: &'a mut dyn Journal) -> Self {
        Self { inner, entries: 0, unwritten: Vec::new() }
    }

    /// Notes what became of so many entries. Where they were not all written, it is noted of the first: the loop makes no difference, and asks
    /// for none after it.
    fn noted(&mut self, entries: usize, written: Result<(), JournalError>) -> Result<(), JournalError> {
        let first = self.entries;
        self.entries += if written.is_ok() { entries } else { 1 };
        written.inspect_err(|error| {
            self.unwritten.push(Unwritten { entry: first, why: error.0.clone() });
        })
    }
}

impl Journal for JournalTap<'_> {
    fn write(&mut self, entry: &JournalEntry) -> Result<(), JournalError> {
        let written = self.inner.write(entry);
        self.noted(1, written)
    }

    fn begin_turn(
        &mut self,
        entry: &JournalEntry,
        plan: &Plan,
        records: &[DecisionRecord],
    ) -> Result<(), JournalError> {
        let written = self.inner.begin_turn(entry, plan, records);
        self.noted(1, written)
    }

    fn write_all(&mut self, entries: &[JournalEntry]) -> Result<(), JournalError> {
        let written = self.inner.write_all(entries);
        self.noted(entries.len(), written)
    }

    fn recall(&self) -> Result<Vec<JournalEntry>, JournalError> {
        self.inner.recall()
    }
}

fn allowed(cycle: &Cycle) -> Allowed {
    let config = cycle.config();
    Allowed { modes: config.modes.clone(), fresh_seconds: config.collect.freshness_seconds }
}

/// A turn, and the line of it.
pub(crate) fn turned(
    cycle: &mut Cycle,
    scope: Scope,
    means: Means<'_, '_>,
    now_seconds: u64,
    clock: &dyn Clock,
) -> (CycleReport, Line) {
    let Means { sources, decider, actuator, journal } = means;
    let mut hands = HandsTap { inner: actuator, calls: Vec::new() };
    let mut journal = JournalTap::new(journal);
    let tapped = Means { sources, decider, actuator: &mut hands, journal: &mut journal };
    let mut report = cycle.turn(scope, tapped, now_seconds, clock);
    let answers = Answers { moving: hands.moving(), calls: hands.calls, unwritten: journal.unwritten };
    let line = Turn {
        turn: report.cycle,
        time_seconds: cycle.snapshot().time_seconds,
        allowed: allowed(cycle),
        told: std::mem::take(&mut report.told),
        answers,
        foresight: (report.scope == Scope::Whole).then(|| Foresight::of(&report.assessment)),
        came: Came::of(&report, cycle.snapshot()),
    };
    (report, Line::Turn(Box::new(line)))
}

/// An approved plan that is carried out, and the line of it.
pub(crate) fn approved(
    cycle: &mut Cycle,
    plan: &Plan,
    hands: &mut dyn Actuator,
    journal: &mut dyn Journal,
) -> (Outcome, Line) {
    let mut hands = HandsTap { inner: hands, calls: Vec::new() };
    let mut journal = JournalTap::new(journal);
    let outcome = cycle.carry_out(plan, &mut hands, &mut journal);
    let line = Approved {
        plan: plan.clone(),
        allowed: allowed(cycle),
        answers: Answers { moving: hands.moving(), calls: hands.calls, unwritten: journal.unwritten },
        came: came_of_outcome(&outcome, cycle.snapshot()),
    };
    (outcome, Line::Approved(Box::new(line)))
}
