//! What the loop is compared with over several seeds.

use std::sync::Arc;

use clap::ValueEnum;
use lepton_core::decide::plan::{Acts, LoadBasis};
use lepton_core::decide::policy::PlacementModel;
use lepton_sim::experiment::{Keeper, WITHOUT_LOOP_POLICY};

/// Who else looks after the same cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Against {
    /// No loop: tasks are placed, nothing is moved or cordoned
    WithoutLoop,
    /// The loop with the decider of fixed rules
    Caretaker,
    /// The loop, clearing no nodes that are about to fail
    WithoutProtect,
    /// The loop, taking no work off hot nodes
    WithoutRelieve,
    /// The loop, keeping no nodes for what waits too long, and so making no room for it
    WithoutReserve,
    /// The loop, starting who came first; with tasks that say how long they will run (`--request-factor`)
    WithoutOrder,
    /// The loop, moving nothing out of the way of what waits too long
    WithoutMakeRoom,
    /// The loop, placing by the peak that is expected of nodes within the hour and not by what they use now
    ByExpectedLoad,
    /// The loop, heeding no signs of coming faults
    WithoutRisk,
    /// The loop, placing by what tasks ask for and not by what nodes use
    ByRequests,
    /// The loop, placing by the learned placement where a rehearsal on the cluster and its mix shows it to be better
    WithLearnedPlacement,
    /// The loop, also taking up chains of moves that a long search finds every five minutes
    WithRearrange,
    /// The loop, also deciding on each task when it comes and not with the next turn
    WithTurnsBetween,
}

impl Against {
    pub(crate) fn keeper(self) -> Keeper {
        match self {
            Self::WithoutLoop => Keeper::WithoutLoop,
            Self::Caretaker => Keeper::Caretaker,
            Self::WithoutProtect => Keeper::Loop(Acts { protect: false, ..Acts::DEFAULT }),
            Self::WithoutRelieve => Keeper::Loop(Acts { relieve: false, ..Acts::DEFAULT }),
            Self::WithoutReserve => Keeper::Loop(Acts { reserve: false, ..Acts::DEFAULT }),
            Self::WithoutOrder => Keeper::Loop(Acts { order: false, ..Acts::DEFAULT }),
            Self::WithoutMakeRoom => Keeper::Loop(Acts { make_room: false, ..Acts::DEFAULT }),
            Self::ByExpectedLoad => Keeper::PlacingBy(LoadBasis::Expected { percent: 50 }),
            Self::WithoutRisk => Keeper::Loop(Acts { risk: false, ..Acts::DEFAULT }),
            Self::ByRequests => Keeper::PlacingBy(LoadBasis::Promised),
            Self::WithLearnedPlacement => Keeper::PlacingByModel(Arc::new(PlacementModel::shipped())),
            Self::WithRearrange => Keeper::Loop(Acts { rearrange: true, ..Acts::DEFAULT }),
            Self::WithTurnsBetween => Keeper::TurningBetween(Acts::DEFAULT),
        }
    }

    /// Head of its column.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::WithoutLoop => "without",
            Self::Caretaker => "caretaker",
            Self::WithoutProtect => "without protect",
            Self::WithoutRelieve => "without relieve",
            Self::WithoutReserve => "without reserve",
            Self::WithoutOrder => "without order",
            Self::WithoutMakeRoom => "without make room",
            Self::ByExpectedLoad => "by expected load",
            Self::WithoutRisk => "without risk",
            Self::ByRequests => "by requests",
            Self::WithLearnedPlacement => "with learned placement",
            Self::WithRearrange => "with rearrange",
            Self::WithTurnsBetween => "with turns between",
        }
    }

    /// Name in results.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::WithoutLoop => "without_loop",
            Self::Caretaker => "caretaker",
            Self::WithoutProtect => "without_protect",
            Self::WithoutRelieve => "without_relieve",
            Self::WithoutReserve => "without_reserve",
            Self::WithoutOrder => "without_order",
            Self::WithoutMakeRoom => "without_make_room",
            Self::ByExpectedLoad => "by_expected_load",
            Self::WithoutRisk => "without_risk",
            Self::ByRequests => "by_requests",
            Self::WithLearnedPlacement => "with_learned_placement",
            Self::WithRearrange => "with_rearrange",
            Self::WithTurnsBetween => "with_turns_between",
        }
    }

    /// What it does, in a sentence.
    pub(crate) fn meaning(self) -> String {
        match self {
            Self::WithoutLoop => format!(
                "Without the loop: tasks are placed first come, first served by {WITHOUT_LOOP_POLICY}, the default scores \
                 of the Kubernetes scheduler, and nothing is moved or cordoned."
            ),
            Self::Caretaker => {
                "The caretaker places by fgd, first come, first served, and moves by fixed rules.".to_owned()
            }
            Self::WithoutProtect => {
                "Without protect: nodes that are about to fail are not cleared.".to_owned()
            }
            Self::WithoutRelieve => "Without relieve: hot nodes keep their work.".to_owned(),
            Self::WithoutReserve => "Without reserve: no node is kept for what waits long.".to_owned(),
            Self::WithoutOrder => "Without order: what waits is started first come, first served.".to_owned(),
            Self::WithoutMakeRoom => {
                "Without make room: nothing moves out of the way of what waits long.".to_owned()
            }
            Self::ByExpectedLoad => {
                "By expected load: tasks are placed by the median of the peak expected within the hour."
                    .to_owned()
            }
            Self::WithoutRisk => {
                "Without risk: tasks are placed on nodes that show signs of faults, and stay there."
                    .to_owned()
            }
            Self::ByRequests => {
                "By requests: tasks are placed where the least is asked for, whatever is used.".to_owned()
            }
            Self::WithLearnedPlacement => {
                "With learned placement: it places once a rehearsal has shown it to be better than the rules."
                    .to_owned()
            }
            Self::WithRearrange => {
                "With rearrange: chains of moves that a long search has found start what waits.".to_owned()
            }
            Self::WithTurnsBetween => {
                "With turns between: tasks are decided on when they come, not with the next turn.".to_owned()
            }
        }
    }
}
