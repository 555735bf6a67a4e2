//! A histogram that forgets, with a margin, as Kubernetes' vertical pod autoscaler keeps one: buckets that grow by 5%, half-life a
//! day, quantiles times 1.15. Source: kubernetes/autoscaler, `vertical-pod-autoscaler/pkg/recommender/util` and `logic`; the real one treats
//! memory by its daily peaks. Good for limits that must hold for days, wide for an hour.

use super::{Scratch, SeriesModel};
use crate::analyze::forecast::history::History;
use crate::analyze::forecast::steps::Steps;

const GROWTH: f64 = 1.05;
const MARGIN: f64 = 1.15;
/// Upper end of the first bucket.
const SMALLEST: f64 = 1e-3;
const BUCKETS: usize = 512;

/// State of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct DecayedHistogram {
    weights: Vec<f32>,
    /// Weight of the next sample; it grows instead of all others shrinking.
    next: f32,
}

impl Default for DecayedHistogram {
    fn default() -> Self {
        Self { weights: vec![0.0; BUCKETS], next: 1.0 }
    }
}

fn bucket_of(value: f64) -> usize {
    if value <= SMALLEST {
        return 0;
    }
    (((value / SMALLEST).ln() / GROWTH.ln()) as usize + 1).min(BUCKETS - 1)
}

fn end_of(bucket: usize) -> f64 {
    if bucket == 0 { 0.0 } else { SMALLEST * GROWTH.powi(bucket as i32) }
}

impl DecayedHistogram {
    /// The margin times the upper end of the bucket in which the quantile lies; 0 without samples.
    pub fn quantile(&self, level: f64) -> f64 {
        let total: f64 = self.weights.iter().map(|&w| f64::from(w)).sum();
        let mut sum = 0.0;
        for (bucket, &weight) in self.weights.iter().enumerate() {
            sum += f64::from(weight);
            if weight > 0.0 && sum >= level * total {
                return MARGIN * end_of(bucket);
            }
        }
        0.0
    }
}

impl SeriesModel for DecayedHistogram {
    fn observe(&mut self, history: &History, _steps: &Steps) {
        if history.gap_bins() > 0 || history.age_bins() == 0 {
            return;
        }
        self.weights[bucket_of(history.last())] += self.next;
        self.next *= (std::f32::consts::LN_2 / history.season_bins() as f32).exp();
        if self.next > 1e6 {
            self.weights.iter_mut().for_each(|w| *w /= self.next);
            self.next = 1.0;
        }
    }

    fn forecast(&self, _history: &History, steps: &Steps, _scratch: &mut Scratch, out: &mut [f64]) {
        let levels = steps.levels();
        for (l, &level) in levels.iter().enumerate() {
            let value = self.quantile(level);
            out.iter_mut().skip(l).step_by(levels.len()).for_each(|o| *o = value);
        }
    }
}
