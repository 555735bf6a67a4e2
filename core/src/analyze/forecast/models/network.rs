//! The global network: all steps and levels of any series in one pass, averaged over a few networks.

use std::sync::Arc;

use super::{Scratch, SeriesModel};
use crate::analyze::forecast::features::{FEATURES, expand, features};
use crate::analyze::forecast::history::History;
use crate::analyze::forecast::network::Perceptron;
use crate::analyze::forecast::steps::Steps;

/// Most networks that are averaged.
pub const NETWORKS_MAX: usize = 3;

/// Networks that were trained for the same steps, shared by all series.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkModel {
    steps: Steps,
    networks: Vec<Perceptron>,
}

/// Networks that do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkModelError {
    /// Their number.
    #[error("there are {0} networks, expected 1 to {NETWORKS_MAX}")]
    Networks(usize),
    /// The sizes of one.
    #[error("a network has {inputs} inputs and {outputs} outputs, expected {FEATURES} and {expected}")]
    Sizes {
        /// Its inputs.
        inputs: usize,
        /// Its outputs.
        outputs: usize,
        /// Outputs times levels of the steps.
        expected: usize,
    },
}

impl NetworkModel {
    /// Networks for these steps.
    ///
    /// # Errors
    /// When there are none or too many, or one has other inputs or outputs.
    pub fn new(steps: Steps, networks: Vec<Perceptron>) -> Result<Self, NetworkModelError> {
        if !(1..=NETWORKS_MAX).contains(&networks.len()) {
            return Err(NetworkModelError::Networks(networks.len()));
        }
        let expected = steps.outputs() * steps.levels().len();
        for network in &networks {
            let layers = network.layers();
            let (inputs, outputs) = (layers[0], layers[layers.len() - 1]);
            if inputs != FEATURES || outputs != expected {
                return Err(NetworkModelError::Sizes { inputs, outputs, expected });
            }
        }
        Ok(Self { steps, networks })
    }

    /// The same for its peak alone: the answers for the steps are left out of the last layer. `None` where no peak is answered.
    pub fn peak_alone(&self) -> Option<Self> {
        if !self.steps.peak() {
            return None;
        }
        let steps = Steps::peak_alone(self.steps.horizon(), self.steps.levels()).ok()?;
        let (first, count) = (self.steps.groups() * steps.levels().len(), steps.levels().len());
        let networks: Option<Vec<Perceptron>> =
            self.networks.iter().map(|network| network.with_outputs(first, count)).collect();
        Self::new(steps, networks?).ok()
    }

    /// What it answers.
    pub fn steps(&self) -> &Steps {
        &self.steps
    }

    /// The networks.
    pub fn networks(&self) -> &[Perceptron] {
        &self.networks
    }
}

impl SeriesModel for Arc<NetworkModel> {
    fn observe(&mut self, _history: &History, _steps: &Steps) {}

    fn forecast(&self, history: &History, steps: &Steps, scratch: &mut Scratch, out: &mut [f64]) {
        if history.age_bins() == 0 {
            out.fill(0.0);
            return;
        }
        let mut row = [0.0; FEATURES];
        features(history, steps, &mut row);
        scratch.sums.clear();
        scratch.sums.resize(out.len(), 0.0);
        for network in &self.networks {
            for (sum, &answer) in scratch.sums.iter_mut().zip(network.run(&row, &mut scratch.layers)) {
                *sum += f64::from(answer);
            }
        }
        let (last, scale, count) = (history.last(), history.scale(), self.networks.len() as f64);
        for (out, sum) in out.iter_mut().zip(&scratch.sums) {
            *out = last + scale * expand(sum / count);
        }
        for quantiles in out.chunks_exact_mut(steps.levels().len()) {
            quantiles.sort_by(f64::total_cmp);
        }
    }
}
