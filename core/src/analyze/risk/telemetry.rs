//! Telemetry of one machine as equal bins over time. Reading files and clocks is done elsewhere.

/// Most metrics of a machine.
pub const METRICS_MAX: usize = 10_000;

/// Readings of one machine: a row of metrics for each bin of time, NaN where nothing was read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Telemetry {
    /// The machine's name.
    pub machine: String,
    /// Names of the metrics.
    pub metrics: Vec<String>,
    /// Length of a bin, seconds; at least 1.
    pub period_seconds: u32,
    /// When the first bin begins, in bins since the epoch: what fixes the time of day.
    pub first_bin: i64,
    /// Row by row, as many as there are metrics in each; not finite means missing.
    pub values: Vec<f64>,
}

impl Telemetry {
    /// Number of bins.
    pub fn bins(&self) -> usize {
        if self.metrics.is_empty() { 0 } else { self.values.len() / self.metrics.len() }
    }

    /// The readings of a bin, counted from the first.
    pub fn row(&self, bin: usize) -> &[f64] {
        let width = self.metrics.len();
        &self.values[bin * width..(bin + 1) * width]
    }

    /// Bins and their readings, in order of time.
    pub fn rows(&self) -> impl Iterator<Item = (i64, &[f64])> {
        (0..self.bins()).map(|bin| (self.first_bin + bin as i64, self.row(bin)))
    }
}
