//! What each queue rule prefers, and worked values of the formulas.

use crate::decide::queue_policies::{QueueContext, queue_policies, queue_policy, queue_policy_with};

use super::*;

fn job(submit: f64, requested: f64, size: f64) -> JobFacts {
    JobFacts {
        unit: 0,
        submit_seconds: submit,
        requested_seconds: requested,
        size,
        attained_unit_seconds: 0.0,
        lost_seconds: 0.0,
        priority: 0.0,
        owner_share: 0.0,
        running: false,
        seconds_per_end: requested,
    }
}

fn goes_first(policy: &dyn QueuePolicy, now: f64, a: &JobFacts, b: &JobFacts) -> bool {
    let score = |j: &JobFacts| policy.score(policy.coefficients(j), now - j.submit_seconds);
    score(a) < score(b)
}

#[test]
fn names_are_unique_and_found_by_the_registry() {
    let all = queue_policies();
    for p in &all {
        assert_eq!(queue_policy(p.name()).map(|q| q.name()), Some(p.name()));
        assert_eq!(all.iter().filter(|q| q.name() == p.name()).count(), 1, "{}", p.name());
        assert!(p.about().ends_with('.'), "{} says what it is", p.name());
    }
    assert_eq!(queue_policy("fifo").map(|p| p.name()), Some("fcfs"));
    assert!(queue_policy("none-such").is_none());
}

#[test]
fn a_score_fixed_at_submission_ignores_the_wait() {
    let j = job(100.0, 60.0, 4.0);
    for p in queue_policies().iter().filter(|p| p.change() == ScoreChange::Never) {
        let c = p.coefficients(&j);
        assert_eq!(p.score(c, 0.0), p.score(c, 1e6), "{}", p.name());
    }
}

#[test]
fn each_rule_prefers_what_its_formula_says() {
    let (short_wide, long_narrow) = (job(10.0, 10.0, 64.0), job(5.0, 100.0, 2.0));
    let first = |name: &str| {
        let p = queue_policy(name).expect("a known name");
        goes_first(p.as_ref(), 1000.0, &short_wide, &long_narrow)
    };
    assert!(first("sjf"));
    assert!(!first("fcfs"));
    assert!(!first("saf"), "640 unit-seconds against 200");
    assert!(first("sqaf"), "80 against 141");
    assert!(!first("smallest"));
    assert!(first("wfp3"));
    assert!(first("lxf"));
}

#[test]
fn worked_values_of_the_formulas() {
    let j = job(1000.0, 100.0, 4.0);
    let at = |name: &str, now: f64| {
        let p = queue_policy(name).expect("a known name");
        p.score(p.coefficients(&j), now - 1000.0)
    };
    assert_eq!(at("f1", 0.0), 2.0 * 4.0 + 870.0 * 3.0);
    assert_eq!(at("f2", 0.0), 10.0 * 4.0 + 25_600.0 * 3.0);
    assert_eq!(at("f3", 0.0), 400.0 + 6.86e6 * 3.0);
    assert_eq!(at("f4", 0.0), 200.0 + 5.3e5 * 3.0);
    assert_eq!(at("wfp3", 1200.0), -8.0 * 4.0);
    assert!((at("unicep", 1200.0) - -1.0).abs() < 1e-12);
    assert!((at("wfp3-published", 1200.0) - 10.01f64.powi(3) * 4.0).abs() < 1e-9);
}

#[test]
fn las_demotes_after_its_service_threshold() {
    let las = LeastAttainedService::default();
    let fresh = job(500.0, 10.0, 1.0);
    let old = JobFacts { attained_unit_seconds: 57_600.0, ..job(0.0, 10.0, 1.0) };
    assert!(goes_first(&las, 600.0, &fresh, &old));
    let nearly = JobFacts { attained_unit_seconds: 57_599.0, ..old };
    assert!(goes_first(&las, 600.0, &nearly, &fresh));
}

#[test]
fn ageing_lets_a_long_wait_overtake_a_priority_point() {
    let p = PriorityAgeing { ageing_seconds: 100.0 };
    let important = JobFacts { priority: 1.0, ..job(200.0, 1.0, 1.0) };
    assert!(goes_first(&p, 300.0, &important, &job(101.0, 1.0, 1.0)));
    assert!(!goes_first(&p, 300.0, &important, &job(99.0, 1.0, 1.0)));
}

#[test]
fn drf_serves_the_owner_with_the_smaller_share() {
    let poor = JobFacts { owner_share: 0.1, ..job(50.0, 1.0, 1.0) };
    let rich = JobFacts { owner_share: 0.4, ..job(0.0, 1.0, 1.0) };
    assert!(goes_first(&DominantResourceFairness, 60.0, &poor, &rich));
}

#[test]
fn a_running_job_is_stopped_only_for_one_that_is_expected_to_end_much_sooner() {
    let gittins = queue_policy("gittins").expect("a known policy");
    let of = |seconds_per_end: f64, running: bool| {
        let job = JobFacts { seconds_per_end, running, ..job(0.0, 1.0, 1.0) };
        gittins.coefficients(&job)[0]
    };
    assert!(of(500.0, true) < of(100.0, false));
    assert!(of(500.0, true) > of(10.0, false));
}

#[test]
fn an_oracle_orders_by_the_truth_it_was_made_with_and_by_requests_without() {
    let (asks_long, asks_short) =
        (JobFacts { unit: 0, ..job(0.0, 500.0, 1.0) }, JobFacts { unit: 1, ..job(0.0, 50.0, 1.0) });
    let truth = RunTimes::new(&[10, 40]);
    for name in ["srtf", "srtf-published", "sgf", "spf-oracle", "saf-oracle"] {
        let context = QueueContext { truth: truth.clone(), ..QueueContext::default() };
        let told = queue_policy_with(name, &context).expect("a known policy");
        assert!(goes_first(told.as_ref(), 60.0, &asks_long, &asks_short), "{name}");
        let untold = queue_policy(name).expect("a known policy");
        assert!(goes_first(untold.as_ref(), 60.0, &asks_short, &asks_long), "{name}");
    }
    let lost = JobFacts { attained_unit_seconds: 8.0, lost_seconds: 60.0, ..asks_long };
    assert_eq!(truth.remaining_seconds(&lost), 62.0);
}
