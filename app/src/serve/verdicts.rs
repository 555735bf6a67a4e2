//! What the loop does with what people say to plans.

use lepton_core::model::{JournalEntry, Mode, Moving, Part, PartKey, Plan, PlanDocument};
use lepton_edges::store::{KeptAnswer, NewPlan, PlanState, TurnRows, Verdict};
use serde_json::{Value, json};

use super::auditing;
use super::engine::Engine;
use super::people::{Answer, Ask, Before, Snoozing, Word, answered, keys};
use super::recording::{Proposal, effects_of};
use super::snoozes::{rest, snooze_of};
use crate::recordings::Line;

impl Engine {
    /// Answers a request.
    pub(super) fn answer(&mut self, ask: Ask) {
        let answer = self.decide(&ask).unwrap_or_else(|error| Answer::Failed(format!("{error:#}")));
        let done = matches!(answer, Answer::Done(..));
        tracing::info!(actor = ask.actor, word = ask.word.name(), plan = ask.turn, done, "a word to a plan");
        if let Some(line) = auditing::refused(&ask, &answer) {
            self.audit(line);
        }
        // Nobody may wait for it any more.
        let _ = ask.reply.send(answer);
    }

    fn decide(&mut self, ask: &Ask) -> anyhow::Result<Answer> {
        let reader = self.store.reader()?;
        let before = ask.key.as_deref().map(|key| answered(&reader, key, &ask.request())).transpose()?;
        match before.flatten() {
            Some(Before::Same(status, body)) => return Ok(Answer::Done(status, body)),
            Some(Before::Other) => return Ok(Answer::KeyTaken),
            None => {}
        }
        let Some(row) = reader.plan(ask.turn)? else { return Ok(Answer::NoSuchPlan) };
        if row.state != PlanState::Proposed {
            return Ok(Answer::NotOpen(row.state, row.successor));
        }
        if row.effects != ask.effects {
            return Ok(Answer::OtherEffects);
        }
        let may_be_done = |open: &Proposal| {
            open.turn == ask.turn && (ask.word != Word::Approve || !self.cycle.only_observes(&open.plan))
        };
        let asks = self.modes().has(Mode::Recommend) && self.proposal.as_ref().is_some_and(may_be_done);
        let Some(mut proposal) = self.proposal.take_if(|_| asks) else { return Ok(Answer::WrongMode) };
        let state = match &ask.word {
            Word::Approve => PlanState::Approved,
            Word::Reject(_) => PlanState::Rejected,
            Word::Derive(without) => {
                let (answer, proposal) = self.derive(ask, without, proposal);
                self.proposal = Some(proposal);
                return answer;
            }
            Word::Snooze(snoozing) => {
                let (answer, proposal) = self.snooze(ask, snoozing, proposal);
                self.proposal = proposal;
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
    let why = match &ask.word {
        Word::Approve => String::new(),
        Word::Reject(why) => why.clone(),
        Word::Derive(parts) => format!("without {}", keys(parts)),
        Word::Snooze(Snoozing { parts, minutes, why }) => {
            let what = if parts.is_empty() { String::new() } else { format!("parts {}, ", keys(parts)) };
            format!("{what}for {minutes} min {why}").trim().to_owned()
        }
    };
    let line = auditing::line(&ask.actor, ask.word.name(), &format!("p{}", ask.turn), &why);
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
    let left = rest(plan.clone(), without);
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
        let body = |turn: u64, derived: &Proposal| {
            json!({
                "id": format!("p{turn}"), "state": PlanState::Proposed.name(), "effects": derived.effects,
                "parts": derived.plan.parts.iter().map(|part| part.key.to_string()).collect::<Vec<_>>(),
            })
        };
        let origin = proposal.derived_from.as_ref().unwrap_or(&proposal.effects).clone();
        self.replace(ask, (plan, Some(origin)), proposal, body)
    }

    /// Puts a smaller plan in the place of the open one, and answers with `body`; the plan that is open afterwards. With an origin
    /// it stands while the loop's own plan has those effects.
    fn replace(
        &mut self,
        ask: &Ask,
        (plan, derived_from): (Plan, Option<String>),
        proposal: Proposal,
        body: impl Fn(u64, &Proposal) -> Value,
    ) -> (anyhow::Result<Answer>, Proposal) {
        let (turn, time_seconds) = (self.cycle.take_number(), self.cluster.now_seconds());
        self.record(|| Line::Numbered);
        let document = PlanDocument::of(&plan, Moving::StopFirst, time_seconds);
        let effects = effects_of(&plan);
        let derived = Proposal { turn, effects, plan, rejected: false, derived_from };
        let body = body(turn, &derived);
        let verdict = verdict(ask, PlanState::Superseded, &body);
        let new =
            NewPlan { turn, state: PlanState::Proposed, effects: &derived.effects, document: &document };
        let rows = TurnRows {
            clock_seconds: time_seconds,
            plan: Some(new),
            superseded: Some(ask.turn),
            verdict: Some(&verdict),
            origin: derived.derived_from.as_deref(),
            ..TurnRows::default()
        };
        match self.store.begin_turn(&JournalEntry::Turn { turn, time_seconds }, &rows) {
            Ok(()) => (Ok(Answer::Done(200, body)), derived),
            Err(error) => (Err(anyhow::anyhow!(error.0)), proposal),
        }
    }
}

impl Engine {
    /// Puts a plan off, or some of its parts, in whose place comes the plan without them; the plan that is open afterwards.
    fn snooze(
        &mut self,
        ask: &Ask,
        Snoozing { parts, minutes, why }: &Snoozing,
        proposal: Proposal,
    ) -> (anyhow::Result<Answer>, Option<Proposal>) {
        let plan = &proposal.plan;
        let unknown: Vec<PartKey> =
            parts.iter().copied().filter(|key| !plan.parts.iter().any(|part| part.key == *key)).collect();
        if !unknown.is_empty() {
            let problem = format!("the plan has no part {}", keys(&unknown));
            return (Ok(Answer::WrongParts(problem)), Some(proposal));
        }
        let now = self.cluster.now_seconds();
        let until = now + minutes * 60;
        let put_off: Vec<&Part> =
            plan.parts.iter().filter(|part| parts.is_empty() || parts.contains(&part.key)).collect();
        let by = (ask.actor.clone(), why.clone());
        let snooze = snooze_of(&put_off, format!("p{}", ask.turn), (now, until), by);
        let Some(snoozes) = self.snoozes.with(snooze) else {
            let problem = "too much is put off already; end some of it first".to_owned();
            return (Ok(Answer::WrongParts(problem)), Some(proposal));
        };
        // What is put off is on the disk before the plan is taken back: after a kill in between it is not proposed.
        let before = std::mem::replace(&mut self.snoozes, snoozes);
        if let Err(error) = self.snoozes.keep(&mut self.store) {
            self.snoozes = before;
            return (Err(error), Some(proposal));
        }
        let left = self.snoozes.leave(plan.clone(), now);
        if left.parts.is_empty() {
            let body = json!({
                "id": format!("p{}", ask.turn), "state": PlanState::Snoozed.name(), "until_seconds": until, "successor": null,
            });
            return match self.store.keep_verdict(&verdict(ask, PlanState::Snoozed, &body)) {
                Ok(()) => (Ok(Answer::Done(200, body)), None),
                Err(error) => (Err(error.into()), Some(proposal)),
            };
        }
        let body = |turn: u64, _: &Proposal| {
            json!({
                "id": format!("p{}", ask.turn), "state": PlanState::Superseded.name(), "until_seconds": until,
                "successor": format!("p{turn}"),
            })
        };
        // The loop's plan is without what is put off too, until its time is over: then it is news.
        let (answer, open) = self.replace(ask, (left, None), proposal, body);
        (answer, Some(open))
    }

    /// Takes up again what was put off: from the next turn on it is proposed as before.
    pub(super) fn end_snooze(&mut self, id: &str, actor: &str) -> Result<(), String> {
        let unknown = || format!("nothing is put off under `{id}`");
        let left = self.snoozes.without(id, self.cluster.now_seconds()).ok_or_else(unknown)?;
        left.keep(&mut self.store).map_err(|error| format!("{error:#}"))?;
        self.snoozes = left;
        let line = auditing::line(actor, "snooze.end", id, "");
        self.store.keep_audit(&[line], None).map_err(|error| error.to_string())
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
