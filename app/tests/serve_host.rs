//! `lepton serve` without settings: the machine that it runs on, looked at and left alone.

#![cfg(target_os = "linux")]

mod common;

use common::service::Service;
use common::{json, lepton, read, scratch, stderr, written};
use serde_json::Value;

fn hostname() -> String {
    read("/proc/sys/kernel/hostname").trim().to_owned()
}

/// A service of this machine, with a turn a second.
fn service(name: &str) -> Service {
    Service::start_of(&scratch(name), &["--turn-seconds", "1"], "")
}

#[test]
fn a_service_without_settings_shows_the_load_of_this_machine() {
    let service = service("plain");
    let server = ["--server", &service.address];
    let of_command = |words: &[&str]| json(&lepton(&[words, &["-o", "json"][..], &server].concat()));
    let listed = of_command(&["get", "nodes"]);
    let nodes = listed["items"].as_array().expect("a list");
    assert_eq!(nodes.len(), 1, "{listed}");
    assert_eq!((&nodes[0]["name"], &nodes[0]["state"]), (&hostname().into(), &"up".into()));
    assert!(nodes[0]["used"].as_f64() > Some(0.0), "{listed}");

    let node = service.get(&format!("/api/v1/nodes/{}", hostname()));
    let resources = node["resources"].as_array().expect("a list");
    let of = |name: &str| resources.iter().find(|r| r["resource"] == name).expect("a resource").clone();
    let total = read("/proc/meminfo").split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok());
    assert_eq!(of("memory_mib")["capacity"].as_f64(), total.map(|kib| (kib / 1024) as f64));
    assert!(of("memory_mib")["used"].as_f64() > Some(0.0));
    assert!(of("cpu_millicores")["capacity"].as_f64() >= Some(1000.0));
    of("network_mbit_s");
    of("disk_busy_permille");
    of("cpu_stall_permille");

    let tasks = of_command(&["get", "tasks"])["items"].clone();
    let tasks = tasks.as_array().expect("a list");
    assert!(tasks.len() > 1 && tasks.iter().any(|task| task["name"] == "rest-of-host"), "{tasks:?}");
    assert!(tasks.iter().all(|task| task["do_not_disrupt"] == true && task["state"] == "running"));

    let status = of_command(&["status"]);
    assert_eq!((&status["mode"], &status["can_act"]), (&"observe".into(), &false.into()));
    assert!(
        status["connected_to"].as_str().is_some_and(|about| about.contains("only looked at")),
        "{status}"
    );
    assert_eq!(status["sources"][0]["name"], "host");
    assert!(status["sources"][0]["looks"].as_u64() >= Some(1), "{status}");
    assert!(read(&service.errors).contains("nothing is carried out"), "{}", read(&service.errors));
}

#[test]
fn the_load_of_this_machine_is_followed_from_turn_to_turn() {
    let service = service("followed");
    let figure = |status: &Value, name: &str| status[name].as_u64().expect("a number");
    let begun = service.get("/api/v1/status");
    let later = figure(&begun, "turn").max(1) + 2;
    service.wait_for("two turns more", || figure(&service.get("/api/v1/status"), "turn") >= later);
    let status = service.get("/api/v1/status");
    assert!(figure(&status, "time_seconds") > figure(&begun, "time_seconds"), "time is the machine's");
    assert!(status["sources"][0]["looks"].as_u64() >= Some(3), "{status}");
    assert!(status["sources"][0]["age_seconds"].as_u64() <= Some(60), "{status}");
    let turns = service.get("/api/v1/turns")["items"].clone();
    assert!(turns.as_array().is_some_and(|t| t.iter().all(|turn| turn["nodes"] == 1)), "{turns}");
}

#[test]
fn a_real_system_is_put_through_no_trial() {
    let service = service("trials");
    let asked = "Content-Type: application/json\r\nContent-Length: 18\r\n\r\n{\"what\":\"failure\"}";
    let (status, _, problem) = service.request("POST", "/api/v1/trials", asked);
    assert_eq!(
        (status, problem["type"].as_str().map(|kind| kind.contains("not-simulated"))),
        (409, Some(true)),
        "{problem}"
    );
    assert_eq!(service.get("/api/v1/status")["simulated"], false);
}

#[test]
fn what_only_looks_is_never_asked_to_act() {
    let folder = scratch("refused");
    let serve = |more: &[&str]| {
        lepton(
            &[&["serve", "--listen", "127.0.0.1:0", "--state-dir", &folder, "--turns", "1"], more].concat(),
        )
    };
    for mode in ["act", "recommend"] {
        let refused = serve(&["--mode", mode]);
        assert_eq!(refused.status.code(), Some(2));
        let said = stderr(&refused);
        assert!(said.contains("only looked at") && said.contains("Maybe `--source simulation`"), "{said}");
    }
    for option in ["--nodes-count", "--seed", "--speed"] {
        let useless = serve(&[option, "3"]);
        assert_eq!(useless.status.code(), Some(2));
        assert!(stderr(&useless).contains(&format!("{option} has no effect")), "{}", stderr(&useless));
        let file = written("host.toml", "source = \"host\"\n");
        let useless = serve(&["--config", &file, option, "3"]);
        assert_eq!(useless.status.code(), Some(2));
        assert!(stderr(&useless).contains(&format!("{option} has no effect")), "{}", stderr(&useless));
    }
    assert!(serve(&[]).status.success(), "a turn of this machine");
    let other = serve(&["--source", "simulation"]);
    assert_eq!(other.status.code(), Some(2));
    assert!(stderr(&other).contains("belongs to the source `host`"), "{}", stderr(&other));
}
