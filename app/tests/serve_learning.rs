//! Learning in service as a user sees it: a service that starts with a placement that nothing was learned into learns one on its own mix, it is
//! promoted by command, survives a kill, and the recording of it all is played again.

#![cfg(unix)]

mod common;

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use common::service::Service;
use common::{json, lepton, scratch, stderr};
use lepton_core::decide::policy::PlacementModel;
use serde_json::Value;

/// Learning takes a while in a build without optimisation; how long is not measured.
const PATIENCE: Duration = Duration::from_secs(300);

fn candidates(service: &Service) -> Vec<Value> {
    service.get("/api/v1/policies/candidates")["items"].as_array().expect("a list").clone()
}

fn id_in(service: &Service, state: &str) -> Option<String> {
    let of = candidates(service).into_iter().find(|item| item["state"] == state)?;
    Some(of["id"].as_str().expect("a name").to_owned())
}

fn wait_for<T>(service: &Service, what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = done() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "never: {what}; {:?}", candidates(service));
        thread::sleep(Duration::from_millis(50));
    }
}

fn placement(service: &Service) -> Value {
    service.get("/api/v1/policies")["items"][0].clone()
}

fn policy(service: &Service, words: &[&str]) -> std::process::Output {
    lepton(&[&["policy"], words, &["--server", &service.address]].concat())
}

/// Settings of a service that learns from a placement without correction.
fn settings(folder: &str, more: &str) -> String {
    std::fs::create_dir_all(folder).expect("writable");
    let model = format!("{folder}/zero.safetensors");
    std::fs::write(&model, PlacementModel::untrained().to_bytes()).expect("writable");
    let file = format!("{folder}/lepton.toml");
    let text = format!(
        "mode = \"act\"\nlearned_placement = true\nplacement_model = \"{model}\"\nadapt = \"propose\"\nadapt_cpu_percent = 100\n\
         {more}[simulation]\nhours = 8000\nload = 0.95\n"
    );
    std::fs::write(&file, text).expect("writable");
    file
}

#[test]
fn a_candidate_is_learned_promoted_by_command_survives_a_kill_and_is_played_again() {
    let folder = scratch("learning");
    let file = settings(&folder, "");
    let state = format!("{folder}/state");
    let more = ["--config", &file, "--speed", "30000", "--nodes-count", "20"];
    let mut service = Service::start(&state, &more);
    let id = wait_for(&service, "one is proposed", || id_in(&service, "proposed"));
    assert_eq!(placement(&service)["model"], "lepton");

    let listed = policy(&service, &["candidates"]);
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.status.success() && text.contains(&id) && text.contains("proposed"), "{text}");
    let listed = json(&policy(&service, &["candidates", "-o", "json"]));
    assert_eq!(listed["adapt"], "propose");
    let said = policy(&service, &["promote", "c99"]);
    assert_eq!(said.status.code(), Some(2), "{}", stderr(&said));
    let said = policy(&service, &["promote", &id]);
    assert!(said.status.success(), "{}", stderr(&said));
    assert_eq!(String::from_utf8_lossy(&said.stdout), format!("{id} is serving\n"));
    assert_eq!(placement(&service)["model"], Value::String(id.clone()));
    let served = |service: &Service| placement(service)["serves"] == Value::String(id.clone());
    wait_for(&service, "it places after its rehearsal", || served(&service).then_some(()));
    let turn = || service.get("/api/v1/status")["turn"].as_u64().expect("a number");
    let begun = turn();
    wait_for(&service, "more turns", || (turn() > begun + 60).then_some(()));
    let metrics = service.get("/metrics");
    let metrics = metrics.as_str().expect("text");
    assert!(metrics.contains("lepton_adapt_candidates{state=\"serving\"} 1"), "{metrics}");

    assert_eq!(service.end("-KILL"), None);
    let mut service = Service::start(&state, &more);
    assert_eq!(placement(&service)["model"], Value::String(id.clone()), "it is found again");
    assert_eq!(id_in(&service, "serving"), Some(id.clone()));
    let turn = || service.get("/api/v1/status")["turn"].as_u64().expect("a number");
    let begun = turn();
    wait_for(&service, "more turns", || (turn() > begun + 60).then_some(()));
    let said = policy(&service, &["demote"]);
    assert!(said.status.success(), "{}", stderr(&said));
    assert_eq!(placement(&service)["model"], "lepton");
    let said = policy(&service, &["demote"]);
    assert_eq!(said.status.code(), Some(3), "{}", stderr(&said));
    let audit = service.get("/api/v1/audit");
    let actions: Vec<&str> = audit["items"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|line| line["action"].as_str())
        .collect();
    assert!(actions.contains(&"candidate.promote") && actions.contains(&"candidate.demote"), "{actions:?}");
    let begun = turn();
    wait_for(&service, "more turns", || (turn() > begun + 60).then_some(()));
    assert_eq!(service.end("-TERM"), Some(143));

    let played = json(&lepton(&["simulate", "replay", &state, "--output", "json"]));
    assert!(played["difference"].is_null() && played["plans"].as_u64() > Some(50), "{played}");
    let bundle = format!("{folder}/all.jsonl.gz");
    let said = lepton(&["snapshot", &bundle, "--state-dir", &state, "--from", "0"]);
    assert!(said.status.success(), "{}", stderr(&said));
    let played = json(&lepton(&["simulate", "replay", &bundle, "--output", "json"]));
    assert!(played["difference"].is_null(), "{played}");
}

#[test]
fn a_candidate_whose_file_was_changed_is_refused_and_needs_an_operator() {
    let folder = scratch("learning-changed");
    let file = settings(&folder, "require_tokens = true\n");
    let state = format!("{folder}/state");
    let token = |role: &str| {
        let made = lepton(&["token", "create", "--name", role, "--role", role, "--state-dir", &state]);
        String::from_utf8(made.stdout).expect("text").trim().to_owned()
    };
    let header = |token: &str| format!("Authorization: Bearer {token}\r\nContent-Length: 0\r\n");
    let (viewer, operator) = (header(&token("viewer")), header(&token("operator")));
    let options = ["--source", "simulation", "--config", &file, "--speed", "30000", "--nodes-count", "20"];
    let service = Service::start_of(&state, &options, &viewer);
    let begun = Instant::now();
    let row = loop {
        let body = service.request("GET", "/api/v1/policies/candidates", &viewer).2;
        let items = body["items"].as_array().expect("a list").clone();
        if let Some(row) = items.into_iter().find(|item| item["state"] == "proposed") {
            break row;
        }
        assert!(begun.elapsed() < PATIENCE, "none is proposed: {body}");
        thread::sleep(Duration::from_millis(50));
    };
    let id = row["id"].as_str().expect("a name");
    let path = format!("/api/v1/policies/candidates/{id}/promote");
    assert_eq!(service.request("POST", &path, &viewer).0, 403, "a viewer only looks");
    assert_eq!(service.request("POST", "/api/v1/policies/demote", &viewer).0, 403);

    let kept = Path::new(&state).join(format!("models/placement-{}.safetensors", &id[1..]));
    let sound = std::fs::read(&kept).expect("it was kept");
    let weights = PlacementModel::shipped().weights().map(|weight| -4.0 * weight);
    let spoiled = PlacementModel::from_weights(&weights, PlacementModel::manifest_of("spoiled"));
    let changed = [
        (spoiled.expect("as many").to_bytes(), "was changed"),
        (sound[..sound.len() / 2].to_vec(), "was changed"),
        (Vec::new(), "is empty"),
    ];
    for (bytes, expected) in changed {
        std::fs::write(&kept, bytes).expect("writable");
        let (status, _, body) = service.request("POST", &path, &operator);
        assert_eq!((status, body["type"].as_str()), (409, Some("/problems/gate-refused")), "{body}");
        assert!(body["detail"].as_str().is_some_and(|detail| detail.contains(expected)), "{body}");
    }
    let body = service.request("GET", "/api/v1/policies", &viewer).2;
    assert_eq!(body["items"][0]["model"], "lepton", "the placement of the settings may serve as before");
}
