//! This machine as a cluster of one node: use of its processor, memory, network and disks, the time for which something stalled, and
//! its processes, by service, container or program, as tasks that are only looked at. From the kernel's files, some of which
//! not every machine has; what is missing is said.
//!
//! What the tasks use adds up to what the machine uses: a task `rest-of-host` has what belongs to no other (the kernel, caches that
//! cannot be dropped, small processes), and all of the network, disks and stalls, which the kernel does not tell by process.

mod files;
mod sample;
#[cfg(test)]
mod tests;
mod units;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};

use lepton_core::collect::Source;
use lepton_core::model::{DeviceSet, Health, NodeReading, Reading, Readings, ResourceSchema, TaskReading};

use crate::real_source::{self, RESOURCES, RealSource, SourceReport};
use sample::{HostError, STALLS, Sample, real_interfaces};
use units::{Unit, units};

/// The source's name.
const NAME: &str = "host";
/// The task that has what belongs to no other.
const REST: &str = "rest-of-host";
/// The first two looks are so far apart: the kernel counts in hundredths of a second.
const FIRST_SPAN: Duration = Duration::from_millis(500);
/// Looks that are closer than this tell nothing new.
const SPAN_MIN: Duration = Duration::from_millis(100);
/// Line rate that is taken where no interface tells its own, Mbit/s.
const LINE_MBIT_S: u64 = 10_000;
/// Ticks of the kernel in a second.
const TICKS_PER_SECOND: u64 = 100;
const WHOLE_PERMILLE: i64 = 1000;
/// Places in [`RESOURCES`].
const CPU: usize = 0;
const MEMORY: usize = 1;
const NETWORK: usize = 2;
const DISK: usize = 3;
/// The first of the [`STALLS`].
const STALL: usize = 4;

/// How to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostOptions {
    /// Where the machine's files begin: `/`, or where another machine's `/proc`, `/sys` and `/etc` are mounted.
    pub root: PathBuf,
    /// Line rate of all interfaces together, Mbit/s; as they tell it where it is not given.
    pub network_mbit_s: Option<u64>,
}

impl Default for HostOptions {
    fn default() -> Self {
        Self { root: PathBuf::from("/"), network_mbit_s: None }
    }
}

/// The machine, as the loop looks at it.
pub struct HostSource {
    options: HostOptions,
    node: String,
    kernel: String,
    users: BTreeMap<u32, String>,
    before: Option<Sample>,
    shown: BTreeSet<Rc<str>>,
    told: Vec<Reading>,
    /// When it last looked with success, seconds of the loop's time.
    looked_seconds: u64,
    report: SourceReport,
}

impl HostSource {
    /// A source that has not looked yet.
    pub fn new(options: HostOptions) -> Self {
        let line = |name: &str| sample::read(&options.root, name).unwrap_or_default().trim().to_owned();
        let node = Some(line("proc/sys/kernel/hostname")).filter(|name| !name.is_empty());
        Self {
            node: node.unwrap_or_else(|| "localhost".to_owned()),
            kernel: line("proc/sys/kernel/osrelease"),
            users: files::users(&line("etc/passwd")),
            before: None,
            shown: BTreeSet::new(),
            told: Vec::new(),
            looked_seconds: 0,
            report: SourceReport { source: NAME.to_owned(), ..SourceReport::default() },
            options,
        }
    }

    fn look(&mut self, now_seconds: u64) -> Readings {
        let begun = Instant::now();
        self.report.looks += 1;
        let looked = self.try_look();
        self.report.look_millis = begun.elapsed().as_millis() as u64;
        self.report.problem = looked.err().map(|error| error.to_string());
        let complete = self.report.problem.is_none();
        if complete {
            self.looked_seconds = now_seconds;
        } else {
            self.report.failures += 1;
        }
        Readings {
            source: NAME.to_owned(),
            time_seconds: self.looked_seconds,
            sequence: None,
            complete,
            readings: if complete { self.told.clone() } else { Vec::new() },
        }
    }

    fn try_look(&mut self) -> Result<(), HostError> {
        if self.before.is_none() {
            self.before = Some(Sample::take(&self.options.root, None)?);
            thread::sleep(FIRST_SPAN);
        }
        let Some(before) = self.before.take() else { return Ok(()) };
        if before.at.elapsed() < SPAN_MIN {
            self.before = Some(before);
            return Ok(());
        }
        match Sample::take(&self.options.root, Some(&before)) {
            Ok(now) => {
                self.told = self.readings(&before, &now);
                self.before = Some(now);
                Ok(())
            }
            Err(error) => {
                self.before = Some(before);
                Err(error)
            }
        }
    }

    /// All there is, between two looks.
    fn readings(&mut self, before: &Sample, now: &Sample) -> Vec<Reading> {
        let mut notes = Vec::new();
        let capacity = self.capacity(now, &mut notes);
        let used = used(before, now, &capacity);
        let units = units(before, now, &self.shown);
        self.shown = units.keys().cloned().collect();
        self.report.notes = notes;
        let node = NodeReading {
            name: self.node.clone(),
            capacity,
            devices: Vec::new(),
            devices_out_of_service: Vec::new(),
            labels: vec![("kernel".to_owned(), self.kernel.clone())],
            health: Health::Up,
        };
        let boot = now.cpu.boot_unix_seconds;
        let mut told = vec![Reading::NodeAdded(node)];
        let mut left = used;
        for (name, unit) in &units {
            let mut amounts = vec![0; RESOURCES.len()];
            // Memory that processes share by copying late counts with each of them: there is never more than is used.
            amounts[CPU] = (unit.millicores.round() as i64).clamp(0, left[CPU]);
            amounts[MEMORY] = ((unit.memory_kib / 1024) as i64).min(left[MEMORY]);
            left[CPU] -= amounts[CPU];
            left[MEMORY] -= amounts[MEMORY];
            self.tell(&mut told, name, Some(unit), boot, amounts);
        }
        self.tell(&mut told, REST, None, boot, left);
        told
    }

    fn tell(
        &self,
        told: &mut Vec<Reading>,
        name: &str,
        unit: Option<&Unit>,
        boot_seconds: u64,
        amounts: Vec<i64>,
    ) {
        let begun = boot_seconds + unit.map_or(0, |unit| unit.started_ticks / TICKS_PER_SECOND);
        let owner =
            |unit: &Unit| self.users.get(&unit.user).cloned().unwrap_or_else(|| unit.user.to_string());
        told.push(Reading::TaskSubmitted(TaskReading {
            name: name.to_owned(),
            demand: vec![0; RESOURCES.len()],
            owner: unit.map(owner),
            do_not_disrupt: true,
            submitted_seconds: begun,
            started_seconds: Some(begun),
            ..TaskReading::default()
        }));
        let (task, node) = (name.to_owned(), self.node.clone());
        told.push(Reading::TaskPlaced { task: task.clone(), node, devices: DeviceSet::NONE });
        told.push(Reading::TaskUse { task, amounts, unsaved_seconds: 0 });
    }

    /// What there is of each resource; what the machine does not tell is said.
    fn capacity(&self, now: &Sample, notes: &mut Vec<String>) -> Vec<i64> {
        let mut capacity = vec![0; RESOURCES.len()];
        capacity[CPU] = now.cpu.cores as i64 * 1000;
        capacity[MEMORY] = (now.memory_kib.0 / 1024) as i64;
        capacity[NETWORK] = self.line_rate(notes) as i64;
        if now.disks.is_empty() {
            notes.push("no disk is found in /sys/block, so none is shown".to_owned());
        } else {
            capacity[DISK] = WHOLE_PERMILLE;
        }
        for (at, stalled) in now.stalled_micros.iter().enumerate() {
            capacity[STALL + at] = if stalled.is_some() { WHOLE_PERMILLE } else { 0 };
        }
        if now.stalled_micros.contains(&None) {
            notes.push(
                "the kernel does not count stalls, so they are not shown. Maybe it was built without CONFIG_PSI or started with psi=0"
                    .to_owned(),
            );
        }
        capacity
    }

    /// Line rate of the real interfaces together, Mbit/s.
    fn line_rate(&self, notes: &mut Vec<String>) -> u64 {
        if let Some(given) = self.options.network_mbit_s {
            return given;
        }
        let root = &self.options.root;
        let interfaces = files::network(&sample::read(root, "proc/net/dev").unwrap_or_default());
        let names = real_interfaces(root, &interfaces);
        let speed = |name: &String| {
            let text = sample::read(root, &format!("sys/class/net/{name}/speed")).ok()?;
            text.trim().parse::<u64>().ok().filter(|&speed| speed > 0)
        };
        let told: u64 = names.iter().filter_map(speed).sum();
        if told == 0 && !names.is_empty() {
            notes.push(format!(
                "{} tells no line rate, {LINE_MBIT_S} Mbit/s are taken. Maybe set `network_mbit_s`",
                names.join(", ")
            ));
            return LINE_MBIT_S;
        }
        told
    }
}

/// What the machine used of each resource between two looks.
fn used(before: &Sample, now: &Sample, capacity: &[i64]) -> Vec<i64> {
    let seconds = now.at.duration_since(before.at).as_secs_f64();
    let ticks = now.cpu.all_ticks.saturating_sub(before.cpu.all_ticks);
    let busy = now.cpu.busy_ticks.saturating_sub(before.cpu.busy_ticks);
    let mut used = vec![0; RESOURCES.len()];
    if ticks > 0 {
        used[CPU] = (capacity[CPU] as f64 * busy as f64 / ticks as f64).round() as i64;
    }
    used[MEMORY] = ((now.memory_kib.0 - now.memory_kib.1) / 1024) as i64;
    // Lines carry both directions at once: the fuller one counts.
    let bytes =
        now.network_bytes.iter().zip(before.network_bytes).map(|(now, before)| now.saturating_sub(before));
    used[NETWORK] = (bytes.max().unwrap_or(0) as f64 * 8e-6 / seconds).round() as i64;
    // A machine waits for its busiest disk.
    let busy =
        |(name, millis): (&String, &u64)| millis.saturating_sub(*before.disks.get(name).unwrap_or(millis));
    let busiest = now.disks.iter().map(busy).max().unwrap_or(0);
    used[DISK] = (busiest as f64 / seconds).round() as i64;
    for at in 0..STALLS.len() {
        if let (Some(now), Some(before)) = (now.stalled_micros[at], before.stalled_micros[at]) {
            used[STALL + at] = (now.saturating_sub(before) as f64 * 1e-3 / seconds).round() as i64;
        }
    }
    // Clocks are read one after the other: a share of time may come out a little above all of it.
    for at in DISK..RESOURCES.len() {
        used[at] = used[at].min(capacity[at]);
    }
    if capacity[NETWORK] == 0 {
        used[NETWORK] = 0;
    }
    used
}

impl Source for HostSource {
    fn poll(&mut self, now_seconds: u64) -> Readings {
        self.look(now_seconds)
    }

    fn list(&mut self, now_seconds: u64) -> Readings {
        self.look(now_seconds)
    }
}

impl RealSource for HostSource {
    fn schema(&self) -> ResourceSchema {
        real_source::schema()
    }

    fn about(&self) -> String {
        format!("the host {}", self.node)
    }

    fn report(&self) -> SourceReport {
        self.report.clone()
    }
}
