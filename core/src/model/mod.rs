//! The words of Lepton as types: nodes, devices, resources, tasks, gangs, placements, plans; and the rules
//! that hold between them. All stages of the loop meet here and only here.

mod approval;
mod assessment;
mod budget;
mod changes;
mod clock;
mod cluster;
mod cluster_build;
mod cluster_change;
mod counted;
mod deeds;
mod device;
pub mod digest;
mod document;
mod error;
mod fit;
pub mod fragmentation;
mod ids;
pub mod invariants;
mod journal_entry;
mod labels;
mod liking;
mod memory;
mod mix;
mod modes;
mod moves;
mod name;
mod named_rules;
mod node;
mod outcome;
mod plan;
mod plan_document;
mod reading;
mod recent_tasks;
mod record;
mod refusal;
mod remembered;
mod replay;
mod resources;
mod served;
mod settings;
mod situation_digest;
mod snapshot;
mod statement;
mod task;
pub mod tensor_file;
mod trial;
mod written;

pub use assessment::{Assessment, ExpectedLoad, NodeLoad, NodeRisk, Sign};
pub use budget::{MoveBudget, MoveLimits};
pub use changes::{ChangeLog, LogPosition};
pub use clock::{Clock, FrozenClock};
pub use cluster::{Cluster, Placement, Quota};
pub use counted::counted;
pub use deeds::{Act, Deeds, DeedsByAct};
pub use device::{
    DEVICE_MILLI, DEVICE_MODELS_MAX, DEVICES_PER_NODE_MAX, DeviceKind, DeviceModel, DeviceSet, ModelId,
    ModelSet,
};
#[cfg(test)]
pub(crate) use document::NO_MODEL;
pub use document::{
    ClusterDocument, DocumentDemand, DocumentDevices, DocumentError, DocumentNode, DocumentQuota,
    DocumentShape, DocumentTask,
};
pub use error::{ModelError, Obstacle, PlaceError};
pub use ids::{ClassId, GangId, GroupId, LabelKey, LabelValue, NodeId, OwnerId, TaskId};
pub use journal_entry::JournalEntry;
pub use liking::Liking;
pub use memory::Memory;
pub use mix::{Arrivals, ExpectedMix};
pub use modes::{Mode, Modes};
pub use moves::{MOVES_KEPT_SECONDS, Move, RecentMoves};
pub use name::Name;
pub use named_rules::{
    NamedAffinity, NamedGroupRule, NamedGroups, NamedPreference, NamedRules, NamedSelector, NamedSpread,
    NamedWish,
};
pub use node::{Health, NodeSpec};
pub use outcome::{Outcome, PartOutcome, StepResult};
pub use plan::{Action, ActionKind, Binding, Part, PartKey, Plan, Reason, Spot, Waiting, Worth};
pub use plan_document::{PLAN_VERSION, PlanDocument, PlanError, PlanPart, PlanStep, PlanSummary, WorthUnit};
pub use reading::{NodeReading, Reading, Readings, TaskReading};
pub use recent_tasks::{CameTask, EndedTask, LATELY_ARRIVALS, RecentTasks, used_share_after};
pub use record::{Candidate, DecisionRecord, NODES_NAMED, ScoreTerm, StepKey};
pub use replay::{ReplayError, replay};
pub use resources::{AMOUNT_MAX, RESOURCES_MAX, ResourceSchema};
pub use served::{Placing, Served, Serving};
pub use settings::{SAFETY_LEVEL, Settings};
pub use snapshot::{Snapshot, SourceState, TaskState};
pub use statement::{Answer, Call, Moving, PATIENCE_SECONDS, Statement, StepEnd};
pub use task::{
    Demand, DeviceDemand, GroupRule, NearRule, Preempts, Preference, Rules, Scope, Selector, Shape,
    SpreadRule, Task, TaskClass, Wish,
};
pub use trial::Trial;

#[cfg(test)]
mod situation_digest_tests;
#[cfg(test)]
mod tests;
