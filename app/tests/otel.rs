//! Turns told as traces to a real collector of OpenTelemetry (`cargo xtask test otel`).

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use common::ports::free_port;
use common::service::{Service, wait_for};
use common::{read, scratch};

/// Turns that are told.
const TURNS: usize = 30;

/// A collector that says all that it takes, in a file.
struct Collector {
    child: Child,
    url: String,
    said: String,
}

impl Collector {
    fn start(name: &str) -> Self {
        let program = std::env::var_os("LEPTON_COLLECTOR").expect("LEPTON_COLLECTOR names the program");
        let address = format!("127.0.0.1:{}", free_port());
        let (settings, said) = (scratch(&format!("{name}.yaml")), scratch(&format!("{name}.said")));
        let text = format!(
            "receivers: {{otlp: {{protocols: {{http: {{endpoint: \"{address}\"}}}}}}}}\n\
             exporters: {{debug: {{verbosity: detailed, use_internal_logger: false}}}}\n\
             service:\n  telemetry: {{metrics: {{level: none}}}}\n  pipelines: {{traces: {{receivers: [otlp], exporters: [debug]}}}}\n"
        );
        fs::write(&settings, text).expect("writable");
        let child = Command::new(program)
            .args(["--config", &settings])
            .stdin(Stdio::null())
            .stdout(File::create(&said).expect("writable"))
            .stderr(File::create(scratch(&format!("{name}.errors"))).expect("writable"))
            .spawn();
        let collector =
            Self { child: child.expect("it can be started"), url: format!("http://{address}"), said };
        wait_for("the collector answers", || TcpStream::connect(&address).is_ok());
        collector
    }

    /// The spans that it took.
    fn spans(&self) -> Vec<BTreeMap<String, String>> {
        let text = read(&self.said);
        let of = |block: &str| {
            // A resource that follows belongs to the next block.
            let own = block.split("ResourceSpans #").next().unwrap_or_default();
            let lines =
                own.lines().filter_map(|line| line.trim_start_matches([' ', '-', '>']).split_once(':'));
            lines.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
        };
        text.split("Span #").skip(1).map(of).collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn service(name: &str, url: &str) -> Service {
    let settings = scratch(&format!("{name}.toml"));
    let text = format!(
        "source = \"simulation\"\nspeed = 600\nmode = \"act\"\ntraces_url = \"{url}\"\n[simulation]\nnodes_count = 10\n"
    );
    fs::write(&settings, text).expect("writable");
    Service::start_of(&scratch(name), &["--config", &settings], "")
}

#[test]
#[ignore = "needs a collector"]
fn every_turn_is_one_trace_with_its_stages_within_it() {
    let collector = Collector::start("collector");
    let mut service = service("otel", &collector.url);
    service.wait_for("some turns are over", || {
        service.get("/api/v1/status")["turn"].as_u64().is_some_and(|turn| turn >= TURNS as u64)
    });
    assert_eq!(service.end("-TERM"), Some(143));
    // What is told last comes with the end of the service, and is written a moment later.
    let turns = || -> BTreeSet<u64> {
        let number = |span: &BTreeMap<String, String>| span.get("lepton.turn").cloned();
        let numbers = collector.spans().iter().filter_map(number).collect::<Vec<_>>();
        numbers
            .iter()
            .filter_map(|text| text.trim_start_matches("Int(").trim_end_matches(')').parse().ok())
            .collect()
    };
    wait_for("all of them are there", || turns().len() >= TURNS);
    let turns = turns();
    let last = *turns.last().expect("there are some");
    assert_eq!(turns, (1..=last).collect(), "each turn is told");
    let mut traces: BTreeMap<String, Vec<BTreeMap<String, String>>> = BTreeMap::new();
    for span in collector.spans() {
        traces.entry(span["Trace ID"].clone()).or_default().push(span);
    }
    assert_eq!(traces.len() as u64, last, "one trace each");
    for spans in traces.values() {
        let (whole, stages): (Vec<_>, Vec<_>) = spans.iter().partition(|span| span["Name"] == "turn");
        let [whole] = &whole[..] else { panic!("{spans:?}") };
        assert_eq!(whole["Parent ID"], "");
        assert_eq!(whole["lepton.state"], "Str(ok)");
        let names: BTreeSet<&str> = stages.iter().map(|stage| stage["Name"].as_str()).collect();
        let all = ["assess", "collect", "decide", "execute", "publish", "record"];
        assert_eq!(names, BTreeSet::from(all));
        for stage in stages {
            assert_eq!(stage["Parent ID"], whole["ID"]);
            // Times of one length, written alike: their order as texts is that in time.
            assert!(stage["Start time"] >= whole["Start time"], "{stage:?} {whole:?}");
            assert!(stage["End time"] <= whole["End time"], "{stage:?} {whole:?}");
        }
    }
}

#[test]
#[ignore = "needs a collector"]
fn a_collector_that_is_away_costs_traces_and_no_turn() {
    let collector = Collector::start("collector-away");
    let service = service("otel-away", &collector.url);
    let figure = |name: &str| {
        let metrics = service.request("GET", "/metrics", "").2;
        let text = metrics.as_str().unwrap_or_default().to_owned();
        let line =
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
        line.and_then(|value| value.parse::<f64>().ok()).unwrap_or(-1.0)
    };
    service.wait_for("it is told", || figure("lepton_traces_taken_total") > 0.0);
    drop(collector);
    let before = figure("lepton_turns_total");
    service.wait_for("it is not told any more", || figure("lepton_traces_failures_total") > 0.0);
    service.wait_for("turns go on", || figure("lepton_turns_total") > before + 50.0);
    assert_eq!(service.get("/api/v1/status")["state"], "ok");
}
