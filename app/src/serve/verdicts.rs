//! What the loop does with what people say to plans.

use lepton_core::cycle::Mode;
use lepton_edges::store::{AuditLine, KeptAnswer, PlanState, Verdict};
use serde_json::{Value, json};

use super::engine::Engine;
use super::people::{Answer, Ask, unix_seconds};

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
        let state = if ask.approve { PlanState::Approved } else { PlanState::Rejected };
        // What a person said is on the disk before anything is done.
        let body = json!({"id": format!("p{}", ask.turn), "state": state.name()});
        let kept = self.store.keep_verdict(&verdict(ask, state, &body));
        if let Err(error) = kept {
            self.proposal = Some(proposal);
            return Err(error.into());
        }
        if ask.approve {
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
    let line = AuditLine {
        unix_seconds: unix_seconds(),
        actor: "local".to_owned(),
        action: if ask.approve { "plan.approve" } else { "plan.reject" }.to_owned(),
        target: format!("p{}", ask.turn),
        detail: ask.why.clone(),
    };
    let keep = |key: &String| KeptAnswer {
        key: key.clone(),
        request: ask.request(),
        status: 200,
        body: body.to_string(),
    };
    Verdict { turn: ask.turn, state, why: ask.why.clone(), line, answer: ask.key.as_ref().map(keep) }
}
