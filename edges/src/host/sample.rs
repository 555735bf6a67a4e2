//! One look at the kernel's files: counters that only mean something beside an earlier look.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use super::files::{self, Cpu};

/// Longest file that is read, bytes.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// Processes that are told apart; those beyond count with the rest of the host.
pub(super) const PROCESSES_MAX: usize = 20_000;
/// Interfaces that carry what others carry already, where the machine does not say which are real.
const COPIES: [&str; 10] = ["lo", "veth", "cali", "cni", "docker", "flannel", "tap", "bond", "br-", "virbr"];
/// What may stall.
pub(super) const STALLS: [&str; 3] = ["cpu", "memory", "io"];

/// A file of the kernel that does not say what it should.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", file.display())]
pub(super) struct HostError {
    file: PathBuf,
    problem: String,
}

/// A process at the moment of the look.
#[derive(Debug, Clone)]
pub(super) struct Process {
    /// What it counts with: its unit, or its program.
    pub(super) unit: Rc<str>,
    /// Whose it is.
    pub(super) user: u32,
    /// Ticks of the processor since it began.
    pub(super) ticks: u64,
    /// Memory that no other process has, KiB.
    pub(super) memory_kib: u64,
}

/// A process by its number and when it began: numbers come again.
pub(super) type ProcessKey = (u32, u64);

/// One look.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) at: Instant,
    pub(super) cpu: Cpu,
    /// All of it, and what is to be had, KiB.
    pub(super) memory_kib: (u64, u64),
    /// Bytes received and sent by all real interfaces.
    pub(super) network_bytes: [u64; 2],
    /// Milliseconds for which each real disk was busy.
    pub(super) disks: BTreeMap<String, u64>,
    /// Microseconds stalled; none where the kernel does not count them.
    pub(super) stalled_micros: [Option<u64>; STALLS.len()],
    pub(super) processes: HashMap<ProcessKey, Process>,
}

impl Sample {
    /// Looks. What was known of processes before need not be asked again.
    pub(super) fn take(root: &Path, before: Option<&Self>) -> Result<Self, HostError> {
        let needed = |name: &str| read(root, name);
        let wrong = |name: &str| HostError {
            file: root.join(name),
            problem: "the figures that the kernel keeps there are not found".to_owned(),
        };
        let cpu = files::cpu(&needed("proc/stat")?).ok_or_else(|| wrong("proc/stat"))?;
        let memory_kib = files::memory(&needed("proc/meminfo")?).ok_or_else(|| wrong("proc/meminfo"))?;
        // What follows some machines do not have.
        let text = |name: &str| read(root, name).unwrap_or_default();
        let interfaces = files::network(&text("proc/net/dev"));
        let mut network_bytes = [0, 0];
        for name in real_interfaces(root, &interfaces) {
            for (sum, bytes) in network_bytes.iter_mut().zip(interfaces[&name]) {
                *sum += bytes;
            }
        }
        let mut disks = files::disks(&text("proc/diskstats"));
        disks.retain(|name, _| root.join("sys/block").join(name).join("device").exists());
        let stalled_micros = STALLS.map(|of| files::stalled_micros(&text(&format!("proc/pressure/{of}"))));
        let processes = processes(root, before);
        Ok(Self { at: Instant::now(), cpu, memory_kib, network_bytes, disks, stalled_micros, processes })
    }
}

/// A text of the kernel.
pub(super) fn read(root: &Path, name: &str) -> Result<String, HostError> {
    let file = root.join(name);
    let mut bytes = Vec::new();
    let opened = fs::File::open(&file).and_then(|opened| opened.take(FILE_BYTES_MAX).read_to_end(&mut bytes));
    match opened {
        Ok(_) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) => Err(HostError { file, problem: error.to_string() }),
    }
}

/// The interfaces that carry what leaves and reaches the machine.
pub(super) fn real_interfaces(root: &Path, all: &BTreeMap<String, [u64; 2]>) -> Vec<String> {
    let is_device = |name: &&String| root.join("sys/class/net").join(name).join("device").exists();
    let devices: Vec<String> = all.keys().filter(is_device).cloned().collect();
    if !devices.is_empty() {
        return devices;
    }
    let is_copy = |name: &str| COPIES.iter().any(|copy| name.starts_with(copy));
    all.keys().filter(|name| !is_copy(name)).cloned().collect()
}

fn processes(root: &Path, before: Option<&Sample>) -> HashMap<ProcessKey, Process> {
    let numbers = fs::read_dir(root.join("proc")).into_iter().flatten().flatten();
    let mut numbers: Vec<u32> =
        numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    // A process may end while it is looked at; it is then not there.
    let process = |number: u32| {
        let stat = files::process(&read(root, &format!("proc/{number}/stat")).ok()?)?;
        let status = read(root, &format!("proc/{number}/status")).ok()?;
        let (user, memory_kib) = files::owner_and_memory(&status)?;
        let key = (number, stat.started_ticks);
        let known = before.and_then(|before| before.processes.get(&key)).map(|known| Rc::clone(&known.unit));
        let unit = known.unwrap_or_else(|| {
            let group = read(root, &format!("proc/{number}/cgroup")).unwrap_or_default();
            files::unit(&group).unwrap_or(stat.program).into()
        });
        Some((key, Process { unit, user, ticks: stat.ticks, memory_kib }))
    };
    numbers.into_iter().filter_map(process).take(PROCESSES_MAX).collect()
}
