//! What is asked of a running `lepton serve`: why not there, what if, plans without some of their parts.

#![cfg(unix)]

mod common;

use common::service::Service;
use common::{json, lepton, scratch, stderr};
use serde_json::Value;

fn said(service: &Service, args: &[&str]) -> String {
    let output = lepton(&[args, &["--server", &service.address]].concat());
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn a_waiting_task_is_told_what_would_have_to_change() {
    // Few nodes, much work: soon something waits, and time then nearly stands still.
    let folder = scratch("waiting");
    let mut service = Service::start(&folder, &["--mode", "act", "--speed", "60000", "--nodes-count", "2"]);
    let waiting = |service: &Service| service.get("/api/v1/tasks?filter=waiting")["items"].clone();
    service.wait_for("a task waits", || !waiting(&service)[2].is_null());
    assert_eq!(service.end("-TERM"), Some(143));
    let service = Service::start(&folder, &["--mode", "act", "--speed", "0.001", "--nodes-count", "2"]);
    let waits = waiting(&service);
    let nodes = service.get("/api/v1/nodes")["items"].clone();
    let mut remedies = 0;
    for task in waits.as_array().expect("a list") {
        let name = task["name"].as_str().expect("a name");
        for node in nodes.as_array().expect("a list") {
            let node = node["name"].as_str().expect("a name");
            let body = service.get(&format!("/api/v1/explain/{name}?why_not={node}"));
            let why_not = &body["why_not"];
            let obstacles = why_not["obstacles"].as_array().expect("a list");
            assert_eq!(why_not["fits"], obstacles.is_empty(), "{body}");
            assert_eq!(body["sentence"], why_not["sentence"]);
            remedies += why_not["would_fit"].as_array().map_or(0, Vec::len);
        }
    }
    assert!(remedies > 0, "something can be changed for one of them");
    let name = waits[0]["name"].as_str().expect("a name");
    let node = nodes[0]["name"].as_str().expect("a name");
    let text = said(&service, &["explain", name, "--why-not", node]);
    assert!(text.contains(node), "{text}");
    for (path, expected) in [
        (format!("/api/v1/explain/{name}?why_not=nowhere"), 404),
        (format!("/api/v1/explain/{node}?why_not={node}"), 400),
        (format!("/api/v1/explain/{name}?whynot={node}"), 400),
    ] {
        assert_eq!(service.request("GET", &path, "").0, expected, "{path}");
    }
}

#[test]
fn what_if_is_answered_from_the_live_cluster_and_changes_nothing() {
    let service = Service::start(&scratch("what-if"), &["--mode", "act", "--speed", "0.001"]);
    let before = service.get("/api/v1/tasks?limit=1000");
    let nodes = service.get("/api/v1/nodes")["items"].clone();
    let busy =
        nodes.as_array().expect("a list").iter().max_by_key(|node| node["tasks"].as_u64()).expect("nodes");
    let name = busy["name"].as_str().expect("a name");
    let drained = json(&lepton(&["whatif", "--drain", name, "-o", "json", "--server", &service.address]));
    let concerned = drained["concerned"].as_array().expect("a list").len();
    let stay = drained["stay"].as_array().expect("a list").len();
    assert_eq!((concerned + stay) as u64, busy["tasks"].as_u64().expect("a number"), "{drained}");
    let elsewhere = |task: &Value| task["node"] != *name;
    assert!(drained["concerned"].as_array().expect("a list").iter().all(elsewhere), "{drained}");
    let grown = format!("{name}x3");
    let text =
        said(&service, &["whatif", "--add", &grown, "--demand", "cpu_millicores=1000", "--count", "2"]);
    assert!(text.contains("2 of 2 tasks concerned would find a place"), "{text}");
    let policy = said(&service, &["whatif", "--policy", "best-fit"]);
    assert!(policy.contains("with the change"), "{policy}");
    for wrong in [vec!["--policy", "best"], vec!["--drain", "nowhere"], vec![]] {
        let output = lepton(&[&["whatif"][..], &wrong, &["--server", &service.address]].concat());
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    }
    assert_eq!(service.get("/api/v1/tasks?limit=1000"), before, "nothing was touched");
}

#[test]
fn a_plan_is_made_smaller_and_what_is_left_is_approved() {
    let service = Service::start(
        &scratch("derived"),
        &["--mode", "recommend", "--speed", "6000", "--nodes-count", "40"],
    );
    // Plans come and go while time passes fast: what went before the answer is tried again with the next one.
    service.wait_for("a plan is derived and approved", || {
        let open = service.get("/api/v1/status")["open_plan"].clone();
        let Some(id) = open.as_str() else { return false };
        let plan = service.get(&format!("/api/v1/plans/{id}"));
        let parts = plan["parts"].as_array().expect("a list");
        let Some(part) = parts.get(1) else { return false };
        let key = part["key"].as_str().expect("a key");
        let derive = |keys: &str| {
            lepton(&["plan", "derive", id, "--without", keys, "-o", "json", "--server", &service.address])
        };
        let output = derive(key);
        if matches!(output.status.code(), Some(2 | 3)) {
            return false;
        }
        let derived = json(&output);
        let new = derived["id"].as_str().expect("an id");
        assert!(!derived["parts"].as_array().expect("a list").contains(&part["key"]), "{derived}");
        let old = service.get(&format!("/api/v1/plans/{id}"));
        assert_eq!((&old["state"], &old["successor"]), (&"superseded".into(), &new.into()));
        assert!(said(&service, &["plan", "diff", id, new]).contains("- "));
        assert!(said(&service, &["plan", "show", new]).contains("effects: "));
        assert!(said(&service, &["plan", "list"]).contains(new));
        lepton(&["plan", "approve", new, "--server", &service.address]).status.success()
    });
}
