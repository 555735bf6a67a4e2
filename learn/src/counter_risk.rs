//! Learns which parts fail from the history of their counters: boosted trees, calibrated on parts that the trees which
//! judged them had not seen.

use std::collections::BTreeMap;

use lepton_core::analyze::risk::{
    Calibration, CategoryRates, CounterRisk, CounterTable, Outcome, TreeEnsemble,
};

use crate::trees::{TreeOptions, TreeTrainError, train_trees};

/// Failures that a text is taken to have had, at the overall rate, before any was seen.
const PRIOR_FAILURES: f64 = 5.0;
/// Parts are split into so many for the calibration.
const FOLDS: usize = 3;
/// Rows within which a failure is learned to be seen: the label's own, which counts twice, and further ahead. Few rows come shortly before
/// a failure; what is seen earlier tells the same parts from others by many more. The answer is the mean of the logarithms of the odds.
const HORIZONS_ROWS: [usize; 4] = [1, 1, 3, 6];

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
    let horizons = HORIZONS_ROWS.map(|rows| failed_within(table, rows));
    let trees = train_on_all(&names, &features, &horizons, options)?;
    let calibration = calibrate(table, &names, &features, &horizons, options);
    Ok(CounterRisk { counters: table.counters.clone(), age, categories, trees, calibration })
}

/// Whether the part of each row failed soon after it or after one of the next rows of that part, so many in all.
fn failed_within(table: &CounterTable, rows: usize) -> Vec<bool> {
    let mut next = vec![usize::MAX; table.parts.len()];
    let mut failed = vec![false; table.failed.len()];
    for (row, failed) in failed.iter_mut().enumerate().rev() {
        let ahead = &mut next[table.part[row] as usize];
        *ahead = if table.failed[row] { 0 } else { ahead.saturating_add(1) };
        *failed = *ahead < rows;
    }
    failed
}

fn train_on_all(
    names: &[String],
    features: &[f32],
    labels: &[Vec<bool>],
    options: &TreeOptions,
) -> Result<TreeEnsemble, TreeTrainError> {
    let train = |(horizon, labels): (usize, &Vec<bool>)| {
        let seed = options.seed.wrapping_add((horizon * options.ensembles.max(1)) as u64);
        train_trees(names, features, labels, &TreeOptions { seed, ..options.clone() })
    };
    let trained: Result<Vec<TreeEnsemble>, TreeTrainError> = labels.iter().enumerate().map(train).collect();
    Ok(TreeEnsemble::mean(trained?).expect("all were trained on the same features"))
}

/// Outcomes of parts beside the answers of trees that were trained on the others.
fn calibrate(
    table: &CounterTable,
    names: &[String],
    features: &[f32],
    horizons: &[Vec<bool>],
    options: &TreeOptions,
) -> Option<Calibration> {
    let width = names.len();
    let one = TreeOptions { ensembles: 1, ..options.clone() };
    let mut outcomes = Vec::with_capacity(table.rows());
    for fold in 0..FOLDS {
        let apart = |row: usize| table.part[row] as usize % FOLDS == fold;
        let (mut values, mut labels) = (Vec::new(), vec![Vec::new(); horizons.len()]);
        for row in (0..table.rows()).filter(|&r| !apart(r)) {
            values.extend_from_slice(&features[row * width..(row + 1) * width]);
            labels.iter_mut().zip(horizons).for_each(|(labels, horizon)| labels.push(horizon[row]));
        }
        let trees = train_on_all(names, &values, &labels, &one).ok()?;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Parts in turn, two of three counters rising before one of them fails.
    fn table() -> CounterTable {
        let mut table = CounterTable { counters: vec!["errors".to_owned()], ..CounterTable::default() };
        table.parts = (0..40).map(|part| format!("part-{part}")).collect();
        for row in 0..12 {
            for part in 0..40 {
                let (sick, warning) = (part % 4 == 0, row >= 7);
                table.part.push(part);
                table.values.push(if sick && warning { row as f32 } else { (part % 3) as f32 });
                table.failed.push(sick && row == 11);
            }
        }
        table
    }

    #[test]
    fn a_failure_is_seen_from_as_many_rows_of_its_part_as_the_horizon_says() {
        let table = table();
        for rows in HORIZONS_ROWS {
            let failed = failed_within(&table, rows);
            let of = |part: u32| (0..table.rows()).filter(|&r| table.part[r] == part && failed[r]).count();
            assert_eq!((of(0), of(1), of(36)), (rows, 0, rows));
        }
        assert_eq!(failed_within(&table, 1), table.failed);
    }

    #[test]
    fn a_part_is_suspected_before_the_rows_that_the_label_is_about() {
        let table = table();
        let options =
            TreeOptions { trees: 30, learning_rate: 0.2, leaf_weight_min: 0.1, ..TreeOptions::default() };
        let model = train_counter_risk(&table, None, &options).unwrap();
        let odds = model.log_odds(&table);
        let at = |row: usize, part: usize| odds[row * 40 + part];
        // Of the parts 0 and 1, the first has errors from its eighth row on and fails after its twelfth.
        assert!(at(8, 0) > at(8, 1) + 1.0, "{} {}", at(8, 0), at(8, 1));
        assert!(at(11, 0) > at(8, 0), "the nearer failure is the likelier one");
    }

    #[test]
    fn ensembles_of_different_features_have_no_mean() {
        let ensemble =
            |name: &str, base: f64| TreeEnsemble::new(vec![name.to_owned()], base, Vec::new()).unwrap();
        assert_eq!(TreeEnsemble::mean(vec![ensemble("a", 0.0), ensemble("b", 0.0)]), None);
        assert_eq!(TreeEnsemble::mean(Vec::new()), None);
        let mean = TreeEnsemble::mean(vec![ensemble("a", 1.0), ensemble("a", 2.0)]).unwrap();
        assert_eq!(mean.log_odds(&[0.0]), 1.5);
    }
}
