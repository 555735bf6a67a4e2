//! What a page needs of `lepton serve`: the stream of events, past turns, nodes, what waits.

#![cfg(unix)]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use common::scratch;
use common::service::Service;
use serde_json::Value;

/// One event of the stream.
#[derive(Debug, Clone, PartialEq)]
struct Event {
    id: String,
    kind: String,
    data: Value,
}

/// Reads events until `enough` says so.
fn events(service: &Service, query: &str, more: &str, enough: impl Fn(&[Event]) -> bool) -> Vec<Event> {
    let mut stream = TcpStream::connect(&service.address).expect("it listens");
    stream.set_read_timeout(Some(common::service::PATIENCE)).expect("a socket");
    let request = format!("GET /api/v1/stream{query} HTTP/1.0\r\nHost: {}\r\n{more}\r\n", service.address);
    stream.write_all(request.as_bytes()).expect("it reads");
    let (mut events, mut event) =
        (Vec::new(), Event { id: String::new(), kind: String::new(), data: Value::Null });
    for line in BufReader::new(stream).lines() {
        let line = line.expect("the stream goes on");
        match line.split_once(": ") {
            Some(("id", id)) => id.clone_into(&mut event.id),
            Some(("event", kind)) => kind.clone_into(&mut event.kind),
            Some(("data", data)) => event.data = serde_json::from_str(data).expect("JSON"),
            _ if line.is_empty() && !event.kind.is_empty() => {
                events.push(event.clone());
                event.kind.clear();
                if enough(&events) {
                    return events;
                }
            }
            _ => {}
        }
    }
    panic!("the stream ended after {events:?}");
}

fn turns(events: &[Event]) -> Vec<u64> {
    let told = events.iter().filter(|e| e.kind == "turns").flat_map(|e| e.data.as_array().expect("a list"));
    told.map(|turn| turn["turn"].as_u64().expect("a number")).collect()
}

#[test]
fn a_viewer_hears_of_every_turn_and_goes_on_where_it_broke_off() {
    let service = Service::start(&scratch("stream"), &["--mode", "act", "--speed", "600"]);
    let first = events(&service, "", "", |seen| turns(seen).len() >= 5);
    for kind in ["status", "turns", "nodes", "waiting", "plan"] {
        assert!(first.iter().any(|event| event.kind == kind), "{kind} is not among {first:?}");
    }
    let last = &first.last().expect("some").id;
    let again = events(&service, "?topics=turns", &format!("Last-Event-ID: {last}\r\n"), |seen| {
        turns(seen).len() >= 5
    });
    assert!(again.iter().all(|event| event.kind == "turns"), "{again:?}");
    let all = [turns(&first), turns(&again)].concat();
    assert!(all.windows(2).all(|pair| pair[1] == pair[0] + 1), "each turn once and in order: {all:?}");

    // How it stands follows in the order in which it was told: what has not changed for longest comes first.
    let has_status = |seen: &[Event]| seen.iter().any(|event| event.kind == "status");
    let lost = events(&service, "", "Last-Event-ID: 0-5\r\n", has_status);
    assert_eq!(lost[0].kind, "reset", "{lost:?}");
    let (status, head, body) = service.request("GET", "/api/v1/stream?topics=weather", "");
    assert!(status == 400 && head.contains("problem+json"), "{body}");
}

#[test]
fn two_hundred_look_on_and_leave_again() {
    let service = Service::start(&scratch("viewers"), &["--speed", "600"]);
    let viewers = || {
        let metrics = service.get("/metrics");
        let line =
            metrics.as_str().and_then(|text| text.lines().find(|line| line.starts_with("lepton_viewers ")));
        line.and_then(|line| line.split(' ').nth(1)?.parse::<u64>().ok()).expect("a number")
    };
    let request = format!("GET /api/v1/stream HTTP/1.1\r\nHost: {}\r\n\r\n", service.address);
    let streams: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut stream = TcpStream::connect(&service.address).expect("it listens");
            stream.write_all(request.as_bytes()).expect("it reads");
            stream
        })
        .collect();
    service.wait_for("all look on", || viewers() == 200);
    drop(streams);
    service.wait_for("all have left", || viewers() == 0);
}

#[test]
fn past_turns_are_told_with_their_figures_and_how_each_node_stood() {
    let folder = scratch("turns");
    let mut service = Service::start(&folder, &["--mode", "act", "--speed", "6000"]);
    service.wait_for("turns", || service.get("/api/v1/status")["turn"].as_u64() > Some(40));
    let page = service.get("/api/v1/turns?limit=30");
    let items = page["items"].as_array().expect("a list");
    let number = |item: &Value, name: &str| item[name].as_u64().expect("a number");
    assert!(items.windows(2).all(|pair| number(&pair[0], "turn") == number(&pair[1], "turn") + 1));
    let older =
        service.get(&format!("/api/v1/turns?limit=5&cursor={}", page["next_cursor"].as_str().expect("more")));
    assert_eq!(number(&older["items"][0], "turn") + 1, number(&items[29], "turn"));
    let placed: u64 = items.iter().map(|item| number(&item["done"], "places")).sum();
    assert!(placed > 0, "{items:?}");
    for item in &items[1..] {
        let stages = item["stages"].as_object().expect("stages");
        let sum: f64 = stages.values().filter_map(Value::as_f64).sum();
        let whole = item["turn_seconds"].as_f64().expect("a number");
        assert!(stages.len() == 5 && sum > 0.0 && sum <= whole * 1.001, "{item}");
    }
    let id = items[3]["id"].as_str().expect("an id");
    let turn = service.get(&format!("/api/v1/turns/{id}"));
    assert_eq!(turn["figures"], items[3]);
    assert_eq!(turn["names"].as_array().map(Vec::len), Some(10));
    // Ten bytes are sixteen letters of base64.
    assert_eq!(turn["nodes"]["used"].as_str().map(str::len), Some(16), "{turn}");
    assert_eq!(turn["nodes"]["inventory"], service.get("/api/v1/nodes")["inventory"]);
    assert_eq!(service.request("GET", "/api/v1/turns/t0", "").0, 404);

    let last = number(&service.get("/api/v1/turns?limit=1")["items"][0], "turn");
    assert_eq!(service.end("-TERM"), Some(143));
    let service = Service::start(&folder, &["--mode", "act", "--speed", "0.001"]);
    let items = service.get("/api/v1/turns?limit=1000")["items"].clone();
    assert!(items.as_array().expect("a list").iter().any(|item| number(item, "turn") == last));
}

#[test]
fn a_node_is_told_with_its_resources_devices_and_tasks() {
    let service = Service::start(&scratch("nodes"), &["--mode", "act", "--speed", "0.001"]);
    let nodes = service.get("/api/v1/nodes")["items"].clone();
    let mut tasks = 0;
    for row in nodes.as_array().expect("a list") {
        let body = service.get(&format!("/api/v1/nodes/{}", row["name"].as_str().expect("a name")));
        assert_eq!(body["node"], *row);
        let on_it = body["tasks"].as_array().expect("a list");
        assert_eq!(row["tasks"].as_u64(), Some(on_it.len() as u64));
        tasks += on_it.len();
        for (at, resource) in body["resources"].as_array().expect("a list").iter().enumerate() {
            let asked: f64 = on_it.iter().filter_map(|task| task["demand"][at].as_f64()).sum();
            assert_eq!(resource["promised"].as_f64(), Some(asked), "{body}");
        }
        let devices = body["devices"].as_array().expect("a list");
        let held: f64 = devices.iter().filter_map(|device| device["held"].as_f64()).sum();
        let asked: f64 = on_it.iter().filter_map(|task| task["devices"].as_f64()).sum();
        assert!((held - asked).abs() < 1e-9, "{row}");
    }
    let status = service.get("/api/v1/status");
    assert_eq!(status["running"].as_u64(), Some(tasks as u64));
    assert_eq!(status["sources"].as_array().map(Vec::len), Some(1));
    assert_eq!(service.request("GET", "/api/v1/nodes/nowhere", "").0, 404);
}

#[test]
fn what_waits_is_grouped_by_its_reason_in_every_mode() {
    for mode in ["observe", "act"] {
        let crowded = ["--mode", mode, "--speed", "60000", "--nodes-count", "2"];
        let service = Service::start(&scratch(&format!("waiting-{mode}")), &crowded);
        let by_capacity = |body: &Value| {
            let groups = body["groups"].as_array().expect("a list");
            groups.iter().any(|group| group["code"].as_str().is_some_and(|c| c.starts_with("Insufficient")))
        };
        service.wait_for("tasks wait for room", || by_capacity(&service.get("/api/v1/waiting")));
        let body = service.get("/api/v1/waiting");
        let groups = body["groups"].as_array().expect("a list");
        let sum: u64 = groups.iter().filter_map(|group| group["tasks"].as_u64()).sum();
        assert_eq!(body["tasks"].as_u64(), Some(sum), "{body}");
        let named = groups.iter().all(|g| g["examples"].as_array().is_some_and(|names| !names.is_empty()));
        assert!(named && !groups.is_empty(), "{body}");
    }
}
