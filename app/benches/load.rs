//! `lepton serve` on a large simulated cluster for a day of its time, with viewers of the live stream and readers of the interface: how long turns take,
//! how long a task that comes, between two turns too, waits until its decision is on the disk, how memory grows, and how long reads take.
//!
//!     cargo xtask bench load [--nodes N] [--hours H] [--speed S] [--viewers V] [--services PER_NODE]
//!
//! docs/benchmarks/load.md

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

#[path = "../tests/common/mod.rs"]
mod common;
mod figures;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::scratch;
use common::service::Service;
use figures::{argument, memory_bytes, quantile};
use serde_json::Value;

const MIB: f64 = 1_048_576.0;
/// Streams that one token may have.
const STREAMS_PER_TOKEN: usize = 32;
/// Time between two reads.
const BETWEEN_READS: Duration = Duration::from_millis(50);
/// What is read, in turn.
const READS: [&str; 8] = [
    "/api/v1/status",
    "/api/v1/nodes?limit=100",
    "/api/v1/tasks?limit=100",
    "/api/v1/waiting",
    "/api/v1/decisions?limit=100",
    "/api/v1/plans?limit=20",
    "/api/v1/turns?limit=100",
    "/api/v1/load",
];

/// A token of the service's store, as a line of a request's head.
fn token(folder: &str, name: &str) -> String {
    let words = ["token", "create", "--name", name, "--role", "viewer", "--state-dir", folder];
    let made = Command::new(env!("CARGO_BIN_EXE_lepton")).args(words).output().expect("it starts");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    format!("Authorization: Bearer {}\r\n", String::from_utf8_lossy(&made.stdout).trim())
}

/// Reads the stream until it ends, counting bytes.
fn view(address: &str, token: &str, bytes: &AtomicU64) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    write!(stream, "GET /api/v1/stream HTTP/1.1\r\nHost: {address}\r\n{token}\r\n")?;
    let mut piece = vec![0; 64 << 10];
    loop {
        match stream.read(&mut piece)? {
            0 => return Ok(()),
            read => bytes.fetch_add(read as u64, Ordering::Relaxed),
        };
    }
}

fn row(name: &str, values: &[f64]) {
    let count = values.len();
    let [median, high, highest] = [50, 99, 100].map(|percent| 1000.0 * quantile(values, percent));
    println!("{name:<44} {count:>7} {median:>9.1} {high:>9.1} {highest:>9.1}");
}

/// A histogram of `/metrics`: how many of a hundred took at most each bound, with how many there are.
fn histogram(service: &Service, token: &str, name: &str) {
    let (_, _, text) = service.request("GET", "/metrics", token);
    let lines = text.as_str().unwrap_or_default().lines();
    let buckets = lines.filter_map(|line| {
        let (bound, count) = line.strip_prefix(name)?.strip_prefix("_bucket{le=\"")?.split_once("\"} ")?;
        Some((bound, count.parse::<f64>().ok()?))
    });
    let buckets: Vec<(&str, f64)> = buckets.collect();
    let all = buckets.last().map_or(0.0, |bucket| bucket.1);
    let shares = buckets.iter().filter(|(bound, _)| *bound != "+Inf").map(|(bound, within)| {
        let millis = 1000.0 * bound.parse::<f64>().unwrap_or(f64::NAN);
        format!("{millis:.0} ms {:.2}", 100.0 * within / all)
    });
    println!("\n{name}, {all:.0}; percent within\n  {}", shares.collect::<Vec<_>>().join(", "));
}

/// All turns that the store has, the oldest first.
fn turns(service: &Service, token: &str) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let (status, head, body) =
            service.request("GET", &format!("/api/v1/turns?limit=1000{cursor}"), token);
        assert_eq!(status, 200, "{head}");
        all.extend(body["items"].as_array().into_iter().flatten().cloned());
        match body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    all.reverse();
    all
}

fn main() {
    let (nodes, hours) = (argument("--nodes", 5000), argument("--hours", 24) as u64);
    let (speed, viewers) = (argument("--speed", 60), argument("--viewers", 200));
    let services = argument("--services", 0);
    let folder = scratch("load");
    let _ = std::fs::remove_dir_all(&folder);
    let tokens: Vec<String> = (0..=viewers.div_ceil(STREAMS_PER_TOKEN))
        .map(|number| token(&folder, &format!("v{number}")))
        .collect();
    let reader = tokens[0].clone();
    let settings = format!("{folder}.toml");
    // The simulator has all tasks that will come in memory: no more of them than are needed.
    let text = format!(
        "source = \"simulation\"\nmode = \"act\"\nrequire_tokens = true\nlog_level = \"warn\"\nspeed = {speed}\n\
         [simulation]\nbetween_turns = true\nnodes_count = {nodes}\nservices_per_node = {services}\nhours = {}\n",
        hours + 1
    );
    std::fs::write(&settings, text).expect("writable");
    let begun = Instant::now();
    let service = Service::start_of(&folder, &["--config", &settings], &reader);
    println!("{nodes} nodes, ready after {:.1} s", begun.elapsed().as_secs_f64());
    let (bytes, ended) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    for viewer in 0..viewers {
        let (address, bytes, ended) = (service.address.clone(), Arc::clone(&bytes), Arc::clone(&ended));
        let token = tokens[1 + viewer / STREAMS_PER_TOKEN].clone();
        thread::spawn(move || {
            let seen = view(&address, &token, &bytes);
            assert!(ended.load(Ordering::Relaxed), "a viewer was turned away: {seen:?}");
        });
    }
    let mut reads: Vec<Vec<f64>> = vec![Vec::new(); READS.len()];
    let mut memory: Vec<(u64, f64)> = Vec::new();
    let mut now = 0;
    while now < hours * 3600 {
        for (path, took) in READS.iter().zip(&mut reads) {
            let asked = Instant::now();
            let (status, head, body) = service.request("GET", path, &reader);
            took.push(asked.elapsed().as_secs_f64());
            assert_eq!(status, 200, "{path}: {head} {body}");
            if *path == "/api/v1/status" {
                now = body["time_seconds"].as_u64().expect("a number");
            }
            thread::sleep(BETWEEN_READS);
        }
        memory.push((now, memory_bytes(service.child.id(), "VmRSS:") / MIB));
    }
    let took = begun.elapsed();
    let turns = turns(&service, &reader);
    ended.store(true, Ordering::Relaxed);
    let all = |of: &dyn Fn(&Value) -> f64| turns.iter().map(of).collect::<Vec<f64>>();
    let seconds = |turn: &Value, stage: &str| turn["stages"][stage].as_f64().unwrap_or(0.0);
    let decided = ["collect", "assess", "decide", "record"];
    let most = |name: &str| turns.iter().filter_map(|turn| turn[name].as_u64()).max().unwrap_or(0);
    println!(
        "{} turns in {:.0} s, at most {} tasks running and {} waiting; {viewers} viewers got {:.0} MB\n\n{:<44} {:>7} {:>9} {:>9} {:>9}",
        turns.len(),
        took.as_secs_f64(),
        most("running"),
        most("waiting"),
        bytes.load(Ordering::Relaxed) as f64 / 1e6,
        "milliseconds",
        "number",
        "median",
        "99%",
        "most"
    );
    row("turn", &all(&|turn| turn["turn_seconds"].as_f64().unwrap_or(0.0)));
    row(
        "from a whole turn's begin to its decisions on the disk",
        &all(&|turn| decided.iter().map(|stage| seconds(turn, stage)).sum()),
    );
    for stage in ["collect", "assess", "decide", "record", "execute"] {
        row(&format!("  {stage}"), &all(&|turn| seconds(turn, stage)));
    }
    for (path, took) in READS.iter().zip(reads) {
        row(&format!("GET {path}"), &took);
    }
    histogram(&service, &reader, "lepton_decision_latency_seconds");
    histogram(&service, &reader, "lepton_waiting_turn_duration_seconds");
    println!("\nmemory by the cluster's time, MiB");
    for hour in (0..=hours).filter(|hour| hour % 3 == 0) {
        if let Some((_, mib)) = memory.iter().find(|(now, _)| *now >= hour * 3600) {
            println!("{hour:>4} h {mib:>8.0}");
        }
    }
    if let Some((_, mib)) = memory.last() {
        println!(" end   {mib:>8.0}");
    }
}
