//! What is put off stays so, over other plans and over a restart, until its time is over or somebody takes it up again.

use lepton_core::model::Mode;
use lepton_core::model::PartKey;
use lepton_edges::store::PlanState;
use tokio::sync::oneshot;

use super::engine::Engine;
use super::people::{Answer, Ask, Snoozing, Word};
use super::tests::{config, started, with_open_plan};

fn put_off(engine: &mut Engine, parts: &[PartKey], minutes: u64) -> Answer {
    let open = engine.proposal.as_ref().expect("a plan is open");
    let (turn, effects) = (open.turn, open.effects.clone());
    let (reply, answer) = oneshot::channel();
    let word = Word::Snooze(Snoozing { parts: parts.to_vec(), minutes, why: "not now".to_owned() });
    engine.answer(Ask { actor: "ann".to_owned(), turn, effects, word, key: None, reply });
    answer.blocking_recv().expect("it answers")
}

/// Whether nothing of the open plan is what these snoozes hold back.
fn is_without(engine: &Engine) -> bool {
    let now = engine.cluster.now_seconds();
    engine.proposal.as_ref().is_none_or(|open| engine.snoozes.leave(open.plan.clone(), now) == open.plan)
}

fn state(engine: &Engine, turn: u64) -> PlanState {
    engine.store.reader().and_then(|r| r.plan(turn)).expect("readable").expect("it is kept").state
}

#[test]
fn a_plan_that_is_put_off_is_not_proposed_until_its_time_is_over_also_after_a_restart() {
    let (mut engine, turn, _) = with_open_plan("snooze");
    let answer = put_off(&mut engine, &[], 30);
    assert!(matches!(&answer, Answer::Done(200, body) if body["state"] == "snoozed"), "{answer:?}");
    assert_eq!(state(&engine, turn), PlanState::Snoozed);
    let put_off_by = |engine: &Engine| engine.snoozes.holding(engine.cluster.now_seconds());
    assert_eq!(put_off_by(&engine)[0].actor, "ann");
    for _ in 0..10 {
        engine.pass();
        engine.turn();
        assert!(is_without(&engine), "what is put off is not proposed");
    }
    drop(engine);
    let (mut engine, published) = started_again("snooze");
    engine.turn();
    assert!(is_without(&engine), "nor after a restart");
    assert_eq!(published.view().status.snoozes.len(), 1, "and it is shown");
    for _ in 0..30 {
        engine.pass();
    }
    engine.turn();
    assert!(published.view().status.snoozes.is_empty(), "its time is over");
    assert!(put_off_by(&engine).is_empty());
}

/// The same loop again.
fn started_again(name: &str) -> (Engine, std::sync::Arc<super::view::Published>) {
    let mut config = config(&format!("{name}-fresh"), Mode::Recommend);
    config.state_dir = config.state_dir.replace("-fresh", "");
    started(&config)
}

#[test]
fn what_was_put_off_is_proposed_again_once_somebody_takes_it_up() {
    let (mut engine, turn, effects) = with_open_plan("unsnooze");
    put_off(&mut engine, &[], 600);
    engine.turn();
    assert!(engine.proposal.as_ref().is_none_or(|open| open.effects != effects));
    assert!(engine.end_snooze("s9", "ann").is_err(), "there is none of that name");
    engine.end_snooze("s1", "ann").expect("it is taken up");
    engine.turn();
    let open = engine.proposal.as_ref().expect("no time has passed, so it is wanted as before");
    assert_eq!(open.effects, effects);
    assert!(open.turn > turn, "under a new number");
}

#[test]
fn parts_are_put_off_and_the_rest_is_a_plan_of_its_own() {
    let (mut engine, ..) = with_open_plan("parts");
    while engine.proposal.as_ref().is_none_or(|open| open.plan.parts.len() < 2) {
        engine.pass();
        engine.turn();
    }
    let open = engine.proposal.clone().expect("it is open");
    let last = open.plan.parts.last().expect("it has parts").key;
    let wrong = put_off(&mut engine, &[PartKey { turn: 9999, number: 0 }], 60);
    assert!(matches!(wrong, Answer::WrongParts(_)), "{wrong:?}");
    let answer = put_off(&mut engine, &[last], 60);
    let Answer::Done(200, body) = &answer else { panic!("{answer:?}") };
    assert_eq!(body["state"], "superseded");
    let left = engine.proposal.clone().expect("the rest is open");
    assert_eq!(body["successor"], format!("p{}", left.turn));
    assert!(left.plan.parts.len() < open.plan.parts.len() && is_without(&engine));
    engine.turn();
    let same = engine.proposal.as_ref().expect("it is open");
    assert_eq!(same.turn, left.turn, "the loop's own plan without that part is no news");
}
