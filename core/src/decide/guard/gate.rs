//! The gate of promotion: one candidate against the policy that serves, over several workloads at once.

use super::PairedGain;

/// What a candidate must show.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gate {
    /// Least mean gain over the workloads, in the unit of the results.
    pub margin: f64,
    /// Loss on a single workload that a candidate may not be shown to have.
    pub loss_max: f64,
}

impl Default for Gate {
    /// For results in percent of the devices.
    fn default() -> Self {
        Self { margin: 0.02, loss_max: 0.05 }
    }
}

impl Gate {
    /// Whether the candidate may serve: it gains at least the margin in the mean, and on no workload its whole
    /// interval lies below the loss that is borne. Without results it may not.
    pub fn opens(&self, by_workload: &[PairedGain]) -> bool {
        let mean = by_workload.iter().map(|g| g.mean).sum::<f64>() / by_workload.len() as f64;
        mean >= self.margin && by_workload.iter().all(|g| g.high() >= -self.loss_max)
    }
}
