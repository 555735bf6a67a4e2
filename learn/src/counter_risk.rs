//! Learns which parts fail from the history of their counters: boosted trees, calibrated on parts that the trees which
//! judged them had not seen.

use std::collections::BTreeMap;

use lepton_core::analyze::risk::{Calibration, CategoryRates, CounterRisk, CounterTable, Outcome};

use crate::trees::{TreeOptions, TreeTrainError, train_trees};

/// Failures that a text is taken to have had, at the overall rate, before any was seen.
const PRIOR_FAILURES: f64 = 5.0;
/// Parts are split into so many for the calibration.
const FOLDS: usize = 3;

/// Learns from a table with labels. Parts, not rows, are split for the calibration: rows of one part resemble each
/// other.
///
/// # Errors
/// When the labels are missing or all the same.
pub fn train_counter_risk(
    table: &CounterTable,
    age: Option<usize>,
    options: &TreeOptions,
) -> Result<CounterRisk, TreeTrainError> {
    let categories: Vec<(String, CategoryRates)> =
        (0..table.categories.len()).map(|c| (table.categories[c].clone(), rates_of(table, c))).collect();
    let names = CounterRisk::feature_names(&table.counters, age, &categories);
    let features = CounterRisk::features_of(&table.counters, age, &categories, table);
    let trees = train_trees(&names, &features, &table.failed, options)?;
    let calibration = calibrate(table, &names, &features, options);
    Ok(CounterRisk { counters: table.counters.clone(), age, categories, trees, calibration })
}

/// Outcomes of parts beside the answers of trees that were trained on the others.
fn calibrate(
    table: &CounterTable,
    names: &[String],
    features: &[f32],
    options: &TreeOptions,
) -> Option<Calibration> {
    let width = names.len();
    let one = TreeOptions { ensembles: 1, ..options.clone() };
    let mut outcomes = Vec::with_capacity(table.rows());
    for fold in 0..FOLDS {
        let apart = |row: usize| table.part[row] as usize % FOLDS == fold;
        let (mut values, mut labels) = (Vec::new(), Vec::new());
        for row in (0..table.rows()).filter(|&r| !apart(r)) {
            values.extend_from_slice(&features[row * width..(row + 1) * width]);
            labels.push(table.failed[row]);
        }
        let trees = train_trees(names, &values, &labels, &one).ok()?;
        for row in (0..table.rows()).filter(|&r| apart(r)) {
            let score = trees.log_odds(&features[row * width..(row + 1) * width]);
            outcomes.push(Outcome { score, event: table.failed[row] });
        }
    }
    Calibration::fit(&outcomes)
}

fn rates_of(table: &CounterTable, category: usize) -> CategoryRates {
    let mut counts: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for row in 0..table.rows() {
        let count = counts.entry(&table.texts_of(row)[category]).or_default();
        count.0 += 1.0;
        count.1 += f64::from(u8::from(table.failed.get(row).copied().unwrap_or(false)));
    }
    let (rows, failures) = counts.values().fold((0.0, 0.0), |(r, f), c| (r + c.0, f + c.1));
    let overall = f64::max(failures, 0.5) / f64::max(rows, 1.0);
    let rate = |(text, (rows, failures)): (&&str, &(f64, f64))| {
        let rate = (failures + PRIOR_FAILURES) / (rows + PRIOR_FAILURES / overall);
        ((*text).to_owned(), rate as f32)
    };
    CategoryRates { rates: counts.iter().map(rate).collect(), other: overall as f32 }
}
