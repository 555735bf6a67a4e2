//! The shared scorer of candidates: one small network, applied to every candidate alike, so that neither their number
//! nor their order matters and the same weights serve any cluster. Its answer is a correction of a rule's score.

use serde::{Deserialize, Serialize};

/// Widest layer that is accepted.
pub const LAYER_MAX: usize = 64;

/// Sizes of a [`Network`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkShape {
    /// Features of a candidate.
    pub candidate: usize,
    /// Features of the decision, the same for all its candidates.
    pub context: usize,
    /// Widths of the hidden layers, each at most [`LAYER_MAX`]; none makes a linear score.
    pub hidden: Vec<usize>,
}

impl NetworkShape {
    /// Inputs and outputs of each layer; the last has one output.
    pub fn layers(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let inputs = std::iter::once(self.candidate + self.context).chain(self.hidden.iter().copied());
        inputs.zip(self.hidden.iter().copied().chain([1]))
    }

    /// Number of weights: for each layer a matrix, input by input, then a bias for each output. The last layer has no
    /// bias, since only differences between candidates count.
    pub fn weight_count(&self) -> usize {
        let last = self.hidden.len();
        self.layers()
            .enumerate()
            .map(|(i, (inputs, outputs))| inputs * outputs + if i < last { outputs } else { 0 })
            .sum()
    }
}

/// A network with its weights; hidden layers are rectified linear units.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    shape: NetworkShape,
    weights: Vec<f32>,
}

impl Network {
    /// A network of these weights, in the order of [`NetworkShape::weight_count`]. `None` when their number is another,
    /// or a layer is wider than [`LAYER_MAX`].
    pub fn new(shape: NetworkShape, weights: &[f32]) -> Option<Self> {
        let fits = weights.len() == shape.weight_count()
            && shape.hidden.iter().all(|&width| (1..=LAYER_MAX).contains(&width));
        fits.then(|| Self { shape, weights: weights.to_vec() })
    }

    /// Its sizes.
    pub fn shape(&self) -> &NetworkShape {
        &self.shape
    }

    /// Adds to each of `scores` the correction for its candidate. `candidates` holds their features one candidate
    /// after the other; `context` what is common to all.
    pub fn correct(&self, context: &[f32], candidates: &[f32], scores: &mut [f32]) {
        debug_assert_eq!(candidates.len(), scores.len() * self.shape.candidate);
        debug_assert_eq!(context.len(), self.shape.context);
        let Some(&first) = self.shape.hidden.first() else {
            // What the context adds is the same for all candidates of a linear score.
            for (score, candidate) in scores.iter_mut().zip(candidates.chunks_exact(self.shape.candidate)) {
                *score += candidate.iter().zip(&self.weights).map(|(x, w)| x * w).sum::<f32>();
            }
            return;
        };
        let (matrix, rest) = self.weights.split_at((self.shape.candidate + self.shape.context) * first);
        let (of_candidate, of_context) = matrix.split_at(self.shape.candidate * first);
        let (bias, rest) = rest.split_at(first);
        let mut common = [0.0; LAYER_MAX];
        common[..first].copy_from_slice(bias);
        add_product(context, of_context, &mut common[..first]);
        for (score, candidate) in scores.iter_mut().zip(candidates.chunks_exact(self.shape.candidate)) {
            let (mut layer, mut width, mut rest) = (common, first, rest);
            add_product(candidate, of_candidate, &mut layer[..width]);
            for &outputs in self.shape.hidden[1..].iter().chain(&[1]) {
                layer[..width].iter_mut().for_each(|x| *x = x.max(0.0));
                let (matrix, after) = rest.split_at(width * outputs);
                let mut next = [0.0; LAYER_MAX];
                rest = after;
                if !after.is_empty() {
                    let (bias, after) = after.split_at(outputs);
                    next[..outputs].copy_from_slice(bias);
                    rest = after;
                }
                add_product(&layer[..width], matrix, &mut next[..outputs]);
                (layer, width) = (next, outputs);
            }
            *score += layer[0];
        }
    }
}

/// Adds input x matrix to `outputs`; the matrix holds one row of outputs for each input.
fn add_product(inputs: &[f32], matrix: &[f32], outputs: &mut [f32]) {
    for (&input, row) in inputs.iter().zip(matrix.chunks_exact(outputs.len())) {
        for (output, weight) in outputs.iter_mut().zip(row) {
            *output += input * weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_one_hidden_layer_computes_what_is_written_out_by_hand() {
        let shape = NetworkShape { candidate: 1, context: 1, hidden: vec![2] };
        // Candidate row, context row, biases, last layer.
        let network = Network::new(shape, &[1.0, -1.0, 2.0, 0.5, 0.25, -0.25, 3.0, 4.0]).unwrap();
        let mut scores = [10.0, 20.0];
        network.correct(&[0.5], &[1.0, -2.0], &mut scores);
        // Units of the first: 1 + 1 + 0.25 and -1 + 0.25 - 0.25 (cut off); of the second: -2 + 1.25 (cut off) and 2.
        assert_eq!(scores, [10.0 + 3.0 * 2.25, 20.0 + 4.0 * 2.0]);
    }

    #[test]
    fn deep_linear_and_wrong_networks_have_the_stated_number_of_weights() {
        let deep = NetworkShape { candidate: 3, context: 2, hidden: vec![4, 2] };
        assert_eq!(deep.weight_count(), 5 * 4 + 4 + 4 * 2 + 2 + 2);
        let mut scores = [1.0];
        Network::new(deep.clone(), &[0.0; 36]).unwrap().correct(&[1.0, 2.0], &[1.0, 2.0, 3.0], &mut scores);
        assert_eq!(scores, [1.0], "zero weights correct nothing");
        assert_eq!(Network::new(deep, &[0.0; 35]), None);
        let linear = NetworkShape { candidate: 2, context: 1, hidden: vec![] };
        Network::new(linear, &[2.0, 3.0, 9.0]).unwrap().correct(&[1.0], &[1.0, 10.0], &mut scores);
        assert_eq!(scores, [33.0]);
        let wide = NetworkShape { candidate: 1, context: 0, hidden: vec![LAYER_MAX + 1] };
        assert_eq!(Network::new(wide.clone(), &vec![0.0; wide.weight_count()]), None);
    }
}
