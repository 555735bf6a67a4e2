//! Training of the global network: quantile (pinball) loss, Adam, a cosine fall of the step width.

use lepton_core::analyze::forecast::{FEATURES, Perceptron, Steps};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::dataset::{Dataset, Recorded};
use super::perceptron::Batch;

/// Settings of a training.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkOptions {
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// Networks that are trained, each on samples of its own, and averaged.
    pub networks: usize,
    /// Samples drawn for each network.
    pub samples: usize,
    /// Times that each sample is used.
    pub epochs: usize,
    /// Samples of a step.
    pub batch: usize,
    /// Width of the first step.
    pub rate: f32,
    /// How much a target counts that lies far away in units of the scale: 0 as much as a near one, 1 by its distance.
    pub distance_power: f32,
    /// Weights are pulled to zero by this share of the step.
    pub decay: f32,
}

impl Default for NetworkOptions {
    fn default() -> Self {
        Self {
            hidden: vec![256, 128],
            networks: 2,
            samples: 400_000,
            epochs: 8,
            batch: 256,
            rate: 1e-3,
            distance_power: 0.3,
            decay: 1e-4,
        }
    }
}

/// Trains one network; `None` when they hold less than a batch of samples. The same seed gives the
/// same weights.
pub(super) fn train_network(
    recorded: Recorded<'_>,
    steps: &Steps,
    options: &NetworkOptions,
    seed: u64,
    progress: &(dyn Fn(f64, f64) + Sync),
) -> Option<Perceptron> {
    let mut rng = Pcg64Mcg::new(u128::from(seed) << 64 | 0x9e37_79b9_7f4a_7c15);
    let data = Dataset::draw(recorded, steps, options.samples, &mut rng);
    if data.len() < options.batch {
        return None;
    }
    let outputs = steps.outputs() * steps.levels().len();
    let layers: Vec<usize> =
        std::iter::once(FEATURES).chain(options.hidden.iter().copied()).chain([outputs]).collect();
    let mut weights = start(&layers, &mut rng);
    let mut moments = vec![(0.0_f32, 0.0_f32); weights.len()];
    let mut gradient = vec![0.0; weights.len()];
    let mut batch = Batch::new(&layers, options.batch);
    let per_epoch = data.len() / options.batch;
    let total = (per_epoch * options.epochs).max(1);
    let mut order: Vec<u32> = (0..data.len() as u32).collect();
    let mut step = 0_usize;
    for _ in 0..options.epochs {
        for i in (1..order.len()).rev() {
            order.swap(i, rng.random_range(0..=i));
        }
        let mut loss_sum = 0.0;
        for rows in order.chunks_exact(options.batch) {
            for (to, &row) in batch.inputs_mut().chunks_exact_mut(FEATURES).zip(rows) {
                to.copy_from_slice(&data.inputs[row as usize * FEATURES..][..FEATURES]);
            }
            batch.forward(&weights);
            let (slope, loss) = pinball(&data, rows, batch.outputs(), steps, options.distance_power);
            loss_sum += loss;
            batch.backward(&weights, slope, &mut gradient);
            step += 1;
            let part = step as f32 / total as f32;
            let rate = options.rate
                * (0.5 * (1.0 + (std::f32::consts::PI * part).cos())).max(0.01)
                * (step as f32 / 200.0).min(1.0);
            adam(&mut weights, &mut moments, &gradient, rate, options.decay, step);
        }
        progress(step as f64 / total as f64, loss_sum / per_epoch.max(1) as f64);
    }
    Perceptron::new(layers, weights)
}

/// Weights to start from: He's normal for hidden layers, small ones for the last.
pub(super) fn start(layers: &[usize], rng: &mut Pcg64Mcg) -> Vec<f32> {
    let mut weights = Vec::with_capacity(Perceptron::weight_count(layers));
    for (i, pair) in layers.windows(2).enumerate() {
        let last = i + 2 == layers.len();
        let width = (if last { 0.1 } else { 6.0 } / pair[0] as f32).sqrt();
        weights.extend((0..pair[0] * pair[1]).map(|_| rng.random_range(-width..width)));
        weights.extend(std::iter::repeat_n(0.0, pair[1]));
    }
    weights
}

/// Mean pinball loss of a batch, and its slope by the outputs.
fn pinball(data: &Dataset, rows: &[u32], outputs: &[f32], steps: &Steps, power: f32) -> (Vec<f32>, f64) {
    let levels: Vec<f32> = steps.levels().iter().map(|&l| l as f32).collect();
    let (count, picks) = (steps.outputs(), data.picks);
    let mut slope = vec![0.0; outputs.len()];
    let mut loss = 0.0_f64;
    let share = 1.0 / (rows.len() * count * picks) as f32;
    for (r, &row) in rows.iter().enumerate() {
        let targets = &data.targets[row as usize * count * picks..][..count * picks];
        let weight = data.weights[row as usize] * share;
        for (o, targets) in targets.chunks_exact(picks).enumerate() {
            let at = (r * count + o) * levels.len();
            for (l, &level) in levels.iter().enumerate() {
                let answer = outputs[at + l];
                let by = weight * counts_by(answer, power);
                for target in targets.iter().filter(|t| !t.is_nan()) {
                    let side = if answer > *target { 1.0 - level } else { -level };
                    slope[at + l] += by * side;
                    loss += f64::from(weight * side * (answer - target));
                }
            }
        }
    }
    (slope, loss)
}

/// How much an answer counts by its distance in units of the scale: the power of cosh, which is what a step of the compressed answer
/// moves it by.
fn counts_by(answer: f32, power: f32) -> f32 {
    if power == 0.0 {
        return 1.0;
    }
    let grown = answer.clamp(-12.0, 12.0).exp();
    (power * ((grown + 1.0 / grown) / 2.0).ln()).exp().min(1000.0)
}

/// One step of Adam with decoupled decay. Kingma and Ba, ICLR 2015; Loshchilov and Hutter, ICLR 2019.
pub(super) fn adam(
    weights: &mut [f32],
    moments: &mut [(f32, f32)],
    gradient: &[f32],
    rate: f32,
    decay: f32,
    step: usize,
) {
    let (first_left, second_left) =
        (1.0 - 0.9_f32.powi(step.min(10_000) as i32), 1.0 - 0.999_f32.powi(step.min(100_000) as i32));
    for ((weight, (first, second)), &slope) in weights.iter_mut().zip(moments).zip(gradient) {
        *first += 0.1 * (slope - *first);
        *second += 0.001 * (slope * slope - *second);
        let unit = (*first / first_left) / ((*second / second_left).sqrt() + 1e-8);
        *weight -= rate * (unit + decay * *weight);
    }
}
