//! A plan as a document: the one file format of all commands that write or carry out plans. The parts stand apart from their
//! steps, so that a reader who only wants to know what is done, in order, finds a flat list.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Action, ActionKind, Binding, Moving, Name, Part, PartKey, Plan, Reason, Spot, Waiting};

/// The version of [`PlanDocument`] that is written.
pub const PLAN_VERSION: u32 = 2;

/// What gains and costs are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorthUnit {
    /// Minutes of one device: the loop's.
    #[default]
    DeviceMinutes,
    /// The weighted objective of a cluster with devices.
    Objective,
    /// The cost of a machine reassignment problem.
    Cost,
}

/// A plan in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanDocument {
    /// Version of the format.
    pub version: u32,
    /// When the plan was made, seconds.
    pub time_seconds: u64,
    /// How tasks may move for every rule to hold after each step.
    pub moving: Moving,
    /// What gains and costs are counted in.
    pub unit: WorthUnit,
    /// How many waves the steps come in.
    pub waves: u32,
    /// What the plan comes to, by name, in `unit` where it is a worth.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub figures: BTreeMap<String, f64>,
    /// The parts in order.
    pub parts: Vec<PlanPart>,
    /// The steps in order: part by part.
    pub steps: Vec<PlanStep>,
    /// Tasks that wait on.
    #[serde(default)]
    pub waiting: Vec<Waiting>,
    /// Tasks whose move was left out because what it gains does not pay for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<Name>,
    /// Tasks for which no safe way was found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked: Vec<Name>,
}

/// A [`Part`] without its steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanPart {
    /// Its name for good.
    pub key: PartKey,
    /// Why.
    pub reason: Reason,
    /// What it is expected to gain.
    pub gain: f64,
    /// What carrying it out costs.
    pub cost: f64,
    /// How its steps hang together.
    pub binding: Binding,
    /// Parts that must be done first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<PartKey>,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StepFields", into = "StepFields")]
pub struct PlanStep {
    /// What is done.
    pub action: Action,
    /// The part that it belongs to.
    pub part: PartKey,
    /// Its wave.
    pub wave: u32,
}

/// A [`PlanStep`] as it is written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepFields {
    action: ActionKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    node: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Spot>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<Spot>,
    part: PartKey,
    #[serde(default)]
    wave: u32,
}

impl From<PlanStep> for StepFields {
    fn from(PlanStep { action, part, wave }: PlanStep) -> Self {
        let node = match &action {
            Action::Cordon { node } | Action::Uncordon { node } => Some(node.clone()),
            Action::Place { .. } | Action::Migrate { .. } | Action::Preempt { .. } => None,
        };
        let (task, from, to) = (action.task().cloned(), action.from().cloned(), action.to().cloned());
        Self { action: action.kind(), task, node, from, to, part, wave }
    }
}

impl TryFrom<StepFields> for PlanStep {
    type Error = String;

    fn try_from(fields: StepFields) -> Result<Self, String> {
        let StepFields { action: kind, task, node, from, to, part, wave } = fields;
        let wrong = |expected: &str| {
            let there = [
                ("task", task.is_some()),
                ("node", node.is_some()),
                ("from", from.is_some()),
                ("to", to.is_some()),
            ];
            let there: Vec<&str> = there.into_iter().filter(|f| f.1).map(|f| f.0).collect();
            let there = if there.is_empty() {
                "none of them".to_owned()
            } else {
                format!("`{}`", there.join("`, `"))
            };
            format!("a step `{}` of part {part} has {there}, expected {expected}", kind.name())
        };
        let action = match (kind, &task, &node, &from, &to) {
            (ActionKind::Place, Some(task), None, None, Some(to)) => {
                Action::Place { task: task.clone(), to: to.clone() }
            }
            (ActionKind::Migrate, Some(task), None, Some(from), Some(to)) => {
                Action::Migrate { task: task.clone(), from: from.clone(), to: to.clone() }
            }
            (ActionKind::Preempt, Some(task), None, Some(from), None) => {
                Action::Preempt { task: task.clone(), from: from.clone() }
            }
            (ActionKind::Cordon, None, Some(node), None, None) => Action::Cordon { node: node.clone() },
            (ActionKind::Uncordon, None, Some(node), None, None) => Action::Uncordon { node: node.clone() },
            (ActionKind::Place, ..) => return Err(wrong("`task` and `to`")),
            (ActionKind::Migrate, ..) => return Err(wrong("`task`, `from` and `to`")),
            (ActionKind::Preempt, ..) => return Err(wrong("`task` and `from`")),
            (ActionKind::Cordon | ActionKind::Uncordon, ..) => return Err(wrong("`node`")),
            (ActionKind::Wait, ..) => {
                return Err(
                    "`wait` is no step, expected place, migrate, preempt, cordon or uncordon".to_owned()
                );
            }
        };
        Ok(Self { action, part, wave })
    }
}

/// What a plan comes to, without its parts and steps.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PlanSummary {
    /// How many parts it has.
    pub parts: usize,
    /// How many steps, by the name of their action.
    pub actions: BTreeMap<String, usize>,
    /// How many steps, by the code of the reason of their part.
    pub reasons: BTreeMap<String, usize>,
    /// What its parts are expected to gain together, in the unit of the document.
    pub gain: f64,
    /// What carrying them out costs.
    pub cost: f64,
    /// How many tasks wait on.
    pub waiting: usize,
}

/// A document that is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Another version of the format.
    #[error("the plan is of version {version}, expected {PLAN_VERSION}. Maybe another lepton wrote it")]
    Version {
        /// The version given.
        version: u32,
    },
    /// Two parts of one key.
    #[error("two parts have the key {key}")]
    DuplicateKey {
        /// The key.
        key: PartKey,
    },
    /// A part comes after one that is not before it.
    #[error("part {key} is to come after {after}, which is not before it")]
    After {
        /// The part.
        key: PartKey,
        /// The part named.
        after: PartKey,
    },
    /// A part without steps.
    #[error(
        "part {key} has no steps where its turn is. Maybe they stand elsewhere: steps come in the order of the parts"
    )]
    Empty {
        /// The part.
        key: PartKey,
    },
    /// A step whose part is not there, or not in its turn.
    #[error("step {number} belongs to part {key}, which is not there or had its turn before")]
    Stray {
        /// The step's position, from 1.
        number: usize,
        /// The part named.
        key: PartKey,
    },
    /// A gain or cost that is no number.
    #[error("part {key} has a gain of {gain} and a cost of {cost}, expected finite numbers")]
    Worth {
        /// The part.
        key: PartKey,
        /// Its gain.
        gain: String,
        /// Its cost.
        cost: String,
    },
    /// Another number of waves than the steps have.
    #[error("`waves` is {waves}, but the last wave of a step is {last}")]
    Waves {
        /// The number given.
        waves: u32,
        /// The last wave of a step.
        last: u32,
    },
}

impl PlanDocument {
    /// What it comes to.
    pub fn summary(&self) -> PlanSummary {
        let reasons: BTreeMap<PartKey, &'static str> =
            self.parts.iter().map(|part| (part.key, part.reason.code())).collect();
        let mut summary = PlanSummary {
            parts: self.parts.len(),
            gain: self.parts.iter().map(|part| part.gain).sum(),
            cost: self.parts.iter().map(|part| part.cost).sum(),
            waiting: self.waiting.len(),
            ..PlanSummary::default()
        };
        for step in &self.steps {
            *summary.actions.entry(step.action.kind().name().to_owned()).or_insert(0) += 1;
            if let Some(reason) = reasons.get(&step.part) {
                *summary.reasons.entry((*reason).to_owned()).or_insert(0) += 1;
            }
        }
        summary
    }

    /// The document of a plan.
    pub fn of(plan: &Plan, moving: Moving, time_seconds: u64) -> Self {
        let (mut parts, mut steps) = (Vec::with_capacity(plan.parts.len()), Vec::new());
        for part in &plan.parts {
            let &Part { key, reason, gain, cost, binding, ref after, .. } = part;
            parts.push(PlanPart { key, reason, gain, cost, binding, after: after.clone() });
            steps.extend(part.steps.iter().enumerate().map(|(at, action)| PlanStep {
                action: action.clone(),
                part: key,
                wave: part.wave_of(at),
            }));
        }
        Self {
            version: PLAN_VERSION,
            time_seconds,
            moving,
            unit: WorthUnit::DeviceMinutes,
            waves: plan.waves(),
            figures: BTreeMap::new(),
            parts,
            steps,
            waiting: plan.waiting.clone(),
            dropped: Vec::new(),
            blocked: Vec::new(),
        }
    }

    /// With gains and costs in another unit, and what the plan comes to.
    #[must_use]
    pub fn with_figures<'a>(
        mut self,
        unit: WorthUnit,
        figures: impl IntoIterator<Item = (&'a str, f64)>,
    ) -> Self {
        self.unit = unit;
        self.figures = figures.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self
    }

    /// The plan of this document, checked.
    ///
    /// # Errors
    /// When it is of another version or contradicts itself.
    pub fn into_plan(self) -> Result<Plan, PlanError> {
        let Self { version, waves, parts, steps, waiting, .. } = self;
        if version != PLAN_VERSION {
            return Err(PlanError::Version { version });
        }
        let mut plan = Plan { parts: Vec::with_capacity(parts.len()), waiting };
        let mut before = BTreeSet::new();
        let mut steps = steps.into_iter().enumerate().peekable();
        for PlanPart { key, reason, gain, cost, binding, after } in parts {
            let mut part = Part {
                key,
                steps: Vec::new(),
                reason,
                gain,
                cost,
                binding,
                after,
                waves: Vec::new(),
                needs_approval: false,
            };
            while let Some((_, step)) = steps.next_if(|(_, step)| step.part == key) {
                part.steps.push(step.action);
                part.waves.push(step.wave);
            }
            if !(gain.is_finite() && cost.is_finite()) {
                return Err(PlanError::Worth { key, gain: gain.to_string(), cost: cost.to_string() });
            }
            if let Some(&after) = part.after.iter().find(|&a| !before.contains(a)) {
                return Err(PlanError::After { key, after });
            }
            if !before.insert(key) {
                return Err(PlanError::DuplicateKey { key });
            }
            if part.steps.is_empty() {
                return Err(match steps.peek() {
                    Some((at, step)) if !before.contains(&step.part) => {
                        PlanError::Stray { number: at + 1, key: step.part }
                    }
                    _ => PlanError::Empty { key },
                });
            }
            plan.parts.push(part);
        }
        if let Some((at, step)) = steps.next() {
            return Err(PlanError::Stray { number: at + 1, key: step.part });
        }
        match plan.waves() {
            last if last == waves => Ok(plan),
            last => Err(PlanError::Waves { waves, last }),
        }
    }
}
