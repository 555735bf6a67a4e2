//! The store opened, written, read, opened again; schemas of earlier versions; entries refused.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lepton_core::analyze::{Accounts, Ledger};
use lepton_core::execute::Journal;
use lepton_core::model::{
    Action, ActionKind, Answer, Binding, Call, DecisionRecord, DeviceSet, JournalEntry, Memory, Moving,
    Outcome, PartOutcome, Plan, PlanDocument, Reason, Spot, StepKey, StepResult, Worth,
};
use rusqlite::Connection;
use rusqlite::types::Value;

use super::migrations::MIGRATIONS;
use super::*;

/// A folder that goes when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lepton-store-{}-{name}", std::process::id()));
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn spot(node: &str) -> Spot {
    Spot { node: node.into(), devices: DeviceSet::NONE }
}

fn plan(turn: u64) -> Plan {
    let mut plan = Plan::default();
    let step = Action::Migrate { task: "t1".into(), from: spot("n1"), to: spot("n2") };
    let worth = Worth { reason: Reason::NodeOverloaded, gain: 3.0, cost: 1.0 };
    plan.push(turn, vec![step], worth, Binding::Each);
    plan
}

fn record(turn: u64, number: u32) -> DecisionRecord {
    let plan = plan(turn);
    let blank = DecisionRecord {
        turn,
        number,
        step: Some(StepKey { part: plan.parts[0].key, step: 0 }),
        time_seconds: 60 * turn,
        input_digest: 5,
        action: ActionKind::Wait,
        task: None,
        from: None,
        to: None,
        reason: Some(Reason::NodeOverloaded),
        policy: "fgd".into(),
        candidates: Vec::new(),
        ruled_out: Vec::new(),
        ruled_out_nodes: Vec::new(),
        waits_for: None,
        gain: 3.0,
        cost: 1.0,
        result: None,
    };
    blank.with_action(&plan.parts[0].steps[0])
}

fn entries(turn: u64) -> Vec<JournalEntry> {
    let part = plan(turn).parts.remove(0);
    let (key, time_seconds) = (part.key, 60 * turn);
    let call = Call::Stop { task: "t1".into(), from: spot("n1"), makes_room_for: None };
    vec![
        JournalEntry::Turn { turn, time_seconds },
        JournalEntry::Opened { part, owners: vec![None], moving: Moving::StopFirst, time_seconds },
        JournalEntry::Calling { key, call, time_seconds },
        JournalEntry::Answered { key, call: None, answer: Answer::Done, time_seconds },
    ]
}

#[test]
fn what_is_written_is_there_after_opening_again_from_the_last_memory_on() {
    let folder = Folder::new("again");
    let mut store = Store::open(&folder.0).expect("it is made");
    let written: Vec<JournalEntry> = (1..=3).flat_map(entries).collect();
    for entry in &written {
        store.write(entry).expect("there is room");
    }
    store.keep_turn(&TurnRows { clock_seconds: 180, ..TurnRows::default() }).expect("there is room");
    drop(store);
    let mut store = Store::open(&folder.0).expect("it is there");
    assert_eq!(store.recall().expect("readable"), written);
    assert_eq!(store.clock_seconds().expect("readable"), Some(180));
    assert_eq!(store.calls().expect("readable").len(), 3);
    let mut memory = Memory::default();
    memory.turn = 9;
    let remembered = JournalEntry::Remembered { memory: Box::new(memory) };
    store.write(&remembered).expect("there is room");
    assert_eq!(store.recall().expect("readable"), [remembered]);
    assert_eq!(store.calls().expect("readable").len(), 3, "what was done stays known");
}

#[test]
fn an_entry_before_a_call_is_on_the_disk_with_all_before_it() {
    let folder = Folder::new("durable");
    let mut store = Store::open(&folder.0).expect("it is made");
    let seen = || {
        let other = reading(&folder.0).expect("readable");
        other.query_row("SELECT count(*) FROM journal", [], |row| row.get::<_, u32>(0)).expect("a count")
    };
    let after: Vec<u32> = (entries(1).iter())
        .map(|entry| {
            store.write(entry).expect("there is room");
            seen()
        })
        .collect();
    assert_eq!(after, [1, 1, 3, 3], "a turn and a call are; what follows a call goes with the next");
}

#[test]
fn a_call_that_was_never_answered_or_refused_is_not_lived_again() {
    let folder = Folder::new("calls");
    let mut store = Store::open(&folder.0).expect("it is made");
    let key = plan(1).parts[0].key;
    let call = |task: &str| Call::Stop { task: task.into(), from: spot("n1"), makes_room_for: None };
    let calling = |task: &str| JournalEntry::Calling { key, call: call(task), time_seconds: 60 };
    let answered = |answer| JournalEntry::Answered { key, call: None, answer, time_seconds: 60 };
    let written = [
        calling("refused"),
        answered(Answer::Refused("no".into())),
        calling("asked again"),
        calling("asked again"),
        answered(Answer::Underway),
        answered(Answer::Done),
        calling("open"),
    ];
    written.iter().for_each(|entry| store.write(entry).expect("there is room"));
    assert_eq!(store.calls().expect("readable"), [(60, call("asked again"))]);
}

#[test]
fn calls_that_were_made_together_are_on_the_disk_together_and_lived_again_by_their_answers() {
    let folder = Folder::new("together");
    let mut store = Store::open(&folder.0).expect("it is made");
    let key = plan(1).parts[0].key;
    let call = |task: &str| Call::Stop { task: task.into(), from: spot("n1"), makes_room_for: None };
    let calling = |task: &str| JournalEntry::Calling { key, call: call(task), time_seconds: 60 };
    let answered =
        |task: &str, answer| JournalEntry::Answered { key, call: Some(call(task)), answer, time_seconds: 60 };
    store.write_all(&[calling("a"), calling("b"), calling("c")]).expect("there is room");
    let count = reading(&folder.0).expect("readable");
    let count = count.query_row("SELECT count(*) FROM journal", [], |row| row.get::<_, u32>(0));
    assert_eq!(count.expect("a count"), 3);
    let answers = [answered("b", Answer::Done), answered("a", Answer::Refused("no".into()))];
    store.write_all(&answers).expect("there is room");
    store.keep_turn(&TurnRows { clock_seconds: 60, ..TurnRows::default() }).expect("there is room");
    assert_eq!(store.calls().expect("readable"), [(60, call("b"))]);
}

#[test]
fn a_result_that_comes_later_is_shown_with_its_decision() {
    let folder = Folder::new("results");
    let mut store = Store::open(&folder.0).expect("it is made");
    let document = PlanDocument::of(&plan(1), Moving::StopFirst, 60);
    let records = [record(1, 0)];
    let new = NewPlan { turn: 1, state: PlanState::Proposed, effects: "e1", document: &document };
    let first = TurnRows { clock_seconds: 60, records: &records, plan: Some(new), ..TurnRows::default() };
    store.keep_turn(&first).expect("there is room");
    let reader = store.reader().expect("readable");
    assert_eq!(reader.decision(1, 0).expect("readable").expect("there").record, records[0]);
    let part = PartOutcome { key: plan(1).parts[0].key, results: vec![StepResult::Done] };
    let outcome = Outcome { parts: vec![part], halted: None };
    let later = TurnRows {
        clock_seconds: 120,
        outcome: Some(&outcome),
        superseded: Some(1),
        plan: Some(NewPlan { turn: 2, ..new }),
        ..TurnRows::default()
    };
    store.keep_turn(&later).expect("there is room");
    let decision = reader.decision(1, 0).expect("readable").expect("there");
    assert_eq!(decision.record.result, Some(StepResult::Done));
    let plan = reader.plan(1).expect("readable").expect("there");
    assert_eq!((plan.state, plan.successor, plan.document), (PlanState::Superseded, Some(2), document));
}

#[test]
fn a_turn_of_which_one_row_is_refused_leaves_nothing() {
    let folder = Folder::new("whole");
    let mut store = Store::open(&folder.0).expect("it is made");
    let twice = [record(1, 0), record(1, 0)];
    let rows = TurnRows { clock_seconds: 60, records: &twice, ..TurnRows::default() };
    assert!(store.keep_turn(&rows).is_err(), "a decision has one number");
    assert_eq!(store.clock_seconds().expect("readable"), None);
    assert!(store.reader().expect("readable").decisions(None, None, 9).expect("readable").items.is_empty());
}

#[test]
fn pages_follow_each_other_without_gap_or_overlap_while_rows_are_added() {
    let folder = Folder::new("pages");
    let mut store = Store::open(&folder.0).expect("it is made");
    let records: Vec<DecisionRecord> = (0..25).map(|number| record(1, number)).collect();
    let rows = TurnRows { clock_seconds: 60, records: &records, ..TurnRows::default() };
    store.keep_turn(&rows).expect("there is room");
    let reader = store.reader().expect("readable");
    let (mut before, mut numbers) = (None, Vec::new());
    loop {
        let page = reader.decisions(Some("t1"), before, 7).expect("readable");
        numbers.extend(page.items.iter().map(|item| item.record.number));
        let later = [record(2 + numbers.len() as u64, 0)];
        store.keep_turn(&TurnRows { records: &later, ..rows }).expect("there is room");
        before = page.next_before;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(numbers, (0..25).rev().collect::<Vec<u32>>());
    assert!(reader.decisions(Some("t2"), None, 7).expect("readable").items.is_empty());
    assert_eq!(reader.decisions_of_node("n2", 3).expect("readable").len(), 3);
}

#[test]
fn what_people_said_is_kept_with_its_audit_line_and_answer() {
    let folder = Folder::new("verdict");
    let mut store = Store::open(&folder.0).expect("it is made");
    let document = PlanDocument::of(&plan(4), Moving::StopFirst, 60);
    let new = NewPlan { turn: 4, state: PlanState::Proposed, effects: "e", document: &document };
    store.keep_turn(&TurnRows { plan: Some(new), ..TurnRows::default() }).expect("there is room");
    let line = AuditLine {
        unix_seconds: 7,
        actor: "local".into(),
        action: "plan.reject".into(),
        target: "p4".into(),
        detail: "TooDisruptive".into(),
    };
    let answer = KeptAnswer { key: "k".into(), request: "reject p4".into(), status: 200, body: "{}".into() };
    let verdict = Verdict {
        turn: 4,
        state: PlanState::Rejected,
        why: "TooDisruptive".into(),
        line: line.clone(),
        answer: Some(answer.clone()),
    };
    store.keep_verdict(&verdict).expect("there is room");
    let reader = store.reader().expect("readable");
    assert_eq!(reader.answer("k").expect("readable"), Some(answer));
    assert_eq!(reader.audit(9).expect("readable"), [line]);
    let plan = reader.plan(4).expect("readable").expect("there");
    assert_eq!((plan.state, plan.why.as_deref()), (PlanState::Rejected, Some("TooDisruptive")));
    assert!(store.keep_verdict(&verdict).is_err(), "a key has one answer");
}

#[test]
fn every_earlier_schema_is_brought_up_to_date_and_a_later_one_is_refused() {
    for version in 0..=MIGRATIONS.len() {
        let folder = Folder::new(&format!("schema-{version}"));
        fs::create_dir_all(&folder.0).expect("writable");
        let old = Connection::open(folder.0.join(FILE)).expect("it is made");
        MIGRATIONS[..version].iter().for_each(|sql| old.execute_batch(sql).expect("it was sound"));
        // The kill came after the schema and before its number: the version is applied once more.
        old.pragma_update(None, "user_version", version.saturating_sub(1) as u32).expect("writable");
        drop(old);
        let mut store = Store::open(&folder.0).expect("it is brought up to date");
        entries(1).iter().for_each(|entry| store.write(entry).expect("there is room"));
        store.keep_turn(&TurnRows { records: &[record(1, 0)], ..TurnRows::default() }).expect("room");
        store.connection.pragma_update(None, "user_version", 99).expect("writable");
        drop(store);
        let refused = Store::open(&folder.0).map(|_| ()).expect_err("it is of a later lepton");
        let known = format!("version 99, known are those up to {}", MIGRATIONS.len());
        assert!(refused.to_string().contains(&known), "{refused}");
    }
}

#[test]
fn one_process_writes_and_says_so_to_the_second() {
    let folder = Folder::new("lock");
    let store = Store::open(&folder.0).expect("it is made");
    let refused = Store::open(&folder.0).map(|_| ()).expect_err("it is in use");
    assert!(refused.to_string().contains("in use by another process"), "{refused}");
    drop(store);
    assert!(Store::open(&folder.0).is_ok());
}

#[test]
fn the_store_is_as_durable_as_it_says() {
    let folder = Folder::new("pragmas");
    let store = Store::open(&folder.0).expect("it is made");
    let pragma = |name: &str| -> String {
        let value = store.connection.pragma_query_value(None, name, |row| row.get::<_, Value>(0));
        format!("{:?}", value.expect("readable"))
    };
    assert_eq!(pragma("journal_mode"), "Text(\"wal\")");
    assert_eq!(pragma("synchronous"), "Integer(2)");
    assert!(check_sqlite(3_051_002, "3.51.2").is_err() && check_sqlite(3_051_003, "3.51.3").is_ok());
}

#[test]
fn an_entry_that_cannot_be_written_is_refused_and_those_before_it_go_with_the_next() {
    let folder = Folder::new("full");
    let mut store = Store::open(&folder.0).expect("it is made");
    let [turn, opened, calling, answered] = <[JournalEntry; 4]>::try_from(entries(1)).expect("four");
    store.write(&turn).expect("there is room");
    store.write(&opened).expect("it waits");
    let pages: u32 = store.connection.pragma_query_value(None, "page_count", |r| r.get(0)).expect("a number");
    store.connection.pragma_update(None, "max_page_count", pages).expect("a limit");
    let mut full = None;
    for turn in 2..10_000 {
        let entry = JournalEntry::Turn { turn, time_seconds: 0 };
        if let Err(error) = store.write(&entry) {
            full = Some(error);
            break;
        }
    }
    assert!(full.is_some_and(|error| error.0.contains("full")), "the file may not grow");
    store.connection.pragma_update(None, "max_page_count", 1_000_000).expect("room again");
    store.write(&calling).expect("there is room again");
    store.write(&answered).expect("it waits");
    store.write(&JournalEntry::Turn { turn: 20_000, time_seconds: 0 }).expect("there is room");
    let kept = store.recall().expect("readable");
    let others: Vec<&JournalEntry> =
        kept.iter().filter(|e| !matches!(e, JournalEntry::Turn { .. })).collect();
    assert_eq!(others, [&opened, &calling, &answered]);
}

#[test]
fn history_is_kept_within_bounds_and_a_row_is_replaced_when_more_is_known() {
    let folder = Folder::new("history");
    let mut store = Store::open(&folder.0).expect("it opens");
    assert_eq!(store.last_history().expect("readable"), 0);
    let row = |sequence: u64, figures: &str| HistoryRow {
        sequence,
        turn: sequence,
        time_seconds: 60 * sequence,
        figures: figures.to_owned(),
        inventory: "d1".to_owned(),
        nodes: vec![1, 2, 3],
        ..HistoryRow::default()
    };
    let names = Inventory { digest: "d1".to_owned(), names: "[\"n1\"]".to_owned() };
    let last = TURNS_KEPT + 7;
    let mut keep = |rows: &[HistoryRow]| {
        let kept = TurnRows { history: rows, inventory: Some(&names), ..TurnRows::default() };
        store.keep_turn(&kept).expect("it is kept");
    };
    let first: Vec<HistoryRow> = (1..=last - NODES_KEPT).map(|at| row(at, "early")).collect();
    keep(&first);
    for from in (last - NODES_KEPT + 1..=last).step_by(100) {
        let rows: Vec<HistoryRow> = (from..(from + 100).min(last + 1)).map(|at| row(at, "late")).collect();
        keep(&rows);
    }
    keep(&[row(last, "final")]);
    assert_eq!(store.last_history().expect("readable"), last);
    let reader = store.reader().expect("readable");
    let newest = reader.history(None, 2).expect("readable");
    assert_eq!(newest.items.iter().map(|r| r.figures.as_str()).collect::<Vec<_>>(), ["final", "late"]);
    let (kept, of_nodes) = reader.history_row(last).expect("readable").expect("it is there");
    assert_eq!((kept.nodes, of_nodes.as_deref()), (vec![1, 2, 3], Some("[\"n1\"]")));
    let (old, of_nodes) = reader.history_row(last - NODES_KEPT).expect("readable").expect("it is there");
    assert_eq!((old.nodes, of_nodes), (Vec::new(), None), "of old turns only the figures are kept");
    assert_eq!(reader.history_row(7).expect("readable"), None, "the oldest are dropped");
    assert!(reader.history_row(8).expect("readable").is_some());
}

#[test]
fn an_hour_of_the_ledger_takes_the_place_of_what_was_kept_of_it_and_old_ones_go() {
    fn hour(from_seconds: u64, used: i64) -> LedgerHour {
        let accounts = Accounts { used, ..Accounts::default() };
        let nodes = BTreeMap::from([("n".to_owned(), vec![accounts])]);
        let resources = vec!["cpu_millicores".to_owned()];
        let ledger = Ledger { seconds: 60, resources, nodes, ..Ledger::default() };
        LedgerHour { from_seconds, ledger }
    }
    fn keep(store: &mut Store, ledger: &[LedgerHour]) {
        store.keep_turn(&TurnRows { ledger, ..TurnRows::default() }).expect("writable");
    }
    let folder = Folder::new("ledger");
    let mut store = Store::open(&folder.0).expect("it opens");
    keep(&mut store, &[hour(0, 1), hour(3600, 2)]);
    keep(&mut store, &[hour(3600, 5)]);
    let all = |store: &Store| store.reader().and_then(|reader| reader.ledger(0, u64::MAX)).expect("readable");
    assert_eq!(all(&store), [hour(0, 1), hour(3600, 5)]);
    assert_eq!(store.ledger_hour(3600).expect("readable"), Some(hour(3600, 5)));
    assert_eq!(store.ledger_hour(7200).expect("readable"), None);
    let last = hour(LEDGER_HOURS_KEPT * LEDGER_HOUR_SECONDS + 3600, 9);
    keep(&mut store, std::slice::from_ref(&last));
    assert_eq!(all(&store), [hour(3600, 5), last], "a quarter of a year is kept");
}

#[test]
fn entries_that_nothing_needs_go_some_at_a_time_and_all_else_stays() {
    let folder = Folder::new("trim");
    let mut store = Store::open(&folder.0).expect("it is made");
    store.feed(Some("sqlite:///away/far.db")).expect("there is room");
    let all_of = |turns: std::ops::RangeInclusive<u64>| turns.flat_map(entries).collect::<Vec<_>>();
    store.write_all(&all_of(1..=2000)).expect("there is room");
    assert_eq!(store.trim(u64::MAX, false).expect("writable"), 0, "there is no memory to go on from");
    let remembered = JournalEntry::Remembered { memory: Box::new(Memory::default()) };
    store.write(&remembered).expect("there is room");
    entries(2001).iter().for_each(|entry| store.write(entry).expect("there is room"));
    store.keep_turn(&TurnRows { clock_seconds: 120_060, ..TurnRows::default() }).expect("there is room");
    let recalled = store.recall().expect("readable");
    assert_eq!(store.trim(u64::MAX, false).expect("writable"), 0, "the database elsewhere was not told");
    store.feed(None).expect("there is room");

    let (all, pages) = (journal_rows(&store), pages(&store));
    let mut gone = 0;
    while let going @ 1.. = store.trim(60 * 1000, true).expect("writable") {
        assert!(going <= 2000, "some at a time");
        gone += going;
    }
    assert_eq!(gone, 2 * 999, "turns and openings of what is older; calls stay");
    assert_eq!(store.calls().expect("readable").len(), 2001);
    drop(store);
    let mut store = Store::open(&folder.0).expect("it opens");
    assert_eq!(store.recall().expect("readable"), recalled, "a loop that starts misses nothing");
    while store.trim(u64::MAX, false).expect("writable") > 0 {}
    assert_eq!(journal_rows(&store), recalled.len() as u64, "what is needed is all that is left");
    assert_eq!(store.recall().expect("readable"), recalled);
    // The room is used again.
    store.write_all(&all_of(2002..=4000)).expect("there is room");
    assert!(journal_rows(&store) <= all && self::pages(&store) <= pages + 8, "{}", self::pages(&store));
}

fn journal_rows(store: &Store) -> u64 {
    let count = store.connection.query_row("SELECT count(*) FROM journal", [], |row| row.get::<_, i64>(0));
    count.expect("a count") as u64
}

fn pages(store: &Store) -> u32 {
    store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).expect("a number")
}
