//! Which learned placement may serve, changed while the loop runs: a candidate is promoted or demoted, or one is spoiled on purpose. What is
//! promoted has passed the gate, and serves once it is rehearsed as any new one; a restart finds it again.

use lepton_core::cycle::Cycle;
use lepton_core::decide::guard::ProvingGround;
use lepton_core::decide::plan::DecideConfig;
use lepton_core::decide::policy::{PlacementModel, WEIGHTS};
use lepton_core::model::Placing;
use lepton_edges::store::KeptAnswer;
use lepton_learn::Passed;
use serde_json::{Value, json};

use super::adapting::{Book, CandidateState, FACT, ServingPlacement, figures_of, verdicts_of};
use super::asking::{Answered, CandidateAsk, Grounds};
use super::auditing;
use super::beside::Beside;
use super::engine::Engine;
use super::people::{Before, answered};
use super::recorder::digest_of;
use crate::recordings::{Line, Thought};

/// Who promotes without a person.
const SERVICE: &str = "service";
/// Judgements before a promotion draw other sequences than those at the end of learning, whose numbers are small.
const NUMBER_OF_PROMOTION: u64 = 1 << 40;

impl Engine {
    /// Takes in what was learned beside the loop, and begins to learn where there is a reason.
    pub(super) fn learn(&mut self) {
        self.adapting.look(self.cycle.snapshot());
        let Some(serving) = self.placement.clone() else { return };
        if let Some((asked, ended)) = self.adapting.ended() {
            let passed = ended.judged.as_ref().and_then(|judged| judged.as_ref().ok().cloned());
            let row = self.adapting.book.add(&asked, ended, self.cycle.snapshot().time_seconds);
            let figures = figures_of(&row.verdicts);
            tracing::info!(candidate = row.id, state = row.state.name(), why = row.why, figures, "learned");
            if let Err(error) = self.store.set_fact(FACT, &self.adapting.book.written()) {
                // It is kept with the next one; until then a restart does not know it.
                tracing::warn!(%error, "a candidate is not in the store yet");
            }
            let passed = passed.filter(|_| self.adapting.promotes() && row.state == CandidateState::Proposed);
            if let Some(passed) = passed {
                let answer = self.promote(&row.id, &passed, SERVICE, None);
                tracing::info!(candidate = row.id, answer = ?answer.ok(), "promoted by the service");
            }
        }
        self.adapting.consider(self.cycle.snapshot(), &serving);
    }

    /// Answers what is asked of candidates.
    pub(super) fn hear_candidate(&mut self, ask: CandidateAsk) {
        let failed = |error: anyhow::Error| Answered::Failed(format!("{error:#}"));
        // Nobody may wait for the answers any more.
        match ask {
            CandidateAsk::Look { id, actor, key, reply } => {
                let grounds = self.grounds(&id, key.as_deref()).unwrap_or_else(|error| Err(failed(error)));
                if let Err(answer) = &grounds {
                    self.audit_refused(&actor, "candidate.promote", &id, answer);
                }
                let _ = reply.send(grounds);
            }
            CandidateAsk::Promote { id, passed, actor, key, reply } => {
                let answer = self.promote(&id, &passed, &actor, key).unwrap_or_else(failed);
                self.audit_refused(&actor, "candidate.promote", &id, &answer);
                // Whoever looks after the answer sees what it says.
                self.publish(None);
                let _ = reply.send(answer);
            }
            CandidateAsk::Demote { actor, key, reply } => {
                let answer = self.demote(&actor, key).unwrap_or_else(failed);
                self.audit_refused(&actor, "candidate.demote", "placement", &answer);
                self.publish(None);
                let _ = reply.send(answer);
            }
        }
    }

    /// Of what came to nothing: the line that says so.
    fn audit_refused(&mut self, actor: &str, action: &str, target: &str, answer: &Answered) {
        let why = match answer {
            Answered::Done(..) => return,
            Answered::NoSuchCandidate => "there is no such candidate",
            Answered::KeyTaken => "the key belongs to another request",
            Answered::Refused(_, why) | Answered::Failed(why) => why,
        };
        self.audit(auditing::line(actor, action, target, &format!("refused: {why}")));
    }

    /// What was answered under this key before.
    fn answered(&self, key: Option<&str>, request: &str) -> anyhow::Result<Option<Answered>> {
        let Some(key) = key else { return Ok(None) };
        Ok(answered(&self.store.reader()?, key, request)?.map(|before| match before {
            Before::Same(status, body) => Answered::Done(status, body),
            Before::Other => Answered::KeyTaken,
        }))
    }

    /// On what a candidate is to be judged; the answer where that is not needed, or of no use.
    fn grounds(&self, id: &str, key: Option<&str>) -> anyhow::Result<Result<Box<Grounds>, Answered>> {
        if let Some(answered) = self.answered(key, &promote_request(id))? {
            return Ok(Err(answered));
        }
        let Some(row) = self.adapting.book.row(id) else { return Ok(Err(Answered::NoSuchCandidate)) };
        let refused = |kind, why: String| Ok(Err(Answered::Refused(kind, why)));
        let Some(serving) = &self.placement else {
            return refused("not-learning", "the setting `learned_placement` is off".to_owned());
        };
        if serving.id == id {
            return Ok(Err(Answered::Done(200, body(id, row.state))));
        }
        if row.sha256.is_none() {
            return refused("candidate-failed", format!("{id} has failed: {}", row.why));
        }
        let snapshot = self.cycle.snapshot();
        if snapshot.mix.version == 0 {
            let early = "too few tasks have come since the start to judge it on; ask again in a while";
            return refused("not-now", early.to_owned());
        }
        Ok(Ok(Box::new(Grounds {
            cluster: snapshot.cluster.clone(),
            target: snapshot.mix.target(),
            came: self.adapting.came(),
            serving: serving.model.clone(),
            rule: DecideConfig::default().policy,
            path: self.adapting.book.path_of(row),
            sha256: row.sha256.clone(),
            number: NUMBER_OF_PROMOTION + snapshot.memory.turn,
        })))
    }

    /// Lets a candidate that has passed the gate serve.
    fn promote(
        &mut self,
        id: &str,
        passed: &Passed,
        actor: &str,
        key: Option<String>,
    ) -> anyhow::Result<Answered> {
        let request = promote_request(id);
        if let Some(answered) = self.answered(key.as_deref(), &request)? {
            return Ok(answered);
        }
        let Some(row) = self.adapting.book.row(id) else { return Ok(Answered::NoSuchCandidate) };
        if row.sha256.is_none() {
            return Ok(Answered::Refused("candidate-failed", format!("{id} has failed: {}", row.why)));
        }
        if row.digest.as_deref() != Some(&digest_of(&passed.model().weights())) {
            return Ok(Answered::Failed(format!("what was judged is not {id}")));
        }
        if !self.placement.as_ref().is_some_and(|serving| passed.is_against(&serving.model)) {
            let changed = "another placement serves now than it was judged beside; ask again";
            return Ok(Answered::Refused("serving-changed", changed.to_owned()));
        }
        let figures = figures_of(&verdicts_of(passed.judgement()));
        let mut book = self.adapting.book.clone();
        book.judged(id, passed.judgement());
        book.serve(Some(id), &format!("{id} was promoted: {figures}."));
        let placement = ServingPlacement::named(id, passed.model().clone());
        let line = (actor, "candidate.promote", id, figures.as_str());
        self.change(book, placement, line, (key, request), body(id, CandidateState::Serving))
    }

    /// Lets the placement of the settings serve again.
    fn demote(&mut self, actor: &str, key: Option<String>) -> anyhow::Result<Answered> {
        let request = "demote placement".to_owned();
        if let Some(answered) = self.answered(key.as_deref(), &request)? {
            return Ok(answered);
        }
        let serving = self.placement.as_ref().map(|placement| placement.id.clone());
        let settings = self.settings_placement.clone();
        let both = serving.zip(settings).filter(|(id, settings)| *id != settings.id);
        let Some((id, settings)) = both else {
            let none = "no candidate serves: the placement of the settings does";
            return Ok(Answered::Refused("nothing-to-demote", none.to_owned()));
        };
        let mut book = self.adapting.book.clone();
        let why = format!("{id} was demoted by {actor}; the placement `{}` serves again.", settings.id);
        book.serve(None, &why);
        let detail = format!("`{}` serves again", settings.id);
        let line = (actor, "candidate.demote", id.as_str(), detail.as_str());
        self.change(book, settings, line, (key, request), body(&id, CandidateState::Demoted))
    }

    /// What serves is changed: first on the disk with its line of the audit and its answer, then in the loop.
    fn change(
        &mut self,
        book: Book,
        placement: ServingPlacement,
        (actor, action, target, detail): (&str, &str, &str, &str),
        (key, request): (Option<String>, String),
        body: Value,
    ) -> anyhow::Result<Answered> {
        let decider = self.make_decider(Some(&placement.model))?;
        // Until it is rehearsed the rule places, whatever comes between.
        self.place_by(Placing::default())?;
        let line = auditing::line(actor, action, target, detail);
        let answer = key.map(|key| KeptAnswer { key, request, status: 200, body: body.to_string() });
        self.store.keep_deed(&line, (FACT, &book.written()), answer.as_ref())?;
        self.adapting.book = book;
        self.decider = decider;
        self.let_serve(Some(placement))?;
        tracing::info!(actor, action, target, detail, "the learned placement was changed");
        Ok(Answered::Done(200, body))
    }

    /// Who places from now on, in the recording too.
    pub(super) fn place_by(&mut self, placing: Placing) -> anyhow::Result<()> {
        self.cycle.place_by(placing.clone(), &mut self.store)?;
        self.adapting.forgotten();
        self.record(|| Line::Thought(Box::new(Thought { proposal: None, placing: Some(placing) })));
        Ok(())
    }

    /// This placement may serve from now on, or none: it is thought about, and the recording says that it decides.
    pub(super) fn let_serve(&mut self, placement: Option<ServingPlacement>) -> anyhow::Result<()> {
        let model = placement.as_ref().map(|placement| &placement.model);
        let thinks = self.thinks_of(model);
        if let Some(recorder) = &mut self.recorder {
            let weights = model.map_or_else(shipped_weights, PlacementModel::weights);
            recorder.decides_by(self.settings.with(model), &digest_of(&weights));
        }
        self.placement = placement;
        self.beside = Beside::start(thinks, self.seed)?;
        Ok(())
    }

    /// The candidate that was promoted is damaged: that is told, and whatever the loop remembers of who places is of no use.
    pub(super) fn tell_damaged(&mut self) -> anyhow::Result<()> {
        let problem = self.adapting.book.problem().unwrap_or_default().to_owned();
        crate::output::note(&problem);
        self.cycle.place_by(Placing::default(), &mut self.store)?;
        let line = auditing::line(SERVICE, "candidate.demote", "placement", &problem);
        Ok(self.store.keep_deed(&line, (FACT, &self.adapting.book.written()), None)?)
    }

    /// Begins anew with this cycle and with the placement that a restart would find.
    pub(super) fn begin_with(&mut self, cycle: Cycle) -> anyhow::Result<()> {
        let mut book = self.adapting.book.again(&self.store)?;
        let (placement, is_damaged) = Self::found(&mut book, self.settings_placement.as_ref());
        let decider = self.make_decider(placement.as_ref().map(|placement| &placement.model))?;
        self.cycle = cycle;
        self.decider = decider;
        self.adapting.begin_anew(book);
        if is_damaged {
            self.tell_damaged()?;
        }
        if self.placement != placement {
            self.let_serve(placement)?;
        }
        Ok(())
    }

    /// The placement that serves after a start: a candidate that was promoted, or that of the settings; and whether the candidate's file is
    /// damaged.
    pub(super) fn found(
        book: &mut Book,
        settings: Option<&ServingPlacement>,
    ) -> (Option<ServingPlacement>, bool) {
        let Some(settings) = settings else { return (None, false) };
        let was = book.serving().is_some();
        let promoted = book.promoted();
        let is_damaged = was && promoted.is_none();
        (Some(promoted.unwrap_or_else(|| settings.clone())), is_damaged)
    }
}

/// Whether it can be judged at all.
pub(super) fn ground_of(grounds: &Grounds) -> Option<ProvingGround> {
    ProvingGround::new(&grounds.cluster, &grounds.target, &grounds.came, &grounds.rule)
}

fn promote_request(id: &str) -> String {
    format!("promote {id}")
}

fn body(id: &str, state: CandidateState) -> Value {
    json!({"id": id, "state": state.name()})
}

fn shipped_weights() -> [f32; WEIGHTS] {
    PlacementModel::shipped().weights()
}
