//! The text of the kernel's files as figures. Every function takes the text and says nothing of where it comes from.

use std::collections::BTreeMap;

/// Ticks of the processor since the start of the machine. A tick is a hundredth of a second on every machine that is shown to programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Cpu {
    /// Spent on work, over all cores.
    pub(super) busy_ticks: u64,
    /// All of them, over all cores.
    pub(super) all_ticks: u64,
    /// Cores that are on.
    pub(super) cores: u64,
    /// When the machine was started, seconds since 1970.
    pub(super) boot_unix_seconds: u64,
}

/// `/proc/stat`.
pub(super) fn cpu(text: &str) -> Option<Cpu> {
    let mut cpu = Cpu::default();
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        match words.next()? {
            "cpu" => {
                // user nice system idle iowait irq softirq steal; the guests after them are in user and nice already.
                let ticks: Vec<u64> = words.take(8).map_while(|word| word.parse().ok()).collect();
                let &[user, nice, system, _, _, irq, softirq, ..] = ticks.as_slice() else { return None };
                cpu.busy_ticks = user + nice + system + irq + softirq;
                cpu.all_ticks = ticks.iter().sum();
            }
            "btime" => cpu.boot_unix_seconds = words.next()?.parse().ok()?,
            word if word.starts_with("cpu") => cpu.cores += 1,
            _ => {}
        }
    }
    (cpu.cores > 0 && cpu.all_ticks > 0).then_some(cpu)
}

/// Memory of the machine and what of it is to be had, KiB: `/proc/meminfo`.
pub(super) fn memory(text: &str) -> Option<(u64, u64)> {
    let of = |name| kib(text, name);
    let (total, available) = (of("MemTotal:")?, of("MemAvailable:")?);
    (total > 0).then_some((total, available.min(total)))
}

/// The amount on the line of this name, KiB.
fn kib(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

/// Bytes received and sent by each interface: `/proc/net/dev`.
pub(super) fn network(text: &str) -> BTreeMap<String, [u64; 2]> {
    let interface = |line: &str| {
        let (name, counts) = line.split_once(':')?;
        let counts: Vec<u64> = counts.split_ascii_whitespace().map_while(|word| word.parse().ok()).collect();
        Some((name.trim().to_owned(), [*counts.first()?, *counts.get(8)?]))
    };
    text.lines().filter_map(interface).collect()
}

/// Milliseconds for which each disk had something to do: `/proc/diskstats`.
pub(super) fn disks(text: &str) -> BTreeMap<String, u64> {
    let disk = |line: &str| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        Some(((*words.get(2)?).to_owned(), words.get(12)?.parse().ok()?))
    };
    text.lines().filter_map(disk).collect()
}

/// Microseconds for which some task waited for it: a file of `/proc/pressure`.
pub(super) fn stalled_micros(text: &str) -> Option<u64> {
    let some = text.lines().find_map(|line| line.strip_prefix("some "))?;
    some.split_ascii_whitespace().find_map(|word| word.strip_prefix("total="))?.parse().ok()
}

/// A process as `/proc/PID/stat` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ProcessStat {
    /// The name of its program, at most 15 bytes.
    pub(super) program: String,
    /// Ticks of the processor that it has had.
    pub(super) ticks: u64,
    /// When it began, ticks after the start of the machine.
    pub(super) started_ticks: u64,
}

/// `/proc/PID/stat`. The program's name stands in parentheses and may hold any.
pub(super) fn process(text: &str) -> Option<ProcessStat> {
    let (open, close) = (text.find('(')?, text.rfind(')')?);
    let program = text.get(open + 1..close)?;
    let words: Vec<&str> = text.get(close + 1..)?.split_ascii_whitespace().collect();
    // The state, which follows the name, is the third field of the file.
    let field = |number: usize| words.get(number - 3)?.parse::<u64>().ok();
    let plain = |letter: char| if letter.is_control() || letter == '/' { '_' } else { letter };
    Some(ProcessStat {
        program: program.chars().map(plain).collect(),
        ticks: field(14)? + field(15)?,
        started_ticks: field(22)?,
    })
}

/// Whose a process is, and its memory that no other has, KiB: `/proc/PID/status`. Threads of the kernel have none.
pub(super) fn owner_and_memory(text: &str) -> Option<(u32, u64)> {
    let user = text.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    let user = user.split_ascii_whitespace().next()?.parse().ok()?;
    Some((user, kib(text, "RssAnon:")?))
}

/// The unit that a process belongs to, by its control group: a service or scope of systemd, or a container: `/proc/PID/cgroup`. None
/// where the group tells nothing.
pub(super) fn unit(text: &str) -> Option<String> {
    // Version 2 has one group, under the number 0; before, systemd keeps one of its own.
    let of = |start: &str| text.lines().find_map(|line| line.strip_prefix(start));
    let mut paths = [
        of("0::"),
        of("1:name=systemd:"),
        text.lines().find_map(|l| l.split_once(":name=systemd:").map(|p| p.1)),
    ];
    paths.iter_mut().flatten().find_map(|path| unit_of_path(path))
}

fn unit_of_path(path: &str) -> Option<String> {
    let parts = path.split('/').rev();
    parts.filter(|part| !part.is_empty()).find_map(|part| {
        let bare = part.strip_suffix(".scope").unwrap_or(part);
        let last = bare.rsplit('-').next().unwrap_or(bare);
        if last.len() == 64 && last.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Some(format!("container-{}", &last[..12]));
        }
        (part.ends_with(".service") || part.ends_with(".scope")).then(|| part.to_owned())
    })
}

/// Names of users: `/etc/passwd`.
pub(super) fn users(text: &str) -> BTreeMap<u32, String> {
    let user = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        Some((fields.nth(1)?.parse().ok()?, name))
    };
    text.lines().filter_map(user).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_busy_without_idling_waiting_and_being_stolen_from() {
        let text = "cpu  100 20 30 800 40 5 6 7 50 0\ncpu0 50 10 15 400 20 2 3 3 0 0\ncpu1 50 10 15 400 20 3 3 4 0 0\nbtime 1700000000\n";
        let right = Cpu { busy_ticks: 161, all_ticks: 1008, cores: 2, boot_unix_seconds: 1_700_000_000 };
        assert_eq!(cpu(text), Some(right));
        assert_eq!(cpu("cpu 1 2\n"), None);
        assert_eq!(cpu(""), None);
    }

    #[test]
    fn a_program_may_be_named_after_anything() {
        let text = "42 (a) S (b/c)) R 1 42 42 0 -1 4194304 101 0 0 0 7 5 0 0 20 0 1 0 5555 3133440 390";
        let right = ProcessStat { program: "a) S (b_c)".to_owned(), ticks: 12, started_ticks: 5555 };
        assert_eq!(process(text), Some(right));
        assert_eq!(process("42 (a R 1"), None);
        assert_eq!(process(") ("), None);
    }

    #[test]
    fn a_process_belongs_to_its_innermost_unit() {
        let container = "b".repeat(64);
        for (text, right) in [
            ("0::/system.slice/ssh.service\n", Some("ssh.service")),
            ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.scope\n", Some("app-x.scope")),
            ("0::/user.slice/user-1000.slice/session-3.scope/inner\n", Some("session-3.scope")),
            ("12:pids:/x\n1:name=systemd:/system.slice/cron.service\n0::/\n", Some("cron.service")),
            ("9:name=systemd:/system.slice/cron.service\n", Some("cron.service")),
            ("0::/\n", None),
            ("", None),
        ] {
            assert_eq!(unit(text).as_deref(), right, "{text}");
        }
        for of in ["/docker/", "/kubepods.slice/pod7.slice/cri-containerd-"] {
            let end = if of.starts_with("/k") { ".scope" } else { "" };
            assert_eq!(
                unit(&format!("0::{of}{container}{end}\n")),
                Some(format!("container-{}", "b".repeat(12)))
            );
        }
    }

    #[test]
    fn memory_network_disks_and_stalls_are_read() {
        assert_eq!(memory("MemTotal:  100 kB\nMemFree: 3 kB\nMemAvailable: 60 kB\n"), Some((100, 60)));
        let dev = "Inter-|   Receive\n face |bytes packets\n  eth0: 9 1 0 0 0 0 0 0 4 1 0 0 0 0 0 0\n";
        assert_eq!(network(dev), BTreeMap::from([("eth0".to_owned(), [9, 4])]));
        let stats = " 254 0 vda 1 2 3 4 5 6 7 8 0 77 9\n";
        assert_eq!(disks(stats), BTreeMap::from([("vda".to_owned(), 77)]));
        assert_eq!(
            stalled_micros("some avg10=1.0 avg60=2 avg300=2 total=25\nfull avg10=0 total=1\n"),
            Some(25)
        );
        assert_eq!(owner_and_memory("Uid:\t1000\t1000\nRssAnon:\t 152 kB\n"), Some((1000, 152)));
        assert_eq!(owner_and_memory("Uid:\t0\t0\n"), None, "a thread of the kernel");
        assert_eq!(users("root:x:0:0:root:/root:/bin/sh\nbad\n"), BTreeMap::from([(0, "root".to_owned())]));
    }
}
