//! What the snapshot reader gives, and what it refuses in which words.

use std::path::Path;

use lepton_core::model::TaskId;

use super::read_snapshot_from;

const SOUND: &str = r#"{
  "time_seconds": 5,
  "resources": ["cpu_millicores", "memory_mib"],
  "nodes": [{"name": "a", "capacity": [8000, 1000], "devices": [{"kind": "gpu", "model": "T4", "count": 2}]}],
  "tasks": [
    {"name": "one", "demand": [1000, 10], "devices": {"count": 1, "milli": 500}, "node": "a", "device_indices": [1]},
    {"name": "two", "demand": [1000, 10], "devices": {"count": 2, "milli": 1000, "models": ["T4"]}}
  ],
  "expected": [{"cpu_millicores": 1000, "devices": {"count": 1, "milli": 1000}, "share": 3}]
}"#;

fn read(text: &str) -> Result<super::ClusterSnapshot, String> {
    read_snapshot_from(Path::new("s.json"), text.as_bytes()).map_err(|e| e.to_string())
}

#[test]
fn a_snapshot_gives_placed_and_pending_tasks_and_the_expected_mix() {
    let snapshot = read(SOUND).expect("it is sound");
    assert_eq!(snapshot.time_seconds, 5);
    assert_eq!(snapshot.cluster.device_milli_held(), 500);
    assert!(
        snapshot.cluster.placement(TaskId(0)).is_some() && snapshot.cluster.placement(TaskId(1)).is_none()
    );
    let shapes: Vec<_> = snapshot.expected.shares().collect();
    assert_eq!((shapes.len(), shapes[0].0, shapes[0].2), (1, 1000, 1.0));
}

#[test]
fn without_an_expected_mix_that_of_the_tasks_is_taken() {
    let at = SOUND.find(",\n  \"expected\"").expect("it is there");
    let snapshot = read(&format!("{}}}", &SOUND[..at])).expect("it is sound");
    let shares: Vec<f64> = snapshot.expected.shares().map(|s| s.2).collect();
    assert_eq!(shares, [0.5, 0.5]);
}

#[test]
fn what_is_wrong_is_named() {
    let cases = [
        ("{", "", "not JSON: EOF while parsing"),
        (SOUND, "", "not JSON: EOF"),
        (
            "\"time_seconds\": 5",
            "\"time_seconds\": -5",
            "s.json, line 2: not a cluster snapshot: found integer `-5`, expected a whole number of 0 or more",
        ),
        (
            "\"demand\": [1000, 10], \"devices\": {\"count\": 2",
            "\"demands\": [1], \"devices\": {\"count\": 2",
            "line 7: not a cluster snapshot: unknown field `demands`",
        ),
        (
            "\"count\": 2, \"milli\": 1000",
            "\"count\": 2, \"milli\": 1001",
            "asks for 2 devices of 1001 milli",
        ),
        ("\"node\": \"a\"", "\"node\": \"b\"", "task `one` stands on node `b`, which is not among the nodes"),
        ("\"device_indices\": [1]", "\"device_indices\": [2]", "task `one` cannot stand on node `a`"),
        ("\"device_indices\": [1]", "\"device_indices\": [0, 1]", "task `one` cannot stand on node `a`"),
        ("\"name\": \"two\"", "\"name\": \"one\"", "the task name `one` is used twice"),
        (
            "\"demand\": [1000, 10], \"devices\": {\"count\": 1",
            "\"demand\": [9000, 10], \"devices\": {\"count\": 1",
            "it asks for 9000 of `cpu_millicores`, 8000 are left",
        ),
        ("[8000, 1000]", "[8000]", "gives 1 amounts, expected one for each of 2 resources"),
        ("\"share\": 3", "\"share\": 0", "shape 1 of the expected mix: its share is not a number above 0"),
    ];
    for (sound, broken, expected) in cases {
        let text = if broken.is_empty() {
            sound[..sound.len() - 1].to_owned()
        } else {
            SOUND.replacen(sound, broken, 1)
        };
        let text = if text.is_empty() { "{".to_owned() } else { text };
        let said = read(&text).expect_err(expected);
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn one_long_line_is_a_snapshot_and_an_endless_input_is_none() {
    let line = SOUND.replace('\n', " ") + &" ".repeat(20 << 20);
    assert_eq!(read(&line).expect("it is sound").time_seconds, 5);
    let said = read_snapshot_from(Path::new("s.json"), std::io::repeat(0)).expect_err("it has no end");
    assert_eq!(said.to_string(), "s.json: not JSON of a cluster snapshot: it does not begin with `{`");
}
