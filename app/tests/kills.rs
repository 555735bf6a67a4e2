//! `lepton serve` and `lepton demo`, killed (SIGKILL) at random moments from their first to their last, and started again: what they keep holds
//! together, no step is lost and none is done twice, and a database elsewhere has all of it, each row once.
//!
//! `LEPTON_KILLS` says how many kills each test has; [the figures](../../docs/benchmarks/kills.md) are of 200.

#![cfg(target_os = "linux")]

mod common;
#[path = "../../edges/tests/servers/mod.rs"]
mod servers;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::kept::Kept;
use common::ports;
use common::service::{PATIENCE, Service};
use common::{json, lepton, read, scratch, stderr, written};
use serde_json::Value;
use servers::Server;
use servers::alike::{ask_file, assert_alike};

/// Kills in a test, unless it is told otherwise.
const KILLS: usize = 60;
/// Kills after which the service is let come so far that it has decided something.
const KILLS_TO_WAIT: usize = 6;
/// A process that was begun is killed within this time, milliseconds: a few turns after it has come up.
const LIFE_MAX_MILLIS: u64 = 500;
/// Kills after which a store is looked through, and another one begun: a simulated cluster is lived again at each start.
const KILLS_OF_A_STORE: usize = 30;

fn kills() -> usize {
    std::env::var("LEPTON_KILLS").map_or(KILLS, |text| text.parse().expect("a number"))
}

/// Chance that comes again.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// A database that the service tells.
enum Far {
    File(String),
    Server(Server),
}

impl Far {
    fn options(&self) -> Vec<String> {
        match self {
            Self::File(path) => vec!["--store-url".to_owned(), format!("sqlite://{path}")],
            Self::Server(server) => {
                let password = server.password_file().to_str().expect("a plain name").to_owned();
                ["--store-url", &server.url(), "--store-password-file", &password].map(str::to_owned).to_vec()
            }
        }
    }

    fn ask(&self, sql: &str) -> String {
        match self {
            Self::File(path) => ask_file(Path::new(path), sql),
            Self::Server(server) => server.ask(sql),
        }
    }

    /// All rows are forgotten: those of another instance are told from here on.
    fn empty(&self) {
        for table in ["steps", "decisions", "plans", "audit", "turns", "hours"] {
            self.ask(&format!("DELETE FROM lepton_{table}"));
        }
    }
}

fn steps_done(service: &Service) -> bool {
    let (_, _, metrics) = service.request("GET", "/metrics", "");
    metrics.as_str().is_some_and(|text| {
        text.contains("\nlepton_steps_done_total ") && !text.contains("\nlepton_steps_done_total 0\n")
    })
}

/// Kills a service on this store so many times; where it stands is looked through then.
fn killed(folder: &str, kills: usize, far: &Far, chance: &mut Chance) {
    let far_options = far.options();
    let far_options: Vec<&str> = far_options.iter().map(String::as_str).collect();
    let base = ["--source", "simulation", "--nodes-count", "10", "--mode", "act"];
    let options = |speed| [&base[..], &["--speed", speed], &far_options].concat();
    for kill in 1..=kills {
        let mut service = Service::begin_under(&[], folder, &options("60000"));
        if kill % KILLS_TO_WAIT == 0 {
            service.wait_for("a step is done", || steps_done(&service));
        }
        thread::sleep(Duration::from_millis(chance.below(LIFE_MAX_MILLIS)));
        let ended = service.child.try_wait().expect("it can be asked");
        assert!(ended.is_none(), "kill {kill}: it ended by itself: {}", read(&service.errors));
        assert_eq!(service.end("-KILL"), None);
        fs::remove_file(&service.errors).expect("it is there");
    }
    // Now time all but stands still: the world as it was lived again, after a first turn.
    let mut service = Service::start_of(folder, &options("0.001"), "");
    let status = service.get("/api/v1/status");
    assert_eq!((&status["state"], &status["problems"]), (&"ok".into(), &serde_json::json!([])), "{status}");
    let tasks = service.get("/api/v1/tasks?limit=1000&filter=running")["items"].clone();
    service.wait_for("all is told", || {
        // Time stands still: a word to the loop makes it say anew how it stands.
        service.request("POST", "/api/v1/snoozes/s1/end", "");
        let remote = service.get("/api/v1/status")["store"]["remote"].clone();
        remote["problem"].is_null() && remote["told"].as_u64() > Some(0) && remote["waiting"] == 0
    });
    assert_eq!(service.end("-TERM"), Some(143), "{}", read(&service.errors));

    let kept = Kept::open(folder);
    kept.assert_sound();
    let places = kept.places();
    let tasks = tasks.as_array().expect("a list");
    assert!(!tasks.is_empty());
    for task in tasks {
        let (name, node) = (task["name"].as_str().expect("a name"), task["node"].as_str().map(str::to_owned));
        assert_eq!(places.get(name), Some(&node), "{name} stands where the loop has put it");
    }
    assert_alike(|sql| far.ask(sql), Path::new(folder));
    let played = json(&lepton(&["simulate", "replay", folder, "--output", "json"]));
    assert!(played["difference"].is_null(), "{played}");
}

#[expect(clippy::print_stdout, reason = "the figures of the page")]
fn outlives(name: &str, far: &Far, seed: u64) {
    let (mut chance, begun) = (Chance(seed), Instant::now());
    let all = kills();
    let (mut left, mut number) = (all, 0);
    while left > 0 {
        let some = left.min(KILLS_OF_A_STORE);
        let folder = scratch(&format!("{name}-{number}"));
        if number > 0 {
            far.empty();
        }
        killed(&folder, some, far, &mut chance);
        fs::remove_dir_all(&folder).expect("it is there");
        (left, number) = (left - some, number + 1);
    }
    println!("{name}: {all} kills of {number} stores in {:.0} s", begun.elapsed().as_secs_f64());
}

#[test]
fn a_service_that_is_killed_at_any_moment_goes_on_and_a_file_elsewhere_has_all_once() {
    outlives("file", &Far::File(scratch("far.db")), 20_261_101);
}

#[test]
#[ignore = "needs databases"]
fn a_service_that_is_killed_at_any_moment_goes_on_and_a_postgresql_has_all_once() {
    outlives("postgres", &Far::Server(Server::postgres("kills-postgres")), 20_261_102);
}

#[test]
#[ignore = "needs databases"]
fn a_service_that_is_killed_at_any_moment_goes_on_and_a_mariadb_has_all_once() {
    outlives("mariadb", &Far::Server(Server::mariadb("kills-mariadb")), 20_261_103);
}

/// The settings of the simulated cluster that a store belongs to, as a file of settings.
fn settings_of(kept: &Kept, number: usize) -> String {
    let settings: Value =
        serde_json::from_str(&kept.text("SELECT value FROM facts WHERE name = 'simulation'")).expect("JSON");
    let rows =
        settings.as_object().expect("settings").iter().map(|(name, value)| format!("{name} = {value}\n"));
    written(&format!("demo-{number}.toml"), format!("[simulation]\n{}", rows.collect::<String>()))
}

#[test]
fn a_demo_that_is_killed_at_any_moment_leaves_a_store_from_which_a_service_goes_on() {
    let mut chance = Chance(20_261_104);
    for kill in 0..kills() / 4 {
        let temporary = scratch(&format!("demo-{kill}"));
        fs::create_dir_all(&temporary).expect("writable");
        let errors = scratch(&format!("demo-errors-{kill}"));
        let mut demo = Command::new(env!("CARGO_BIN_EXE_lepton"))
            .args(["demo", "--nodes-count", "10", "--seed", "7", "--serve", "--speed", "100000"])
            .env("TMPDIR", &temporary)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&errors).expect("writable"))
            .spawn()
            .expect("the binary was built for this test");
        let begun = Instant::now();
        // Before that there is nothing to go on from.
        while !read(&errors).contains(" shows the page") {
            assert!(begun.elapsed() < PATIENCE, "it does not start: {}", read(&errors));
            thread::sleep(Duration::from_millis(5));
        }
        thread::sleep(Duration::from_millis(chance.below(LIFE_MAX_MILLIS)));
        demo.kill().expect("it can be killed");
        demo.wait().expect("it ends");
        let left = fs::read_dir(&temporary).expect("readable").next().expect("its store").expect("readable");
        let folder = left.path().to_str().expect("a plain name").to_owned();
        let settings = settings_of(&Kept::open(&folder), kill);
        let words =
            ["serve", "--config", &settings, "--source", "simulation", "--mode", "act", "--speed", "100000"];
        let more = ["--turns", "3", "--listen", "127.0.0.1:0", "--state-dir", &folder];
        let went_on = lepton(&[&words[..], &more].concat());
        assert!(went_on.status.success(), "kill {kill}: {}", stderr(&went_on));
        let kept = Kept::open(&folder);
        kept.assert_sound();
        assert!(kept.number("SELECT count(*) FROM decisions") > 0);
        fs::remove_dir_all(&temporary).expect("it is there");
    }
}
