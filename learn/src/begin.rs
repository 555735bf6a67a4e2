//! Beginning with a learner, or going on with one: where a training asks for it and the build has it.

use crate::{Environment, Learner, Method, TrainOptions};

/// A learner that cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LearnerError {
    /// The build has no gradients.
    #[error(
        "this build cannot learn by gradients: `cargo build --release --features train` makes one that can. Maybe \
         take the method `evolution`"
    )]
    NotBuilt,
    /// An environment does not show its decisions.
    #[error(
        "`{0}` shows no decisions to learn from: its models are learned by evolution alone, expected the method \
         `evolution`"
    )]
    NotRecorded(String),
    /// The environments decide by networks of other sizes than the weights, or than one another.
    #[error("the workloads `{0}` do not decide by the same network")]
    OtherShape(String),
    /// A state that was written by another version or for other environments.
    #[error("holds a learner that is damaged, of another version or for other workloads")]
    Refused,
}

/// The learner that the method asks for, from these weights; none for an evolution alone.
///
/// # Errors
/// When the build has none, or the environments do not show decisions of one network.
pub fn begin_learner(
    options: &TrainOptions,
    weights: &[f32],
    environments: &[&dyn Environment],
    seed: u64,
) -> Result<Option<Box<dyn Learner>>, LearnerError> {
    if options.method == Method::Evolution {
        return Ok(None);
    }
    if let Some(silent) = environments.iter().find(|e| e.recorded().is_none()) {
        return Err(LearnerError::NotRecorded(silent.name().to_owned()));
    }
    built::begin(options, weights, environments, seed).map(Some)
}

/// The learner whose [text](Learner::to_text) a checkpoint holds, if any.
///
/// # Errors
/// When the build has none, or the text is not a learner for these environments.
pub fn resume_learner(
    text: Option<&str>,
    environments: &[&dyn Environment],
) -> Result<Option<Box<dyn Learner>>, LearnerError> {
    text.map(|text| built::resume(text, environments)).transpose()
}

#[cfg(feature = "train")]
mod built {
    use super::{Environment, Learner, LearnerError, TrainOptions};
    use crate::GradientLearner;

    pub(super) fn begin(
        options: &TrainOptions,
        weights: &[f32],
        environments: &[&dyn Environment],
        seed: u64,
    ) -> Result<Box<dyn Learner>, LearnerError> {
        let names = || environments.iter().map(|e| e.name()).collect::<Vec<_>>().join(", ");
        let mut shapes = environments.iter().filter_map(|e| e.recorded()).map(|e| e.shape());
        let first = shapes.next().filter(|first| shapes.all(|other| other == *first));
        let learner = first.and_then(|s| GradientLearner::new(s, weights, options.learner.clone(), seed));
        Ok(Box::new(learner.ok_or_else(|| LearnerError::OtherShape(names()))?))
    }

    pub(super) fn resume(
        text: &str,
        environments: &[&dyn Environment],
    ) -> Result<Box<dyn Learner>, LearnerError> {
        Ok(Box::new(GradientLearner::restore(text, environments).ok_or(LearnerError::Refused)?))
    }
}

#[cfg(not(feature = "train"))]
mod built {
    use super::{Environment, Learner, LearnerError, TrainOptions};

    pub(super) fn begin(
        _options: &TrainOptions,
        _weights: &[f32],
        _environments: &[&dyn Environment],
        _seed: u64,
    ) -> Result<Box<dyn Learner>, LearnerError> {
        Err(LearnerError::NotBuilt)
    }

    pub(super) fn resume(
        _text: &str,
        _environments: &[&dyn Environment],
    ) -> Result<Box<dyn Learner>, LearnerError> {
        Err(LearnerError::NotBuilt)
    }
}
