//! Which model has earned it: for each series, step and level the models are mixed by their recent losses, corrected so
//! that the shares of values below come true, and watched.
//!
//! - **Mixing**: a model's weight falls with a power of its mean pinball loss of about the last day over that of the best.
//! - **Correction** (online conformal): each level is moved up a little after a value above it and down a little
//!   otherwise, so that in the long run the stated share lies below whatever the series does. Source: Gibbs and Candès,
//!   "Adaptive Conformal Inference Under Distribution Shift" (2021); Angelopoulos, Candès, Tibshirani, "Conformal PID Control" (2023).
//! - **Fall-back**: where the highest level has lately covered far too little, the answer is at least as wide as the naive one.

use std::sync::Arc;

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
    pub power: i32,
    /// By which share the first model's losses are believed to be lower than they look at the outermost levels, where few
    /// values decide; nothing at the median, where many do.
    pub margin: f64,
    /// Losses that are remembered, in seasons.
    pub memory_seasons: f64,
    /// How far a level moves after a value that it did not cover, in units of the usual error.
    pub correction: f32,
    /// Losses that must be known before the weights are believed.
    pub losses_min: u32,
    /// The highest level has slipped when it covers less than its share by this.
    pub slip: f64,
}

impl Default for MixtureConfig {
    fn default() -> Self {
        Self { power: 20, margin: 0.2, memory_seasons: 2.0, correction: 0.02, losses_min: 12, slip: 0.1 }
    }
}

/// A step, or the peak, at which forecasts are compared with what came.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Check {
    output: u16,
    /// After so many bins what came is known.
    ahead: u16,
    peak: bool,
    /// Outcomes so far.
    count: u32,
    /// Usual error of the median.
    error: f32,
}

/// When forecasts were made that wait for what comes; their quantiles lie in [`Mixture::quantiles`].
#[derive(Debug, Clone, Copy, PartialEq)]
struct Issued {
    /// None yet: a bin that never is.
    bin: u64,
    last: f64,
    scale: f32,
}

/// Weights, corrections and coverage of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixture {
    config: MixtureConfig,
    models: usize,
    levels: Arc<[f64]>,
    checks: Vec<Check>,
    stride: u64,
    /// Losses that are remembered.
    memory: f32,
    /// In a circle: those of the bin `b` at the place `b / stride`.
    issued: Vec<Issued>,
    /// For each of them, check, level and model, the mixture's own last: quantile less the last value.
    quantiles: Vec<f32>,
    /// For each check, level and model: mean pinball loss by the scale of the series.
    losses: Vec<f32>,
    /// For each check and level, in units of the usual error.
    corrections: Vec<f32>,
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
        let check = |output: usize, ahead: usize, peak| Check {
            output: output as u16,
            ahead: ahead as u16,
            peak,
            count: 0,
            error: 0.0,
        };
        let mut checks: Vec<Check> =
            at.iter().map(|&step| check(steps.group_of(step), step, false)).collect();
        checks.dedup_by_key(|c| c.output);
        if steps.peak() {
            checks.push(check(steps.groups(), horizon, true));
        }
        checks.shrink_to_fit();
        let (rows, stride) = (checks.len() * steps.levels().len(), horizon.div_ceil(PENDING_MAX));
        let waiting = horizon / stride + 1;
        Self {
            config,
            models,
            levels: steps.shared_levels(),
            stride: stride as u64,
            memory: (config.memory_seasons * season_bins as f64 / stride as f64).max(24.0) as f32,
            issued: vec![Issued { bin: u64::MAX, last: 0.0, scale: 1.0 }; waiting],
            quantiles: vec![0.0; waiting * rows * (models + 1)],
            losses: vec![0.0; rows * models],
            corrections: vec![0.0; rows],
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
        self.weigh(self.check_of(output, 0), level, &mut weights);
        weights
    }

    /// The nearest check of an output, not before this one; that of the peak is its own. Checks ascend with their outputs.
    fn check_of(&self, output: usize, from: usize) -> usize {
        let distance = |check: usize| usize::from(self.checks[check].output).abs_diff(output);
        let is_nearer = |check: usize| {
            let peak = self.checks[check].peak;
            if peak { distance(check) == 0 } else { distance(check) < distance(check - 1) }
        };
        (from + 1..self.checks.len()).take_while(|&check| is_nearer(check)).last().unwrap_or(from)
    }

    fn weigh(&self, check: usize, level: usize, weights: &mut [f64]) {
        if self.checks[check].count < self.config.losses_min {
            weights.fill(0.0);
            weights[0] = 1.0;
            return;
        }
        let losses = &self.losses[(check * self.levels.len() + level) * self.models..][..self.models];
        // 0 at the median and 1 at the ends.
        let outer = (2.0 * self.levels[level] - 1.0).abs();
        let others = 1.0 + self.config.margin * outer;
        let loss = |model: usize| f64::from(losses[model]) * if model == 0 { 1.0 } else { others };
        let best = (0..self.models).map(loss).fold(f64::MAX, f64::min);
        for (model, weight) in weights.iter_mut().enumerate() {
            // Where the best never errs the others have no part.
            let share = if loss(model) <= best { 1.0 } else { (best / loss(model)).powi(self.config.power) };
            *weight = if share < 1e-3 { 0.0 } else { share };
        }
        let sum: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|w| *w /= sum);
    }

    /// Mixes the forecasts of the models, each of `out.len()` quantiles, one after the other, and corrects them. `weights` is working space.
    pub fn mix(&self, forecasts: &[f64], weights: &mut Vec<f64>, out: &mut [f64]) {
        let (levels, size) = (self.levels.len(), out.len());
        let row = levels * self.models;
        weights.clear();
        weights.resize(self.checks.len() * row, 0.0);
        for (i, weights) in weights.chunks_exact_mut(self.models).enumerate() {
            self.weigh(i / levels, i % levels, weights);
        }
        let mut check = 0;
        for (output, out) in out.chunks_exact_mut(levels).enumerate() {
            check = self.check_of(output, check);
            let weights = weights[check * row..][..row].chunks_exact(self.models);
            for (level, (out, weights)) in out.iter_mut().zip(weights).enumerate() {
                let of_models = forecasts[output * levels + level..].iter().step_by(size);
                let parts = weights.iter().zip(of_models).filter(|(weight, _)| **weight > 0.0);
                let correction = f64::from(self.corrections[check * levels + level]);
                *out = parts.map(|(weight, forecast)| weight * forecast).sum::<f64>()
                    + correction * f64::from(self.checks[check].error);
            }
            out.sort_by(f64::total_cmp);
        }
    }

    /// Remembers the forecasts made after the last bin of the history, as [`Mixture::mix`] takes them, and what it made of them, to
    /// learn from them.
    pub fn remember(&mut self, history: &History, forecasts: &[f64], mixed: &[f64]) {
        if !history.bins().is_multiple_of(self.stride) || history.age_bins() == 0 {
            return;
        }
        let (last, levels) = (history.last(), self.levels.len());
        let slot = self.slot_of(history.bins());
        self.issued[slot] = Issued { bin: history.bins(), last, scale: history.scale() as f32 };
        let size = self.checks.len() * levels * (self.models + 1);
        let rows = self.quantiles[slot * size..][..size].chunks_exact_mut(self.models + 1);
        for (i, row) in rows.enumerate() {
            let at = usize::from(self.checks[i / levels].output) * levels + i % levels;
            let all = forecasts[at..].iter().step_by(mixed.len()).chain([&mixed[at]]);
            row.iter_mut().zip(all).for_each(|(to, quantile)| *to = (quantile - last) as f32);
        }
    }

    fn slot_of(&self, bin: u64) -> usize {
        (bin / self.stride % self.issued.len() as u64) as usize
    }

    /// Learns from the bin that the history has just taken.
    pub fn observe(&mut self, history: &History, steps: &Steps) {
        if history.gap_bins() > 0 {
            return;
        }
        for check in 0..self.checks.len() {
            let Check { ahead, peak, .. } = self.checks[check];
            let Some(bin) = history.bins().checked_sub(u64::from(ahead)) else { continue };
            let slot = self.slot_of(bin);
            if self.issued[slot].bin == bin {
                let came = if peak { recent_peak(history, steps.horizon()) } else { history.last() };
                self.learn(check, slot, came);
            }
        }
    }

    fn learn(&mut self, check: usize, slot: usize, came: f64) {
        let (levels, models, memory) = (self.levels.len(), self.models, self.memory);
        let Issued { last, scale, .. } = self.issued[slot];
        let came = (came - last) as f32;
        let row = models + 1;
        let issued = &self.quantiles[(slot * self.checks.len() + check) * levels * row..][..levels * row];
        let of = &mut self.checks[check];
        of.count = of.count.saturating_add(1);
        let known = (of.count as f32).min(memory);
        for (l, quantiles) in issued.chunks_exact(row).enumerate() {
            let level = self.levels[l] as f32;
            let losses = &mut self.losses[(check * levels + l) * models..][..models];
            for (loss, quantile) in losses.iter_mut().zip(quantiles) {
                let over = came - quantile;
                let pinball = if over >= 0.0 { level * over } else { (level - 1.0) * over };
                *loss += (pinball / scale - *loss) / known;
            }
            // A value that lies on the quantile counts in parts on both sides.
            let above = match came.total_cmp(&quantiles[models]) {
                std::cmp::Ordering::Greater => level,
                std::cmp::Ordering::Equal => 0.0,
                std::cmp::Ordering::Less => level - 1.0,
            };
            let correction = &mut self.corrections[check * levels + l];
            *correction = (*correction * KEPT + self.config.correction * above).clamp(-3.0, 3.0);
        }
        let own = |l: usize| issued[l * row + models];
        let middle = self.levels.partition_point(|&l| l < 0.5).min(levels - 1);
        of.error += ((came - own(middle)).abs() - of.error) / known;
        let covers = came <= own(levels - 1);
        let memory = f64::from(memory);
        self.covered.add(f64::from(u8::from(covers)), memory * self.checks.len() as f64);
        self.covered_count = self.covered_count.saturating_add(1);
        let short = self.levels[levels - 1] - self.covered.get();
        if f64::from(self.covered_count) > memory {
            self.slipped = short > if self.slipped { self.config.slip / 2.0 } else { self.config.slip };
        }
    }
}
