//! How the loop's memory follows from the entries of its journal.

use super::{Action, JournalEntry, Memory, Move, RecentMoves, Statement};

impl Memory {
    /// Takes in an entry; returns the part that is over by it.
    pub fn apply(&mut self, entry: &JournalEntry) -> Option<Statement> {
        let key = match entry {
            JournalEntry::Turn { turn, .. } => {
                self.turn = self.turn.max(*turn);
                return None;
            }
            JournalEntry::Opened { part, owners, moving, .. } => {
                self.turn = self.turn.max(part.key.turn);
                let statement = Statement::new(part.clone(), owners.clone(), *moving);
                self.underway.insert(part.key, statement);
                part.key
            }
            JournalEntry::Calling { key, call, time_seconds } => {
                self.underway.get_mut(key)?.begin(call, *time_seconds);
                return None;
            }
            JournalEntry::Answered { key, call, answer, time_seconds } => {
                let statement = self.underway.get_mut(key)?;
                for end in statement.answer(call.as_ref(), answer, *time_seconds) {
                    let step = &statement.part().steps[end.step];
                    note_move(&mut self.moves, step, statement, end.step, end.done, *time_seconds);
                }
                *key
            }
            JournalEntry::Compared { order, .. } => {
                self.order.clone_from(order);
                return None;
            }
            JournalEntry::Placing { placing, .. } => {
                self.placing.clone_from(placing);
                return None;
            }
            JournalEntry::Remembered { memory } => {
                self.clone_from(memory);
                return None;
            }
        };
        if self.underway.get(&key)?.is_over() { self.underway.remove(&key) } else { None }
    }
}

/// Remembers that a step disturbed its task.
fn note_move(
    moves: &mut RecentMoves,
    step: &Action,
    statement: &Statement,
    at: usize,
    done: bool,
    time_seconds: u64,
) {
    if let (Action::Place { task, to }, true) = (step, done) {
        moves.arrived(task, &to.node);
        return;
    }
    let (Some(task), Some(from)) = (step.task(), step.from()) else { return };
    moves.record(Move {
        time_seconds,
        task: task.clone(),
        owner: statement.owner(at).cloned(),
        from: from.node.clone(),
        to: step.to().filter(|_| done).map(|to| to.node.clone()),
    });
}
