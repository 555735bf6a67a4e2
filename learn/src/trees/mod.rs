//! Training of boosted decision trees for a yes or no (logistic loss): gradient boosting over histograms, trees grown
//! leaf by leaf where the loss falls most (J. Friedman, "Greedy function approximation", Ann. Stat. 2001; G. Ke et al.,
//! "LightGBM", NeurIPS 2017). Missing values go where they do best. [`lepton_core::analyze::risk::TreeEnsemble`] is
//! the result; it is asked there.

mod bins;
mod grow;

use lepton_core::analyze::risk::{TREE_FEATURES_MAX, TreeEnsemble, TreeNode};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use bins::BinnedTable;
use grow::Grower;

/// How trees are trained.
#[derive(Debug, Clone, PartialEq)]
pub struct TreeOptions {
    /// Trees of an ensemble.
    pub trees: usize,
    /// Ensembles, each on other draws, that are averaged.
    pub ensembles: usize,
    /// Share of a tree's answer that is added.
    pub learning_rate: f64,
    /// Leaves of a tree at most.
    pub leaves_max: usize,
    /// Second derivatives of the loss that a leaf must hold: a certain row weighs nothing, an uncertain one 1/4.
    pub leaf_weight_min: f64,
    /// What draws the answer of a leaf towards zero.
    pub ridge: f64,
    /// Share of the rows without the event that a tree sees; it sees all with it.
    pub row_share: f64,
    /// Share of the features that a tree sees.
    pub feature_share: f64,
    /// Of the draws.
    pub seed: u64,
}

impl Default for TreeOptions {
    fn default() -> Self {
        Self {
            trees: 150,
            ensembles: 3,
            learning_rate: 0.05,
            leaves_max: 15,
            leaf_weight_min: 3.0,
            ridge: 5.0,
            row_share: 0.3,
            feature_share: 0.5,
            seed: 1,
        }
    }
}

/// A table cannot be learned from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeTrainError {
    /// Sizes do not fit.
    #[error("{values} values and {labels} labels make no table of {features} features")]
    Shape {
        /// Values given.
        values: usize,
        /// Labels given.
        labels: usize,
        /// Features named.
        features: usize,
    },
    /// One class alone, or none.
    #[error("{rows} rows of which {events} have the event: expected some with it and some without")]
    OneClass {
        /// Rows given.
        rows: usize,
        /// Rows with the event.
        events: usize,
    },
}

/// Trains on rows of features (row by row; NaN is missing) and whether the event followed.
///
/// # Errors
/// When the sizes do not fit, there are more features than an ensemble may have, or all labels are the same.
pub fn train_trees(
    features: &[String],
    values: &[f32],
    labels: &[bool],
    options: &TreeOptions,
) -> Result<TreeEnsemble, TreeTrainError> {
    let (width, rows) = (features.len(), labels.len());
    let events = labels.iter().filter(|&&l| l).count();
    if width == 0 || width > TREE_FEATURES_MAX || values.len() != width * rows {
        return Err(TreeTrainError::Shape { values: values.len(), labels: rows, features: width });
    }
    if events == 0 || events == rows {
        return Err(TreeTrainError::OneClass { rows, events });
    }
    let table = BinnedTable::new(values, width);
    let share = events as f64 / rows as f64;
    let base = (share / (1.0 - share)).ln();
    let mut trees: Vec<Vec<TreeNode>> = Vec::new();
    for ensemble in 0..options.ensembles.max(1) as u64 {
        let mut chance = Pcg64Mcg::seed_from_u64(options.seed.wrapping_add(ensemble));
        trees.extend(boost(&table, labels, base, options, &mut chance));
    }
    Ok(TreeEnsemble::new(features.to_vec(), base, trees).expect("a grown tree leads on to its end"))
}

/// One ensemble.
fn boost(
    table: &BinnedTable,
    labels: &[bool],
    base: f64,
    options: &TreeOptions,
    chance: &mut Pcg64Mcg,
) -> Vec<Vec<TreeNode>> {
    let rows = labels.len();
    let mut log_odds = vec![base as f32; rows];
    let (mut slopes, mut curves) = (vec![0.0_f32; rows], vec![0.0_f32; rows]);
    let (row_share, feature_share) =
        (options.row_share.clamp(0.01, 1.0), options.feature_share.clamp(0.01, 1.0));
    let averaged = 1.0 / options.ensembles.max(1) as f32;
    let mut trees = Vec::with_capacity(options.trees);
    let mut grower = Grower::new(table);
    for _ in 0..options.trees {
        let mut seen = Vec::with_capacity(rows);
        for (row, (&event, log_odds)) in labels.iter().zip(&log_odds).enumerate() {
            let p = 1.0 / (1.0 + (-log_odds).exp());
            // Rows that stand for others left out weigh as much as those.
            let drawn = event || chance.random::<f64>() < row_share;
            if drawn {
                let weight = if event { 1.0 } else { 1.0 / row_share as f32 };
                slopes[row] = (p - f32::from(u8::from(event))) * weight;
                curves[row] = (p * (1.0 - p)).max(1e-6) * weight;
                seen.push(row as u32);
            }
        }
        let mut asked: Vec<usize> =
            (0..table.width()).filter(|_| chance.random::<f64>() < feature_share).collect();
        if asked.is_empty() {
            asked.push(chance.random_range(0..table.width()));
        }
        let mut tree = grower.grow(seen, &asked, (&slopes, &curves), options);
        for (row, sum) in log_odds.iter_mut().enumerate() {
            *sum += tree.answer(table, row);
        }
        trees.push(tree.nodes(averaged));
    }
    trees
}

#[cfg(test)]
mod tests;
