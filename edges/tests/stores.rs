//! What the store has comes whole into a database elsewhere: another SQLite file, and real servers of PostgreSQL and MariaDB
//! (`cargo xtask test stores`). One suite for all of them.

#![cfg(unix)]

#[path = "../../app/tests/common/ports.rs"]
mod ports;
mod servers;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lepton_core::analyze::{Accounts, Ledger};
use lepton_core::execute::Journal;
use lepton_core::model::{
    Action, ActionKind, Answer, Binding, Call, DecisionRecord, DeviceSet, JournalEntry, Moving, Outcome,
    PartOutcome, Plan, PlanDocument, Reason, Spot, StepKey, StepResult, Worth,
};
use lepton_edges::store::{
    AuditLine, HistoryRow, LedgerHour, NewPlan, Periods, PlanState, Relay, RelayReport, Sample, SeriesKeeper,
    Store, TURNS_KEPT, Target, TurnRows, Verdict,
};
use rusqlite::Connection;

use servers::alike::{self, ask_file};
use servers::{Server, wait_for};

/// Decisions of a turn.
const DECISIONS: u32 = 3;
/// Kills after which the child may come to its end, and the file that tells it so.
const KILLS_MIN: usize = 15;
const ENOUGH: &str = "enough";
/// The folder, the database and its password of the child; without them this program is the parent.
const FOLDER: &str = "LEPTON_STORES_FOLDER";
const URL: &str = "LEPTON_STORES_URL";
const PASSWORD_FILE: &str = "LEPTON_STORES_PASSWORD_FILE";

/// A database elsewhere.
enum Place {
    /// A file; it is away while somebody else has its lock.
    File {
        path: PathBuf,
        lock: Option<Connection>,
    },
    Server(Server),
}

impl Place {
    fn file(name: &str) -> Self {
        let path = scratch(&format!("{name}-far"));
        let _ = fs::remove_file(&path);
        Self::File { path, lock: None }
    }

    fn url(&self) -> String {
        match self {
            Self::File { path, .. } => format!("sqlite://{}", path.display()),
            Self::Server(server) => server.url(),
        }
    }

    fn password_file(&self) -> Option<PathBuf> {
        match self {
            Self::File { .. } => None,
            Self::Server(server) => Some(server.password_file()),
        }
    }

    fn target(&self) -> Target {
        Target::new(&self.url(), self.password_file().as_deref()).expect("it is sound")
    }

    fn ask(&self, sql: &str) -> String {
        match self {
            Self::File { path, .. } => ask_file(path, sql),
            Self::Server(server) => server.ask(sql),
        }
    }

    fn go_away(&mut self) {
        match self {
            Self::File { path, lock } => {
                let connection = Connection::open(path).expect("writable");
                connection.busy_timeout(servers::PATIENCE).expect("it is set");
                connection.execute_batch("BEGIN IMMEDIATE").expect("its lock is free now and then");
                *lock = Some(connection);
            }
            Self::Server(server) => server.stop("-KILL"),
        }
    }

    fn come_back(&mut self) {
        match self {
            Self::File { lock, .. } => *lock = None,
            Self::Server(server) => server.start(),
        }
    }
}

fn scratch(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("stores-{name}-{}", std::process::id()))
}

fn spot(node: &str) -> Spot {
    Spot { node: node.into(), devices: DeviceSet::NONE }
}

fn plan(turn: u64) -> Plan {
    let mut plan = Plan::default();
    let step = Action::Migrate { task: "t\u{0}ä🦀\\'\"".into(), from: spot("n1"), to: spot("n2") };
    let worth = Worth { reason: Reason::NodeOverloaded, gain: 3.0, cost: 1.0 };
    plan.push(turn, vec![step], worth, Binding::Each);
    plan
}

fn record(turn: u64, number: u32) -> DecisionRecord {
    let plan = plan(turn);
    let blank = DecisionRecord {
        turn,
        number,
        step: (number == 0).then(|| StepKey { part: plan.parts[0].key, step: 0 }),
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

fn line(detail: &str) -> AuditLine {
    AuditLine {
        unix_seconds: 7,
        actor: "ann".into(),
        action: "settings".into(),
        target: "service".into(),
        detail: detail.into(),
    }
}

fn hour(turn: u64) -> LedgerHour {
    let accounts = || BTreeMap::from([("n1".to_owned(), vec![Accounts::default()])]);
    let ledger = Ledger {
        seconds: 60,
        resources: vec!["cpu_millicores".into()],
        nodes: accounts(),
        owners: accounts(),
    };
    LedgerHour { from_seconds: turn / 60 * 3600, ledger }
}

/// A turn with all that it leaves.
fn turn(store: &mut Store, turn: u64) {
    let (plan, time_seconds) = (plan(turn), 60 * turn);
    let document = PlanDocument::of(&plan, Moving::StopFirst, time_seconds);
    let records: Vec<DecisionRecord> = (0..DECISIONS).map(|number| record(turn, number)).collect();
    let new = NewPlan { turn, state: PlanState::Proposed, effects: "e1", document: &document };
    let rows =
        TurnRows { clock_seconds: time_seconds, records: &records, plan: Some(new), ..TurnRows::default() };
    store.begin_turn(&JournalEntry::Turn { turn, time_seconds }, &rows).expect("there is room");
    let key = plan.parts[0].key;
    let call = Call::Stop { task: "t1".into(), from: spot("n1"), makes_room_for: None };
    store.write(&JournalEntry::Calling { key, call, time_seconds }).expect("there is room");
    store
        .write(&JournalEntry::Answered { key, call: None, answer: Answer::Done, time_seconds })
        .expect("there is room");
    let outcome = Outcome { parts: vec![PartOutcome { key, results: vec![StepResult::Done] }], halted: None };
    let row =
        HistoryRow { sequence: turn, turn, time_seconds, figures: "{}".into(), ..HistoryRow::default() };
    let (history, ledger) = ([row], [hour(turn)]);
    let rows = TurnRows {
        clock_seconds: time_seconds,
        outcome: Some(&outcome),
        history: &history,
        ledger: &ledger,
        ..TurnRows::default()
    };
    store.keep_turn(&rows).expect("there is room");
}

fn assert_alike(place: &Place, folder: &Path) {
    alike::assert_alike(|sql| place.ask(sql), folder);
}

fn wait_until_told(relay: &Relay) -> RelayReport {
    wait_for("all is told", || {
        let report = relay.report();
        report.problem.is_none() && report.told > 0 && report.waiting == 0
    });
    relay.report()
}

/// A store that is told of from now on.
fn told_of(folder: &Path, place: &Place) -> (Store, Relay) {
    let mut store = Store::open(folder).expect("it is made");
    let target = place.target();
    store.feed(Some(target.url())).expect("there is room");
    let relay = Relay::start(folder, &store, target, Periods::DEFAULT).expect("it begins");
    (store, relay)
}

/// How two nodes stood, a sample a minute.
fn samples(folder: &Path, from_seconds: u64, unix_from_seconds: u64, minutes: u64) {
    let keeper = SeriesKeeper::start(folder, Periods::DEFAULT).expect("it begins");
    let names = |of: &[&str]| std::sync::Arc::new(of.iter().map(|name| (*name).to_owned()).collect());
    for minute in 0..minutes {
        let sample = Sample {
            time_seconds: from_seconds + 60 * minute,
            unix_seconds: unix_from_seconds + minute,
            nodes: names(&["n1", "nö 'd'"]),
            measures: names(&["used", "state"]),
            values: vec![minute as u16, 7, 0, 3000],
        };
        keeper.keep(sample);
        // More may not wait at once.
        if minute % 50 == 49 {
            wait_for("it keeps up", || keeper.report().rows >= minute / 5 * 2 - 2);
        }
    }
    assert_eq!(keeper.report().lost, 0);
}

/// Rows of the series are told as they are, each once, and days that are too old go with their partition.
fn series(folder: &Path, place: &Place) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    // The first two hours were kept long ago, by the clock.
    samples(folder, 0, 100 * 86_400, 120);
    samples(folder, 10_800, now - 200, 121);
    let (store, relay) = told_of(folder, place);
    let tables = [
        ("lepton_readings", "raw", 51),
        ("lepton_readings_five_minutes", "five-minutes", 4),
        ("lepton_readings_hours", "hours", 4),
    ];
    wait_for("what is new is there, and what is old is gone", || {
        let count =
            |table: &str| place.ask(&format!("SELECT count(*), coalesce(min(unix_day), 0) FROM {table}"));
        tables.iter().all(|(table, _, _)| {
            let said = count(table);
            let mut cells = said.split('\t').map(|cell| cell.parse::<u64>().expect("a number"));
            cells.next() > Some(0) && cells.next() > Some(100)
        })
    });
    relay.end(servers::PATIENCE);
    drop(store);
    let hex = match place {
        Place::Server(server) if server.is_postgres() => "upper(encode(samples, 'hex'))",
        _ => "hex(samples)",
    };
    let alike = || {
        for (table, level, least) in tables {
            let columns = "sequence, unix_day, from_seconds, to_seconds, measures";
            let theirs = place.ask(&format!("SELECT {columns}, {hex}, node FROM {table} ORDER BY sequence"));
            let file = folder.join(format!("series/{level}-000000.db"));
            let ours = ask_file(
                &file,
                "SELECT sequence, unix_day, from_seconds, to_seconds, measures, hex(samples), name FROM rows
                 JOIN nodes ON number = node WHERE unix_day > 100 ORDER BY sequence",
            );
            assert_eq!(theirs, ours);
            assert!(ours.lines().count() >= least - 1, "{table}: {}", ours.lines().count());
        }
    };
    alike();
    let names = place.ask("SELECT names FROM lepton_measures");
    assert_eq!(names, "[\"used\",\"state\"]");
    // Another start tells nothing twice.
    let (mut store, relay) = told_of(folder, place);
    turn(&mut store, 59);
    wait_until_told(&relay);
    relay.end(servers::PATIENCE);
    store.forget_told().expect("there is room");
    alike();
}

/// All in turn, each check on what the one before it has left.
fn suite(name: &str, mut place: Place) {
    let folder = scratch(name);
    let mut store = Store::open(&folder).expect("it is made");
    (1..=5).for_each(|number| turn(&mut store, number));
    drop(store);

    // What was there before, and what comes while it is told.
    let (mut store, relay) = told_of(&folder, &place);
    (6..=10).for_each(|number| turn(&mut store, number));
    let verdict = Verdict {
        turn: 10,
        state: PlanState::Rejected,
        why: "not\u{0} now, \\ 'ä' 🦀".into(),
        line: line("x"),
        answer: None,
    };
    store.keep_verdict(&verdict).expect("there is room");
    wait_until_told(&relay);
    // What the relay says of itself is as old as its last count, so what is there is looked at.
    wait_for("all turns and the verdict are there", || {
        place.ask("SELECT count(*) FROM lepton_turns") == "10"
            && place.ask("SELECT count(*) FROM lepton_plans WHERE state = 'rejected'") == "1"
    });
    assert_eq!(place.ask("SELECT count(*) FROM lepton_decisions"), "30");
    assert_eq!(place.ask("SELECT decided_by FROM lepton_plans WHERE sequence = 10"), "ann");
    assert!(place.ask("SELECT why FROM lepton_plans WHERE sequence = 10").contains("'ä' 🦀"));
    assert!(place.ask("SELECT accounts FROM lepton_hours WHERE sequence = 0").contains("node:n1"));

    // It goes away: what is decided is kept all the same, and it is told when it is back.
    place.go_away();
    (11..=14).for_each(|number| turn(&mut store, number));
    wait_for("it is said", || relay.report().problem.is_some());
    turn(&mut store, 15);
    wait_for("it is counted", || relay.report().waiting > 0);
    assert!(relay.report().failures > 0);
    place.come_back();
    wait_until_told(&relay);
    // The plan that was rejected has a text that no database takes as it is.
    store.keep_verdict(&Verdict { why: "later".into(), ..verdict }).expect("there is room");
    wait_until_told(&relay);
    relay.end(servers::PATIENCE);
    assert_alike(&place, &folder);

    // What was told and not forgotten is told again, and nothing is there twice.
    let outbox = "SELECT count(*) FROM outbox";
    assert_ne!(ask_file(&folder.join("journal.db"), outbox), "0", "the end did not forget it");
    drop(store);
    let (mut store, relay) = told_of(&folder, &place);
    wait_until_told(&relay);
    assert_alike(&place, &folder);
    store.forget_told().expect("there is room");
    assert_eq!(ask_file(&folder.join("journal.db"), outbox), "0");
    relay.end(servers::PATIENCE);
    drop(store);

    series(&folder, &place);

    // Tables of the version before, and tables whose change was cut off.
    place.ask("DROP TABLE lepton_hours; DELETE FROM lepton_schema WHERE version > 1");
    let (mut store, relay) = told_of(&folder, &place);
    turn(&mut store, 60);
    wait_until_told(&relay);
    assert_eq!(place.ask("SELECT max(version) FROM lepton_schema"), "3");
    assert_eq!(place.ask("SELECT count(*) FROM lepton_hours"), "1");
    relay.end(servers::PATIENCE);
    drop(store);
    place.ask("DELETE FROM lepton_schema");
    let (mut store, relay) = told_of(&folder, &place);
    turn(&mut store, 61);
    wait_until_told(&relay);
    relay.end(servers::PATIENCE);
    drop(store);

    // Another instance in the same tables.
    let other = scratch(&format!("{name}-other"));
    let (mut store, relay) = told_of(&other, &place);
    turn(&mut store, 1);
    wait_until_told(&relay);
    wait_for("both are there", || place.ask("SELECT count(*) FROM lepton_decisions WHERE turn = 1") == "6");
    assert_eq!(place.ask("SELECT count(DISTINCT instance) FROM lepton_decisions"), "2");
    relay.end(servers::PATIENCE);
    drop(store);

    // A later lepton's tables are left alone.
    place.ask("INSERT INTO lepton_schema (version) VALUES (99)");
    let (store, relay) = told_of(&other, &place);
    wait_for("it is said", || relay.report().problem.is_some_and(|p| p.contains("schema has version 99")));
    relay.end(servers::PATIENCE);
    drop(store);
    for folder in [folder, other] {
        fs::remove_dir_all(folder).expect("it is there");
    }
}

/// The child of the tests with kills: turns, told as they come, until it was killed often enough.
#[test]
#[ignore = "the child of the tests below"]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let url = std::env::var(URL).expect("it is given");
    let target =
        Target::new(&url, std::env::var_os(PASSWORD_FILE).map(PathBuf::from).as_deref()).expect("sound");
    let mut store = Store::open(&folder).expect("the store opens after any kill");
    store.feed(Some(&url)).expect("there is room");
    let relay = Relay::start(&folder, &store, target, Periods::DEFAULT).expect("it begins");
    let done = store.last_history().expect("readable");
    // A turn that was begun and not kept has its plan already.
    let begun = store.clock_seconds().expect("readable").unwrap_or(0) / 60;
    for number in done.max(begun) + 1.. {
        turn(&mut store, number);
        if folder.join(ENOUGH).exists() {
            break;
        }
        thread::sleep(Duration::from_millis(3));
    }
    wait_until_told(&relay);
    relay.end(servers::PATIENCE);
    fs::write(folder.join("done"), "").expect("writable");
}

/// A process that is killed at random moments, while the database goes away and comes back.
fn killed(name: &str, mut place: Place) {
    let folder = scratch(&format!("{name}-killed"));
    fs::create_dir_all(&folder).expect("writable");
    let (mut kills, mut runs, mut chance) = (0, 0, 20_260_801_u64);
    while !folder.join("done").exists() {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["child", "--exact", "--ignored"]).env(FOLDER, &folder).env(URL, place.url());
        if let Some(file) = place.password_file() {
            command.env(PASSWORD_FILE, file);
        }
        let mut child = command.stdout(Stdio::null()).spawn().expect("this program starts");
        // The later runs are given longer, so that even a slow machine comes to the end.
        let later = if kills < KILLS_MIN { 0 } else { 2_000_000 };
        thread::sleep(Duration::from_micros((chance >> 33) % 150_000 + later));
        if child.try_wait().expect("it can be asked").is_none() {
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
            kills += 1;
        }
        runs += 1;
        if runs == KILLS_MIN / 3 {
            place.go_away();
        }
        if runs == KILLS_MIN / 3 * 2 {
            place.come_back();
        }
        if kills == KILLS_MIN {
            fs::write(folder.join(ENOUGH), "").expect("writable");
        }
    }
    assert_alike(&place, &folder);
    let journal = folder.join("journal.db");
    let decided = ask_file(&journal, "SELECT count(*) FROM decisions");
    let all = ask_file(&journal, &format!("SELECT max(turn) * {DECISIONS} FROM decisions"));
    assert_eq!(decided, all, "no turn is missing or there twice");
    fs::remove_dir_all(folder).expect("it is there");
}

#[test]
fn a_file_is_told_all_and_nothing_twice() {
    suite("file", Place::file("file"));
}

#[test]
fn a_kill_at_any_moment_loses_nothing_on_its_way_to_a_file() {
    killed("file", Place::file("killed"));
}

#[test]
#[ignore = "needs databases"]
fn a_postgresql_is_told_all_and_nothing_twice() {
    suite("postgres", Place::Server(Server::postgres("postgres")));
}

#[test]
#[ignore = "needs databases"]
fn a_mariadb_is_told_all_and_nothing_twice() {
    suite("mariadb", Place::Server(Server::mariadb("mariadb")));
}

#[test]
#[ignore = "needs databases"]
fn a_mariadb_that_was_killed_while_it_made_a_table_is_told_all() {
    let mut place = Place::Server(Server::mariadb("mariadb-half"));
    let folder = scratch("mariadb-half");
    let _ = fs::remove_dir_all(&folder);
    let (mut store, relay) = told_of(&folder, &place);
    turn(&mut store, 1);
    wait_until_told(&relay);
    drop(relay);
    if let Place::Server(server) = &mut place {
        server.ask("DELETE FROM lepton_schema WHERE version = 3");
        server.leave_half("lepton_readings_hours");
    }
    drop(store);
    let (mut store, relay) = told_of(&folder, &place);
    turn(&mut store, 2);
    wait_until_told(&relay);
    assert_alike(&place, &folder);
    assert_eq!(place.ask("SELECT count(*) FROM lepton_readings_hours"), "0", "it is there");
    drop(relay);
    fs::remove_dir_all(&folder).expect("it is there");
}

/// What is said of a database that is not told.
fn problem_with(folder: &Path, target: Target) -> String {
    let mut store = Store::open(folder).expect("it is made");
    store.feed(Some(target.url())).expect("there is room");
    let relay = Relay::start(folder, &store, target, Periods::DEFAULT).expect("it begins");
    wait_for("it says why", || relay.report().problem.is_some());
    let report = relay.report();
    assert_eq!(report.told, 0);
    report.problem.expect("it has one")
}

/// A database that answers over TLS alone is told all where its authority is known, and nothing else is.
fn over_tls(name: &str, server: Server, other: Server) {
    let place = Place::Server(server.over_tls());
    let folder = scratch(&format!("{name}-tls"));
    let _ = fs::remove_dir_all(&folder);
    let Place::Server(server) = &place else { unreachable!("it is one") };
    let known = |authority: &Path| place.target().with_authority(authority).expect("it is sound");

    let said = problem_with(&folder, place.target());
    assert!(!said.is_empty(), "without TLS it does not answer");
    // An authority of the same name, which is another.
    let other = other.over_tls();
    let said = problem_with(&folder, known(&other.authority()));
    assert!(said.to_lowercase().contains("certificate"), "{said}");

    let mut store = Store::open(&folder).expect("it is made");
    let target = known(&server.authority());
    store.feed(Some(target.url())).expect("there is room");
    let relay = Relay::start(&folder, &store, target, Periods::DEFAULT).expect("it begins");
    for number in 1..=20 {
        turn(&mut store, number);
    }
    wait_until_told(&relay);
    assert_alike(&place, &folder);
    drop(relay);
    fs::remove_dir_all(&folder).expect("it is there");
}

#[test]
#[ignore = "needs databases"]
fn a_postgresql_is_told_over_tls_where_its_authority_is_known() {
    over_tls("postgres", Server::postgres("postgres-tls"), Server::postgres("postgres-other"));
}

#[test]
#[ignore = "needs databases"]
fn a_mariadb_is_told_over_tls_where_its_authority_is_known() {
    over_tls("mariadb", Server::mariadb("mariadb-tls"), Server::mariadb("mariadb-other"));
}

#[test]
#[ignore = "needs databases"]
fn a_kill_at_any_moment_loses_nothing_on_its_way_to_postgresql() {
    killed("postgres", Place::Server(Server::postgres("postgres-killed")));
}

#[test]
#[ignore = "needs databases"]
fn a_kill_at_any_moment_loses_nothing_on_its_way_to_mariadb() {
    killed("mariadb", Place::Server(Server::mariadb("mariadb-killed")));
}

#[test]
fn history_that_is_never_told_is_dropped_oldest_first_and_counted_and_decisions_are_not() {
    let folder = scratch("dropped");
    let mut store = Store::open(&folder).expect("it is made");
    store.feed(Some("sqlite:///away/far.db")).expect("there is room");
    turn(&mut store, 1);
    let row =
        |sequence| HistoryRow { sequence, turn: sequence, figures: "{}".into(), ..HistoryRow::default() };
    let history: Vec<HistoryRow> = (2..=TURNS_KEPT + 10).map(row).collect();
    for some in history.chunks(1000) {
        store.keep_turn(&TurnRows { history: some, ..TurnRows::default() }).expect("there is room");
    }
    let ask = |sql| ask_file(&folder.join("journal.db"), sql);
    assert_eq!(ask("SELECT dropped FROM remote"), "10");
    assert_eq!(ask("SELECT min(row), count(*) FROM outbox WHERE kind = 'turn'"), format!("11\t{TURNS_KEPT}"));
    assert_eq!(ask("SELECT count(*) FROM outbox WHERE kind = 'decision'"), DECISIONS.to_string());
    store.feed(None).expect("there is room");
    turn(&mut store, TURNS_KEPT + 11);
    assert_eq!(ask("SELECT count(*) FROM outbox"), "0", "for nobody nothing is kept");
    drop(store);
    fs::remove_dir_all(folder).expect("it is there");
}
