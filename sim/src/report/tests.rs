//! The data arrives in the page whole and harmless, and the page stands alone.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{SHARED, THEME, embedded_json, jobs_html, placement_html, risk_html, training_html};

/// The text between the data element's tags.
fn embedded(html: &str) -> &str {
    let (_, after) =
        html.split_once("<script type=\"application/json\" id=\"data\">").expect("the data element");
    after.split_once("</script>").expect("the end of the data element").0
}

/// Every page of this room; what holds for one must hold for all.
const PAGES: [fn(&Value) -> String; 4] = [placement_html, jobs_html, training_html, risk_html];

fn study(name: &str) -> Value {
    json!({ "tool": "lepton", "trace": name, "runs": [{ "policy": name, "seed": 42, "seconds": 0.12 }] })
}

#[test]
fn the_embedded_data_is_the_study() {
    for page in PAGES {
        let read: Value = serde_json::from_str(embedded(&page(&study("openb")))).unwrap();
        assert_eq!(read, study("openb"));
    }
}

#[test]
fn a_name_cannot_leave_the_data_element() {
    for name in ["</script><b>", "<!--<script>", "</SCRIPT >", "]]>", "a&amp;b", "\u{2028}\u{2029}", "\"\\"] {
        for page in PAGES {
            let html = page(&study(name));
            let data = embedded(&html);
            assert!(!data.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{name}: {data}");
            assert_eq!(serde_json::from_str::<Value>(data).unwrap(), study(name));
            let elements = |html: &str| html.matches("</script>").count();
            assert_eq!(elements(&html), elements(&page(&study("openb"))), "{name}");
        }
    }
}

#[test]
fn markers_in_the_data_are_not_filled() {
    let name = "{{script}} {{shared}} {{main}} {{title}} {{theme}} {{data}}";
    for page in PAGES {
        let html = page(&study(name));
        assert_eq!(html.matches(SHARED).count(), 1);
        assert_eq!(html.matches(THEME).count(), 1);
        assert!(embedded(&html).contains(name));
    }
}

#[test]
fn a_page_refers_to_nothing_outside_itself() {
    for page in PAGES {
        let html = page(&study("openb")).replace("http://www.w3.org/2000/svg", "");
        for reference in [
            "http:",
            "https:",
            "src=",
            "href=",
            "@import",
            "@font-face",
            "url(\"",
            "url('",
            "fetch(",
            "import(",
        ] {
            assert!(!html.contains(reference), "the page contains {reference}");
        }
        assert!(html.contains("default-src 'none'"), "the browser is told to load nothing");
    }
}

#[test]
fn scripts_never_write_markup() {
    for page in PAGES {
        let html = page(&study("openb"));
        for call in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
            assert!(!html.contains(call), "the page contains {call}");
        }
    }
}

#[test]
fn style_and_scripts_stay_small() {
    for (page, script, most) in [
        ("placement", include_str!("placement.js"), 44),
        ("jobs", include_str!("jobs.js"), 60),
        ("training", include_str!("training.js"), 40),
        ("risk", include_str!("risk.js"), 40),
    ] {
        let bytes = THEME.len() + SHARED.len() + script.len();
        assert!(bytes < most * 1024, "{page}: {bytes} bytes");
    }
}

proptest! {
    #[test]
    fn any_text_survives_embedding(text in any::<String>()) {
        let data = embedded_json(&Value::String(text.clone()));
        prop_assert!(!data.contains(['<', '>', '&']));
        prop_assert_eq!(serde_json::from_str::<Value>(&data).unwrap(), Value::String(text));
    }
}
