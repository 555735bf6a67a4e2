//! Explaining: what keeps a task off a node, and the smallest change after which it may stand there. Each change that is proposed was
//! tried on a copy of the cluster.

mod change;
mod why_not;

pub use change::Change;
pub use why_not::{Remedy, WhyNot, nearest_fit, why_not};

#[cfg(test)]
mod tests;
