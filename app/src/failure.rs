//! How a command fails: what is said and the exit code. 2 for bad usage or input, 1 for anything else.

use std::process::ExitCode;

use lepton_sim::experiment::{RunError, StudyError};
use lepton_sim::readers::InputError;

/// A command that did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The arguments or an input file are wrong: the user can mend it. Exit code 2.
    Input(String),
    /// Something else went wrong. Exit code 1.
    Other(anyhow::Error),
    /// The user stopped it; what was done has been printed. Exit code 1.
    Stopped,
}

impl Failure {
    /// Says what went wrong on stderr and gives the exit code.
    #[expect(clippy::print_stderr, reason = "the one place where failures are printed")]
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Self::Input(problem) => {
                eprintln!("error: {problem}");
                ExitCode::from(2)
            }
            Self::Other(error) => {
                eprintln!("error: {error:#}");
                ExitCode::from(1)
            }
            Self::Stopped => {
                eprintln!("stopped before the end; results cover what was done");
                ExitCode::from(1)
            }
        }
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
            RunError::Stopped => Self::Stopped,
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
