//! `lepton serve` on a real Prometheus that scrapes a real node-exporter, and what kube-state-metrics, cAdvisor and dcgm-exporter (old and
//! new labels) expose, from files. `cargo test -p lepton --test prometheus -- --ignored`.

#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::ports::free_port;
use common::service::{PATIENCE, Service};
use common::{read, scratch};
use serde_json::Value;

/// What exporters expose; `@HOST` stands for this machine's name, `@SECONDS*N` for a counter that rises by N a second.
const EXPOSITIONS: [(&str, &str); 4] = [
    ("kube-state-metrics", include_str!("expositions/kube-state-metrics.txt")),
    ("cadvisor", include_str!("expositions/cadvisor.txt")),
    ("dcgm-old", include_str!("expositions/dcgm-old.txt")),
    ("dcgm-new", include_str!("expositions/dcgm-new.txt")),
];

fn hostname() -> String {
    read("/proc/sys/kernel/hostname").trim().to_owned()
}

/// A program that ends with the test.
struct Program(Child);

impl Program {
    fn start(name: &str, args: &[String], log: &str) -> Self {
        let log = || fs::OpenOptions::new().create(true).append(true).open(log).expect("writable");
        let child = Command::new(name).args(args).stdin(Stdio::null()).stdout(log()).stderr(log()).spawn();
        Self(child.unwrap_or_else(|error| panic!("{name} is needed here: {error}")))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Serves the expositions.
fn exporters() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        let begun = Instant::now();
        for stream in listener.incoming().flatten() {
            // Prometheus may hang up at any time.
            let _ = expose(stream, begun);
        }
    });
    port
}

fn expose(mut stream: TcpStream, begun: Instant) -> std::io::Result<()> {
    let mut request = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    request.read_line(&mut first)?;
    let mut line = String::new();
    while request.read_line(&mut line)? > 2 {
        line.clear();
    }
    let path = first.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
    let text = EXPOSITIONS.iter().find(|(name, _)| *name == path).map_or("", |(_, text)| *text);
    let text = text.replace("@HOST", &hostname());
    let seconds = begun.elapsed().as_secs_f64();
    let risen = |line: &str| match line.split_once("@SECONDS*") {
        Some((series, rate)) => format!("{series}{}\n", rate.trim().parse::<f64>().unwrap_or(0.0) * seconds),
        None => format!("{line}\n"),
    };
    let body: String = text.lines().map(risen).collect();
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// A Prometheus with its exporters.
struct Scraped {
    port: u16,
    folder: String,
    _node_exporter: Program,
    prometheus: Option<Program>,
}

impl Scraped {
    fn start(name: &str, kubernetes: bool) -> Self {
        Self::start_with_past(name, kubernetes, false)
    }

    /// The same with hours in which this machine was watched, before now.
    fn start_with_past(name: &str, kubernetes: bool, has_past: bool) -> Self {
        let (folder, node, port) = (scratch(&format!("prometheus-{name}")), free_port(), free_port());
        fs::create_dir_all(&folder).expect("writable");
        let exporter = Program::start(
            "prometheus-node-exporter",
            &[format!("--web.listen-address=127.0.0.1:{node}")],
            &format!("{folder}/node.log"),
        );
        let mut jobs =
            format!("  - job_name: node\n    static_configs: [{{targets: ['127.0.0.1:{node}']}}]\n");
        if kubernetes {
            let exporters = exporters();
            for (name, _) in EXPOSITIONS {
                jobs += &format!(
                    "  - job_name: {name}\n    metrics_path: /{name}\n    static_configs: [{{targets: ['127.0.0.1:{exporters}']}}]\n"
                );
            }
        }
        let settings = format!("global:\n  scrape_interval: 1s\nscrape_configs:\n{jobs}");
        fs::write(format!("{folder}/prometheus.yml"), settings).expect("writable");
        if has_past {
            past(&folder, node);
        }
        let mut scraped = Self { port, folder, _node_exporter: exporter, prometheus: None };
        scraped.run();
        scraped
    }

    /// Starts Prometheus, also a second time on the same data.
    fn run(&mut self) {
        let folder = &self.folder;
        let args = [
            format!("--config.file={folder}/prometheus.yml"),
            format!("--storage.tsdb.path={folder}/data"),
            format!("--web.listen-address=127.0.0.1:{}", self.port),
        ];
        self.prometheus = Some(Program::start("prometheus", &args, &format!("{folder}/prometheus.log")));
    }

    fn stop(&mut self) {
        self.prometheus = None;
    }

    /// Waits until it has a series of this name.
    fn wait_for(&self, series: &str) {
        let begun = Instant::now();
        let has = || {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
            write!(stream, "GET /api/v1/query?query={series} HTTP/1.0\r\n\r\n").ok()?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).ok()?;
            answer.contains("\"value\"").then_some(())
        };
        while has().is_none() {
            assert!(begun.elapsed() < PATIENCE, "Prometheus never has {series}");
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// A service that looks at it; settings of its own are of the section `prometheus`, or name theirs.
    fn service(&self, more: &[&str], settings: &str) -> Service {
        let file = format!("{}/lepton.toml", self.folder);
        let url = format!("http://127.0.0.1:{}", self.port);
        let rates = if settings.contains("rate_seconds") { settings } else { "rate_seconds = 10" };
        let others = if settings.contains("rate_seconds") { "" } else { settings };
        fs::write(&file, format!("{others}\n[prometheus]\n{rates}\nurl = \"{url}\"\n")).expect("writable");
        let options = ["--config", &file, "--source", "prometheus", "--turn-seconds", "1"];
        Service::start_of(&format!("{}/state", self.folder), &[&options, more].concat(), "")
    }
}

/// Six hours that end an hour ago in which a core of two was busy, as blocks of Prometheus' own.
fn past(folder: &str, node_port: u16) {
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let labels = format!("instance=\"127.0.0.1:{node_port}\",job=\"node\"");
    let moments: Vec<u64> = (0..360).map(|minute| now - 7 * 3600 + 60 * minute).collect();
    let series = |name: &str, more: &str, of: &dyn Fn(u64) -> f64| -> String {
        moments.iter().map(|&at| format!("{name}{{{labels}{more}}} {} {at}\n", of(at))).collect()
    };
    let mut text = "# TYPE node_cpu_seconds counter\n".to_owned();
    text += &series("node_cpu_seconds_total", ",cpu=\"0\",mode=\"user\"", &|at| at as f64);
    text += "# TYPE node_memory_MemTotal_bytes gauge\n";
    text += &series("node_memory_MemTotal_bytes", "", &|_| 8e9);
    text += "# TYPE node_memory_MemAvailable_bytes gauge\n";
    text += &series("node_memory_MemAvailable_bytes", "", &|_| 6e9);
    text += "# EOF\n";
    let (file, data) = (format!("{folder}/past.txt"), format!("{folder}/data"));
    fs::write(&file, text).expect("writable");
    let made =
        Command::new("promtool").args(["tsdb", "create-blocks-from", "openmetrics", &file, &data]).output();
    let made = made.expect("promtool comes with Prometheus");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[test]
#[ignore = "needs prometheus"]
fn the_past_is_known_from_the_start() {
    let scraped = Scraped::start_with_past("past", false, true);
    // The past is asked for once, so which machine it is of must be known by then.
    scraped.wait_for("node_uname_info");
    let service = scraped.service(&[], "rate_seconds = 300");
    let host = hostname();
    service.wait_for("its load", || named(&service, "/api/v1/nodes", &host)["used"].as_f64() > Some(0.0));
    let load = service.get("/api/v1/load");
    let now = service.get("/api/v1/status")["time_seconds"].as_u64().expect("a number");
    let since = load["expected"]["since_seconds"].as_u64().expect("a number");
    assert!(since < now - 6 * 3600, "load is followed since {since}, now is {now}");
    let over_time = load["over_time"].as_array().expect("a list");
    assert!(over_time.len() > 20, "{} moments", over_time.len());
    let busy = resource(&service, &host, "cpu_millicores")["capacity"].as_f64().expect("a number");
    let cpu = over_time[4]["resources"][0]["used"].as_f64().expect("a share");
    assert!((cpu - 1000.0 / busy).abs() < 0.05, "a core was busy: {cpu} of {busy} millicores");
    let tasks = service.get("/api/v1/tasks")["items"].to_string();
    assert!(!tasks.contains("past-of-"), "what was is over: {tasks}");
}

/// The list under a path, by name.
fn named(service: &Service, path: &str, name: &str) -> Value {
    let list = service.get(path)["items"].clone();
    let found = list.as_array().expect("a list").iter().find(|item| item["name"] == name);
    found.cloned().unwrap_or(Value::Null)
}

fn source(service: &Service) -> Value {
    service.get("/api/v1/status")["sources"][0].clone()
}

fn resource(service: &Service, node: &str, name: &str) -> Value {
    let node = service.get(&format!("/api/v1/nodes/{node}"));
    let resources = node["resources"].as_array().expect("a list");
    resources.iter().find(|resource| resource["resource"] == name).expect("a resource").clone()
}

#[test]
#[ignore = "needs prometheus"]
fn a_machine_with_a_node_exporter_is_a_node() {
    let scraped = Scraped::start("machine", false);
    let service = scraped.service(&[], "");
    let host = hostname();
    service.wait_for("its load", || named(&service, "/api/v1/nodes", &host)["used"].as_f64() > Some(0.0));
    let total = read("/proc/meminfo").split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok());
    let memory = resource(&service, &host, "memory_mib");
    assert!(
        (memory["capacity"].as_f64().unwrap_or(0.0) - total.unwrap_or(0.0) / 1024.0).abs() <= 1.0,
        "{memory}"
    );
    assert!(memory["used"].as_f64() > Some(0.0), "{memory}");
    assert!(resource(&service, &host, "cpu_millicores")["capacity"].as_f64() >= Some(1000.0));
    let status = service.get("/api/v1/status");
    assert_eq!((&status["can_act"], &status["nodes"]), (&false.into(), &1.into()), "{status}");
    assert!(
        status["connected_to"].as_str().is_some_and(|about| about.starts_with("Prometheus at")),
        "{status}"
    );
    let notes = source(&service)["notes"].to_string();
    assert!(notes.contains("kube-state-metrics: no series. Maybe scrape kube-state-metrics"), "{notes}");
    let metrics = service.get("/metrics");
    assert!(
        metrics
            .as_str()
            .is_some_and(|text| text.contains("lepton_source_series_mapped{source=\"prometheus\"}"))
    );
}

#[test]
#[ignore = "needs prometheus"]
fn every_exporter_has_its_part_in_what_is_known_under_old_and_new_labels() {
    let scraped = Scraped::start("cluster", true);
    let service = scraped.service(&["--mode", "recommend"], "");
    let host = hostname();
    let pod = "team-a/train-0";
    service.wait_for("what the pod uses", || {
        let used = resource(&service, &host, "device_busy_permille")["used"].as_f64();
        named(&service, "/api/v1/tasks", pod)["node"] == host.as_str() && used == Some(1000.0)
    });
    // kube-state-metrics: nodes, pods that run and wait, and what they ask for; those that have ended are no tasks.
    let node = named(&service, "/api/v1/nodes", "node-b");
    assert_eq!((&node["state"], &node["devices"]), (&"cordoned".into(), &2.into()), "{node}");
    assert_eq!(resource(&service, &host, "cpu_millicores")["capacity"], 16_000.0);
    let task = named(&service, "/api/v1/tasks", pod);
    assert_eq!((&task["owner"], &task["devices"]), (&"team-a".into(), &2.0.into()), "{task}");
    assert_eq!(task["demand"][0], 8000);
    let waiting = named(&service, "/api/v1/tasks", "team-a/train-1");
    assert_eq!((&waiting["state"], &waiting["node"]), (&"waiting".into(), &Value::Null), "{waiting}");
    assert_eq!(named(&service, "/api/v1/tasks", "team-a/done-0"), Value::Null);
    assert_eq!(named(&service, "/api/v1/tasks", "kube-system/agent-x")["do_not_disrupt"], true);
    // The devices that a pod holds, under the old labels and under the new.
    for (node, model, held) in
        [(host.as_str(), "NVIDIA A100-SXM4-80GB", &[1, 3][..]), ("node-b", "NVIDIA H200", &[0])]
    {
        let devices = service.get(&format!("/api/v1/nodes/{node}"))["devices"].clone();
        let devices = devices.as_array().expect("a list").clone();
        assert!(
            devices.iter().all(|device| device["model"].as_str().is_some_and(|m| m.contains(model))),
            "{devices:?}"
        );
        let of_pod =
            (0..devices.len()).filter(|at| devices[*at]["held"].as_f64() > Some(0.0)).collect::<Vec<_>>();
        assert_eq!(of_pod, held, "{node}: {devices:?}");
        let out: Vec<bool> = devices.iter().map(|device| device["in_service"] == false).collect();
        assert_eq!(out.contains(&true), node == "node-b", "{devices:?}");
    }
    // cAdvisor: 4 cores of the pod beside what the machine uses, from its own exporter.
    service.wait_for("the pod's cores", || {
        let used = resource(&service, "node-b", "cpu_millicores")["used"].as_f64().unwrap_or(0.0);
        (900.0..1100.0).contains(&used)
    });
    let of = source(&service);
    assert!(of["series"]["mapped"].as_u64() > Some(30), "{of}");
    let notes = of["notes"].to_string();
    assert!(notes.contains("DCGM_FI_DEV_ECC_SBE_VOL_TOTAL, counter"), "the line to add is named: {notes}");
}

#[test]
#[ignore = "needs prometheus"]
fn a_prometheus_that_is_away_leaves_a_loop_that_says_so_and_decides_nothing() {
    let mut scraped = Scraped::start("away", true);
    let service = scraped.service(&["--mode", "recommend"], "fresh_seconds = 4");
    let status = || service.get("/api/v1/status");
    service.wait_for("it is fresh", || status()["sources"][0]["stale"] == false && status()["nodes"] == 2);
    scraped.stop();
    service.wait_for("it is out of date", || status()["sources"][0]["stale"] == true);
    let away = status();
    assert_eq!((&away["state"], &away["open_plan"]), (&"degraded".into(), &Value::Null), "{away}");
    let problems = away["problems"].to_string();
    assert!(problems.contains("out of date, so nothing is decided or done"), "{problems}");
    assert!(problems.contains("127.0.0.1"), "who does not answer is named: {problems}");
    assert_eq!(away["nodes"], 2, "what was known is still shown");
    assert_eq!(service.request("GET", "/readyz", "").0, 503);
    let (failures, turn) = (away["sources"][0]["failures"].as_u64(), away["turn"].as_u64());
    assert!(failures >= Some(1), "{away}");
    service.wait_for("more turns", || status()["turn"].as_u64() > turn.map(|turn| turn + 2));
    let planned = service.get("/api/v1/turns?limit=2")["items"].clone();
    assert!(
        planned.as_array().is_some_and(|all| all.iter().all(|turn| turn["planned_steps"] == 0)),
        "{planned}"
    );
    scraped.run();
    service.wait_for("it has caught up", || {
        status()["state"] == "ok" && status()["sources"][0]["stale"] == false
    });
    assert_eq!(status()["nodes"], 2);
}

#[test]
#[ignore = "needs prometheus"]
fn a_query_that_prometheus_refuses_is_named_and_the_others_go_on() {
    let scraped = Scraped::start("query", false);
    let file = "fresh_seconds = 60\n[prometheus.queries]\ndisk_busy_share = \"rate(up)\"\n";
    let service = scraped.service(&[], file);
    service
        .wait_for("its load", || named(&service, "/api/v1/nodes", &hostname())["used"].as_f64() > Some(0.0));
    let notes = source(&service)["notes"].to_string();
    assert!(notes.contains("`disk_busy_share` is refused") && notes.contains("rate(up)"), "{notes}");
}
