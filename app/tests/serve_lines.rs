//! `lepton serve` beside whose source log files and the journal are followed: a line that tells of a fault is a sign of its node, once, also over kills
//! and rotations.

#![cfg(target_os = "linux")]

mod common;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use common::service::Service;
use common::{json, lepton, read, scratch, stderr, written};
use serde_json::Value;

const FALLEN: &str = "NVRM: Xid (PCI:0000:3b:00): 79, pid=2411, GPU has fallen off the bus.";
const BROKEN: &str =
    "EXT4-fs error (device sda1): ext4_find_entry:1455: inode #2: comm ls: reading directory lblock 0";

fn hostname() -> String {
    read("/proc/sys/kernel/hostname").trim().to_owned()
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).expect("writable");
    file.write_all(text.as_bytes()).expect("writable");
}

/// A service of this machine with these settings of logs.
fn serve(under: &[&str], folder: &str, logs: &str) -> Service {
    let settings = format!("source = \"host\"\nturn_seconds = 0.3\n[logs]\n{logs}\n");
    let file = written(&format!("{}.toml", folder.rsplit('/').next().expect("a name")), settings);
    let service = Service::begin_under(under, folder, &["--config", &file]);
    service.wait_for("it answers", || service.request("GET", "/livez", "").0 == 200);
    service
}

fn logs(service: &Service) -> Value {
    let status = service.get("/api/v1/status");
    let sources = status["sources"].as_array().expect("a list").iter();
    sources.clone().find(|of| of["name"] == "logs").cloned().unwrap_or(Value::Null)
}

/// How many messages of a fault this machine had.
fn count(service: &Service, pattern: &str) -> u64 {
    let (_, _, node) = service.request("GET", &format!("/api/v1/nodes/{}", hostname()), "");
    let faults = node["faults"].as_array().cloned().unwrap_or_default();
    faults.iter().find(|of| of["pattern"] == pattern).and_then(|of| of["count"].as_u64()).unwrap_or(0)
}

/// A fact of the store.
fn fact(folder: &str, name: &str) -> Option<String> {
    let connection = rusqlite::Connection::open(format!("{folder}/journal.db")).expect("it is there");
    connection.query_row("SELECT value FROM facts WHERE name = ?1", [name], |row| row.get(0)).ok()
}

/// Critical messages and errors that were learned from, as they have faded.
fn learned(folder: &str) -> Option<(f64, f64)> {
    let signs: Value = serde_json::from_str(&fact(folder, "signs")?).expect("JSON");
    let faded = &signs["nodes"][0]["signs"]["faded"];
    Some((faded[1].as_f64()?, faded[2].as_f64()?))
}

/// Waits until what was learned of signs is kept with the number of so many.
fn wait_for_signs(service: &Service, folder: &str, many: u64) {
    service.wait_for("the signs are learned from", || {
        fact(folder, "signs_seen_logs").and_then(|text| text.parse::<u64>().ok()) >= Some(many)
    });
}

fn wait_for_turns(service: &Service) {
    let turn = || service.get("/api/v1/status")["turn"].as_u64();
    let begun = turn();
    service.wait_for("more turns", || turn() > begun.map(|turn| turn + 3));
}

#[test]
fn a_line_of_a_fault_is_a_sign_of_this_machine_once_over_kills_and_rotations() {
    let (folder, place) = (scratch("file"), PathBuf::from(scratch("file-logs")));
    fs::create_dir_all(&place).expect("writable");
    let log = place.join("kern.log");
    append(&log, &format!("{BROKEN}\n"));
    let settings = format!("files = [\"{}\", \"{}/of-{{node}}.log\"]", log.display(), place.display());
    let mut service = serve(&[], &folder, &settings);
    service.wait_for("it has begun to read", || {
        let of = logs(&service);
        of["looks"].as_u64() > Some(1) && !of["notes"].to_string().contains("until the other source")
    });
    let node = || service.get(&format!("/api/v1/nodes/{}", hostname()));
    let before = node()["node"]["failure_probability_day"].as_f64().expect("a number");
    append(&log, &format!("[12.5] usb 1-1: new device\n[13.5] {FALLEN}\n"));
    append(&place.join("of-nobody.log"), &format!("{BROKEN}\n"));
    service.wait_for("the message", || count(&service, "xid-79") == 1);
    service.wait_for("the risk", || {
        node()["node"]["failure_probability_day"].as_f64() > Some(before + 0.001)
            && node()["node"]["signs"].to_string().contains("critical messages")
    });
    let shown = node()["faults"][0].clone();
    assert_eq!((&shown["source"], &shown["severity"]), (&"logs".into(), &"critical".into()), "{shown}");
    assert!(shown["example"].as_str().is_some_and(|line| line.contains("fallen off the bus")), "{shown}");
    assert_eq!(count(&service, "ext4-error"), 0, "what was there before is history");
    service.wait_for("the line of nobody", || logs(&service)["stream"]["unknown"] == 1);
    let of = logs(&service);
    assert!(of["stream"]["examples"].to_string().contains("node `nobody`, file "), "{of}");
    assert_eq!((&of["stale"], of["stream"]["messages"].as_u64()), (&false.into(), Some(3)), "{of}");
    let status = service.get("/api/v1/status");
    assert_eq!((&status["state"], &status["stale_sources"]), (&"ok".into(), &Value::Array(Vec::new())));
    assert!(status["connected_to"].as_str().is_some_and(|about| about.contains("beside it")), "{status}");
    let metrics = service.get("/metrics").as_str().expect("text").to_owned();
    for line in [
        "lepton_source_messages_total{source=\"logs\"} 3",
        "lepton_source_unknown_messages_total{source=\"logs\"} 1",
        "lepton_source_stale{source=\"logs\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    let said = lepton(&["status", "--server", &service.address]);
    assert!(String::from_utf8_lossy(&said.stdout).contains("source logs: fresh"), "{}", stderr(&said));
    wait_for_signs(&service, &folder, 1);

    // Killed; meanwhile a line comes, the file is rotated, and lines come to both.
    assert_eq!(service.end("-KILL"), None);
    append(&log, &format!("{BROKEN}\n"));
    fs::rename(&log, place.join("kern.log.1")).expect("writable");
    append(&place.join("kern.log.1"), &format!("{BROKEN}\n"));
    append(&log, &format!("{BROKEN}\n"));
    let mut service = serve(&[], &folder, &settings);
    service.wait_for("what came meanwhile", || count(&service, "ext4-error") == 3);
    // Rotated and cut down while it runs.
    fs::copy(&log, place.join("kern.log.2")).expect("writable");
    OpenOptions::new().write(true).open(&log).expect("it is there").set_len(0).expect("writable");
    append(&log, &format!("{BROKEN} again\n"));
    service.wait_for("what comes then", || count(&service, "ext4-error") == 4);
    wait_for_signs(&service, &folder, 5);
    assert_eq!(service.end("-KILL"), None);
    let service = serve(&[], &folder, &settings);
    wait_for_turns(&service);
    assert_eq!((count(&service, "xid-79"), count(&service, "ext4-error")), (1, 4));
    let (critical, errors) = learned(&folder).expect("it is kept");
    assert!((critical - 1.0).abs() < 0.05 && (errors - 4.0).abs() < 0.05, "{critical} and {errors}");

    // What both sources told is played again.
    drop(service);
    let played = json(&lepton(&["simulate", "replay", &folder, "--output", "json"]));
    assert!(played["turns"].as_u64() > Some(10) && played["difference"].is_null(), "{played}");
}

/// A folder with a `journalctl` of one's own, and the variable that leads there.
fn with_journalctl(name: &str, script: &str) -> (PathBuf, String) {
    let folder = PathBuf::from(scratch(name));
    fs::create_dir_all(&folder).expect("writable");
    let program = folder.join("journalctl");
    fs::write(&program, format!("#!/bin/sh\n[ \"$1\" = --version ] && exit 0\n{script}\n"))
        .expect("writable");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("writable");
    let path = format!("PATH={}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    (folder, path)
}

/// With a program in the place of `journalctl`, which gives entries as the real one writes them and notes how it is asked.
#[test]
fn the_journal_is_read_on_after_the_last_entry_and_its_program_begun_again() {
    let entry = |number: u32, text: &str| {
        format!(
            "{{\"__CURSOR\":\"s=1;i={number}\",\"__REALTIME_TIMESTAMP\":\"'$(date +%s)'000000\",\"_HOSTNAME\":\"{}\",\"MESSAGE\":{text}}}",
            hostname().to_uppercase()
        )
    };
    let bytes = format!("{:?}", format!("{FALLEN}\u{fffd}").into_bytes());
    let script = format!(
        "cd \"$(dirname \"$0\")\"\necho \"$@\" >> asked\ncase \"$*\" in\n*--after-cursor=s=1\\;i=2*) echo '{}'; exec sleep 1000;;\n*--after-cursor*) echo no such entry >&2; exit 1;;\n*) echo '{}'; echo '{}'; exit 3;;\nesac",
        entry(3, &format!("\"{BROKEN}\"")),
        entry(1, &format!("\"{BROKEN}\"")),
        entry(2, &bytes),
    );
    let (programs, path) = with_journalctl("journalctl", &script);
    let folder = scratch("journal");
    let mut service = serve(&["env", &path], &folder, "journal = \"kernel\"");
    service.wait_for("what comes first", || count(&service, "xid-79") == 1);
    service.wait_for("it is told that it ended, and why", || {
        service.get("/api/v1/status")["problems"].to_string().contains("journalctl ended (exit status: 3)")
            || count(&service, "ext4-error") == 2
    });
    service.wait_for("what comes when it is begun again", || count(&service, "ext4-error") == 2);
    service.wait_for("it is well again", || service.get("/api/v1/status")["state"] == "ok");
    let asked = read(&programs.join("asked").display().to_string());
    let asked: Vec<&str> = asked.lines().collect();
    assert!(asked[0].contains("--since=@") && asked[0].contains("_TRANSPORT=kernel"), "{asked:?}");
    assert!(asked[1].contains("--after-cursor=s=1;i=2"), "{asked:?}");
    wait_for_signs(&service, &folder, 3);
    // It is killed with the service, which ends in an orderly way.
    let of_service = service.child.id().to_string();
    let said = Command::new("ps").args(["--ppid", &of_service, "-o", "pid=,args="]).output();
    let said = String::from_utf8(said.expect("ps is there").stdout).expect("text");
    let child = said.lines().find(|line| line.contains("sleep 1000")).expect("it runs");
    let child = PathBuf::from("/proc").join(child.split_whitespace().next().expect("a number"));
    assert!(child.exists());
    assert_eq!(service.end("-TERM"), Some(143));
    assert!(!child.exists(), "nothing of it is left");
}

#[test]
fn a_journal_that_cannot_be_read_is_a_problem_and_nothing_is_out_of_date() {
    let (_, path) = with_journalctl(
        "failing",
        "echo No journal files were opened due to insufficient permissions. >&2; exit 1",
    );
    let service = serve(&["env", &path], &scratch("problem"), "journal = \"all\"");
    service.wait_for("it is said", || {
        service.get("/api/v1/status")["problems"].to_string().contains("insufficient permissions")
    });
    wait_for_turns(&service);
    let status = service.get("/api/v1/status");
    assert_eq!((&status["state"], &logs(&service)["stale"]), (&"degraded".into(), &false.into()), "{status}");
    assert_eq!(status["stale_sources"], Value::Array(Vec::new()));

    // Where there is none, the service does not start.
    let empty = scratch("empty");
    fs::create_dir_all(&empty).expect("writable");
    let file = written("no-journal.toml", "source = \"host\"\n[logs]\njournal = \"all\"\n");
    let said = Command::new(env!("CARGO_BIN_EXE_lepton"))
        .args([
            "serve",
            "--config",
            &file,
            "--state-dir",
            &scratch("none"),
            "--listen",
            "127.0.0.1:0",
            "--turns",
            "1",
        ])
        .env("PATH", &empty)
        .output()
        .expect("the binary was built for this test");
    assert_eq!(said.status.code(), Some(2), "{}", stderr(&said));
    assert!(stderr(&said).contains("there is no journalctl"), "{}", stderr(&said));
}

/// A real systemd-journald in a mount namespace of its own, ended with the test.
struct Journald {
    child: Child,
    id: String,
}

impl Journald {
    /// None where there is none, or one may not have a namespace.
    fn start() -> Option<Self> {
        let program = ["/lib/systemd/systemd-journald", "/usr/lib/systemd/systemd-journald"];
        let program = program.into_iter().find(|path| Path::new(path).exists())?;
        let machine = "0123456789abcdef0123456789abcdef";
        let script = format!(
            "mount --make-rprivate / && mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal /run/log/journal && \
             {{ [ -s /etc/machine-id ] || {{ echo {machine} > /run/machine-id && mount --bind /run/machine-id /etc/machine-id; }}; }} && \
             {{ [ ! -d /var/log/journal ] || mount -t tmpfs tmpfs /var/log/journal; }} && exec {program}"
        );
        let child = Command::new("unshare")
            .args(["--mount", "sh", "-c", &script])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut of = Self { id: child.id().to_string(), child };
        let begun = std::time::Instant::now();
        while begun.elapsed() < common::service::PATIENCE {
            if matches!(of.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return None;
            }
            let ready = of.within(&["test", "-S", "/run/systemd/journal/dev-log"]).status();
            if ready.is_ok_and(|status| status.success()) && of.say("ready") {
                return Some(of);
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        None
    }

    /// A command beside it.
    fn within(&self, words: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--mount", "--target", &self.id, "--"]).args(words);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn say(&self, text: &str) -> bool {
        let said = self.within(&["logger", "--socket", "/run/systemd/journal/dev-log", text]).status();
        said.is_ok_and(|status| status.success())
    }
}

impl Drop for Journald {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where a systemd-journald can be had: as root on a machine with systemd installed.
#[test]
fn a_real_journal_is_followed_over_a_kill() {
    let Some(journald) = Journald::start() else { return };
    assert!(journald.say(FALLEN), "history");
    // The journal is asked by whole seconds.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let folder = scratch("journald");
    let under = ["nsenter", "--mount", "--target", &journald.id, "--"];
    let settings = "journal = \"all\"";
    let mut service = serve(&under, &folder, settings);
    service.wait_for("it has begun to read", || {
        logs(&service)["looks"].as_u64() > Some(3)
            && !logs(&service)["notes"].to_string().contains("until the other source")
    });
    assert!(journald.say(BROKEN));
    service.wait_for("the entry", || count(&service, "ext4-error") == 1);
    wait_for_signs(&service, &folder, 1);
    assert_eq!(service.end("-KILL"), None);
    assert!(journald.say(BROKEN) && journald.say("all is well") && journald.say(BROKEN));
    let service = serve(&under, &folder, settings);
    service.wait_for("what came meanwhile", || count(&service, "ext4-error") >= 3);
    wait_for_signs(&service, &folder, 3);
    wait_for_turns(&service);
    assert_eq!((count(&service, "ext4-error"), count(&service, "xid-79")), (3, 0));
    let (critical, errors) = learned(&folder).expect("it is kept");
    assert!(critical < 0.05 && (errors - 3.0).abs() < 0.05, "{critical} and {errors}");
}
