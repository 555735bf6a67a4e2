//! A machine made of files, looked at twice.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// A folder that goes when the test is over.
struct Machine(PathBuf);

impl Machine {
    fn new(name: &str) -> Self {
        let machine = Self(std::env::temp_dir().join(format!("lepton-host-{}-{name}", std::process::id())));
        for (file, text) in [
            ("proc/sys/kernel/hostname", "m1\n"),
            ("proc/sys/kernel/osrelease", "6.1\n"),
            ("etc/passwd", "ann:x:1000:1000::/:/bin/sh\n"),
            ("proc/meminfo", "MemTotal: 8388608 kB\nMemAvailable: 4194304 kB\n"),
            ("proc/pressure/cpu", "some avg10=0 avg60=0 avg300=0 total=0\n"),
            ("proc/pressure/memory", "some avg10=0 avg60=0 avg300=0 total=0\n"),
            ("proc/pressure/io", "some avg10=0 avg60=0 avg300=0 total=0\n"),
            ("proc/net/dev", "  lo: 9 1 0 0 0 0 0 0 4 1\neth0: 0 1 0 0 0 0 0 0 0 1\n"),
            ("sys/class/net/eth0/device/vendor", ""),
            ("sys/class/net/eth0/speed", "1000\n"),
            ("sys/block/sda/device/model", ""),
            ("proc/diskstats", "7 0 loop0 0 0 0 0 0 0 0 0 0 9 0\n8 0 sda 0 0 0 0 0 0 0 0 0 0 0\n"),
        ] {
            machine.write(file, text);
        }
        machine.processor(0, 0);
        machine
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.0.join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        fs::write(path, text).expect("writable");
    }

    /// Four cores that have worked and idled for so many ticks.
    fn processor(&self, busy: u64, idle: u64) {
        let cores = "cpu0 0\ncpu1 0\ncpu2 0\ncpu3 0\n";
        self.write(
            "proc/stat",
            &format!("cpu {} 0 0 {} 0 0 0 0\n{cores}btime 1000\n", 100 + busy, 100 + idle),
        );
    }

    fn process(&self, number: u32, program: &str, group: &str, ticks: u64, memory_kib: u64) {
        let zeros = "0 ".repeat(10);
        let stat = format!("{number} ({program}) S {zeros}{ticks} 0 0 0 0 0 1 0 5000 0 0");
        self.write(&format!("proc/{number}/stat"), &stat);
        self.write(&format!("proc/{number}/status"), &format!("Uid:\t1000\nRssAnon:\t{memory_kib} kB\n"));
        self.write(&format!("proc/{number}/cgroup"), &format!("0::{group}\n"));
    }

    fn source(&self) -> HostSource {
        HostSource::new(HostOptions { root: self.0.clone(), network_mbit_s: None })
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Uses by task, and the capacity of the node.
fn told(readings: &Readings) -> (Vec<i64>, BTreeMap<String, Vec<i64>>) {
    let capacity = readings.readings.iter().find_map(|reading| match reading {
        Reading::NodeAdded(node) => Some(node.capacity.clone()),
        _ => None,
    });
    let of = |reading: &Reading| match reading {
        Reading::TaskUse { task, amounts, .. } => Some((task.clone(), amounts.clone())),
        _ => None,
    };
    (capacity.expect("a node"), readings.readings.iter().filter_map(of).collect())
}

fn a_look_after(machine: &Machine, source: &mut HostSource, change: impl Fn(&Machine)) -> Readings {
    let first = source.list(1);
    assert!(first.complete, "{:?}", source.report);
    change(machine);
    thread::sleep(SPAN_MIN);
    source.poll(2)
}

#[test]
fn what_the_tasks_use_adds_up_to_what_the_machine_uses() {
    let machine = Machine::new("sum");
    machine.process(10, "sshd", "/system.slice/ssh.service", 0, 1024 * 100);
    machine.process(11, "sshd", "/system.slice/ssh.service", 0, 1024 * 50);
    machine.process(12, "cargo", "/", 0, 1024 * 1000);
    let readings = a_look_after(&machine, &mut machine.source(), |machine| {
        machine.processor(200, 200);
        machine.process(10, "sshd", "/system.slice/ssh.service", 20, 1024 * 100);
        machine.process(12, "cargo", "/", 100, 1024 * 1000);
    });
    let (capacity, uses) = told(&readings);
    assert_eq!(capacity, [4000, 8192, 1000, 1000, 1000, 1000, 1000]);
    assert_eq!(uses["ssh.service"][..2], [200, 150], "20 of the 100 ticks of a core");
    assert_eq!(uses["cargo"][..2], [1000, 1000]);
    assert_eq!(uses[REST][..2], [800, 2946], "the machine was half busy, and half of its memory is in use");
    let owner = readings.readings.iter().find_map(|reading| match reading {
        Reading::TaskSubmitted(task) if task.name == "cargo" => {
            Some((task.owner.clone(), task.submitted_seconds))
        }
        _ => None,
    });
    assert_eq!(owner, Some((Some("ann".to_owned()), 1050)));
}

#[test]
fn processes_that_claim_more_than_is_used_get_no_more() {
    let machine = Machine::new("more");
    machine.process(10, "a", "/", 0, 1024 * 4000);
    machine.process(11, "b", "/", 0, 1024 * 4000);
    let readings = a_look_after(&machine, &mut machine.source(), |machine| machine.processor(100, 300));
    let (_, uses) = told(&readings);
    assert_eq!(uses.values().map(|amounts| amounts[MEMORY]).sum::<i64>(), 4096);
    assert!(uses.values().flatten().all(|&amount| amount >= 0), "{uses:?}");
}

#[test]
fn tasks_are_bounded_and_those_shown_stay() {
    let machine = Machine::new("bounded");
    for number in 0..UNITS {
        machine.process(100 + number, &format!("p{number}"), "/", 0, 1024 * 10);
    }
    let mut source = machine.source();
    let (_, first) = told(&source.list(1));
    assert_eq!(first.len(), units::UNITS_MAX + 1);
    let absent = (0..UNITS).find(|n| !first.contains_key(&format!("p{n}"))).expect("some are not shown");
    let readings = a_look_after(&machine, &mut source, |machine| {
        machine.process(100 + absent, &format!("p{absent}"), "/", 0, 1024 * 11);
    });
    let (_, second) = told(&readings);
    assert!(first.keys().eq(second.keys()), "a little more takes nobody's place");
    let readings = a_look_after(&machine, &mut source, |machine| {
        machine.process(100 + absent, &format!("p{absent}"), "/", 0, 1024 * 100);
    });
    assert!(told(&readings).1.contains_key(&format!("p{absent}")));
}

/// Programs of the test above.
const UNITS: u32 = 60;

#[test]
fn what_a_machine_does_not_have_is_said_and_not_shown() {
    let machine = Machine::new("without");
    for gone in ["proc/pressure", "sys/block", "sys/class/net/eth0/speed"] {
        let path = machine.0.join(gone);
        let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    }
    let mut source = machine.source();
    let (capacity, _) = told(&source.list(1));
    assert_eq!(capacity, [4000, 8192, 10_000, 0, 0, 0, 0]);
    let notes = source.report().notes.join("\n");
    for word in ["eth0 tells no line rate", "no disk", "does not count stalls"] {
        assert!(notes.contains(word), "{notes}");
    }
}

#[test]
fn a_look_that_fails_is_said_and_tells_nothing() {
    let machine = Machine::new("fails");
    let mut source = machine.source();
    assert!(source.list(7).complete);
    fs::remove_file(machine.0.join("proc/meminfo")).expect("it was there");
    thread::sleep(SPAN_MIN);
    let readings = source.poll(60);
    assert_eq!((readings.complete, readings.time_seconds, readings.readings.len()), (false, 7, 0));
    let report = source.report();
    assert!(report.problem.as_deref().is_some_and(|said| said.contains("proc/meminfo")), "{report:?}");
    assert_eq!((report.looks, report.failures), (2, 1));
}

#[test]
fn this_machine_is_seen() {
    if !Path::new("/proc/stat").exists() {
        return;
    }
    let mut source = HostSource::new(HostOptions::default());
    let (capacity, uses) = told(&source.list(1));
    assert!(capacity[CPU] >= 1000 && capacity[MEMORY] > 0);
    assert!(uses[REST].len() == RESOURCES.len() && uses.len() > 1, "{uses:?}");
}
