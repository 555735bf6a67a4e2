//! Executing: a plan is carried out part by part, each a statement that is done, comes under way, or is taken back where
//! only the whole is of use. Every call on the world is journaled before and after, so that a loop that was killed goes
//! on where it stood; parts that do not need each other are journaled and made together.

mod carry_out;
mod journal;

pub use carry_out::{carry_out, go_on, recall};
pub use journal::{Journal, JournalError};

use crate::model::{Answer, Call, Moving};

/// The hands: what changes the world. Names, since the world knows no ids.
pub trait Actuator {
    /// How it moves a placed task; it is not asked for [`Call::Move`] unless it says that tasks stand twice.
    fn moving(&self) -> Moving;

    /// Makes a call. It is done whole, comes under way (readings tell when it is done; it is not asked for again), or
    /// is refused and has changed nothing.
    fn call(&mut self, call: &Call) -> Answer;

    /// Makes calls of which none needs another, in any order or at the same time; one answer for each. One by one unless it says
    /// otherwise.
    fn calls(&mut self, calls: &[&Call]) -> Vec<Answer> {
        calls.iter().map(|call| self.call(call)).collect()
    }
}

#[cfg(test)]
mod tests;
