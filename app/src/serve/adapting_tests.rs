//! Learning in service from within: what is promoted serves after a rehearsal, is found again by a restart and after a panic, and nothing
//! that was changed or has not passed the gate ever serves.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lepton_core::decide::guard::ProvingGround;
use lepton_core::decide::policy::PlacementModel;
use lepton_core::model::Mode;
use lepton_core::model::Serving;
use lepton_learn::judge;
use tokio::sync::oneshot;

use super::adapting::{CandidateState, CandidatesBody, LearnedRow, read_model};
use super::asking::{Answered, CandidateAsk, Grounds};
use super::config::{Adapt, ServeConfig};
use super::engine::Engine;
use super::promoting::ground_of;
use super::tests::{config, started};
use super::view::Published;

fn learning(name: &str, adapt: Adapt) -> ServeConfig {
    let mut config = ServeConfig {
        learned_placement: true,
        // Without correction, so that there is something to gain.
        placement: Some(Arc::new(PlacementModel::untrained())),
        adapt,
        adapt_cpu_percent: 100,
        ..config(name, Mode::Act)
    };
    config.simulation.hours = 2000;
    config
}

fn turns_until(engine: &mut Engine, what: &str, mut done: impl FnMut(&mut Engine) -> bool) {
    let begun = Instant::now();
    while !done(engine) {
        assert!(begun.elapsed() < Duration::from_secs(300), "never: {what}");
        engine.turn();
        engine.pass();
    }
}

fn rows(published: &Published) -> Vec<LearnedRow> {
    CandidatesBody::from(&published.view().candidates).items
}

fn in_state(published: &Published, state: CandidateState) -> Option<String> {
    rows(published).into_iter().find(|row| row.state == state).map(|row| row.id)
}

fn grounds(engine: &mut Engine, id: &str) -> Result<Box<Grounds>, Answered> {
    let (reply, mut answer) = oneshot::channel();
    let (id, actor) = (id.to_owned(), "local".to_owned());
    engine.hear_candidate(CandidateAsk::Look { id, actor, key: None, reply });
    answer.try_recv().expect("it answers at once")
}

/// As the interface does it.
fn promoted(engine: &mut Engine, id: &str, key: Option<&str>) -> Result<Answered, String> {
    let grounds = match grounds(engine, id) {
        Ok(grounds) => grounds,
        Err(answered) => return Ok(answered),
    };
    let candidate = read_model(&grounds.path, grounds.sha256.as_deref())?;
    let ground: ProvingGround = ground_of(&grounds).ok_or("no ground")?;
    let judged = judge(&ground, &candidate, &grounds.serving, grounds.number, &|| true).ok_or("ended")?;
    let passed = Box::new(judged.map_err(|judgement| format!("{judgement:?}"))?);
    let (reply, mut answer) = oneshot::channel();
    let (id, actor, key) = (id.to_owned(), "local".to_owned(), key.map(str::to_owned));
    engine.hear_candidate(CandidateAsk::Promote { id, passed, actor, key, reply });
    Ok(answer.try_recv().expect("it answers at once"))
}

fn demoted(engine: &mut Engine) -> Answered {
    let (reply, mut answer) = oneshot::channel();
    engine.hear_candidate(CandidateAsk::Demote { actor: "local".to_owned(), key: None, reply });
    answer.try_recv().expect("it answers at once")
}

fn file_of(config: &ServeConfig, id: &str) -> PathBuf {
    let number = id.strip_prefix('c').expect("the name of a candidate");
    PathBuf::from(&config.state_dir).join(format!("models/placement-{number}.safetensors"))
}

#[test]
fn what_was_learned_is_proposed_promoted_rehearsed_found_again_and_demoted() {
    let config = learning("adapting", Adapt::Propose);
    let (mut engine, published) = started(&config);
    turns_until(&mut engine, "one is proposed", |_| in_state(&published, CandidateState::Proposed).is_some());
    let id = in_state(&published, CandidateState::Proposed).expect("just seen");
    let serves = |engine: &Engine| engine.placement.as_ref().expect("one may serve").id.clone();
    assert_eq!(serves(&engine), "configured", "nobody has promoted it");
    let row = rows(&published).into_iter().find(|row| row.id == id).expect("just seen");
    assert!(row.verdicts.iter().all(|of| of.passes && of.gain > Some(0.0)), "{row:?}");
    assert_eq!((row.parent.as_str(), row.curve.len()), ("configured", 61));
    let manifest = read_model(&file_of(&config, &id), row.sha256.as_deref()).expect("it was kept").manifest;
    assert_eq!(manifest.parent, Some(row.parent_digest));
    assert!(manifest.figures.contains_key("gain sequences") && manifest.figures.contains_key("gain history"));

    assert_eq!(grounds(&mut engine, "c99").err(), Some(Answered::NoSuchCandidate));
    let Ok(Answered::Done(200, body)) = promoted(&mut engine, &id, Some("k1")) else { panic!("it passed") };
    assert_eq!((body["state"].as_str(), serves(&engine)), (Some("serving"), id.clone()));
    assert_eq!(promoted(&mut engine, &id, Some("k1")), Ok(Answered::Done(200, body)), "asked again");
    let placing = engine.cycle.snapshot().memory.placing.clone();
    assert_eq!((placing.mix_version, placing.served.serving), (0, Serving::Rule), "not rehearsed yet");
    turns_until(&mut engine, "it is rehearsed", |engine| {
        engine.cycle.snapshot().memory.placing.mix_version > 0
    });

    // After a panic and after a restart it is the one that may serve.
    let model = engine.placement.clone();
    drop(engine);
    let (mut engine, published) = started(&config);
    engine.turn();
    assert_eq!(
        (&engine.placement, in_state(&published, CandidateState::Serving)),
        (&model, Some(id.clone()))
    );

    let Answered::Done(200, _) = demoted(&mut engine) else { panic!("one serves") };
    assert_eq!(serves(&engine), "configured");
    assert!(matches!(demoted(&mut engine), Answered::Refused("nothing-to-demote", _)));
    let audit = engine.store.reader().and_then(|reader| reader.audit(10)).expect("readable");
    let lines: Vec<&str> = audit.iter().map(|line| line.action.as_str()).collect();
    assert_eq!(lines, ["candidate.demote", "candidate.demote", "candidate.promote", "candidate.promote"]);
    drop(engine);
    let (engine, _) = started(&config);
    assert_eq!(engine.placement.expect("one may serve").id, "configured", "also after a restart");
}

#[test]
fn with_promote_the_service_promotes_by_itself_and_a_damaged_file_serves_no_more() {
    let config = learning("promoting", Adapt::Promote);
    let (mut engine, published) = started(&config);
    turns_until(&mut engine, "one serves", |_| in_state(&published, CandidateState::Serving).is_some());
    let id = in_state(&published, CandidateState::Serving).expect("just seen");
    let audit = engine.store.reader().and_then(|reader| reader.audit(10)).expect("readable");
    assert!(
        audit.iter().any(|line| line.actor == "service" && line.action == "candidate.promote"),
        "{audit:?}"
    );
    drop(engine);
    let mut bytes = std::fs::read(file_of(&config, &id)).expect("it was kept");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(file_of(&config, &id), bytes).expect("writable");
    let (mut engine, published) = started(&config);
    engine.turn();
    assert_eq!(engine.placement.as_ref().map(|of| of.id.as_str()), Some("configured"));
    let body = CandidatesBody::from(&published.view().candidates);
    assert!(body.problem.is_some_and(|problem| problem.contains("was changed")));
    assert_eq!(body.items.iter().find(|row| row.id == id).map(|row| row.state), Some(CandidateState::Failed));
    assert!(matches!(grounds(&mut engine, &id), Err(Answered::Refused("candidate-failed", _))));
}

#[test]
fn a_file_that_was_changed_or_is_worse_never_serves() {
    let config = learning("poisoned", Adapt::Propose);
    let (mut engine, published) = started(&config);
    turns_until(&mut engine, "one is proposed", |_| in_state(&published, CandidateState::Proposed).is_some());
    let id = in_state(&published, CandidateState::Proposed).expect("just seen");
    let sound = std::fs::read(file_of(&config, &id)).expect("it was kept");
    // A sound model file, and a bad model.
    for times in [-4.0_f32, -1.0, 0.0, 9.0] {
        let weights = PlacementModel::shipped().weights().map(|weight| times * weight);
        let spoiled = PlacementModel::from_weights(&weights, PlacementModel::manifest_of("spoiled"));
        std::fs::write(file_of(&config, &id), spoiled.expect("as many").to_bytes()).expect("writable");
        let refused = promoted(&mut engine, &id, None).expect_err("it was changed");
        assert!(refused.contains("was changed"), "{refused}");
    }
    // One that was judged beside another placement than serves now.
    std::fs::write(file_of(&config, &id), sound).expect("writable");
    let mut grounds = grounds(&mut engine, &id).unwrap_or_else(|answer| panic!("{answer:?}"));
    let weights = PlacementModel::shipped().weights().map(|weight| -4.0 * weight);
    grounds.serving =
        PlacementModel::from_weights(&weights, PlacementModel::manifest_of("bad")).expect("as many");
    let candidate = read_model(&grounds.path, grounds.sha256.as_deref()).expect("it is sound");
    let ground = ground_of(&grounds).expect("devices are asked for");
    let passed = judge(&ground, &candidate, &grounds.serving, 1, &|| true).expect("it is done");
    let passed = Box::new(passed.expect("it is better than a bad one"));
    let (reply, mut answer) = oneshot::channel();
    let ask = CandidateAsk::Promote { id, passed, actor: "local".to_owned(), key: None, reply };
    engine.hear_candidate(ask);
    assert!(matches!(answer.try_recv(), Ok(Answered::Refused("serving-changed", _))));
    assert_eq!(engine.placement.map(|of| of.id), Some("configured".to_owned()));
}
