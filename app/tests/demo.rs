//! `lepton demo` as a user meets it: the same decisions for the same seed, figures with and without.

mod common;

use std::process::Output;

use common::{json, lepton, read, scratch, stderr};
use serde_json::Value;

fn demo(args: &[&str]) -> Output {
    let output = lepton(&[&["demo", "--nodes-count", "15", "--hours", "6"], args].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    output
}

#[test]
fn the_same_seed_gives_the_same_decisions_byte_for_byte() {
    let (first, second) = (demo(&["--seed", "7"]), demo(&["--seed", "7"]));
    assert_eq!(first.stdout, second.stdout);
    assert_ne!(first.stdout, demo(&["--seed", "8"]).stdout);
    let text = String::from_utf8_lossy(&first.stdout).into_owned();
    for word in
        ["05:00 cpu", "with the loop", "node-minutes above the safety level", "difference", "Seed 7 is "]
    {
        assert!(text.contains(word), "{word}");
    }
    let end = text.find("With the loop nodes stood ").expect("the end begins with what the loop was worth");
    let log: Vec<&str> = text[..end].lines().collect();
    let minutes = log.iter().filter(|line| line.contains(" cpu ")).count();
    assert_eq!(minutes, 6 * 60, "a line for each turn, which is a minute");
    assert!(log.len() < minutes + 80, "and for what moves and fails: {} lines", log.len());
    assert!(text[end..].lines().all(|line| line.chars().count() <= 80), "{text}");
    let figures =
        text[end..].lines().find(|line| line.trim_start().starts_with("node-minutes")).expect("a row");
    let numbers: Vec<i64> = figures.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    assert_eq!(numbers[2], numbers[0] - numbers[1], "with, without, difference: {figures}");
    assert!(!text.contains('\u{1b}'), "no terminal codes where the output is no terminal");
}

#[test]
fn a_speed_or_a_mode_without_a_terminal_is_said_to_have_no_effect() {
    let said = stderr(&demo(&["--seed", "7", "--speed", "60", "--mode", "recommend"]));
    assert!(said.contains("--speed has no effect") && said.contains("--mode has no effect"), "{said}");
    assert!(!stderr(&demo(&["--seed", "7"])).contains("--speed"));
}

#[test]
fn a_seed_that_nobody_gave_is_drawn_and_told() {
    let document = json(&demo(&["--output", "json"]));
    let seed = document["seed"].as_u64().expect("it is told").to_string();
    assert_eq!(json(&demo(&["--seed", &seed, "--output", "json"])), document, "it gives the same again");
}

#[test]
fn json_has_both_sides_and_nothing_else_on_stdout() {
    let document = json(&demo(&["--output", "json"]));
    for side in ["with_loop", "without_loop"] {
        for figure in ["hot_node_minutes", "mean_wait_seconds", "lost_device_minutes"] {
            assert!(document[side][figure].is_number(), "{side}.{figure}");
        }
    }
    assert_eq!(document["without_loop"]["migrations"], 0);
    let acts = document["acts"].as_object().expect("what each act did");
    let of_acts = |deed: &str| acts.values().filter_map(|act| act[deed].as_u64()).sum::<u64>();
    assert_eq!(document["with_loop"]["migrations"], of_acts("moved") + of_acts("stopped"));
    // A task starts once when it came, and again after each failure under it and each stop.
    let times = ["arrived", "interrupted", "migrations"].map(|name| document["with_loop"][name].as_u64());
    let most: u64 = times.iter().map(|times| times.expect("a number")).sum();
    assert!((1..=most).contains(&acts["start"]["placed"].as_u64().expect("a number")), "{acts:?}");
}

#[test]
fn several_seeds_are_compared_with_their_spread() {
    let document = json(&demo(&["--seed", "1..=3", "--output", "json"]));
    assert_eq!(document["runs"].as_array().expect("runs").len(), 3);
    let paired = &document["summary"]["hot_node_minutes"]["paired"];
    assert!(paired["low"].as_f64() <= paired["high"].as_f64());
}

#[test]
fn every_record_is_one_json_document_on_its_line() {
    let path = scratch("records.jsonl");
    demo(&["--records", &path]);
    let text = read(&path);
    let records: Vec<Value> =
        text.lines().map(|l| serde_json::from_str(l).expect("one document a line")).collect();
    assert!(records.len() > 50);
    let placed = records.iter().find(|r| r["action"] == "place").expect("something was placed");
    assert_eq!(placed["result"], "done");
    assert!(!placed["candidates"].as_array().expect("a list").is_empty());
    assert!(placed["input_digest"].is_u64());
}

#[test]
fn who_starts_what_waits_is_said_with_its_evidence_and_another_model_may_be_tried() {
    let asking = ["--seed", "7", "--load", "2", "--request-factor", "2", "--output", "json"];
    let document = json(&demo(&asking));
    let order = &document["order"];
    assert!(order["compared"].as_u64() > Some(0), "{order}");
    assert!(["model", "rule"].contains(&order["last"]["serving"].as_str().expect("who serves")), "{order}");
    let text = String::from_utf8_lossy(&demo(&asking[..6]).stdout).into_owned();
    assert!(text.contains("Waiting tasks were started by"), "{text}");

    let model = scratch("order.safetensors");
    let train = ["train", "jobs", "--generate", "exact", "--length", "16", "--backfill", "easy"];
    let trained = lepton(&[&train[..], &["--generations", "1", "--model", &model, "--force"]].concat());
    assert!(trained.status.success(), "{}", stderr(&trained));
    let other = json(&demo(&[&asking[..], &["--model", &model]].concat()));
    assert_ne!(other["with_loop"], document["with_loop"], "another order starts others first");
    let silent = lepton(&["demo", "--nodes-count", "15", "--seed", "7", "--model", &model]);
    assert!(stderr(&silent).contains("--request-factor"), "{}", stderr(&silent));
}
