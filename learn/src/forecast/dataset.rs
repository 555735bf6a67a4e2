//! Samples to train on: what the network sees at a moment of a series, and what came after it.

use lepton_core::analyze::forecast::{FEATURES, History, Steps, compress, features};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;

/// What may be learned from.
#[derive(Debug, Clone, Copy)]
pub struct Recorded<'a> {
    /// For each series its bins; NaN where there was no sample.
    pub series: &'a [Vec<f64>],
    /// The first bins, which may be learned from; nothing after them is looked at.
    pub bins: usize,
    /// Bins of a day.
    pub season_bins: usize,
}

/// Values of one group of steps that a sample keeps, for long horizons.
const PICKS_MAX: usize = 2;
/// Bins that a series must have had before it is learned from.
const AGE_BINS_MIN: u64 = 12;

/// Features and what came after, sample after sample.
pub(super) struct Dataset {
    pub(super) inputs: Vec<f32>,
    /// For each sample and output `picks` values, as the network answers them; NaN is unknown.
    pub(super) targets: Vec<f32>,
    pub(super) picks: usize,
    /// How much each sample counts.
    pub(super) weights: Vec<f32>,
}

impl Dataset {
    /// About `count` samples drawn evenly from the first `bins` bins of the series; targets lie within them too.
    pub(super) fn draw(recorded: Recorded<'_>, steps: &Steps, count: usize, rng: &mut Pcg64Mcg) -> Self {
        let Recorded { series, bins, season_bins } = recorded;
        let picks = steps.steps_of(0).count().min(PICKS_MAX);
        let mut set = Self { inputs: Vec::new(), targets: Vec::new(), picks, weights: Vec::new() };
        let moments = series.len() * bins.saturating_sub(steps.horizon());
        let share = (count as f64 / moments.max(1) as f64).min(1.0);
        let mut row = [0.0; FEATURES];
        for values in series {
            let values = &values[..bins.min(values.len())];
            let mut history = History::new(season_bins);
            for (at, &value) in values.iter().enumerate() {
                history.push((!value.is_nan()).then_some(value));
                if at + steps.horizon() >= values.len() {
                    break;
                }
                if rng.random::<f64>() < share && history.age_bins() >= AGE_BINS_MIN {
                    let ahead = &values[at + 1..=at + steps.horizon()];
                    if ahead.iter().all(|v| v.is_nan()) {
                        continue;
                    }
                    features(&history, steps, &mut row);
                    set.inputs.extend_from_slice(&row);
                    set.push_targets(&history, steps, ahead, rng);
                    set.weights.push(1.0);
                }
            }
        }
        set
    }

    pub(super) fn len(&self) -> usize {
        self.weights.len()
    }

    fn push_targets(&mut self, history: &History, steps: &Steps, ahead: &[f64], rng: &mut Pcg64Mcg) {
        let (last, scale) = (history.last(), history.scale());
        let relative = |value: f64| compress((value - last) / scale) as f32;
        for group in 0..steps.groups() {
            let range = steps.steps_of(group);
            let (from, count) = (*range.start(), range.clone().count());
            for pick in 0..self.picks {
                let step = if count <= self.picks {
                    from + pick.min(count - 1)
                } else {
                    from + rng.random_range(0..count)
                };
                self.targets.push(relative(ahead[step - 1]));
            }
        }
        if steps.peak() {
            let peak = ahead.iter().copied().filter(|v| !v.is_nan()).fold(f64::MIN, f64::max);
            self.targets.extend(std::iter::repeat_n(relative(peak), self.picks));
        }
    }
}
