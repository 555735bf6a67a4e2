//! `lepton serve` on a disk that is full: nothing is decided or done while nothing can be written down, that is said, nothing is corrupted, and the
//! loop goes on by itself when there is room.

#![cfg(target_os = "linux")]

mod common;

use std::io::Read;
use std::process::{Child, Command, Output, Stdio};

use common::kept::Kept;
use common::service::Service;
use common::{json, lepton, read, scratch, stderr};
use serde_json::Value;

/// Times that the disk is full.
const ROUNDS: usize = 3;
const OPTIONS: [&str; 8] =
    ["--source", "simulation", "--nodes-count", "10", "--mode", "act", "--speed", "20000"];

/// A disk that can be full.
enum Disk {
    /// No file may grow, and no byte be written: a limit of the process, which needs no rights.
    Limited,
    /// A file system in memory, seen by those alone who go in there by this process.
    Mounted { inside: Child, words: Vec<String>, file: String },
}

/// Runs a command to a good end.
fn done(program: &str, words: &[&str]) -> Output {
    let output = Command::new(program).args(words).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{program} is needed here: {error}"));
    assert!(output.status.success(), "{program} {words:?}: {}", stderr(&output));
    output
}

impl Disk {
    /// A file system of a few MiB on this folder; none where this user may not mount one.
    fn mounted(folder: &str) -> Option<Self> {
        std::fs::create_dir_all(folder).expect("writable");
        let mount = "mount -t tmpfs -o size=24m none \"$0\" && echo mounted && exec cat";
        let is_root = done("id", &["-u"]).stdout.trim_ascii() == b"0";
        let user: &[&str] = if is_root { &[] } else { &["--user", "--map-root-user"] };
        let own: &[&str] = if is_root { &[] } else { &["--user", "--preserve-credentials"] };
        let mut inside = Command::new("unshare")
            .args(user)
            .args(["--mount", "sh", "-c", mount, folder])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`unshare` of util-linux is there");
        let mut said = [0; 8];
        let out = inside.stdout.as_mut().expect("it was asked for");
        if out.read_exact(&mut said).is_err() {
            inside.wait().expect("it ends");
            return None;
        }
        let id = inside.id().to_string();
        let words = [&["nsenter", "--target", &id, "--mount"], own, &["--"]].concat();
        let words = words.into_iter().map(str::to_owned).collect();
        Some(Self::Mounted { inside, words, file: format!("{folder}/filler") })
    }

    /// The words that a program is run with, so that the disk is this one.
    fn under(&self) -> Vec<String> {
        match self {
            // A write beyond the limit is an error then, and not the end.
            Self::Limited => ["sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""].map(str::to_owned).to_vec(),
            Self::Mounted { words, .. } => words.clone(),
        }
    }

    fn run(&self, words: &[&str]) -> Output {
        let under = self.under();
        let all: Vec<&str> = under.iter().map(String::as_str).chain(words.iter().copied()).collect();
        done(all[0], &all[1..])
    }

    fn fill(&self, service: &Service) {
        match self {
            Self::Limited => self.limit(service, "0:unlimited"),
            Self::Mounted { file, .. } => {
                // It ends when there is no room.
                self.run(&["sh", "-c", &format!("cat /dev/zero > '{file}' 2> /dev/null; test -s '{file}'")]);
            }
        }
    }

    /// There is room again; a limit is gone with its process.
    fn clear(&self, service: Option<&Service>) {
        match self {
            Self::Limited => {
                if let Some(service) = service {
                    self.limit(service, "unlimited:unlimited");
                }
            }
            Self::Mounted { file, .. } => drop(self.run(&["rm", file])),
        }
    }

    fn limit(&self, service: &Service, bytes: &str) {
        done("prlimit", &["--pid", &service.child.id().to_string(), &format!("--fsize={bytes}")]);
    }

    fn start(&self, folder: &str) -> Service {
        let under = self.under();
        let under: Vec<&str> = under.iter().map(String::as_str).collect();
        Service::start_under(&under, folder, &OPTIONS, "")
    }

    /// What is in the folder, copied to where everybody sees it.
    fn copied(&self, folder: &str) -> String {
        match self {
            Self::Limited => folder.to_owned(),
            Self::Mounted { .. } => {
                let copy = format!("{folder}-copy");
                std::fs::create_dir_all(&copy).expect("writable");
                self.run(&["cp", "-r", &format!("{folder}/."), &copy]);
                copy
            }
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Self::Mounted { inside, .. } = self {
            let _ = inside.kill();
            let _ = inside.wait();
        }
    }
}

fn figure(service: &Service, name: &str) -> u64 {
    service.get("/api/v1/status")[name].as_u64().expect("a number")
}

fn measure(service: &Service, name: &str) -> f64 {
    let text = service.get("/metrics");
    let line = text.as_str().expect("text").lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.expect(name).parse().expect("a number")
}

fn newest_decision(service: &Service) -> Value {
    service.get("/api/v1/decisions?limit=1")["items"][0]["id"].clone()
}

fn outlives_a_full_disk(name: &str, disk: &Disk) {
    let folder = scratch(name);
    let mut service = disk.start(&folder);
    for round in 0..ROUNDS {
        service.wait_for("decisions", || measure(&service, "lepton_steps_done_total") > 5.0);
        disk.fill(&service);
        let unwritable = || measure(&service, "lepton_store_writable") == 0.0;
        service.wait_for("it says that it is full", unwritable);
        let status = service.get("/api/v1/status");
        let said = status["problems"].to_string();
        assert!(
            status["state"] == "degraded"
                && said.contains("nothing is decided or done until it can be written"),
            "{status}"
        );
        assert!(status["store"]["problem"].is_string(), "{status}");
        let (ready, _, problem) = service.request("GET", "/readyz", "");
        assert!(
            ready == 503 && problem["detail"].as_str().is_some_and(|of| of.contains("the store")),
            "{problem}"
        );
        assert_eq!(measure(&service, "lepton_degraded"), 1.0);
        // Nothing is decided or done meanwhile, and what was decided before can be read.
        let (decision, steps) = (newest_decision(&service), measure(&service, "lepton_steps_done_total"));
        let decisions = measure(&service, "lepton_decisions_total");
        let turn = figure(&service, "turn");
        service.wait_for("it goes on looking", || figure(&service, "turn") > turn + 30);
        assert_eq!(newest_decision(&service), decision);
        assert_eq!(measure(&service, "lepton_steps_done_total"), steps);
        assert_eq!(measure(&service, "lepton_decisions_total"), decisions);
        if round == ROUNDS - 1 {
            // A kill changes nothing of it.
            service.child.kill().expect("it can be killed");
            service.child.wait().expect("it ends");
            disk.clear(None);
            service = disk.start(&folder);
        } else {
            disk.clear(Some(&service));
        }
        service.wait_for("it is ready again", || service.request("GET", "/readyz", "").0 == 200);
        let steps = measure(&service, "lepton_steps_done_total");
        service.wait_for("it goes on", || measure(&service, "lepton_steps_done_total") > steps + 5.0);
        assert_ne!(newest_decision(&service), decision);
        assert_eq!(service.get("/api/v1/status")["problems"], serde_json::json!([]));
    }
    service.wait_for("an hour is recorded", || figure(&service, "time_seconds") % 3600 < 600);
    assert_eq!(service.end("-TERM"), Some(143), "{}", read(&service.errors));
    let folder = disk.copied(&folder);
    Kept::open(&folder).assert_sound();
    let played = lepton(&["simulate", "replay", &folder, "--output", "json"]);
    let played = json(&played);
    assert!(played["difference"].is_null() && played["steps"].as_u64() > Some(0), "{played}");
}

#[test]
fn a_service_that_may_write_nothing_stops_deciding_says_so_and_goes_on_by_itself() {
    outlives_a_full_disk("limited", &Disk::Limited);
}

#[test]
fn a_service_on_a_full_disk_stops_deciding_says_so_and_goes_on_by_itself() {
    let Some(disk) = Disk::mounted(&scratch("mounted")) else {
        // The other test has tried the same without the right to mount anything.
        return;
    };
    outlives_a_full_disk("mounted", &disk);
}
