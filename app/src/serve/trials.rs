//! What a simulated cluster can be put through by hand, and what is told of it.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TrialKind {
    /// The node with the most tasks goes down at once, without a sign before.
    Failure,
    /// Many tasks come at once.
    Burst,
    /// A learned placement that is worse than its rule serves, past its gate.
    Policy,
    /// The source of readings tells nothing for a while.
    Source,
}

impl TrialKind {
    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Burst => "burst",
            Self::Policy => "policy",
            Self::Source => "source",
        }
    }
}

/// What was done, and what to look at afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct TrialBody {
    /// What was tried.
    pub(super) what: TrialKind,
    /// What happened, in a sentence.
    pub(super) did: String,
    /// What to look for, in a sentence.
    pub(super) look: String,
    /// Where: an address of the page.
    pub(super) at: String,
}

/// Why nothing was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NotTried {
    /// The cluster is a real one.
    NotSimulated,
    /// It cannot be done now.
    NotNow(String),
    /// It could not be kept.
    Failed(String),
}

impl From<anyhow::Error> for NotTried {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(format!("{error:#}"))
    }
}
