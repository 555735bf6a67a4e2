//! What the decider of acts is bound by.

use super::{DecideConfig, LoadBasis};
use crate::decide::placement::LevelWeights;
use crate::model::MoveLimits;

/// Which acts take part: those that were measured to gain, unless one is to be measured by leaving it out or taking it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acts {
    /// Clearing nodes that are about to fail.
    pub protect: bool,
    /// Taking work off hot nodes.
    pub relieve: bool,
    /// Keeping nodes for what waits too long.
    pub reserve: bool,
    /// Starting what waits in the learned order, where tasks say how long they will run; else, and without this, who came first.
    pub order: bool,
    /// Moving tasks out of the way of what nodes are kept for.
    pub make_room: bool,
    /// Stopping less important tasks at once for what preempts.
    pub preempt: bool,
    /// Heeding signs of coming faults: nothing is placed on nodes that show them, and they are cleared.
    pub risk: bool,
    /// Taking up chains that a long search has found.
    pub rearrange: bool,
}

impl Acts {
    /// All but rearranging, which was measured to gain too little beside the others.
    pub const DEFAULT: Self = Self {
        protect: true,
        relieve: true,
        reserve: true,
        order: true,
        make_room: true,
        preempt: true,
        risk: true,
        rearrange: false,
    };
}

/// What the decider is bound by. Gains and costs are in device-minutes.
#[derive(Debug, Clone, PartialEq)]
pub struct LeptonConfig {
    /// What all deciders share.
    pub decide: DecideConfig,
    /// How placement weighs packing against level use.
    pub weights: LevelWeights,
    /// By what load nodes are hot.
    pub relieve_by: LoadBasis,
    /// Nodes above the safety level are relieved down to this.
    pub relief_level: f64,
    /// Share of its work that a node loses while it is above the safety level.
    pub hot_loss: f64,
    /// What taking a task off a hot node costs beside its standing still, device-minutes.
    pub move_price: f64,
    /// Nodes are kept for what has waited so long, minutes.
    pub reserve_after_minutes: f64,
    /// Share of the nodes that may be kept at once; one at least.
    pub kept_share: f64,
    /// Tasks are moved out of the way of what has waited so long, minutes.
    pub room_after_minutes: f64,
    /// How long something is expected to wait where running tasks do not say when they end, minutes.
    pub unknown_wait_minutes: f64,
    /// Which acts take part.
    pub acts: Acts,
}

impl Default for LeptonConfig {
    fn default() -> Self {
        Self {
            decide: DecideConfig {
                gain_over_cost: 4.0,
                moves: MoveLimits { per_turn_and_thousand_nodes: 100, ..MoveLimits::default() },
                ..DecideConfig::default()
            },
            weights: LevelWeights::default(),
            relieve_by: LoadBasis::Used,
            relief_level: 0.77,
            hot_loss: 0.1,
            move_price: 0.0,
            reserve_after_minutes: 10.0,
            kept_share: 0.005,
            room_after_minutes: 15.0,
            unknown_wait_minutes: 60.0,
            acts: Acts::DEFAULT,
        }
    }
}
