//! Models that the commands keep, in the service: from their files to what the loop knows of its nodes.

#![cfg(unix)]

mod common;

use std::fmt::Write as _;

use common::service::Service;
use common::{lepton, scratch, stderr};

/// A network for the forecasts of nodes, fitted on two days of a made load, by the command that the manual names.
fn network(folder: &str) -> String {
    let (load, model) = (format!("{folder}/load.csv"), format!("{folder}/net.safetensors"));
    let mut text = String::from("node,t,cpu\n");
    for t in 0..192 {
        let wave = 0.4 + 0.3 * (f64::from(t) * std::f64::consts::TAU / 96.0).sin();
        let _ = writeln!(text, "a,{t},{wave:.3}\nb,{t},{:.3}", 0.7 - wave / 2.0);
    }
    std::fs::write(&load, text).expect("writable");
    let fitted = lepton(&[
        "forecast",
        "--input",
        &load,
        "--series",
        "node",
        "--time",
        "t",
        "--targets",
        "cpu",
        "--period",
        "15m",
        "--horizon",
        "5",
        "--peak",
        "--quantiles",
        "0.5,0.9,0.95",
        "--save",
        &model,
    ]);
    assert!(fitted.status.success(), "{}", stderr(&fitted));
    model
}

#[test]
fn what_was_learned_of_load_and_of_signs_serves() {
    let folder = scratch("models");
    std::fs::create_dir_all(&folder).expect("writable");
    let (network, risk) = (network(&folder), format!("{folder}/risk.json"));
    let learned =
        lepton(&["simulate", "faults", "--nodes-count", "64", "--days", "5", "--seed", "1", "--save", &risk]);
    assert!(learned.status.success(), "{}", stderr(&learned));
    let settings = format!("{folder}/lepton.toml");
    let text = format!("risk_model = \"{risk}\"\nforecast_model = \"{network}\"\n");
    std::fs::write(&settings, text).expect("writable");
    let state = format!("{folder}/state");
    let mut service = Service::start(&state, &["--config", &settings, "--speed", "60000"]);
    service.wait_for("forecasts of an hour", || {
        let expected = &service.get("/api/v1/load")["expected"];
        expected["coverage"].as_f64().is_some_and(|coverage| coverage > 0.5)
    });
    let status = service.get("/api/v1/status");
    assert_eq!((&status["state"], &status["problems"]), (&"ok".into(), &serde_json::json!([])), "{status}");
    let nodes = service.get("/api/v1/nodes");
    assert!(
        nodes["items"]
            .as_array()
            .is_some_and(|nodes| nodes.iter().any(|n| n["failure_probability_day"].as_f64() > Some(0.0)))
    );
    service.end("-TERM");
}

#[test]
fn a_model_that_is_damaged_or_of_another_form_is_refused_at_the_start() {
    let folder = scratch("wrong-models");
    std::fs::create_dir_all(&folder).expect("writable");
    let network = network(&folder);
    let mut bytes = std::fs::read(&network).expect("written");
    bytes.truncate(bytes.len() / 2);
    let cut = format!("{folder}/cut.safetensors");
    std::fs::write(&cut, bytes).expect("writable");
    let not_json = format!("{folder}/risk.json");
    std::fs::write(&not_json, "{\"weights\": ").expect("writable");
    for (key, file) in [
        ("forecast_model", &cut),
        ("forecast_model", &not_json),
        ("risk_model", &not_json),
        ("risk_model", &network),
    ] {
        let settings = format!("{folder}/lepton.toml");
        std::fs::write(&settings, format!("source = \"simulation\"\n{key} = \"{file}\"\n"))
            .expect("writable");
        let refused = lepton(&[
            "serve",
            "--config",
            &settings,
            "--state-dir",
            &format!("{folder}/state"),
            "--listen",
            "127.0.0.1:0",
        ]);
        assert_eq!(refused.status.code(), Some(2), "{key} {file}: {}", stderr(&refused));
        assert!(stderr(&refused).contains(file.as_str()), "{key} {file}: {}", stderr(&refused));
    }
}
