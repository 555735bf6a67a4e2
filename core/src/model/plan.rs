//! What `decide` hands to `execute`: parts of steps that belong together, each part with its reason, gain and cost. All in
//! names, since ids are used again and a plan may outlive the turn: in the journal, in a file, before a person who
//! approves it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Cluster, DeviceSet, Name, NodeId, Obstacle, Placement, TaskId};

/// Where a task stands or is to stand.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spot {
    /// The node.
    pub node: Name,
    /// Its devices there.
    #[serde(
        rename = "device_indices",
        default,
        skip_serializing_if = "DeviceSet::is_none",
        with = "indices"
    )]
    pub devices: DeviceSet,
}

impl Spot {
    /// A placement in names.
    pub fn of(cluster: &Cluster, place: Placement) -> Self {
        Self { node: cluster.node_name(place.node).into(), devices: place.devices }
    }

    /// The placement of these names, if the node is there.
    pub fn placement(&self, cluster: &Cluster) -> Option<Placement> {
        Some(Placement { node: cluster.node_named(&self.node)?, devices: self.devices })
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.node)
    }
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Place a pending task.
    Place {
        /// The task.
        task: Name,
        /// Where it goes.
        to: Spot,
    },
    /// Move a placed task. Whether it stops first or stands twice for a moment is the actuator's way ([`super::Moving`]).
    Migrate {
        /// The task.
        task: Name,
        /// Where it stands.
        from: Spot,
        /// Where it goes.
        to: Spot,
    },
    /// Take a placed task off its node and back to pending.
    Preempt {
        /// The task.
        task: Name,
        /// Where it stands.
        from: Spot,
    },
    /// Let a node take no new tasks.
    Cordon {
        /// The node.
        node: Name,
    },
    /// Let a node that the loop cordoned take tasks again.
    Uncordon {
        /// The node.
        node: Name,
    },
}

impl Action {
    /// Placing a task, in names.
    pub fn place(cluster: &Cluster, task: TaskId, to: Placement) -> Self {
        Self::Place { task: cluster.task(task).name.clone(), to: Spot::of(cluster, to) }
    }

    /// Moving a task, in names.
    pub fn migrate(cluster: &Cluster, task: TaskId, from: Placement, to: Placement) -> Self {
        let task = cluster.task(task).name.clone();
        Self::Migrate { task, from: Spot::of(cluster, from), to: Spot::of(cluster, to) }
    }

    /// Taking a task off its node, in names.
    pub fn preempt(cluster: &Cluster, task: TaskId, from: Placement) -> Self {
        Self::Preempt { task: cluster.task(task).name.clone(), from: Spot::of(cluster, from) }
    }

    /// Letting a node take no new tasks, or tasks again, in names.
    pub fn cordon(cluster: &Cluster, node: NodeId, cordoned: bool) -> Self {
        let node = cluster.node_name(node).into();
        if cordoned { Self::Cordon { node } } else { Self::Uncordon { node } }
    }

    /// What kind of action it is.
    pub fn kind(&self) -> ActionKind {
        match self {
            Self::Place { .. } => ActionKind::Place,
            Self::Migrate { .. } => ActionKind::Migrate,
            Self::Preempt { .. } => ActionKind::Preempt,
            Self::Cordon { .. } => ActionKind::Cordon,
            Self::Uncordon { .. } => ActionKind::Uncordon,
        }
    }

    /// The task concerned, if one is.
    pub fn task(&self) -> Option<&Name> {
        match self {
            Self::Place { task, .. } | Self::Migrate { task, .. } | Self::Preempt { task, .. } => Some(task),
            Self::Cordon { .. } | Self::Uncordon { .. } => None,
        }
    }

    /// Where the task comes from, if it stands somewhere.
    pub fn from(&self) -> Option<&Spot> {
        match self {
            Self::Migrate { from, .. } | Self::Preempt { from, .. } => Some(from),
            Self::Place { .. } | Self::Cordon { .. } | Self::Uncordon { .. } => None,
        }
    }

    /// Where the task goes, if it goes somewhere.
    pub fn to(&self) -> Option<&Spot> {
        match self {
            Self::Place { to, .. } | Self::Migrate { to, .. } => Some(to),
            Self::Preempt { .. } | Self::Cordon { .. } | Self::Uncordon { .. } => None,
        }
    }
}

/// The kinds of actions, and waiting on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// [`Action::Place`].
    Place,
    /// [`Action::Migrate`].
    Migrate,
    /// [`Action::Preempt`].
    Preempt,
    /// [`Action::Cordon`].
    Cordon,
    /// [`Action::Uncordon`].
    Uncordon,
    /// A task waits on: no step at all.
    Wait,
}

impl ActionKind {
    /// Its name in files and on screens.
    pub fn name(self) -> &'static str {
        match self {
            Self::Place => "place",
            Self::Migrate => "migrate",
            Self::Preempt => "preempt",
            Self::Cordon => "cordon",
            Self::Uncordon => "uncordon",
            Self::Wait => "wait",
        }
    }
}

/// Why a part is proposed: one dominant, stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Reason {
    /// The task waits and fits.
    PendingTaskFits,
    /// The node is above the safety level of load.
    NodeOverloaded,
    /// The node is failing or expected to.
    NodeFailing,
    /// The move frees capacity that was stranded.
    StrandedCapacity,
    /// The signs of a coming fault are gone.
    NodeCalm,
    /// A more important task needs the room.
    HigherPriority,
    /// The placement gets cheaper.
    CheaperPlacement,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::PendingTaskFits,
        Self::NodeOverloaded,
        Self::NodeFailing,
        Self::StrandedCapacity,
        Self::NodeCalm,
        Self::HigherPriority,
        Self::CheaperPlacement,
    ];

    /// Its code in files and on screens.
    pub fn code(self) -> &'static str {
        match self {
            Self::PendingTaskFits => "PendingTaskFits",
            Self::NodeOverloaded => "NodeOverloaded",
            Self::NodeFailing => "NodeFailing",
            Self::StrandedCapacity => "StrandedCapacity",
            Self::NodeCalm => "NodeCalm",
            Self::HigherPriority => "HigherPriority",
            Self::CheaperPlacement => "CheaperPlacement",
        }
    }
}

/// In a few words.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PendingTaskFits => "it fits",
            Self::NodeOverloaded => "node overloaded",
            Self::NodeFailing => "node failing",
            Self::StrandedCapacity => "frees stranded capacity",
            Self::NodeCalm => "node calm again",
            Self::HigherPriority => "makes room for a more important task",
            Self::CheaperPlacement => "cheaper there",
        })
    }
}

/// Names a part for good: the turn that proposed it and its number in the turn's plan. Turn numbers go on after a
/// restart, so no key comes twice. Written as `12.3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct PartKey {
    /// The turn.
    pub turn: u64,
    /// The part's number in the turn, from 0.
    pub number: u32,
}

impl fmt::Display for PartKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.turn, self.number)
    }
}

impl FromStr for PartKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (turn, number) = text.split_once('.')?;
            Some(Self { turn: turn.parse().ok()?, number: number.parse().ok()? })
        };
        parse()
            .ok_or_else(|| format!("`{text}` is no key of a part, expected a turn and a number as in `12.3`"))
    }
}

impl Serialize for PartKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PartKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// How the steps of a part hang together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Binding {
    /// Each step is of use by itself: one that is refused does not touch the others.
    #[default]
    Each,
    /// Each step needs those before it: one that is refused ends the part, and what is done stays.
    InOrder,
    /// Only the whole is of use: one that is refused takes back those before it.
    AllOrNone,
}

/// Steps that belong together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Its name for good.
    pub key: PartKey,
    /// The steps in order; every rule holds after each single one, except that a gang comes member by member.
    pub steps: Vec<Action>,
    /// Why.
    pub reason: Reason,
    /// What it is expected to gain, device-minutes.
    pub gain: f64,
    /// What carrying it out costs, device-minutes.
    pub cost: f64,
    /// How the steps hang together.
    pub binding: Binding,
    /// Parts that must be done first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<PartKey>,
    /// Per step: its wave. Steps of one wave can be done in any order and at the same time, waves follow each other. Empty
    /// where all are of wave 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waves: Vec<u32>,
    /// Whether it is carried out only when a person has approved it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub needs_approval: bool,
}

impl Part {
    /// The wave of a step.
    pub fn wave_of(&self, step: usize) -> u32 {
        self.waves.get(step).copied().unwrap_or(0)
    }

    /// The wave of its first step.
    pub fn first_wave(&self) -> u32 {
        self.waves.iter().copied().min().unwrap_or(0)
    }
}

/// A task that waits on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiting {
    /// The task.
    pub task: Name,
    /// What keeps it waiting: its owner's quota, or what most nodes put up.
    pub obstacle: Obstacle,
}

/// What to do, in order, and who waits on.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The parts in order.
    pub parts: Vec<Part>,
    /// Tasks that wait on.
    #[serde(default)]
    pub waiting: Vec<Waiting>,
}

impl Plan {
    /// Adds a part under the next number of the turn, and returns its key.
    pub fn push(&mut self, turn: u64, steps: Vec<Action>, worth: Worth, binding: Binding) -> PartKey {
        let key = self.next_key(turn);
        let Worth { reason, gain, cost } = worth;
        self.parts.push(Part {
            key,
            steps,
            reason,
            gain,
            cost,
            binding,
            after: Vec::new(),
            waves: Vec::new(),
            needs_approval: false,
        });
        key
    }

    /// The key of the part that is added next in this turn.
    pub fn next_key(&self, turn: u64) -> PartKey {
        PartKey { turn, number: self.parts.len() as u32 }
    }

    /// The last wave of any step.
    pub fn waves(&self) -> u32 {
        self.parts.iter().flat_map(|part| &part.waves).copied().max().unwrap_or(0)
    }

    /// All steps in order, each with its part.
    pub fn steps(&self) -> impl Iterator<Item = (&Part, &Action)> {
        self.parts.iter().flat_map(|part| part.steps.iter().map(move |step| (part, step)))
    }
}

/// Why a part is there and what it is worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Worth {
    /// Why.
    pub reason: Reason,
    /// Expected gain, device-minutes.
    pub gain: f64,
    /// Cost, device-minutes.
    pub cost: f64,
}

/// Sets of devices as lists of their indices.
mod indices {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::model::{DEVICES_PER_NODE_MAX, DeviceSet};

    pub(super) fn serialize<S: Serializer>(devices: &DeviceSet, serializer: S) -> Result<S::Ok, S::Error> {
        devices.iter().collect::<Vec<_>>().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DeviceSet, D::Error> {
        let indices = Vec::<usize>::deserialize(deserializer)?;
        match indices.iter().find(|&&i| i >= DEVICES_PER_NODE_MAX) {
            Some(index) => Err(serde::de::Error::custom(format!(
                "device index {index}, expected 0 to {}",
                DEVICES_PER_NODE_MAX - 1
            ))),
            None => Ok(indices.into_iter().collect()),
        }
    }
}
