//! One tree: the leaf whose best split lowers the loss most is split next.

use lepton_core::analyze::risk::TreeNode;

use super::TreeOptions;
use super::bins::{BINS, BinnedTable};

/// First and second derivatives of the loss, added up.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    slope: f64,
    curve: f64,
}

/// The best split of a leaf.
#[derive(Debug, Clone, Copy)]
struct Split {
    gain: f64,
    feature: usize,
    bin: u8,
    missing_left: bool,
}

struct Leaf {
    node: usize,
    rows: Vec<u32>,
    best: Option<Split>,
}

/// A node while it grows.
#[derive(Debug, Clone, Copy)]
enum Growing {
    Leaf(f32),
    Split { feature: usize, bin: u8, threshold: f32, missing_left: bool, left: usize },
}

/// Grows trees on one table; keeps its memory between them.
pub(super) struct Grower<'a> {
    table: &'a BinnedTable,
    histogram: Vec<Sums>,
}

/// A tree in terms of the table it was grown on.
pub(super) struct GrownTree {
    nodes: Vec<Growing>,
}

impl<'a> Grower<'a> {
    pub(super) fn new(table: &'a BinnedTable) -> Self {
        Self { table, histogram: vec![Sums::default(); BINS] }
    }

    /// Grows a tree on these rows, asking for these features.
    pub(super) fn grow(
        &mut self,
        rows: Vec<u32>,
        features: &[usize],
        derivatives: (&[f32], &[f32]),
        options: &TreeOptions,
    ) -> GrownTree {
        let mut nodes = vec![Growing::Leaf(answer(sum(&rows, derivatives), options))];
        let best = self.best_split(&rows, features, derivatives, options);
        let mut leaves = vec![Leaf { node: 0, rows, best }];
        while leaves.len() < options.leaves_max.max(1) {
            let gain = |leaf: &Leaf| leaf.best.map_or(0.0, |b| b.gain);
            let Some(at) = (0..leaves.len()).max_by(|&a, &b| gain(&leaves[a]).total_cmp(&gain(&leaves[b])))
            else {
                break;
            };
            let Some(split) = leaves[at].best else { break };
            let leaf = leaves.swap_remove(at);
            let left_child = nodes.len();
            let bins = self.table.column_of(split.feature);
            let goes_left = |row: &u32| is_left(bins[*row as usize], split.bin, split.missing_left);
            let (left, right): (Vec<u32>, Vec<u32>) = leaf.rows.into_iter().partition(goes_left);
            let threshold = self.table.border(split.feature, split.bin);
            nodes[leaf.node] = Growing::Split {
                feature: split.feature,
                bin: split.bin,
                threshold,
                missing_left: split.missing_left,
                left: left_child,
            };
            for rows in [left, right] {
                let node = nodes.len();
                nodes.push(Growing::Leaf(answer(sum(&rows, derivatives), options)));
                let best = self.best_split(&rows, features, derivatives, options);
                leaves.push(Leaf { node, rows, best });
            }
        }
        GrownTree { nodes }
    }

    fn best_split(
        &mut self,
        rows: &[u32],
        features: &[usize],
        derivatives: (&[f32], &[f32]),
        options: &TreeOptions,
    ) -> Option<Split> {
        let all = sum(rows, derivatives);
        if all.curve < 2.0 * options.leaf_weight_min {
            return None;
        }
        let mut best: Option<Split> = None;
        for &feature in features {
            let bins = self.table.bins(feature);
            if bins < 3 {
                continue;
            }
            let histogram = &mut self.histogram[..bins];
            histogram.fill(Sums::default());
            let column = self.table.column_of(feature);
            for &row in rows {
                let sums = &mut histogram[usize::from(column[row as usize])];
                sums.slope += f64::from(derivatives.0[row as usize]);
                sums.curve += f64::from(derivatives.1[row as usize]);
            }
            let missing = histogram[0];
            for missing_left in [false, true] {
                if missing_left && missing.curve == 0.0 {
                    continue;
                }
                let mut left = if missing_left { missing } else { Sums::default() };
                for (bin, sums) in histogram.iter().enumerate().take(bins - 1).skip(1) {
                    left = Sums { slope: left.slope + sums.slope, curve: left.curve + sums.curve };
                    let right = Sums { slope: all.slope - left.slope, curve: all.curve - left.curve };
                    if left.curve < options.leaf_weight_min || right.curve < options.leaf_weight_min {
                        continue;
                    }
                    let gain = value(left, options) + value(right, options) - value(all, options);
                    if gain > best.map_or(1e-9, |b| b.gain) {
                        best = Some(Split { gain, feature, bin: bin as u8, missing_left });
                    }
                }
            }
        }
        best
    }
}

impl GrownTree {
    /// What it adds for a row of the table.
    pub(super) fn answer(&self, table: &BinnedTable, row: usize) -> f32 {
        let mut at = 0;
        loop {
            match self.nodes[at] {
                Growing::Leaf(value) => return value,
                Growing::Split { feature, bin, missing_left, left, .. } => {
                    at = left + usize::from(!is_left(table.column_of(feature)[row], bin, missing_left));
                }
            }
        }
    }

    /// The tree as it is asked, its answers times `scale`.
    pub(super) fn nodes(&mut self, scale: f32) -> Vec<TreeNode> {
        let node = |n: &Growing| match *n {
            Growing::Leaf(value) => TreeNode::leaf(value * scale),
            Growing::Split { feature, threshold, missing_left, left, .. } => {
                TreeNode::split(feature as u16, threshold, missing_left, left as u32)
            }
        };
        self.nodes.iter().map(node).collect()
    }
}

fn is_left(bin: u8, border: u8, missing_left: bool) -> bool {
    if bin == 0 { missing_left } else { bin <= border }
}

fn sum(rows: &[u32], (slopes, curves): (&[f32], &[f32])) -> Sums {
    rows.iter().fold(Sums::default(), |sums, &row| Sums {
        slope: sums.slope + f64::from(slopes[row as usize]),
        curve: sums.curve + f64::from(curves[row as usize]),
    })
}

/// What a leaf adds: a Newton step, drawn towards zero and shortened.
fn answer(sums: Sums, options: &TreeOptions) -> f32 {
    let step = -sums.slope / (sums.curve + options.ridge.max(1e-9));
    (options.learning_rate * step.clamp(-8.0, 8.0)) as f32
}

/// How far a leaf lowers the loss (times two).
fn value(sums: Sums, options: &TreeOptions) -> f64 {
    sums.slope * sums.slope / (sums.curve + options.ridge.max(1e-9))
}
