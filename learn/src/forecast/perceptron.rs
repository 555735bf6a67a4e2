//! Forward and backward pass of a multi-layer perceptron over a batch, in plain code.

use super::matrix::{add_product, add_transposed_product, transpose};

/// Working space of a batch: the outputs of each layer, inputs first.
pub(super) struct Batch {
    layers: Vec<usize>,
    rows: usize,
    values: Vec<Vec<f32>>,
}

impl Batch {
    pub(super) fn new(layers: &[usize], rows: usize) -> Self {
        let values = layers.iter().map(|&width| vec![0.0; rows * width]).collect();
        Self { layers: layers.to_vec(), rows, values }
    }

    /// The inputs, row by row.
    pub(super) fn inputs_mut(&mut self) -> &mut [f32] {
        &mut self.values[0]
    }

    /// The outputs of the last pass forward, row by row.
    pub(super) fn outputs(&self) -> &[f32] {
        &self.values[self.layers.len() - 1]
    }

    /// From inputs to outputs.
    pub(super) fn forward(&mut self, weights: &[f32]) {
        let mut rest = weights;
        for i in 1..self.layers.len() {
            let (inner, columns) = (self.layers[i - 1], self.layers[i]);
            let (matrix, after) = rest.split_at(inner * columns);
            let (bias, after) = after.split_at(columns);
            rest = after;
            let (before, from) = self.values.split_at_mut(i);
            let out = &mut from[0];
            out.chunks_exact_mut(columns).for_each(|row| row.copy_from_slice(bias));
            add_product(&before[i - 1], matrix, out, inner, columns);
            if i + 1 < self.layers.len() {
                out.iter_mut().for_each(|x| *x = x.max(0.0));
            }
        }
    }

    /// From the slope of the loss by the outputs to that by the weights, which is written to `gradient`.
    pub(super) fn backward(&self, weights: &[f32], mut slope: Vec<f32>, gradient: &mut [f32]) {
        gradient.fill(0.0);
        let mut end = weights.len();
        for i in (1..self.layers.len()).rev() {
            let (inner, columns) = (self.layers[i - 1], self.layers[i]);
            let from = end - (inner + 1) * columns;
            let (of_matrix, of_bias) = gradient[from..end].split_at_mut(inner * columns);
            add_transposed_product(&self.values[i - 1], &slope, of_matrix, inner, columns);
            for row in slope.chunks_exact(columns) {
                of_bias.iter_mut().zip(row).for_each(|(b, s)| *b += s);
            }
            if i > 1 {
                let matrix = transpose(&weights[from..from + inner * columns], columns);
                let mut before = vec![0.0; self.rows * inner];
                add_product(&slope, &matrix, &mut before, columns, inner);
                for (slope, &value) in before.iter_mut().zip(&self.values[i - 1]) {
                    if value <= 0.0 {
                        *slope = 0.0;
                    }
                }
                slope = before;
            }
            end = from;
        }
    }
}
