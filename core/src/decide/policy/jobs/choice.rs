//! A choice among waiting jobs as numbers: what it means for each candidate to go next. All numbers are relative (to the
//! machine, to what is asked for, to the other jobs), so the same weights serve any cluster.
//!
//! They are kept feature by feature: the loops below run over all candidates at once.

use super::candidates::{CANDIDATES_MAX, Candidates};
use crate::decide::queue::{FreeLater, MachineView, WaitingColumns};

/// Version of the list of features.
pub const JOB_FEATURES_VERSION: u32 = 1;

/// Features of a candidate. They stand once in a model's weights for each of [`QUEUE_KINDS`].
pub const JOB_FEATURES: [&str; 21] = [
    "requested-time",
    "size",
    "slowdown",
    "wait-rank",
    "fits",
    "hold-for-own",
    "hold-for-all",
    "hold-idle",
    "hold-share",
    "delays-smallest",
    "smallest-delay",
    "delays-slowest",
    "slowest-delay",
    "share-of-free",
    "is-smallest",
    "is-slowest",
    "held",
    "left-share",
    "blocks-arrivals",
    "share",
    "share-by-time",
];

/// Kinds of queues, each with weights of its own: whether others may start ahead of a job that waits for units, and
/// whether requested times tell how long jobs run.
pub const QUEUE_KINDS: [&str; 4] =
    ["no-backfill exact", "no-backfill loose", "backfill exact", "backfill loose"];

/// Numbers of a candidate in a recorded choice: the features in the places of all kinds of queues.
pub const CANDIDATE_WIDTH: usize = QUEUE_KINDS.len() * JOB_FEATURES.len();
/// Requested times are loose where less than this share of them is used.
const EXACT_SHARE: f64 = 0.9;
/// Run times below this count as this, as in the bounded slowdown, in seconds.
const BOUND_SECONDS: f32 = 10.0;
/// What the job that units are held for is put back by, so that the rule starts whatever does not delay it.
const HELD_BASE: f32 = 20.0;
/// A machine of which less than this share is left is crowded: new jobs hardly fit.
const CROWDED_SHARE: f32 = 0.125;

type Column = [f32; CANDIDATES_MAX];

/// A choice, ready to be scored.
#[derive(Debug, Clone)]
pub struct JobChoice {
    candidates: Candidates,
    /// Which of [`QUEUE_KINDS`].
    kind: usize,
    base: Column,
    features: [Column; JOB_FEATURES.len()],
}

impl JobChoice {
    /// The choice among the waiting jobs, whose columns are requested times and sizes.
    pub fn new(machine: &MachineView<'_>, waiting: &WaitingColumns<'_>) -> Self {
        let candidates = Candidates::of(machine, waiting);
        let jobs = Jobs::new(machine, waiting, candidates.positions());
        let mut choice = Self {
            candidates,
            kind: queue_kind(machine.backfills, machine.used_share >= EXACT_SHARE),
            base: [0.0; CANDIDATES_MAX],
            features: [[0.0; CANDIDATES_MAX]; JOB_FEATURES.len()],
        };
        for i in 0..candidates.positions().len() {
            choice.base[i] = -ln(jobs.requested[i] * jobs.size[i]) - HELD_BASE * jobs.held[i];
        }
        jobs.fill(&mut choice.features);
        choice
    }

    /// Positions of the candidates among the waiting jobs, ascending.
    pub fn positions(&self) -> &[u32] {
        self.candidates.positions()
    }

    /// Score of each candidate by the rule, smallest area first: minus the logarithm of its area. Higher goes first.
    pub fn base(&self) -> &[f32] {
        &self.base[..self.positions().len()]
    }

    /// The scores with the correction of these weights: base plus the weighted features. Higher goes first.
    pub fn scores(&self, weights: &[f32]) -> [f32; CANDIDATES_MAX] {
        let mut scores = self.base;
        let weights = &weights[self.weights_from()..];
        for (column, weight) in self.features.iter().zip(weights) {
            for (score, feature) in scores.iter_mut().zip(column) {
                *score += weight * feature;
            }
        }
        scores
    }

    /// Features of the candidates, one candidate after the other, in the order of a model's weights.
    pub fn rows(&self) -> Vec<f32> {
        let mut rows = vec![0.0; self.positions().len() * CANDIDATE_WIDTH];
        for (i, row) in rows.chunks_exact_mut(CANDIDATE_WIDTH).enumerate() {
            for (feature, column) in row[self.weights_from()..].iter_mut().zip(&self.features) {
                *feature = column[i];
            }
        }
        rows
    }

    /// Where the weights that count here begin.
    fn weights_from(&self) -> usize {
        self.kind * JOB_FEATURES.len()
    }
}

/// Which of [`QUEUE_KINDS`] a queue is of.
pub fn queue_kind(backfills: bool, exact_requests: bool) -> usize {
    2 * usize::from(backfills) + usize::from(!exact_requests)
}

/// The candidates and what they have in common. Flags are 0 or 1.
struct Jobs {
    count: usize,
    requested: Column,
    bounded: Column,
    size: Column,
    /// What each has waited, in its own bounded requested times.
    slowdown: Column,
    /// 1 for the job submitted first, towards 0 for the last.
    seniority: Column,
    fits: Column,
    held: Column,
    /// Until when each would have to wait for its units, in seconds from now; 0 if it fits.
    hold: Column,
    /// Units that are left beside each when it starts.
    spare: Column,
    units: f32,
    free: f32,
    /// Jobs that come in a second.
    arrival_rate: f32,
    /// Of those that do not fit, the one of the smallest area, ...
    smallest: Option<usize>,
    /// ... and the one that has waited longest for what it asks.
    slowest: Option<usize>,
}

impl Jobs {
    fn new(machine: &MachineView<'_>, waiting: &WaitingColumns<'_>, positions: &[u32]) -> Self {
        let none = [0.0; CANDIDATES_MAX];
        let mut jobs = Self {
            count: positions.len(),
            requested: none,
            bounded: none,
            size: none,
            slowdown: none,
            seniority: none,
            fits: none,
            held: none,
            hold: none,
            spare: none,
            units: machine.units.max(1.0) as f32,
            free: machine.free_units as f32,
            arrival_rate: machine.arrivals_per_second as f32,
            smallest: None,
            slowest: None,
        };
        let now = FreeLater { in_seconds: 0.0, free_units: machine.free_units };
        let share = 1.0 / waiting.first.len().max(1) as f32;
        for (i, &position) in positions.iter().enumerate() {
            let at = position as usize;
            let (requested, size) = (waiting.first[at].max(1.0) as f32, waiting.second[at].max(1.0));
            let bounded = requested.max(BOUND_SECONDS);
            let wait = (machine.now_seconds - waiting.submit_seconds[at]).max(0.0) as f32;
            let fits = size <= machine.free_units;
            let start = if fits { now } else { when_free(machine.later, size).unwrap_or(now) };
            jobs.requested[i] = requested;
            jobs.bounded[i] = bounded;
            jobs.size[i] = size as f32;
            jobs.slowdown[i] = wait / bounded;
            jobs.seniority[i] = 1.0 - position as f32 * share;
            jobs.fits[i] = f32::from(u8::from(fits));
            jobs.held[i] = f32::from(u8::from(machine.held.is_some_and(|held| held.position == at)));
            jobs.hold[i] = start.in_seconds as f32;
            jobs.spare[i] = (start.free_units - size).max(0.0) as f32;
            if fits {
                continue;
            }
            let area = |i: usize| jobs.requested[i] * jobs.size[i];
            if jobs.smallest.is_none_or(|other| area(i) < area(other)) {
                jobs.smallest = Some(i);
            }
            if jobs.slowest.is_none_or(|other| jobs.slowdown[i] > jobs.slowdown[other]) {
                jobs.slowest = Some(i);
            }
        }
        jobs
    }

    /// Writes the features, in their order.
    fn fill(&self, features: &mut [Column; JOB_FEATURES.len()]) {
        let [
            requested_time,
            size,
            slowdown,
            wait_rank,
            fits,
            hold_for_own,
            hold_for_all,
            hold_idle,
            hold_share,
            delays_smallest,
            smallest_delay,
            delays_slowest,
            slowest_delay,
            share_of_free,
            is_smallest,
            is_slowest,
            held,
            left_share,
            blocks_arrivals,
            share,
            share_by_time,
        ] = features;
        let count = self.count;
        // By how much the sum of the slowdowns grows in a second of waiting.
        let growth: f32 = self.bounded[..count].iter().map(|bounded| 1.0 / bounded).sum();
        let longest_hold = self.hold[..count].iter().fold(1.0, |longest: f32, hold| longest.max(*hold));
        let free_share = self.free / self.units;
        for i in 0..count {
            requested_time[i] = (ln(self.requested[i]) - 6.0) / 3.0;
            size[i] = ln(self.size[i] / self.units) / 3.0 + 1.0;
            share[i] = self.size[i] / self.units;
            share_by_time[i] = share[i] * ln(self.requested[i]) / 6.0;
            slowdown[i] = ln(1.0 + self.slowdown[i]) / 2.0;
            hold_for_own[i] = ln(1.0 + self.hold[i] / self.bounded[i]) / 2.0;
            hold_for_all[i] = ln(1.0 + self.hold[i] * growth) / 3.0;
            hold_idle[i] = (1.0 - self.fits[i]) * free_share;
            hold_share[i] = self.hold[i] / longest_hold;
            share_of_free[i] = self.fits[i] * self.size[i] / self.free.max(1.0);
            let left = self.spare[i] / self.units;
            left_share[i] = ln(0.01 + left) / 3.0;
            let crowded = (1.0 - left / CROWDED_SHARE).max(0.0);
            blocks_arrivals[i] = crowded * ln(1.0 + self.requested[i] * self.arrival_rate) / 3.0;
        }
        wait_rank[..count].copy_from_slice(&self.seniority[..count]);
        fits[..count].copy_from_slice(&self.fits[..count]);
        held[..count].copy_from_slice(&self.held[..count]);
        self.delays(self.smallest, delays_smallest, smallest_delay, is_smallest);
        self.delays(self.slowest, delays_slowest, slowest_delay, is_slowest);
    }

    /// Whether each job, if it goes next, delays `other`, by how much, and whether it is `other`.
    fn delays(&self, other: Option<usize>, delays: &mut Column, delay: &mut Column, is: &mut Column) {
        let Some(other) = other else { return };
        let (hold, spare, bounded) = (self.hold[other], self.spare[other], self.bounded[other]);
        for i in 0..self.count {
            let late = self.hold[i] + self.requested[i] - hold;
            let beside = self.hold[i] <= hold && self.size[i] <= spare;
            let late = if beside { 0.0 } else { late.max(0.0) };
            delays[i] = if late > 0.0 { 1.0 } else { 0.0 };
            delay[i] = ln(1.0 + late / bounded) / 2.0;
        }
        (delays[other], delay[other], is[other]) = (0.0, 0.0, 1.0);
    }
}

/// When so many units are free, by what is known now.
fn when_free(later: &[FreeLater], size: f64) -> Option<FreeLater> {
    later.get(later.partition_point(|l| l.free_units < size)).copied()
}

/// The natural logarithm of a positive number to 1e-4: a polynomial over the mantissa, the same on every machine and
/// several times faster than the exact one.
pub(super) fn ln(x: f32) -> f32 {
    let bits = x.to_bits();
    let exponent = ((bits >> 23) as i32 - 127) as f32;
    let m = f32::from_bits(bits & 0x007f_ffff | 0x3f80_0000);
    let rest = 1.593_902_2 + m * (-0.404_865_6 + m * 0.043_428_905);
    let log2 = -2.786_831_3 + m * (5.046_876_2 + m * (-3.492_493_6 + m * rest));
    (exponent + log2) * std::f32::consts::LN_2
}
