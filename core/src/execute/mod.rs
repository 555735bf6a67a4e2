//! Executing: a plan is carried out step by step. Each step is checked against the world as it is now,
//! journaled before and after, and undone when only half of it could be done.

mod carry_out;
mod journal;

pub use carry_out::{carry_out, recover};
pub use journal::{Journal, JournalEntry, NamedAction};

use crate::model::DeviceSet;

/// Why the world refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// The hands: what changes the world. Names, since the world knows no ids. Every call is atomic: done
/// whole or refused.
pub trait Actuator {
    /// Starts a pending task on these devices of a node.
    ///
    /// # Errors
    /// When the task is not pending, or the node cannot take it.
    fn place(&mut self, task: &str, node: &str, devices: DeviceSet) -> Result<(), Refused>;

    /// Stops a placed task in order (it may save its work); it is pending afterwards.
    ///
    /// # Errors
    /// When the task is not placed.
    fn evict(&mut self, task: &str) -> Result<(), Refused>;

    /// Lets a node take no new tasks (`cordoned`), or again (not `cordoned`).
    ///
    /// # Errors
    /// When there is no such node.
    fn cordon(&mut self, node: &str, cordoned: bool) -> Result<(), Refused>;
}

#[cfg(test)]
mod tests;
