//! The network of the founding document, 64 - 32 - 1 with rectified units and a sigmoid, trained by squared error to say
//! the next value from the last twelve, both scaled to the range seen; further steps by feeding its answers back. It has no
//! quantiles of its own: they come from its residuals. Here as the named peer that others are measured against.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Scratch, SeriesModel};
use crate::analyze::forecast::history::{History, SHORT_BINS};
use crate::analyze::forecast::network::Perceptron;
use crate::analyze::forecast::residuals::{Residuals, recent_peak};
use crate::analyze::forecast::steps::Steps;

/// Inputs, hidden layers and output.
pub const SOURCE_LAYERS: [usize; 4] = [SHORT_BINS, 64, 32, 1];

/// The trained network, shared by all series.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceModel(Perceptron);

impl SourceModel {
    /// `None` when the network has other layers.
    pub fn new(network: Perceptron) -> Option<Self> {
        (network.layers() == SOURCE_LAYERS).then_some(Self(network))
    }

    /// The network.
    pub fn network(&self) -> &Perceptron {
        &self.0
    }
}

/// State of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceNetwork {
    model: Arc<SourceModel>,
    /// For each bin of the last horizon the centres at the anchors, the newest first; the highest of all steps last.
    centres: VecDeque<[f64; 5]>,
    residuals: Residuals,
    scratch: Scratch,
}

impl SourceNetwork {
    /// A state without residuals.
    pub fn new(model: Arc<SourceModel>, steps: &Steps, season_bins: usize) -> Self {
        let residuals = Residuals::new(steps, season_bins, false);
        Self { model, centres: VecDeque::new(), residuals, scratch: Scratch::default() }
    }

    /// Values of the next `steps` bins, one after the other.
    fn path(&self, history: &History, steps: usize, scratch: &mut Scratch) -> Vec<f64> {
        let (low, high) = history.range();
        let width = if high > low { high - low } else { 1.0 };
        let mut recent: VecDeque<f32> =
            (0..SHORT_BINS).map(|back| ((history.back(back) - low) / width) as f32).collect();
        let mut path = Vec::with_capacity(steps);
        for _ in 0..steps {
            let answer = self.model.0.run(recent.make_contiguous(), &mut scratch.layers)[0];
            let next = 1.0 / (1.0 + (-answer).exp());
            path.push(low + width * f64::from(next));
            recent.pop_back();
            recent.push_front(next);
        }
        path
    }
}

impl SeriesModel for SourceNetwork {
    fn observe(&mut self, history: &History, steps: &Steps) {
        if history.age_bins() == 0 {
            return;
        }
        if history.gap_bins() == 0 {
            for anchor in 0..self.residuals.anchors().len() {
                if let Some(centres) = self.centres.get(self.residuals.anchors()[anchor] - 1) {
                    self.residuals.push(anchor, history.last() - centres[anchor]);
                }
            }
            if let Some(centres) = self.centres.get(steps.horizon() - 1) {
                self.residuals.push_peak(recent_peak(history, steps.horizon()) - centres[4]);
            }
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        let path = self.path(history, steps.horizon(), &mut scratch);
        self.scratch = scratch;
        let mut centres = [path.iter().copied().fold(f64::MIN, f64::max); 5];
        for (centre, &step) in centres.iter_mut().zip(self.residuals.anchors()) {
            *centre = path[step - 1];
        }
        self.centres.push_front(centres);
        self.centres.truncate(steps.horizon());
    }

    fn forecast(&self, history: &History, steps: &Steps, scratch: &mut Scratch, out: &mut [f64]) {
        let path = self.path(history, steps.horizon(), scratch);
        let highest = path.iter().copied().fold(f64::MIN, f64::max);
        let of = |group: usize| {
            if group == steps.groups() { highest } else { path[*steps.steps_of(group).end() - 1] }
        };
        self.residuals.spread(steps, of, out);
    }
}
