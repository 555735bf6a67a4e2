//! Checkpoints: a training as text, with a checksum on the first line, so that what was cut off or damaged is
//! refused. The state after a checkpoint is read is exactly the state that was written.

use lepton_core::decide::policy::checksum;

use crate::Training;

/// A checkpoint that is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The checksum is missing or does not fit.
    #[error("is no checkpoint, or a damaged one: its checksum does not fit its contents")]
    Damaged,
    /// It fits and cannot be understood.
    #[error("is a checkpoint of another version: {0}")]
    Version(String),
    /// It is the training of something else.
    #[error("is a checkpoint over the workloads {found}, expected {expected}")]
    OtherEnvironments {
        /// Its environments.
        found: String,
        /// Those of this run.
        expected: String,
    },
}

impl Training {
    /// The training as text.
    pub fn to_checkpoint(&self) -> String {
        self.to_checkpoint_with(None)
    }

    /// The training as text, with the state of its learner, which is one line.
    pub fn to_checkpoint_with(&self, learner: Option<&str>) -> String {
        let mut state = serde_json::to_string(self).expect("numbers and texts can be written as JSON");
        if let Some(learner) = learner {
            state.push('\n');
            state.push_str(learner);
        }
        format!("{}\n{state}\n", checksum(state.as_bytes()))
    }

    /// A training over these environments, from a checkpoint. `weights` is the number of weights.
    ///
    /// # Errors
    /// When the text is damaged, from another version, or a training over other environments.
    pub fn from_checkpoint(
        text: &str,
        weights: usize,
        environments: &[&str],
    ) -> Result<Self, CheckpointError> {
        let (state, _) = parts(text)?;
        let training: Self =
            serde_json::from_str(state).map_err(|e| CheckpointError::Version(e.to_string()))?;
        if !training.evolution.is_sound(weights)
            || training.best.len() != weights
            || training.start_weights().len() != weights
        {
            return Err(CheckpointError::Version(format!("expected {weights} weights")));
        }
        if training.environments != environments {
            let (found, expected) = (training.environments.join(", "), environments.join(", "));
            return Err(CheckpointError::OtherEnvironments { found, expected });
        }
        Ok(training)
    }

    /// The state of the learner in a checkpoint, if there was one.
    ///
    /// # Errors
    /// When the text is damaged.
    pub fn learner_of_checkpoint(text: &str) -> Result<Option<&str>, CheckpointError> {
        Ok(parts(text)?.1)
    }
}

/// The state of the training and that of the learner, after the checksum was found right.
fn parts(text: &str) -> Result<(&str, Option<&str>), CheckpointError> {
    let (sum, state) = text.split_once('\n').ok_or(CheckpointError::Damaged)?;
    let state = state.strip_suffix('\n').ok_or(CheckpointError::Damaged)?;
    if sum != checksum(state.as_bytes()) {
        return Err(CheckpointError::Damaged);
    }
    Ok(state.split_once('\n').map_or((state, None), |(training, learner)| (training, Some(learner))))
}
