//! The learned placement that may serve: the one that Lepton comes with, one of the settings, a candidate that was promoted, or one that was
//! spoiled on purpose.

use lepton_core::decide::placement_policies::LEARNED;
use lepton_core::decide::policy::PlacementModel;

use super::super::config::ServeConfig;

/// The name of the one that Lepton comes with, among what may serve.
const SHIPPED: &str = "shipped";
/// The same of one that the settings name.
const CONFIGURED: &str = "configured";

/// A learned placement that may serve.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::serve) struct ServingPlacement {
    /// What it is called among what may serve: `shipped`, `configured`, or the name of a candidate.
    pub(in crate::serve) id: String,
    /// What the policy is called.
    pub(in crate::serve) name: String,
    pub(in crate::serve) model: PlacementModel,
}

impl ServingPlacement {
    /// That of the settings; none where none may serve.
    pub(in crate::serve) fn of(config: &ServeConfig) -> Option<Self> {
        config.learned_placement.then(|| {
            let (id, model) = match &config.placement {
                Some(model) => (CONFIGURED, PlacementModel::clone(model)),
                None => (SHIPPED, PlacementModel::shipped()),
            };
            Self { id: id.to_owned(), name: LEARNED.to_owned(), model }
        })
    }

    /// Another one of this name.
    pub(in crate::serve) fn named(id: &str, model: PlacementModel) -> Self {
        Self { id: id.to_owned(), name: id.to_owned(), model }
    }
}
