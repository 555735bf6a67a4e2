//! Carrying out a plan, and finding out after a kill what became of the step in hand.

use super::{Actuator, Journal, JournalEntry, NamedAction};
use crate::model::{Outcome, Plan, Snapshot, StepResult};

/// Carries out the steps in order. A step that is refused does not stop the later ones: each is checked by
/// the world on its own.
pub fn carry_out(
    plan: &Plan,
    snapshot: &Snapshot,
    cycle: u64,
    actuator: &mut dyn Actuator,
    journal: &mut dyn Journal,
) -> Outcome {
    let mut outcome = Outcome::default();
    for (number, step) in plan.steps.iter().enumerate() {
        let id = (cycle, number as u32);
        let action = NamedAction::of(&step.action, &snapshot.cluster);
        journal.write(JournalEntry::Begun { id, action: action.clone() });
        let result = do_one(&action, actuator);
        journal.write(JournalEntry::Ended { id, result: result.clone() });
        outcome.results.push(result);
    }
    outcome
}

fn do_one(action: &NamedAction, actuator: &mut dyn Actuator) -> StepResult {
    let done = match action {
        NamedAction::Place { task, to } => actuator.place(task, &to.0, to.1),
        NamedAction::Preempt { task } => actuator.evict(task),
        NamedAction::Cordon { node, cordoned } => actuator.cordon(node, *cordoned),
        NamedAction::Migrate { task, from, to } => match actuator.evict(task) {
            Err(refused) => Err(refused),
            Ok(()) => {
                let Err(refused) = actuator.place(task, &to.0, to.1) else { return StepResult::Done };
                // Half done: back to where it stood, or it waits as pending for the next plan.
                return match actuator.place(task, &from.0, from.1) {
                    Ok(()) => StepResult::Undone(format!("{refused}; the task is back on {}", from.0)),
                    Err(again) => StepResult::Undone(format!("{refused}; not back on {}: {again}", from.0)),
                };
            }
        },
    };
    match done {
        Ok(()) => StepResult::Done,
        Err(refused) => StepResult::Refused(refused.0),
    }
}

/// Closes the journal's unfinished step after a kill, by what the world shows now: the step is done when
/// its task stands where it was to go (or its node is cordoned), otherwise it is not, and what of it is
/// half done is a pending task that the next plan places. Returns what was found.
pub fn recover(snapshot: &Snapshot, journal: &mut dyn Journal) -> Option<StepResult> {
    let Some(JournalEntry::Begun { id, action }) = journal.unfinished() else { return None };
    let stands_on = |task: &str| {
        let task = *snapshot.task_by_name.get(task)?;
        Some(snapshot.cluster.node_name(snapshot.cluster.placement(task)?.node).to_owned())
    };
    let done = match &action {
        NamedAction::Place { task, to } | NamedAction::Migrate { task, to, .. } => {
            stands_on(task).as_ref() == Some(&to.0)
        }
        NamedAction::Preempt { task } => stands_on(task).is_none(),
        NamedAction::Cordon { node, cordoned } => {
            let node = snapshot.cluster.node_named(node);
            node.is_some_and(|n| snapshot.cluster.health(n).takes_tasks() != *cordoned)
        }
    };
    let result = if done {
        StepResult::Done
    } else {
        StepResult::Undone("the loop was stopped in the middle of the step".to_owned())
    };
    journal.write(JournalEntry::Ended { id, result: result.clone() });
    Some(result)
}
