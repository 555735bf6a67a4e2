//! How the loop's memory follows from the entries of its journal.

use super::{Action, JournalEntry, Memory, Move, RecentMoves, Statement};

impl Memory {
    /// Takes in an entry; returns the part that is over by it.
    pub fn apply(&mut self, entry: &JournalEntry) -> Option<Statement> {
        match entry {
            JournalEntry::Turn { turn, .. } => self.turn = self.turn.max(*turn),
            JournalEntry::Opened { part, owners, moving, .. } => {
                self.turn = self.turn.max(part.key.turn);
                let statement = Statement::new(part.clone(), owners.clone(), *moving);
                self.underway.insert(part.key, statement);
            }
            JournalEntry::Calling { key, time_seconds, .. } => {
                if let Some(statement) = self.underway.get_mut(key) {
                    statement.begin(*time_seconds);
                }
            }
            JournalEntry::Answered { key, answer, time_seconds } => {
                let statement = self.underway.get_mut(key)?;
                if let Some(end) = statement.answer(answer, *time_seconds) {
                    let step = &statement.part().steps[end.step];
                    note_move(&mut self.moves, step, statement, end.step, end.done, *time_seconds);
                }
            }
            JournalEntry::Compared { order, .. } => self.order.clone_from(order),
            JournalEntry::Placing { placing, .. } => self.placing.clone_from(placing),
            JournalEntry::Remembered { memory } => self.clone_from(memory),
        }
        let over = self.underway.iter().find(|(_, s)| s.is_over()).map(|(&key, _)| key)?;
        self.underway.remove(&over)
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
