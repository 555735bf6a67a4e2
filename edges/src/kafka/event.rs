//! Messages as events: CloudEvents 1.0 in JSON (structured mode), with types of our own that carry their version.
//! `docs/kafka/*.schema.json` says what each may hold; what it does not name is ignored.

use std::collections::BTreeMap;

use lepton_core::model::{
    DEVICES_PER_NODE_MAX, DeviceKind, DeviceSet, DocumentDemand, Health, NamedRules, NodeReading, Preempts,
    ResourceSchema, TaskReading,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::moment::unix_seconds;

/// A message is at most so long.
const BYTES_MAX: usize = 1 << 20;
/// A name is at most so long.
const NAME_BYTES_MAX: usize = 330;
/// A clock may be ahead of ours by so much, seconds.
const AHEAD_MAX_SECONDS: u64 = 60;
/// What a signal or an amount is at most.
const VALUE_MAX: f64 = 1e15;

/// What happened, and when.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    /// What tells it from all others: who sent it, and their name for it.
    pub(super) id: String,
    /// When it happened, seconds since 1970.
    pub(super) seconds: u64,
    pub(super) what: What,
}

/// What an event tells.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    /// A node is there, and is like this.
    Node(NodeReading),
    /// A node is gone.
    NodeGone(String),
    /// What a node and its tasks use.
    Reading(NodeUse),
    /// A task is there, and is like this.
    Task(Box<PlacedTask>),
    /// A task is over.
    TaskEnded(String),
    /// A line of a node's log.
    Log { node: String, message: String },
}

/// A task and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct PlacedTask {
    pub(super) reading: TaskReading,
    /// Its node and its devices there; none while it waits.
    pub(super) place: Option<(String, DeviceSet)>,
}

/// What is used at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct NodeUse {
    pub(super) node: String,
    /// What the node uses in all, in the order of the schema; none where that is not told.
    pub(super) used: Option<Vec<i64>>,
    pub(super) signals: BTreeMap<String, f64>,
    /// What tasks on it use, and the work that would be lost with it, seconds.
    pub(super) tasks: Vec<(String, Vec<i64>, u64)>,
}

/// Why a message is of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadMessage {
    #[error("it has {0} bytes, at most {BYTES_MAX} are taken")]
    TooLong(usize),
    #[error("expected a CloudEvent in JSON: {0}")]
    NoEvent(String),
    #[error("specversion `{0}`, expected 1.0")]
    OtherSpecification(String),
    #[error("unknown type `{0}`, there are: {known}", known = TYPES.join(", "))]
    UnknownType(String),
    #[error("time `{0}`, expected a time as 2026-11-29T19:25:17Z")]
    NoTime(String),
    #[error("it is of {0} s from now. Maybe a clock is wrong")]
    FromTheFuture(u64),
    #[error("data of type `{kind}`: {problem}")]
    WrongData { kind: String, problem: String },
    #[error("{0}")]
    TooMany(&'static str),
}

impl BadMessage {
    /// A stable name of the reason, for programs.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::TooLong(_) => "TooLong",
            Self::NoEvent(_) => "NoCloudEvent",
            Self::OtherSpecification(_) => "OtherSpecification",
            Self::UnknownType(_) => "UnknownType",
            Self::NoTime(_) => "NoTime",
            Self::FromTheFuture(_) => "FromTheFuture",
            Self::WrongData { .. } => "WrongData",
            Self::TooMany(_) => "TooMany",
        }
    }
}

/// The types, each with its major version.
pub(super) const TYPES: [&str; 6] = [
    "lepton.node.v1",
    "lepton.node.gone.v1",
    "lepton.reading.v1",
    "lepton.task.v1",
    "lepton.task.ended.v1",
    "lepton.log.v1",
];

/// The envelope.
#[derive(Debug, Deserialize)]
struct Envelope {
    specversion: String,
    id: String,
    source: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    time: Option<String>,
    #[serde(default)]
    data: Value,
}

/// Reads a message. `record_seconds` is when it was written, for an event that does not tell its time.
///
/// # Errors
/// When it is no event of a known type, or what it tells cannot be.
pub(super) fn parse(
    payload: &[u8],
    record_seconds: Option<u64>,
    now_seconds: u64,
    schema: &ResourceSchema,
) -> Result<Event, BadMessage> {
    if payload.len() > BYTES_MAX {
        return Err(BadMessage::TooLong(payload.len()));
    }
    let envelope: Envelope =
        serde_json::from_slice(payload).map_err(|error| BadMessage::NoEvent(error.to_string()))?;
    if envelope.specversion != "1.0" {
        return Err(BadMessage::OtherSpecification(cut(&envelope.specversion)));
    }
    if envelope.id.is_empty() || envelope.source.is_empty() {
        return Err(BadMessage::NoEvent("`id` and `source` must not be empty".to_owned()));
    }
    let seconds = match &envelope.time {
        Some(time) => unix_seconds(time).ok_or_else(|| BadMessage::NoTime(cut(time)))?,
        None => record_seconds.ok_or_else(|| BadMessage::NoTime("missing".to_owned()))?,
    };
    if seconds > now_seconds.saturating_add(AHEAD_MAX_SECONDS) {
        return Err(BadMessage::FromTheFuture(seconds - now_seconds));
    }
    let wrong = |problem: String| BadMessage::WrongData { kind: envelope.kind.clone(), problem };
    let data = &envelope.data;
    let what = match envelope.kind.as_str() {
        "lepton.node.v1" => read::<NodeData>(data).and_then(|of| of.node(schema)).map(What::Node),
        "lepton.node.gone.v1" => read::<NamedData>(data).and_then(|of| name(of.name)).map(What::NodeGone),
        "lepton.reading.v1" => read::<UseData>(data).and_then(|of| of.node_use(schema)).map(What::Reading),
        "lepton.task.v1" => read::<TaskData>(data)
            .and_then(|of| of.task(schema, seconds))
            .map(|task| What::Task(Box::new(task))),
        "lepton.task.ended.v1" => read::<NamedData>(data).and_then(|of| name(of.name)).map(What::TaskEnded),
        "lepton.log.v1" => {
            read::<LogData>(data).and_then(|of| Ok(What::Log { node: name(of.node)?, message: of.message }))
        }
        other => return Err(BadMessage::UnknownType(cut(other))),
    };
    let id = format!("{}\n{}", envelope.source, envelope.id);
    Ok(Event { id, seconds: seconds.min(now_seconds), what: what.map_err(wrong)? })
}

fn read<T: DeserializeOwned>(data: &Value) -> Result<T, String> {
    T::deserialize(data).map_err(|error| error.to_string())
}

/// A part of a text that may be long, to be shown.
fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

fn name(name: String) -> Result<String, String> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return Err(format!("a name has {} bytes, expected 1 to {NAME_BYTES_MAX}", name.len()));
    }
    Ok(name)
}

/// Amounts by resource, in the order of the schema.
fn amounts(given: &BTreeMap<String, f64>, schema: &ResourceSchema) -> Result<Vec<i64>, String> {
    let mut amounts = vec![0; schema.len()];
    for (resource, value) in given {
        let unknown =
            || format!("unknown resource `{}`, there are: {}", cut(resource), schema.names().join(", "));
        let at = schema.position(resource).ok_or_else(unknown)?;
        if !(0.0..=VALUE_MAX).contains(value) {
            return Err(format!("`{resource}` is {value}, expected 0 to {VALUE_MAX}"));
        }
        amounts[at] = value.round() as i64;
    }
    Ok(amounts)
}

#[derive(Debug, Deserialize)]
struct NamedData {
    name: String,
}

#[derive(Debug, Deserialize)]
struct LogData {
    node: String,
    message: String,
}

#[derive(Debug, Deserialize)]
struct NodeData {
    name: String,
    capacity: BTreeMap<String, f64>,
    #[serde(default)]
    devices: Vec<DeviceData>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    state: Health,
}

#[derive(Debug, Deserialize)]
struct DeviceData {
    kind: DeviceKind,
    model: String,
    #[serde(default = "yes")]
    in_service: bool,
}

fn yes() -> bool {
    true
}

impl NodeData {
    fn node(self, schema: &ResourceSchema) -> Result<NodeReading, String> {
        if self.devices.len() > DEVICES_PER_NODE_MAX {
            return Err(format!("{} devices, at most {DEVICES_PER_NODE_MAX}", self.devices.len()));
        }
        let mut capacity = amounts(&self.capacity, schema)?;
        if let Some(busy) = schema.position(super::DEVICE_BUSY) {
            capacity[busy] = 1000 * self.devices.len() as i64;
        }
        let out = self.devices.iter().enumerate().filter(|(_, device)| !device.in_service);
        Ok(NodeReading {
            name: name(self.name)?,
            capacity,
            devices_out_of_service: out.map(|(at, _)| at).collect(),
            devices: self.devices.into_iter().map(|device| (device.kind, device.model)).collect(),
            labels: self.labels.into_iter().collect(),
            health: self.state,
        })
    }
}

#[derive(Debug, Deserialize)]
struct UseData {
    node: String,
    #[serde(default)]
    used: Option<BTreeMap<String, f64>>,
    #[serde(default)]
    signals: BTreeMap<String, f64>,
    #[serde(default)]
    tasks: Vec<TaskUseData>,
}

#[derive(Debug, Deserialize)]
struct TaskUseData {
    name: String,
    used: BTreeMap<String, f64>,
    #[serde(default)]
    unsaved_seconds: u64,
}

impl UseData {
    fn node_use(self, schema: &ResourceSchema) -> Result<NodeUse, String> {
        let wrong = self.signals.iter().find(|(_, value)| !(0.0..=VALUE_MAX).contains(*value));
        if let Some((signal, value)) = wrong {
            return Err(format!("signal `{}` is {value}, expected 0 to {VALUE_MAX}", cut(signal)));
        }
        let used = self.used.map(|used| amounts(&used, schema)).transpose()?;
        let task = |of: TaskUseData| Ok((name(of.name)?, amounts(&of.used, schema)?, of.unsaved_seconds));
        let tasks = self.tasks.into_iter().map(task).collect::<Result<_, String>>()?;
        Ok(NodeUse { node: name(self.node)?, used, signals: self.signals, tasks })
    }
}

#[derive(Debug, Deserialize)]
struct TaskData {
    name: String,
    demand: BTreeMap<String, f64>,
    #[serde(default)]
    devices: Option<DocumentDemand>,
    #[serde(default)]
    node: Option<String>,
    #[serde(default)]
    node_devices: Vec<usize>,
    #[serde(default)]
    owner: Option<String>,
    #[serde(default)]
    gang: Option<String>,
    #[serde(default)]
    group: Option<String>,
    #[serde(default)]
    rules: NamedRules,
    #[serde(default)]
    priority: i32,
    #[serde(default)]
    submitted_seconds: Option<u64>,
    #[serde(default)]
    started_seconds: Option<u64>,
    #[serde(default)]
    requested_seconds: Option<u64>,
    #[serde(default)]
    move_cost: f32,
    #[serde(default)]
    pause_seconds: u32,
    #[serde(default)]
    do_not_disrupt: bool,
    #[serde(default)]
    preempts: Preempts,
    #[serde(default)]
    preemptible: bool,
}

impl TaskData {
    fn task(self, schema: &ResourceSchema, seconds: u64) -> Result<PlacedTask, String> {
        if let Some(at) = self.node_devices.iter().find(|at| **at >= DEVICES_PER_NODE_MAX) {
            return Err(format!("device {at}, expected 0 to {}", DEVICES_PER_NODE_MAX - 1));
        }
        if self.node.is_none() && !self.node_devices.is_empty() {
            return Err("`node_devices` without a `node`".to_owned());
        }
        let node = self.node.map(name).transpose()?;
        let devices = self.node_devices.into_iter().collect();
        Ok(PlacedTask {
            reading: TaskReading {
                name: name(self.name)?,
                demand: amounts(&self.demand, schema)?,
                devices: self.devices,
                owner: self.owner,
                gang: self.gang,
                group: self.group,
                rules: self.rules,
                requested_seconds: self.requested_seconds,
                started_seconds: self.started_seconds,
                move_cost: self.move_cost,
                priority: self.priority,
                pause_seconds: self.pause_seconds,
                do_not_disrupt: self.do_not_disrupt,
                preempts: self.preempts,
                preemptible: self.preemptible,
                submitted_seconds: self.submitted_seconds.unwrap_or(seconds),
            },
            place: node.map(|node| (node, devices)),
        })
    }
}
