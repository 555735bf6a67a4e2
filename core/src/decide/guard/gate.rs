//! The gate of promotion: one candidate against the policy that serves, over several workloads at once.

use super::PairedGain;

/// What a candidate must show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gate {
    /// Fewest sequences that it is judged on.
    pub pairs_least: usize,
    /// Least mean gain over the workloads, in the unit of the results.
    pub margin: f64,
    /// Loss on a single workload that a candidate may not be shown to have.
    pub loss_max: f64,
}

impl Default for Gate {
    /// For results in percent of the devices.
    fn default() -> Self {
        Self { pairs_least: 5, margin: 0.02, loss_max: 0.05 }
    }
}

impl Gate {
    /// Whether the candidate may serve. `overall` is its gain in the mean over the workloads, sequence by sequence: that
    /// must be of enough sequences, at least the margin, and its 95% interval above zero. And on no workload may the
    /// whole interval lie below the loss that is borne.
    pub fn opens(&self, overall: &PairedGain, by_workload: &[PairedGain]) -> bool {
        overall.pairs >= self.pairs_least
            && overall.mean >= self.margin
            && overall.low() > 0.0
            && by_workload.iter().all(|g| g.high() >= -self.loss_max)
    }
}
