//! What is shipped to run Lepton with: the unit for systemd starts the binary as it is, on the settings that it prints itself; the board of
//! Grafana and the alerts of Prometheus speak of what is served; the chart knows the settings. `kubernetes/chart.rs` has what helm makes of it.

#![cfg(target_os = "linux")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use common::service::Service;
use common::{json, lepton, read, scratch, stderr, written};
use serde_json::Value;

#[test]
fn the_unit_of_systemd_starts_the_service_with_options_that_it_has() {
    let unit = read(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/lepton.service"));
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect("it starts something");
    let init = lepton(&["config", "init"]);
    assert!(init.status.success(), "{}", stderr(&init));
    let (settings, state) = (written("lepton.toml", init.stdout), scratch("state"));
    let words: Vec<&str> = line.split(' ').skip(1).collect();
    let own = |word: &&str| match *word {
        "/etc/lepton/lepton.toml" => settings.clone(),
        "/var/lib/lepton" => state.clone(),
        word => word.to_owned(),
    };
    let words: Vec<String> = words.iter().map(own).collect();
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    words.extend(["--source", "simulation", "--speed", "1000000", "--listen", "127.0.0.1:0", "--turns", "2"]);
    let output = lepton(&words);
    assert!(output.status.success(), "{words:?}: {}", stderr(&output));
    for wanted in ["ExecReload=/bin/kill -HUP $MAINPID", "SuccessExitStatus=143", "StateDirectory=lepton"] {
        assert!(unit.lines().any(|line| line == wanted), "{wanted}");
    }
}

/// The names of Lepton's own measures in a text.
fn measures_in(text: &str) -> BTreeSet<String> {
    let is_of_name = |byte: char| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == '_';
    let words = text.split(|byte| !is_of_name(byte)).filter(|word| word.starts_with("lepton_"));
    words.map(str::to_owned).collect()
}

fn shipped(name: &str) -> String {
    read(&format!("{}/../deploy/{name}", env!("CARGO_MANIFEST_DIR")))
}

const BOARD: &str = "grafana/lepton.json";
const ALERTS: &str = "prometheus/lepton-alerts.yaml";
const ALERTS_TRIED: &str = "prometheus/lepton-alerts.test.yaml";

#[test]
fn every_measure_of_the_board_and_of_the_alerts_is_served() {
    let far = format!("sqlite://{}", scratch("far.db"));
    // Nobody takes the traces; that is counted.
    let traced = written("traced.toml", "traces_url = \"http://127.0.0.1:1\"\n");
    let simulated = Service::start(&scratch("simulated"), &["--store-url", &far, "--config", &traced]);
    let logs = format!("[logs]\nfiles = [\"{}\"]\n", scratch("kern.log"));
    let logs = ["--source", "host", "--turn-seconds", "0.1", "--config", &written("logs.toml", logs)];
    let host = Service::start_of(&scratch("host"), &logs, "");
    let mut served = BTreeSet::new();
    for service in [&simulated, &host] {
        let text = service.get("/metrics");
        let lines = text.as_str().expect("text").lines().filter(|line| !line.starts_with('#'));
        served.extend(lines.flat_map(measures_in));
    }
    // A service with Kafka serves these (`tests/kafka.rs`).
    let of_kafka =
        ["lepton_source_dead_letters_total", "lepton_kafka_sink_up", "lepton_kafka_sink_rows_waiting"];
    let known: BTreeSet<String> = served.iter().cloned().chain(of_kafka.map(str::to_owned)).collect();
    for file in [BOARD, ALERTS, ALERTS_TRIED] {
        let named = measures_in(&shipped(file));
        assert!(named.len() > 5, "{file}: {named:?}");
        let unknown: Vec<_> = named.difference(&known).collect();
        assert!(unknown.is_empty(), "{file} names {unknown:?}, which nobody serves");
    }
    // What is served is shown: on the board, or it is for reading beside it.
    let beside = ["lepton_stage_last_seconds"].map(str::to_owned);
    let shown: BTreeSet<String> = measures_in(&shipped(BOARD)).into_iter().chain(beside).collect();
    let unseen: Vec<_> = served.difference(&shown).collect();
    assert!(unseen.is_empty(), "the board does not show {unseen:?}");
}

fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(of) => {
            found.extend(of.get("expr").and_then(Value::as_str).map(str::to_owned));
            of.values().for_each(|inner| expressions(inner, found));
        }
        Value::Array(of) => of.iter().for_each(|inner| expressions(inner, found)),
        _ => {}
    }
}

fn promtool(words: &[&str]) {
    let output = Command::new("promtool").args(words).output().expect("promtool is needed here");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &stderr(&output);
    assert!(output.status.success(), "{words:?}: {said}");
}

#[test]
#[ignore = "needs prometheus"]
fn promtool_takes_the_alerts_what_they_are_tried_on_and_every_expression_of_the_board() {
    let path = |name: &str| format!("{}/../deploy/{name}", env!("CARGO_MANIFEST_DIR"));
    promtool(&["check", "rules", &path(ALERTS)]);
    promtool(&["test", "rules", &path(ALERTS_TRIED)]);
    let mut found = Vec::new();
    expressions(&serde_json::from_str(&shipped(BOARD)).expect("JSON"), &mut found);
    assert!(found.len() > 20, "{found:?}");
    let rule = |(number, expression): (usize, &String)| {
        let plain = expression.replace("$__rate_interval", "5m").replace("$instance", ".*");
        serde_json::json!({"record": format!("board:{number}"), "expr": plain})
    };
    let rules: Vec<Value> = found.iter().enumerate().map(rule).collect();
    // JSON is YAML.
    let group = serde_json::json!({"groups": [{"name": "board", "rules": rules}]});
    promtool(&["check", "rules", &written("board.yaml", group.to_string())]);
}

/// Settings that the chart makes itself, or that have no effect on the source `kubernetes`.
const NOT_OF_THE_CHART: [&str; 15] = [
    "schema_version",
    "mode",
    "owner_modes",
    "listen",
    "require_tokens",
    "tls_cert",
    "tls_key",
    "state_dir",
    "source",
    "speed",
    "network_mbit_s",
    "kubernetes.kubeconfig",
    "kubernetes.context",
    "kubernetes.lease",
    "kubernetes.review_tokens",
];
const SECTIONS_NOT_OF_THE_CHART: [&str; 3] = ["host", "prometheus", "simulation"];

/// The settings of a schema by name, each without its default.
fn settings_in(schema: &Value, section: &str, found: &mut BTreeMap<String, Value>) {
    for (name, of) in schema["properties"].as_object().expect("a table") {
        let full = format!("{section}{name}");
        if of["properties"].is_object() {
            assert_eq!(of["additionalProperties"], false, "{full}");
            settings_in(of, &format!("{full}."), found);
        } else {
            let mut of = of.clone();
            of.as_object_mut().expect("a setting").remove("default");
            found.insert(full, of);
        }
    }
}

#[test]
fn the_chart_knows_the_settings_of_the_program() {
    let schema: Value = serde_json::from_str(&shipped("helm/lepton/values.schema.json")).expect("JSON");
    let (mut of_chart, mut wanted) = (BTreeMap::new(), BTreeMap::new());
    settings_in(&schema["properties"]["settings"], "", &mut of_chart);
    settings_in(&json(&lepton(&["config", "schema"])), "", &mut wanted);
    for name in NOT_OF_THE_CHART {
        assert!(wanted.remove(name).is_some(), "there is no setting `{name}`");
    }
    wanted.retain(|name, _| {
        !SECTIONS_NOT_OF_THE_CHART.iter().any(|section| name.starts_with(&format!("{section}.")))
    });
    for (name, of) in &wanted {
        let help = "write it into `settings` of deploy/helm/lepton/values.schema.json, or name it here";
        assert_eq!(of_chart.get(name), Some(of), "`{name}`: {help}");
    }
    assert_eq!(of_chart.len(), wanted.len(), "the chart has settings that are none");
}

#[test]
fn every_test_that_the_table_of_rules_names_is_there() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let mut code = read(&format!("{root}/core/tests/preemption.rs"));
    for folder in ["edges/src/kubernetes", "app/tests/kubernetes"] {
        for file in std::fs::read_dir(format!("{root}/{folder}")).expect("it is there") {
            code += &read(file.expect("readable").path().to_str().expect("plain text"));
        }
    }
    let page = read(&format!("{root}/docs/kubernetes.md"));
    let rows: Vec<&str> =
        page.lines().filter(|line| line.starts_with("| ") && line.matches(" | ").count() == 2).collect();
    let rows = rows.into_iter().filter(|row| row[2..].starts_with(|first: char| first.is_ascii_digit()));
    let (mut points, mut named) = (0, BTreeSet::new());
    for row in rows {
        let cells: Vec<&str> = row.trim_matches(['|', ' ']).split(" | ").collect();
        points += cells[0].split(", ").count();
        let is_name = |word: &&str| word.matches('_').count() > 3 && !word.contains(' ');
        let tests: Vec<&str> = cells[2].split('`').skip(1).step_by(2).filter(is_name).collect();
        let says_why = ["not so", "the same", "the comparison"].iter().any(|why| cells[2].contains(why));
        assert!(!tests.is_empty() || says_why, "{row}");
        named.extend(tests);
    }
    assert_eq!(points, 50, "every point of the list has its row");
    let missing: Vec<_> = named.iter().filter(|name| !code.contains(&format!("fn {name}("))).collect();
    assert!(named.len() > 25 && missing.is_empty(), "no such tests: {missing:?}");
}
