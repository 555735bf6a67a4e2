//! How many alarms a person can look at, and the threshold that keeps to it.

use serde::{Deserialize, Serialize};

/// Alarms at most this far apart are one episode, seconds: what is looked at once.
pub const EPISODE_BREAK_SECONDS: u32 = 1800;
/// Thresholds that are tried.
const CANDIDATES: usize = 400;
/// The lowest threshold tried lets this share of the readings be alarms.
const ALARM_SHARE_MAX: f64 = 0.3;

/// Episodes of alarm that may come on a machine that is well.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AlarmBudget {
    /// Episodes for each machine and day; above zero.
    pub episodes_per_day: f64,
}

impl AlarmBudget {
    /// The lowest threshold at which scores of consecutive bins stay within the budget: an alarm is a score at or above
    /// it. Infinite when there are no scores.
    pub fn threshold(self, scores: &[f64], period_seconds: u32) -> f64 {
        let mut sorted: Vec<f64> = scores.to_vec();
        sorted.sort_by(f64::total_cmp);
        let Some(&highest) = sorted.last() else { return f64::INFINITY };
        let allowed = self.episodes_per_day * scores.len() as f64 * f64::from(period_seconds) / 86_400.0;
        let (first, last) = (1.0 / scores.len() as f64, ALARM_SHARE_MAX);
        let mut best = highest + highest.abs() * 1e-9 + 1e-12;
        for i in 0..CANDIDATES {
            // From the highest down, closer together at the top.
            let share = first * (last / first).powf(i as f64 / (CANDIDATES - 1) as f64);
            let above = (share * scores.len() as f64).round().max(1.0) as usize;
            let threshold = sorted[scores.len().saturating_sub(above)];
            if episodes(scores.iter().map(|&s| s >= threshold), period_seconds) as f64 > allowed + 1e-9 {
                break;
            }
            best = threshold;
        }
        best
    }
}

/// Episodes in alarms of consecutive bins.
pub fn episodes(alarms: impl Iterator<Item = bool>, period_seconds: u32) -> usize {
    let gap = (EPISODE_BREAK_SECONDS / period_seconds.max(1)) as usize;
    let (mut count, mut quiet) = (0, usize::MAX);
    for alarm in alarms {
        if alarm {
            count += usize::from(quiet > gap);
            quiet = 0;
        } else {
            quiet = quiet.saturating_add(1);
        }
    }
    count
}
