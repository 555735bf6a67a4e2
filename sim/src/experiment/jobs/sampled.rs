//! Figures over the samples (seeds or sequences) of a combination.

use serde::Serialize;

use crate::experiment::stats::Paired;

/// One figure over the samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SampledFigure {
    /// Mean over the samples.
    pub mean: f64,
    /// Sample standard deviation.
    pub sd: f64,
    /// Difference to the baseline, sample by sample. `None` for the baseline itself, where other jobs finished, and
    /// where every sample repeats the same result, which says nothing about others.
    pub paired: Option<Paired>,
}

/// Figures over the samples of a combination.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobsSpread {
    /// What a sample is: "seeds" or "sequences".
    pub over: &'static str,
    /// How many there are; at least 2.
    pub samples: usize,
    /// Mean bounded slowdown.
    pub mean_bounded_slowdown: SampledFigure,
    /// Mean wait, in seconds.
    pub mean_wait_seconds: SampledFigure,
    /// Mean time from submission to end, in seconds.
    pub mean_completion_seconds: SampledFigure,
    /// Used share of the machine, 0 to 1.
    pub utilization: SampledFigure,
}
