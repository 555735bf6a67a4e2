//! From a score to a chance that can be trusted: of the nodes that are given 10%, about 10% fail.
//!
//! Scores with their outcomes are put into a step function that only rises, the one nearest to the outcomes (isotonic
//! regression by pooling adjacent violators; B. Zadrozny and C. Elkan, KDD 2002). Each step counts as having seen one
//! more case at the overall rate, so no chance is 0 or 1 for want of cases; between the middles of the steps it is
//! interpolated.

use serde::{Deserialize, Serialize};

/// Cases that a step begins with: neighbours by score.
const STEP_CASES: usize = 50;
/// Cases at the overall rate that a step is taken to have seen.
const PRIOR_CASES: f64 = 1.0;

/// A score and what became of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Higher is likelier.
    pub score: f64,
    /// Whether the event came.
    pub event: bool,
}

/// A map from scores to chances that never falls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Ascending scores with their chances, which do not fall.
    points: Vec<(f64, f64)>,
}

#[derive(Debug, Clone, Copy)]
struct Block {
    /// Mean score. Means are weighted, never sums divided: scores of any size stay finite.
    score: f64,
    cases: f64,
    events: f64,
}

impl Calibration {
    /// Whether its points are finite, ascend, and give chances that do not fall: what was read from a file may be anything.
    pub fn is_sound(&self) -> bool {
        let chance = |c: f64| (0.0..=1.0).contains(&c);
        let rises = self.points.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1);
        !self.points.is_empty() && rises && self.points.iter().all(|p| p.0.is_finite() && chance(p.1))
    }

    /// Learns from outcomes; scores that are not finite are left out. `None` without any.
    pub fn fit(outcomes: &[Outcome]) -> Option<Self> {
        let mut sorted: Vec<Outcome> = outcomes.iter().copied().filter(|o| o.score.is_finite()).collect();
        sorted.sort_by(|a, b| a.score.total_cmp(&b.score));
        if sorted.is_empty() {
            return None;
        }
        let overall = sorted.iter().filter(|o| o.event).count() as f64 / sorted.len() as f64;
        let size = STEP_CASES.min(sorted.len().div_ceil(4));
        let mut blocks: Vec<Block> = Vec::new();
        let mut begin = 0;
        while begin < sorted.len() {
            // Equal scores stay together.
            let mut end = (begin + size).min(sorted.len());
            while end < sorted.len() && sorted[end].score == sorted[end - 1].score {
                end += 1;
            }
            let step = &sorted[begin..end];
            let events = step.iter().filter(|o| o.event).count() as f64;
            let cases = step.len() as f64;
            let mean: f64 = step.iter().map(|o| o.score / cases).sum();
            // Rounding does not lead out of the step.
            let score = mean.clamp(step[0].score, step[step.len() - 1].score);
            blocks.push(Block { score, cases, events });
            while let [.., before, last] = blocks[..]
                && before.events * last.cases >= last.events * before.cases
            {
                blocks.pop();
                blocks.pop();
                let cases = before.cases + last.cases;
                let mean = before.score * (before.cases / cases) + last.score * (last.cases / cases);
                blocks.push(Block {
                    score: mean.clamp(before.score, last.score),
                    cases,
                    events: before.events + last.events,
                });
            }
            begin = end;
        }
        let chance = |b: &Block| (b.events + PRIOR_CASES * overall) / (b.cases + PRIOR_CASES);
        let mut points: Vec<(f64, f64)> = blocks.iter().map(|b| (b.score, chance(b))).collect();
        // The case added to each may turn small neighbours around.
        for i in 1..points.len() {
            points[i].1 = points[i].1.max(points[i - 1].1);
        }
        Some(Self { points })
    }

    /// The chance of the event, between 0 and 1; of a score that is no number, the overall middle.
    pub fn chance(&self, score: f64) -> f64 {
        let at = self.points.partition_point(|p| p.0 < score);
        let (Some(first), Some(last)) = (self.points.first(), self.points.last()) else { return 0.0 };
        if score.is_nan() {
            return self.points[self.points.len() / 2].1;
        }
        if at == 0 {
            return first.1;
        }
        let Some(&(high, above)) = self.points.get(at) else { return last.1 };
        let (low, below) = self.points[at - 1];
        let far = (high - low).is_infinite();
        let share = if far {
            (score / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0)
        } else {
            (score - low) / (high - low)
        };
        let share = share.clamp(0.0, 1.0);
        // The sum may be rounded beyond what it ends at.
        (below + share * (above - below)).min(above)
    }
}
