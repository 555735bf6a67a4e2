//! Recorded hours of a service, written as a bundle and played again: the same plans byte for byte, also of a service that was killed;
//! what was changed is found, and no secret is in it.

#![cfg(unix)]

mod common;

use std::io::Read;
use std::process::Output;

use common::service::Service;
use common::{json, lepton, scratch, stderr, written};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The cluster's time, seconds.
fn time_of(service: &Service) -> u64 {
    service.get("/api/v1/status")["time_seconds"].as_u64().expect("a number")
}

fn bundle_of(folder: &str, name: &str, more: &[&str]) -> String {
    let bundle = scratch(name);
    let said = lepton(&[&["snapshot", &bundle, "--state-dir", folder][..], more].concat());
    assert!(said.status.success(), "{}", stderr(&said));
    bundle
}

fn replayed(path: &str, more: &[&str]) -> Output {
    lepton(&[&["simulate", "replay", path, "--output", "json"][..], more].concat())
}

/// The lines of a bundle.
fn lines_of(bundle: &str) -> Vec<String> {
    let packed = std::fs::File::open(bundle).expect("it was written");
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(packed).read_to_string(&mut text).expect("packed text");
    text.lines().map(str::to_owned).collect()
}

#[test]
fn what_a_running_and_a_killed_service_recorded_is_played_again_to_the_same_plans() {
    let folder = scratch("hours");
    let more = ["--mode", "act", "--speed", "12000", "--nodes-count", "20"];
    let mut service = Service::start(&folder, &more);
    // The second file has begun.
    service.wait_for("more than an hour", || time_of(&service) > 2 * 3600);
    let running = json(&replayed(&bundle_of(&folder, "running.jsonl.gz", &[]), &[]));
    assert!(running["turns"].as_u64() > Some(0) && running["difference"].is_null(), "{running}");

    assert_eq!(service.end("-KILL"), None);
    let mut service = Service::start(&folder, &more);
    let begun = time_of(&service);
    service.wait_for("more turns", || time_of(&service) > begun + 1800);
    assert_eq!(service.end("-TERM"), Some(143));
    let all = json(&replayed(&bundle_of(&folder, "all.jsonl.gz", &["--from", "0"]), &[]));
    assert_eq!(all["difference"], Value::Null);
    assert!(all["plans"].as_u64() > Some(20) && all["steps"].as_u64() > Some(100), "{all}");
    assert_eq!(all["from_seconds"], 0);
    let of_folder = json(&replayed(&folder, &[]));
    assert_eq!(of_folder["turns"], all["turns"]);
    let hour = json(&replayed(&folder, &["--from", "3600", "--to", "3660"]));
    assert_eq!((hour["from_seconds"].as_u64(), hour["difference"].is_null()), (Some(3600), true), "{hour}");
    assert!(hour["turns"].as_u64() < all["turns"].as_u64(), "{hour}");
}

#[test]
fn tasks_that_come_between_turns_are_decided_on_then_and_played_and_lived_again() {
    let folder = scratch("between");
    let settings = format!("{folder}.toml");
    std::fs::write(&settings, "[simulation]\nbetween_turns = true\n").expect("writable");
    let more = ["--config", &settings, "--mode", "act", "--speed", "300", "--nodes-count", "300"];
    let mut service = Service::start(&folder, &more);
    service.wait_for("half an hour", || time_of(&service) > 1800);
    let metric = |service: &Service, name: &str| {
        let text = service.get("/metrics");
        let mut lines = text.as_str().expect("text").lines();
        let line = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse::<f64>().ok());
        line.unwrap_or_else(|| panic!("no {name} in {text}"))
    };
    let between = metric(&service, "lepton_waiting_turn_duration_seconds_count");
    assert!(between > 20.0, "only {between} turns between");
    assert!(metric(&service, "lepton_decision_latency_seconds_count") > 20.0);
    assert_eq!(service.end("-KILL"), None);

    // The world is lived again with calls that were made between two turns.
    let mut service = Service::start(&folder, &more);
    let begun = time_of(&service);
    service.wait_for("more turns", || time_of(&service) > begun + 600);
    assert_eq!(service.get("/api/v1/status")["problems"], json!([]));
    assert_eq!(service.end("-TERM"), Some(143));
    let bundle = bundle_of(&folder, "between.jsonl.gz", &["--from", "0"]);
    let all = json(&replayed(&bundle, &[]));
    assert_eq!(all["difference"], Value::Null);
    let of_minutes = |line: &&String| line.contains("\"foresight\":");
    let lines = lines_of(&bundle);
    let (turns, whole) = (all["turns"].as_u64().expect("a number"), lines.iter().filter(of_minutes).count());
    assert!(turns > whole as u64 + 20, "{turns} turns, {whole} of them whole: {all}");
}

#[test]
fn a_bundle_that_was_changed_is_found_by_its_sum_and_by_what_comes_of_it() {
    let folder = scratch("changed");
    let mut service = Service::start(&folder, &["--mode", "act", "--turns", "60", "--speed", "60000"]);
    assert_eq!(service.child.wait().expect("it ends").code(), Some(0));
    let bundle = bundle_of(&folder, "sound.jsonl.gz", &[]);
    let mut lines = lines_of(&bundle);
    assert_eq!(json(&replayed(&bundle, &[]))["turns"], 60);

    // Of one reading that a decision depends on another amount.
    let at = lines.iter().rposition(|line| line.contains("\"TaskSubmitted\"")).expect("tasks come");
    let mut turn: Value = serde_json::from_str(&lines[at]).expect("a line");
    let told = turn["turn"]["told"].as_array_mut().expect("a list");
    let readings =
        told.iter_mut().flat_map(|told| told["readings"]["readings"].as_array_mut().expect("a list"));
    let task = readings.filter_map(|reading| reading.get_mut("TaskSubmitted")).next().expect("it is there");
    task["priority"] = json!(task["priority"].as_i64().expect("a number") + 1);
    let number = turn["turn"]["turn"].as_u64().expect("a number");
    lines[at] = turn.to_string();
    let changed = written("changed.jsonl", lines.join("\n") + "\n");
    let said = replayed(&changed, &[]);
    assert_eq!(said.status.code(), Some(2), "{}", stderr(&said));
    assert!(stderr(&said).contains("Maybe somebody has changed the file"), "{}", stderr(&said));

    // Whoever does the sum anew is found by what comes of it.
    let count = lines.len() - 1;
    let before = lines[..count].join("\n") + "\n";
    let sum: String = Sha256::digest(&before).iter().map(|byte| format!("{byte:02x}")).collect();
    let end = json!({"end": {"lines": count, "sha256": sum}});
    let said = replayed(&written("summed.jsonl", format!("{before}{end}\n")), &[]);
    assert_eq!(said.status.code(), Some(1), "{}", stderr(&said));
    let expected = format!("the first difference: turn {number} at ");
    assert!(stderr(&said).contains(&expected), "{}", stderr(&said));

    // What is cut off, is no recording, or does not hold together is said to be so.
    for (text, expected) in [
        (lines[..9].join("\n") + "\n", "ends without its last line"),
        ("{\"nonsense\":1}\n".to_owned(), "is no line of a recording"),
        (lines[1].clone() + "\n", "expected the head of a recording"),
        (lines[0].replace("\"version\":1", "\"version\":9") + "\n", "version 9, expected"),
    ] {
        let said = replayed(&written("broken.jsonl", text), &[]);
        assert_eq!(said.status.code(), Some(2), "{expected}: {}", stderr(&said));
        assert!(stderr(&said).contains(expected), "{expected}: {}", stderr(&said));
    }
}

#[test]
fn no_secret_is_in_a_bundle() {
    let folder = scratch("secrets");
    let token = lepton(&["token", "create", "--name", "ann", "--role", "admin", "--state-dir", &folder]);
    let token = String::from_utf8(token.stdout).expect("text").trim().to_owned();
    let database = format!("sqlite://{}", scratch("hidden-database"));
    let settings = written(
        "secrets.toml",
        format!(
            "require_tokens = true\nstore_url = \"{database}\"\n[prometheus]\nurl = \"http://hidden-host:9090\"\n\
             token_file = \"/etc/hidden-token\"\n[prometheus.queries]\ncores = 'hidden_query'\n[kubernetes]\n\
             kubeconfig = \"/etc/hidden-kubeconfig\"\n"
        ),
    );
    let header = format!("Authorization: Bearer {token}\r\n");
    let more = ["--source", "simulation", "--nodes-count", "10", "--speed", "60000", "--config", &settings];
    let mut service = Service::start_of(&folder, &more, &header);
    service.wait_for("some turns", || {
        service.request("GET", "/api/v1/status", &header).2["turn"].as_u64() > Some(20)
    });
    assert_eq!(service.end("-TERM"), Some(143));
    let lines = lines_of(&bundle_of(&folder, "secrets.jsonl.gz", &[]));
    let digest = std::fs::read_to_string(format!("{folder}/tokens.json")).expect("the tokens");
    let digest: Value = serde_json::from_str(&digest).expect("JSON");
    let digest = digest[0]["sha256"].as_str().expect("a digest").to_owned();
    for line in &lines {
        for secret in [&token, &digest, "hidden", &folder] {
            assert!(!line.contains(secret), "{secret} is in {}", &line[..line.len().min(300)]);
        }
    }
    assert!(lines[0].contains("\"simulation.nodes_count\":10"), "{}", lines[0]);
}

#[test]
fn a_recording_stays_within_its_room_and_its_hours() {
    let folder = scratch("room");
    let settings = written("room.toml", "record_hours = 2\nrecord_mib = 8\n");
    let more = ["--mode", "act", "--speed", "60000", "--turns", "400", "--config", &settings];
    let mut service = Service::start(&folder, &more);
    assert_eq!(service.child.wait().expect("it ends").code(), Some(0));
    let files: Vec<_> = std::fs::read_dir(format!("{folder}/recordings")).expect("recorded").collect();
    // Four hundred minutes are nearly seven hours; of two hours three files have something.
    assert!((2..=4).contains(&files.len()), "{files:?}");
    assert!(json(&replayed(&folder, &[]))["from_seconds"].as_u64() >= Some(3 * 3600));
    let off = scratch("off");
    let settings = written("off.toml", "record_hours = 0\n");
    let more = ["--speed", "60000", "--turns", "5", "--config", &settings];
    let mut service = Service::start(&off, &more);
    assert_eq!(service.child.wait().expect("it ends").code(), Some(0));
    assert!(!std::path::Path::new(&format!("{off}/recordings")).exists());
    let none = lepton(&["snapshot", "--state-dir", &off]);
    assert_eq!(none.status.code(), Some(2), "{}", stderr(&none));
}

#[test]
fn what_if_is_asked_of_the_past_as_it_was_asked_then() {
    let folder = scratch("past");
    let service = Service::start(&folder, &["--mode", "act", "--speed", "600", "--nodes-count", "20"]);
    service.wait_for("ten minutes", || time_of(&service) > 600);
    let node = service.get("/api/v1/nodes?limit=1")["items"][0]["name"].as_str().expect("a name").to_owned();
    let asked = |more: &[&str]| {
        json(&lepton(
            &[&["whatif", "--drain", &node, "--output", "json", "--server", &service.address], more].concat(),
        ))
    };
    let live = asked(&[]);
    let at = live["as_of_seconds"].as_u64().expect("a number");
    service.wait_for("what was recorded is on the disk", || time_of(&service) > at + 1800);
    assert_eq!(asked(&["--at", &at.to_string()]), live);

    // The same of its files, also between two turns; the service need not run.
    let of = |recording: &str, at: u64| {
        let at = at.to_string();
        lepton(&["whatif", "--drain", &node, "--at", &at, "--recording", recording, "--output", "json"])
    };
    assert_eq!(json(&of(&folder, at + 1)), live);
    assert_eq!(json(&of(&bundle_of(&folder, "past.jsonl.gz", &["--from", "0"]), at)), live);
    let beyond = of(&folder, at + 1_000_000);
    assert_eq!(beyond.status.code(), Some(2));
    assert!(stderr(&beyond).contains("nothing is recorded of"), "{}", stderr(&beyond));
}
