//! Forecasts played back over recorded load, and what they were worth.

mod back_test;
mod scores;

pub use back_test::{BackTest, BackTestError, Origins, SeriesRun, back_test};
pub use scores::{Scores, SeriesScore, pinball};
