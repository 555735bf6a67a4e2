//! Parallel batch jobs by the Lublin-Feitelson model: U. Lublin and D. G. Feitelson, "The workload on
//! parallel supercomputers: modeling the characteristics of rigid jobs", JPDC 63(11), 2003, with the
//! published parameters for jobs without a type. The model: sizes are serial with a fixed probability, else
//! two to the power of a two-stage uniform variate, rounded for powers of two; the logarithm of the run time
//! is hyper-gamma, its mixture depending on the size; the logarithm of the inter-arrival time is gamma,
//! stretched by a daily cycle in half hours.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::chance::gamma;
use crate::jobs::{Job, Jobs};

/// Half hours of a day.
const BUCKETS: usize = 48;
/// Length of a half hour, in seconds.
const BUCKET_SECONDS: f64 = 1800.0;
/// The cycle's first half hour: 5:30 in the morning.
const DAY_START_BUCKET: usize = 11;
/// Logarithm of the longest run time: about two days.
const LOG_RUN_MAX: f64 = 12.0;
/// Logarithm of the longest inter-arrival time in points: about five days.
const LOG_ARRIVAL_MAX: f64 = 13.0;
/// log2 of the machine minus the point at which the two uniform stages meet.
const MEDIUM_BELOW_LARGEST: f64 = 2.5;

/// Parameters of the model; the default values are those published for the whole sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LublinModel {
    /// Nodes of the machine; at least 2. The largest job has that many.
    pub nodes: u32,
    /// Probability of a serial job.
    pub serial_probability: f64,
    /// Probability of a parallel job whose size is a power of two.
    pub power_of_two_probability: f64,
    /// log2 of the smallest parallel size.
    pub log_size_low: f64,
    /// Probability of the lower of the two uniform stages.
    pub low_stage_probability: f64,
    /// Shape and scale of the gamma of short run times.
    pub short_run: (f64, f64),
    /// Shape and scale of the gamma of long run times.
    pub long_run: (f64, f64),
    /// Slope over the size, and intercept, of the probability of a short run time.
    pub short_probability: (f64, f64),
    /// Shape (all hours) and scale of the gamma of inter-arrival times.
    pub arrival: (f64, f64),
    /// Shape and scale of the gamma of the daily cycle.
    pub cycle: (f64, f64),
}

impl LublinModel {
    /// The published parameters for a machine of `nodes` nodes.
    pub fn published(nodes: u32) -> Self {
        Self {
            nodes: nodes.max(2),
            serial_probability: 0.244,
            power_of_two_probability: 0.576,
            log_size_low: 0.8,
            low_stage_probability: 0.86,
            short_run: (4.2, 0.94),
            long_run: (312.0, 0.03),
            short_probability: (-0.0054, 0.78),
            arrival: (10.2303 * 1.0225, 0.4871),
            cycle: (8.1737, 3.9631),
        }
    }

    /// `count` jobs from midnight on. Requested time is run time; there is one owner.
    pub fn generate(&self, count: usize, seed: u64) -> Jobs {
        let mut chance = Pcg64Mcg::seed_from_u64(seed);
        let mut jobs = Jobs::with_capacity(count);
        let mut arrivals =
            CyclicArrivals { weights: self.weights(), bucket: 0, points: 0.0, begun_seconds: 0.0 };
        for id in 0..count as u64 {
            let submit_seconds = arrivals.next_seconds(&mut chance, self.arrival) as i64;
            let size = self.size(&mut chance);
            let run_seconds = self.run_seconds(&mut chance, size);
            jobs.push(Job {
                id: id + 1,
                submit_seconds,
                run_seconds,
                requested_seconds: run_seconds,
                size,
                owner: 0,
                priority: 0,
            });
        }
        jobs
    }

    fn size(&self, chance: &mut Pcg64Mcg) -> u32 {
        let kind: f64 = chance.random();
        if kind < self.serial_probability {
            return 1;
        }
        let high = f64::from(self.nodes).log2();
        let low = self.log_size_low.min(high);
        let medium = (high - MEDIUM_BELOW_LARGEST).max(low);
        let (from, to) =
            if chance.random::<f64>() < self.low_stage_probability { (low, medium) } else { (medium, high) };
        let log = from + chance.random::<f64>() * (to - from);
        let power = kind < self.serial_probability + self.power_of_two_probability;
        let log = if power { log.round() } else { log };
        (log.exp2().round() as u32).clamp(1, self.nodes)
    }

    fn run_seconds(&self, chance: &mut Pcg64Mcg, size: u32) -> u32 {
        let (slope, intercept) = self.short_probability;
        // The published slope was fitted on machines of up to 128 nodes; a share of the machine keeps the
        // mixture on larger ones.
        let scaled = f64::from(size) * (128.0 / f64::from(self.nodes)).min(1.0);
        let short = (slope * scaled + intercept).clamp(0.0, 1.0);
        loop {
            let (shape, scale) = if chance.random::<f64>() < short { self.short_run } else { self.long_run };
            let log = gamma(chance, shape, scale);
            if log <= LOG_RUN_MAX {
                return (log.exp() as u32).max(1);
            }
        }
    }

    /// Share of the jobs that come in each half hour of the day, as a multiple of the mean.
    fn weights(&self) -> [f64; BUCKETS] {
        let (shape, scale) = self.cycle;
        let density = |x: f64| ((shape - 1.0) * x.ln() - x / scale).exp();
        let mut weights = [0.0; BUCKETS];
        for i in DAY_START_BUCKET..BUCKETS + DAY_START_BUCKET {
            // Simpson's rule over [i - 0.5, i + 0.5]; the density's factor cancels when normalised.
            let x = i as f64;
            let steps = [(-0.5, 1.0), (-0.25, 4.0), (0.0, 2.0), (0.25, 4.0), (0.5, 1.0)];
            weights[(i - 1) % BUCKETS] = steps.iter().map(|&(at, w)| w * density(x + at)).sum();
        }
        let mean = weights.iter().sum::<f64>() / BUCKETS as f64;
        weights.map(|w| w / mean)
    }
}

/// Arrivals over the daily cycle: each inter-arrival time is a number of points, and passing through a half
/// hour costs that half hour's weight.
struct CyclicArrivals {
    weights: [f64; BUCKETS],
    bucket: usize,
    /// Points spent in the current half hour.
    points: f64,
    /// When the current half hour began, in seconds.
    begun_seconds: f64,
}

impl CyclicArrivals {
    fn next_seconds(&mut self, chance: &mut Pcg64Mcg, (shape, scale): (f64, f64)) -> f64 {
        let log = loop {
            let log = gamma(chance, shape, scale);
            if log <= LOG_ARRIVAL_MAX {
                break log;
            }
        };
        self.points += log.exp() / BUCKET_SECONDS;
        while self.points > self.weights[self.bucket] {
            self.points -= self.weights[self.bucket];
            self.bucket = (self.bucket + 1) % BUCKETS;
            self.begun_seconds += BUCKET_SECONDS;
        }
        self.begun_seconds + BUCKET_SECONDS * self.points / self.weights[self.bucket]
    }
}

#[cfg(test)]
mod tests;
