//! Trials: what they do, what the loop makes of it, and that the world is lived again with them.

use lepton_core::model::Mode;
use lepton_core::model::Serving;

use super::engine::Engine;
use super::tests::{config, started};
use super::trials::TrialKind;
use super::view::View;

fn turns(engine: &mut Engine, count: usize) {
    for _ in 0..count {
        engine.turn();
        engine.pass();
    }
}

fn tried(engine: &mut Engine, what: TrialKind) -> String {
    let body = engine.try_out(what, "local").expect("it is tried");
    serde_json::to_value(body).expect("a document")["at"].as_str().expect("an address").to_owned()
}

fn down(view: &View) -> Vec<String> {
    view.nodes.iter().filter(|node| node.state == "down").map(|node| node.name.clone()).collect()
}

#[test]
fn a_failure_and_a_burst_happen_and_the_cluster_is_lived_again_with_them() {
    let config = config("trials", Mode::Act);
    let (mut engine, published) = started(&config);
    turns(&mut engine, 5);
    let before = published.view();
    let at = tried(&mut engine, TrialKind::Failure);
    tried(&mut engine, TrialKind::Burst);
    turns(&mut engine, 1);
    let after = published.view();
    let failed = at.strip_prefix("/cluster/").expect("a node").to_owned();
    assert!(!down(&before).contains(&failed) && down(&after).contains(&failed), "{at}");
    assert!(after.tasks.len() >= before.tasks.len() + 15, "{} and {}", before.tasks.len(), after.tasks.len());
    turns(&mut engine, 10);
    engine.turn();
    let last = published.view();
    drop(engine);
    let (mut engine, published) = started(&config);
    engine.turn();
    let again = published.view();
    assert!(down(&again).contains(&failed), "it is down in the cluster that is lived again");
    let names = |view: &View| view.tasks.iter().map(|task| task.name.clone()).collect::<Vec<_>>();
    let (old, new) = (names(&last), names(&again));
    let kept = old.iter().filter(|name| new.contains(name)).count();
    assert!(kept * 10 >= old.len() * 9, "{kept} of {} tasks are there again", old.len());
}

#[test]
fn with_a_silent_source_nothing_is_decided_until_it_is_back() {
    let config = config("silent", Mode::Act);
    let (mut engine, published) = started(&config);
    turns(&mut engine, 5);
    tried(&mut engine, TrialKind::Source);
    tried(&mut engine, TrialKind::Burst);
    turns(&mut engine, 10);
    let view = published.view();
    assert_eq!(view.status.state, "degraded", "{:?}", view.status.problems);
    assert!(view.status.problems[0].contains("out of date"), "{:?}", view.status.problems);
    let decided = engine.store.reader().and_then(|r| r.decisions(None, None, 1)).expect("readable").items;
    let newest = decided.first().map_or(0, |d| d.record.time_seconds);
    assert!(newest + 300 < view.status.time_seconds, "{newest}");
    turns(&mut engine, 12);
    assert_eq!(published.view().status.state, "ok", "{:?}", published.view().status.problems);
}

#[test]
fn a_bad_policy_that_was_let_past_its_gate_is_taken_back_by_the_guard() {
    let config = config("spoiled", Mode::Act);
    let (mut engine, published) = started(&config);
    while engine.cycle.snapshot().mix.version == 0 {
        turns(&mut engine, 1);
    }
    tried(&mut engine, TrialKind::Policy);
    turns(&mut engine, 1);
    let placing = |engine: &Engine| engine.cycle.snapshot().memory.placing.served.serving;
    let shown = serde_json::to_value(&published.view().policies).expect("a document");
    assert_eq!((&shown["items"][0]["serves"], placing(&engine)), (&"spoiled".into(), Serving::Model));
    for _ in 0..3000 {
        turns(&mut engine, 1);
        if placing(&engine) == Serving::Rule {
            return;
        }
    }
    panic!("it still serves: {:?}", engine.cycle.snapshot().memory.placing);
}
