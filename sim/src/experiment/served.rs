//! The policies of a study by name, on one workload. What the learned policy knows of cluster and mix is made
//! once, and it is rehearsed before it serves, unless the caller leaves that out.

use std::sync::Arc;

use lepton_core::decide::guard::{Rehearsal, RehearsalOptions, rehearse};
use lepton_core::decide::placement::PlacementPolicy;
use lepton_core::decide::placement_policies::{LEARNED, PlacementContext, UnknownPolicy, placement_policy};
use lepton_core::decide::policy::{LearnedPlacement, Mix, PlacementModel};

use crate::workload::PlacementWorkload;

/// What is made once for all runs on a workload.
pub(super) struct ServedPolicies<'a> {
    pub(super) workload: &'a PlacementWorkload,
    learned: Option<LearnedPlacement>,
    rehearsal: Option<Rehearsal>,
}

impl<'a> ServedPolicies<'a> {
    /// For these policies; `model` holds the weights of the learned one, `None` for those it is shipped with. With
    /// `guarded` it serves only where a rehearsal shows it to be better than the best fixed rule.
    pub(super) fn new(
        workload: &'a PlacementWorkload,
        names: &[String],
        model: Option<&PlacementModel>,
        guarded: bool,
    ) -> Result<Self, UnknownPolicy> {
        let mut served = Self { workload, learned: None, rehearsal: None };
        for name in names.iter().filter(|&name| name != LEARNED) {
            served.policy(name, 0)?;
        }
        if names.iter().any(|name| name == LEARNED) {
            let PlacementWorkload { cluster, target, .. } = workload;
            let mix = Arc::new(Mix::new(cluster, target));
            let model = model.map_or_else(PlacementModel::shipped, PlacementModel::clone);
            served.rehearsal =
                guarded.then(|| rehearse(cluster, target, &mix, &model, &RehearsalOptions::default()));
            served.learned = Some(LearnedPlacement::new(mix, &model));
        }
        Ok(served)
    }

    /// The policy of that name; `seed` is for those that draw.
    pub(super) fn policy(&self, name: &str, seed: u64) -> Result<Box<dyn PlacementPolicy>, UnknownPolicy> {
        let PlacementWorkload { cluster, target, .. } = self.workload;
        let context = PlacementContext { cluster, target, seed, model: None };
        match (&self.learned, &self.rehearsal) {
            (Some(learned), Some(rehearsal)) if name == LEARNED => Ok(rehearsal.policy(learned, &context)),
            (Some(learned), None) if name == LEARNED => Ok(Box::new(learned.clone())),
            _ => placement_policy(name, &context),
        }
    }

    /// Who serves under the learned policy's name, and why.
    pub(super) fn rehearsal(&self) -> Option<&Rehearsal> {
        self.rehearsal.as_ref()
    }
}
