//! The gate of a running service: a candidate beside the placement that serves and beside the rule, pair by pair, on sequences that nobody
//! has learned from and on what really came. Only what passes it can become a [`Passed`], and nothing else is promoted.

use lepton_core::decide::guard::{Gate, PairedGain, ProvingGround, Who};
use lepton_core::decide::policy::PlacementModel;

use crate::Breathe;

/// Sequences times nodes on which a candidate is judged, about: small clusters, whose sequences differ more, play more.
const NODE_SEQUENCES: usize = 4_000;
/// Fewest and most sequences.
const SEQUENCES: (usize, usize) = (30, 120);
/// First of the seeds on which candidates are judged: all others of a service lie below.
const JUDGED_SEEDS_FROM: u64 = 1 << 63;
/// Between the seeds of two judgements.
const SEEDS_OF_JUDGEMENT: u64 = 1 << 16;

/// Three policies in each other's shadow.
#[derive(Debug, Clone, PartialEq)]
pub struct Shadow {
    /// Sequences that each of them played.
    pub pairs: usize,
    /// Mean of the candidate, percent of the devices allocated; none without a sequence.
    pub candidate: Option<f64>,
    /// Mean of the placement that serves.
    pub serving: Option<f64>,
    /// Mean of the rule.
    pub rule: Option<f64>,
    /// What the candidate gains over the placement that serves.
    pub gain: Option<PairedGain>,
    /// What it gains over the rule.
    pub over_rule: Option<PairedGain>,
    /// Whether that is enough.
    pub passes: bool,
}

/// What the gate says of a candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// On sequences of the mix that nobody has learned from.
    pub sequences: Shadow,
    /// On what came lately.
    pub history: Shadow,
    /// First of the seeds of the sequences.
    pub seeds_from: u64,
}

impl Judgement {
    /// Whether the candidate may serve.
    pub fn passes(&self) -> bool {
        self.sequences.passes && self.history.passes
    }
}

/// A candidate that has passed the gate. There is no other way to one.
#[derive(Debug, Clone, PartialEq)]
pub struct Passed {
    model: PlacementModel,
    serving: PlacementModel,
    judgement: Judgement,
}

impl Passed {
    /// The candidate.
    pub fn model(&self) -> &PlacementModel {
        &self.model
    }

    /// Whether this is what it was judged beside: against another it would have to be judged again.
    pub fn is_against(&self, serving: &PlacementModel) -> bool {
        self.serving.weights() == serving.weights()
    }

    /// What the gate said.
    pub fn judgement(&self) -> &Judgement {
        &self.judgement
    }
}

/// Judges a candidate. `number` draws the sequences: another number, others. None where `breathe` has ended it.
///
/// On the drawn sequences it must pass the [`Gate`]: enough of them, a mean gain of the margin over the placement that serves, with an
/// interval above zero. On what came, in at least as many windows as the gate asks for sequences, it must gain the margin in the mean.
/// On neither may it be worse than the rule in the mean: it would not be let serve.
pub fn judge(
    ground: &ProvingGround,
    candidate: &PlacementModel,
    serving: &PlacementModel,
    number: u64,
    breathe: Breathe<'_>,
) -> Option<Result<Passed, Judgement>> {
    let (least, most) = SEQUENCES;
    let count = (NODE_SEQUENCES / ground.nodes().max(1)).clamp(least, most);
    let seeds_from = JUDGED_SEEDS_FROM | number.wrapping_mul(SEEDS_OF_JUDGEMENT);
    let three = [Who::Model(candidate), Who::Model(serving), Who::Rule];
    let on_drawn = |who: Who<'_>, at: usize| ground.drawn(who, seeds_from.wrapping_add(at as u64));
    let sequences = shadow(three, count, breathe, &on_drawn)?;
    let history = shadow(three, ground.windows(), breathe, &|who, window| ground.came(who, window))?;
    let gate = Gate::default();
    let not_below_rule = |of: &Shadow| of.over_rule.is_some_and(|over| over.mean >= 0.0);
    let passes = sequences.gain.is_some_and(|gain| gate.opens(&gain, &[gain])) && not_below_rule(&sequences);
    let on_history = history.gain.is_some_and(|gain| {
        gain.pairs >= gate.pairs_least && gain.mean >= gate.margin && gain.high() >= -gate.loss_max
    });
    let judgement = Judgement {
        history: Shadow { passes: on_history && not_below_rule(&history), ..history },
        sequences: Shadow { passes, ..sequences },
        seeds_from,
    };
    let passed = judgement.passes();
    let whole = |judgement| Passed { model: candidate.clone(), serving: serving.clone(), judgement };
    Some(if passed { Ok(whole(judgement)) } else { Err(judgement) })
}

/// What three policies reach on the same sequences, one after the other: the candidate, who serves, the rule.
fn shadow(
    three: [Who<'_>; 3],
    sequences: usize,
    breathe: Breathe<'_>,
    play: &dyn Fn(Who<'_>, usize) -> f64,
) -> Option<Shadow> {
    let mut reached = Vec::new();
    for at in 0..sequences {
        let mut of_three = [0.0; 3];
        for (reached, who) in of_three.iter_mut().zip(three) {
            if !breathe() {
                return None;
            }
            *reached = play(who, at);
        }
        reached.push(of_three);
    }
    let gain = |over: usize| PairedGain::of(&reached.iter().map(|of| of[0] - of[over]).collect::<Vec<f64>>());
    let mean = |at: usize| {
        let sum: f64 = reached.iter().map(|of| of[at]).sum();
        (!reached.is_empty()).then(|| sum / reached.len() as f64)
    };
    let (gain, over_rule) = (gain(1), gain(2));
    Some(Shadow {
        pairs: reached.len(),
        candidate: mean(0),
        serving: mean(1),
        rule: mean(2),
        gain,
        over_rule,
        passes: false,
    })
}
