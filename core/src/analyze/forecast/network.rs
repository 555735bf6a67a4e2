//! The global network: one pass gives all steps and all levels. A plain loop over packed weights; how they come about
//! is not known here.

/// A multi-layer perceptron. Weights: for each layer its matrix, input by input, then a bias for each output.
#[derive(Debug, Clone, PartialEq)]
pub struct Perceptron {
    layers: Vec<usize>,
    weights: Vec<f32>,
}

impl Perceptron {
    /// Number of weights of these layers.
    pub fn weight_count(layers: &[usize]) -> usize {
        layers.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum()
    }

    /// A network of these weights; `None` when their number is another.
    pub fn new(layers: Vec<usize>, weights: Vec<f32>) -> Option<Self> {
        (layers.len() >= 2 && weights.len() == Self::weight_count(&layers))
            .then_some(Self { layers, weights })
    }

    /// The same network with so many of its outputs, from `first` on; `None` where there are none.
    pub fn with_outputs(&self, first: usize, count: usize) -> Option<Self> {
        let mut layers = self.layers.clone();
        let outputs = layers.pop().filter(|outputs| first + count <= *outputs && count > 0)?;
        let before = Self::weight_count(&layers);
        let mut weights = self.weights[..before].to_vec();
        for row in self.weights[before..].chunks_exact(outputs) {
            weights.extend_from_slice(&row[first..first + count]);
        }
        layers.push(count);
        Self::new(layers, weights)
    }

    /// Inputs, hidden widths, outputs.
    pub fn layers(&self) -> &[usize] {
        &self.layers
    }

    /// The weights.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Runs the network; `scratch` is working space that grows once.
    pub fn run<'a>(&self, inputs: &[f32], scratch: &'a mut [Vec<f32>; 2]) -> &'a [f32] {
        let [from, to] = scratch;
        from.clear();
        from.extend_from_slice(inputs);
        let mut rest = self.weights.as_slice();
        for (i, pair) in self.layers.windows(2).enumerate() {
            let (matrix, after) = rest.split_at(pair[0] * pair[1]);
            let (bias, after) = after.split_at(pair[1]);
            rest = after;
            to.clear();
            to.extend_from_slice(bias);
            for (&input, row) in from.iter().zip(matrix.chunks_exact(pair[1])) {
                // Half of the hidden units are silent: their rows add nothing.
                if input != 0.0 {
                    for (output, weight) in to.iter_mut().zip(row) {
                        *output += input * weight;
                    }
                }
            }
            if i + 2 < self.layers.len() {
                to.iter_mut().for_each(|x| *x = x.max(0.0));
            }
            std::mem::swap(from, to);
        }
        from
    }
}
