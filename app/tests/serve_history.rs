//! What a service keeps over a long time: how its nodes stood, by ever coarser levels, also over kills; and a journal that does not grow for ever.

#![cfg(unix)]

mod common;

use std::fs;

use common::kept::Kept;
use common::scratch;
use common::service::Service;
use serde_json::Value;

fn times(history: &Value) -> Vec<u64> {
    let times = history["times_seconds"].as_array().expect("a list");
    times.iter().map(|time| time.as_u64().expect("seconds")).collect()
}

fn first_node(service: &Service) -> String {
    service.get("/api/v1/nodes?limit=1")["items"][0]["name"].as_str().expect("a name").to_owned()
}

/// Nothing is there twice and nothing out of its order.
fn assert_rising(history: &Value) {
    let times = times(history);
    assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
}

#[test]
fn the_history_of_a_node_answers_from_the_finest_level_that_covers_the_range_also_after_a_kill() {
    let folder = scratch("history");
    let options = ["--speed", "36000", "--mode", "act"];
    let mut service = Service::start(&folder, &options);
    let node = first_node(&service);
    let path = format!("/api/v1/nodes/{node}/history");
    let hours = |service: &Service| service.get(&format!("{path}?hours=9000&points=20"));
    let has_hours = |service: &Service| {
        let history = hours(service);
        history["level"] == "hours" && times(&history).len() > 3
    };
    service.wait_for("hours are over", || has_hours(&service));
    let before = hours(&service);
    assert_eq!((&before["level"], &before["point_seconds"][0]), (&"hours".into(), &3600.into()), "{before}");
    assert_eq!(service.end("-KILL"), None);

    let service = Service::start(&folder, &options);
    let more = times(&before).len() + 1;
    service.wait_for("another hour is over", || times(&hours(&service)).len() > more);
    let after = hours(&service);
    assert_rising(&after);
    assert_eq!(after["times_seconds"][0], before["times_seconds"][0]);
    assert_eq!(after["items"][0]["mean"][0], before["items"][0]["mean"][0]);

    let raw = service.get(&format!("{path}?from=0&to=3600&points=20000&measures=used,state"));
    assert_eq!(raw["level"], "raw");
    assert_rising(&raw);
    assert!(times(&raw).len() >= 58, "a sample a minute: {raw}");
    let measures: Vec<&Value> =
        raw["items"].as_array().expect("a list").iter().map(|of| &of["measure"]).collect();
    assert_eq!(measures, ["used", "state"]);
    let five = service.get(&format!("{path}?from=0&to=3600&points=12&measures=used"));
    assert_eq!((&five["level"], times(&five).len()), (&"five-minutes".into(), 12));
    let statistic = |name: &str| five["items"][0][name][3].as_f64().expect("a share");
    assert!(statistic("min") <= statistic("mean") && statistic("mean") <= statistic("max"), "{five}");
    assert!(statistic("p95") <= statistic("max"), "{five}");

    for (query, expected) in [
        ("hours=0", "`hours` is not from 1"),
        ("hours=2&from=1", "both say where it begins"),
        ("from=9&to=9", "`from` is not before `to`"),
        ("points=0", "`points` is not from 1"),
        ("measures=heat", "`heat` was not measured, there are used, "),
    ] {
        let (status, _, problem) = service.request("GET", &format!("{path}?{query}"), "");
        assert_eq!(status, 400, "{problem}");
        assert!(problem["detail"].as_str().expect("text").contains(expected), "{problem}");
    }
    let (status, _, problem) = service.request("GET", "/api/v1/nodes/nobody/history", "");
    assert_eq!(status, 404, "{problem}");
}

#[test]
fn without_hours_of_samples_no_history_is_kept() {
    let folder = scratch("no-history");
    let service = Service::start_under(
        &["env", "LEPTON_HISTORY_RAW_HOURS=0"],
        &folder,
        &["--source", "simulation", "--nodes-count", "3", "--speed", "36000"],
        "",
    );
    let node = first_node(&service);
    assert!(times(&service.get(&format!("/api/v1/nodes/{node}/history"))).is_empty());
    assert!(!fs::exists(format!("{folder}/series")).expect("readable"));
}

#[test]
fn the_journal_lets_go_what_nothing_needs_and_the_service_goes_on_from_it_after_a_kill() {
    let folder = scratch("trimmed");
    let options = ["--source", "simulation", "--nodes-count", "3", "--mode", "act", "--speed", "1000000"];
    let under = ["env", "LEPTON_JOURNAL_DAYS=1", "LEPTON_RECORD_HOURS=0"];
    let mut service = Service::start_under(&under, &folder, &options, "");
    // A day is 1,440 turns, and all is remembered every 1,000.
    for turns in (200..=1800).step_by(200) {
        let are_over = || service.get("/api/v1/status")["turn"].as_u64() >= Some(turns);
        service.wait_for(&format!("{turns} turns are over"), are_over);
    }
    assert_eq!(service.end("-KILL"), None);
    let kept = Kept::open(&folder);
    let last = kept.number("SELECT max(turn) FROM history");
    let first_of = |kind: &str| {
        kept.number(&format!("SELECT min(time_seconds) FROM journal WHERE kind = '{kind}'")) / 60
    };
    let young = last - 1440;
    assert!((young - 40..young + 100).contains(&first_of("turn")), "{} of {last}", first_of("turn"));
    assert!(first_of("calling") < 60, "the cluster is lived again from its calls");
    let decisions = kept.number("SELECT coalesce(max(sequence), 0) - count(*) FROM decisions");
    assert_eq!(decisions, 0, "decisions stay");
    drop(kept);
    let service = Service::start_under(&under, &folder, &options, "");
    service.wait_for("it goes on", || service.get("/api/v1/status")["turn"].as_u64() > Some(last as u64 + 5));
}
