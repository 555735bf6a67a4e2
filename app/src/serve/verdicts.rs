//! What the loop does with what people say to plans.

use lepton_core::cycle::Mode;
use lepton_core::model::{JournalEntry, Moving, PartKey, Plan, PlanDocument};
use lepton_edges::store::{AuditLine, KeptAnswer, NewPlan, PlanState, TurnRows, Verdict};
use serde_json::{Value, json};

use super::engine::Engine;
use super::people::{Answer, Ask, Word, keys, unix_seconds};
use super::recording::{Proposal, effects_of};
use crate::recordings::Line;

impl Engine {
    /// Answers a request.
    pub(super) fn answer(&mut self, ask: Ask) {
        let answer = self.decide(&ask).unwrap_or_else(|error| Answer::Failed(format!("{error:#}")));
        // Nobody may wait for it any more.
        let _ = ask.reply.send(answer);
    }

    fn decide(&mut self, ask: &Ask) -> anyhow::Result<Answer> {
        let reader = self.store.reader()?;
        if let Some(kept) = ask.key.as_deref().map(|key| reader.answer(key)).transpose()?.flatten() {
            let same = kept.request == ask.request();
            let body = serde_json::from_str(&kept.body).unwrap_or(Value::Null);
            return Ok(if same { Answer::Done(kept.status, body) } else { Answer::KeyTaken });
        }
        let Some(row) = reader.plan(ask.turn)? else { return Ok(Answer::NoSuchPlan) };
        if row.state != PlanState::Proposed {
            return Ok(Answer::NotOpen(row.state, row.successor));
        }
        if row.effects != ask.effects {
            return Ok(Answer::OtherEffects);
        }
        let proposal = self.proposal.take_if(|open| open.turn == ask.turn);
        let (Mode::Recommend, Some(mut proposal)) = (self.mode(), proposal) else {
            return Ok(Answer::WrongMode);
        };
        let state = match &ask.word {
            Word::Approve => PlanState::Approved,
            Word::Reject(_) => PlanState::Rejected,
            Word::Derive(without) => {
                let (answer, proposal) = self.derive(ask, without, proposal);
                self.proposal = Some(proposal);
                return answer;
            }
        };
        // What a person said is on the disk before anything is done.
        let body = json!({"id": format!("p{}", ask.turn), "state": state.name()});
        let kept = self.store.keep_verdict(&verdict(ask, state, &body));
        if let Err(error) = kept {
            self.proposal = Some(proposal);
            return Err(error.into());
        }
        if ask.word == Word::Approve {
            let outcome = self.carry_out(&proposal)?;
            if let Some(halted) = outcome.halted {
                return Ok(Answer::Failed(halted));
            }
        } else {
            proposal.rejected = true;
            self.proposal = Some(proposal);
        }
        Ok(Answer::Done(200, body))
    }
}

fn verdict(ask: &Ask, state: PlanState, body: &Value) -> Verdict {
    let (action, why) = match &ask.word {
        Word::Approve => ("plan.approve", String::new()),
        Word::Reject(why) => ("plan.reject", why.clone()),
        Word::Derive(parts) => ("plan.derive", format!("without {}", keys(parts))),
    };
    let line = AuditLine {
        unix_seconds: unix_seconds(),
        actor: ask.actor.clone(),
        action: action.to_owned(),
        target: format!("p{}", ask.turn),
        detail: why.clone(),
    };
    let keep = |key: &String| KeptAnswer {
        key: key.clone(),
        request: ask.request(),
        status: 200,
        body: body.to_string(),
    };
    Verdict { turn: ask.turn, state, why, line, answer: ask.key.as_ref().map(keep) }
}

/// The plan without these parts and without those that need them.
fn without_parts(plan: &Plan, without: &[PartKey]) -> Result<Plan, String> {
    let unknown: Vec<PartKey> =
        without.iter().copied().filter(|key| !plan.parts.iter().any(|part| part.key == *key)).collect();
    if !unknown.is_empty() {
        return Err(format!("the plan has no part {}", keys(&unknown)));
    }
    let mut left = plan.clone();
    let mut gone = without.to_vec();
    loop {
        let count = left.parts.len();
        left.parts.retain(|part| {
            let goes = gone.contains(&part.key) || part.after.iter().any(|before| gone.contains(before));
            if goes {
                gone.push(part.key);
            }
            !goes
        });
        if left.parts.len() == count {
            break;
        }
    }
    let nothing = "nothing would be left of the plan; reject it instead".to_owned();
    if left.parts.is_empty() { Err(nothing) } else { Ok(left) }
}

impl Engine {
    /// Puts a plan without some parts in the place of the open one; the plan that is open afterwards.
    fn derive(
        &mut self,
        ask: &Ask,
        without: &[PartKey],
        proposal: Proposal,
    ) -> (anyhow::Result<Answer>, Proposal) {
        let plan = match without_parts(&proposal.plan, without) {
            Ok(plan) => plan,
            Err(problem) => return (Ok(Answer::WrongParts(problem)), proposal),
        };
        let (turn, time_seconds) = (self.cycle.take_number(), self.cluster.now_seconds());
        self.record(|| Line::Numbered);
        let effects = effects_of(&plan);
        let document = PlanDocument::of(&plan, Moving::StopFirst, time_seconds);
        let body = json!({
            "id": format!("p{turn}"), "state": PlanState::Proposed.name(), "effects": effects,
            "parts": plan.parts.iter().map(|part| part.key.to_string()).collect::<Vec<_>>(),
        });
        let origin = proposal.derived_from.as_ref().unwrap_or(&proposal.effects).clone();
        let verdict = verdict(ask, PlanState::Superseded, &body);
        let new = NewPlan { turn, state: PlanState::Proposed, effects: &effects, document: &document };
        let rows = TurnRows {
            clock_seconds: time_seconds,
            plan: Some(new),
            superseded: Some(ask.turn),
            verdict: Some(&verdict),
            origin: Some(&origin),
            ..TurnRows::default()
        };
        match self.store.begin_turn(&JournalEntry::Turn { turn, time_seconds }, &rows) {
            Ok(()) => {
                let derived = Proposal { turn, effects, plan, rejected: false, derived_from: Some(origin) };
                (Ok(Answer::Done(200, body)), derived)
            }
            Err(error) => (Err(anyhow::anyhow!(error.0)), proposal),
        }
    }
}

#[cfg(test)]
mod tests {
    use lepton_core::model::{Action, Binding, Reason, Worth};

    use super::*;

    #[test]
    fn with_a_part_go_those_that_need_it() {
        let mut plan = Plan::default();
        let worth = Worth { reason: Reason::NodeFailing, gain: 1.0, cost: 0.0 };
        let mut part =
            |name: &str| plan.push(4, vec![Action::Cordon { node: name.into() }], worth, Binding::Each);
        let keys = [part("n1"), part("n2"), part("n3"), part("n4")];
        plan.parts[1].after = vec![keys[0]];
        plan.parts[2].after = vec![keys[1]];
        let left = without_parts(&plan, &[keys[0]]).expect("something is left");
        assert_eq!(left.parts.iter().map(|part| part.key).collect::<Vec<_>>(), [keys[3]]);
        assert!(
            without_parts(&plan, &[keys[0], keys[3]])
                .expect_err("nothing is")
                .contains("nothing would be left")
        );
        let other = PartKey { turn: 9, number: 1 };
        assert_eq!(without_parts(&plan, &[other]).expect_err("unknown"), "the plan has no part 9.1");
    }
}
