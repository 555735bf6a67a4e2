//! Which steps ahead a forecast speaks of, and at which levels.

use std::sync::Arc;

/// Most steps that are told apart; of longer horizons neighbours share one answer.
pub const OUTPUTS_MAX: usize = 48;
/// Longest horizon, in bins.
pub const HORIZON_MAX: usize = 2016;
/// Most levels.
pub const LEVELS_MAX: usize = 20;

/// Horizon, peak and levels of a forecast.
#[derive(Debug, Clone, PartialEq)]
pub struct Steps {
    horizon: usize,
    peak: bool,
    levels: Arc<[f64]>,
    /// Whether the peak alone is asked for.
    peak_alone: bool,
    /// Bins that share one output.
    width: usize,
}

/// Steps that are refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StepsError {
    /// No horizon, or one too long.
    #[error("the horizon is {0} bins, expected 1 to {HORIZON_MAX}")]
    Horizon(usize),
    /// Levels that are no ascending list of shares.
    #[error("the levels are {0:?}, expected 1 to {LEVELS_MAX} ascending numbers above 0 and below 1")]
    Levels(Vec<f64>),
}

impl Steps {
    /// Steps 1 to `horizon` bins ahead, their highest value beside them if `peak`, each at these ascending levels.
    ///
    /// # Errors
    /// When the horizon is 0 or above [`HORIZON_MAX`], or the levels do not ascend between 0 and 1.
    pub fn new(horizon: usize, peak: bool, levels: &[f64]) -> Result<Self, StepsError> {
        if !(1..=HORIZON_MAX).contains(&horizon) {
            return Err(StepsError::Horizon(horizon));
        }
        let ascending = levels.is_sorted_by(|a, b| a < b);
        let inside = levels.iter().all(|l| *l > 0.0 && *l < 1.0);
        if !ascending || !inside || levels.is_empty() || levels.len() > LEVELS_MAX {
            return Err(StepsError::Levels(levels.to_vec()));
        }
        Ok(Self {
            horizon,
            peak,
            levels: levels.into(),
            peak_alone: false,
            width: horizon.div_ceil(OUTPUTS_MAX),
        })
    }

    /// The highest value of the next `horizon` bins alone, without the steps to it: a tenth of the cost and memory.
    ///
    /// # Errors
    /// As [`Steps::new`].
    pub fn peak_alone(horizon: usize, levels: &[f64]) -> Result<Self, StepsError> {
        Ok(Self { peak_alone: true, ..Self::new(horizon, true, levels)? })
    }

    /// Bins ahead of the last step.
    pub fn horizon(&self) -> usize {
        self.horizon
    }

    /// Whether the highest value of the horizon is asked for.
    pub fn peak(&self) -> bool {
        self.peak
    }

    /// The levels, ascending.
    pub fn levels(&self) -> &[f64] {
        &self.levels
    }

    /// Groups of steps with an answer of their own, none where the peak alone is asked for; the peak, if asked for, comes
    /// after them.
    pub fn groups(&self) -> usize {
        if self.peak_alone { 0 } else { self.horizon.div_ceil(self.width) }
    }

    /// Groups, and the peak if asked for.
    pub fn outputs(&self) -> usize {
        self.groups() + usize::from(self.peak)
    }

    /// The group of a step, 1 to the horizon; where the peak alone is asked for it answers for all.
    pub fn group_of(&self, step: usize) -> usize {
        if self.peak_alone { 0 } else { (step - 1) / self.width }
    }

    /// The levels, shared.
    pub(super) fn shared_levels(&self) -> Arc<[f64]> {
        Arc::clone(&self.levels)
    }

    /// The steps of a group.
    pub fn steps_of(&self, group: usize) -> std::ops::RangeInclusive<usize> {
        group * self.width + 1..=((group + 1) * self.width).min(self.horizon)
    }

    /// The steps of one of `count` spans of about equal length that cover the horizon; a short horizon's spans overlap.
    pub fn span(&self, span: usize, count: usize) -> std::ops::RangeInclusive<usize> {
        let from = span * self.horizon / count + 1;
        from..=((span + 1) * self.horizon / count).max(from).min(self.horizon)
    }
}
