//! Requests that schemathesis makes of the description of the HTTP interface (`cargo xtask test fuzz`): none brings an answer that is not described, nor
//! a failure of the service.

mod common;

use std::process::{Command, Stdio};

use common::scratch;
use common::service::Service;

/// How long it makes up requests, seconds, beside those that cover every case of the description.
const SECONDS: &str = "40";

#[test]
#[ignore = "needs schemathesis"]
fn requests_made_from_the_description_bring_no_failure_and_no_answer_that_is_not_described() {
    let program = std::env::var_os("LEPTON_SCHEMATHESIS").expect("LEPTON_SCHEMATHESIS names the program");
    let folder = scratch("fuzz");
    let mut service = Service::start(&folder, &["--mode", "recommend", "--speed", "600"]);
    service.wait_for("a plan waits", || {
        service.get("/api/v1/plans")["items"].as_array().is_some_and(|plans| !plans.is_empty())
    });
    let description = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    let mut command = Command::new(program);
    let settings = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fuzz/schemathesis.toml");
    command.args([
        "--config-file",
        settings,
        "run",
        description,
        "--url",
        &format!("http://{}", service.address),
    ]);
    // The stream does not end.
    command.args(["--exclude-path", "/api/v1/stream"]);
    command.args(["--seed", "1", "--max-time", SECONDS, "--continue-on-failure", "--no-color"]);
    // It keeps what it found beside itself.
    let place = scratch("fuzz-place");
    std::fs::create_dir_all(&place).expect("writable");
    let output = command.current_dir(place).stdin(Stdio::null()).output();
    let output = output.expect("it can be started");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    let status = service.get("/api/v1/status");
    assert_eq!(status["problems"], serde_json::json!([]), "{status}");
    let metrics = service.request("GET", "/metrics", "").2;
    assert!(
        metrics.as_str().is_some_and(|text| text.contains("\nlepton_turn_panics_total 0\n")),
        "{metrics}"
    );
    assert_eq!(service.end("-TERM"), Some(143));
}
