//! How dear the devices and the CPU of each type of node are, given the demand that is coming: the dual prices of
//! spreading the mix over the types of nodes, as a fluid.
//!
//! A task costs `device_price x devices + cpu_price x cores` on a type of node and goes where that is least, or
//! is turned away where that exceeds its worth. Prices rise where more is asked for than there is. Choices are
//! softened (a logit), so the prices change smoothly with the mix and equal types get equal prices.
//! Source: Lagrangian relaxation of the transportation problem, solved by subgradients (Held, Wolfe and Crowder,
//! Math. Programming 1974).

/// A type of node: all nodes of one kind together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Supply {
    /// Devices of all its nodes.
    pub(super) devices: f64,
    /// Cores of all its nodes.
    pub(super) cores: f64,
}

/// A shape of tasks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Asked {
    /// Tasks of the shape, per task of the mix.
    pub(super) share: f64,
    /// Devices that one task costs.
    pub(super) devices: f64,
    /// Cores that one task takes.
    pub(super) cores: f64,
    /// Per type of node: whether the task can run there.
    pub(super) runs_on: Vec<bool>,
}

const ROUNDS: usize = 240;
const STEP: f64 = 0.15;
const STEP_HALVES_AFTER: f64 = 40.0;
const SOFTNESS: f64 = 0.03;
const DEVICE_PRICE_MAX: f64 = 3.0;
const CORE_PRICE_MAX: f64 = 6.0;
/// Demand, as multiples of the device capacity, over which the prices are averaged: from almost full to
/// well beyond.
const LOADS: [f64; 3] = [0.95, 1.05, 1.2];

/// The price of a device of each type, relative to the mean over all devices. With `with_cpu` CPU is scarce too;
/// without, only the rules about device models make a difference.
pub(super) fn device_prices(supply: &[Supply], asked: &[Asked], with_cpu: bool) -> Vec<f64> {
    let devices: f64 = supply.iter().map(|s| s.devices).sum();
    let demand: f64 = asked.iter().map(|a| a.share * a.devices).sum();
    if devices <= 0.0 || demand <= 0.0 {
        return vec![0.0; supply.len()];
    }
    let mut mean = vec![0.0; supply.len()];
    for load in LOADS {
        let prices = Market::new(supply, asked, with_cpu, load * devices / demand).settle();
        mean.iter_mut().zip(prices).for_each(|(m, p)| *m += p / LOADS.len() as f64);
    }
    let level: f64 = mean.iter().zip(supply).map(|(m, s)| m * s.devices).sum::<f64>() / devices;
    mean.iter().map(|m| m - level).collect()
}

struct Market<'a> {
    supply: &'a [Supply],
    asked: &'a [Asked],
    with_cpu: bool,
    /// Tasks that come.
    tasks: f64,
    /// Devices per core of the whole cluster: what turns cores into devices.
    per_core: f64,
    /// What a task of no preference takes of each type: its part of the capacity.
    part: Vec<f64>,
    device_price: Vec<f64>,
    /// In devices' worth of cores.
    core_price: Vec<f64>,
}

impl<'a> Market<'a> {
    fn new(supply: &'a [Supply], asked: &'a [Asked], with_cpu: bool, tasks: f64) -> Self {
        let devices: f64 = supply.iter().map(|s| s.devices).sum();
        let cores: f64 = supply.iter().map(|s| s.cores).sum::<f64>().max(f64::MIN_POSITIVE);
        let part = |s: &Supply| {
            let of_devices = s.devices / devices;
            if with_cpu { (of_devices + s.cores / cores) / 2.0 } else { of_devices }
        };
        Self {
            supply,
            asked,
            with_cpu,
            tasks,
            per_core: if cores > f64::MIN_POSITIVE { devices / cores } else { 0.0 },
            part: supply.iter().map(part).collect(),
            device_price: vec![0.5; supply.len()],
            core_price: vec![0.2; supply.len()],
        }
    }

    /// Raises and lowers prices until demand meets supply; the mean of the later rounds' device prices.
    fn settle(mut self) -> Vec<f64> {
        let types = self.supply.len();
        let mut mean = vec![0.0; types];
        for round in 0..ROUNDS {
            let (devices, cores) = self.demand();
            let step = STEP / (1.0 + round as f64 / STEP_HALVES_AFTER);
            for t in 0..types {
                let excess = |asked: f64, there: f64| (asked / there - 1.0).clamp(-1.0, 1.0);
                if self.supply[t].devices > 0.0 {
                    let change = step * excess(devices[t], self.supply[t].devices);
                    self.device_price[t] = (self.device_price[t] + change).clamp(0.0, DEVICE_PRICE_MAX);
                }
                if self.with_cpu && self.supply[t].cores > 0.0 {
                    let change = step * excess(cores[t], self.supply[t].cores);
                    self.core_price[t] = (self.core_price[t] + change).clamp(0.0, CORE_PRICE_MAX);
                }
                if round >= ROUNDS / 2 {
                    mean[t] += self.device_price[t] / (ROUNDS - ROUNDS / 2) as f64;
                }
            }
        }
        mean
    }

    /// Devices and cores asked for on each type at these prices.
    fn demand(&self) -> (Vec<f64>, Vec<f64>) {
        let types = self.supply.len();
        let (mut devices, mut cores) = (vec![0.0; types], vec![0.0; types]);
        let mut pull = vec![0.0; types];
        for shape in self.asked {
            let shape_cores = if self.with_cpu { shape.cores } else { 0.0 };
            if shape.devices == 0.0 && shape_cores == 0.0 {
                continue;
            }
            // Tasks without devices are hardly ever turned away: they are worth far more than they cost.
            let worth = if shape.devices > 0.0 {
                shape.devices.max(0.02)
            } else {
                4.0 * shape_cores * self.per_core + 0.2
            };
            let softness = SOFTNESS * (shape.devices + shape_cores * self.per_core).max(0.05);
            let cost = |t: usize| {
                self.device_price[t] * shape.devices + self.core_price[t] * self.per_core * shape_cores
            };
            let open = |t: usize| shape.runs_on[t];
            let least = (0..types).filter(|&t| open(t)).map(cost).fold(worth, f64::min);
            let mut sum = (-(worth - least) / softness).exp();
            for (t, pull) in pull.iter_mut().enumerate() {
                *pull = if open(t) { self.part[t] * (-(cost(t) - least) / softness).exp() } else { 0.0 };
                sum += *pull;
            }
            let tasks = self.tasks * shape.share / sum;
            for t in 0..types {
                devices[t] += tasks * pull[t] * shape.devices;
                cores[t] += tasks * pull[t] * shape_cores;
            }
        }
        (devices, cores)
    }
}
