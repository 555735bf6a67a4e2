//! How a command fails: what is said and the exit code. 2 for bad usage or input, 3 for a plan that is stale, 130 and 143 when SIGINT or SIGTERM
//! ended it, 1 for anything else.

use std::process::ExitCode;

use lepton_sim::experiment::{RunError, StudyError};
use lepton_sim::readers::InputError;

use crate::output;
use crate::stop;

/// A command that did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The arguments or an input file are wrong: the user can mend it. Exit code 2.
    Input(String),
    /// The plan that was spoken of is no longer as it was. Exit code 3.
    Stale(String),
    /// Something else went wrong. Exit code 1.
    Other(anyhow::Error),
    /// A signal stopped it; what was done has been printed. Exit code 130 or 143.
    Stopped,
    /// A signal ended a service: what is said of it. Exit code 130 or 143.
    Ended(String),
    /// A signal stopped it before anything was done. Exit code 130 or 143.
    StoppedWithoutResult,
}

impl Failure {
    /// Says what went wrong on stderr and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        let (said, code) = match self {
            Self::Input(problem) => (format!("error: {problem}"), 2),
            Self::Stale(problem) => (format!("error: {problem}"), 3),
            Self::Ended(said) => (said.clone(), stop::exit_code()),
            Self::Other(error) => (format!("error: {error:#}"), 1),
            Self::Stopped => {
                ("stopped before the end; results cover what was done".to_owned(), stop::exit_code())
            }
            Self::StoppedWithoutResult => {
                ("stopped before anything was done: there is no result".to_owned(), stop::exit_code())
            }
        };
        output::note(&said);
        ExitCode::from(code)
    }
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        Self::Input(error.to_string())
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Stopped => Self::StoppedWithoutResult,
            RunError::Threads { .. } => Self::Other(error.into()),
        }
    }
}

impl From<StudyError> for Failure {
    fn from(error: StudyError) -> Self {
        match error {
            StudyError::Policy(e) => Self::Input(e.to_string()),
            StudyError::Run(e) => e.into(),
            other @ StudyError::RuleBroken { .. } => Self::Other(other.into()),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}
