//! Boosted decision trees as they are asked: a sum of small trees, turned into a chance. How they come about is not
//! known here.

use serde::{Deserialize, Serialize};

/// The feature of a leaf.
const LEAF: u16 = u16::MAX;
/// Features of an ensemble at most.
pub const TREE_FEATURES_MAX: usize = 10_000;

/// A node of a tree: a question or a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TreeNode {
    /// The feature that is asked for; 65535 in a leaf.
    feature: u16,
    /// Whether a missing value goes to the left.
    missing_left: bool,
    /// At or below it goes to the left; in a leaf, what the leaf adds.
    value: f32,
    /// The left child; the right one follows it. Always behind this node.
    left: u32,
}

impl TreeNode {
    /// A question.
    pub fn split(feature: u16, threshold: f32, missing_left: bool, left: u32) -> Self {
        Self { feature, missing_left, value: threshold, left }
    }

    /// A leaf that adds `value` to the logarithm of the odds.
    pub fn leaf(value: f32) -> Self {
        Self { feature: LEAF, missing_left: false, value, left: 0 }
    }
}

/// An ensemble is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("tree {tree}, node {node}: {problem}")]
pub struct TreeError {
    tree: usize,
    node: usize,
    problem: &'static str,
}

/// A sum of trees over named features.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TreeEnsemble {
    features: Vec<String>,
    /// Logarithm of the odds before any tree.
    base: f64,
    trees: Vec<Vec<TreeNode>>,
}

impl TreeEnsemble {
    /// Checks that every question leads on and every number is finite.
    ///
    /// # Errors
    /// When a node asks for a feature that there is not, leads nowhere or backwards, or holds no finite number.
    pub fn new(features: Vec<String>, base: f64, trees: Vec<Vec<TreeNode>>) -> Result<Self, TreeError> {
        for (tree, nodes) in trees.iter().enumerate() {
            let wrong = |node, problem| Err(TreeError { tree, node, problem });
            if nodes.is_empty() {
                return wrong(0, "is missing");
            }
            for (at, node) in nodes.iter().enumerate() {
                if !node.value.is_finite() {
                    return wrong(at, "its value is not finite");
                }
                if node.feature != LEAF {
                    if usize::from(node.feature) >= features.len() {
                        return wrong(at, "asks for a feature that there is not");
                    }
                    if node.left as usize <= at || node.left as usize + 1 >= nodes.len() {
                        return wrong(at, "leads to no later node");
                    }
                }
            }
        }
        let base = if base.is_finite() { base } else { 0.0 };
        Ok(Self { features, base, trees })
    }

    /// The same, checked: what was read from a file may lead anywhere.
    ///
    /// # Errors
    /// As [`TreeEnsemble::new`].
    pub fn checked(self) -> Result<Self, TreeError> {
        Self::new(self.features, self.base, self.trees)
    }

    /// Names of the features, in the order in which they are given.
    pub fn features(&self) -> &[String] {
        &self.features
    }

    /// Number of trees.
    pub fn trees(&self) -> usize {
        self.trees.len()
    }

    /// Logarithm of the odds; NaN among the features means missing, as do features that are not given.
    pub fn log_odds(&self, features: &[f32]) -> f64 {
        let mut sum = self.base;
        for nodes in &self.trees {
            let mut node = nodes[0];
            while node.feature != LEAF {
                let x = features.get(usize::from(node.feature)).copied().unwrap_or(f32::NAN);
                let left = if x.is_nan() { node.missing_left } else { x <= node.value };
                node = nodes[node.left as usize + usize::from(!left)];
            }
            sum += f64::from(node.value);
        }
        sum
    }

    /// The chance, between 0 and 1.
    pub fn chance(&self, features: &[f32]) -> f64 {
        1.0 / (1.0 + (-self.log_odds(features)).exp())
    }
}
