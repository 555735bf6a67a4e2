//! `lepton serve` as a process: its interface, its ends, and kills at random moments.

#![cfg(unix)]

mod common;

use std::thread;
use std::time::Duration;

use common::service::Service;
use common::{json, lepton, read, scratch, stderr, written};
use serde_json::Value;

#[test]
fn what_was_decided_is_explained_also_after_a_restart() {
    let folder = scratch("explained");
    let mut service = Service::start(&folder, &["--mode", "act", "--speed", "600"]);
    service.wait_for("a decision", || {
        !service.get("/api/v1/decisions")["items"].as_array().expect("a list").is_empty()
    });
    let newest = service.get("/api/v1/decisions?limit=1")["items"][0].clone();
    let id = newest["id"].as_str().expect("an id").to_owned();
    assert_eq!(service.end("-TERM"), Some(143));
    assert!(read(&service.errors).contains("all of them are in the store"));

    let mut service = Service::start(&folder, &["--mode", "act", "--speed", "600"]);
    let address = service.address.clone();
    let server = ["--server", &address];
    let said = lepton(&[&["explain", &id, "-o", "json"][..], &server].concat());
    assert_eq!(json(&said)["decisions"][0]["input_digest"], newest["input_digest"]);
    let text = lepton(&[&["explain", &id][..], &server].concat());
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(text.contains(newest["code"].as_str().expect("a code")), "{text}");
    for what in ["nodes", "tasks", "plans", "decisions"] {
        let listed = json(&lepton(&[&["get", what, "-o", "json"][..], &server].concat()));
        assert!(!listed["items"].as_array().expect("a list").is_empty(), "{what}");
    }
    assert_eq!(json(&lepton(&[&["status", "-o", "json"][..], &server].concat()))["mode"], "act");
    let unknown = lepton(&[&["explain", "task-x"][..], &server].concat());
    assert_eq!(unknown.status.code(), Some(2), "{}", stderr(&unknown));
    assert_eq!(service.end("-INT"), Some(130));
    let nobody = lepton(&[&["status"][..], &server].concat());
    assert_eq!(nobody.status.code(), Some(1));
    assert!(stderr(&nobody).contains("Maybe `lepton serve` does not run"), "{}", stderr(&nobody));
}

#[test]
fn every_error_is_a_problem_document_and_foreign_pages_are_refused() {
    let service = Service::start(&scratch("problems"), &[]);
    let foreign = "Host: rebound.example\r\n";
    let origin = "Origin: http://evil.example\r\n";
    let matched = "If-Match: \"0\"\r\n";
    for (method, path, more, expected) in [
        ("GET", "/nowhere", "", 404),
        ("DELETE", "/api/v1/nodes", "", 405),
        ("GET", "/api/v1/nodes?limit=0", "", 400),
        ("GET", "/api/v1/nodes?limti=1", "", 400),
        ("GET", "/api/v1/decisions?cursor=next", "", 400),
        ("GET", "/api/v1/tasks?filter=lost", "", 400),
        ("GET", "/api/v1/nodes?filter=up", "", 400),
        ("GET", "/api/v1/decisions/d1", "", 404),
        ("GET", "/api/v1/plans/p99999999999999999999", "", 404),
        ("GET", "/api/v1/explain/nothing", "", 404),
        ("GET", "/api/v1/status", foreign, 421),
        ("POST", "/api/v1/plans/p1/approve", origin, 403),
        ("POST", "/api/v1/plans/p1/approve", "", 428),
        ("POST", "/api/v1/plans/p1/approve", matched, 404),
        ("POST", "/api/v1/plans/p1/reject", matched, 400),
    ] {
        let (status, head, body) = service.request(method, path, more);
        assert_eq!(status, expected, "{method} {path}: {body}");
        assert!(head.contains("application/problem+json"), "{method} {path}: {head}");
        assert_eq!(body["status"], expected, "{body}");
        assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{body}");
    }
    let metrics = service.get("/metrics");
    let metrics = metrics.as_str().expect("text");
    for name in [
        "lepton_turns_total ",
        "lepton_build_info{version=",
        "lepton_turn_duration_seconds_bucket{le=\"+Inf\"}",
    ] {
        assert!(metrics.contains(name), "{name} is not among {metrics}");
    }
    assert_eq!(service.get("/api/v1/openapi.json")["openapi"], "3.1.0");
}

#[test]
fn pages_of_a_list_hold_every_row_once() {
    let service = Service::start(&scratch("pages"), &["--mode", "act", "--speed", "0.001"]);
    for list in ["nodes", "tasks", "decisions"] {
        let whole = service.get(&format!("/api/v1/{list}?limit=1000"))["items"].clone();
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = service.get(&format!("/api/v1/{list}?limit=7{cursor}"));
            items.extend(page["items"].as_array().expect("a list").clone());
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert!(items.len() > 7 && Value::Array(items) == whole, "{list}");
    }
}

#[test]
fn load_is_told_now_over_time_and_expected() {
    let folder = scratch("load");
    // Hours are over in a moment.
    let service = Service::start(&folder, &["--mode", "act", "--speed", "60000"]);
    let known = |body: &Value| {
        !body["expected"].is_null() && body["over_time"].as_array().is_some_and(|m| m.len() > 4)
    };
    service.wait_for("an hour of load", || known(&service.get("/api/v1/load")));
    let body = service.get("/api/v1/load");
    let resources = body["now"]["resources"].as_array().expect("a list");
    let names: Vec<&str> = resources.iter().filter_map(|r| r["resource"].as_str()).collect();
    assert_eq!(names, ["cpu_millicores", "memory_mib", "devices"]);
    for r in resources {
        let figure = |name: &str| r[name].as_f64().expect("a number");
        assert!((figure("allocated") - figure("used") - figure("gap")).abs() < 1e-9, "{r}");
    }
    let (expected, nodes) = (&body["expected"], &service.get("/api/v1/nodes?limit=1000")["items"]);
    assert_eq!(expected["horizon_seconds"], 3600);
    assert!(
        expected["series"].as_u64() > Some(0) && expected["young"].as_u64() <= expected["series"].as_u64()
    );
    for node in nodes.as_array().expect("a list").iter().filter(|n| n["state"] == "up") {
        assert!(node["expected_peak"].as_f64() >= node["used"].as_f64(), "{node}");
        assert!(node["failure_probability_day"].as_f64() >= node["failure_probability"].as_f64(), "{node}");
    }
    let times: Vec<u64> = (body["over_time"].as_array().expect("a list").iter())
        .filter_map(|m| m["time_seconds"].as_u64())
        .collect();
    assert!(times.windows(2).all(|pair| pair[1] == pair[0] + 900), "{times:?}");
    let said = String::from_utf8(lepton(&["load", "--server", &service.address]).stdout).expect("text");
    for word in ["cpu_millicores", "hot", "cold", "bottleneck", "stranded", "fragmentation", "expected"] {
        assert!(said.contains(word), "{word}: {said}");
    }
}

#[test]
fn a_kill_at_any_moment_leaves_a_store_from_which_the_loop_goes_on() {
    let folder = scratch("killed");
    let more = ["--mode", "act", "--speed", "6000"];
    let (mut chance, mut last_seconds) = (20_260_802_u64, 0);
    for kill in 0..8 {
        let mut service = Service::start(&folder, &more);
        let status = service.get("/api/v1/status");
        let seconds = status["time_seconds"].as_u64().expect("a number");
        assert!(kill == 0 || seconds > last_seconds, "kill {kill}: {seconds} s after {last_seconds} s");
        assert_eq!(status["state"], "ok", "kill {kill}: {status}");
        last_seconds = seconds;
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        thread::sleep(Duration::from_millis((chance >> 33) % 400));
        assert_eq!(service.end("-KILL"), None);
    }
    let service = Service::start(&folder, &more);
    let decisions = service.get("/api/v1/decisions?limit=1000")["items"].clone();
    let decisions = decisions.as_array().expect("a list");
    let mut ids: Vec<&str> = decisions.iter().filter_map(|d| d["id"].as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert!(ids.len() == decisions.len() && ids.len() > 10, "a decision is there twice, or none is");
}

#[test]
fn a_second_service_is_refused_the_store_and_a_wrong_setting_is_named() {
    let folder = scratch("second");
    let service = Service::start(&folder, &[]);
    let second =
        lepton(&["serve", "--listen", "127.0.0.1:0", "--state-dir", &folder, "--source", "simulation"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(stderr(&second).contains("in use by another process"), "{}", stderr(&second));
    let taken = lepton(&["serve", "--listen", &service.address, "--state-dir", &scratch("third")]);
    assert_eq!(taken.status.code(), Some(2), "{}", stderr(&taken));
    drop(service);
    let other = lepton(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--state-dir",
        &folder,
        "--source",
        "simulation",
        "--nodes-count",
        "11",
    ]);
    assert_eq!(other.status.code(), Some(2));
    let said = stderr(&other);
    assert!(said.contains("another simulated cluster: `nodes_count` was 10, asked for is 11."), "{said}");
    let file = written("wrong.toml", "mode = \"act\"\nspede = 3\n");
    let wrong = lepton(&["serve", "--config", &file]);
    assert_eq!(wrong.status.code(), Some(2));
    let said = stderr(&wrong);
    assert!(
        said.contains("line 2: there is no setting `spede`") && said.contains("Maybe `speed` is meant"),
        "{said}"
    );
}

#[test]
fn a_recommended_plan_is_approved_from_the_command_line() {
    let service = Service::start(
        &scratch("approved"),
        &["--mode", "recommend", "--speed", "6000", "--nodes-count", "40"],
    );
    let server = ["--server", &service.address];
    // Plans come and go while time passes fast: one that went before the answer is told as stale, and the next one is tried.
    service.wait_for("a plan is approved", || {
        let open = service.get("/api/v1/status")["open_plan"].clone();
        let Some(id) = open.as_str() else { return false };
        let said = lepton(&[&["plan", "approve", id, "-o", "json"][..], &server].concat());
        if said.status.code() == Some(3) {
            return false;
        }
        assert_eq!(json(&said)["state"], "approved");
        let plan = service.get(&format!("/api/v1/plans/{id}"));
        assert_eq!((&plan["state"], &plan["decided_by"]), (&"approved".into(), &"local".into()));
        true
    });
}

#[test]
fn a_settings_file_is_checked_and_each_value_says_where_it_comes_from() {
    let file = written("checked.toml", "source = \"simulation\"\n\n[simulation]\nseed = 11\n");
    let rows = json(&lepton(&["config", "check", &file, "-o", "json"]));
    let of = |name: &str| {
        let row = rows.as_array().expect("a list").iter().find(|row| row["name"] == name).expect("a setting");
        (row["value"].clone(), row["origin"].as_str().expect("a text").to_owned())
    };
    assert_eq!(of("simulation.seed"), (11.into(), format!("{file}, line 4")));
    assert_eq!(of("mode"), ("observe".into(), "default".to_owned()));
    let whole = written("whole.toml", lepton(&["config", "init"]).stdout);
    let table = lepton(&["config", "check", &whole]);
    assert!(table.status.success(), "{}", stderr(&table));
    let schema = json(&lepton(&["config", "schema"]));
    assert_eq!(schema["properties"]["listen"]["type"], "string");
    for (text, said) in [
        ("spede = 3", "Maybe `speed` is meant"),
        ("mode = \"act\"\nsource = \"host\"", "only looked at"),
        ("mode = ", "line 1"),
    ] {
        let wrong = lepton(&["config", "check", &written("unsound.toml", text)]);
        assert_eq!(wrong.status.code(), Some(2));
        assert!(stderr(&wrong).contains(said), "{}", stderr(&wrong));
    }
}

#[test]
fn the_ledger_adds_up_to_the_capacity_also_over_a_restart() {
    let folder = scratch("ledger");
    let more = ["--mode", "act", "--speed", "60000"];
    let mut service = Service::start(&folder, &more);
    let ledger = |service: &Service, query: &str| service.get(&format!("/api/v1/ledger?{query}"));
    service.wait_for("three hours", || {
        ledger(&service, "hours=24")["observed_seconds"].as_u64() > Some(3 * 3600)
    });
    assert_eq!(service.end("-TERM"), Some(143));
    let service = Service::start(&folder, &more);
    let figure = |row: &Value, name: &str| row[name].as_f64().unwrap_or(0.0);
    let stranded = |row: &Value| {
        row["stranded_hours"].as_object().into_iter().flatten().filter_map(|(_, of)| of.as_f64()).sum::<f64>()
    };
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-6 * a.abs().max(1.0);
    let by_node = ledger(&service, "by=node&from=0&to=10800");
    assert_eq!(by_node["observed_seconds"], 10_800, "every second of the first three hours, once: {by_node}");
    let items = by_node["items"].as_array().expect("a list");
    let capacity: f64 = service.get("/api/v1/nodes?limit=1000")["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|node| figure(node, "devices"))
        .sum();
    for total in by_node["total"].as_array().expect("a list") {
        let of = |name: &str| {
            items
                .iter()
                .filter(|row| row["resource"] == total["resource"])
                .map(|row| figure(row, name))
                .sum::<f64>()
        };
        for name in ["capacity_hours", "used_hours", "idle_hours", "lost_hours"] {
            assert!(close(of(name), figure(total, name)), "{name}: {total}");
        }
        let accounts =
            ["used_hours", "unused_hours", "beyond_hours", "moves_hours", "lost_hours", "idle_hours"];
        let sum = accounts.map(|name| figure(total, name)).iter().sum::<f64>() + stranded(total);
        assert!(close(sum, figure(total, "capacity_hours")), "{total}");
        if total["resource"] == "devices" {
            assert!(close(figure(total, "capacity_hours"), 3.0 * capacity), "{total}");
            assert!(figure(total, "used_hours") > 0.0, "{total}");
        }
    }
    let by_owner = ledger(&service, "by=owner&from=0&to=10800");
    for total in by_owner["total"].as_array().expect("a list") {
        let owners = by_owner["items"].as_array().expect("a list").iter();
        let held = owners
            .filter(|row| row["resource"] == total["resource"])
            .map(|row| figure(row, "capacity_hours"));
        assert!(
            close(held.sum(), figure(total, "allocated_hours") + figure(total, "beyond_hours")),
            "{total}"
        );
    }
    for (query, said) in [
        ("by=team", "none of node, owner"),
        ("hours=0", "not from 1 to 2208"),
        ("from=9&to=9", "not before"),
        ("from=0&hours=3", "both say"),
    ] {
        let (status, _, problem) = service.request("GET", &format!("/api/v1/ledger?{query}"), "");
        assert!(status == 400 && problem["detail"].as_str().is_some_and(|of| of.contains(said)), "{problem}");
    }
    let shown = lepton(&["ledger", "--by", "owner", "--resource", "devices", "--server", &service.address]);
    let shown = String::from_utf8(shown.stdout).expect("text");
    for word in ["all", "devices", "capacity", "stranded", "were observed"] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
}

#[test]
fn settings_are_read_again_on_sighup_as_far_as_they_can_be_taken_over() {
    let file = scratch("again.toml");
    let settings = |mode: &str, seed: u32| {
        format!(
            "mode = \"{mode}\"\nspeed = 600\nsource = \"simulation\"\n[simulation]\nnodes_count = 10\nseed = {seed}\n"
        )
    };
    std::fs::write(&file, settings("observe", 7)).expect("writable");
    let folder = scratch("again");
    let mut service = Service::start_of(&folder, &["--config", &file], "");
    let hang_up = |service: &Service| {
        let id = service.child.id().to_string();
        let killed = std::process::Command::new("kill").args(["-HUP", &id]).status();
        assert!(killed.is_ok_and(|status| status.success()));
    };
    let is_in = |service: &Service, mode: &str| service.get("/api/v1/status")["mode"] == mode;
    assert!(is_in(&service, "observe"));
    for mode in ["act", "recommend", "act"] {
        std::fs::write(&file, settings(mode, 8)).expect("writable");
        hang_up(&service);
        service.wait_for("the mode is taken over", || is_in(&service, mode));
    }
    service.wait_for("a decision", || {
        service.get("/api/v1/decisions")["items"].as_array().is_some_and(|d| !d.is_empty())
    });
    let said = || read(&service.errors);
    assert!(said().contains("`mode` is now act; `simulation.seed` needs a restart"), "{}", said());
    std::fs::write(&file, "mode = \"brave\"\n").expect("writable");
    hang_up(&service);
    service.wait_for("the refusal", || said().contains("the settings stay as they were"));
    assert!(said().contains("expected observe, recommend or act"), "{}", said());
    assert!(is_in(&service, "act"));
    // What happened under each mode is lived again.
    assert_eq!(service.end("-TERM"), Some(143));
    std::fs::write(&file, settings("act", 7)).expect("writable");
    let service = Service::start_of(&folder, &["--config", &file], "");
    assert_eq!(service.get("/api/v1/status")["state"], "ok");
}
