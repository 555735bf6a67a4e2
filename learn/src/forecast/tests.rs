//! That training learns what can be learned, that slopes are right, and that results do not depend on threads.

use lepton_core::analyze::forecast::{FEATURES, LayerScratch, Perceptron, SOURCE_LAYERS, Steps};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::matrix::{add_product, add_transposed_product, transpose};
use super::perceptron::Batch;
use super::{NetworkOptions, Recorded, fit_network, train_source};

const SEASON: usize = 24;

fn recorded(series: &[Vec<f64>], bins: usize) -> Recorded<'_> {
    Recorded { series, bins, season_bins: SEASON }
}

fn small() -> NetworkOptions {
    NetworkOptions {
        hidden: vec![16],
        networks: 2,
        samples: 3000,
        epochs: 6,
        batch: 64,
        rate: 3e-3,
        ..NetworkOptions::default()
    }
}

/// Series that fall back to their level after each jump: the last value is a poor forecast.
fn jumpy() -> Vec<Vec<f64>> {
    let mut rng = Pcg64Mcg::new(11);
    let mut series =
        |level: f64| (0..500).map(|_| if rng.random::<f64>() < 0.3 { level * 3.0 } else { level }).collect();
    vec![series(10.0), series(200.0), series(3.0)]
}

fn product(a: &[f32], b: &[f32], inner: usize, columns: usize) -> Vec<f32> {
    let rows = a.len() / inner;
    let entry =
        |i: usize| (0..inner).map(|k| a[i / columns * inner + k] * b[k * columns + i % columns]).sum();
    (0..rows * columns).map(entry).collect()
}

#[test]
fn products_of_any_shape_are_those_written_out() {
    let mut rng = Pcg64Mcg::new(1);
    for (rows, inner, columns) in [(1, 1, 1), (4, 3, 8), (5, 7, 9), (9, 2, 17), (3, 5, 4)] {
        let mut random = |n: usize| -> Vec<f32> { (0..n).map(|_| rng.random_range(-1.0..1.0)).collect() };
        let (a, b) = (random(rows * inner), random(inner * columns));
        let mut c = vec![1.0; rows * columns];
        add_product(&a, &b, &mut c, inner, columns);
        for (found, expected) in c.iter().zip(product(&a, &b, inner, columns)) {
            assert!((found - 1.0 - expected).abs() < 1e-5);
        }
        let mut d = vec![0.0; inner * columns];
        let e = random(rows * columns);
        add_transposed_product(&a, &e, &mut d, inner, columns);
        for (found, expected) in d.iter().zip(product(&transpose(&a, inner), &e, rows, columns)) {
            assert!((found - expected).abs() < 1e-5);
        }
    }
}

#[test]
fn the_slope_of_a_network_is_what_small_changes_of_its_weights_do() {
    let layers = [3, 5, 4, 2];
    let mut rng = Pcg64Mcg::new(2);
    let mut weights: Vec<f32> =
        (0..Perceptron::weight_count(&layers)).map(|_| rng.random_range(-0.8..0.8)).collect();
    let mut batch = Batch::new(&layers, 6);
    batch.inputs_mut().iter_mut().for_each(|x| *x = rng.random_range(-1.0..1.0));
    let inputs = batch.inputs_mut().to_vec();
    batch.forward(&weights);
    let network = Perceptron::new(layers.to_vec(), weights.clone()).unwrap();
    let mut scratch = LayerScratch::default();
    for (row, out) in inputs.chunks(3).zip(batch.outputs().chunks(2)) {
        for (a, b) in network.run(row, &mut scratch).iter().zip(out) {
            assert!((a - b).abs() < 1e-5, "training and serving compute the same");
        }
    }
    let mut gradient = vec![0.0; weights.len()];
    batch.backward(&weights, vec![1.0; 12], &mut gradient);
    for (i, (&slope, &middle)) in gradient.iter().zip(network.weights()).enumerate() {
        let mut sum_at = |weight: f32| {
            weights[i] = weight;
            batch.forward(&weights);
            batch.outputs().iter().map(|&x| f64::from(x)).sum::<f64>()
        };
        let found = (sum_at(middle + 1e-3) - sum_at(middle - 1e-3)) / 2e-3;
        weights[i] = middle;
        assert!((found - f64::from(slope)).abs() < 2e-2, "weight {i}: {found} against {slope}");
    }
}

#[test]
fn a_trained_network_knows_that_jumps_fall_back() {
    let steps = Steps::new(3, true, &[0.5, 0.9]).unwrap();
    let series = jumpy();
    let options = NetworkOptions { epochs: 40, ..small() };
    let model = fit_network(recorded(&series, 500), &steps, &options, 7, 2, &|_, _, _| {}).unwrap();
    let setup = lepton_core::analyze::forecast::ForecastSetup {
        steps,
        season_bins: SEASON,
        network: Some(model.into()),
        source: None,
        mixture: Default::default(),
    };
    let kind = lepton_core::analyze::forecast::ModelKind::Network;
    let mut forecaster = lepton_core::analyze::forecast::SeriesForecaster::new(&setup, kind).unwrap();
    let level = 50.0;
    for &value in &series[0] {
        forecaster.warm(Some(value / 10.0 * level));
    }
    forecaster.warm(Some(level));
    forecaster.warm(Some(3.0 * level));
    let forecast = forecaster.forecast(&mut lepton_core::analyze::forecast::Scratch::default());
    assert!(forecast.at(1, 0.5) < 2.0 * level, "a series of another size: {}", forecast.at(1, 0.5));
    assert!(forecast.at(1, 0.9) > 2.0 * level, "a third of the values are jumps: {}", forecast.at(1, 0.9));
}

#[test]
fn the_same_seed_gives_the_same_weights_on_any_number_of_threads() {
    let steps = Steps::new(2, false, &[0.5]).unwrap();
    let options = NetworkOptions { epochs: 1, samples: 600, ..small() };
    let fit =
        |seed, threads| fit_network(recorded(&jumpy(), 500), &steps, &options, seed, threads, &|_, _, _| {});
    assert_eq!(fit(3, 1), fit(3, 2));
    assert_ne!(fit(3, 1), fit(4, 1));
}

#[test]
fn too_little_to_learn_from_gives_no_network() {
    let steps = Steps::new(12, false, &[0.5]).unwrap();
    let few = [vec![1.0; 20], vec![f64::NAN; 500], Vec::new()];
    assert_eq!(fit_network(recorded(&few, 500), &steps, &small(), 1, 1, &|_, _, _| {}), None);
    assert_eq!(fit_network(recorded(&[], 0), &steps, &small(), 1, 1, &|_, _, _| {}), None);
}

#[test]
fn nothing_after_the_fitted_bins_has_a_part_in_the_weights() {
    let steps = Steps::new(2, true, &[0.5]).unwrap();
    let options = NetworkOptions { epochs: 1, samples: 600, ..small() };
    let mut changed = jumpy();
    changed.iter_mut().for_each(|values| values[400..].fill(1e9));
    let fit = |series: &[Vec<f64>]| fit_network(recorded(series, 400), &steps, &options, 3, 1, &|_, _, _| {});
    assert_eq!(fit(&jumpy()), fit(&changed));
}

#[test]
fn the_sources_network_is_trained_and_checked_on_the_fifth_kept_apart() {
    let wave =
        |phase: f64| (0..600).map(|t| 5.0 + 4.0 * (f64::from(t) * 0.3 + phase).sin()).collect::<Vec<f64>>();
    let trained = train_source(recorded(&[wave(0.0), wave(1.0), wave(2.0)], 600), 1);
    assert_eq!(trained.network.layers(), SOURCE_LAYERS);
    assert!(trained.check.samples > 200, "{}", trained.check.samples);
    assert!(trained.check.r_squared > 0.9, "{}", trained.check.r_squared);
    assert!(FEATURES > SOURCE_LAYERS[0]);
    assert_eq!(train_source(recorded(&[], 0), 1).check.samples, 0);
}
