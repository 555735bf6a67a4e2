//! How rare a score is: the decimal logarithm of the chance of one as high or higher, with the sign turned.
//!
//! Up to the 99th percentile it is counted; beyond, the tail is taken to be a power law with Hill's estimate of its
//! exponent (B. M. Hill, "A simple general approach to inference about the tail of a distribution", Ann. Stat. 1975), so
//! scores that were never seen are told apart too, and ranks of scores of different nature can be added.

use serde::{Deserialize, Serialize};

/// Share of the readings that is counted, the rest is tail.
const BODY: f64 = 0.99;
/// Points that the body is kept as.
const POINTS: usize = 1000;
/// A tail is never taken to be steeper than this, so that ranks stay finite.
const INDEX_MIN: f64 = 0.02;

/// The distribution of a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct TailRank {
    /// Ascending: the score that `i / points` of the readings lie below.
    body: Vec<f64>,
    /// Where the tail begins, above zero.
    border: f64,
    index: f64,
}

impl TailRank {
    /// Learns from scores of at least zero, in any order.
    pub(super) fn fit(scores: &[f64]) -> Self {
        let mut sorted: Vec<f64> = scores.iter().copied().filter(|s| s.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| sorted.get((sorted.len() as f64 * share) as usize).copied().unwrap_or(0.0);
        let body = (0..POINTS).map(|i| at(i as f64 / POINTS as f64)).collect();
        let border = at(BODY).max(1e-9);
        let tail = &sorted[sorted.partition_point(|&s| s <= border)..];
        let logs: f64 = tail.iter().map(|s| (s / border).ln()).sum();
        let index = if tail.is_empty() { 0.1 } else { (logs / tail.len() as f64).max(INDEX_MIN) };
        Self { body, border, index }
    }

    /// The rank: 0 is common, 2 is one in a hundred, and so on. Finite for every finite score.
    pub(super) fn rank(&self, score: f64) -> f64 {
        if score <= self.border {
            let below = self.body.partition_point(|&s| s < score) as f64 / POINTS as f64;
            return -(1.0 - below).max(1.0 - BODY).log10();
        }
        -(1.0 - BODY).log10() + (score / self.border).log10() / self.index
    }
}
