//! The brain of Lepton: the cluster model and everything that decides. Pure and synchronous: state,
//! configuration, seeds and time come in as arguments; the same input gives the same output.

pub mod decide;
pub mod model;
