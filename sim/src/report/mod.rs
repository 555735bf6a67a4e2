//! Report pages: one self-contained HTML file per study, with its data embedded as JSON.
//!
//! The pages draw themselves in the browser from that data (`charts.js` and one script per page); here the
//! data is only made safe to embed and put into the template. Nothing is computed from the results, and no
//! page refers to anything outside itself.

use serde_json::Value;

const THEME: &str = include_str!("theme.css");
const CHARTS: &str = include_str!("charts.js");

/// The page of a placement study: curves of allocation and fragmentation, bars, the table of results and
/// maps of the nodes.
///
/// `study` is the JSON document that `lepton simulate placement --output json` prints. It needs at least one
/// run and one summary row; `baseline` and `heat` may be null.
pub fn placement_html(study: &Value) -> String {
    page(include_str!("placement.html"), include_str!("placement.js"), study)
}

/// Fills a template. Markers are looked for in the template alone, so text that looks like a marker stays
/// as it is in data and scripts.
fn page(template: &str, script: &str, data: &Value) -> String {
    let data = embedded_json(data);
    let parts = [("{{theme}}", THEME), ("{{data}}", &data), ("{{charts}}", CHARTS), ("{{script}}", script)];
    let mut html =
        String::with_capacity(template.len() + parts.iter().map(|(_, text)| text.len()).sum::<usize>());
    let mut rest = template;
    for (marker, text) in parts {
        let (before, after) = rest.split_once(marker).expect("every template has all markers, in this order");
        html.push_str(before);
        html.push_str(text);
        rest = after;
    }
    html.push_str(rest);
    html
}

/// JSON that can stand inside a `<script>` element: no string in it can end the element or open a comment,
/// because every `<`, `>` and `&` is written as a JSON escape. So are the line separators U+2028 and U+2029,
/// which older JavaScript engines took for the end of a line.
fn embedded_json(data: &Value) -> String {
    let plain = data.to_string();
    let mut safe = String::with_capacity(plain.len());
    for character in plain.chars() {
        match character {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            '\u{2028}' => safe.push_str("\\u2028"),
            '\u{2029}' => safe.push_str("\\u2029"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests;
