//! Losses and their gradients: the only file that knows the library of tensors. Weights go in and gradients come
//! out as flat vectors in the layout of [`NetworkShape`]; on the CPU, or with the feature `train-cuda` on a CUDA device.
//!
//! PPO: Schulman et al., "Proximal Policy Optimization Algorithms", 2017.

use burn_tensor::activation::{log_softmax, relu};
use burn_tensor::{Device, Tensor, TensorData};
use lepton_core::decide::policy::NetworkShape;

use crate::Decision;

/// Score of the places that fill a short row up: no probability is left for them.
const FILL: f32 = -1e9;

/// Several decisions, each row filled up to as many candidates as the longest has.
pub(super) struct Rows {
    decisions: usize,
    candidates: usize,
    context: Vec<f32>,
    features: Vec<f32>,
    base: Vec<f32>,
}

impl Rows {
    pub(super) fn new(decisions: &[&Decision], shape: &NetworkShape) -> Self {
        let candidates = decisions.iter().map(|d| d.base.len()).max().unwrap_or(0);
        let mut rows = Self {
            decisions: decisions.len(),
            candidates,
            context: Vec::with_capacity(decisions.len() * shape.context),
            features: Vec::with_capacity(decisions.len() * candidates * shape.candidate),
            base: Vec::with_capacity(decisions.len() * candidates),
        };
        for (row, decision) in (1..).zip(decisions) {
            rows.context.extend(&decision.context);
            rows.features.extend(&decision.candidates);
            rows.features.resize(row * candidates * shape.candidate, 0.0);
            rows.base.extend(&decision.base);
            rows.base.resize(row * candidates, FILL);
        }
        rows
    }

    /// Candidates in each row.
    pub(super) fn width(&self) -> usize {
        self.candidates
    }
}

/// What the actor is drawn towards.
pub(super) enum Goal<'a> {
    /// How much each candidate counts, row by row: least cross entropy.
    Policy(&'a [f32]),
    /// The clipped gain of PPO: per row, `taken` is 1 at the choice taken, 0 elsewhere.
    Clipped {
        taken: &'a [f32],
        /// Per row: logarithm of the old probability of the choice.
        old_log: &'a [f32],
        /// Per row.
        advantage: &'a [f32],
        clip: f64,
    },
}

/// The loss of a network's weights and its gradient.
pub(super) struct Slope {
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "learning needs the gradient alone; tests look at both")
    )]
    pub(super) loss: f32,
    pub(super) gradient: Vec<f32>,
}

/// Where tensors are computed.
pub(super) struct Engine {
    device: Device,
}

impl Engine {
    /// The first CUDA device where the program is built for one, else the CPU.
    pub(super) fn new() -> Self {
        #[cfg(feature = "train-cuda")]
        let device = Device::cuda(0);
        #[cfg(not(feature = "train-cuda"))]
        let device = Device::flex();
        Self { device: device.autodiff() }
    }

    /// How far the actor's policy, softmax of (base + correction) / temperature, is from the goal.
    pub(super) fn actor(
        &self,
        shape: &NetworkShape,
        weights: &[f32],
        rows: &Rows,
        temperature: f64,
        goal: &Goal<'_>,
    ) -> Slope {
        let size = [rows.decisions, rows.candidates];
        let weights = self.tensor(weights, [weights.len()]).require_grad();
        let base = self.tensor(&rows.base, size);
        let scores = base + self.corrections(shape, &weights, rows);
        let log_policy = log_softmax(scores.div_scalar(temperature), 1);
        let loss = match *goal {
            Goal::Policy(goal) => {
                (self.tensor(goal, size) * log_policy).sum().neg().div_scalar(rows.decisions as f64)
            }
            Goal::Clipped { taken, old_log, advantage, clip } => {
                let column = [rows.decisions, 1];
                let log = (self.tensor(taken, size) * log_policy).sum_dim(1);
                let ratio = (log - self.tensor(old_log, column)).exp();
                let advantage = self.tensor(advantage, column);
                let clipped = ratio.clone().clamp(1.0 - clip, 1.0 + clip) * advantage.clone();
                (ratio * advantage).min_pair(clipped).mean().neg()
            }
        };
        slope(&weights, &loss)
    }

    /// Mean square by which the critic's values miss their targets; `states` one after the other.
    pub(super) fn critic(
        &self,
        shape: &NetworkShape,
        weights: &[f32],
        states: Vec<f32>,
        targets: &[f32],
    ) -> Slope {
        let rows = Rows {
            decisions: targets.len(),
            candidates: 1,
            context: Vec::new(),
            features: states,
            base: Vec::new(),
        };
        let weights = self.tensor(weights, [weights.len()]).require_grad();
        let values = self.corrections(shape, &weights, &rows);
        let loss = (values - self.tensor(targets, [targets.len(), 1])).square().mean();
        slope(&weights, &loss)
    }

    /// The network's answer for each candidate, one row for each decision.
    fn corrections(&self, shape: &NetworkShape, weights: &Tensor<1>, rows: &Rows) -> Tensor<2> {
        let count = rows.decisions * rows.candidates;
        let mut at = 0;
        let mut take = |inputs: usize, outputs: usize| {
            let part = weights.clone().narrow(0, at, inputs * outputs);
            at += inputs * outputs;
            part.reshape([inputs, outputs])
        };
        let features = self.tensor(&rows.features, [count, shape.candidate]);
        let Some(&first) = shape.hidden.first() else {
            return features.matmul(take(shape.candidate, 1)).reshape([rows.decisions, rows.candidates]);
        };
        let of_candidate =
            features.matmul(take(shape.candidate, first)).reshape([rows.decisions, rows.candidates, first]);
        let of_context = (shape.context > 0).then(|| {
            self.tensor(&rows.context, [rows.decisions, shape.context]).matmul(take(shape.context, first))
        });
        let bias = take(1, first);
        let common = match of_context {
            Some(of_context) => (of_context + bias).reshape([rows.decisions, 1, first]),
            None => bias.reshape([1, 1, first]),
        };
        let mut layer = relu(of_candidate + common).reshape([count, first]);
        for (i, (inputs, outputs)) in shape.layers().enumerate().skip(1) {
            layer = layer.matmul(take(inputs, outputs));
            if i < shape.hidden.len() {
                layer = relu(layer + take(1, outputs));
            }
        }
        layer.reshape([rows.decisions, rows.candidates])
    }

    fn tensor<const D: usize>(&self, values: &[f32], size: [usize; D]) -> Tensor<D> {
        Tensor::from_data(TensorData::new(values.to_vec(), size), &self.device)
    }
}

fn slope(weights: &Tensor<1>, loss: &Tensor<1>) -> Slope {
    let gradient = weights.grad(&loss.backward());
    let values = |t: Tensor<1>| t.try_into_vec_as::<f32>().unwrap_or_default();
    Slope {
        loss: values(loss.clone()).first().copied().unwrap_or(f32::NAN),
        // A value that cannot be read back is left out like one that is not finite.
        gradient: gradient.map_or_else(|| vec![f32::NAN], values),
    }
}
