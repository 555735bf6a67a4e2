//! The risk of a part (a drive, a memory module) from the history of its counters: features, the trees that judge them,
//! and a calibration that makes a chance of their answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::calibration::Calibration;
use super::counters::{CounterFeatures, CounterHistory};
use super::trees::TreeEnsemble;

/// Rows of counters of many parts, in order of time within each part.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CounterTable {
    /// Names of the parts.
    pub parts: Vec<String>,
    /// Of each row, the part it belongs to, by number.
    pub part: Vec<u32>,
    /// Names of the counters.
    pub counters: Vec<String>,
    /// Row by row, NaN where missing.
    pub values: Vec<f32>,
    /// Names of the columns of text (a drive's model).
    pub categories: Vec<String>,
    /// Row by row.
    pub texts: Vec<String>,
    /// Whether the part failed soon after each row; empty where nobody knows.
    pub failed: Vec<bool>,
}

impl CounterTable {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.part.len()
    }

    /// Counters of a row.
    pub fn row(&self, row: usize) -> &[f32] {
        let width = self.counters.len();
        &self.values[row * width..(row + 1) * width]
    }

    /// Texts of a row.
    pub fn texts_of(&self, row: usize) -> &[String] {
        let width = self.categories.len();
        &self.texts[row * width..(row + 1) * width]
    }
}

/// How often what has a text failed, where enough was seen of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CategoryRates {
    /// Share of rows that failed, by text.
    pub rates: BTreeMap<String, f32>,
    /// Of every other text.
    pub other: f32,
}

/// What there is to know to judge parts by their counters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CounterRisk {
    /// Names of the counters, in the order of the rows.
    pub counters: Vec<String>,
    /// Position of the counter that is the part's age.
    pub age: Option<usize>,
    /// Columns of text with their rates.
    pub categories: Vec<(String, CategoryRates)>,
    /// The trees, over the features of the counters and then the rates.
    pub trees: TreeEnsemble,
    /// From the trees' answer to a chance; without it, the logistic function.
    pub calibration: Option<Calibration>,
}

impl CounterRisk {
    /// The features of each row of a table, row by row: what the trees are asked with. The table must have this model's
    /// columns, in their order.
    pub fn features_of(
        counters: &[String],
        age: Option<usize>,
        categories: &[(String, CategoryRates)],
        table: &CounterTable,
    ) -> Vec<f32> {
        let features = CounterFeatures::new(counters.to_vec(), age);
        let mut histories = vec![CounterHistory::default(); table.parts.len()];
        let mut out = Vec::new();
        for row in 0..table.rows() {
            out.extend(features.push(&mut histories[table.part[row] as usize], table.row(row)));
            let rate = |(text, (_, rates)): (&String, &(String, CategoryRates))| {
                rates.rates.get(text).copied().unwrap_or(rates.other)
            };
            out.extend(table.texts_of(row).iter().zip(categories).map(rate));
        }
        out
    }

    /// Names of these features.
    pub fn feature_names(
        counters: &[String],
        age: Option<usize>,
        categories: &[(String, CategoryRates)],
    ) -> Vec<String> {
        let mut names = CounterFeatures::new(counters.to_vec(), age).names();
        names.extend(categories.iter().map(|(name, _)| format!("failures of this {name}")));
        names
    }

    /// Logarithm of the odds that the part of each row fails soon, before calibration.
    pub fn log_odds(&self, table: &CounterTable) -> Vec<f64> {
        let features = Self::features_of(&self.counters, self.age, &self.categories, table);
        let width = self.trees.features().len().max(1);
        features.chunks(width).map(|row| self.trees.log_odds(row)).collect()
    }

    /// The chance of an answer of the trees.
    pub fn chance(&self, log_odds: f64) -> f64 {
        match &self.calibration {
            Some(calibration) => calibration.chance(log_odds),
            None => 1.0 / (1.0 + (-log_odds).exp()),
        }
    }
}
