//! The guard in service: it looks at the last paired results and says who serves next, the model or the rule.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::PairedGain;
use crate::model::{Served, Serving};

/// When the guard changes who serves. Gains are the model's results less the rule's, in their unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GuardOptions {
    /// Paired results that are looked at, the last ones.
    pub window: usize,
    /// Fewest results since the last change on which anything is changed.
    pub least: usize,
    /// Least mean gain with which the model takes over; its 95% interval must lie above 0, too.
    pub margin: f64,
    /// Mean loss beyond which the rule takes over.
    pub loss_max: f64,
}

impl Default for GuardOptions {
    /// For results in percent of the devices.
    fn default() -> Self {
        Self { window: 20, least: 4, margin: 0.02, loss_max: 0.0 }
    }
}

/// Why the guard decided as it did: one stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum GuardReason {
    /// Too few results yet; who serves goes on.
    TooFewResults,
    /// The rule serves: the model does not gain the margin, or is not shown to gain at all.
    ModelGainsTooLittle,
    /// The model takes over: it gains at least the margin.
    ModelGainsMargin,
    /// The model serves and is not worse.
    ModelHolds,
    /// The rule takes over: the model is worse.
    ModelIsWorse,
    /// The rule takes over, or goes on: the model's result is no number.
    ModelResultUnusable,
    /// The rule's result is no number; the pair does not count.
    RuleResultUnusable,
}

/// As a clause.
impl fmt::Display for GuardReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooFewResults => "there are too few results yet",
            Self::ModelGainsTooLittle => "the model is not shown to gain enough",
            Self::ModelGainsMargin => "the model gains enough",
            Self::ModelHolds => "the model is not worse",
            Self::ModelIsWorse => "the model is worse",
            Self::ModelResultUnusable => "the model's result is no number",
            Self::RuleResultUnusable => "the rule's result is no number",
        })
    }
}

/// What the guard says after a result.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct GuardDecision {
    /// Who serves from now on.
    pub serving: Serving,
    /// Why.
    pub reason: GuardReason,
    /// What the model gained over the rule in the window that this was decided by; `None` without results.
    pub gain: Option<PairedGain>,
}

impl GuardOptions {
    /// Who is to serve after these gains, when `serving` has served so far.
    pub fn decide(&self, serving: Serving, gains: &[f64]) -> GuardDecision {
        let gain = PairedGain::of(gains);
        let say = |serving, reason| GuardDecision { serving, reason, gain };
        match (serving, gain) {
            (_, Some(g)) if !g.mean.is_finite() => say(Serving::Rule, GuardReason::ModelResultUnusable),
            (Serving::Rule, Some(g)) if g.pairs >= self.least => {
                if g.mean >= self.margin && g.low() >= 0.0 {
                    say(Serving::Model, GuardReason::ModelGainsMargin)
                } else {
                    say(Serving::Rule, GuardReason::ModelGainsTooLittle)
                }
            }
            (Serving::Model, Some(g)) if g.pairs >= self.least => {
                if g.mean < -self.loss_max {
                    say(Serving::Rule, GuardReason::ModelIsWorse)
                } else {
                    say(Serving::Model, GuardReason::ModelHolds)
                }
            }
            _ => say(serving, GuardReason::TooFewResults),
        }
    }
}

/// Keeps the window and who serves. After each change the window begins anew, so a policy that was taken down
/// has to show its worth again in the shadow of the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    options: GuardOptions,
    served: Served,
}

impl Guard {
    /// A guard without results yet.
    pub fn new(options: GuardOptions, serving: Serving) -> Self {
        Self { options, served: Served::new(serving) }
    }

    /// A guard that goes on where another stood.
    pub fn resume(options: GuardOptions, served: Served) -> Self {
        Self { options, served }
    }

    /// Who serves.
    pub fn serving(&self) -> Serving {
        self.served.serving
    }

    /// Who serves, and what that stands on.
    pub fn into_served(self) -> Served {
        self.served
    }

    /// Takes in what the two reached on the same sequence, more being better, one of them in the shadow of the
    /// other, and says who serves next.
    pub fn observe(&mut self, model: f64, rule: f64) -> GuardDecision {
        let Served { serving, gains } = &mut self.served;
        if !rule.is_finite() {
            let gain = PairedGain::of(gains.make_contiguous());
            return GuardDecision { serving: *serving, reason: GuardReason::RuleResultUnusable, gain };
        }
        gains.push_back(model - rule);
        while gains.len() > self.options.window.max(1) {
            gains.pop_front();
        }
        let decision = self.options.decide(*serving, gains.make_contiguous());
        if decision.serving != *serving || decision.reason == GuardReason::ModelResultUnusable {
            *serving = decision.serving;
            gains.clear();
        }
        decision
    }
}
