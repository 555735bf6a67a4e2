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
            let weighed = why_not["weighed"].as_array().expect("a list");
            assert!(
                weighed.iter().all(|of| of["node"] == node) && weighed.len() <= 1,
                "it stands nowhere: {body}"
            );
            assert!(weighed.is_empty() || obstacles.is_empty(), "{body}");
        }
    }
    // A task that stands somewhere is weighed there too.
    let running = service.get("/api/v1/tasks?filter=running")["items"][0].clone();
    let (name, stands) = (running["name"].as_str().expect("a name"), &running["node"]);
    for node in nodes.as_array().expect("a list") {
        let node = node["name"].as_str().expect("a name");
        let body = service.get(&format!("/api/v1/explain/{name}?why_not={node}"));
        let weighed = body["why_not"]["weighed"].as_array().expect("a list");
        assert!(weighed.iter().any(|of| of["node"] == *stands && of["score"].is_number()), "{body}");
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
    let folder = scratch("derived");
    let at_speed = |speed: &str| {
        Service::start(&folder, &["--mode", "recommend", "--speed", speed, "--nodes-count", "40"])
    };
    let mut service = at_speed("6000");
    service.wait_for("a plan has parts", || {
        let open = service.get("/api/v1/status")["open_plan"].clone();
        open.as_str().is_some_and(|id| service.get(&format!("/api/v1/plans/{id}"))["parts"][3].is_object())
    });
    // While time passes fast a plan is gone before it is answered.
    assert_eq!(service.end("-TERM"), Some(143));
    let service = at_speed("60");
    // What went before the answer is tried again with the next one.
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

#[test]
fn the_nodes_behind_each_rule_of_a_decision_are_named_and_all_of_now_come_page_by_page() {
    let folder = scratch("behind");
    let service = Service::start(&folder, &["--mode", "act", "--speed", "6000", "--nodes-count", "40"]);
    let waits = || {
        let decisions = service.get("/api/v1/decisions?limit=1000")["items"].clone();
        let all = decisions.as_array().expect("a list").clone();
        all.into_iter().find(|d| d["action"] == "wait" && d["ruled_out"][0]["nodes"].as_u64() > Some(1))
    };
    service.wait_for("a task waits", || waits().is_some());
    let decision = waits().expect("it is kept");
    let nodes = service.get("/api/v1/nodes?limit=1000")["items"].clone();
    let is_node = |name: &Value| nodes.as_array().expect("a list").iter().any(|node| node["name"] == *name);
    for rule in decision["ruled_out"].as_array().expect("a list") {
        let named = rule["named"].as_array().expect("a list");
        assert_eq!(named.len() as u64, rule["nodes"].as_u64().expect("a number").min(24), "{rule}");
        assert!(named.iter().all(is_node), "{rule}");
    }
    let id = decision["id"].as_str().expect("a name");
    assert!(said(&service, &["explain", id]).contains("nodes ruled out by"));
    // The task that waits may be gone by now; one that is there answers for the pages.
    let task = service.get("/api/v1/tasks?limit=1")["items"][0]["name"].as_str().expect("a task").to_owned();
    let code = decision["ruled_out"][0]["rule"].as_str().expect("a code");
    let (status, _, problem) =
        service.request("GET", &format!("/api/v1/tasks/{task}/ruled-out?rule=Nothing"), "");
    assert!(status == 400 && problem["detail"].as_str().expect("text").contains("NodeNotReady"), "{problem}");
    let (status, ..) = service.request("GET", &format!("/api/v1/tasks/no-task/ruled-out?rule={code}"), "");
    assert_eq!(status, 404);
    let folder = scratch("pages-of-nodes");
    let service = Service::start(&folder, &["--mode", "act", "--speed", "0.001", "--nodes-count", "40"]);
    service.wait_for("a turn", || service.get("/api/v1/status")["running"].as_u64() > Some(0));
    let tasks = service.get("/api/v1/tasks?limit=1000")["items"].clone();
    let mut pages = 0;
    for task in tasks.as_array().expect("a list").iter().take(20) {
        let path = format!(
            "/api/v1/tasks/{}/ruled-out?rule=InsufficientDevices",
            task["name"].as_str().expect("a name")
        );
        let all = service.get(&format!("{path}&limit=1000"));
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = service.get(&format!("{path}&limit=3{cursor}"));
            found.extend(page["items"].as_array().expect("a list").clone());
            pages += 1;
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(
            (Value::from(found), &all["nodes"]),
            (all["items"].clone(), &all["items"].as_array().expect("a list").len().into())
        );
    }
    assert!(pages > 20, "some have more than one page");
}

#[test]
fn what_is_expected_of_nodes_stands_beside_their_past() {
    let service =
        Service::start(&scratch("fans"), &["--mode", "act", "--speed", "60000", "--nodes-count", "40"]);
    service.wait_for("forecasts of which the hour is over", || {
        service.get("/api/v1/forecast")["items"][0]["judged"].as_u64() > Some(10)
    });
    let body = service.get("/api/v1/forecast");
    assert_eq!(body["levels"], serde_json::json!([0.5, 0.9, 0.95]));
    let items = body["items"].as_array().expect("a list");
    assert_eq!(items.len(), 6, "those with the highest peaks");
    for item in items {
        let numbers = |name: &str| -> Vec<f64> {
            item[name].as_array().expect("a list").iter().filter_map(Value::as_f64).collect()
        };
        let (expected, used) = (numbers("expected"), numbers("used"));
        assert!(expected.len() == 3 && expected.is_sorted(), "{item}");
        assert_eq!(
            (used.len(), used.len()),
            (numbers("times_seconds").len(), numbers("expected_peak").len())
        );
        assert!(numbers("times_seconds").is_sorted());
        assert!(item["covered"].as_f64().is_some_and(|share| (0.0..=1.0).contains(&share)), "{item}");
    }
    let named = service.get("/api/v1/forecast?nodes=node-000003,node-000001");
    assert_eq!(
        (&named["items"][0]["node"], &named["items"][1]["node"]),
        (&"node-000003".into(), &"node-000001".into())
    );
    assert_eq!(service.request("GET", "/api/v1/forecast?nodes=nowhere", "").0, 404);
    assert_eq!(service.request("GET", "/api/v1/forecast?nodes=,", "").0, 400);
}

#[test]
fn a_plan_is_put_off_from_the_command_line_and_taken_up_again() {
    let service = Service::start(
        &scratch("put-off"),
        &["--mode", "recommend", "--speed", "600", "--nodes-count", "40"],
    );
    let mut put_off = String::new();
    service.wait_for("a plan is put off", || {
        let open = service.get("/api/v1/status")["open_plan"].clone();
        let Some(id) = open.as_str() else { return false };
        let words = ["plan", "snooze", id, "--minutes", "600", "--reason", "after the run"];
        id.clone_into(&mut put_off);
        lepton(&[&words[..], &["--server", &service.address]].concat()).status.success()
    });
    assert_eq!(service.get(&format!("/api/v1/plans/{put_off}"))["state"], "snoozed");
    let listed = said(&service, &["plan", "snoozes"]);
    assert!(
        listed.contains("s1") && listed.contains(&put_off) && listed.contains("after the run"),
        "{listed}"
    );
    assert!(said(&service, &["plan", "unsnooze", "s1"]).contains("s1 is ended"));
    let output = lepton(&["plan", "unsnooze", "s1", "--server", &service.address]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let audit = service.get("/api/v1/audit")["items"].to_string();
    assert!(audit.contains("plan.snooze") && audit.contains("snooze.end"), "{audit}");
}

#[test]
fn what_waits_is_told_when_it_is_expected_to_start_and_how_far_that_held() {
    let folder = scratch("starts");
    let options = ["--mode", "act", "--speed", "60000", "--nodes-count", "6"];
    let mut service = Service::start(&folder, &options);
    let judged = |service: &Service| service.get("/api/v1/status")["starts"]["judged"].as_u64().unwrap_or(0);
    service.wait_for("starts are judged", || judged(&service) >= 20);
    let told = |service: &Service| {
        let waiting = service.get("/api/v1/tasks?filter=waiting")["items"].clone();
        let told =
            waiting.as_array().expect("a list").iter().find(|task| task["starts"].is_object()).cloned();
        told.map(|task| task["name"].as_str().expect("a name").to_owned())
    };
    // It may start between the two questions.
    service.wait_for("a waiting task is told", || {
        let Some(name) = told(&service) else { return false };
        let starts = &service.get(&format!("/api/v1/explain/{name}"))["starts"];
        let sentence = starts["sentence"].as_str().unwrap_or_default();
        sentence.starts_with("It is expected to start in about")
            && starts["judged"]["judged"].as_u64() >= Some(20)
    });
    let metrics = service.get("/metrics");
    assert!(metrics.as_str().is_some_and(|of| of.contains("lepton_starts_judged_total")), "{metrics}");
    // How far it held is known after a restart too, up to the last turns.
    assert_eq!(service.end("-TERM"), Some(143));
    let service = Service::start(&folder, &options);
    assert!(judged(&service) > 0);
}
