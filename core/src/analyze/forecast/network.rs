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
    pub fn run<'a>(&self, inputs: &[f32], scratch: &'a mut LayerScratch) -> &'a [f32] {
        let LayerScratch { values, active } = scratch;
        values.clear();
        values.extend_from_slice(inputs);
        let mut rest = self.weights.as_slice();
        for (i, pair) in self.layers.windows(2).enumerate() {
            let (matrix, after) = rest.split_at(pair[0] * pair[1]);
            let (bias, after) = after.split_at(pair[1]);
            rest = after;
            // Half of the hidden units are silent: their rows add nothing.
            active.clear();
            active.resize(values.len(), (0, 0.0));
            let mut count = 0;
            for (row, &value) in values.iter().enumerate() {
                active[count] = (row as u32, value);
                count += usize::from(value != 0.0);
            }
            active.truncate(count);
            values.clear();
            values.extend_from_slice(bias);
            add_rows(active, matrix, values);
            if i + 2 < self.layers.len() {
                values.iter_mut().for_each(|x| *x = x.max(0.0));
            }
        }
        values
    }
}

/// Working space of a network.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LayerScratch {
    values: Vec<f32>,
    /// Inputs of a layer that are not zero: their row and value.
    active: Vec<(u32, f32)>,
}

/// Adds to `sums` each of the rows times its factor, in their order: with vector units or without, the numbers are the same.
fn add_rows(rows: &[(u32, f32)], matrix: &[f32], sums: &mut [f32]) {
    pulp::Arch::new().dispatch(AddRows { rows, matrix, sums });
}

struct AddRows<'a> {
    rows: &'a [(u32, f32)],
    matrix: &'a [f32],
    sums: &'a mut [f32],
}

impl pulp::WithSimd for AddRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(mut self, _: S) {
        let mut from = self.blocks::<64>(0);
        from = self.blocks::<32>(from);
        from = self.blocks::<8>(from);
        self.rest(from);
    }
}

impl AddRows<'_> {
    /// Adds to as many blocks of outputs as there are from `from` on: the sums of one stay in registers while all rows are added. Returns
    /// where they end.
    #[inline(always)]
    fn blocks<const LANES: usize>(&mut self, from: usize) -> usize {
        let columns = self.sums.len();
        let mut begin = from;
        while begin + LANES <= columns {
            let mut sum = [0.0; LANES];
            sum.copy_from_slice(&self.sums[begin..begin + LANES]);
            for &(row, factor) in self.rows {
                let weights = &self.matrix[row as usize * columns + begin..][..LANES];
                for (sum, weight) in sum.iter_mut().zip(weights) {
                    *sum += factor * weight;
                }
            }
            self.sums[begin..begin + LANES].copy_from_slice(&sum);
            begin += LANES;
        }
        begin
    }

    /// Adds to the last outputs, fewer than a block.
    #[inline(always)]
    fn rest(&mut self, from: usize) {
        let columns = self.sums.len();
        let sums = &mut self.sums[from..];
        for &(row, factor) in self.rows.iter().filter(|_| from < columns) {
            let weights = &self.matrix[row as usize * columns + from..][..columns - from];
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += factor * weight;
            }
        }
    }
}
