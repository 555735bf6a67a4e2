//! The past of what nodes used, by windows of `query_range`: so forecasts do not begin with nothing.

use std::collections::BTreeMap;

use lepton_core::model::{DeviceSet, Health, NodeReading, Reading, Readings, TaskReading};
use serde_json::Value;

use super::client::{AskError, Client};
use super::identity::Identity;
use super::preset::Preset;
use super::readings::{CPU, MEMORY, MIB, RESOURCES_COUNT};
use super::vector::{Element, vector};

/// From one moment to the next, seconds.
const STEP_SECONDS: u64 = 300;
/// Moments of one question: Prometheus answers at most 11,000, and of many nodes an answer is long.
const WINDOW_STEPS: u64 = 72;
/// What is asked of the past, with its resource and the scale of its unit.
const MEASURES: [(&str, usize, f64); 2] =
    [("cores_used", CPU, 1000.0), ("memory_used_bytes", MEMORY, 1.0 / MIB)];
/// What there is of them now, which is taken for what there was.
const CAPACITIES: [(&str, usize, f64); 4] = [
    ("cores", CPU, 1000.0),
    ("node_cores", CPU, 1000.0),
    ("memory_bytes", MEMORY, 1.0 / MIB),
    ("node_memory_bytes", MEMORY, 1.0 / MIB),
];

/// Complete lists of moments of the past, the oldest first: each node with all that it used then as the use of one task.
pub(super) fn past(
    client: &Client,
    presets: &[Preset],
    labels: Vec<String>,
    source: &str,
    now_seconds: u64,
    hours: u64,
) -> Result<Vec<Readings>, AskError> {
    let query_of =
        |name: &str| presets.iter().find_map(|preset| preset.measures.get(name)).map(|m| m.query.as_str());
    let now = |name: &str| match query_of(name) {
        Some(query) => Ok(vector(&client.ask("query", &[("query", query)])?.0)),
        None => Ok(Vec::new()),
    };
    let mut identity = Identity::new(labels, &now("kube_node")?, &now("machine")?);
    let mut capacity = BTreeMap::<String, Vec<i64>>::new();
    for (name, resource, scale) in CAPACITIES {
        for (node, value) in identity.by_node(&now(name)?) {
            let of_node = capacity.entry(node).or_insert_with(|| vec![0; RESOURCES_COUNT]);
            of_node[resource] = (value * scale).round() as i64;
        }
    }
    let mut moments = BTreeMap::<u64, BTreeMap<String, Vec<Option<i64>>>>::new();
    let end = now_seconds - now_seconds % STEP_SECONDS;
    let mut from = end.saturating_sub(hours * 3600);
    while from < end {
        let to = end.min(from + (WINDOW_STEPS - 1) * STEP_SECONDS);
        for (name, resource, scale) in MEASURES {
            let Some(query) = query_of(name) else { continue };
            let [from, to, step] = [from, to, STEP_SECONDS].map(|seconds| seconds.to_string());
            let fields = [("query", query), ("start", &*from), ("end", &*to), ("step", &*step)];
            for (element, points) in matrix(&client.ask("query_range", &fields)?.0) {
                let Some(node) = identity.find(&element) else { continue };
                for (at, value) in points {
                    let used = moments.entry(at).or_default().entry(node.clone()).or_default();
                    used.resize(MEASURES.len(), None);
                    used[resource] = Some((value * scale).round() as i64);
                }
            }
        }
        from = to + STEP_SECONDS;
    }
    let told = |(time_seconds, used): (&u64, &BTreeMap<_, _>)| told(source, *time_seconds, used, &capacity);
    Ok(moments.iter().map(told).collect())
}

/// A moment. All nodes are in it: one of which nothing is known then is still the same node.
fn told(
    source: &str,
    time_seconds: u64,
    used: &BTreeMap<String, Vec<Option<i64>>>,
    capacity: &BTreeMap<String, Vec<i64>>,
) -> Readings {
    let mut readings = Vec::new();
    for (name, capacity) in capacity {
        readings.push(Reading::NodeAdded(NodeReading {
            name: name.clone(),
            capacity: capacity.clone(),
            devices: Vec::new(),
            devices_out_of_service: Vec::new(),
            labels: Vec::new(),
            health: Health::Up,
        }));
        let known = used.get(name).and_then(|used| used.iter().copied().collect::<Option<Vec<i64>>>());
        let Some(used) = known else { continue };
        // Not the task that has the rest of the node from now on: that one does not use less because its pods are known.
        let task = format!("past-of-{name}");
        let reading = TaskReading {
            name: task.clone(),
            demand: vec![0; RESOURCES_COUNT],
            do_not_disrupt: true,
            ..TaskReading::default()
        };
        readings.push(Reading::TaskSubmitted(reading));
        let (task_name, node) = (task.clone(), name.clone());
        readings.push(Reading::TaskPlaced { task: task_name, node, devices: DeviceSet::NONE });
        let mut amounts = vec![0; RESOURCES_COUNT];
        for (at, (used, capacity)) in used.into_iter().zip(capacity).enumerate() {
            amounts[at] = if *capacity == 0 { 0 } else { used.max(0) };
        }
        readings.push(Reading::TaskUse { task, amounts, unsaved_seconds: 0 });
    }
    Readings { source: source.to_owned(), time_seconds, sequence: None, complete: true, readings }
}

/// The series of an answer with their values by moment.
fn matrix(data: &Value) -> Vec<(Element, Vec<(u64, f64)>)> {
    let point = |pair: &Value| {
        let value: f64 = pair[1].as_str()?.parse().ok()?;
        value.is_finite().then_some((pair[0].as_f64()? as u64, value))
    };
    let series = |row: &Value| {
        let labels = row["metric"].as_object()?.iter();
        let labels = labels.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        let element = Element { labels: labels.collect(), value: 0.0 };
        Some((element, row["values"].as_array()?.iter().filter_map(point).collect()))
    };
    data["result"].as_array().into_iter().flatten().filter_map(series).collect()
}
