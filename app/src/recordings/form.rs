//! The lines of a recording.

use anyhow::Context as _;
use lepton_core::analyze::Foresight;
use lepton_core::cycle::{CycleReport, Told};
use lepton_core::decide::plan::{Acts, Lepton, LeptonConfig, Scope};
use lepton_core::decide::policy::{PlacementModel, WEIGHTS};
use lepton_core::model::digest::Digest;
use lepton_core::model::{Answer, Call, DecisionRecord, Modes, Moving, Outcome, Placing, Plan, Snapshot};
use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

/// What a file says that it is, and the version of its form.
pub(crate) const KIND: &str = "lepton-recording";
pub(crate) const VERSION: u32 = 1;

/// A line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    /// Whose recording follows, and how it decides.
    Head(Box<Head>),
    /// The loop as it stood before the turns that follow.
    Begins(Box<Begins>),
    /// A turn.
    Turn(Box<Turn>),
    /// A plan was carried out that a person had approved.
    Approved(Box<Approved>),
    /// What was thought of beside the loop was taken up.
    Thought(Box<Thought>),
    /// A plan that a person derived took the number of a turn.
    Numbered,
    /// A row of the store, for people: nothing is played from it.
    Kept(Kept),
    /// Nothing follows; what comes before adds up to this.
    End(End),
}

/// How the loop decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DeciderSettings {
    pub(crate) seed: u64,
    /// Whether chains of moves that were found beside the loop are taken up.
    pub(crate) rearrange: bool,
    /// Whether the learned placement may serve.
    pub(crate) learned_placement: bool,
    /// The weights of the learned placement, where it is not the one that Lepton comes with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) placement: Option<Vec<f64>>,
}

impl DeciderSettings {
    /// The same with this learned placement, where there is one.
    #[must_use]
    pub(crate) fn with(&self, model: Option<&PlacementModel>) -> Self {
        let Some(model) = model else { return self.clone() };
        let weights = model.weights();
        let is_shipped = self.learned_placement && weights == PlacementModel::shipped().weights();
        let placement = (!is_shipped).then(|| weights.map(f64::from).to_vec());
        Self { placement, ..self.clone() }
    }

    /// Who decides so.
    ///
    /// # Errors
    /// When a policy is not there, or the weights are not those of a placement.
    pub(crate) fn decider(&self) -> anyhow::Result<Lepton> {
        let acts = Acts { rearrange: self.rearrange, ..Acts::DEFAULT };
        let lepton = Lepton::new(LeptonConfig { acts, ..LeptonConfig::default() }, self.seed)?;
        let model = match &self.placement {
            Some(weights) => {
                let weights: Vec<f32> = weights.iter().map(|&weight| weight as f32).collect();
                let model = PlacementModel::from_weights(&weights, PlacementModel::manifest_of("recorded"));
                model.with_context(|| {
                    format!("{} weights of a placement, expected {WEIGHTS}", weights.len())
                })?
            }
            None if self.learned_placement => PlacementModel::shipped(),
            None => return Ok(lepton),
        };
        Ok(lepton.with_placement(model))
    }
}

/// Whose recording it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) kind: String,
    pub(crate) version: u32,
    /// The version of Lepton that wrote it.
    pub(crate) lepton: String,
    /// The store's own name.
    pub(crate) instance: String,
    pub(crate) decider: DeciderSettings,
    /// Digests of the models that Lepton comes with.
    pub(crate) models: Map<String, Value>,
    /// Settings of the service that are no secret and lead to none.
    pub(crate) settings: Map<String, Value>,
}

impl Head {
    /// Of what this Lepton records.
    pub(crate) fn new(
        instance: &str,
        decider: DeciderSettings,
        models: Map<String, Value>,
        settings: Map<String, Value>,
    ) -> Self {
        let (kind, lepton) = (KIND.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        Self { kind, version: VERSION, lepton, instance: instance.to_owned(), decider, models, settings }
    }
}

/// The loop as it stood.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Begins {
    /// The cluster's time, seconds.
    pub(crate) time_seconds: u64,
    /// Seconds since 1970.
    pub(crate) unix_seconds: u64,
    /// Whether the turn that was recorded before led here, with nothing between.
    pub(crate) goes_on: bool,
    pub(crate) snapshot: Snapshot,
    pub(crate) proposal: Plan,
}

/// An entry of the journal that could not be written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Unwritten {
    /// Its place among the entries of the turn.
    pub(crate) entry: usize,
    pub(crate) why: String,
}

/// What the hands and the journal answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answers {
    pub(crate) moving: Moving,
    pub(crate) calls: Vec<(Call, Answer)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) unwritten: Vec<Unwritten>,
}

/// What the loop was allowed to do and believed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Allowed {
    #[serde(flatten)]
    pub(crate) modes: Modes,
    pub(crate) fresh_seconds: u64,
}

/// A turn: what went into it, and what came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Turn {
    pub(crate) turn: u64,
    /// The cluster's time, seconds.
    pub(crate) time_seconds: u64,
    pub(crate) allowed: Allowed,
    pub(crate) told: Vec<Told>,
    pub(crate) answers: Answers,
    /// Of a whole turn; one for what waits assesses nothing anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) foresight: Option<Foresight>,
    pub(crate) came: Came,
}

/// What came of a turn: as it is compared where it is read, as it was made where it is written, which another thread does.
#[derive(Debug, Deserialize)]
#[serde(from = "Value")]
pub(crate) enum Came {
    Read(Value),
    Made(Box<CameOfTurn>),
}

impl From<Value> for Came {
    fn from(value: Value) -> Self {
        Self::Read(value)
    }
}

/// As it is compared: a number of 32 bits is written with all the digits that it has as one of 64.
impl Serialize for Came {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Read(value) => value.serialize(serializer),
            Self::Made(made) => serde_json::to_value(made).map_err(S::Error::custom)?.serialize(serializer),
        }
    }
}

/// Plan, records and outcome of a turn, and of a whole one a digest of all that is believed afterwards.
#[derive(Debug, Serialize)]
pub(crate) struct CameOfTurn {
    plan: Plan,
    records: Vec<DecisionRecord>,
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    belief: Option<String>,
}

impl Came {
    /// Of a turn that is over.
    pub(crate) fn of(report: &CycleReport, snapshot: &Snapshot) -> Self {
        let CycleReport { plan, records, outcome, .. } = report;
        let (plan, records, outcome) = (plan.clone(), records.clone(), outcome.clone());
        let belief = (report.scope == Scope::Whole).then(|| belief(snapshot));
        Self::Made(Box::new(CameOfTurn { plan, records, outcome, belief }))
    }
}

/// An approved plan that was carried out.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Approved {
    pub(crate) plan: Plan,
    pub(crate) allowed: Allowed,
    pub(crate) answers: Answers,
    pub(crate) came: Value,
}

/// What was taken up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Thought {
    pub(crate) proposal: Option<Plan>,
    /// Who places from now on, where that was written down.
    pub(crate) placing: Option<Placing>,
}

/// A row of the store.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) table: String,
    pub(crate) row: Value,
}

/// What all lines before add up to.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct End {
    pub(crate) lines: u64,
    pub(crate) sha256: String,
}

/// What came of a plan that was approved.
pub(crate) fn came_of_outcome(outcome: &Outcome, snapshot: &Snapshot) -> Value {
    serde_json::json!({"outcome": outcome, "belief": belief(snapshot)})
}

/// Digest of a snapshot.
pub(crate) fn belief(snapshot: &Snapshot) -> String {
    let mut digest = Digest::default();
    snapshot.digest(&mut digest);
    format!("{:016x}", digest.value())
}
