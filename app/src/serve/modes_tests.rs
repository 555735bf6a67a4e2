//! With the tasks of each owner the loop does what it may, over whole runs: by what it called, not by what it says.

use std::collections::BTreeMap;
use std::sync::Arc;

use lepton_core::model::{Mode, PartKey};
use lepton_edges::store::PlanState;
use tokio::sync::oneshot;

use super::config::ServeConfig;
use super::engine::Engine;
use super::people::{Answer, Ask, Word};
use super::tests::{config, started};
use super::view::Published;

/// Acts, but only observes what team-1 has and asks about what team-2 has.
fn by_owner(name: &str) -> ServeConfig {
    let mut config = config(name, Mode::Act);
    config.simulation.owners = 5;
    config.owner_modes = [("team-1", Mode::Observe), ("team-2", Mode::Recommend)]
        .map(|(owner, mode)| (owner.to_owned(), mode))
        .into();
    config
}

/// What a run came to.
#[derive(Default)]
struct Seen {
    /// Whose each task is.
    owner_of: BTreeMap<String, String>,
    /// Codes of what tasks waited for.
    waited_for: BTreeMap<String, usize>,
    /// Tasks of team-1 that stood somewhere.
    stood: usize,
}

impl Seen {
    fn turn(&mut self, engine: &mut Engine, published: &Arc<Published>) {
        engine.turn();
        let view = published.view();
        for task in view.tasks.iter() {
            let owner = task.owner.clone().expect("each has one");
            self.stood += usize::from(owner == "team-1" && task.node.is_some());
            self.owner_of.insert(task.name.clone(), owner);
        }
        for group in &view.waiting.groups {
            *self.waited_for.entry(group.code.clone()).or_default() += group.tasks;
        }
    }

    /// Calls by the owner of their task, and those on nodes under no name.
    fn calls(&self, engine: &Engine) -> BTreeMap<&str, usize> {
        let mut calls = BTreeMap::new();
        for (_, call) in engine.store.calls().expect("readable") {
            let owner = call.task().map_or("", |task| &self.owner_of[&**task]);
            *calls.entry(owner).or_default() += 1;
        }
        calls
    }
}

fn approve(engine: &mut Engine, turn: u64, effects: &str) -> Answer {
    let (reply, answer) = oneshot::channel();
    let (actor, effects) = ("ann".to_owned(), effects.to_owned());
    engine.answer(Ask { actor, turn, effects, word: Word::Approve, key: None, reply });
    answer.blocking_recv().expect("it answers")
}

fn until_open(seen: &mut Seen, engine: &mut Engine, published: &Arc<Published>) -> (u64, String) {
    for _ in 0..1000 {
        seen.turn(engine, published);
        if let Some(open) = &engine.proposal {
            return (open.turn, open.effects.clone());
        }
        engine.pass();
    }
    panic!("nothing is proposed in 1000 turns");
}

#[test]
fn with_the_tasks_of_each_owner_the_loop_does_what_it_may() {
    let config = by_owner("owners");
    let (mut engine, published) = started(&config);
    let mut seen = Seen::default();
    let (turn, effects) = until_open(&mut seen, &mut engine, &published);
    for _ in 0..400 {
        engine.pass();
        seen.turn(&mut engine, &published);
    }
    let calls = seen.calls(&engine);
    assert!(!calls.contains_key("team-1") && !calls.contains_key("team-2"), "{calls:?}");
    for team in ["team-3", "team-4", "team-5"] {
        assert!(calls.get(team) > Some(&50), "{calls:?}");
    }
    assert!(seen.stood > 0, "the cluster places them by itself");
    assert!(seen.waited_for.contains_key("OwnerObserved"), "{:?}", seen.waited_for);
    let reader = engine.store.reader().expect("readable");
    let mut asked = 0;
    for decision in reader.decisions(None, None, 100_000).expect("readable").items {
        let Some(task) = decision.record.task.as_deref().filter(|_| decision.record.step.is_some()) else {
            continue;
        };
        match seen.owner_of[task].as_str() {
            "team-1" => panic!("{task} is decided on: {:?}", decision.record),
            "team-2" => {
                assert_eq!(decision.record.result, None, "{task} waits for a person");
                asked += 1;
            }
            _ if decision.record.result.is_some() => {}
            // It needs what waits for a person.
            _ => {
                let key = decision.record.step.expect("it has one").part;
                let plan = reader.plan(key.turn).expect("readable").expect("it is proposed");
                let part = plan.document.parts.iter().find(|part| part.key == key).expect("with it");
                assert!(!part.after.is_empty(), "{task}: {:?}", decision.record);
            }
        }
    }
    assert!(asked > 0);
    let plan = reader.plan(turn).expect("readable").expect("it is kept");
    let of_team_2 = |step: &lepton_core::model::PlanStep| {
        step.action.task().is_none_or(|task| seen.owner_of[&**task] != "team-1")
    };
    assert!(plan.effects == effects && plan.document.steps.iter().all(of_team_2));
}

#[test]
fn what_waits_for_a_person_is_done_with_his_word_also_after_a_restart_and_not_once_it_is_only_observed() {
    let config = by_owner("owners-approve");
    let (mut engine, published) = started(&config);
    let mut seen = Seen::default();
    let (turn, effects) = until_open(&mut seen, &mut engine, &published);
    drop(engine);
    // The world is lived again with whoever placed what.
    let (mut engine, published) = started(&config);
    let open = engine.proposal.clone().expect("it is still open");
    assert_eq!((open.turn, &open.effects), (turn, &effects));
    let answer = approve(&mut engine, turn, &effects);
    assert!(matches!(answer, Answer::Done(200, _)), "{answer:?}");
    let keys: Vec<PartKey> = open.plan.parts.iter().map(|part| part.key).collect();
    let decisions =
        engine.store.reader().and_then(|r| r.decisions(None, None, 1000)).expect("readable").items;
    let of_plan = |key: PartKey| keys.contains(&key);
    let tried: Vec<_> =
        decisions.iter().filter(|d| d.record.step.is_some_and(|step| of_plan(step.part))).collect();
    assert!(!tried.is_empty() && tried.iter().all(|d| d.record.result.is_some()), "{tried:?}");
    assert!(seen.calls(&engine).contains_key("team-2"), "by his word");

    engine.pass();
    let (turn, effects) = until_open(&mut seen, &mut engine, &published);
    let before = seen.calls(&engine).get("team-2").copied();
    let mut less = config;
    less.owner_modes.insert("team-2".to_owned(), Mode::Observe);
    engine.take_settings(&less);
    assert_eq!(approve(&mut engine, turn, &effects), Answer::WrongMode, "it is only observed now");
    for _ in 0..20 {
        engine.pass();
        seen.turn(&mut engine, &published);
    }
    assert_eq!(seen.calls(&engine).get("team-2").copied(), before);
    let status = published.view().status.clone();
    assert_eq!((status.mode.as_str(), status.owner_modes["team-2"].as_str()), ("act", "observe"));
    let plan = engine.store.reader().and_then(|r| r.plan(turn)).expect("readable").expect("it is kept");
    assert_eq!(plan.state, PlanState::Superseded);
}
