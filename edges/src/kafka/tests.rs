//! Events as they are read, what they amount to, and what is kept of it; the schemas say what the code takes.

use lepton_core::analyze::risk::Severity;
use lepton_core::model::{DeviceSet, Health, Reading};
use serde_json::{Value, json};

use super::event::{BadMessage, Event, TYPES, parse};
use super::kept::{Kept, Sign};
use super::schema;
use super::world::{Taken, World};

/// Noon of 29 November 2026.
const NOW: u64 = 1_795_953_600;

fn message(kind: &str, data: &Value) -> Value {
    json!({"specversion": "1.0", "id": "1", "source": "/s", "type": kind, "time": "2026-11-29T12:00:00Z", "data": data})
}

fn read(message: &Value) -> Result<Event, BadMessage> {
    parse(message.to_string().as_bytes(), None, NOW, &schema())
}

fn event(kind: &str, seconds: u64, data: &Value) -> Event {
    Event { seconds, ..read(&message(kind, data)).expect("it is sound") }
}

fn node(name: &str, cpu: i64) -> Value {
    json!({"name": name, "capacity": {"cpu_millicores": cpu, "memory_mib": 1000}})
}

fn schema_of(kind: &str) -> Value {
    let path = format!("{}/../docs/kafka/{kind}.schema.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).expect("JSON")
}

/// A value that a schema of a field takes.
fn sample(name: &str, of: &Value) -> Value {
    if let Some(first) = of["enum"].get(0) {
        return first.clone();
    }
    let kind = of["type"].as_str().or_else(|| of["type"][0].as_str()).expect("a type");
    match (name, kind) {
        ("capacity" | "used" | "demand", _) => json!({"cpu_millicores": 5}),
        ("labels", _) => json!({"zone": "a"}),
        ("signals", _) => json!({"device_errors_per_hour": 2}),
        (_, "string") => json!("x"),
        (_, "integer") => json!(1),
        (_, "number") => json!(1.5),
        (_, "boolean") => json!(true),
        (_, "array") => json!([sample("", &of["items"])]),
        (_, "object") => {
            let fields = of["properties"].as_object().into_iter().flatten();
            fields
                .map(|(name, of)| (name.clone(), sample(name, of)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
        other => panic!("no sample of {other:?}"),
    }
}

#[test]
fn each_type_takes_all_that_its_schema_names_and_nothing_less_than_it_requires() {
    for kind in TYPES {
        let schema = schema_of(kind);
        let data = &schema["properties"]["data"];
        assert_eq!(schema["properties"]["type"]["const"], kind);
        let full = sample("", data);
        read(&message(kind, &full)).unwrap_or_else(|bad| panic!("{kind}: {bad}, of {full}"));
        for required in data["required"].as_array().expect("a list") {
            let mut less = full.clone();
            less.as_object_mut().expect("an object").remove(required.as_str().expect("a name"));
            let bad = read(&message(kind, &less)).expect_err("it is required");
            assert_eq!(bad.code(), "WrongData", "{kind} without {required}");
        }
        let mut more = full.clone();
        more["of_a_later_version"] = json!({"a": [1]});
        assert_eq!(read(&message(kind, &more)), read(&message(kind, &full)), "an unknown field is ignored");
        for required in schema["required"].as_array().expect("a list") {
            let mut less = message(kind, &full);
            less.as_object_mut().expect("an object").remove(required.as_str().expect("a name"));
            assert!(read(&less).is_err(), "{kind} without {required}");
        }
    }
}

#[test]
fn a_message_that_is_of_no_use_is_told_apart_by_its_code() {
    let with = |name: &str, value: Value| {
        let mut message = message("lepton.node.gone.v1", &json!({"name": "a"}));
        message[name] = value;
        message.to_string().into_bytes()
    };
    let wrong = |kind: &str, data: Value| message(kind, &data).to_string().into_bytes();
    for (payload, code) in [
        (Vec::new(), "NoCloudEvent"),
        (b"\xff\x00".to_vec(), "NoCloudEvent"),
        (b"[]".to_vec(), "NoCloudEvent"),
        (vec![b' '; (1 << 20) + 1], "TooLong"),
        (with("specversion", json!("0.3")), "OtherSpecification"),
        (with("id", json!("")), "NoCloudEvent"),
        (with("type", json!("lepton.node.v2")), "UnknownType"),
        (with("time", json!("noon")), "NoTime"),
        (with("time", json!("2026-11-29T12:01:01Z")), "FromTheFuture"),
        (with("data", json!({"name": "x".repeat(331)})), "WrongData"),
        (with("data", json!({"name": ""})), "WrongData"),
        (wrong("lepton.node.v1", json!({"name": "a", "capacity": {"cpus": 1}})), "WrongData"),
        (wrong("lepton.node.v1", json!({"name": "a", "capacity": {"memory_mib": -1}})), "WrongData"),
        (wrong("lepton.node.v1", json!({"name": "a", "capacity": {"memory_mib": 1e16}})), "WrongData"),
        (
            wrong("lepton.task.v1", json!({"name": "a", "demand": {}, "node": "n", "node_devices": [64]})),
            "WrongData",
        ),
        (wrong("lepton.task.v1", json!({"name": "a", "demand": {}, "node_devices": [1]})), "WrongData"),
        (wrong("lepton.reading.v1", json!({"node": "a", "signals": {"x": -1}})), "WrongData"),
    ] {
        let bad = parse(&payload, None, NOW, &schema()).expect_err(code);
        assert_eq!(bad.code(), code, "{bad}");
    }
    let mut timeless = message("lepton.node.gone.v1", &json!({"name": "a"}));
    timeless.as_object_mut().expect("an object").remove("time");
    let at = |recorded| {
        parse(timeless.to_string().as_bytes(), recorded, NOW, &schema()).map(|event| event.seconds)
    };
    assert_eq!(at(Some(NOW - 9)), Ok(NOW - 9), "the record's time stands in");
    assert!(at(None).is_err());
    let ahead = parse(&with("time", json!("2026-11-29T12:00:59Z")), None, NOW, &schema());
    assert_eq!(ahead.map(|event| event.seconds), Ok(NOW), "nothing is younger than now");
}

#[test]
fn of_each_thing_the_newest_event_counts() {
    let mut world = World::default();
    let mut take =
        |kind: &str, seconds, data: &Value| world.take(&event(kind, seconds, data)).expect("there is room");
    assert_eq!(take("lepton.reading.v1", 5, &json!({"node": "a"})), Taken::Unknown);
    assert_eq!(take("lepton.node.v1", 10, &node("a", 4000)), Taken::News);
    assert_eq!(take("lepton.node.v1", 9, &node("a", 1)), Taken::Late);
    assert_eq!(take("lepton.node.v1", 10, &node("a", 4000)), Taken::News, "the same again changes nothing");
    let task = |node: Option<&str>| json!({"name": "t", "demand": {"cpu_millicores": 1}, "node": node});
    assert_eq!(take("lepton.task.v1", 12, &task(Some("a"))), Taken::News);
    assert_eq!(take("lepton.task.v1", 11, &task(None)), Taken::Late);
    let uses = json!({"node": "a", "used": {"cpu_millicores": 900}, "tasks": [{"name": "t", "used": {"cpu_millicores": 300}}]});
    assert_eq!(take("lepton.reading.v1", 13, &uses), Taken::News);
    assert_eq!(take("lepton.reading.v1", 12, &json!({"node": "a", "used": {}})), Taken::Late);
    let told = world.tell_news();
    let uses = |of: &str| {
        told.iter().find_map(|reading| match reading {
            Reading::TaskUse { task, amounts, .. } if task == of => Some(amounts[0]),
            _ => None,
        })
    };
    assert_eq!((uses("t"), uses("rest-of-a")), (Some(300), Some(600)));
    let place = Reading::TaskPlaced { task: "t".to_owned(), node: "a".to_owned(), devices: DeviceSet::NONE };
    assert!(told.contains(&place), "{told:?}");
    assert_eq!(world.tell_news(), [], "nothing is told twice");

    let ended = json!({"name": "t"});
    assert_eq!(world.take(&event("lepton.task.ended.v1", 14, &ended)), Ok(Taken::News));
    assert_eq!(
        world.take(&event("lepton.task.v1", 13, &task(Some("a")))),
        Ok(Taken::Late),
        "it does not come back"
    );
    assert!(world.tell_news().contains(&Reading::TaskEnded { task: "t".to_owned() }));
    assert_eq!(world.take(&event("lepton.node.gone.v1", 15, &json!({"name": "a"}))), Ok(Taken::News));
    let told = world.tell_news();
    assert!(told.contains(&Reading::NodeRemoved { node: "a".to_owned() }), "{told:?}");
    assert!(told.contains(&Reading::TaskEnded { task: "rest-of-a".to_owned() }), "{told:?}");
}

#[test]
fn a_task_on_a_node_that_is_not_known_is_told_once_it_is() {
    let mut world = World::default();
    let task = json!({"name": "t", "demand": {"cpu_millicores": 1}, "node": "a"});
    world.take(&event("lepton.task.v1", 1, &task)).expect("there is room");
    assert_eq!(world.tell_news(), [], "it does not wait");
    world.take(&event("lepton.node.v1", 2, &node("a", 100))).expect("there is room");
    let told = world.tell_news();
    assert!(
        told.iter().any(|reading| matches!(reading, Reading::TaskPlaced { node, .. } if node == "a")),
        "{told:?}"
    );
    world.take(&event("lepton.node.gone.v1", 3, &json!({"name": "a"}))).expect("there is room");
    let told = world.tell_news();
    assert!(told.contains(&Reading::TaskUnplaced { task: "t".to_owned() }), "{told:?}");
}

#[test]
fn a_node_that_is_silent_while_others_are_told_of_takes_no_tasks() {
    let mut world = World::default();
    for name in ["a", "b"] {
        world.take(&event("lepton.node.v1", 100, &node(name, 100))).expect("there is room");
    }
    assert_eq!(world.hush(60), [""; 0]);
    world.tell_news();
    world
        .take(&event("lepton.log.v1", 200, &json!({"node": "b", "message": "alive"})))
        .expect("there is room");
    assert_eq!(world.hush(60), ["a"]);
    let health = |told: Vec<Reading>| match told.as_slice() {
        [Reading::NodeAdded(node)] => (node.name.clone(), node.health),
        other => panic!("{other:?}"),
    };
    assert_eq!(health(world.tell_news()), ("a".to_owned(), Health::Cordoned));
    world.take(&event("lepton.reading.v1", 201, &json!({"node": "a"}))).expect("there is room");
    assert_eq!(world.hush(60), [""; 0]);
    assert_eq!(health(world.tell_news()), ("a".to_owned(), Health::Up));
}

#[test]
fn a_signal_that_is_left_out_is_taken_back() {
    let mut world = World::default();
    world.take(&event("lepton.node.v1", 1, &node("a", 100))).expect("there is room");
    let signal = |world: &mut World| {
        let told = world.tell_news();
        let of = |reading: &Reading| match reading {
            Reading::Signal { value, .. } => Some(*value),
            _ => None,
        };
        told.iter().find_map(of)
    };
    let errors = json!({"node": "a", "signals": {"device_errors_per_hour": 3}});
    world.take(&event("lepton.reading.v1", 2, &errors)).expect("there is room");
    assert_eq!(signal(&mut world), Some(3.0));
    world.take(&event("lepton.reading.v1", 3, &json!({"node": "a"}))).expect("there is room");
    assert_eq!(signal(&mut world), Some(0.0));
}

/// A folder of this test's own.
fn folder(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("lepton-kafka-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("writable");
    folder
}

#[test]
fn what_is_kept_is_there_after_a_start() {
    let folder = folder("kept");
    let mut kept = Kept::open(&folder).expect("it is made");
    let mut world = World::default();
    let task = json!({"name": "t", "demand": {"cpu_millicores": 1}, "node": "a", "node_devices": [1]});
    for (kind, seconds, data) in [
        ("lepton.node.v1", 1, node("a", 100)),
        ("lepton.node.v1", 1, node("b", 100)),
        ("lepton.task.v1", 2, task),
        ("lepton.reading.v1", 3, json!({"node": "a", "used": {"cpu_millicores": 7}, "signals": {"x": 1}})),
        ("lepton.node.gone.v1", 4, json!({"name": "b"})),
    ] {
        world.take(&event(kind, seconds, &data)).expect("there is room");
        kept.keep(&world.unkept(), &[(("topic".to_owned(), 0), seconds as i64)], &[]).expect("there is room");
        world.kept();
    }
    let all = world.tell_all();
    drop(kept);
    let kept = Kept::open(&folder).expect("it is there");
    let mut again = kept.world().expect("readable");
    assert_eq!(again.tell_all(), all);
    assert_eq!(again.newest_seconds(), 4);
    assert_eq!(again.take(&event("lepton.node.v1", 3, &node("b", 1))), Ok(Taken::Late), "it is still gone");
    assert_eq!(kept.positions().expect("readable"), [(("topic".to_owned(), 0), 4)]);
    std::fs::remove_dir_all(&folder).expect("it is there");
}

#[test]
fn signs_have_one_number_each_and_wait_for_their_node() {
    let folder = folder("signs");
    let mut kept = Kept::open(&folder).expect("it is made");
    let mut world = World::default();
    let sign = |id: &str, node: &str| Sign {
        id: id.to_owned(),
        node: node.to_owned(),
        severity: Severity::Critical,
        seconds: NOW,
    };
    let numbers =
        |signs: Vec<crate::signs::Numbered>| signs.iter().map(|sign| sign.number).collect::<Vec<_>>();
    let told =
        kept.keep(&[], &[], &[(sign("1", "a"), true), (sign("1", "a"), true), (sign("2", "later"), false)]);
    assert_eq!(numbers(told.expect("there is room")), [1]);
    let told = kept.keep(&[], &[], &[(sign("1", "a"), true), (sign("2", "later"), false)]);
    assert_eq!(numbers(told.expect("there is room")), [0; 0], "what comes twice does nothing");
    world.take(&event("lepton.node.v1", 1, &node("later", 1))).expect("there is room");
    let told = kept.keep(&world.unkept(), &[], &[]).expect("there is room");
    assert_eq!(told.iter().map(|sign| sign.node.as_str()).collect::<Vec<_>>(), ["later"]);
    assert!(told[0].number > 1, "after those before: {}", told[0].number);
    let told = kept.keep(&[], &[], &[(sign("2", "later"), true)]);
    assert_eq!(numbers(told.expect("there is room")), [0; 0]);
    assert_eq!(kept.signs(1, NOW).expect("readable").len(), 1, "those after a number");
    assert_eq!(kept.signs(0, NOW + 1).expect("readable").len(), 0, "old ones are over");
    std::fs::remove_dir_all(&folder).expect("it is there");
}

#[test]
fn a_file_of_a_later_version_is_left_alone() {
    let folder = folder("later");
    drop(Kept::open(&folder).expect("it is made"));
    let connection = rusqlite::Connection::open(folder.join("kafka.db")).expect("it is there");
    connection.pragma_update(None, "user_version", 9).expect("writable");
    let said = Kept::open(&folder).map(drop).expect_err("it is of a later version").to_string();
    assert!(said.contains("version 9"), "{said}");
    std::fs::remove_dir_all(&folder).expect("it is there");
}

#[test]
fn a_password_is_shown_nowhere() {
    let login = super::KafkaLogin {
        mechanism: "PLAIN".to_owned(),
        user: "u".to_owned(),
        password: "hush".to_owned(),
    };
    let access = super::KafkaAccess { login: Some(login), ..Default::default() };
    assert!(!format!("{access:?}").contains("hush"));
}
