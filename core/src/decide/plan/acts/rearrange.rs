//! Rearranging: chains of moves that a long search has found, each ending in a start. A chain is taken while every task still
//! stands where the search found it, what it moves may go, and it pays; all of it or nothing.

use super::super::draft::{Draft, Drafted};
use super::super::lepton_config::LeptonConfig;
use crate::model::{ActionKind, Binding, Part, Plan, Reason, Worth};

/// Takes up what still holds of a proposal.
pub(in crate::decide::plan) fn rearrange(draft: &mut Draft<'_>, proposal: &Plan, config: &LeptonConfig) {
    for part in &proposal.parts {
        // What starts without a move needs no chain.
        if part.steps.iter().any(|step| step.kind() == ActionKind::Migrate) {
            take_up(draft, part, config);
        }
    }
}

fn take_up(draft: &mut Draft<'_>, part: &Part, config: &LeptonConfig) {
    let mark = draft.mark();
    let mut steps: Vec<Drafted> = Vec::with_capacity(part.steps.len());
    let (mut gain, mut cost) = (0.0, 0.0);
    for action in &part.steps {
        let Some(step) = draft.follow(action) else { break };
        match action.kind() {
            ActionKind::Migrate => cost += draft.move_cost(step.task()),
            _ => gain += draft.cluster.size_in_devices(step.task()) * config.unknown_wait_minutes,
        }
        steps.push(step);
    }
    if steps.len() == part.steps.len() && gain > draft.config.gain_over_cost * cost {
        let worth = Worth { reason: Reason::StrandedCapacity, gain, cost };
        draft.push(steps, worth, Binding::AllOrNone);
    } else {
        draft.back_to(mark);
        draft.forget(steps);
    }
}
