//! Plays recordings again: the loop is given what it was given, and what comes of each turn must be what came of it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use lepton_core::collect::{CollectConfig, Source};
use lepton_core::cycle::{Cycle, CycleConfig, Means, Told};
use lepton_core::decide::plan::{Lepton, Scope};
use lepton_core::execute::{Actuator, Journal, JournalError};
use lepton_core::model::{
    Answer, Call, Clock, JournalEntry, Mode, Modes, Moving, Readings, Settings, Snapshot,
};
use lepton_sim::readers::InputError;
use serde_json::Value;

use super::form::{
    Allowed, Answers, Approved, Begins, Came, Head, Line, Thought, Turn, belief, came_of_outcome,
};
use super::read::Lines;

/// What was played.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Played {
    /// Turns that came out the same.
    pub(crate) turns: u64,
    /// Of them those that decided anything.
    pub(crate) plans: u64,
    /// Steps of their plans.
    pub(crate) steps: u64,
    /// Stretches that were begun with the loop as it stood.
    pub(crate) stretches: u64,
    /// The cluster's time of the first and the last turn, seconds.
    pub(crate) from_seconds: Option<u64>,
    pub(crate) to_seconds: Option<u64>,
    /// The first difference, where there is one: nothing after it is played.
    pub(crate) difference: Option<String>,
    /// Whether all lines were played.
    pub(crate) reached_end: bool,
    /// The version of Lepton that recorded.
    pub(crate) recorded_by: String,
}

/// Plays recordings.
#[derive(Default)]
pub(crate) struct Player {
    cycle: Option<Cycle>,
    decider: Option<Lepton>,
    played: Played,
}

impl Player {
    /// Plays the lines of a file after what was played before.
    ///
    /// # Errors
    /// When the file is no recording, is not as it was written, or does not hold together.
    pub(crate) fn play(&mut self, lines: &mut Lines) -> Result<(), InputError> {
        self.play_until(lines, u64::MAX)
    }

    /// Plays them up to the last turn that is not later than this.
    ///
    /// # Errors
    /// The same.
    pub(crate) fn play_until(&mut self, lines: &mut Lines, until_seconds: u64) -> Result<(), InputError> {
        self.played.reached_end = false;
        while let Some(line) = lines.next()? {
            if matches!(&line, Line::Turn(turn) if turn.time_seconds > until_seconds) {
                return Ok(());
            }
            if self.played.difference.is_some() {
                // The rest is only read: whether the file is as it was written is said in any case.
                continue;
            }
            // A file that does not hold together may lead anywhere.
            let stepped = catch_unwind(AssertUnwindSafe(|| self.step(line)));
            match stepped {
                Ok(Ok(())) => {}
                Ok(Err(difference)) => self.played.difference = Some(difference),
                Err(_) => {
                    let said = "what is recorded here does not hold together".to_owned();
                    return Err(lines.wrong(said));
                }
            }
        }
        self.played.reached_end = true;
        Ok(())
    }

    /// What the loop believes after what was played.
    pub(crate) fn into_snapshot(self) -> Option<Snapshot> {
        self.cycle.map(|cycle| cycle.snapshot().clone())
    }

    /// What was played.
    pub(crate) fn played(&self) -> &Played {
        &self.played
    }

    /// Plays a line; what differs from what was recorded, as an error.
    fn step(&mut self, line: Line) -> Result<(), String> {
        match line {
            Line::Head(head) => self.take_head(&head),
            Line::Begins(begins) => self.begin(*begins),
            Line::Turn(turn) => self.turn(*turn),
            Line::Approved(approved) => self.approved(*approved),
            Line::Thought(thought) => self.thought(*thought),
            Line::Numbered => {
                self.cycle.as_mut().map(Cycle::take_number);
                Ok(())
            }
            Line::Kept(_) | Line::End(_) => Ok(()),
        }
    }

    fn take_head(&mut self, head: &Head) -> Result<(), String> {
        self.played.recorded_by.clone_from(&head.lepton);
        self.decider = Some(head.decider.decider().map_err(|error| error.to_string())?);
        Ok(())
    }

    fn begin(&mut self, begins: Begins) -> Result<(), String> {
        let before = self.cycle.as_ref().filter(|_| begins.goes_on).map(|cycle| belief(cycle.snapshot()));
        let recorded = belief(&begins.snapshot);
        if let Some(now) = before.filter(|now| *now != recorded) {
            return Err(format!(
                "at {} s, where a new stretch begins, `belief`: recorded \"{recorded}\", played \"{now}\"",
                begins.time_seconds
            ));
        }
        let config = CycleConfig {
            modes: Modes::all(Mode::Observe),
            collect: CollectConfig::default(),
            settings: Settings::default(),
            analyst: Default::default(),
        };
        self.cycle = Some(Cycle::resume(config, begins.snapshot, begins.proposal));
        self.played.stretches += 1;
        Ok(())
    }

    fn turn(&mut self, turn: Turn) -> Result<(), String> {
        let (Some(cycle), Some(decider)) = (&mut self.cycle, &mut self.decider) else {
            return Err(format!("turn {} comes before the loop as it stood", turn.turn));
        };
        let at = format!("turn {} at {} s", turn.turn, turn.time_seconds);
        configure(cycle, turn.allowed);
        let parts = turn.told.iter().map(|told| told.source + 1).max().unwrap_or(0);
        let told = RefCell::new(VecDeque::from(turn.told));
        let unexpected = RefCell::new(None);
        let mut sources: Vec<ToldSource<'_>> =
            (0..parts).map(|number| ToldSource { number, told: &told, unexpected: &unexpected }).collect();
        let mut sources: Vec<&mut dyn Source> =
            sources.iter_mut().map(|source| source as &mut dyn Source).collect();
        let (mut hands, mut journal) = answering(turn.answers, &unexpected);
        let scope = if turn.foresight.is_some() { Scope::Whole } else { Scope::Waiting };
        turn.foresight.into_iter().for_each(|foresight| cycle.foresee(foresight));
        let means = Means { sources: &mut sources, decider, actuator: &mut hands, journal: &mut journal };
        let report = cycle.turn(scope, means, turn.time_seconds, &NoClock);
        if let Some(unexpected) = unexpected.take() {
            return Err(format!("{at}: {unexpected}"));
        }
        let compared = |came: &Came| serde_json::to_value(came).map_err(|error| format!("{at}: {error}"));
        let (was, now) = (compared(&turn.came)?, compared(&Came::of(&report, cycle.snapshot()))?);
        same(&was, &now).map_err(|difference| format!("{at}, {difference}"))?;
        let played = &mut self.played;
        played.turns += 1;
        played.plans += u64::from(!report.plan.parts.is_empty());
        played.steps += report.plan.parts.iter().map(|part| part.steps.len() as u64).sum::<u64>();
        played.from_seconds.get_or_insert(turn.time_seconds);
        played.to_seconds = Some(turn.time_seconds);
        Ok(())
    }

    fn approved(&mut self, approved: Approved) -> Result<(), String> {
        let Some(cycle) = &mut self.cycle else { return Ok(()) };
        configure(cycle, approved.allowed);
        let unexpected = RefCell::new(None);
        let (mut hands, mut journal) = answering(approved.answers, &unexpected);
        let outcome = cycle.carry_out(&approved.plan, &mut hands, &mut journal);
        let at = format!("an approved plan at {} s", cycle.snapshot().time_seconds);
        if let Some(unexpected) = unexpected.take() {
            return Err(format!("{at}: {unexpected}"));
        }
        let now = came_of_outcome(&outcome, cycle.snapshot());
        same(&approved.came, &now).map_err(|difference| format!("{at}, {difference}"))
    }

    fn thought(&mut self, thought: Thought) -> Result<(), String> {
        let Some(cycle) = &mut self.cycle else { return Ok(()) };
        if let Some(proposal) = thought.proposal {
            cycle.propose(proposal);
        }
        match thought.placing {
            Some(placing) => cycle.place_by(placing, &mut Vec::new()).map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }
}

fn configure(cycle: &mut Cycle, allowed: Allowed) {
    let collect = CollectConfig { freshness_seconds: allowed.fresh_seconds, ..CollectConfig::default() };
    cycle.configure(allowed.modes, collect);
}

/// What is asked that was not asked when it was recorded.
type Unexpected = RefCell<Option<String>>;

fn note(unexpected: &Unexpected, said: String) {
    unexpected.borrow_mut().get_or_insert(said);
}

/// A source that tells again what it told.
struct ToldSource<'a> {
    number: usize,
    told: &'a RefCell<VecDeque<Told>>,
    unexpected: &'a Unexpected,
}

impl ToldSource<'_> {
    fn give(&self, listed: bool) -> Readings {
        let next = self.told.borrow_mut().pop_front();
        match next.filter(|told| told.source == self.number && told.listed == listed) {
            Some(told) => told.readings,
            None => {
                let what = if listed { "a list" } else { "news" };
                note(self.unexpected, format!("source {} is asked for {what}, and was not", self.number));
                Readings {
                    source: String::new(),
                    time_seconds: 0,
                    sequence: None,
                    complete: false,
                    readings: Vec::new(),
                }
            }
        }
    }
}

impl Source for ToldSource<'_> {
    fn poll(&mut self, _: u64) -> Readings {
        self.give(false)
    }

    fn list(&mut self, _: u64) -> Readings {
        self.give(true)
    }
}

/// Hands that answer again what they answered.
struct ToldHands<'a> {
    moving: Moving,
    calls: VecDeque<(Call, Answer)>,
    unexpected: &'a Unexpected,
}

impl Actuator for ToldHands<'_> {
    fn moving(&self) -> Moving {
        self.moving
    }

    fn call(&mut self, call: &Call) -> Answer {
        match self.calls.pop_front() {
            Some((recorded, answer)) if recorded == *call => answer,
            recorded => {
                let recorded = recorded.map(|(call, _)| call);
                note(self.unexpected, format!("the call is {call:?}, recorded is {recorded:?}"));
                Answer::Refused(String::new())
            }
        }
    }
}

/// A journal that takes what it took.
struct ToldJournal {
    entries: usize,
    unwritten: Vec<super::form::Unwritten>,
}

impl Journal for ToldJournal {
    fn write(&mut self, _: &JournalEntry) -> Result<(), JournalError> {
        self.entries += 1;
        let refused = self.unwritten.iter().find(|unwritten| unwritten.entry + 1 == self.entries);
        refused.map_or(Ok(()), |unwritten| Err(JournalError(unwritten.why.clone())))
    }

    fn recall(&self) -> Result<Vec<JournalEntry>, JournalError> {
        Ok(Vec::new())
    }
}

fn answering(answers: Answers, unexpected: &Unexpected) -> (ToldHands<'_>, ToldJournal) {
    let Answers { moving, calls, unwritten } = answers;
    (ToldHands { moving, calls: calls.into(), unexpected }, ToldJournal { entries: 0, unwritten })
}

/// Nothing is measured here.
struct NoClock;

impl Clock for NoClock {
    fn now_nanos(&self) -> u64 {
        0
    }
}

/// The first difference between two values, with the way to it.
fn same(recorded: &Value, played: &Value) -> Result<(), String> {
    // Numbers are compared as they are written.
    let written = |value: &Value| serde_json::to_string(value).unwrap_or_default();
    if written(recorded) == written(played) {
        return Ok(());
    }
    let (way, recorded, played) = first_difference(recorded, played, String::new());
    let shown = |value: Option<&Value>| value.map_or("nothing".to_owned(), written);
    Err(format!("`{way}`: recorded {}, played {}", shown(recorded), shown(played)))
}

type Difference<'a> = (String, Option<&'a Value>, Option<&'a Value>);

fn first_difference<'a>(recorded: &'a Value, played: &'a Value, way: String) -> Difference<'a> {
    let inside = |at: &str, one: Option<&'a Value>, other: Option<&'a Value>| {
        let way = format!("{way}/{at}");
        match (one, other) {
            (Some(one), Some(other)) if one != other => Some(first_difference(one, other, way)),
            (Some(_), Some(_)) | (None, None) => None,
            (one, other) => Some((way, one, other)),
        }
    };
    let found = match (recorded, played) {
        (Value::Object(one), Value::Object(other)) => {
            let names = one.keys().chain(other.keys().filter(|name| !one.contains_key(*name)));
            names.into_iter().find_map(|name| inside(name, one.get(name), other.get(name)))
        }
        (Value::Array(one), Value::Array(other)) => {
            let count = one.len().max(other.len());
            (0..count).find_map(|at| inside(&at.to_string(), one.get(at), other.get(at)))
        }
        _ => None,
    };
    found.unwrap_or((way, Some(recorded), Some(played)))
}
