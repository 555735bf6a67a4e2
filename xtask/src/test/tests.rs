//! What the summary says of groups that pass, fail and cannot run.

use super::tally::{GroupReport, State, Tally, summary};
use super::wanted_groups;

fn report(name: &'static str, state: State, passed: u64, failed: u64) -> GroupReport {
    GroupReport { name, state, tally: Tally { passed, failed }, seconds: 1.25 }
}

fn passed() -> State {
    State::Passed(String::new())
}

#[test]
fn results_of_several_test_programs_are_added_up() {
    let mut tally = Tally::default();
    for line in [
        "running 3 tests",
        "test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        "test says_7_passed ... ok",
        "# pass 5",
        "# fail 0",
        "test result: FAILED. 40 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s",
    ] {
        tally.add_line(line);
    }
    assert_eq!(tally, Tally { passed: 47, failed: 3 });
}

#[test]
fn the_last_line_counts_tests() {
    let reports = [report("rust", passed(), 42, 0), report("data", State::Passed("found".to_owned()), 0, 0)];
    let (text, success) = summary(&reports, true);
    assert_eq!(
        text,
        "summary\n  rust       passed      1.2 s  42 tests\n  data       passed      1.2 s  found\n42 passed, 0 failed"
    );
    assert!(success);
}

#[test]
fn a_failed_test_fails_the_run() {
    let (text, success) = summary(&[report("rust", State::Failed(String::new()), 40, 2)], false);
    assert!(text.ends_with("rust       failed      1.2 s  2 of 42 tests\n40 passed, 2 failed"), "{text}");
    assert!(!success);
}

#[test]
fn a_build_that_fails_is_no_clean_zero() {
    let (text, success) = summary(&[report("rust", State::Failed("exit 101".to_owned()), 0, 0)], false);
    assert!(text.ends_with("\n0 passed, 1 failed"), "{text}");
    assert!(!success);
}

#[test]
fn a_group_that_cannot_run_fails_only_where_all_must_run() {
    let reports = [report("data", State::NotRun("no traces".to_owned()), 0, 0)];
    let (text, success) = summary(&reports, false);
    assert!(text.contains("data       not run     1.2 s  no traces"), "{text}");
    assert!(success);
    let (text, success) = summary(&reports, true);
    assert!(text.ends_with("\n0 passed, 1 failed"), "{text}");
    assert!(!success);
}

#[test]
fn groups_run_in_their_own_order_and_unknown_ones_are_refused() {
    let names = |args: &[&str]| {
        wanted_groups(args).map(|groups| groups.into_iter().map(|(name, _)| name).collect::<Vec<_>>())
    };
    assert_eq!(
        names(&[]).expect("all"),
        [
            "rust",
            "data",
            "page",
            "browser",
            "sources",
            "kubernetes",
            "kafka",
            "stores",
            "fuzz",
            "otel",
            "train"
        ]
    );
    assert_eq!(names(&["browser", "rust"]).expect("two"), ["rust", "browser"]);
    let error = names(&["rusty"]).expect_err("there is no such group").to_string();
    assert_eq!(
        error,
        "there is no test group `rusty`; there are: rust, data, page, browser, sources, kubernetes, kafka, stores, fuzz, otel, train"
    );
}
