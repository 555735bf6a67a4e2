//! `lepton demo` as a service: on a terminal, and where it is asked for. The commands that ask a service ask it.

#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::process::{Child, Command, Stdio};

use common::service::wait_for;
use common::terminal::{CTRL_C, Terminal};
use common::{document, json, lepton, read, scratch, stderr};

/// Where the demo says that its page is.
fn address_in(said: &str) -> String {
    let begin = said.split("http://").nth(1).expect("it says where it is");
    begin.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ':')).collect()
}

/// An empty folder for what is temporary.
fn folder(name: &str) -> String {
    let folder = scratch(name);
    fs::create_dir_all(&folder).expect("writable");
    folder
}

fn is_empty(folder: &str) -> bool {
    fs::read_dir(folder).expect("it is there").next().is_none()
}

#[test]
fn on_a_terminal_the_first_decision_is_explained_and_ctrl_c_ends_with_the_summary() {
    let folder = folder("terminal-tmp");
    let words = ["demo", "--nodes-count", "15", "--seed", "7", "--speed", "600"];
    let mut terminal = Terminal::open(&words, None, &[("TMPDIR", &folder)]);
    terminal.wait_for(" shows the page; ask as `lepton status");
    let address = address_in(&terminal.screen());
    let ask = |words: &[&str]| lepton(&[words, &["--server", &address]].concat());
    wait_for("a turn is over", || json(&ask(&["status", "-o", "json"]))["state"] == "ok");
    let decisions = || json(&ask(&["get", "decisions", "--limit", "1000", "-o", "json"]));
    wait_for("a decision", || decisions()["items"].as_array().is_some_and(|items| !items.is_empty()));
    let items = decisions()["items"].as_array().expect("a list").clone();
    let first = items.last().expect("there is one")["id"].as_str().expect("a name").to_owned();
    let explained = ask(&["explain", &first]);
    assert!(explained.status.success(), "{first}: {}", stderr(&explained));
    assert!(String::from_utf8_lossy(&explained.stdout).contains("reason: PendingTaskFits"));
    let status = json(&ask(&["status", "-o", "json"]));
    assert_eq!((&status["mode"], &status["state"]), (&"act".into(), &"ok".into()), "{status}");
    assert_eq!(json(&ask(&["get", "nodes", "-o", "json"]))["items"].as_array().map(Vec::len), Some(15));
    assert!(!is_empty(&folder), "its store is there");
    terminal.wait_for(&format!("http://{address}  lepton status"));
    terminal.press(CTRL_C);
    assert_eq!(terminal.end(), Some(130), "{}", terminal.screen());
    let screen = terminal.screen();
    assert!(screen.contains("With the loop nodes stood ") && screen.contains("results cover what was done"));
    assert!(screen.contains(&format!("http://{address}  lepton status")), "the panel says it too: {screen}");
    assert!(is_empty(&folder), "and nothing is left of its store");
}

/// A demo that is a service without a terminal.
struct Served {
    child: Child,
    said: String,
    result: String,
}

impl Served {
    fn start(name: &str, more: &[&str]) -> Self {
        let (said, result) = (scratch(&format!("{name}-said")), scratch(&format!("{name}-result")));
        let child = Command::new(env!("CARGO_BIN_EXE_lepton"))
            .args(["demo", "--nodes-count", "15", "--seed", "7", "--serve"])
            .args(more)
            .stdout(fs::File::create(&result).expect("writable"))
            .stderr(fs::File::create(&said).expect("writable"))
            .stdin(Stdio::null())
            .spawn()
            .expect("the binary was built for this test");
        let served = Self { child, said, result };
        wait_for("it says where it is", || read(&served.said).contains(" shows the page"));
        served
    }

    fn end(&mut self, signal: &str) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().is_ok_and(|s| s.success()));
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn served_or_not_the_same_seed_gives_the_same_result_and_it_answers_when_the_hours_are_over() {
    let hours = ["--hours", "3", "--request-factor", "2", "--output", "json"];
    let mut served = Served::start("whole", &[&hours[..], &["--speed", "1000000"]].concat());
    wait_for("the hours are over", || read(&served.said).contains("The hours are over"));
    let played = lepton(&[&["demo", "--nodes-count", "15", "--seed", "7"], &hours[..]].concat());
    assert_eq!(document(&served.result), json(&played), "one engine");
    let address = address_in(&read(&served.said));
    let status = json(&lepton(&["status", "--server", &address, "-o", "json"]));
    assert_eq!((&status["turn"], &status["state"]), (&180.into(), &"ok".into()), "{status}");
    let whatif = lepton(&["whatif", "--drain", "node-000001", "--server", &address]);
    assert!(whatif.status.success(), "the loop hears: {}", stderr(&whatif));
    assert_eq!(served.end("-TERM"), Some(143));
}

#[test]
fn a_demo_that_asks_proposes_plans_and_carries_none_out_by_itself() {
    let served = Served::start("asks", &["--mode", "recommend", "--speed", "36000"]);
    let address = address_in(&read(&served.said));
    let status = || json(&lepton(&["status", "--server", &address, "-o", "json"]));
    wait_for("a plan waits for a word", || status()["open_plan"].is_string());
    assert_eq!(status()["mode"], "recommend");
    let plans = json(&lepton(&["plan", "list", "--server", &address, "-o", "json"]));
    let states = plans["items"].as_array().expect("a list").iter().map(|plan| plan["state"].clone());
    assert!(states.clone().count() > 0 && states.clone().all(|state| state != "carried_out"), "{plans}");
}

#[test]
fn two_demos_at_once_have_a_port_each_and_say_so() {
    let (mut first, mut second) = (Served::start("first", &[]), Served::start("second", &[]));
    assert_ne!(address_in(&read(&first.said)), address_in(&read(&second.said)));
    for demo in [&first, &second] {
        let said = read(&demo.said);
        let address = address_in(&said);
        let is_usual = address.ends_with(":7717");
        assert_ne!(said.contains("port 7717 is in use, this is "), is_usual, "{said}");
        assert_ne!(said.contains(&format!("`lepton status --server {address}`")), is_usual, "{said}");
        let status = lepton(&["status", "--server", &address]);
        assert!(status.status.success(), "{}", stderr(&status));
    }
    wait_for("a turn is over", || read(&first.result).contains(" cpu "));
    assert_eq!((first.end("-INT"), second.end("-HUP")), (Some(130), Some(129)), "the closed terminal's too");
    assert!(read(&first.result).contains("With the loop nodes stood "), "the summary of what was done");
}
