//! Trees find what decides, whatever it is hidden in.

use super::*;

fn options() -> TreeOptions {
    TreeOptions { trees: 60, ensembles: 2, learning_rate: 0.1, row_share: 0.7, ..TreeOptions::default() }
}

/// Rows of three features by chance, of which the event asks for two: above 0.7 and not missing, or below 0.1.
fn table(rows: usize, seed: u64) -> (Vec<f32>, Vec<bool>) {
    let mut chance = Pcg64Mcg::seed_from_u64(seed);
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..rows {
        let [a, b, c]: [f32; 3] = [0; 3].map(|_| chance.random());
        let missing = chance.random::<f64>() < 0.2;
        labels.push(if missing { c < 0.1 } else { a > 0.7 && c < 0.6 });
        values.extend([if missing { f32::NAN } else { a }, b, c]);
    }
    (values, labels)
}

fn names() -> Vec<String> {
    ["a", "b", "c"].map(str::to_owned).into()
}

#[test]
fn rules_over_several_features_and_missing_values_are_found() {
    let (values, labels) = table(4000, 1);
    let trees = train_trees(&names(), &values, &labels, &options()).unwrap();
    let (values, labels) = table(2000, 2);
    let right = values.chunks(3).zip(&labels).filter(|(row, l)| (trees.chance(row) > 0.5) == **l).count();
    assert!(right > 1960, "{right} of 2000");
}

#[test]
fn chances_of_noise_are_the_share_of_the_events() {
    let mut chance = Pcg64Mcg::seed_from_u64(3);
    let values: Vec<f32> = (0..9000).map(|_| chance.random()).collect();
    let labels: Vec<bool> = (0..3000).map(|_| chance.random::<f64>() < 0.1).collect();
    let options = TreeOptions { trees: 20, learning_rate: 0.02, ..options() };
    let trees = train_trees(&names(), &values, &labels, &options).unwrap();
    let mean = values.chunks(3).map(|row| trees.chance(row)).sum::<f64>() / 3000.0;
    assert!((mean - 0.1).abs() < 0.02, "{mean}");
}

#[test]
fn the_same_seed_gives_the_same_trees() {
    let (values, labels) = table(500, 4);
    let train = |seed| train_trees(&names(), &values, &labels, &TreeOptions { seed, ..options() }).unwrap();
    assert_eq!(train(7), train(7));
    assert_ne!(train(7), train(8));
}

#[test]
fn tables_that_teach_nothing_are_refused() {
    let options = TreeOptions { row_share: 1.0, ..options() };
    let train = |values: &[f32], labels: &[bool]| train_trees(&names(), values, labels, &options);
    assert_eq!(
        train(&[1.0; 6], &[true, true]).unwrap_err().to_string(),
        "2 rows of which 2 have the event: expected some with it and some without"
    );
    assert!(matches!(train(&[1.0; 5], &[true, false]), Err(TreeTrainError::Shape { .. })));
    // Nothing to ask for is no mistake.
    let flat = train(&[1.0; 6], &[true, false]).unwrap();
    assert!((flat.chance(&[1.0, 1.0, 1.0]) - 0.5).abs() < 1e-6);
    let strange = [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 0.0, f32::MAX, f32::MIN];
    assert!(train(&strange, &[true, false]).unwrap().log_odds(&strange).is_finite());
}
