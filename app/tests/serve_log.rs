//! What a service says and keeps of what is done with it: the log without secrets, the audit with whatever was tried, limits on asking, and
//! settings from the environment.

#![cfg(unix)]

mod common;

use std::process::Command;

use common::service::Service;
use common::{json, lepton, read, scratch, stderr, written};
use serde_json::Value;

fn token(folder: &str, name: &str, role: &str) -> String {
    let made = lepton(&["token", "create", "--name", name, "--role", role, "--state-dir", folder]);
    String::from_utf8(made.stdout).expect("text").trim().to_owned()
}

fn bearing(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

/// Options of a small simulated cluster that asks for tokens.
const ASKING: [&str; 5] = ["--source", "simulation", "--nodes-count", "10", "--require-tokens"];

#[test]
fn every_line_of_the_log_is_a_document_and_no_secret_is_in_one() {
    let folder = scratch("log");
    let admin = token(&folder, "ann", "admin");
    let wrong = "lpt_0badbad0_wrong-and-still-not-to-be-told";
    let more = ["--mode", "act", "--speed", "6000", "--log-format", "json", "--log-level", "trace"];
    let mut service = Service::start_of(&folder, &[&ASKING[..], &more].concat(), &bearing(&admin));
    assert_eq!(service.request("GET", "/api/v1/nodes", &bearing(wrong)).0, 401);
    assert_eq!(service.request("GET", &format!("/api/v1/status?token={admin}"), &bearing(&admin)).0, 200);
    let turns = || service.request("GET", "/api/v1/status", &bearing(&admin)).2["turn"].as_u64();
    service.wait_for("some turns", || turns() > Some(20));
    assert_eq!(service.end("-TERM"), Some(143));

    let said = read(&service.errors);
    for secret in [&admin, admin.rsplit('_').next().expect("three parts"), wrong] {
        assert!(!said.contains(secret), "{said}");
    }
    let lines: Vec<Value> =
        said.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    for line in &lines {
        for field in ["timestamp", "level", "message"] {
            assert!(line[field].is_string(), "{field} is missing in {line}");
        }
    }
    let of = |message: &str| lines.iter().filter(|line| line["message"] == message).collect::<Vec<_>>();
    let turns = of("turn");
    assert!(turns.len() > 20);
    for field in
        ["turn", "time_seconds", "turn_seconds", "planned_steps", "steps_done", "waiting", "hot_nodes"]
    {
        assert!(turns.iter().all(|turn| turn[field].is_number()), "{field}: {}", turns[0]);
    }
    let is_level = |turn: &&&Value| (turn["steps_done"].as_u64() > Some(0)) == (turn["level"] == "INFO");
    assert!(
        turns.iter().all(|turn| is_level(&turn) || turn["steps_refused"] != 0),
        "what did something is info"
    );
    let refused = of("request").into_iter().find(|line| line["status"] == 401).expect("it is logged");
    assert_eq!((&refused["path"], &refused["actor"]), (&"/api/v1/nodes".into(), &"".into()), "{refused}");
    assert!(
        of("request").iter().any(|line| line["actor"].as_str().is_some_and(|of| of.starts_with("ann (")))
    );
    let last = lines.last().expect("it said something")["message"].as_str().expect("text").to_owned();
    assert!(last.contains("all of them are in the store"), "{last}");
}

#[test]
fn the_audit_has_what_was_done_what_was_refused_and_tokens_each_once() {
    let folder = scratch("audit");
    let [viewer, operator, admin] = [("vic", "viewer"), ("olga", "operator"), ("ann", "admin")]
        .map(|(name, role)| token(&folder, name, role));
    let more = ["--mode", "recommend", "--speed", "6000"];
    let start = || Service::start_of(&folder, &[&ASKING[..], &more].concat(), &bearing(&admin));
    let mut service = start();
    let matched = "If-Match: \"0123\"\r\n";
    let say = |service: &Service, token: &str| {
        service.request("POST", "/api/v1/plans/p999999/approve", &format!("{}{matched}", bearing(token))).0
    };
    assert_eq!((say(&service, &viewer), say(&service, &operator)), (403, 404));
    let id = viewer.split('_').nth(1).expect("an id").to_owned();
    assert!(lepton(&["token", "revoke", &id, "--state-dir", &folder]).status.success());
    let file = written("admin.token", &admin);
    let audit = |service: &Service| {
        let words = ["get", "audit", "-o", "json", "--server", &service.address, "--token-file", &file];
        json(&lepton(&words))["items"].as_array().expect("a list").clone()
    };
    let has = |items: &[Value], action: &str, actor: &str, target: &str, detail: &str| {
        let text = |of: &Value, name: &str| of[name].as_str().expect("text").to_owned();
        let same = |of: &&Value| {
            text(of, "action") == action
                && text(of, "actor").starts_with(actor)
                && text(of, "target").starts_with(target)
                && text(of, "detail").contains(detail)
        };
        items.iter().filter(same).count()
    };
    service
        .wait_for("the token is gone", || has(&audit(&service), "token.revoke", "local", "vic (", "") == 1);
    assert_eq!(service.end("-TERM"), Some(143));

    // While nobody serves.
    token(&folder, "late", "viewer");
    let service = start();
    service.wait_for("the late one is known", || {
        has(&audit(&service), "token.create", "local", "late (", "") == 1
    });
    let items = audit(&service);
    let refused = "POST /api/v1/plans/p999999/approve";
    assert_eq!(
        has(&items, refused, "vic (", "service", "refused: this needs the role operator"),
        1,
        "{items:?}"
    );
    assert_eq!(
        has(&items, "plan.approve", "olga (", "p999999", "refused: there is no such plan"),
        1,
        "{items:?}"
    );
    for (name, role) in [("vic", "viewer"), ("olga", "operator"), ("ann", "admin"), ("late", "viewer")] {
        let (target, role) = (format!("{name} ("), format!("role {role}"));
        assert_eq!(has(&items, "token.create", "local", &target, &role), 1, "{name}: {items:?}");
    }
    assert_eq!(has(&items, "token.revoke", "", "", ""), 1, "{items:?}");
    let shown = lepton(&["get", "audit", "--server", &service.address, "--token-file", &file]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("token.revoke"), "{}", stderr(&shown));
}

#[test]
fn whoever_asks_too_much_is_told_when_to_ask_again() {
    let settings = written("limits.toml", "requests_per_second = 20\n");
    let service = Service::start(&scratch("limits"), &["--config", &settings]);
    let ask = |path: &str| service.request("GET", path, "");
    let answers: Vec<_> = (0..200).map(|_| ask("/api/v1/waiting")).collect();
    let (_, head, body) = answers.iter().find(|answer| answer.0 == 429).expect("some are too many");
    assert!(head.to_lowercase().contains("retry-after: 1\r\n"), "{head}");
    assert!(
        head.contains("application/problem+json") && body["type"] == "/problems/too-many-requests",
        "{head}"
    );
    assert!(answers.iter().all(|answer| [200, 429].contains(&answer.0)));
    assert!((0..50).all(|_| ask("/livez").0 == 200), "that it lives is told always");
    service.wait_for("it is let in again", || ask("/api/v1/waiting").0 == 200);
}

#[test]
fn variables_of_the_environment_are_settings_and_say_so() {
    let settings = written("environment.toml", "mode = \"observe\"\nspeed = 5\n");
    let run = |words: &[&str], name: &str, value: &str| {
        let binary = env!("CARGO_BIN_EXE_lepton");
        Command::new(binary)
            .args(words)
            .env(name, value)
            .output()
            .expect("the binary was built for this test")
    };
    let checked = json(&run(&["config", "check", &settings, "-o", "json"], "LEPTON_SPEED", "9"));
    let of = |name: &str| {
        let row =
            checked.as_array().expect("a list").iter().find(|row| row["name"] == name).expect("it is there");
        (row["value"].clone(), row["origin"].as_str().expect("text").to_owned())
    };
    assert_eq!(of("speed"), (9.0.into(), "the variable LEPTON_SPEED".to_owned()));
    assert!(of("mode").1.ends_with("environment.toml, line 1"), "{:?}", of("mode"));
    assert_eq!(of("fresh_seconds").1, "default");
    let folder = scratch("environment");
    let serve = ["serve", "--listen", "127.0.0.1:0", "--turns", "1", "--state-dir", &folder];
    let served = run(&serve, "LEPTON_SOURCE", "simulation");
    assert!(served.status.success(), "{}", stderr(&served));
    let wrong = run(&serve, "LEPTON_MODE", "brave");
    assert_eq!(wrong.status.code(), Some(2));
    let expected = "the variable LEPTON_MODE, value `brave`: expected observe, recommend or act";
    assert!(stderr(&wrong).contains(expected), "{}", stderr(&wrong));
}
