//! What it costs to keep how the nodes stood, and to tell it to a database elsewhere: every sample, rollups of five minutes and of hours, as the
//! service keeps them. Servers of Debian are started for it (`apt install mariadb-server postgresql`).
//!
//!     cargo xtask bench store [NODES HOURS]
//!
//! docs/benchmarks/store.md

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use lepton_edges::store::{Periods, Relay, Sample, SeriesKeeper, Store, Target};
use servers::Server;
use servers::alike::ask_file;

#[path = "../../app/tests/common/ports.rs"]
mod ports;
#[path = "../tests/servers/mod.rs"]
mod servers;

const MEASURES: usize = 12;
const SAMPLE_SECONDS: u64 = 15;
/// Samples of a row.
const ROW_SAMPLES: u64 = 20;
/// Longest time in which what was kept must be told.
const PATIENCE: Duration = Duration::from_secs(600);

/// Where it is told.
enum Place {
    Nowhere,
    File(PathBuf),
    Server(Server),
}

impl Place {
    fn name(&self) -> &'static str {
        match self {
            Self::Nowhere => "own files alone",
            Self::File(_) => "SQLite",
            Self::Server(server) if server.is_postgres() => "PostgreSQL",
            Self::Server(_) => "MariaDB",
        }
    }

    fn target(&self) -> Option<Target> {
        let (url, password) = match self {
            Self::Nowhere => return None,
            Self::File(path) => (format!("sqlite://{}", path.display()), None),
            Self::Server(server) => (server.url(), Some(server.password_file())),
        };
        Some(Target::new(&url, password.as_deref()).expect("it is sound"))
    }

    fn ask(&self, sql: &str) -> u64 {
        let said = match self {
            Self::Nowhere => return 0,
            Self::File(path) => ask_file(path, sql),
            Self::Server(server) => server.ask(sql),
        };
        said.parse().unwrap_or(0)
    }

    fn bytes(&self) -> u64 {
        match self {
            Self::Nowhere => 0,
            Self::File(path) => fs::metadata(path).map_or(0, |of| of.len()),
            Self::Server(server) if server.is_postgres() => self.ask(
                "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class WHERE relname LIKE 'lepton_readings%' AND relkind = 'r'",
            ),
            Self::Server(server) => {
                server.ask("ANALYZE TABLE lepton_readings, lepton_readings_five_minutes, lepton_readings_hours");
                self.ask(
                    "SELECT sum(data_length + index_length) FROM information_schema.tables WHERE table_name LIKE 'lepton_readings%'",
                )
            }
        }
    }

    /// CPU seconds of the server so far.
    fn cpu_seconds(&self) -> f64 {
        match self {
            Self::Server(server) => server.pid().map_or(0.0, with_children),
            Self::Nowhere | Self::File(_) => 0.0,
        }
    }
}

/// CPU seconds of a process, with those of its children that have ended where `waited_for`; the number of its parent.
fn cpu_seconds(process: &str, waited_for: bool) -> Option<(f64, u32)> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name may have blanks in it.
    let cells: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| cells.get(at).and_then(|cell| cell.parse::<u64>().ok()).unwrap_or(0);
    let own = ticks(11) + ticks(12);
    let children = if waited_for { ticks(13) + ticks(14) } else { 0 };
    Some(((own + children) as f64 / 100.0, ticks(1) as u32))
}

fn with_children(process: u32) -> f64 {
    let own = cpu_seconds(&process.to_string(), true).map_or(0.0, |(seconds, _)| seconds);
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let of_children = all.filter_map(|entry| {
        let (seconds, parent) = cpu_seconds(entry.file_name().to_str()?, false)?;
        (parent == process).then_some(seconds)
    });
    own + of_children.sum::<f64>()
}

/// How nodes stand: around a level of its own with a daily swing and noise, in thousandths.
struct Load {
    state: u64,
    levels: Vec<f64>,
}

impl Load {
    fn new(nodes: usize) -> Self {
        let mut load = Self { state: 7, levels: Vec::new() };
        load.levels = (0..nodes * MEASURES).map(|_| load.chance()).collect();
        load
    }

    fn chance(&mut self) -> f64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) as f64 / (1u64 << 53) as f64
    }

    fn at(&mut self, seconds: u64) -> Vec<u16> {
        let swing = (std::f64::consts::TAU * seconds as f64 / 86_400.0).sin() * 0.1;
        (0..self.levels.len())
            .map(|at| {
                let noise = (self.chance() - 0.5) * 0.05;
                Sample::thousandths((self.levels[at] * 0.8 + swing + noise).max(0.0))
            })
            .collect()
    }
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Keeps so many hours, tells them, and prints the row of the table.
fn measure(place: &Place, folder: &Path, (nodes, hours): (usize, u64)) {
    let _ = fs::remove_dir_all(folder);
    let mut store = Store::open(folder).expect("it is made");
    let relay = place.target().map(|target| {
        store.feed(Some(target.url())).expect("there is room");
        Relay::start(folder, &store, target, Periods::DEFAULT).expect("it begins")
    });
    let keeper = SeriesKeeper::start(folder, Periods::DEFAULT).expect("it begins");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let begin = (now - hours * 3600) / 3600 * 3600;
    let names = Arc::new((0..nodes).map(|node| format!("node-{node:05}")).collect::<Vec<_>>());
    let measures = Arc::new((0..MEASURES).map(|at| format!("measure-{at}")).collect::<Vec<_>>());
    let mut load = Load::new(nodes);
    // What this thread does, which makes up how the nodes stand and waits, is not counted.
    let own = || {
        let of = |process: &str| cpu_seconds(process, false).map_or(0.0, |(seconds, _)| seconds);
        of("self") - of("thread-self")
    };
    let (own_before, theirs_before) = (own(), place.cpu_seconds());
    let begun = Instant::now();
    let samples = hours * 3600 / SAMPLE_SECONDS;
    for number in 0..samples {
        let seconds = number * SAMPLE_SECONDS;
        let values = load.at(seconds);
        let (time_seconds, unix_seconds) = (begin + seconds, begin + seconds);
        let (nodes_of, measures) = (Arc::clone(&names), Arc::clone(&measures));
        keeper.keep(Sample { time_seconds, unix_seconds, nodes: nodes_of, measures, values });
        if number % ROW_SAMPLES == ROW_SAMPLES - 1 {
            // The row of the last five minutes is written with the first sample after them.
            let rows = (number / ROW_SAMPLES) * nodes as u64;
            wait_for("it is kept", || keeper.report().rows >= rows);
        }
    }
    let kept = samples / ROW_SAMPLES - 1;
    if relay.is_some() {
        let all = kept * nodes as u64;
        wait_for("all is told", || place.ask("SELECT count(*) FROM lepton_readings") >= all);
    }
    let (own, theirs) = (own() - own_before, place.cpu_seconds() - theirs_before);
    let report = keeper.report();
    assert_eq!((report.lost, report.problem), (0, None));
    let per_day = 24.0 / hours as f64;
    let bytes = report.bytes;
    drop(keeper);
    if let Some(relay) = relay {
        relay.end(PATIENCE);
    }
    let share = |cpu: f64| 100.0 * cpu / (hours * 3600) as f64;
    println!(
        "{:<16} {:>7.2}% {:>9.2}% {:>11.0} {:>13.0} {:>10.0}",
        place.name(),
        share(own),
        share(theirs),
        bytes as f64 * per_day / 1e6,
        place.bytes() as f64 * per_day / 1e6,
        (hours * 3600) as f64 / begun.elapsed().as_secs_f64(),
    );
    drop(store);
    let _ = fs::remove_dir_all(folder);
}

fn main() -> ExitCode {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let (nodes, hours) = (*numbers.first().unwrap_or(&5000), *numbers.get(1).unwrap_or(&6) as u64);
    let folder = std::env::temp_dir().join(format!("lepton-bench-store-{}", std::process::id()));
    let far = folder.with_extension("far");
    println!(
        "{nodes} nodes x {MEASURES} measures every {SAMPLE_SECONDS} s, {hours} h of it as fast as it goes\n\n\
         told             CPU of a core           MB a day                    times\n\
         {:16}     own    server   own files   elsewhere   real time",
        ""
    );
    for place in [Place::Nowhere, Place::File(far.clone())] {
        measure(&place, &folder, (nodes, hours));
    }
    let _ = fs::remove_file(&far);
    for make in [Server::postgres, Server::mariadb] {
        measure(&Place::Server(make("bench-server")), &folder, (nodes, hours));
    }
    ExitCode::SUCCESS
}
