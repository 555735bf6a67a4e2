//! What people ask of candidates, and what they are answered.

use std::path::PathBuf;

use lepton_core::decide::policy::PlacementModel;
use lepton_core::model::fragmentation::TargetWorkload;
use lepton_core::model::{CameTask, Cluster};
use lepton_learn::Passed;
use serde_json::Value;
use tokio::sync::oneshot;

/// What is asked.
pub(super) enum CandidateAsk {
    /// On what a candidate is to be judged before it is promoted.
    Look {
        /// Its name.
        id: String,
        /// Whose word it is.
        actor: String,
        /// The key of the request, if it has one.
        key: Option<String>,
        reply: oneshot::Sender<Result<Box<Grounds>, Answered>>,
    },
    /// One that has passed the gate just now is to serve.
    Promote {
        id: String,
        passed: Box<Passed>,
        actor: String,
        key: Option<String>,
        reply: oneshot::Sender<Answered>,
    },
    /// The placement of the settings is to serve again.
    Demote { actor: String, key: Option<String>, reply: oneshot::Sender<Answered> },
}

/// On what a candidate is judged: the cluster, its mix, what came lately, and what serves, all as they are now.
pub(super) struct Grounds {
    pub(super) cluster: Cluster,
    pub(super) target: TargetWorkload,
    pub(super) came: Vec<CameTask>,
    pub(super) serving: PlacementModel,
    /// What places where no learned placement serves.
    pub(super) rule: String,
    /// The candidate's file, and what it must be.
    pub(super) path: PathBuf,
    pub(super) sha256: Option<String>,
    /// Draws the sequences: no two judgements have the same.
    pub(super) number: u64,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answered {
    /// It is done, or was before under this key: status and body.
    Done(u16, Value),
    /// There is no such candidate.
    NoSuchCandidate,
    /// The key belongs to another request.
    KeyTaken,
    /// It cannot be: the kind of problem, and why.
    Refused(&'static str, String),
    /// It could not be done.
    Failed(String),
}
