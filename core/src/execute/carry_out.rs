//! Carrying out: part by part, each call journaled before and after, taken back where the part's binding asks for it,
//! and gone on with in later turns and after a restart.

use std::collections::{BTreeMap, BTreeSet};

use super::{Actuator, Journal, JournalError};
use crate::model::{
    Action, Answer, Call, Health, JournalEntry, Moving, Name, Outcome, PATIENCE_SECONDS, Part, PartKey,
    PartOutcome, Plan, Snapshot, Statement, StepResult,
};

/// Calls that are made together, with one write of the journal before and one after.
const TOGETHER_MAX: usize = 1024;

/// Carries out the parts in order, one after the other in the plan together where they do not need each other. A part whose predecessors
/// are not done, or which comes a wave after something that is under way, is not tried: the next plan sees the world as it is then. When
/// the journal cannot be written, nothing more is done. What is done is believed at once; readings confirm it.
pub fn carry_out(
    plan: &Plan,
    snapshot: &mut Snapshot,
    actuator: &mut dyn Actuator,
    journal: &mut dyn Journal,
) -> Outcome {
    let mut outcome = Outcome::default();
    let mut wave_underway: Option<u32> = None;
    let mut parts = &plan.parts[..];
    while let Some(first) = parts.first() {
        let (group, rest) = parts.split_at(together(parts.iter()));
        parts = rest;
        let too_early = wave_underway.is_some_and(|wave| first.first_wave() > wave);
        let tried = begin(group, too_early, &outcome, snapshot, actuator, journal).and_then(|begun| {
            let open = begun.iter().filter_map(|(key, over)| over.is_none().then_some(*key)).collect();
            let mut came = run(open, snapshot, actuator, journal)?.into_iter();
            Ok(begun.into_iter().filter_map(|(_, over)| over.or_else(|| came.next())).collect::<Vec<_>>())
        });
        match tried {
            Ok(tried) => {
                if tried.iter().any(PartOutcome::is_underway) {
                    wave_underway.get_or_insert(first.first_wave());
                }
                outcome.parts.extend(tried);
            }
            Err(error) => {
                outcome.halted = Some(error.0);
                break;
            }
        }
    }
    outcome
}

/// How many of the first parts can be carried out together: those of tasks alone, in the same wave, none after another, and none of which
/// brings a task where another takes one away, so that each can be taken back whatever becomes of the others. The plan holds every rule after
/// each of its steps, so what is made in another order holds them too: all tasks that go leave room, and all that come were to stand together.
fn together<'a>(parts: impl Iterator<Item = &'a Part>) -> usize {
    let (mut keys, mut wave) = (BTreeSet::new(), None);
    let (mut left, mut entered) = (BTreeSet::new(), BTreeSet::new());
    for part in parts {
        let of_tasks = part.steps.iter().all(|step| step.task().is_some());
        let leaves = || part.steps.iter().filter_map(Action::from).map(|spot| &spot.node);
        let enters = || part.steps.iter().filter_map(Action::to).map(|spot| &spot.node);
        let is_one = of_tasks
            && *wave.get_or_insert(part.first_wave()) == part.first_wave()
            && part.after.iter().all(|key| !keys.contains(key))
            && leaves().all(|node| !entered.contains(node))
            && enters().all(|node| !left.contains(node));
        if !is_one {
            break;
        }
        keys.insert(part.key);
        left.extend(leaves());
        entered.extend(enters());
    }
    keys.len().max(1)
}

/// Goes on with the parts that are under way: looks what has become of the calls in hand, makes those again that may never have been
/// heard, and the next ones. Called at the start of a turn, also of the first one after a restart.
pub fn go_on(snapshot: &mut Snapshot, actuator: &mut dyn Actuator, journal: &mut dyn Journal) -> Outcome {
    let mut outcome = Outcome::default();
    snapshot.memory.wake();
    let parts: Vec<Part> = snapshot.memory.underway().map(|s| s.part().clone()).collect();
    let settled = settle(snapshot, journal).and_then(|Settled { mut over, unheard }| {
        over.extend(make(&unheard, snapshot, actuator, journal)?);
        Ok(over)
    });
    let over = match settled {
        Ok(over) => over,
        Err(error) => return Outcome { halted: Some(error.0), ..outcome },
    };
    let mut parts = &parts[..];
    while !parts.is_empty() {
        let (group, rest) = parts.split_at(together(parts.iter()));
        parts = rest;
        let ended = |key: &PartKey| over.iter().find(|over| over.key == *key).cloned();
        let open = group.iter().map(|part| part.key).filter(|key| ended(key).is_none()).collect();
        match run(open, snapshot, actuator, journal) {
            Ok(came) => {
                outcome.parts.extend(group.iter().filter_map(|part| ended(&part.key)));
                outcome.parts.extend(came);
            }
            Err(error) => {
                outcome.halted = Some(error.0);
                break;
            }
        }
    }
    outcome
}

/// Takes up the memory of a loop that ended: what was under way is gone on with in the next turn.
pub fn recall(snapshot: &mut Snapshot, journal: &dyn Journal) -> Result<(), JournalError> {
    for entry in journal.recall()? {
        snapshot.memory.apply(&entry);
    }
    Ok(())
}

/// Opens the parts that may be carried out now; says of each of the others what it came to.
fn begin(
    parts: &[Part],
    too_early: bool,
    before: &Outcome,
    snapshot: &mut Snapshot,
    actuator: &dyn Actuator,
    journal: &mut dyn Journal,
) -> Result<Vec<(PartKey, Option<PartOutcome>)>, JournalError> {
    let mut promised: BTreeSet<Name> = snapshot.memory.tasks_underway().into_iter().map(Name::from).collect();
    let mut begun = Vec::with_capacity(parts.len());
    for part in parts {
        let not_done = |key: &PartKey| match before.parts.iter().find(|p| p.key == *key) {
            Some(before) => !before.is_done(),
            None => snapshot.memory.statement(*key).is_some(),
        };
        let of_all =
            |result: StepResult| Some(PartOutcome { key: part.key, results: vec![result; part.steps.len()] });
        let tasks = || part.steps.iter().filter_map(|step| step.task());
        let over = if too_early || part.after.iter().any(not_done) {
            of_all(StepResult::NotTried)
        } else if tasks().any(|task| promised.contains(task)) {
            of_all(StepResult::Refused("another part has a hand on the task".to_owned()))
        } else {
            promised.extend(tasks().cloned());
            open(part, snapshot, actuator.moving(), journal)?
        };
        begun.push((part.key, over));
    }
    Ok(begun)
}

fn open(
    part: &Part,
    snapshot: &mut Snapshot,
    moving: Moving,
    journal: &mut dyn Journal,
) -> Result<Option<PartOutcome>, JournalError> {
    let owner_of = |task: &Name| {
        let task = *snapshot.task_by_name.get(&**task)?;
        let owner = snapshot.cluster.task(task).owner?;
        Some(Name::from(snapshot.cluster.owner_name(owner)))
    };
    let opened = JournalEntry::Opened {
        part: part.clone(),
        owners: part.steps.iter().map(|step| step.task().and_then(owner_of)).collect(),
        moving,
        time_seconds: snapshot.time_seconds,
    };
    Ok(note(&[opened], snapshot, journal)?.pop())
}

/// Makes the calls of parts until each is over, something of it is under way, or its way back is blocked; says what came of each.
fn run(
    mut open: Vec<PartKey>,
    snapshot: &mut Snapshot,
    actuator: &mut dyn Actuator,
    journal: &mut dyn Journal,
) -> Result<Vec<PartOutcome>, JournalError> {
    let keys = open.clone();
    let mut over: Vec<PartOutcome> = Vec::new();
    loop {
        let mut calls = Vec::new();
        for &key in &open {
            let Some(statement) = snapshot.memory.statement(key) else { continue };
            let next = statement.next_calls(TOGETHER_MAX - calls.len());
            calls.extend(next.into_iter().map(|call| (key, call)));
            if calls.len() == TOGETHER_MAX {
                break;
            }
        }
        if calls.is_empty() {
            break;
        }
        over.extend(make(&calls, snapshot, actuator, journal)?);
        open.retain(|key| snapshot.memory.statement(*key).is_some());
    }
    let mut ended: BTreeMap<PartKey, PartOutcome> = over.into_iter().map(|over| (over.key, over)).collect();
    let now = |key| match snapshot.memory.statement(key) {
        Some(statement) => statement.outcome(),
        None => ended.remove(&key).unwrap_or(PartOutcome { key, results: Vec::new() }),
    };
    Ok(keys.into_iter().map(now).collect())
}

/// Makes calls of which none needs another; returns what became of the parts that are over by them.
fn make(
    calls: &[(PartKey, Call)],
    snapshot: &mut Snapshot,
    actuator: &mut dyn Actuator,
    journal: &mut dyn Journal,
) -> Result<Vec<PartOutcome>, JournalError> {
    let time_seconds = snapshot.time_seconds;
    let calling =
        |(key, call): &(PartKey, Call)| JournalEntry::Calling { key: *key, call: call.clone(), time_seconds };
    note(&calls.iter().map(calling).collect::<Vec<_>>(), snapshot, journal)?;
    let made: Vec<&Call> = calls.iter().map(|(_, call)| call).collect();
    let answers = actuator.calls(&made);
    let mut answered = Vec::with_capacity(calls.len());
    for ((key, call), answer) in calls.iter().zip(answers) {
        if answer == Answer::Done {
            believe(call, snapshot);
        }
        answered.push(JournalEntry::Answered { key: *key, call: Some(call.clone()), answer, time_seconds });
    }
    note(&answered, snapshot, journal)
}

/// What has become of the calls in hand.
struct Settled {
    /// Parts that are over.
    over: Vec<PartOutcome>,
    /// Calls of which nobody knows whether they were ever made, and nothing is to be seen.
    unheard: Vec<(PartKey, Call)>,
}

/// Looks what has become of the calls in hand.
fn settle(snapshot: &mut Snapshot, journal: &mut dyn Journal) -> Result<Settled, JournalError> {
    let in_hand = |s: &Statement| s.in_hand().map(|hand| (s.part().key, hand)).collect::<Vec<_>>();
    let in_hand: Vec<_> = snapshot.memory.underway().flat_map(in_hand).collect();
    let time_seconds = snapshot.time_seconds;
    let (mut answered, mut unheard) = (Vec::new(), Vec::new());
    for (key, (call, since_seconds, heard)) in in_hand {
        let waited = time_seconds.saturating_sub(since_seconds);
        let answer = match seen(&call, snapshot) {
            Some(answer) => answer,
            None if heard && waited < PATIENCE_SECONDS => continue,
            None if heard => Answer::Refused(format!("not done within {waited} s")),
            None => {
                unheard.push((key, call));
                continue;
            }
        };
        answered.push(JournalEntry::Answered { key, call: Some(call), answer, time_seconds });
    }
    Ok(Settled { over: note(&answered, snapshot, journal)?, unheard })
}

/// What the belief says of a call that was made; `None` while nothing is to be seen of it.
fn seen(call: &Call, snapshot: &Snapshot) -> Option<Answer> {
    let gone = |task: &Name| Some(Answer::Refused(format!("task {task} is gone")));
    let place_of = |task: &Name| {
        let task = *snapshot.task_by_name.get(&**task)?;
        Some((task, snapshot.cluster.placement(task)))
    };
    let elsewhere = || Some(Answer::Refused("the task stands elsewhere".to_owned()));
    match call {
        Call::Start { task, to } => match place_of(task) {
            None => gone(task),
            Some((_, None)) => None,
            Some((_, Some(place))) if to.placement(&snapshot.cluster) == Some(place) => Some(Answer::Done),
            Some(_) => elsewhere(),
        },
        Call::Stop { task, from, .. } => match place_of(task) {
            None | Some((_, None)) => Some(Answer::Done),
            Some((_, Some(place))) if from.placement(&snapshot.cluster) != Some(place) => elsewhere(),
            Some((task, _)) => snapshot.task(task).leaving.then_some(Answer::Underway),
        },
        Call::Move { task, from, to } => match place_of(task) {
            None | Some((_, None)) => gone(task),
            Some((_, Some(place))) if to.placement(&snapshot.cluster) == Some(place) => Some(Answer::Done),
            Some((_, Some(place))) if from.placement(&snapshot.cluster) == Some(place) => None,
            Some(_) => elsewhere(),
        },
        Call::Cordon { node, cordoned } => match snapshot.cluster.node_named(node) {
            None => Some(Answer::Refused(format!("node {node} is gone"))),
            Some(id) => (snapshot.cordoned_by_loop.contains(&id) == *cordoned).then_some(Answer::Done),
        },
    }
}

/// Believes what was done at once: until the next reading it is the best that is known.
fn believe(call: &Call, snapshot: &mut Snapshot) {
    let task_of = |snapshot: &Snapshot, task: &Name| snapshot.task_by_name.get(&**task).copied();
    match call {
        Call::Start { task, to } | Call::Move { task, to, .. } => {
            if let (Some(task), Some(place)) = (task_of(snapshot, task), to.placement(&snapshot.cluster)) {
                snapshot.stands(task, place);
            }
        }
        Call::Stop { task, .. } => {
            if let Some(task) = task_of(snapshot, task) {
                snapshot.waits(task);
            }
        }
        Call::Cordon { node, cordoned } => {
            if let Some(node) = snapshot.cluster.node_named(node) {
                let health = match (snapshot.cluster.health(node), cordoned) {
                    (Health::Up, true) => Health::Cordoned,
                    (Health::Cordoned, false) => Health::Up,
                    (other, _) => other,
                };
                snapshot.set_node_state(node, health, *cordoned);
            }
        }
    }
}

/// Writes entries and remembers them; returns what became of the parts that are over by them.
fn note(
    entries: &[JournalEntry],
    snapshot: &mut Snapshot,
    journal: &mut dyn Journal,
) -> Result<Vec<PartOutcome>, JournalError> {
    if !entries.is_empty() {
        journal.write_all(entries)?;
    }
    let over = entries.iter().filter_map(|entry| snapshot.memory.apply(entry));
    Ok(over.map(|over| over.outcome()).collect())
}
