//! What will happen, drawn in advance: arrivals, work, loads, faults.

use std::sync::Arc;

use lepton_core::model::{SAFETY_LEVEL, TaskClass};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::faults::{NodeEvent, fault_events};
use crate::generate::{FaultPreset, openb_like};
use crate::workload::{PlacementWorkload, WorkloadTask};

/// Seconds of an hour and a day.
const HOUR: f64 = 3600.0;
const DAY: f64 = 24.0 * HOUR;

/// What kind of world.
#[derive(Debug, Clone, PartialEq)]
pub struct WorldConfig {
    /// Seed of everything that happens.
    pub seed: u64,
    /// Nodes, with the types and task shapes of the openb trace.
    pub nodes: usize,
    /// How long it lives, hours.
    pub hours: u32,
    /// Mean device demand as a share of the device capacity, if nothing waited.
    pub load: f64,
    /// How far the arrival rate and the use of running tasks swing around their means over a day, 0 to 1.
    pub daily_swing: f64,
    /// Tasks save their work this often, seconds.
    pub checkpoint_seconds: u64,
    /// Standing still when started again on another node, seconds.
    pub pause_seconds: u32,
    /// A task that is told to go stays so long to save its work, seconds.
    pub grace_seconds: u64,
    /// Mean time between failures of one node, hours. This and the next are for a world without `faults`.
    pub failure_hours: f64,
    /// Share of failures that show signs in advance.
    pub warned_share: f64,
    /// Rates, causes and signs of failures as published, false signs among them; one kind of failure with one kind of sign where there
    /// are none.
    pub faults: Option<FaultPreset>,
    /// A node is hot above this share of its CPU.
    pub safety_level: f64,
    /// Median of the tasks' work, seconds.
    pub work_median_seconds: f64,
    /// Tasks ask for their work times a number drawn evenly from 1 to this (Mu'alem and Feitelson, TPDS 2001); 0 when they do not
    /// say how long they will run.
    pub request_factor_max: f64,
    /// Small tasks without devices that stand on the cluster beside the others, so many a node: daemons and services as Kubernetes clusters have
    /// them. One that ends is followed by another.
    pub services_per_node: u32,
    /// How many owners the tasks have, those of equal shape the same one; 0 for none.
    pub owners: u32,
    /// How the use of running tasks moves: each follows one of these from a day of its own; all follow a daily rhythm where there
    /// is none.
    pub use_shapes: UseShapes,
}

/// Recorded use over time, as multiples of its mean.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UseShapes {
    /// Time between two values, seconds; at least 1.
    pub period_seconds: u64,
    /// Each at least one value long.
    pub shapes: Arc<Vec<Vec<f32>>>,
}

impl UseShapes {
    /// Shapes of recorded series: those that were seen at least half of the time and used anything, gaps filled with the value
    /// before, as multiples of their mean.
    pub fn of_recorded(series: &[Vec<f64>], period_seconds: u64) -> Self {
        let shape = |values: &Vec<f64>| {
            let known: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
            let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
            let mut last = 1.0;
            let mut fill = |v: &f64| {
                last = if v.is_finite() { (v / mean) as f32 } else { last };
                last
            };
            (known.len() * 2 >= values.len() && mean > 0.0).then(|| values.iter().map(&mut fill).collect())
        };
        let shapes: Vec<Vec<f32>> = series.iter().filter_map(shape).collect();
        Self { period_seconds: period_seconds.max(1), shapes: Arc::new(shapes) }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.shapes.is_empty()
    }

    /// Value of a shape so long after its begin; it begins anew at its end.
    pub(super) fn at(&self, shape: usize, seconds: u64) -> f64 {
        let values = &self.shapes[shape];
        f64::from(values[(seconds / self.period_seconds) as usize % values.len()])
    }
}

impl Default for WorldConfig {
    fn default() -> Self {
        Self {
            seed: 7,
            nodes: 60,
            hours: 24,
            load: 0.8,
            daily_swing: 0.3,
            checkpoint_seconds: 1800,
            pause_seconds: 90,
            grace_seconds: 0,
            failure_hours: 240.0,
            warned_share: 0.7,
            faults: None,
            safety_level: SAFETY_LEVEL,
            work_median_seconds: WORK_MEDIAN_SECONDS,
            request_factor_max: 0.0,
            services_per_node: 0,
            owners: 0,
            use_shapes: UseShapes::default(),
        }
    }
}

/// A task as it will be.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TaskScript {
    pub(super) arrives_seconds: u64,
    /// Row of the task list whose demand it has.
    pub(super) row: usize,
    pub(super) work_seconds: u64,
    /// How long it asks to run, if it says.
    pub(super) requested_seconds: Option<u64>,
    pub(super) priority: i32,
    pub(super) do_not_disrupt: bool,
    /// Mean CPU use as a share of demand.
    pub(super) level: f64,
    /// Shift of its daily rhythm, hours.
    pub(super) shift_hours: f64,
    /// Which of the recorded shapes it follows, and from which moment, seconds.
    pub(super) shape: Option<(usize, u64)>,
}

/// Everything that will happen.
#[derive(Debug, Clone)]
pub(super) struct Script {
    pub(super) workload: PlacementWorkload,
    /// By time of arrival.
    pub(super) tasks: Vec<TaskScript>,
    /// Time, node, what.
    pub(super) node_events: Vec<(u64, u32, NodeEvent)>,
}

impl Script {
    pub(super) fn of(config: &WorldConfig) -> Self {
        let mut workload = openb_like(config.nodes);
        let mut chance = Pcg64Mcg::seed_from_u64(config.seed);
        let mut tasks = tasks(config, &workload, &mut chance);
        if config.services_per_node > 0 {
            add_services(&mut tasks, config, &mut workload);
        }
        ask_for_time(&mut tasks, config);
        let node_events = match config.faults {
            Some(preset) => fault_events(preset, config.nodes as u32, config.hours, config.seed),
            None => node_events(config, &mut chance),
        };
        Self { workload, tasks, node_events }
    }

    /// One more task, which comes at this moment; its place in the list.
    pub(super) fn add(&mut self, config: &WorldConfig, now_seconds: u64, chance: &mut Pcg64Mcg) -> usize {
        let mut task = task(now_seconds as f64, config, &self.workload, chance);
        ask_for_time(std::slice::from_mut(&mut task), config);
        self.tasks.push(task);
        self.tasks.len() - 1
    }
}

/// Value of a daily rhythm around 1 that peaks at 15:00.
pub(super) fn rhythm(seconds: f64, shift_hours: f64, swing: f64) -> f64 {
    1.0 + swing * (std::f64::consts::TAU * (seconds / HOUR - 9.0 - shift_hours) / 24.0).sin()
}

/// Tasks that run at the start with what is left of their work, then a Poisson stream whose rate follows
/// the daily rhythm.
fn tasks(config: &WorldConfig, workload: &PlacementWorkload, chance: &mut Pcg64Mcg) -> Vec<TaskScript> {
    let demand = |row: usize| workload.cluster.class(workload.tasks[row].class).demand.device_milli();
    let mean_milli = (0..workload.tasks.len()).map(demand).sum::<i64>() as f64 / workload.tasks.len() as f64;
    // Mean of the work distribution below, from its parameters.
    let mean_work = config.work_median_seconds * (WORK_SPREAD * WORK_SPREAD / 2.0).exp();
    let wanted_milli = config.load * workload.cluster.device_milli_capacity() as f64;
    let rate = wanted_milli / (mean_milli * mean_work);
    let end = f64::from(config.hours) * HOUR;

    let mut tasks = Vec::new();
    let at_start = (rate * mean_work * rhythm(0.0, 0.0, config.daily_swing)) as usize;
    for _ in 0..at_start {
        let mut task = task(0.0, config, workload, chance);
        task.work_seconds = (task.work_seconds as f64 * chance.random::<f64>()).ceil() as u64;
        tasks.push(task);
    }
    let mut now = 0.0;
    let fastest = rate * (1.0 + config.daily_swing);
    loop {
        now += -(1.0 - chance.random::<f64>()).ln() / fastest;
        if now >= end {
            return tasks;
        }
        if chance.random::<f64>() * (1.0 + config.daily_swing) < rhythm(now, 0.0, config.daily_swing) {
            tasks.push(task(now, config, workload, chance));
        }
    }
}

/// Work is lognormal with this median (seconds) and spread, the usual form of recorded GPU jobs.
const WORK_MEDIAN_SECONDS: f64 = 2400.0;
const WORK_SPREAD: f64 = 1.2;
const WORK_SECONDS_MIN: f64 = 60.0;
const WORK_SECONDS_MAX: f64 = DAY;

fn task(now: f64, config: &WorldConfig, workload: &PlacementWorkload, chance: &mut Pcg64Mcg) -> TaskScript {
    let work = config.work_median_seconds * (WORK_SPREAD * normal(chance)).exp();
    TaskScript {
        arrives_seconds: now as u64,
        row: chance.random_range(0..workload.tasks.len()),
        work_seconds: work.clamp(WORK_SECONDS_MIN, WORK_SECONDS_MAX) as u64,
        requested_seconds: None,
        priority: i32::from(chance.random_bool(0.1)),
        do_not_disrupt: chance.random_bool(0.05),
        level: (0.8 * (0.35 * normal(chance)).exp()).clamp(0.1, 1.6),
        shift_hours: 2.0 * normal(chance),
        shape: shape(&config.use_shapes, chance),
    }
}

/// Cores, thousandths, and memory, MiB, of a service, and the mean time that it runs, seconds.
const SERVICE_DEMAND: [i64; 2] = [500, 1024];
const SERVICE_SECONDS: f64 = DAY;

/// Services that stand from the first second on, each followed by another when it ends. What is drawn for them changes nothing else that happens.
fn add_services(tasks: &mut Vec<TaskScript>, config: &WorldConfig, workload: &mut PlacementWorkload) {
    let class = TaskClass::of_demand(SERVICE_DEMAND, None);
    let class = workload.cluster.add_class(class).expect("a small demand is within the model's limits");
    let row = workload.tasks.len();
    workload.tasks.push(WorkloadTask { name: "service".into(), class });
    let mut chance = Pcg64Mcg::seed_from_u64(config.seed.rotate_left(32));
    let end = f64::from(config.hours) * HOUR;
    for _ in 0..config.nodes as u64 * u64::from(config.services_per_node) {
        let mut now = 0.0;
        while now < end {
            let runs = (-(1.0 - chance.random::<f64>()).ln() * SERVICE_SECONDS).max(WORK_SECONDS_MIN);
            let drawn = task(now, config, workload, &mut chance);
            tasks.push(TaskScript { row, work_seconds: runs as u64, ..drawn });
            now += runs;
        }
    }
    tasks.sort_by_key(|task| task.arrives_seconds);
}

/// Which recorded shape a task follows, from a day drawn evenly, so that it keeps its time of day; none, and nothing drawn, where there
/// are none.
fn shape(shapes: &UseShapes, chance: &mut Pcg64Mcg) -> Option<(usize, u64)> {
    if shapes.is_empty() {
        return None;
    }
    let shape = chance.random_range(0..shapes.shapes.len());
    let days = shapes.shapes[shape].len() as u64 * shapes.period_seconds / DAY as u64;
    Some((shape, chance.random_range(0..days.max(1)) * DAY as u64))
}

/// Says how long each task asks to run. What is drawn for this changes nothing else that happens.
fn ask_for_time(tasks: &mut [TaskScript], config: &WorldConfig) {
    if config.request_factor_max < 1.0 {
        return;
    }
    let mut chance = Pcg64Mcg::seed_from_u64(!config.seed);
    for task in tasks {
        let factor = chance.random_range(1.0..=config.request_factor_max);
        let pause = u64::from(config.pause_seconds);
        task.requested_seconds = Some((task.work_seconds as f64 * factor).ceil() as u64 + pause);
    }
}

/// A standard normal number (Box and Muller).
fn normal(chance: &mut Pcg64Mcg) -> f64 {
    let (a, b): (f64, f64) = (chance.random(), chance.random());
    (-2.0 * (1.0 - a).ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}

/// Failures of each node, some announced by signs half an hour ahead, and signs that mean nothing.
fn node_events(config: &WorldConfig, chance: &mut Pcg64Mcg) -> Vec<(u64, u32, NodeEvent)> {
    const SIGNS_AHEAD_SECONDS: f64 = 1800.0;
    let end = f64::from(config.hours) * HOUR;
    let mut events = Vec::new();
    for node in 0..config.nodes as u32 {
        let mut now = 0.0;
        loop {
            now += -(1.0 - chance.random::<f64>()).ln() * config.failure_hours * HOUR;
            if now >= end {
                break;
            }
            let real = chance.random_bool(0.8);
            if chance.random::<f64>() < config.warned_share || !real {
                let signs = (now - SIGNS_AHEAD_SECONDS).max(0.0);
                let risk = if real { chance.random_range(0.6..0.95) } else { chance.random_range(0.4..0.8) };
                events.push((signs as u64, node, NodeEvent::Signs(risk)));
            }
            if real {
                events.push((now as u64, node, NodeEvent::Fails));
                now += chance.random_range(1.0..4.0) * HOUR;
            } else {
                now += HOUR;
            }
            events.push((now as u64, node, NodeEvent::Recovers));
        }
    }
    events.sort_by_key(|&(time, node, _)| (time, node));
    events
}
