//! Who may do what: every route of the interface's description, with no token, a wrong one, one that has expired, and a viewer's.

#![cfg(unix)]

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use common::service::Service;
use common::{json, lepton, read, scratch, stderr};
use serde_json::Value;

fn made(folder: &str, name: &str, role: &str) -> String {
    let output = lepton(&["token", "create", "--name", name, "--role", role, "--state-dir", folder]);
    assert!(output.status.success(), "{}", stderr(&output));
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// Makes the token of that name one that has expired.
fn expire(folder: &str, name: &str) {
    let path = format!("{folder}/tokens.json");
    let mut tokens: Value = serde_json::from_str(&read(&path)).expect("JSON");
    let list = tokens.as_array_mut().expect("a list");
    list.iter_mut()
        .filter(|token| token["name"] == name)
        .for_each(|token| token["expires_unix_seconds"] = 1.into());
    std::fs::write(&path, tokens.to_string()).expect("writable");
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

/// A service that asks for tokens, its folder, and the tokens of a viewer, an operator, an admin, and one that has expired.
fn guarded(name: &str, more: &[&str]) -> (Service, String, [String; 4]) {
    let folder = scratch(name);
    let tokens = [("vera", "viewer"), ("otto", "operator"), ("ada", "admin"), ("old", "admin")];
    let tokens = tokens.map(|(name, role)| made(&folder, name, role));
    expire(&folder, "old");
    let service = Service::start_with(&folder, &[&["--require-tokens"], more].concat(), &bearer(&tokens[0]));
    (service, folder, tokens)
}

#[test]
fn every_route_asks_for_a_token_and_a_viewer_changes_nothing() {
    let (service, _, [viewer, operator, admin, expired]) = guarded("routes", &["--mode", "recommend"]);
    let api: Value = serde_json::from_str(include_str!("../../docs/openapi.json")).expect("JSON");
    let mut routes = 0;
    for (path, methods) in api["paths"].as_object().expect("paths") {
        let path = path.replace("{id}", "p1").replace("{name}", "node-0001");
        for method in methods.as_object().expect("methods").keys() {
            let method = method.to_uppercase();
            let status = |token: &str| {
                let (status, head, _) = service.request(&method, &path, token);
                let problem = head.contains("application/problem+json");
                assert!(status < 400 || problem, "{method} {path}: {head}");
                status
            };
            if path == "/api/v1/stream" {
                assert_eq!(status(""), 401, "{method} {path}");
                continue;
            }
            // Probes have no token.
            if path == "/livez" || path == "/readyz" {
                assert_eq!(status(""), 200, "{path}");
                continue;
            }
            routes += 1;
            // One of them for each route: who sends too many of them is not listened to for a while.
            let wrong = [bearer("lpt_1_2"), bearer(&expired), "Authorization: Basic eDp5\r\n".to_owned()];
            for token in [String::new(), wrong[routes % wrong.len()].clone()] {
                assert_eq!(status(&token), 401, "{method} {path} {token}");
            }
            let changes = method != "GET" && path != "/api/v1/whatif";
            let forbidden = changes || path == "/api/v1/audit";
            assert_eq!(status(&bearer(&viewer)) == 403, forbidden, "{method} {path}");
            let allowed = [path != "/api/v1/audit", true];
            for (token, allowed) in [&operator, &admin].into_iter().zip(allowed) {
                let refused = matches!(status(&bearer(token)), 401 | 403);
                assert_eq!(refused, !allowed, "{method} {path}");
            }
        }
    }
    assert!(routes >= 18, "only {routes} routes were tried");
    let (_, head, body) = service.request("GET", "/api/v1/status", "");
    assert!(head.to_lowercase().contains("www-authenticate: bearer"), "{head}");
    assert!(body["detail"].as_str().is_some_and(|detail| detail.contains("lepton token create")), "{body}");
    assert!(!read(&service.errors).contains("lpt_"), "no secret is in the log");
}

/// Streams that one token may have.
const STREAMS: usize = 32;

#[test]
fn a_token_has_so_many_streams_and_no_more_until_one_is_closed() {
    let (service, _, [viewer, operator, ..]) = guarded("streams", &[]);
    let opened = |token: &str| {
        let mut stream = TcpStream::connect(&service.address).expect("it listens");
        let head =
            format!("GET /api/v1/stream HTTP/1.1\r\nHost: {}\r\n{}\r\n", service.address, bearer(token));
        stream.write_all(head.as_bytes()).expect("it reads");
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).expect("it answers");
        (stream, line.split(' ').nth(1).and_then(|code| code.parse::<u16>().ok()))
    };
    let mut streams: Vec<_> = (0..STREAMS).map(|_| opened(&viewer)).collect();
    assert!(streams.iter().all(|(_, status)| *status == Some(200)));
    let (status, _, body) = service.request("GET", "/api/v1/stream", &bearer(&viewer));
    assert_eq!((status, &body["type"]), (429, &"/problems/too-many-streams".into()), "{body}");
    assert_eq!(opened(&operator).1, Some(200), "another's are his own");
    streams.pop();
    service.wait_for("there is room again", || opened(&viewer).1 == Some(200));
}

#[test]
fn a_token_is_made_and_revoked_while_the_service_runs_and_the_audit_names_its_holder() {
    let (service, folder, [_, operator, admin, _]) =
        guarded("rotated", &["--mode", "recommend", "--speed", "6000", "--nodes-count", "40"]);
    let file = common::written("otto.token", format!("{operator}\n"));
    let server = ["--server", &service.address, "--token-file", &file];
    service.wait_for("a plan is rejected", || {
        let status = json(&lepton(&[&["status", "-o", "json"][..], &server].concat()));
        let Some(id) = status["open_plan"].as_str() else { return false };
        lepton(&[&["plan", "reject", id, "--code", "wrong-time"][..], &server].concat()).status.success()
    });
    let (status, _, audit) = service.request("GET", "/api/v1/audit", &bearer(&admin));
    assert_eq!(status, 200, "{audit}");
    let line = &audit["items"][0];
    assert_eq!(line["action"], "plan.reject");
    assert!(line["actor"].as_str().is_some_and(|actor| actor.starts_with("otto (")), "{line}");

    let late = made(&folder, "late", "viewer");
    assert_eq!(service.request("GET", "/api/v1/status", &bearer(&late)).0, 200, "it is good at once");
    let id = late.split('_').nth(1).expect("an id");
    assert!(lepton(&["token", "revoke", id, "--state-dir", &folder]).status.success());
    assert_eq!(service.request("GET", "/api/v1/status", &bearer(&late)).0, 401, "and no longer");
    let listed = json(&lepton(&["token", "list", "--state-dir", &folder, "-o", "json"]));
    let listed = listed["items"].as_array().expect("a list");
    assert_eq!(listed.iter().filter(|token| token["revoked"] == true).count(), 1);
    assert!(listed.iter().all(|token| token.get("sha256").is_none()), "{listed:?}");
    let unknown = lepton(&["token", "revoke", "nobody", "--state-dir", &folder]);
    assert!(!unknown.status.success() && stderr(&unknown).contains("Maybe `lepton token list` names it"));
}

#[test]
fn beyond_this_machine_nothing_is_served_without_a_token() {
    let folder = scratch("public");
    let refused = lepton(&["serve", "--listen", "0.0.0.0:0", "--state-dir", &folder]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("Maybe `lepton token create --role admin"), "{}", stderr(&refused));
    made(&folder, "ada", "admin");
    let ended = lepton(&[
        "serve",
        "--listen",
        "0.0.0.0:0",
        "--state-dir",
        &folder,
        "--source",
        "simulation",
        "--turns",
        "1",
    ]);
    assert!(ended.status.success() && stderr(&ended).contains("tokens are asked for"), "{}", stderr(&ended));
}
