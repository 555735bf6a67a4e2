//! Which model has earned it: for each series, step and level the models are mixed by their recent losses, corrected so
//! that the shares of values below come true, and watched.
//!
//! - **Mixing**: a model's weight falls with a power of its mean pinball loss of about the last day over that of the best.
//! - **Correction** (online conformal): each level is moved up a little after a value above it and down a little
//!   otherwise, so that in the long run the stated share lies below whatever the series does. Source: Gibbs and Candès,
//!   "Adaptive Conformal Inference Under Distribution Shift" (2021); Angelopoulos, Candès, Tibshirani, "Conformal PID Control" (2023).
//! - **Fall-back**: where the highest level has lately covered far too little, the answer is at least as wide as the naive one.

use std::collections::VecDeque;

use super::history::{History, RunningMean};
use super::residuals::recent_peak;
use super::steps::Steps;

/// Steps at which forecasts are compared with what came.
const CHECKS: usize = 4;
/// Share of a correction that is kept from one value to the next.
const KEPT: f32 = 0.995;
/// Forecasts that wait for what comes, at most.
const PENDING_MAX: usize = 48;

/// Settings of the mixture, the same for all series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MixtureConfig {
    /// How fast a model's weight falls with its loss.
    pub power: f64,
    /// By which share the first model's losses are believed to be lower than they look at the outermost levels, where few
    /// values decide; nothing at the median, where many do.
    pub margin: f64,
    /// Losses that are remembered, in seasons.
    pub memory_seasons: f64,
    /// How far a level moves after a value that it did not cover, in units of the usual error.
    pub correction: f64,
    /// Losses that must be known before the weights are believed.
    pub losses_min: u32,
    /// The highest level has slipped when it covers less than its share by this.
    pub slip: f64,
}

impl Default for MixtureConfig {
    fn default() -> Self {
        Self { power: 20.0, margin: 0.2, memory_seasons: 2.0, correction: 0.02, losses_min: 12, slip: 0.1 }
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Pending {
    bin: u64,
    last: f64,
    scale: f64,
    /// For each model and the mixture, check and level: quantile less the last value.
    quantiles: Vec<f32>,
}

/// Weights, corrections and coverage of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixture {
    config: MixtureConfig,
    models: usize,
    levels: usize,
    /// For each level, 0 at the median and 1 at the ends.
    outer: Vec<f64>,
    /// Outputs that are compared, and the steps ahead at which; 0 ahead is the peak.
    checks: Vec<(usize, usize)>,
    /// For each output its nearest check.
    check_of: Vec<u8>,
    stride: u64,
    /// Losses that are remembered.
    memory: f64,
    pending: VecDeque<Pending>,
    /// For each check, level and model.
    losses: Vec<RunningMean>,
    counts: Vec<u32>,
    /// For each check and level, in units of `errors`.
    corrections: Vec<f32>,
    /// For each check, usual error of the median.
    errors: Vec<RunningMean>,
    covered: RunningMean,
    covered_count: u32,
    slipped: bool,
}

impl Mixture {
    /// A mixture of `models` models.
    pub fn new(config: MixtureConfig, models: usize, steps: &Steps, season_bins: usize) -> Self {
        let horizon = steps.horizon();
        let mut at: Vec<usize> =
            (0..CHECKS).map(|i| horizon.div_ceil(CHECKS) * i).map(|h| h.clamp(1, horizon)).collect();
        at.push(horizon);
        at.dedup();
        if steps.groups() == 0 {
            at.clear();
        }
        let mut checks: Vec<(usize, usize)> = at.iter().map(|&step| (steps.group_of(step), step)).collect();
        checks.dedup_by_key(|c| c.0);
        let nearest = |group: usize| {
            let distance = |&(i, _): &(usize, usize)| checks[i].0.abs_diff(group);
            (0..checks.len()).map(|i| (i, 0)).min_by_key(distance).map_or(0, |(i, _)| i as u8)
        };
        let mut check_of: Vec<u8> = (0..steps.groups()).map(nearest).collect();
        if steps.peak() {
            check_of.push(checks.len() as u8);
            checks.push((steps.groups(), 0));
        }
        let (levels, count) = (steps.levels().len(), checks.len());
        let stride = horizon.div_ceil(PENDING_MAX) as u64;
        Self {
            config,
            models,
            levels,
            outer: steps.levels().iter().map(|l| (2.0 * l - 1.0).abs()).collect(),
            check_of,
            stride,
            memory: (config.memory_seasons * season_bins as f64 / stride as f64).max(24.0),
            pending: VecDeque::new(),
            losses: vec![RunningMean::default(); count * levels * models],
            counts: vec![0; count],
            corrections: vec![0.0; count * levels],
            errors: vec![RunningMean::default(); count],
            covered: RunningMean::default(),
            covered_count: 0,
            slipped: false,
            checks,
        }
    }

    /// Whether coverage has slipped, so that the answer is at least as wide as the naive one.
    pub fn slipped(&self) -> bool {
        self.slipped
    }

    /// Recent share of values not above the highest level; `None` before there are any.
    pub fn coverage(&self) -> Option<f64> {
        (self.covered_count > 0).then(|| self.covered.get())
    }

    /// Weights of the models at an output and level; they add up to 1.
    pub fn weights(&self, output: usize, level: usize) -> Vec<f64> {
        let mut weights = vec![0.0; self.models];
        self.weigh(usize::from(self.check_of[output]), level, self.outer[level], &mut weights);
        weights
    }

    fn weigh(&self, check: usize, level: usize, outer: f64, weights: &mut [f64]) {
        if self.counts[check] < self.config.losses_min {
            weights.fill(0.0);
            weights[0] = 1.0;
            return;
        }
        let losses = &self.losses[(check * self.levels + level) * self.models..][..self.models];
        let loss = |model: usize| {
            losses[model].get() * if model == 0 { 1.0 } else { 1.0 + self.config.margin * outer }
        };
        let best = (0..self.models).map(loss).fold(f64::MAX, f64::min);
        for (model, weight) in weights.iter_mut().enumerate() {
            // Where the best never errs the others have no part.
            let share = if loss(model) <= best { 1.0 } else { (best / loss(model)).powf(self.config.power) };
            *weight = if share < 1e-3 { 0.0 } else { share };
        }
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= sum);
    }

    /// Mixes the forecasts of the models, each of `out.len()` quantiles, and corrects them.
    pub fn mix(&self, forecasts: &[Vec<f64>], out: &mut [f64]) {
        let row = self.levels * self.models;
        let mut weights = vec![0.0; self.checks.len() * row];
        for (i, weights) in weights.chunks_exact_mut(self.models).enumerate() {
            let level = i % self.levels;
            self.weigh(i / self.levels, level, self.outer[level], weights);
        }
        for (output, out) in out.chunks_exact_mut(self.levels).enumerate() {
            let check = usize::from(self.check_of[output]);
            let weights = weights[check * row..][..row].chunks_exact(self.models);
            for (level, (out, weights)) in out.iter_mut().zip(weights).enumerate() {
                let at = output * self.levels + level;
                let parts = weights.iter().zip(forecasts).filter(|(weight, _)| **weight > 0.0);
                let correction = f64::from(self.corrections[check * self.levels + level]);
                *out = parts.map(|(weight, forecast)| weight * forecast[at]).sum::<f64>()
                    + correction * self.errors[check].get();
            }
            out.sort_by(f64::total_cmp);
        }
    }

    /// Remembers the forecasts made after the last bin of the history, the mixture's own last, to learn from them.
    pub fn remember(&mut self, history: &History, forecasts: &[Vec<f64>], mixed: &[f64]) {
        if !history.bins().is_multiple_of(self.stride) || history.age_bins() == 0 {
            return;
        }
        let last = history.last();
        let mut quantiles = Vec::with_capacity((self.models + 1) * self.checks.len() * self.levels);
        for forecast in forecasts.iter().map(Vec::as_slice).chain([mixed]) {
            for &(output, _) in &self.checks {
                quantiles.extend(
                    forecast[output * self.levels..][..self.levels].iter().map(|q| (q - last) as f32),
                );
            }
        }
        self.pending.push_front(Pending { bin: history.bins(), last, scale: history.scale(), quantiles });
    }

    /// Learns from the bin that the history has just taken.
    pub fn observe(&mut self, history: &History, steps: &Steps) {
        let horizon = steps.horizon() as u64;
        let mut pending = std::mem::take(&mut self.pending);
        while pending.back().is_some_and(|p| p.bin + horizon < history.bins()) {
            pending.pop_back();
        }
        if history.gap_bins() == 0 {
            for issued in &pending {
                let ahead = history.bins() - issued.bin;
                for check in 0..self.checks.len() {
                    let step = self.checks[check].1 as u64;
                    if step == ahead {
                        self.learn(check, issued, history.last(), steps.levels());
                    } else if step == 0 && ahead == horizon {
                        self.learn(check, issued, recent_peak(history, steps.horizon()), steps.levels());
                    }
                }
            }
        }
        self.pending = pending;
    }

    fn learn(&mut self, check: usize, issued: &Pending, came: f64, levels: &[f64]) {
        let memory = self.memory;
        let came = came - issued.last;
        let of = |model: usize| {
            &issued.quantiles[(model * self.checks.len() + check) * self.levels..][..self.levels]
        };
        for (l, &level) in levels.iter().enumerate() {
            let losses = &mut self.losses[(check * self.levels + l) * self.models..][..self.models];
            for (model, loss) in losses.iter_mut().enumerate() {
                let over = came - f64::from(of(model)[l]);
                let pinball = if over >= 0.0 { level * over } else { (level - 1.0) * over };
                loss.add(pinball / issued.scale, memory);
            }
        }
        let own = of(self.models);
        let middle = levels.partition_point(|&l| l < 0.5).min(levels.len() - 1);
        let error = (came - f64::from(own[middle])).abs();
        for (l, &level) in levels.iter().enumerate() {
            // A value that lies on the quantile counts in parts on both sides.
            let above = match came.total_cmp(&f64::from(own[l])) {
                std::cmp::Ordering::Greater => level,
                std::cmp::Ordering::Equal => 0.0,
                std::cmp::Ordering::Less => level - 1.0,
            };
            let correction = &mut self.corrections[check * self.levels + l];
            *correction = (*correction * KEPT + (self.config.correction * above) as f32).clamp(-3.0, 3.0);
        }
        let highest = levels.len() - 1;
        self.covered
            .add(f64::from(u8::from(came <= f64::from(own[highest]))), memory * self.checks.len() as f64);
        self.covered_count = self.covered_count.saturating_add(1);
        let short = levels[highest] - self.covered.get();
        if f64::from(self.covered_count) > memory {
            self.slipped = short > if self.slipped { self.config.slip / 2.0 } else { self.config.slip };
        }
        self.errors[check].add(error, memory);
        self.counts[check] = self.counts[check].saturating_add(1);
    }
}
