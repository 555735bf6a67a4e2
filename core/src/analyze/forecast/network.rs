//! The global network: one pass gives all steps and all levels. A plain loop over packed weights; how they come about
//! is not known here.

/// A multi-layer perceptron. Weights: for each layer its matrix, input by input, then a bias for each output.
#[derive(Debug, Clone, PartialEq)]
pub struct Perceptron {
    layers: Vec<usize>,
    weights: Vec<f32>,
    /// Per layer its matrix as [`add_rows`] reads it, one after the other.
    packed: Vec<f32>,
}

impl Perceptron {
    /// Number of weights of these layers.
    pub fn weight_count(layers: &[usize]) -> usize {
        layers.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum()
    }

    /// A network of these weights; `None` when their number is another.
    pub fn new(layers: Vec<usize>, weights: Vec<f32>) -> Option<Self> {
        if layers.len() < 2 || weights.len() != Self::weight_count(&layers) {
            return None;
        }
        let mut packed = Vec::with_capacity(weights.len());
        let mut rest = weights.as_slice();
        for pair in layers.windows(2) {
            let (matrix, after) = rest.split_at(pair[0] * pair[1]);
            pack(matrix, pair[1], &mut packed);
            rest = &after[pair[1]..];
        }
        Some(Self { layers, weights, packed })
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
        let (mut rest, mut packed) = (self.weights.as_slice(), self.packed.as_slice());
        for (i, pair) in self.layers.windows(2).enumerate() {
            let (matrix, after) = packed.split_at(pair[0] * pair[1]);
            packed = after;
            let (bias, after) = rest[matrix.len()..].split_at(pair[1]);
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
            add_rows(active, pair[0], matrix, values);
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

/// Columns of the blocks that a matrix is read in; what is left is a block of its own.
const BLOCKS: [usize; 3] = [64, 32, 8];

/// Appends a matrix block of columns after block, each row by row: so all that a block reads lies in one piece, where
/// the processor fetches ahead.
fn pack(matrix: &[f32], columns: usize, packed: &mut Vec<f32>) {
    let mut from = 0;
    while from < columns {
        let left = columns - from;
        let lanes = BLOCKS.into_iter().find(|&lanes| lanes <= left).unwrap_or(left);
        matrix.chunks_exact(columns).for_each(|row| packed.extend_from_slice(&row[from..from + lanes]));
        from += lanes;
    }
}

/// Adds to `sums` each of the rows of a packed matrix of so many rows times its factor, in their order: with vector units or
/// without, the numbers are the same.
fn add_rows(active: &[(u32, f32)], rows: usize, matrix: &[f32], sums: &mut [f32]) {
    pulp::Arch::new().dispatch(AddRows { active, rows, matrix, sums });
}

struct AddRows<'a> {
    active: &'a [(u32, f32)],
    rows: usize,
    matrix: &'a [f32],
    sums: &'a mut [f32],
}

impl pulp::WithSimd for AddRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(mut self, _: S) {
        let mut from = self.blocks::<{ BLOCKS[0] }>(0);
        from = self.blocks::<{ BLOCKS[1] }>(from);
        from = self.blocks::<{ BLOCKS[2] }>(from);
        self.rest(from);
    }
}

impl AddRows<'_> {
    /// Adds to as many blocks of outputs as there are from `from` on: the sums of one stay in registers while all rows are added. Returns
    /// where they end.
    #[inline(always)]
    fn blocks<const LANES: usize>(&mut self, from: usize) -> usize {
        let mut begin = from;
        while begin + LANES <= self.sums.len() {
            let block = &self.matrix[begin * self.rows..][..LANES * self.rows];
            let mut sum = [0.0; LANES];
            sum.copy_from_slice(&self.sums[begin..begin + LANES]);
            for &(row, factor) in self.active {
                let weights = &block[row as usize * LANES..][..LANES];
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
        let sums = &mut self.sums[from..];
        let (block, lanes) = (&self.matrix[from * self.rows..], sums.len());
        for &(row, factor) in self.active.iter().filter(|_| lanes > 0) {
            let weights = &block[row as usize * lanes..][..lanes];
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += factor * weight;
            }
        }
    }
}
