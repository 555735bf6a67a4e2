//! The brain of Lepton: the cluster model and the loop that collects, analyzes, decides and executes. Pure
//! and synchronous: state, configuration, seeds and time come in as arguments; the same input gives the
//! same output.

pub mod analyze;
pub mod collect;
pub mod cycle;
pub mod decide;
pub mod execute;
pub mod model;
