//! Expressions that drivers and users of devices write, and what is refused.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::cel::{Domains, Selector, Subject, Value, Version};
use super::quantity::Quantity;

fn domain(name: &str, values: Vec<(&str, Value)>) -> Arc<Domains> {
    let values: BTreeMap<String, Value> =
        values.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    Arc::new(Domains::from([(name.to_owned(), Arc::new(values))]))
}

fn device() -> Subject {
    let text = |text: &str| Value::Text(text.to_owned());
    Subject {
        driver: "gpu.example.com".to_owned(),
        attributes: domain(
            "gpu.example.com",
            vec![
                ("productName", text("NVIDIA H100 80GB HBM3")),
                ("index", Value::Int(3)),
                ("healthy", Value::Bool(true)),
                ("driverVersion", Value::Version(Version::parse("550.54.15").expect("a version"))),
            ],
        ),
        capacity: domain(
            "gpu.example.com",
            vec![("memory", Value::Quantity(Quantity::parse("80Gi").expect("a quantity")))],
        ),
    }
}

#[test]
fn a_device_is_taken_as_its_driver_attributes_and_capacities_say() {
    for (expression, expected) in [
        ("device.driver == 'gpu.example.com'", true),
        (r#"device.driver != "gpu.example.com""#, false),
        ("device.attributes['gpu.example.com'].productName.startsWith('NVIDIA H100')", true),
        ("device.attributes['gpu.example.com'].productName.lowerAscii().contains('a100')", false),
        ("device.attributes[\"gpu.example.com\"].index in [1, 3]", true),
        (
            "device.attributes['gpu.example.com'].index >= 2 && device.attributes['gpu.example.com'].index < 3",
            false,
        ),
        (
            "device.attributes['gpu.example.com'].index % 2 == 1 ? device.attributes['gpu.example.com'].healthy : false",
            true,
        ),
        ("!device.attributes['gpu.example.com'].healthy", false),
        ("device.capacity['gpu.example.com'].memory.compareTo(quantity('40Gi')) >= 0", true),
        ("device.capacity['gpu.example.com'].memory.isGreaterThan(quantity('80Gi'))", false),
        ("device.capacity['gpu.example.com'].memory == quantity('81920Mi')", true),
        ("quantity('1Gi').add(quantity('1Gi')).asInteger() == 2 * 1024 * 1024 * 1024", true),
        ("device.attributes['gpu.example.com'].driverVersion.isGreaterThan(semver('550.54.9'))", true),
        ("device.attributes['gpu.example.com'].driverVersion.major() == 550", true),
        (
            "semver('1.0.0-rc.2').isLessThan(semver('1.0.0-rc.10')) && semver('1.0.0-rc.1').compareTo(semver('1.0.0')) == -1",
            true,
        ),
        // What a device says nothing of.
        ("'model' in device.attributes['gpu.example.com']", false),
        ("has(device.attributes['other.example.com'].model)", false),
        ("has(device.attributes['gpu.example.com'].index)", true),
        ("'other.example.com' in device.attributes", false),
        // What is wrong does not matter where another part decides.
        ("device.attributes['x'].y == 1 || device.driver == 'gpu.example.com'", true),
        ("device.attributes['x'].y == 1 && false", false),
        ("cel.bind(gpu, device.attributes['gpu.example.com'], gpu.index == 3 && gpu.healthy)", true),
        (
            "['A100', 'H100'].exists(name, device.attributes['gpu.example.com'].productName.contains(name))",
            true,
        ),
        ("[1, 2].all(n, n < device.attributes['gpu.example.com'].index)", true),
        ("[3, 3].exists_one(n, n == device.attributes['gpu.example.com'].index)", false),
        ("device.attributes['gpu.example.com'].index == '3'", false),
        ("size('äö') + -1 == 1 // a comment", true),
        (r#""a\"\u00e4\n" == 'a"ä' + "\n" && r'\n'.size() == 2"#, true),
    ] {
        let selector =
            Selector::parse(expression).unwrap_or_else(|problem| panic!("{expression}: {problem}"));
        assert_eq!(selector.takes(&device()), Ok(expected), "{expression}");
    }
}

#[test]
fn what_is_not_known_or_does_not_fit_is_refused_with_the_reason() {
    for (expression, expected) in [
        ("device.driver.matches('gpu.*')", "the function `matches` is not known"),
        ("device.driver.startsWith()", "takes 1 arguments, and 0 stand there"),
        ("device == oldDevice", "`oldDevice` is not known"),
        ("gpu.index == 3", "`gpu` is not known"),
        ("1.5 < 2", "numbers with a fraction"),
        ("device.driver == 'open", "a text does not end"),
        ("device.driver == ", "its end is not expected"),
        ("(true", "`)` is expected before its end"),
        ("true true", "`true` is not expected"),
        ("device.attributes[?'x']", "`?` is not expected"),
        ("99999999999999999999 > 1", "is no whole number"),
        ("'\\q' == ''", "an escape that is not known"),
        ("@", "'@' is not expected"),
        ("", "its end is not expected"),
        (&"(".repeat(4000), "nested more than 50 times"),
        (&"!".repeat(4000), "more than 500 operations"),
        (&format!("1{}", "+1".repeat(4000)), "more than 500 operations"),
        (&format!("device{}", ".a".repeat(4000)), "more than 500 operations"),
    ] {
        let problem = Selector::parse(expression).expect_err(expression);
        assert!(problem.contains(expected), "{expression}: {problem}");
    }
    for (expression, expected) in [
        ("device.attributes['gpu.example.com'].model == 'x'", "no such key: model"),
        ("device.attributes['gpu.example.com'].index", "it is a number and not true or false"),
        ("device.driver < 3", "a text and a number do not go together"),
        ("9223372036854775807 + 1 > 0", "too large"),
        ("1 / 0 == 1", "too large, or 0"),
        ("quantity('many') == quantity('1')", "\"many\" is no quantity"),
        ("semver('1.2') == semver('1.2.0')", "\"1.2\" is no version"),
        ("device.attributes['gpu.example.com'].index.isGreaterThan(3)", "is not for a number and a number"),
        ("[1][1] == 1", "has no element 1"),
        ("device.name == ''", "the device has no `name`"),
    ] {
        let selector =
            Selector::parse(expression).unwrap_or_else(|problem| panic!("{expression}: {problem}"));
        let problem = selector.takes(&device()).expect_err(expression);
        assert!(problem.contains(expected), "{expression}: {problem}");
    }
    // Long is not too long: each part is looked at once.
    let long = ["device.driver == 'gpu.example.com'"; 250].join(" && ");
    assert_eq!(Selector::parse(&long).map(|selector| selector.takes(&device())), Ok(Ok(true)));
}

proptest! {
    #[test]
    fn no_text_ends_the_program(parts in prop::collection::vec(prop::sample::select(vec![
        "device", ".attributes", "['gpu.example.com']", ".index", ".driver", "(", ")", "[", "]", "==", "&&", "||", "!", "-", "1", "'a'",
        "\"", "\\", "?", ":", ".size()", ".startsWith(", "quantity(", "cel.bind(x,", ".exists(x,", "x", ",", "in", "has(", "9223372036854775807",
        "-9223372036854775807", "*", "/", "%", "+", "ä", " ",
    ]), 0..24)) {
        if let Ok(selector) = Selector::parse(&parts.concat()) {
            let _ = selector.takes(&device());
        }
    }
}
