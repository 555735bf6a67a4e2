//! Deciding: from the state of the cluster and the pending work to what should be done. Everything here is
//! a function of values; only `execute` touches the world.

pub mod defragment;
pub mod deliberate;
pub mod explain;
pub mod guard;
pub mod placement;
pub mod placement_policies;
pub mod plan;
pub mod policy;
pub mod queue;
pub mod queue_policies;
pub mod rebalance;
pub mod search;
