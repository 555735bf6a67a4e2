//! Counters, messages, past failures and what is made of them.

use proptest::prelude::*;

use crate::analyze::risk::*;

const DAY: i64 = 86_400;

fn prior() -> FailurePrior {
    FailurePrior::default()
}

#[test]
fn every_pattern_matches_its_own_example_and_no_other() {
    let list = LogPatterns::built_in();
    assert!(list.patterns().len() > 60);
    for pattern in list.patterns() {
        assert!(!pattern.origin.is_empty() && !pattern.cause.is_empty());
        let matching: Vec<&str> =
            list.patterns().iter().filter(|p| p.matches(&pattern.example)).map(|p| p.name.as_str()).collect();
        assert_eq!(matching, [pattern.name.as_str()], "{}", pattern.example);
    }
    assert_eq!(list.find("usb 1-1: new high-speed USB device number 2"), None);
}

#[test]
fn a_list_with_a_mistake_is_refused_with_its_line() {
    for (text, said) in [
        ("x\n", "line 1 of the list of log patterns: expected a name in brackets, found `x`"),
        (
            "[a]\nseverity bad\ncause c\nmatch m\nexample e\norigin o\n",
            "line 2 of the list of log patterns: expected critical",
        ),
        (
            "[a]\nseverity error\ncause c\nmatch *\nexample e\norigin o\n",
            "line 4 of the list of log patterns: matches everything",
        ),
        ("[a]\nseverity error\n", "`a` lacks the field `match`"),
        ("[a]\ncolour red\n", "unknown field `colour`"),
    ] {
        let error = LogPatterns::parse(text).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    let block = "[a]\nseverity error\ncause c\nmatch m\nexample e\norigin o\n";
    let error = LogPatterns::parse(&format!("{block}\n{block}")).unwrap_err().to_string();
    assert!(error.contains("line 8") && error.contains("comes twice"), "{error}");
}

#[test]
fn the_worst_pattern_of_several_is_told() {
    let list = "[a]\nseverity warning\ncause c\nmatch disk\nexample e\norigin o\n\n\
                [b]\nseverity critical\ncause c\nmatch disk*gone\nexample e\norigin o\n";
    let list = LogPatterns::parse(list).unwrap();
    assert_eq!(list.find("disk is gone").unwrap().name, "b");
    assert_eq!(list.find("gone is the disk").unwrap().name, "a");
}

#[test]
fn a_node_without_failures_tends_to_the_usual_rate_and_one_with_many_to_its_own() {
    let mut quiet = PastFailures::default();
    quiet.observe(0, &prior());
    let at_first = quiet.rate_per_day(&prior());
    assert!((at_first - 0.0065).abs() < 1e-12);
    quiet.observe(60 * DAY, &prior());
    assert!(quiet.rate_per_day(&prior()) < at_first);
    let mut bad = PastFailures::default();
    bad.observe(0, &prior());
    for day in 1..=40 {
        bad.fail(3 * day * DAY, &prior());
    }
    let rate = bad.rate_per_day(&prior());
    assert!((0.2..0.3).contains(&rate), "{rate}");
    // A long good time later it is believed to be well again.
    bad.observe((120 + 720) * DAY, &prior());
    assert!(bad.rate_per_day(&prior()) < 0.01);
}

#[test]
fn a_lemon_has_failed_often_and_a_single_bad_day_makes_none() {
    let node = |failures: &[i64]| {
        let mut past = PastFailures::default();
        past.observe(0, &prior());
        for &day in failures {
            past.fail(day * DAY, &prior());
        }
        past.observe(28 * DAY, &prior());
        past.is_lemon(0.002, &prior(), &LemonRule::default())
    };
    assert!(!node(&[]) && !node(&[3]) && !node(&[3, 3]));
    assert!(node(&[3, 8, 12, 20]));
}

#[test]
fn how_sure_one_is_of_a_rate_is_the_tail_of_its_distribution() {
    // With shape 1/2 + 1/2 and no exposure but the prior's, the rate is exponential.
    let prior = FailurePrior { failures_per_day: 0.5, shape: 1.0, half_life_days: 1e9 };
    let past = PastFailures::default();
    for rate in [0.01, 0.3, 1.0, 4.0] {
        assert!((past.sure_above(rate, &prior) - (-2.0 * rate).exp()).abs() < 1e-9, "{rate}");
    }
}

#[test]
fn chances_are_those_of_the_outcomes_and_never_fall() {
    // A score s whose chance is s squared, with outcomes spread as evenly as can be.
    let mut carry = 0.0;
    let outcome = |i: u32| {
        let score = f64::from(i) / 20_000.0;
        carry += score * score;
        let event = carry >= 1.0;
        carry -= f64::from(u8::from(event));
        Outcome { score, event }
    };
    let outcomes: Vec<Outcome> = (0..20_000).map(outcome).collect();
    let calibration = Calibration::fit(&outcomes).unwrap();
    for i in 1..20 {
        let s = f64::from(i) / 20.0;
        assert!((calibration.chance(s) - s * s).abs() < 0.03, "{s}: {}", calibration.chance(s));
    }
    assert!(calibration.chance(-1e9) < 0.01 && calibration.chance(1e9) > 0.95);
    assert_eq!(Calibration::fit(&[]), None);
}

#[test]
fn signs_raise_the_risk_fade_and_are_named() {
    let model = RiskModel::default();
    let mut node = NodeSigns::default();
    node.observe(0, &model.prior);
    let calm = model.assess(&node, 0);
    assert!(calm.signals.is_empty() && calm.chances[1] < 0.02, "{calm:?}");
    node.sign(0, Sign::Message(Severity::Critical), &model.prior);
    node.sign(0, Sign::CounterGrowth(2.0), &model.prior);
    let alarmed = model.assess(&node, 0);
    assert!(alarmed.chances.iter().zip(&calm.chances).all(|(a, c)| a > c));
    assert_eq!(alarmed.signals[0].0, "critical messages");
    let later = model.assess(&node, 30 * DAY);
    assert!(later.chances[1] < 1.2 * calm.chances[1], "{later:?}");
    assert!(alarmed.chances[0] <= alarmed.chances[1] && alarmed.chances[1] <= alarmed.chances[2]);
}

#[test]
fn looking_at_a_node_often_changes_nothing() {
    let prior = prior();
    let (mut seldom, mut often) = (NodeSigns::default(), NodeSigns::default());
    for node in [&mut seldom, &mut often] {
        node.observe(0, &prior);
        node.sign(100, Sign::Message(Severity::Error), &prior);
        node.fail(500, &prior);
        node.repaired(4000);
    }
    (4000..40_000).step_by(60).for_each(|t| often.observe(t, &prior));
    let (a, b) = (seldom.signals(40_000, &prior), often.signals(40_000, &prior));
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-9), "{a:?} {b:?}");
}

#[test]
fn counters_tell_growth_age_and_falls_and_only_of_their_past() {
    let features = CounterFeatures::new(vec!["age_h".into(), "errors".into()], Some(0));
    let mut history = CounterHistory::default();
    let rows = [[0.0, 0.0], [720.0, 2.0], [1440.0, f32::NAN], [2160.0, 6.0], [2880.0, 1.0]];
    let told: Vec<Vec<f32>> = rows.iter().map(|row| features.push(&mut history, row)).collect();
    let names = features.names();
    let of = |row: usize, name: &str| told[row][names.iter().position(|n| n == name).unwrap()];
    assert_eq!(of(1, "errors change"), 2.0);
    assert!(of(2, "errors").is_nan() && of(3, "errors change").is_nan());
    assert_eq!((of(3, "errors change over 3 rows"), of(3, "errors change since first")), (6.0, 6.0));
    assert_eq!((of(4, "errors below its highest"), of(4, "errors rows above 0")), (5.0, 3.0));
    assert_eq!(of(1, "errors for its age"), 2.0 / 1440.0);
    assert_eq!((of(4, "rows"), of(4, "counters above 0")), (4.0, 2.0));
    assert!(told.iter().all(|t| t.len() == names.len()));
}

#[test]
fn a_damaged_ensemble_is_refused() {
    let leaf = TreeNode::leaf(1.0);
    let ask = |feature, left| TreeNode::split(feature, 0.5, true, left);
    let new = |nodes: Vec<TreeNode>| TreeEnsemble::new(vec!["a".into()], 0.0, vec![nodes]);
    let whole = new(vec![ask(0, 1), leaf, TreeNode::leaf(-1.0)]).unwrap();
    assert_eq!([0.0, 1.0, f32::NAN].map(|x| whole.log_odds(&[x])), [1.0, -1.0, 1.0]);
    for nodes in [
        vec![],
        vec![ask(1, 1), leaf, leaf],
        vec![ask(0, 0), leaf],
        vec![ask(0, 2), leaf, leaf],
        vec![TreeNode::leaf(f32::NAN)],
    ] {
        assert!(new(nodes).is_err());
    }
}

fn any_sign() -> impl Strategy<Value = Sign> {
    prop_oneof![
        Just(Sign::Message(Severity::Warning)),
        Just(Sign::Message(Severity::Critical)),
        any::<f64>().prop_map(Sign::CounterGrowth),
        any::<f64>().prop_map(Sign::Anomaly),
    ]
}

proptest! {
    #[test]
    fn no_history_makes_a_chance_that_is_none(
        steps in prop::collection::vec((any::<i64>(), 0..4_u8, any_sign()), 0..40), now in any::<i64>(),
    ) {
        let model = RiskModel::default();
        let mut node = NodeSigns::default();
        for (at, kind, sign) in steps {
            match kind {
                0 => node.fail(at, &model.prior),
                1 => node.repaired(at),
                _ => node.sign(at, sign, &model.prior),
            }
        }
        let risk = model.assess(&node, now);
        prop_assert!(risk.chances.iter().all(|c| (0.0..=1.0).contains(c)), "{risk:?}");
        prop_assert!(risk.signals.iter().all(|s| s.1.is_finite()));
    }

    #[test]
    fn a_calibration_gives_chances_for_any_outcomes(
        outcomes in prop::collection::vec((any::<f64>(), any::<bool>()), 1..60), score in any::<f64>(),
    ) {
        let outcomes: Vec<Outcome> = outcomes.into_iter().map(|(score, event)| Outcome { score, event }).collect();
        if let Some(calibration) = Calibration::fit(&outcomes) {
            let (a, b) = (calibration.chance(score), calibration.chance(score.abs() * 2.0));
            prop_assert!((0.0..=1.0).contains(&a) && (0.0..=1.0).contains(&b));
            prop_assert!(score.is_nan() || a <= b || score.abs() * 2.0 < score);
        }
    }
}

fn fitted_risk() -> FittedRisk {
    let outcomes = (0..200).map(|i| Outcome { score: f64::from(i), event: i > 150 });
    let calibration = Calibration::fit(&outcomes.collect::<Vec<_>>());
    let mut model = RiskModel::default();
    model.horizons[0].calibration = calibration;
    FittedRisk::new(model, "lepton simulate faults".into(), "made nodes".into())
}

#[test]
fn a_model_of_nodes_that_makes_no_chances_is_refused() {
    let fitted = fitted_risk();
    assert_eq!(FittedRisk::from_bytes(&fitted.to_bytes()).expect("sound"), fitted);
    let damaged = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut value: serde_json::Value = serde_json::from_slice(&fitted.to_bytes()).expect("JSON");
        change(&mut value);
        FittedRisk::from_bytes(value.to_string().as_bytes()).expect_err("it is damaged").to_string()
    };
    assert!(damaged(&|v| v["kind"] = "counter-risk".into()).contains("expected `node-risk`"));
    assert!(damaged(&|v| v["version"] = 2.into()).contains("version 2"));
    assert!(damaged(&|v| v["model"]["prior"]["shape"] = (-1.0).into()).contains("make no chances"));
    let chance = "[[5.0, 0.4], [6.0, 0.3]]";
    let falls = |v: &mut serde_json::Value| {
        v["model"]["horizons"][0]["calibration"]["points"] = serde_json::from_str(chance).expect("JSON");
    };
    assert!(damaged(&falls).contains("make no chances"));
    assert!(FittedRisk::from_bytes(b"{}").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_model_of_nodes_with_any_byte_changed_is_refused_or_makes_chances(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = fitted_risk().to_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(fitted) = FittedRisk::from_bytes(&bytes) {
            let mut signs = NodeSigns::default();
            signs.sign(DAY, Sign::CounterGrowth(5.0), &fitted.model.prior);
            signs.fail(2 * DAY, &fitted.model.prior);
            let chances = fitted.model.assess(&signs, 3 * DAY).chances;
            prop_assert!(chances.iter().all(|c| (0.0..=1.0).contains(c)), "{chances:?}");
        }
    }
}
