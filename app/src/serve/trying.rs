//! Trials of a simulated cluster, to see how the loop takes it: a failure, a burst, a bad policy, a source that falls silent. Each is a real
//! act on the simulated world, in the audit; failures and bursts are done again when the world is lived again. No real cluster can be asked
//! for one.

use lepton_core::decide::policy::PlacementModel;
use lepton_core::model::{Placing, Served, Serving, counted};

use super::adapting::ServingPlacement;
use super::auditing;
use super::engine::Engine;
use super::trials::{NotTried, TrialBody, TrialKind};

/// For how long the source falls silent, minutes of the cluster's time.
const SILENT_MINUTES: u64 = 20;
/// Tasks of a burst: as many as there are nodes, within these.
const BURST: (usize, usize) = (20, 500);
/// Name of the spoiled policy, and how the weights of the one that ships are spoiled.
const SPOILED: &str = "spoiled";
const SPOILED_TIMES: f32 = -4.0;

impl Engine {
    /// Tries it.
    pub(super) fn try_out(&mut self, what: TrialKind, actor: &str) -> Result<TrialBody, NotTried> {
        let Some(cluster) = self.cluster.simulated() else { return Err(NotTried::NotSimulated) };
        let body = match what {
            TrialKind::Failure => {
                let none = || NotTried::NotNow("no node works that could fail".to_owned());
                let (node, tasks) = cluster.fail_busiest(&mut self.store)?.ok_or_else(none)?;
                TrialBody {
                    what,
                    did: format!("{node} went down with {} on it", counted(tasks, "task", "tasks")),
                    look: "Its tasks wait, and the decisions say where each of them goes; it comes back after two hours".to_owned(),
                    at: format!("/cluster/{node}"),
                }
            }
            TrialKind::Burst => {
                let tasks = cluster.burst(&mut self.store, BURST)?;
                TrialBody {
                    what,
                    did: format!("{tasks} tasks came at once"),
                    look: "What waits is grouped by what keeps it; see it start, and room being made"
                        .to_owned(),
                    at: "/tasks?state=waiting".to_owned(),
                }
            }
            TrialKind::Source => {
                cluster.fall_silent(SILENT_MINUTES * 60);
                TrialBody {
                    what,
                    did: format!(
                        "The source tells nothing for {SILENT_MINUTES} minutes of the cluster's time"
                    ),
                    look: "Once what is known is out of date nothing is decided or done, until it is back"
                        .to_owned(),
                    at: "/system".to_owned(),
                }
            }
            TrialKind::Policy => {
                self.spoil_policy()?;
                TrialBody {
                    what,
                    did: "A placement policy with spoiled weights serves, past its gate".to_owned(),
                    look: "It is compared with its rule on the tasks that come, and the rule takes over once it is seen to be worse".to_owned(),
                    at: "/policies".to_owned(),
                }
            }
        };
        let line = auditing::line(actor, &format!("trial.{}", what.name()), "simulation", &body.did);
        self.store.keep_audit(&[line], None).map_err(anyhow::Error::from)?;
        Ok(body)
    }

    /// Lets a spoiled placement serve; the guard that watches every learned placement watches it too.
    fn spoil_policy(&mut self) -> Result<(), NotTried> {
        let mix_version = self.cycle.snapshot().mix.version;
        if mix_version == 0 {
            let early = "too few tasks have come to compare policies on; try again in a while";
            return Err(NotTried::NotNow(early.to_owned()));
        }
        let weights = PlacementModel::shipped().weights().map(|weight| SPOILED_TIMES * weight);
        let Some(model) = PlacementModel::from_weights(&weights, PlacementModel::manifest_of(SPOILED)) else {
            return Err(NotTried::Failed("the weights are not those of a placement policy".to_owned()));
        };
        let decider = self.make_decider(Some(&model))?;
        self.place_by(Placing { mix_version, served: Served::new(Serving::Model) })?;
        self.decider = decider;
        self.let_serve(Some(ServingPlacement::named(SPOILED, model)))?;
        Ok(())
    }
}
