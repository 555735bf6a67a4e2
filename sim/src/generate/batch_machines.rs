//! Batch machines of many kinds, one for each seed: size, load, granularity of the jobs, and how well users know their
//! run times. Jobs by the [`LublinModel`] around its published parameters. Made to learn from what no single trace shows.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::lublin::LublinModel;
use crate::jobs::Jobs;
use crate::workload::jobs::scale_load;

/// What the machines of a seed are drawn from.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchMachines {
    /// Fewest and most nodes; drawn evenly over the logarithm.
    pub nodes: (u32, u32),
    /// Lowest and highest offered load.
    pub load: (f64, f64),
    /// Share of the machines whose users do not know their run times exactly.
    pub noisy_share: f64,
}

impl Default for BatchMachines {
    /// Machines of 64 to 8,192 nodes at loads from 0.6 to 1.2, half of them with requests that are not exact.
    fn default() -> Self {
        Self { nodes: (64, 8192), load: (0.6, 1.2), noisy_share: 0.5 }
    }
}

/// Requests are rounded up to one of these, in seconds.
const REQUEST_STEPS: [f64; 4] = [1.0, 60.0, 900.0, 3600.0];

impl BatchMachines {
    /// `count` jobs and the nodes of their machine.
    pub fn draw(&self, count: usize, seed: u64) -> (Jobs, u32) {
        let mut chance = Pcg64Mcg::seed_from_u64(seed ^ 0x6a6f_6273);
        let between =
            |chance: &mut Pcg64Mcg, (low, high): (f64, f64)| low + chance.random::<f64>() * (high - low);
        let logs = (f64::from(self.nodes.0).log2(), f64::from(self.nodes.1).log2());
        let nodes = between(&mut chance, logs).exp2().round();
        // Some sites hand out whole blocks of nodes.
        let blocks = between(&mut chance, (4.0_f64.min(nodes.log2()), nodes.log2())).exp2().round();
        let block = (nodes / if chance.random_bool(0.5) { nodes } else { blocks }).floor().max(1.0) as u32;
        let mut model = LublinModel::published((nodes as u32 / block).max(2));
        model.serial_probability = between(&mut chance, (0.0, 0.4));
        model.power_of_two_probability = between(&mut chance, (0.2, 0.8));
        model.low_stage_probability = between(&mut chance, (0.5, 0.9));
        model.short_probability.1 = between(&mut chance, (0.4, 0.9));
        model.long_run.1 *= between(&mut chance, (0.9, 1.05));
        let mut jobs = model.generate(count, chance.random());
        jobs.size.iter_mut().for_each(|size| *size *= block);
        if chance.random_bool(self.noisy_share) {
            blur_requests(&mut jobs, &mut chance);
        }
        let nodes = nodes as u32;
        // A draw without any load, as of a single job, stays as it is.
        let _ = scale_load(&mut jobs, u64::from(nodes), between(&mut chance, self.load), |_| true);
        (jobs, nodes)
    }
}

/// Users ask for more than they need, some for a little less, most for a round time.
fn blur_requests(jobs: &mut Jobs, chance: &mut Pcg64Mcg) {
    let (under, step) =
        (0.3 * chance.random::<f64>(), REQUEST_STEPS[chance.random_range(0..REQUEST_STEPS.len())]);
    let careful = 0.3 + 1.4 * chance.random::<f64>();
    for (requested, &run) in jobs.requested_seconds.iter_mut().zip(&jobs.run_seconds) {
        let run = f64::from(run);
        *requested = if chance.random_bool(under) {
            (run * 0.995).max(1.0) as u32
        } else {
            let used = chance.random::<f64>().powf(careful).max(0.02);
            ((run / used / step).ceil() * step).min(f64::from(i32::MAX)) as u32
        };
    }
}
