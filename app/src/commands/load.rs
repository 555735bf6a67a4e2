//! `lepton load`: how load stands, stood and is expected to stand on a running service.

use std::fmt::Write as _;

use serde_json::Value;

use super::client::{ask, plain, show};
use crate::cli_serve::LoadArgs;
use crate::failure::Failure;
use crate::output;

/// Nodes named in a line of text.
const NAMED_MAX: usize = 8;
/// Rows of the table over time.
const ROWS_MAX: usize = 24;

pub(crate) fn run(args: &LoadArgs) -> Result<(), Failure> {
    let body = ask(&args.server, "GET", "/api/v1/load", &[], None)?;
    show(&args.server, &body, |body| text(body, u64::from(args.hours) * 3600))
}

fn text(body: &Value, seconds: u64) -> String {
    let now = &body["now"];
    if now.is_null() {
        return "no turn is over yet\n".to_owned();
    }
    let mut table =
        output::table(&["resource", "used", "allocated", "gap", "variation", "max over mean", "busiest"]);
    for r in items(&now["resources"]) {
        let figures = ["used", "allocated", "gap", "variation", "max_over_mean", "busiest"];
        table.add_row(
            std::iter::once(plain(&r["resource"])).chain(figures.iter().map(|figure| plain(&r[*figure]))),
        );
    }
    let mut text = format!("{table}\n");
    let mut line = |name: &str, said: String| {
        let _ = writeln!(text, "{name:<14}{said}");
    };
    line(
        "hot",
        named(&body["hot"], &format!("above {} of the busiest resource", plain(&body["safety_level"]))),
    );
    line("cold", named(&body["cold"], "below a quarter of that"));
    line("bottleneck", plain(&now["bottleneck"]));
    let stranded = items(&now["stranded"]).map(|s| {
        let (devices, nodes) = (plain(&s["devices"]), plain(&s["nodes"]));
        format!("{devices} devices on {nodes} nodes: {}", in_words(&plain(&s["cause"])))
    });
    line("stranded", or_none(stranded.collect::<Vec<_>>().join("; ")));
    line(
        "fragmentation",
        format!("{} free devices that the expected tasks cannot use", plain(&now["fragmentation_devices"])),
    );
    line("waiting", format!("{} tasks", plain(&now["waiting"])));
    let expected = &body["expected"];
    if expected.is_null() {
        line("expected", "nothing is known yet".to_owned());
    } else {
        line(
            "expected",
            named(&expected["hot"], "may pass the safety level within the hour (one in ten or more)"),
        );
        line(
            "",
            format!(
                "{} series since second {}, {} young, {} fallen back; {} of recent peaks below their 95% quantile",
                plain(&expected["series"]),
                plain(&expected["since_seconds"]),
                plain(&expected["young"]),
                plain(&expected["slipped"]),
                plain(&expected["coverage"])
            ),
        );
    }
    text + &over_time(body, seconds)
}

/// A row for each of some moments of the last hours, the oldest first.
fn over_time(body: &Value, seconds: u64) -> String {
    let last = body["now"]["time_seconds"].as_u64().unwrap_or(0);
    let recent =
        items(&body["over_time"]).filter(|m| m["time_seconds"].as_u64().is_some_and(|t| t + seconds >= last));
    let recent: Vec<&Value> = recent.collect();
    let each = recent.len().div_ceil(ROWS_MAX).max(1);
    let mut table = output::table(&[
        "second",
        "hot",
        "cold",
        "waiting",
        "bottleneck",
        "used",
        "allocated",
        "variation",
        "stranded",
        "fragmented",
    ]);
    for moment in recent.iter().rev().step_by(each).rev() {
        let first = &moment["resources"][0];
        let stranded: f64 = items(&moment["stranded"]).filter_map(|s| s["devices"].as_f64()).sum();
        let mut row: Vec<String> = ["time_seconds", "hot", "cold", "waiting", "bottleneck"]
            .iter()
            .map(|c| plain(&moment[*c]))
            .collect();
        row.extend(["used", "allocated", "variation"].iter().map(|c| plain(&first[*c])));
        row.extend([format!("{stranded:.1}"), plain(&moment["fragmentation_devices"])]);
        table.add_row(row);
    }
    if recent.is_empty() {
        String::new()
    } else {
        format!("{table}\nused, allocated and variation are those of the first resource\n")
    }
}

fn items(value: &Value) -> std::slice::Iter<'_, Value> {
    value.as_array().map_or(&[][..], Vec::as_slice).iter()
}

/// How many nodes, what of them, and the first names.
fn named(nodes: &Value, what: &str) -> String {
    let names: Vec<String> = items(nodes).map(plain).collect();
    let shown = names.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
    let more = if names.len() > NAMED_MAX { ", .." } else { "" };
    let shown = if names.is_empty() { String::new() } else { format!(": {shown}{more}") };
    format!("{} nodes {what}{shown}", names.len())
}

fn or_none(text: String) -> String {
    if text.is_empty() { "nothing".to_owned() } else { text }
}

/// Why free capacity cannot be used, from its code.
fn in_words(cause: &str) -> &str {
    match cause {
        "NoCpu" => "no CPU is left to go with them",
        "NoOtherResource" => "no memory or another resource is left to go with them",
        "NodeClosed" => "the node takes no new tasks",
        "DeviceOut" => "out of service",
        "Fragment" => "what is left of each is too small",
        other => other,
    }
}
