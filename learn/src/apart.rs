//! What is kept apart from learning, so that a result can be claimed: every environment says what it has.

use serde::Serialize;

use crate::{Apart, Environment};

/// The environments to judge a result in.
pub struct KeptApart<'a> {
    /// Those that have sequences kept apart, as they are to be played.
    pub environments: Vec<&'a dyn Environment>,
    /// The others.
    pub left_out: Vec<LeftOut>,
}

/// An environment in which nothing is claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Its name.
    pub environment: String,
    /// Why.
    pub reason: String,
}

/// What of these environments is kept apart.
pub fn kept_apart<'a>(environments: &[&'a dyn Environment]) -> KeptApart<'a> {
    let mut apart = KeptApart { environments: Vec::new(), left_out: Vec::new() };
    for &environment in environments {
        match environment.apart() {
            Apart::OtherSeeds => apart.environments.push(environment),
            Apart::Later { held_out, .. } => apart.environments.push(held_out),
            Apart::Nothing(reason) => {
                let environment = environment.name().to_owned();
                apart.left_out.push(LeftOut { environment, reason: reason.to_owned() });
            }
        }
    }
    apart
}
