//! Carrying out: part by part, each call journaled before and after, taken back where the part's binding asks for it,
//! and gone on with in later turns and after a restart.

use super::{Actuator, Journal, JournalError};
use crate::model::{
    Answer, Call, Health, JournalEntry, Name, Outcome, PATIENCE_SECONDS, Part, PartKey, PartOutcome, Plan,
    Snapshot, StepResult,
};

/// Carries out the parts in order. A part whose predecessors are not done, or which comes a wave after something that is
/// under way, is not tried: the next plan sees the world as it is then. When the journal cannot be written, nothing more is
/// done. What is done is believed at once; readings confirm it.
pub fn carry_out(
    plan: &Plan,
    snapshot: &mut Snapshot,
    actuator: &mut dyn Actuator,
    journal: &mut dyn Journal,
) -> Outcome {
    let mut outcome = Outcome::default();
    let mut wave_underway: Option<u32> = None;
    for part in &plan.parts {
        let not_done = |key: &PartKey| match outcome.parts.iter().find(|p| p.key == *key) {
            Some(before) => !before.is_done(),
            None => snapshot.memory.statement(*key).is_some(),
        };
        let too_early = wave_underway.is_some_and(|wave| part.first_wave() > wave);
        let tried = if too_early || part.after.iter().any(not_done) {
            Ok(PartOutcome { key: part.key, results: vec![StepResult::NotTried; part.steps.len()] })
        } else {
            begin(part, snapshot, actuator, journal)
        };
        match tried {
            Ok(tried) => {
                if tried.is_underway() {
                    wave_underway.get_or_insert(part.first_wave());
                }
                outcome.parts.push(tried);
            }
            Err(error) => {
                outcome.halted = Some(error.0);
                break;
            }
        }
    }
    outcome
}

/// Goes on with the parts that are under way: looks what has become of the calls in hand, makes the next ones. Called at
/// the start of a turn, also of the first one after a restart.
pub fn go_on(snapshot: &mut Snapshot, actuator: &mut dyn Actuator, journal: &mut dyn Journal) -> Outcome {
    let mut outcome = Outcome::default();
    snapshot.memory.wake();
    let keys: Vec<PartKey> = snapshot.memory.underway().map(|s| s.part().key).collect();
    for key in keys {
        let settled = settle(key, snapshot, actuator, journal);
        let ended = settled.and_then(|over| match over {
            Some(over) => Ok(over),
            None => run(key, snapshot, actuator, journal),
        });
        match ended {
            Ok(ended) => outcome.parts.push(ended),
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

fn begin(
    part: &Part,
    snapshot: &mut Snapshot,
    actuator: &mut dyn Actuator,
    journal: &mut dyn Journal,
) -> Result<PartOutcome, JournalError> {
    let promised = snapshot.memory.tasks_underway();
    if part.steps.iter().filter_map(|step| step.task()).any(|task| promised.contains(&**task)) {
        let refused = StepResult::Refused("another part has a hand on the task".to_owned());
        return Ok(PartOutcome { key: part.key, results: vec![refused; part.steps.len()] });
    }
    let owner_of = |task: &Name| {
        let task = *snapshot.task_by_name.get(&**task)?;
        let owner = snapshot.cluster.task(task).owner?;
        Some(Name::from(snapshot.cluster.owner_name(owner)))
    };
    let opened = JournalEntry::Opened {
        part: part.clone(),
        owners: part.steps.iter().map(|step| step.task().and_then(owner_of)).collect(),
        moving: actuator.moving(),
        time_seconds: snapshot.time_seconds,
    };
    match note(&opened, snapshot, journal)? {
        Some(over) => Ok(over),
        None => run(part.key, snapshot, actuator, journal),
    }
}

/// Makes the calls of a part until it is over, something is under way, or its way back is blocked.
fn run(
    key: PartKey,
    snapshot: &mut Snapshot,
    actuator: &mut dyn Actuator,
    journal: &mut dyn Journal,
) -> Result<PartOutcome, JournalError> {
    loop {
        let Some(statement) = snapshot.memory.statement(key) else {
            return Ok(PartOutcome { key, results: Vec::new() });
        };
        let Some(call) = statement.next_call() else { return Ok(statement.outcome()) };
        if let Some(over) = make(key, &call, snapshot, actuator, journal)? {
            return Ok(over);
        }
    }
}

/// Makes one call; returns what became of the part when it is over by it.
fn make(
    key: PartKey,
    call: &Call,
    snapshot: &mut Snapshot,
    actuator: &mut dyn Actuator,
    journal: &mut dyn Journal,
) -> Result<Option<PartOutcome>, JournalError> {
    let time_seconds = snapshot.time_seconds;
    note(&JournalEntry::Calling { key, call: call.clone(), time_seconds }, snapshot, journal)?;
    let answer = actuator.call(call);
    if answer == Answer::Done {
        believe(call, snapshot);
    }
    note(&JournalEntry::Answered { key, answer, time_seconds }, snapshot, journal)
}

/// Looks what has become of the call in hand.
fn settle(
    key: PartKey,
    snapshot: &mut Snapshot,
    actuator: &mut dyn Actuator,
    journal: &mut dyn Journal,
) -> Result<Option<PartOutcome>, JournalError> {
    let in_hand = snapshot.memory.statement(key).and_then(crate::model::Statement::in_hand);
    let Some((call, since_seconds, heard)) = in_hand else { return Ok(None) };
    let time_seconds = snapshot.time_seconds;
    let waited = time_seconds.saturating_sub(since_seconds);
    let answer = match seen(&call, snapshot) {
        Some(answer) => answer,
        None if heard && waited < PATIENCE_SECONDS => return Ok(None),
        None if heard => Answer::Refused(format!("not done within {waited} s")),
        // Nobody knows whether the call was ever made, and nothing is to be seen of it.
        None => return make(key, &call, snapshot, actuator, journal),
    };
    note(&JournalEntry::Answered { key, answer, time_seconds }, snapshot, journal)
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
        Call::Stop { task, from } => match place_of(task) {
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

/// Writes an entry and remembers it; returns what became of the part that is over by it.
fn note(
    entry: &JournalEntry,
    snapshot: &mut Snapshot,
    journal: &mut dyn Journal,
) -> Result<Option<PartOutcome>, JournalError> {
    journal.write(entry)?;
    Ok(snapshot.memory.apply(entry).map(|over| over.outcome()))
}
