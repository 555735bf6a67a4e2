//! Tasks: what they demand, which rules bind them, what it costs to move them.

use serde::{Deserialize, Serialize};

use super::{ClassId, DEVICE_MILLI, GangId, GroupId, LabelKey, LabelValue, ModelSet, Name, OwnerId};

/// Devices asked for: `count` of them, `milli` on each, all of accepted models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeviceDemand {
    /// How many devices, at least 1.
    pub count: u16,
    /// Thousandths of each device, 1 to 1000.
    pub milli: u16,
    /// Accepted device models.
    pub accept: ModelSet,
}

impl DeviceDemand {
    /// Whether the task shares one device with others.
    pub fn is_sharing(&self) -> bool {
        self.count == 1 && self.milli < DEVICE_MILLI
    }

    /// Thousandths of devices over all devices asked for.
    pub fn total_milli(&self) -> i64 {
        i64::from(self.count) * i64::from(self.milli)
    }
}

/// What a task asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Demand {
    /// Amount of each resource, in the order of the cluster's schema.
    pub resources: Box<[i64]>,
    /// Devices, if any.
    pub devices: Option<DeviceDemand>,
}

impl Demand {
    /// Thousandths of devices over all devices asked for; 0 without devices.
    pub fn device_milli(&self) -> i64 {
        self.devices.map_or(0, |d| d.total_milli())
    }
}

/// The node must carry one of `values` under `key`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Selector {
    /// Label key.
    pub key: LabelKey,
    /// Accepted values.
    pub values: Vec<LabelValue>,
}

/// Where tasks of a group count as together: on one node, or in one domain (all nodes with the same value
/// under a label key).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// The same node.
    Node,
    /// The same value under this label key.
    Domain(LabelKey),
}

/// A rule of a class about where the tasks of a group stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct GroupRule {
    /// The group spoken of.
    pub group: GroupId,
    /// What counts as together.
    pub scope: Scope,
}

/// A rule of a class about where a task of some group stands already.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NearRule {
    /// The groups spoken of: a task of any of them will do.
    pub groups: Vec<GroupId>,
    /// What counts as together.
    pub scope: Scope,
}

/// The group's tasks are spread over the domains of `key`: the fullest domain may hold at most `skew_max`
/// more of them than the emptiest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SpreadRule {
    /// The group spoken of.
    pub group: GroupId,
    /// Label key whose values are the domains.
    pub key: LabelKey,
    /// Largest accepted difference, at least 1.
    pub skew_max: u32,
}

/// What a class would rather have.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Preference {
    /// What it counts beside the other preferences of the class.
    pub weight: u32,
    /// What is wished for.
    pub wish: Wish,
}

/// A wish.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Wish {
    /// The node carries one of these labels.
    Label(Selector),
    /// A task of one of these groups stands there.
    Near {
        /// The groups.
        groups: Vec<GroupId>,
        /// What counts as together.
        scope: Scope,
    },
    /// None of them does.
    Apart {
        /// The groups.
        groups: Vec<GroupId>,
        /// What counts as together.
        scope: Scope,
    },
    /// As few of them stand there as anywhere: each one more counts less.
    Spread {
        /// The groups.
        groups: Vec<GroupId>,
        /// What counts as together.
        scope: Scope,
    },
}

impl Preference {
    /// The labels that are wished for.
    pub(super) fn selector(&self) -> Option<&Selector> {
        match &self.wish {
            Wish::Label(selector) => Some(selector),
            _ => None,
        }
    }

    /// What counts as together, where it speaks of groups.
    pub(super) fn scope(&self) -> Option<Scope> {
        match self.wish {
            Wish::Label(_) => None,
            Wish::Near { scope, .. } | Wish::Apart { scope, .. } | Wish::Spread { scope, .. } => Some(scope),
        }
    }

    /// The label key whose values are the domains that it speaks of.
    pub(super) fn key(&self) -> Option<LabelKey> {
        match self.scope()? {
            Scope::Node => None,
            Scope::Domain(key) => Some(key),
        }
    }

    /// The groups that it speaks of.
    pub(super) fn groups(&self) -> &[GroupId] {
        match &self.wish {
            Wish::Label(_) => &[],
            Wish::Near { groups, .. } | Wish::Apart { groups, .. } | Wish::Spread { groups, .. } => groups,
        }
    }
}

/// Where a class may stand and would rather stand, beside capacity and device model.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Rules {
    /// Labels that the node must carry; all selectors must hold.
    pub selectors: Vec<Selector>,
    /// Cordoned nodes that it may enter all the same: those that carry this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enters_cordoned: Option<Selector>,
    /// A task of one of the groups must be there already, unless the task itself is their first.
    pub affinity: Vec<NearRule>,
    /// No task of the group may be there, neither when the task comes nor later.
    pub anti_affinity: Vec<GroupRule>,
    /// Spread over failure domains.
    pub spread: Vec<SpreadRule>,
    /// What it would rather have: of the nodes that the rules above leave, the one that is liked most is taken.
    pub preferences: Vec<Preference>,
}

impl Rules {
    /// Whether a rule looks beyond the node itself: such rules are asked again at each decision and not
    /// kept with the node's score.
    pub(super) fn look_around(&self) -> bool {
        !(self.affinity.is_empty() && self.anti_affinity.is_empty() && self.spread.is_empty())
    }
}

/// Tasks of equal demand and equal rules.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TaskClass {
    /// What each of its tasks asks for.
    pub demand: Demand,
    /// What binds them.
    pub rules: Rules,
    /// The group they belong to, for rules of this and other classes.
    pub group: Option<GroupId>,
}

/// All that a node alone is asked of a class: classes of equal shapes fit on the same nodes, as far as rules about other tasks
/// allow it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shape {
    /// What each task asks for.
    pub demand: Demand,
    /// The labels that the node must carry.
    pub selectors: Vec<Selector>,
    /// Those of cordoned nodes that it may enter.
    pub enters_cordoned: Option<Selector>,
}

impl TaskClass {
    /// What a node alone is asked.
    pub fn shape(&self) -> Shape {
        Shape {
            demand: self.demand.clone(),
            selectors: self.rules.selectors.clone(),
            enters_cordoned: self.rules.enters_cordoned.clone(),
        }
    }

    /// A class without rules or group.
    pub fn of_demand(resources: impl Into<Box<[i64]>>, devices: Option<DeviceDemand>) -> Self {
        let demand = Demand { resources: resources.into(), devices };
        Self { demand, rules: Rules::default(), group: None }
    }
}

/// When less important tasks are stopped for one that has no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preempts {
    /// Once its waiting costs more than what they lose.
    #[default]
    WherePays,
    /// At once, whatever they lose, of those that are `preemptible`.
    AtOnce,
    /// Never.
    Never,
}

impl Preempts {
    /// Whether it is the usual.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// A task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its name, as users know it.
    pub name: Name,
    /// Demand and rules.
    pub class: ClassId,
    /// Who it belongs to.
    pub owner: Option<OwnerId>,
    /// The gang it is a member of.
    pub gang: Option<GangId>,
    /// Higher is more important.
    pub priority: i32,
    /// What a move of it costs, in units of the objective.
    pub move_cost: f32,
    /// Never moved or resized, and stopped only where `preemptible` says so.
    pub do_not_disrupt: bool,
    /// When less important tasks are stopped for it.
    pub preempts: Preempts,
    /// Whether it may be stopped for a more important one that preempts at once.
    pub preemptible: bool,
}

impl Task {
    /// A task of priority 0 without owner or gang, free to move.
    pub fn new(name: impl Into<Name>, class: ClassId) -> Self {
        Self {
            name: name.into(),
            class,
            owner: None,
            gang: None,
            priority: 0,
            move_cost: 0.0,
            do_not_disrupt: false,
            preempts: Preempts::default(),
            preemptible: false,
        }
    }
}
