//! `lepton serve` tells a database elsewhere what it decides: another SQLite file, and real servers of PostgreSQL and MariaDB
//! (`cargo xtask test stores`), which go away, come back, and outlive a service that is killed.

#![cfg(target_os = "linux")]

mod common;
#[path = "../../edges/tests/servers/mod.rs"]
mod servers;

use std::path::Path;

use common::ports;
use common::service::Service;
use common::{lepton, scratch, stderr};
use lepton_edges::store::Reader;
use serde_json::Value;
use servers::Server;

fn remote(service: &Service) -> Value {
    service.get("/api/v1/status")["store"]["remote"].clone()
}

fn turn(service: &Service) -> u64 {
    service.get("/api/v1/status")["turn"].as_u64().expect("a number")
}

fn wait_for_turns(service: &Service, count: u64) {
    let begin = turn(service);
    service.wait_for("it goes on", || turn(service) >= begin + count);
}

fn assert_healthy(service: &Service) {
    let status = service.get("/api/v1/status");
    assert_eq!((&status["state"], &status["problems"]), (&"ok".into(), &serde_json::json!([])), "{status}");
}

/// How many decisions our own store has.
fn decisions(folder: &str) -> usize {
    let reader = Reader::open(Path::new(folder)).expect("it is there");
    let (mut all, mut before) = (0, None);
    loop {
        let page = reader.decisions(None, before, 1000).expect("readable");
        all += page.items.len();
        before = page.next_before;
        if before.is_none() {
            return all;
        }
    }
}

/// The service on a database that goes away for a while, and the service killed on the way.
fn outlives(name: &str, mut server: Server) {
    let folder = scratch(name);
    let (url, password) = (server.url(), server.password_file());
    let password = password.to_str().expect("a plain name");
    let options =
        ["--mode", "act", "--speed", "1500", "--store-url", &url, "--store-password-file", password];
    let mut service = Service::start(&folder, &options);
    service.wait_for("it is told", || remote(&service)["told"].as_u64() > Some(20));
    assert!(remote(&service)["problem"].is_null());

    // The database is away: the loop decides on and says so.
    server.stop("-TERM");
    service.wait_for("it says so", || remote(&service)["problem"].is_string());
    wait_for_turns(&service, 40);
    assert_healthy(&service);
    service.wait_for("rows wait", || remote(&service)["waiting"].as_u64() > Some(0));
    let (_, _, metrics) = service.request("GET", "/metrics", "");
    let metrics = metrics.as_str().expect("a text").to_owned();
    assert!(metrics.contains("\nlepton_remote_store_up 0\n"), "{metrics}");
    let shown = lepton(&["status", "--server", &service.address]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains(&format!("database {url}: away, ")) && !shown.contains("wordly"), "{shown}");

    // The service is killed while it is away, and starts while it is away.
    service.child.kill().expect("it can be killed");
    service.child.wait().expect("it ends");
    let mut service = Service::start(&folder, &options);
    wait_for_turns(&service, 5);
    assert_healthy(&service);
    server.start();
    service.wait_for("it catches up", || {
        remote(&service)["problem"].is_null() && remote(&service)["waiting"] == 0
    });
    // And once more while it is told.
    service.child.kill().expect("it can be killed");
    service.child.wait().expect("it ends");
    let mut service = Service::start(&folder, &options);
    service.wait_for("it is told", || remote(&service)["told"].as_u64() > Some(0));
    wait_for_turns(&service, 3);
    assert_eq!(service.end("-TERM"), Some(143));
    assert_eq!(server.ask("SELECT count(*) FROM lepton_decisions"), decisions(&folder).to_string());
    let doubled = "SELECT count(*) FROM (SELECT turn, number FROM lepton_decisions GROUP BY turn, number HAVING count(*) > 1) AS d";
    assert_eq!(server.ask(doubled), "0");
    let without_result = "SELECT count(*) FROM lepton_decisions WHERE action = 'place' AND result IS NULL";
    assert_eq!(server.ask(without_result), "0", "results came after their decisions");
    assert!(!common::read(&service.errors).contains("wordly"), "the password is said nowhere");
}

#[test]
#[ignore = "needs databases"]
fn a_service_outlives_its_postgresql_and_the_postgresql_gets_everything_once() {
    outlives("postgres", Server::postgres("serve-postgres"));
}

#[test]
#[ignore = "needs databases"]
fn a_service_outlives_its_mariadb_and_the_mariadb_gets_everything_once() {
    outlives("mariadb", Server::mariadb("serve-mariadb"));
}

#[test]
fn a_file_elsewhere_is_told_and_another_one_is_told_all_anew() {
    let folder = scratch("file");
    for far in ["far-1.db", "far-2.db"] {
        let url = format!("sqlite://{}", scratch(far));
        let mut service = Service::start(&folder, &["--mode", "act", "--speed", "1500", "--store-url", &url]);
        wait_for_turns(&service, 3);
        let before = decisions(&folder) as u64;
        service.wait_for("it is told all", || remote(&service)["told"].as_u64() >= Some(before));
        assert_eq!(remote(&service)["target"], url.as_str());
        let (_, _, metrics) = service.request("GET", "/metrics", "");
        assert!(metrics.as_str().is_some_and(|text| text.contains("\nlepton_remote_store_up 1\n")));
        assert_eq!(service.end("-TERM"), Some(143));
    }
}

#[test]
fn what_is_no_database_is_refused_and_no_secret_is_taken_in_a_url() {
    for (words, expected) in [
        (&["--store-url", "here"][..], "expected postgres://USER@HOST"),
        (&["--store-url", "postgres://u:hush@h/d"], "store_password_file"),
        (&["--store-password-file", "f"], "belongs to `--store-url`"),
        (&["--store-url", "sqlite:///f", "--store-password-file", "f"], "a file of SQLite has no password"),
    ] {
        let state = scratch("refused");
        let output = lepton(&[&["serve", "--listen", "127.0.0.1:0", "--state-dir", &state], words].concat());
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
}
