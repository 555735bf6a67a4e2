//! Forecasts: what the loop's analyst costs over 5,000 nodes, what a reading and a forecast of 13 values cost, the memory of 10,000 series, and, where the recorded load is there
//! (LEPTON_DATA), protocol F1: every model on 240 series of 60 virtual machines. Run by `cargo xtask bench forecast`.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use lepton_core::analyze::forecast::{
    FEATURES, ForecastSetup, MODEL_KINDS, MixtureConfig, ModelKind, NetworkModel, Perceptron, Scratch,
    SeriesForecaster, SourceModel, Steps,
};
use lepton_core::analyze::{Analyst, BIN_SECONDS};
use lepton_core::model::{
    DeviceSet, NodeSpec, Placement, ResourceSchema, Settings, Snapshot, Task, TaskClass, TaskState,
};
use lepton_learn::forecast::{NetworkOptions, Recorded, fit_network, train_source};
use lepton_sim::experiment::forecast::{Origins, back_test};
use lepton_sim::readers::{LoadColumns, Target, read_load};

const SERIES: usize = 10_000;
const SEED: u64 = 1;
const FITTED: usize = 6048;

fn main() {
    // Kept, so that the memory of what follows is its own.
    let analyst = analyst();
    costs();
    drop(analyst);
    match std::env::var_os("LEPTON_DATA") {
        Some(data) => protocol(&Path::new(&data).join("bitbrains-rnd/load_5min.csv.gz")),
        None => println!("LEPTON_DATA is not set: protocol F1 is left out"),
    }
}

/// A repeatable load: a daily wave with noise that differs from series to series.
fn load(series: usize, bin: usize) -> f64 {
    let noise = ((series * 7919 + bin * 104_729) % 1000) as f64 / 1000.0;
    30.0 + 20.0 * (bin as f64 * std::f64::consts::TAU / 288.0 + series as f64).sin() + 8.0 * noise * noise
}

fn costs() {
    let steps = Steps::new(12, true, &[0.5, 0.9, 0.95]).expect("sound steps");
    let network = |seed: usize| {
        let layers = vec![FEATURES, 256, 128, steps.outputs() * steps.levels().len()];
        // Weights about zero cost the same as trained ones: half of the hidden units are silent.
        let weights = (0..Perceptron::weight_count(&layers)).map(|i| {
            let digits =
                (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(seed as u32 + 20) >> 40;
            (digits as f32 / (1 << 24) as f32 - 0.5) * 0.2
        });
        Perceptron::new(layers, weights.collect())
    };
    let networks = [1, 2].into_iter().filter_map(network).collect();
    let setup = ForecastSetup {
        network: NetworkModel::new(steps.clone(), networks).ok().map(Into::into),
        steps,
        season_bins: 288,
        source: None,
        mixture: MixtureConfig::default(),
    };
    let before = resident_mib();
    let mut all: Vec<SeriesForecaster> =
        (0..SERIES).filter_map(|_| SeriesForecaster::new(&setup, ModelKind::Auto).ok()).collect();
    // Windows are full after a week; the costs are those of full ones.
    for (i, series) in all.iter_mut().enumerate() {
        for bin in 0..2100 {
            series.warm(Some(load(i, bin)));
        }
    }
    let (mut push, mut forecast, mut scratch) = (Vec::new(), Vec::new(), Scratch::default());
    for bin in 2100..2120 {
        let begun = Instant::now();
        for (i, series) in all.iter_mut().enumerate() {
            series.push(Some(load(i, bin)), &mut scratch);
        }
        push.push(begun.elapsed().as_secs_f64() / SERIES as f64 * 1e6);
        let begun = Instant::now();
        let sum: f64 = all.iter_mut().map(|series| series.forecast(&mut scratch).at(12, 0.9)).sum();
        forecast.push(begun.elapsed().as_secs_f64() / SERIES as f64 * 1e6);
        assert!(sum.is_finite());
    }
    push.sort_by(f64::total_cmp);
    forecast.sort_by(f64::total_cmp);
    println!(
        "{SERIES} series, two networks of 256 and 128 units, one thread; medians of {} rounds (lowest)",
        push.len()
    );
    println!(
        "a reading, the forecast of 13 values made and scored with it: {:.1} us ({:.1})",
        push[10], push[0]
    );
    println!("that forecast, asked for again: {:.2} us ({:.2})", forecast[10], forecast[0]);
    println!("all series once each 15 s: {:.2} % of a core", push[10] * SERIES as f64 / 15e6 * 100.0);
    println!("memory: {:.0} MiB\n", resident_mib() - before);
}

/// Memory in use, by Linux; 0 elsewhere.
fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<f64>().ok()).map_or(0.0, |kib| kib / 1024.0)
}

fn protocol(path: &Path) {
    let target = |name: &str, columns: &[&str]| Target {
        name: name.to_owned(),
        columns: columns.iter().map(|&c| c.to_owned()).collect(),
        counter: false,
    };
    let targets = vec![
        target("cpu", &["cpu_pct"]),
        target("mem", &["mem_mb"]),
        target("net", &["net_rx_kbs", "net_tx_kbs"]),
        target("disk", &["disk_read_kbs", "disk_write_kbs"]),
    ];
    let columns = LoadColumns {
        series: Some("vm".to_owned()),
        time: "t".to_owned(),
        period_seconds: 300,
        unit_seconds: 300,
        targets,
    };
    let load = match read_load(path, &columns) {
        Ok(load) => load,
        Err(error) => return println!("{error}"),
    };
    let levels = [0.5, 0.9, 0.95];
    let steps = Steps::new(12, true, &levels).expect("sound steps");
    let begun = Instant::now();
    let recorded = Recorded { series: &load.values, bins: FITTED, season_bins: 288 };
    let network = fit_network(recorded, &steps, &NetworkOptions::default(), SEED, 2, &|_, _, _| {});
    let source = train_source(recorded, SEED);
    println!(
        "F1: {} series, fitted on bins 0 to {} in {:.0} s on 2 threads, seed {SEED}",
        load.names.len(),
        FITTED - 1,
        begun.elapsed().as_secs_f64()
    );
    let setup = ForecastSetup {
        steps,
        season_bins: 288,
        network: network.map(Into::into),
        source: SourceModel::new(source.network).map(Into::into),
        mixture: MixtureConfig::default(),
    };
    let origins =
        Origins { bins: (6047..=8627).step_by(37).collect(), fitted: FITTED, levels: levels.to_vec() };
    let groups: Vec<usize> = (0..load.names.len()).map(|i| i % 4).collect();
    println!(
        "model               relMAE   MASE   WAPE  SPL50  SPL90  SPL95  cov90  cov95  peak cov95  slack  seconds"
    );
    for (kind, name) in MODEL_KINDS {
        let begun = Instant::now();
        match back_test(&load, &groups, &setup, kind, &origins, &AtomicBool::new(false), &|| {}) {
            Ok(test) => {
                let s = &test.scores;
                println!(
                    "{name:18} {:7.3} {:6.3} {:6.3} {:6.3} {:6.3} {:6.3} {:6.3} {:6.3} {:11.3} {:6.3} {:8.1}",
                    s.rel_mae,
                    s.mase,
                    s.wape,
                    s.spl[0],
                    s.spl[1],
                    s.spl[2],
                    s.coverage[1],
                    s.coverage[2],
                    s.peak_coverage[2],
                    s.peak_slack[2],
                    begun.elapsed().as_secs_f64()
                );
            }
            Err(error) => println!("{name}: {error}"),
        }
    }
}

/// Nodes and resources that the analyst is measured with, and tasks on each node.
const NODES: usize = 5000;
const RESOURCES: usize = 12;
const TASKS: usize = 8;
/// Time between two readings, seconds.
const READING_SECONDS: u64 = 15;

/// The loop's analyst over a large cluster: time of a turn and memory, after two days of readings.
fn analyst() -> Analyst {
    let names = (0..RESOURCES).map(|r| format!("measure_{r}"));
    let mut snapshot = Snapshot::new(ResourceSchema::new(names).expect("names differ"));
    let class = TaskClass::of_demand(vec![100_000; RESOURCES], None);
    let class = snapshot.cluster.add_class(class).expect("a sound class");
    for node in 0..NODES {
        let spec = NodeSpec::new(format!("node-{node}"), vec![1_000_000; RESOURCES], vec![]);
        let id = snapshot.cluster.add_node(spec).expect("a sound node");
        snapshot.signals.push(Default::default());
        for task in 0..TASKS {
            let task = snapshot.cluster.add_task(Task::new(format!("task-{node}-{task}"), class));
            snapshot.tasks.push(TaskState { used: vec![0; RESOURCES], ..TaskState::default() });
            assert!(snapshot.stands(task, Placement { node: id, devices: DeviceSet::NONE }));
        }
    }
    let before = resident_mib();
    let mut analyst = Analyst::default();
    let settings = Settings::default();
    let mut turn = |snapshot: &mut Snapshot, seconds: u64| {
        snapshot.time_seconds += seconds;
        let bin = (snapshot.time_seconds / READING_SECONDS) as usize;
        for (i, state) in snapshot.tasks.iter_mut().enumerate() {
            for (r, used) in state.used.iter_mut().enumerate() {
                *used = (1000.0 * load(i * RESOURCES + r, bin)) as i64;
            }
        }
        let begun = Instant::now();
        let assessment = analyst.assess(snapshot, &settings);
        assert_eq!(assessment.risk.len(), NODES);
        begun.elapsed().as_secs_f64()
    };
    // A reading for each bin fills the windows; then those of half an hour count.
    for _ in 0..200 {
        turn(&mut snapshot, BIN_SECONDS);
    }
    let mut seconds: Vec<f64> =
        (0..2 * BIN_SECONDS / READING_SECONDS).map(|_| turn(&mut snapshot, READING_SECONDS)).collect();
    let mean = seconds.iter().sum::<f64>() / seconds.len() as f64;
    seconds.sort_by(f64::total_cmp);
    println!(
        "the analyst: {NODES} nodes x {RESOURCES} measures, {TASKS} tasks a node, a reading each {READING_SECONDS} s"
    );
    println!(
        "a turn: {:.1} ms in the mean, median {:.1}, longest {:.1}; {:.2} % of a core",
        mean * 1e3,
        seconds[seconds.len() / 2] * 1e3,
        seconds[seconds.len() - 1] * 1e3,
        mean / READING_SECONDS as f64 * 100.0
    );
    println!("memory: {:.0} MiB\n", resident_mib() - before);
    analyst
}
