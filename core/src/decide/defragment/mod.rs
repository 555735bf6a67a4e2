//! Defragmenting a cluster with devices: which tasks to move, in which order, so that waiting tasks fit or, with none
//! waiting, most of the expected mix does, with few moves. Every step keeps every rule at its turn: the room a task
//! goes to is free before it leaves its old place.

mod build;
mod descent;
mod draft;
mod eject;
mod fewest;
mod finish;
mod front;
mod index;
mod objective;
mod plan;
mod problem;
mod prune;
mod singles;
mod solve;
mod waves;

/// True when a search should end with what it has.
type Over<'a> = &'a (dyn Fn() -> bool + Sync);

pub use front::{DefragmentPoint, defragment_with_front};
pub use objective::{OBJECTIVE_TERMS, Objective, TermInfo};
pub use plan::Defragmentation;
pub use problem::DefragmentProblem;
pub use solve::{DefragmentOptions, DefragmentSurroundings, Effort, defragment};
pub use waves::WaveLimits;

#[cfg(test)]
mod minimal_tests;
#[cfg(test)]
mod plan_tests;
#[cfg(test)]
mod tests;
