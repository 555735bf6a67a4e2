//! The discrete-event machinery that every time-driven simulation here shares: an event queue with a
//! stable order ([`EventQueue`]), index sets that answer "the lowest" at once ([`IndexSet`]). Time is an
//! integer number of seconds and chance a seeded generator; neither is read from the machine. It knows
//! nothing of jobs or nodes.

mod event_queue;
mod index_set;

pub use event_queue::{Event, EventQueue};
pub use index_set::IndexSet;

#[cfg(test)]
mod tests;
