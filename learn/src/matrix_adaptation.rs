//! Evolution of a weight vector by matrix adaptation: a cloud of candidates around a centre whose width and
//! directions follow the better half of each generation. Only the order of the candidates counts, so the scale of
//! the fitness does not matter.
//!
//! Source: Beyer and Sendhoff, "Simplify Your Covariance Matrix Adaptation Evolution Strategy", IEEE Trans.
//! Evol. Comput. 2017 (MA-ES). Each weight has a scale of its own, so that one width suits all.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};

/// The state of the evolution; a generation's chance depends on `seed` and its number alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MatrixAdaptation {
    seed: u64,
    generation: u64,
    centre: Vec<f64>,
    scale: Vec<f64>,
    width: f64,
    /// Row by row.
    matrix: Vec<f64>,
    path: Vec<f64>,
}

/// One candidate: its step in the cloud's own coordinates, and in those of the weights over their scales.
struct Candidate {
    inner: Vec<f64>,
    step: Vec<f64>,
}

impl MatrixAdaptation {
    /// Starts around `centre`; `scale` (same length, positive) says how far each weight is worth moving.
    pub fn new(centre: Vec<f64>, scale: Vec<f64>, width: f64, seed: u64) -> Self {
        let n = centre.len();
        let mut matrix = vec![0.0; n * n];
        (0..n).for_each(|i| matrix[i * n + i] = 1.0);
        Self { seed, generation: 0, path: vec![0.0; n], centre, scale, width, matrix }
    }

    /// The centre of the cloud.
    pub fn centre(&self) -> &[f64] {
        &self.centre
    }

    /// The width of the cloud.
    pub fn width(&self) -> f64 {
        self.width
    }

    /// Generations done.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether the parts of a state that was read belong together.
    pub(crate) fn is_sound(&self, weights: usize) -> bool {
        let all = [&self.centre, &self.scale, &self.path];
        let finite = |v: &[f64]| v.iter().all(|x| x.is_finite());
        all.iter().all(|v| v.len() == weights && finite(v))
            && self.matrix.len() == weights * weights
            && finite(&self.matrix)
            && self.width.is_finite()
    }

    /// The candidates of this generation.
    pub fn ask(&self, count: usize) -> Vec<Vec<f64>> {
        let weights = |c: &Candidate| {
            let moved = self.centre.iter().zip(&self.scale).zip(&c.step);
            moved.map(|((x, scale), step)| x + self.width * scale * step).collect()
        };
        self.cloud(count).iter().map(weights).collect()
    }

    /// Moves on to the next generation by the fitness of each candidate of [`ask`](Self::ask); more is better.
    pub fn tell(&mut self, fitness: &[f64]) {
        self.tell_with(fitness, None);
    }

    /// The same with a visitor from outside of the cloud and its fitness. Where it is among the better half it draws
    /// the centre by its rank, as the others do; width and directions follow the cloud alone.
    pub fn tell_with(&mut self, fitness: &[f64], visitor: Option<(&[f64], f64)>) {
        let n = self.centre.len();
        let cloud = self.cloud(fitness.len());
        let mut order: Vec<usize> = (0..fitness.len()).collect();
        order.sort_by(|&a, &b| fitness[b].total_cmp(&fitness[a]));
        let visit = visitor.and_then(|(weights, reached)| {
            let rank = order.iter().take_while(|&&i| fitness[i] >= reached).count();
            let parents = order.len().div_ceil(2);
            (rank < parents).then(|| (weights, shares(parents)[rank]))
        });
        let parents = &order[..(order.len() / 2).max(1)];
        let shares = shares(parents.len());
        let effective = 1.0 / shares.iter().map(|s| s * s).sum::<f64>();
        let mean = |of: &dyn Fn(&Candidate) -> &[f64]| -> Vec<f64> {
            let at = |i: usize| parents.iter().zip(&shares).map(|(&p, s)| s * of(&cloud[p])[i]).sum();
            (0..n).map(at).collect()
        };
        let (inner, step) = (mean(&|c| &c.inner), mean(&|c| &c.step));

        let (size, count) = (n as f64, effective);
        let path_rate = (count + 2.0) / (size + count + 5.0);
        let damping = 1.0 + path_rate + 2.0 * (((count - 1.0) / (size + 1.0)).max(0.0).sqrt() - 1.0).max(0.0);
        let rank_one = 2.0 / ((size + 1.3).powi(2) + count);
        let rank_many =
            (2.0 * (count - 2.0 + 1.0 / count) / ((size + 2.0).powi(2) + count)).clamp(0.0, 1.0 - rank_one);

        for i in 0..n {
            let own = self.width * self.scale[i] * step[i];
            let drawn = match visit {
                Some((weights, share)) => (1.0 - share) * own + share * (weights[i] - self.centre[i]),
                None => own,
            };
            self.centre[i] += drawn;
            self.path[i] =
                (1.0 - path_rate) * self.path[i] + (path_rate * (2.0 - path_rate) * count).sqrt() * inner[i];
        }
        let turned = self.turn(&self.path);
        for (i, turned) in turned.iter().enumerate() {
            for j in 0..n {
                let many: f64 =
                    parents.iter().zip(&shares).map(|(&p, s)| s * cloud[p].step[i] * cloud[p].inner[j]).sum();
                let entry = &mut self.matrix[i * n + j];
                *entry = (1.0 - rank_one / 2.0 - rank_many / 2.0) * *entry
                    + rank_one / 2.0 * turned * self.path[j]
                    + rank_many / 2.0 * many;
            }
        }
        let length: f64 = self.path.iter().map(|p| p * p).sum::<f64>() / size;
        self.width *= ((path_rate / (2.0 * damping)) * (length - 1.0)).exp().clamp(0.5, 2.0);
        self.generation += 1;
    }

    fn cloud(&self, count: usize) -> Vec<Candidate> {
        let mut chance =
            Pcg64Mcg::seed_from_u64(self.seed ^ self.generation.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let candidate = |_| {
            let inner: Vec<f64> = self.centre.iter().map(|_| normal(&mut chance)).collect();
            Candidate { step: self.turn(&inner), inner }
        };
        (0..count).map(candidate).collect()
    }

    fn turn(&self, inner: &[f64]) -> Vec<f64> {
        let rows = self.matrix.chunks_exact(inner.len().max(1));
        rows.map(|row| row.iter().zip(inner).map(|(a, b)| a * b).sum()).collect()
    }
}

/// Shares of the parents in the mean, by rank: falling with the logarithm, adding up to 1.
fn shares(parents: usize) -> Vec<f64> {
    let raw: Vec<f64> = (1..=parents).map(|rank| (parents as f64 + 0.5).ln() - (rank as f64).ln()).collect();
    let sum: f64 = raw.iter().sum();
    raw.iter().map(|r| r / sum).collect()
}

/// A draw from the normal distribution (Box and Muller 1958).
pub(crate) fn normal(chance: &mut Pcg64Mcg) -> f64 {
    let radius = (-2.0 * chance.random::<f64>().max(f64::MIN_POSITIVE).ln()).sqrt();
    radius * (std::f64::consts::TAU * chance.random::<f64>()).cos()
}
