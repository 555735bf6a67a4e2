//! The engine without its rim: what it survives, and what people may say to it.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lepton_core::decide::plan::{Decided, Decider, Lepton, LeptonConfig, Situation};
use lepton_core::decide::policy::PlacementModel;
use lepton_core::model::Mode;
use lepton_edges::store::{PlanState, Reader};
use tokio::sync::oneshot;

use super::config::{ServeConfig, SourceKind};
use super::engine::Engine;
use super::people::{Answer, Ask, Word};
use super::recorder;
use super::recording::Proposal;
use super::view::Published;
use crate::recordings::{FOLDER, Lines, Player, stretches};

pub(super) fn config(name: &str, mode: Mode) -> ServeConfig {
    let folder = std::env::temp_dir().join(format!("lepton-serve-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let mut config = ServeConfig {
        mode,
        source: SourceKind::Simulation,
        state_dir: folder.to_str().expect("a plain name").to_owned(),
        ..ServeConfig::default()
    };
    config.simulation.nodes_count = 20;
    config.simulation.hours = 24;
    config.simulation.load = 0.95;
    config
}

pub(super) fn started(config: &ServeConfig) -> (Engine, Arc<Published>) {
    let published = Arc::new(Published::new(&config.modes()));
    (Engine::start(config, Arc::clone(&published)).expect("it starts"), published)
}

/// Panics on its third decision.
struct Panicking {
    inner: Lepton,
    decisions: Rc<Cell<u32>>,
}

impl Decider for Panicking {
    fn decide(&mut self, situation: &Situation<'_>) -> Decided {
        self.decisions.set(self.decisions.get() + 1);
        assert!(self.decisions.get() != 3, "the third decision");
        self.inner.decide(situation)
    }
}

#[test]
fn a_turn_that_panics_degrades_the_loop_and_the_next_one_is_sound() {
    let config = config("panic", Mode::Act);
    let published = Arc::new(Published::new(&config.modes()));
    let decisions = Rc::new(Cell::new(0));
    let make = move |_: Option<&PlacementModel>| -> anyhow::Result<Box<dyn Decider>> {
        let inner = Lepton::new(LeptonConfig::default(), 1)?;
        Ok(Box::new(Panicking { inner, decisions: Rc::clone(&decisions) }))
    };
    let mut engine =
        Engine::with_decider(&config, Arc::clone(&published), Box::new(make)).expect("it starts");
    let mut states = Vec::new();
    for _ in 0..5 {
        engine.turn();
        engine.pass();
        let status = published.view().status.clone();
        states.push((status.state, status.problems.join("; ")));
    }
    let wrong: Vec<bool> = states.iter().map(|(state, _)| state == "degraded").collect();
    assert_eq!(wrong, [false, false, true, false, false], "{states:?}");
    assert!(states[2].1.contains("the turn panicked: the third decision"), "{states:?}");
    assert!(published.view().status.running > 0);
}

#[test]
fn failures_and_signs_of_nodes_are_known_after_a_restart() {
    let config = config("signs", Mode::Act);
    let (mut engine, _) = started(&config);
    for _ in 0..=20 {
        engine.turn();
        engine.pass();
    }
    let kept = engine.cycle.analyst().signs();
    drop(engine);
    let (engine, _) = started(&config);
    let known = serde_json::to_value(engine.cycle.analyst().signs()).expect("sound");
    assert_eq!(known["nodes"].as_array().map(Vec::len), Some(config.simulation.nodes_count));
    assert_ne!(known, serde_json::to_value(lepton_core::analyze::KeptSigns::default()).expect("sound"));
    // What was kept is at most ten turns old.
    assert_eq!(known["outcomes"], serde_json::to_value(kept).expect("sound")["outcomes"]);
}

#[test]
fn what_is_thought_of_beside_the_loop_is_taken_up_and_known_after_a_restart() {
    let config = ServeConfig { rearrange: true, learned_placement: true, ..config("beside", Mode::Act) };
    let (mut engine, _) = started(&config);
    let begun = Instant::now();
    while engine.cycle.snapshot().memory.placing.mix_version == 0 {
        assert!(begun.elapsed() < Duration::from_secs(120), "nothing is rehearsed");
        engine.turn();
        engine.pass();
    }
    let placing = engine.cycle.snapshot().memory.placing.clone();
    // It is written with the next entry that a call waits for; another thought may be taken up after that.
    engine.turn();
    let newer = engine.cycle.snapshot().memory.placing.clone();
    drop(engine);
    let (engine, _) = started(&config);
    let again = &engine.cycle.snapshot().memory.placing;
    assert!([placing.served, newer.served].contains(&again.served), "who places is known: {again:?}");
    assert_eq!(again.mix_version, 0, "and rehearsed again, since the mix is counted anew");
}

#[test]
fn a_loop_that_starts_again_finds_the_cluster_and_its_reasons() {
    for mode in [Mode::Act, Mode::Recommend] {
        let config = config("again", mode);
        let (mut engine, published) = started(&config);
        for _ in 0..90 {
            engine.turn();
            engine.pass();
        }
        engine.turn();
        let before = published.view();
        let newest = engine.store.reader().and_then(|r| r.decisions(None, None, 1)).expect("readable").items;
        drop(engine);
        let (mut engine, published) = started(&config);
        engine.turn();
        let after = published.view();
        assert_eq!(after.status.time_seconds, before.status.time_seconds + 60, "{mode:?}");
        assert!(
            after.status.turn > newest.first().map_or(0, |d| d.record.turn),
            "no number of a turn that decided comes twice"
        );
        let places = |view: &super::view::View| -> Vec<(String, String)> {
            let placed = |t: &super::task_rows::TaskRow| Some((t.name.clone(), t.node.clone()?));
            view.tasks.iter().filter_map(placed).collect()
        };
        let (old, new) = (places(&before), places(&after));
        let kept = old.iter().filter(|place| new.contains(place)).count();
        assert!(
            kept * 10 > old.len() * 8,
            "{mode:?}: only {kept} of {} tasks stand where they stood",
            old.len()
        );
        let reader = Reader::open(config.state_dir.as_ref()).expect("readable");
        let decisions = reader.decisions(None, None, 1000).expect("readable").items;
        let early = decisions.iter().any(|d| d.record.time_seconds < 5400);
        assert!(early || mode == Mode::Recommend, "what was decided before is still known");
    }
}

/// A recommending loop with an open plan.
pub(super) fn with_open_plan(name: &str) -> (Engine, u64, String) {
    let config = config(name, Mode::Recommend);
    let (mut engine, _) = started(&config);
    for _ in 0..1000 {
        engine.turn();
        if let Some(open) = engine.proposal.clone() {
            return (engine, open.turn, open.effects);
        }
        engine.pass();
    }
    panic!("the loop recommends nothing in 1000 turns");
}

fn said(engine: &mut Engine, turn: u64, effects: &str, approve: bool, key: Option<&str>) -> Answer {
    let (reply, answer) = oneshot::channel();
    let (effects, key) = (effects.to_owned(), key.map(str::to_owned));
    let word = if approve { Word::Approve } else { Word::Reject(String::new()) };
    engine.answer(Ask { actor: "local".to_owned(), turn, effects, word, key, reply });
    answer.blocking_recv().expect("it answers")
}

#[test]
fn a_plan_is_approved_once_and_only_as_it_was_seen() {
    let (mut engine, turn, effects) = with_open_plan("approve");
    assert_eq!(said(&mut engine, turn + 1000, &effects, true, None), Answer::NoSuchPlan);
    assert_eq!(said(&mut engine, turn, "0123", true, None), Answer::OtherEffects);
    let first = said(&mut engine, turn, &effects, true, Some("k1"));
    assert!(matches!(first, Answer::Done(200, _)), "{first:?}");
    assert_eq!(
        said(&mut engine, turn, &effects, true, Some("k1")),
        first,
        "the same request, the same answer"
    );
    assert_eq!(said(&mut engine, turn, &effects, false, Some("k1")), Answer::KeyTaken);
    let again = said(&mut engine, turn, &effects, true, None);
    assert_eq!(again, Answer::NotOpen(PlanState::Approved, None));
    let decisions =
        engine.store.reader().and_then(|r| r.decisions(None, None, 1000)).expect("readable").items;
    let of_plan: Vec<_> =
        decisions.iter().filter(|d| d.record.step.is_some_and(|key| key.part.turn == turn)).collect();
    assert!(
        !of_plan.is_empty() && of_plan.iter().all(|d| d.record.result.is_some()),
        "each step has its result"
    );
}

#[test]
fn a_plan_that_was_rejected_is_not_proposed_again_while_its_effects_are_the_same() {
    let (mut engine, turn, effects) = with_open_plan("reject");
    assert!(matches!(said(&mut engine, turn, &effects, false, None), Answer::Done(200, _)));
    engine.turn();
    let plans = engine.store.reader().and_then(|r| r.plans(None, 1000)).expect("readable").items;
    let same: Vec<_> = plans.iter().filter(|plan| plan.effects == effects).collect();
    assert_eq!(same.len(), 1);
    assert_eq!(same[0].state, PlanState::Rejected);
}

#[test]
fn a_loop_that_observes_decides_nothing_and_the_cluster_places_by_itself() {
    let config = config("observe", Mode::Observe);
    let (mut engine, published) = started(&config);
    engine.turn();
    engine.pass();
    engine.turn();
    let view = published.view();
    assert!(view.status.running > 0 && view.status.state == "ok", "{:?}", view.status);
    assert!(
        engine.store.reader().and_then(|r| r.decisions(None, None, 9)).expect("readable").items.is_empty()
    );
    assert_eq!(said(&mut engine, 1, "e", true, None), Answer::NoSuchPlan);
}

#[test]
fn what_people_approved_and_derived_and_a_panic_between_are_played_again_too() {
    let config = config("played", Mode::Recommend);
    let published = Arc::new(Published::new(&config.modes()));
    let (decisions, settings) = (Rc::new(Cell::new(0)), recorder::decider_settings(&config));
    let make = move |_: Option<&PlacementModel>| -> anyhow::Result<Box<dyn Decider>> {
        Ok(Box::new(Panicking { inner: settings.decider()?, decisions: Rc::clone(&decisions) }))
    };
    let mut engine = Engine::with_decider(&config, published, Box::new(make)).expect("it starts");
    let mut derived = false;
    for _ in 0..1000 {
        engine.turn();
        let open = engine.proposal.clone().filter(|open| derived || open.plan.parts.len() > 1);
        if let Some(Proposal { turn, effects, plan, .. }) = open {
            let (reply, answer) = oneshot::channel();
            let word = if derived { Word::Approve } else { Word::Derive(vec![plan.parts[0].key]) };
            engine.answer(Ask { actor: "local".to_owned(), turn, effects, word, key: None, reply });
            let done = matches!(answer.blocking_recv(), Ok(Answer::Done(..)));
            if done && derived {
                break;
            }
            derived |= done;
        }
        engine.pass();
    }
    (0..10).for_each(|_| {
        engine.pass();
        engine.turn();
    });
    drop(engine);
    let mut player = Player::default();
    let mut kinds = String::new();
    for stretch in stretches(&Path::new(&config.state_dir).join(FOLDER)).expect("recorded") {
        let mut lines = Lines::open(&stretch.path, true).expect("readable");
        while let Some(line) = lines.next_written().expect("readable") {
            kinds += &String::from_utf8_lossy(&line[..11]);
        }
        player.play(&mut Lines::open(&stretch.path, true).expect("readable")).expect("it holds together");
    }
    assert!(kinds.contains("\"numbered\"") && kinds.contains("{\"approved\""), "{kinds}");
    let played = player.played();
    assert_eq!(played.difference, None);
    assert!(played.turns > 10 && played.plans > 1 && played.stretches > 1, "{played:?}");
}

#[test]
fn a_store_of_another_simulated_cluster_is_refused() {
    let mut config = config("other", Mode::Act);
    drop(started(&config));
    config.simulation.seed += 1;
    let published = Arc::new(Published::new(&config.modes()));
    let refused = Engine::start(&config, published).map(|_| ()).expect_err("it is another cluster");
    assert!(refused.to_string().contains("Maybe another `--state-dir` is meant"), "{refused}");
}
