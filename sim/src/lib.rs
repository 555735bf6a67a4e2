//! Simulated clusters: trace readers, workload generators, experiments and reports.
//!
//! Depends on `lepton-core` and `lepton-learn` alone; time and chance come in as arguments (a [`Clock`], a seed), so a run
//! with the same inputs gives the same result.

pub mod engine;
pub mod experiment;
pub mod generate;
pub mod jobs;
pub mod readers;
pub mod report;
pub mod workload;
pub mod world;
pub mod writers;

pub use lepton_core::model::{Clock, FrozenClock};
