//! Training of the founding document's network, as it says: recorded load split 80 to 20, 10 epochs, batches of 32, Adam, squared
//! error of a sigmoid output.

use lepton_core::analyze::forecast::{History, LayerScratch, Perceptron, SHORT_BINS, SOURCE_LAYERS};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use serde::Serialize;

use super::dataset::Recorded;
use super::perceptron::Batch;
use super::train::{adam, start};

const EPOCHS: usize = 10;
const BATCH: usize = 32;
const RATE: f32 = 1e-3;
/// Share of the samples that is trained on; the rest is the plot of actual against predicted.
const TRAINED: f64 = 0.8;
/// Most samples, drawn evenly from the series.
const SAMPLES_MAX: usize = 60_000;
/// Most points of the plot.
const POINTS_MAX: usize = 2000;

/// The network, and how it did on the fifth that it was not trained on.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceTraining {
    /// The trained network.
    pub network: Perceptron,
    /// Its result on the samples kept apart.
    pub check: SourceCheck,
}

/// Actual against predicted values, both scaled to the range of their series (0 to 1).
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct SourceCheck {
    /// Samples kept apart.
    pub samples: usize,
    /// Mean squared error.
    pub mean_squared_error: f64,
    /// Share of the variance explained.
    pub r_squared: f64,
    /// Some of them: (actual, predicted).
    pub points: Vec<(f32, f32)>,
}

/// Trains it.
pub fn train_source(recorded: Recorded<'_>, seed: u64) -> SourceTraining {
    let mut rng = Pcg64Mcg::new(u128::from(seed) << 64 | 0x5851_f42d_4c95_7f2d);
    let samples = draw(recorded, &mut rng);
    let trained = (samples.len() as f64 * TRAINED) as usize;
    let mut weights = start(&SOURCE_LAYERS, &mut rng);
    let mut moments = vec![(0.0, 0.0); weights.len()];
    let mut gradient = vec![0.0; weights.len()];
    let mut batch = Batch::new(&SOURCE_LAYERS, BATCH);
    let mut order: Vec<usize> = (0..trained).collect();
    let mut step = 0;
    for _ in 0..EPOCHS {
        for i in (1..order.len()).rev() {
            order.swap(i, rng.random_range(0..=i));
        }
        for rows in order.chunks_exact(BATCH) {
            for (to, &row) in batch.inputs_mut().chunks_exact_mut(SHORT_BINS).zip(rows) {
                to.copy_from_slice(&samples[row].0);
            }
            batch.forward(&weights);
            let slope = batch.outputs().iter().zip(rows).map(|(&out, &row)| {
                let answer = sigmoid(out);
                2.0 * (answer - samples[row].1) * answer * (1.0 - answer) / BATCH as f32
            });
            let slope = slope.collect();
            batch.backward(&weights, slope, &mut gradient);
            step += 1;
            adam(&mut weights, &mut moments, &gradient, RATE, 0.0, step);
        }
    }
    let network =
        Perceptron::new(SOURCE_LAYERS.to_vec(), weights).expect("the weights were made for these layers");
    let check = check(&network, &samples[trained..]);
    SourceTraining { network, check }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// The last values of a series and the next one, scaled to the range seen; in random order.
fn draw(recorded: Recorded<'_>, rng: &mut Pcg64Mcg) -> Vec<([f32; SHORT_BINS], f32)> {
    let Recorded { series, bins, season_bins } = recorded;
    let moments: usize = series.iter().map(|values| values.len().min(bins)).sum();
    let share = SAMPLES_MAX as f64 / moments.max(1) as f64;
    let mut samples = Vec::new();
    for values in series {
        let mut history = History::new(season_bins);
        for pair in values[..bins.min(values.len())].windows(2) {
            history.push((!pair[0].is_nan()).then_some(pair[0]));
            let (low, high) = history.range();
            if history.age_bins() < SHORT_BINS as u64
                || pair[1].is_nan()
                || high <= low
                || rng.random::<f64>() >= share
            {
                continue;
            }
            let scaled = |value: f64| ((value - low) / (high - low)) as f32;
            samples.push((
                std::array::from_fn(|back| scaled(history.back(back))),
                scaled(pair[1]).clamp(0.0, 1.0),
            ));
        }
    }
    for i in (1..samples.len()).rev() {
        samples.swap(i, rng.random_range(0..=i));
    }
    samples
}

fn check(network: &Perceptron, kept: &[([f32; SHORT_BINS], f32)]) -> SourceCheck {
    let mut scratch = LayerScratch::default();
    let pairs: Vec<(f32, f32)> =
        kept.iter().map(|(inputs, came)| (*came, sigmoid(network.run(inputs, &mut scratch)[0]))).collect();
    if pairs.is_empty() {
        return SourceCheck::default();
    }
    let count = pairs.len() as f64;
    let mean = pairs.iter().map(|p| f64::from(p.0)).sum::<f64>() / count;
    let error: f64 = pairs.iter().map(|p| f64::from(p.0 - p.1).powi(2)).sum();
    let variance: f64 = pairs.iter().map(|p| (f64::from(p.0) - mean).powi(2)).sum();
    SourceCheck {
        samples: pairs.len(),
        mean_squared_error: error / count,
        r_squared: if variance > 0.0 { 1.0 - error / variance } else { 0.0 },
        points: pairs.iter().step_by(pairs.len().div_ceil(POINTS_MAX)).copied().collect(),
    }
}
