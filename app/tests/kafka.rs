//! `lepton serve` on a real Apache Kafka: what comes in on topics leads to decisions, what is decided goes out on others, also when the service
//! is killed and the broker is away. `cargo xtask test kafka`.

#![cfg(all(feature = "kafka", target_os = "linux"))]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use common::broker::{Broker, Found, PASSWORD, USER};
use common::scratch;
use common::service::Service;
use lepton_edges::store::Reader;
use serde_json::{Value, json};

const READINGS: &str = "lepton.readings";
const EVENTS: &str = "lepton.events";
const LOGS: &str = "lepton.logs";

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// A moment as events write it.
fn written(seconds: u64) -> String {
    let date = |format: &str| {
        let said =
            std::process::Command::new("date").args(["-u", "-d", &format!("@{seconds}"), format]).output();
        String::from_utf8(said.expect("date is everywhere").stdout).expect("text").trim().to_owned()
    };
    date("+%Y-%m-%dT%H:%M:%SZ")
}

fn event(kind: &str, id: &str, seconds: u64, data: &Value) -> String {
    json!({
        "specversion": "1.0", "id": id, "source": "/test", "type": kind, "time": written(seconds), "data": data,
    })
    .to_string()
}

fn node(name: &str) -> String {
    let device = json!({"kind": "gpu", "model": "NVIDIA A100"});
    let capacity = json!({"cpu_millicores": 16000, "memory_mib": 65536, "network_mbit_s": 10000});
    let data =
        json!({"name": name, "capacity": capacity, "devices": [device, device], "labels": {"zone": "a"}});
    event("lepton.node.v1", &format!("node-{name}"), now(), &data)
}

fn task(name: &str, node: Option<&str>) -> String {
    let demand = json!({"cpu_millicores": 1000, "memory_mib": 1024});
    let mut data = json!({"name": name, "demand": demand, "owner": "team-a", "priority": 5});
    if let Some(node) = node {
        data["node"] = node.into();
    }
    event("lepton.task.v1", &format!("task-{name}"), now(), &data)
}

fn reading(node: &str) -> String {
    let data = json!({"node": node, "used": {"cpu_millicores": 4000, "memory_mib": 8192},
        "tasks": [{"name": "runs", "used": {"cpu_millicores": 700, "memory_mib": 512}}]});
    event("lepton.reading.v1", &format!("reading-{node}-{}", now()), now(), &data)
}

fn log(id: &str, node: &str, message: &str) -> String {
    event("lepton.log.v1", id, now(), &json!({"node": node, "message": message}))
}

const FALLEN: &str = "NVRM: Xid (PCI:0000:3b:00): 79, pid=2411, GPU has fallen off the bus.";

/// Two nodes, of which something is told every half second until it ends.
struct Told {
    ended: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Told {
    fn begin(broker: &Arc<std::sync::Mutex<Broker>>) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let (broker, ended) = (Arc::clone(broker), Arc::clone(&ended));
            move || {
                while !ended.load(Ordering::Relaxed) {
                    let of = ["node-a", "node-b"].map(|node| (node, reading(node)));
                    let of: Vec<(&str, &[u8])> =
                        of.iter().map(|(key, text)| (*key, text.as_bytes())).collect();
                    broker.lock().expect("nobody panics with it").send(READINGS, &of);
                    thread::sleep(Duration::from_millis(500));
                }
            }
        });
        Self { ended, thread: Some(thread) }
    }

    fn end(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("it ends");
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // It has a hand on the broker, which would outlive a test that fails.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A broker with two nodes on its topics.
fn cluster(name: &str) -> Arc<std::sync::Mutex<Broker>> {
    let broker = Broker::start(name);
    let nodes = ["node-a", "node-b"].map(|name| (name, node(name)));
    let nodes: Vec<(&str, &[u8])> = nodes.iter().map(|(key, text)| (*key, text.as_bytes())).collect();
    broker.send(EVENTS, &nodes);
    broker.send(LOGS, &[("node-a", log("quiet", "node-a", "systemd: Started something.").as_bytes())]);
    Arc::new(std::sync::Mutex::new(broker))
}

fn send(broker: &Arc<std::sync::Mutex<Broker>>, topic: &str, key: &str, payload: &str) {
    broker.lock().expect("nobody panics with it").send(topic, &[(key, payload.as_bytes())]);
}

/// A settings file of the source.
fn settings(name: &str, broker: &Arc<std::sync::Mutex<Broker>>, more: &str) -> String {
    let file = scratch(&format!("{name}.toml"));
    let brokers = broker.lock().expect("nobody panics with it").address();
    fs::write(&file, format!("{more}\n[kafka]\nbrokers = \"{brokers}\"\n")).expect("writable");
    file
}

fn serve(folder: &str, file: &str) -> Service {
    let options = ["--config", file, "--source", "kafka", "--mode", "recommend", "--turn-seconds", "0.5"];
    Service::start_of(folder, &options, "")
}

fn status(service: &Service) -> Value {
    service.get("/api/v1/status")
}

fn stream(service: &Service) -> Value {
    status(service)["sources"][0]["stream"].clone()
}

fn item(service: &Service, path: &str, name: &str) -> Value {
    let list = service.get(path)["items"].clone();
    let found = list.as_array().expect("a list").iter().find(|item| item["name"] == name);
    found.cloned().unwrap_or(Value::Null)
}

fn risk(service: &Service, node: &str) -> f64 {
    item(service, "/api/v1/nodes", node)["failure_probability"].as_f64().unwrap_or(0.0)
}

#[test]
#[ignore = "needs kafka"]
fn what_comes_in_leads_to_a_decision_and_what_is_of_no_use_to_the_dead_letters() {
    let broker = cluster("in");
    let mut told = Told::begin(&broker);
    send(&broker, EVENTS, "runs", &task("runs", Some("node-a")));
    send(&broker, EVENTS, "waits", &task("waits", None));
    let service = serve(&scratch("in"), &settings("in", &broker, ""));
    service.wait_for("both nodes and tasks", || {
        item(&service, "/api/v1/tasks", "runs")["node"] == "node-a"
            && item(&service, "/api/v1/tasks", "waits")["state"] == "waiting"
            && status(&service)["nodes"] == 2
    });
    service.wait_for("a plan for the task", || {
        let plan = status(&service)["open_plan"].clone();
        plan.as_str()
            .is_some_and(|id| service.get(&format!("/api/v1/plans/{id}")).to_string().contains("waits"))
    });
    let explained = service.get("/api/v1/explain/waits").to_string();
    assert!(explained.contains("PendingTaskFits"), "{explained}");
    // What the node uses in all, and of it what the task does.
    service.wait_for("the readings", || {
        let node = service.get("/api/v1/nodes/node-a");
        node["resources"][0]["used"].as_f64() == Some(4000.0) && node.to_string().contains("rest-of-node-a")
    });

    let before = risk(&service, "node-a");
    for number in 0..5 {
        send(&broker, LOGS, "node-a", &log(&format!("fallen-{number}"), "node-a", FALLEN));
    }
    service.wait_for("the signs", || risk(&service, "node-a") > before + 0.01);
    assert!(risk(&service, "node-a") > risk(&service, "node-b"), "only the node of the messages");

    // Messages of no use go as they came; the loop goes on.
    let bad = b"{\"specversion\": \"1.0\", \xff\x00 no JSON";
    broker.lock().expect("nobody panics with it").send(EVENTS, &[("odd", bad)]);
    let later = event("lepton.task.v2", "later", now(), &json!({"name": "x"}));
    send(&broker, EVENTS, "later", &later);
    send(
        &broker,
        EVENTS,
        "future",
        &event("lepton.task.ended.v1", "f", now() + 7200, &json!({"name": "runs"})),
    );
    send(&broker, EVENTS, "after", &task("after", None));
    service.wait_for("what comes after", || !item(&service, "/api/v1/tasks", "after").is_null());
    service.wait_for("the dead letters", || stream(&service)["dead_letters"] == 3);
    let dead = broker.lock().expect("nobody panics with it").read("lepton.events.dlq");
    let of = |key: &str| -> Found {
        let found = dead.iter().find(|found| found.key.as_deref() == Some(key.as_bytes()));
        found.unwrap_or_else(|| panic!("{key} is not among {dead:?}")).clone()
    };
    assert_eq!(of("odd").payload, bad, "as it came");
    assert_eq!(of("later").payload, later.as_bytes());
    for (key, code) in [("odd", "NoCloudEvent"), ("later", "UnknownType"), ("future", "FromTheFuture")] {
        assert_eq!(of(key).header("lepton-error-code"), Some(code));
        assert_eq!(of(key).header("lepton-topic"), Some(EVENTS));
        assert!(of(key).header("lepton-offset").is_some_and(|offset| offset.parse::<u64>().is_ok()));
    }
    let metrics = service.get("/metrics").as_str().expect("text").to_owned();
    for line in
        ["lepton_source_dead_letters_total{source=\"kafka\"} 3", "lepton_source_stale{source=\"kafka\"} 0"]
    {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    let shown = common::lepton(&["status", "--server", &service.address]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("3 dead letters"), "{shown}");
    told.end();
}

#[test]
#[ignore = "needs kafka"]
fn nothing_is_lost_or_counted_twice_when_the_service_is_killed() {
    let broker = cluster("killed");
    let mut told = Told::begin(&broker);
    let (folder, file) = (scratch("killed"), settings("killed", &broker, ""));
    let mut service = serve(&folder, &file);
    for round in 0..3 {
        for number in 0..20 {
            let name = format!("t{round}-{number}");
            send(&broker, EVENTS, &name, &task(&name, None));
            // Each line comes twice, as from one who sends again what may not have arrived.
            let line = log(&format!("line-{round}-{number}"), "node-a", FALLEN);
            send(&broker, LOGS, "node-a", &line);
            send(&broker, LOGS, "node-a", &line);
            if number == 10 {
                service.child.kill().expect("it can be killed");
                service.child.wait().expect("it ends");
            }
        }
        service = serve(&folder, &file);
    }
    service.wait_for("all tasks", || {
        service.get("/api/v1/tasks?limit=1000").to_string().matches("\"t2-").count() >= 20
    });
    let tasks = service.get("/api/v1/tasks?limit=1000");
    let names: Vec<&str> =
        tasks["items"].as_array().expect("a list").iter().filter_map(|t| t["name"].as_str()).collect();
    for round in 0..3 {
        for number in 0..20 {
            let name = format!("t{round}-{number}");
            assert_eq!(names.iter().filter(|of| **of == name).count(), 1, "{name} among {names:?}");
        }
    }
    let kept = || {
        let connection = rusqlite::Connection::open(format!("{folder}/kafka.db")).expect("it is there");
        let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("a number");
        (count("SELECT count(*) FROM signs"), count("SELECT coalesce(max(number), 0) FROM signs"))
    };
    service.wait_for("each line once", || kept().0 == 60);
    // Up to the last, what was learned of them is kept with their number.
    let seen = || {
        let connection = rusqlite::Connection::open(format!("{folder}/journal.db")).expect("it is there");
        let sql = "SELECT value FROM facts WHERE name = 'signs_seen'";
        connection
            .query_row(sql, [], |row| row.get::<_, String>(0))
            .ok()
            .and_then(|text| text.parse::<i64>().ok())
    };
    service.wait_for("they are learned from", || seen() == Some(kept().1));
    // A kill and a start change nothing of that.
    let before = risk(&service, "node-a");
    assert!(before > 0.05, "{before}");
    service.child.kill().expect("it can be killed");
    service.child.wait().expect("it ends");
    let service = serve(&folder, &file);
    service.wait_for("its nodes", || risk(&service, "node-a") > 0.0);
    let after = risk(&service, "node-a");
    assert!((after - before).abs() < 0.02, "{before} and then {after}");
    assert_eq!(stream(&service)["dead_letters"], 0);
    told.end();
}

#[test]
#[ignore = "needs kafka"]
fn a_broker_that_is_away_leaves_a_loop_that_says_so_decides_nothing_and_catches_up() {
    let broker = cluster("away");
    let mut told = Told::begin(&broker);
    send(&broker, EVENTS, "waits", &task("waits", None));
    let service = serve(&scratch("away"), &settings("away", &broker, "fresh_seconds = 5"));
    service.wait_for("a plan", || status(&service)["open_plan"].is_string());
    told.end();
    broker.lock().expect("nobody panics with it").stop();
    service.wait_for("it is out of date", || status(&service)["sources"][0]["stale"] == true);
    let away = status(&service);
    assert_eq!((&away["state"], &away["nodes"]), (&"degraded".into(), &2.into()), "{away}");
    assert!(away["problems"].to_string().contains("out of date, so nothing is decided or done"), "{away}");
    service.wait_for("it says who is away", || {
        status(&service)["problems"].to_string().contains("source `kafka`: ")
    });
    let turn = status(&service)["turn"].as_u64();
    service.wait_for("more turns", || status(&service)["turn"].as_u64() > turn.map(|turn| turn + 3));
    let planned = service.get("/api/v1/turns?limit=2")["items"].clone();
    assert!(
        planned.as_array().is_some_and(|all| all.iter().all(|turn| turn["planned_steps"] == 0)),
        "{planned}"
    );

    broker.lock().expect("nobody panics with it").run();
    send(&broker, EVENTS, "came", &task("came", None));
    let mut told = Told::begin(&broker);
    service.wait_for("it has caught up", || {
        let of = status(&service);
        of["state"] == "ok" && of["sources"][0]["stale"] == false
    });
    assert!(!item(&service, "/api/v1/tasks", "came").is_null(), "nothing is decided before all is known");
    service.wait_for("a plan with both", || {
        let plan = status(&service)["open_plan"].clone();
        let plan = plan.as_str().map(|id| service.get(&format!("/api/v1/plans/{id}")).to_string());
        plan.is_some_and(|plan| plan.contains("waits") && plan.contains("came"))
    });
    told.end();
}

/// Decisions of the store by the id of their event, with their final results.
fn decided(folder: &str) -> BTreeMap<String, Option<String>> {
    let reader = Reader::open(Path::new(folder)).expect("it is there");
    let (mut all, mut before) = (BTreeMap::new(), None);
    loop {
        let page = reader.decisions(None, before, 1000).expect("readable");
        for decision in page.items {
            let result =
                decision.record.result.as_ref().map(|result| serde_json::to_string(result).expect("JSON"));
            let result = result.filter(|result| result != "\"underway\"");
            all.insert(format!("d{}-{}", decision.record.turn, decision.record.number), result);
        }
        before = page.next_before;
        if before.is_none() {
            return all;
        }
    }
}

/// The events of a topic by their ids; what comes twice must be the same.
fn events(broker: &Broker, topic: &str) -> BTreeMap<String, Value> {
    let mut events = BTreeMap::<String, Value>::new();
    for found in broker.read(topic) {
        let event: Value = serde_json::from_slice(&found.payload).expect("JSON");
        let id = event["id"].as_str().expect("an id").to_owned();
        let key = String::from_utf8(found.key.expect("a key")).expect("text");
        assert!(id.starts_with(&key), "{id} has the key {key}");
        if let Some(before) = events.insert(id.clone(), event.clone()) {
            assert_eq!(before["data"]["task"], event["data"]["task"], "{id} is another event");
        }
    }
    events
}

#[test]
#[ignore = "needs kafka"]
fn every_decision_and_outcome_is_on_its_topic_once_by_id_whatever_is_killed_or_away() {
    let mut broker = Broker::start("out");
    let (folder, file) = (scratch("out"), scratch("out.toml"));
    let topics = "decisions_topic = \"lepton.decisions\"\noutcomes_topic = \"lepton.outcomes\"";
    fs::write(&file, format!("[kafka]\nbrokers = \"{}\"\n{topics}\n", broker.address())).expect("writable");
    let options = ["--config", file.as_str(), "--mode", "act", "--speed", "1500"];
    let start = || Service::start(&folder, &options);
    let sink = |service: &Service| status(service)["store"]["kafka"].clone();
    let mut service = start();
    service.wait_for("it is told", || sink(&service)["told"].as_u64() > Some(20));
    for _ in 0..3 {
        service.child.kill().expect("it can be killed");
        service.child.wait().expect("it ends");
        service = start();
        let turn = status(&service)["turn"].as_u64();
        service.wait_for("it goes on", || status(&service)["turn"].as_u64() > turn.map(|turn| turn + 20));
    }
    // The broker is away: decisions go on, the service is well and says so.
    broker.stop();
    service.wait_for("it says so", || sink(&service)["problem"].is_string());
    let turn = status(&service)["turn"].as_u64();
    service.wait_for("it goes on", || status(&service)["turn"].as_u64() > turn.map(|turn| turn + 40));
    assert_eq!(status(&service)["state"], "ok");
    service.wait_for("rows wait", || sink(&service)["waiting"].as_u64() > Some(0));
    let metrics = service.get("/metrics").as_str().expect("text").to_owned();
    assert!(metrics.contains("\nlepton_kafka_sink_up 0\n"), "{metrics}");
    assert!(metrics.contains("\nlepton_kafka_sink_rows_waiting "), "{metrics}");
    service.child.kill().expect("it can be killed");
    service.child.wait().expect("it ends");
    broker.run();
    let mut service = start();
    service.wait_for("it catches up", || {
        let of = sink(&service);
        of["told"].as_u64() > Some(0) && of["problem"].is_null() && of["waiting"] == 0
    });
    assert_eq!(service.end("-TERM"), Some(143));

    // What the end left untold is told after the next start; one that observes decides no more.
    let service = Service::start(&folder, &["--config", &file, "--mode", "observe", "--speed", "1500"]);
    let kept = decided(&folder);
    let names = |events: &BTreeMap<String, Value>| -> Vec<String> {
        let mut names: Vec<String> =
            events.values().filter_map(|event| event["subject"].as_str().map(str::to_owned)).collect();
        names.sort();
        names
    };
    let mut expected: Vec<String> = kept.keys().cloned().collect();
    expected.sort();
    assert!(expected.len() > 50, "{}", expected.len());
    let told = |topic: &str| names(&events(&broker, topic));
    service.wait_for("each decision is told", || told("lepton.decisions").len() >= expected.len());
    assert_eq!(told("lepton.decisions"), expected, "each decision once by its id");
    let mut over: Vec<String> =
        kept.iter().filter(|(_, result)| result.is_some()).map(|(id, _)| id.clone()).collect();
    over.sort();
    service.wait_for("each outcome is told", || told("lepton.outcomes").len() >= over.len());
    assert_eq!(told("lepton.outcomes"), over, "each outcome once by its id");
    for event in events(&broker, "lepton.outcomes").values() {
        let of = event["subject"].as_str().expect("a decision");
        assert_eq!(Some(event["data"]["result"].to_string()), kept[of], "{event}");
    }
}

#[test]
#[ignore = "needs kafka"]
fn brokers_are_spoken_to_over_tls_with_a_login_whose_password_is_said_nowhere() {
    let broker = Broker::start("tls");
    let password = scratch("password");
    fs::write(&password, format!("{PASSWORD}\n")).expect("writable");
    let started = |name: &str, more: &str| {
        let file = scratch(&format!("tls-{name}.toml"));
        let text = format!(
            "[kafka]\nbrokers = \"{}\"\ntls = true\nca_file = \"{}\"\nuser = \"{USER}\"\n{more}\n\
             decisions_topic = \"decisions-{name}\"\n",
            broker.secure_address(),
            broker.ca_file()
        );
        fs::write(&file, text).expect("writable");
        Service::start(
            &scratch(&format!("tls-{name}")),
            &["--config", &file, "--mode", "act", "--speed", "1500"],
        )
    };
    let sink = |service: &Service| status(service)["store"]["kafka"].clone();
    for (name, mechanism) in [("scram", "SCRAM-SHA-512"), ("plain", "PLAIN")] {
        let more = format!("sasl_mechanism = \"{mechanism}\"\npassword_file = \"{password}\"");
        let service = started(name, &more);
        service.wait_for("it is told", || {
            sink(&service)["told"].as_u64() > Some(5) && sink(&service)["problem"].is_null()
        });
        assert!(!broker.read(&format!("decisions-{name}")).is_empty());
        assert!(
            !common::read(&service.errors).contains(PASSWORD)
                && !status(&service).to_string().contains(PASSWORD)
        );
    }
}

#[test]
#[ignore = "needs kafka"]
fn a_topic_of_lines_beside_another_source_tells_signs_of_its_nodes_once() {
    let broker = cluster("beside");
    let (folder, file) = (scratch("beside"), settings("beside", &broker, ""));
    let with_topic = format!("{}logs_topic = \"{LOGS}\"\n", fs::read_to_string(&file).expect("it is there"));
    fs::write(&file, with_topic).expect("writable");
    let here = fs::read_to_string("/proc/sys/kernel/hostname").expect("it has a name").trim().to_owned();
    let serve = || {
        let options = ["--config", &file, "--source", "host", "--turn-seconds", "0.5"];
        let service = Service::begin_under(&[], &folder, &options);
        service.wait_for("it answers", || service.request("GET", "/livez", "").0 == 200);
        service
    };
    let of = |service: &Service| {
        let sources = status(service)["sources"].clone();
        let found = sources.as_array().expect("a list").iter().find(|of| of["name"] == "kafka").cloned();
        found.unwrap_or(Value::Null)
    };
    // What is learned of critical messages, as it has faded.
    let learned = || {
        let connection = rusqlite::Connection::open(format!("{folder}/journal.db")).expect("it is there");
        let fact = |name: &str| {
            let sql = "SELECT value FROM facts WHERE name = ?1";
            connection.query_row(sql, [name], |row| row.get::<_, String>(0)).ok()
        };
        let number = fact("signs_seen_kafka").and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
        let signs: Value = serde_json::from_str(&fact("signs").unwrap_or_default()).unwrap_or_default();
        (number, signs["nodes"][0]["signs"]["faded"][1].as_f64().unwrap_or(0.0))
    };
    let mut service = serve();
    send(&broker, LOGS, "here", &log("one", &here.to_uppercase(), FALLEN));
    send(&broker, LOGS, "here", &log("one", &here.to_uppercase(), FALLEN));
    // No node of this machine, and an event that is none of a log.
    send(&broker, LOGS, "node-a", &log("other", "node-a", FALLEN));
    send(&broker, LOGS, "node-c", &node("node-c"));
    service.wait_for("the sign", || learned().0 > 0);
    service.wait_for("what is not known", || of(&service)["stream"]["unknown"] == 2);
    assert!(of(&service)["stream"]["examples"].to_string().contains("node `node-a`, topic `lepton.logs`"));
    assert_eq!((&of(&service)["stale"], &status(&service)["nodes"]), (&false.into(), &1.into()));
    let before = learned().0;
    service.child.kill().expect("it can be killed");
    service.child.wait().expect("it ends");
    send(&broker, LOGS, "here", &log("two", &here, FALLEN));
    let service = serve();
    // Numbers of signs go up, not by one each.
    service.wait_for("what came meanwhile", || learned().0 > before);
    assert!((learned().1 - 2.0).abs() < 0.05, "{:?}", learned());
    // A broker that is away is said, and nothing is out of date.
    broker.lock().expect("nobody panics with it").stop();
    service.wait_for("it is said", || status(&service)["problems"].to_string().contains("source `kafka`"));
    let away = status(&service);
    assert_eq!((&away["stale_sources"], &away["state"]), (&json!([]), &"degraded".into()), "{away}");
}
