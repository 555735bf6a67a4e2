//! Products of small dense matrices, row by row, as training needs them. Blocks of a few rows and lanes stay in
//! registers; the order of additions is fixed, so results do not depend on anything but the numbers, vector units included.

/// Rows of a block.
const ROWS: usize = 4;
/// Columns of a block. Twice as many no longer stay in registers, and cost forty times as much.
const LANES: usize = 8;

/// Adds `a` (rows x inner) times `b` (inner x columns) to `c` (rows x columns).
pub(super) fn add_product(a: &[f32], b: &[f32], c: &mut [f32], inner: usize, columns: usize) {
    pulp::Arch::new().dispatch(AddProduct { a, b, c, inner, columns });
}

struct AddProduct<'a> {
    a: &'a [f32],
    b: &'a [f32],
    c: &'a mut [f32],
    inner: usize,
    columns: usize,
}

impl pulp::WithSimd for AddProduct<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        add_blocks(self.a, self.b, self.c, self.inner, self.columns);
    }
}

/// The same on the vector units of the caller.
#[inline(always)]
fn add_blocks(a: &[f32], b: &[f32], c: &mut [f32], inner: usize, columns: usize) {
    let blocks = a.chunks(ROWS * inner).zip(c.chunks_mut(ROWS * columns));
    for (a, c) in blocks {
        if a.len() == ROWS * inner {
            let rows: [&[f32]; ROWS] = std::array::from_fn(|r| &a[r * inner..(r + 1) * inner]);
            let whole = columns / LANES * LANES;
            for from in (0..whole).step_by(LANES) {
                let mut sum = [[0.0_f32; LANES]; ROWS];
                for (k, b) in b.chunks_exact(columns).enumerate() {
                    let b: &[f32; LANES] =
                        b[from..from + LANES].try_into().expect("a block has LANES columns");
                    for (sum, row) in sum.iter_mut().zip(&rows) {
                        let factor = row[k];
                        for (sum, b) in sum.iter_mut().zip(b) {
                            *sum += factor * b;
                        }
                    }
                }
                for (r, sum) in sum.iter().enumerate() {
                    for (c, sum) in c[r * columns + from..][..LANES].iter_mut().zip(sum) {
                        *c += sum;
                    }
                }
            }
            add_rest(a, b, c, inner, columns, whole);
        } else {
            add_rest(a, b, c, inner, columns, 0);
        }
    }
}

/// The same, column after column from `from` on.
#[inline(always)]
fn add_rest(a: &[f32], b: &[f32], c: &mut [f32], inner: usize, columns: usize, from: usize) {
    if from == columns {
        return;
    }
    for (a, c) in a.chunks_exact(inner).zip(c.chunks_exact_mut(columns)) {
        for (&factor, b) in a.iter().zip(b.chunks_exact(columns)) {
            for (c, b) in c[from..].iter_mut().zip(&b[from..]) {
                *c += factor * b;
            }
        }
    }
}

/// Adds the transpose of `a` (rows x inner) times `d` (rows x columns) to `c` (inner x columns).
pub(super) fn add_transposed_product(a: &[f32], d: &[f32], c: &mut [f32], inner: usize, columns: usize) {
    let rows = a.len() / inner;
    let mut transposed = vec![0.0; a.len()];
    for (r, row) in a.chunks_exact(inner).enumerate() {
        for (k, &value) in row.iter().enumerate() {
            transposed[k * rows + r] = value;
        }
    }
    add_product(&transposed, d, c, rows, columns);
}

/// The transpose of `a` (rows x columns).
pub(super) fn transpose(a: &[f32], columns: usize) -> Vec<f32> {
    let rows = a.len() / columns;
    let mut out = vec![0.0; a.len()];
    for (r, row) in a.chunks_exact(columns).enumerate() {
        for (k, &value) in row.iter().enumerate() {
            out[k * rows + r] = value;
        }
    }
    out
}
