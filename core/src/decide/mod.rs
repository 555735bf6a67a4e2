//! Deciding: assessment and pending work in, plan out; pure functions of values.

pub mod queue;
pub mod queue_policies;
