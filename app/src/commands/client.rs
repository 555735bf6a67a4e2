//! What talks to a running service: `status`, `get`, `explain`; how it is talked to.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};

use crate::cli_serve::{ExplainArgs, GetArgs, Listed, ServerArgs, Shown, StatusArgs, TrialArgs};
use crate::failure::Failure;
use crate::kubectl;
use crate::output;
use crate::token_file;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest answer, bytes.
const ANSWER_BYTES_MAX: u64 = 256 << 20;

pub(crate) fn status(args: &StatusArgs) -> Result<(), Failure> {
    let body = ask(&args.server, "GET", "/api/v1/status", &[], None)?;
    show(&args.server, &body, |body| {
        let mut table = output::table(&["", ""]);
        let in_lines = |name: &str| ["sources", "store"].contains(&name);
        for (name, value) in body.as_object().into_iter().flatten().filter(|(name, _)| !in_lines(name)) {
            table.add_row([name.clone(), plain(value)]);
        }
        let sources = body["sources"].as_array().into_iter().flatten().map(source);
        let [database, kafka] = ["remote", "kafka"].map(|name| &body["store"][name]);
        let told = remote("database", database) + &remote("topics", kafka);
        format!("{table}\n{}{told}", sources.collect::<String>())
    })
}

/// How somebody elsewhere is told, in lines; nothing where there is none.
fn remote(who: &str, of: &Value) -> String {
    if of.is_null() {
        return String::new();
    }
    let away = if of["problem"].is_null() { "told" } else { "away" };
    let problem = of["problem"].as_str().map_or_else(String::new, |problem| format!("  {problem}\n"));
    let [waiting, told, dropped] = ["waiting", "told", "dropped"].map(|name| &of[name]);
    format!(
        "{who} {}: {away}, {waiting} rows wait, {told} told, {dropped} of history dropped untold\n{problem}",
        plain(&of["target"])
    )
}

/// A source in lines: how old what it told is, and what it cannot see.
fn source(of: &Value) -> String {
    let state = if of["stale"] == true { "out of date" } else { "fresh" };
    let looks = of["looks"].as_u64().map(|looks| format!(", {looks} looks, {} failed", of["failures"]));
    let mut text = format!(
        "source {}: {state}, looked {} s ago{}\n",
        plain(&of["name"]),
        of["age_seconds"],
        looks.unwrap_or_default()
    );
    let series = &of["series"];
    if !series.is_null() {
        let [mapped, unmapped, ambiguous] = ["mapped", "unmapped", "ambiguous"].map(|name| &series[name]);
        text += &format!(
            "  {mapped} series of something known, {unmapped} of nothing known, {ambiguous} claimed twice\n"
        );
    }
    let stream = &of["stream"];
    if !stream.is_null() {
        let [messages, dead, late, unknown, lag] =
            ["messages", "dead_letters", "late", "unknown", "lag"].map(|name| &stream[name]);
        text += &format!(
            "  {messages} messages read, {lag} not yet; {dead} dead letters, {late} late, {unknown} of nodes that are not known\n"
        );
    }
    let lines = [&of["notes"], &series["examples"], &stream["examples"]]
        .into_iter()
        .filter_map(Value::as_array)
        .flatten();
    for line in of["problem"].as_str().into_iter().chain(lines.filter_map(Value::as_str)) {
        text += &format!("  {line}\n");
    }
    text
}

pub(crate) fn get(args: &GetArgs) -> Result<(), Failure> {
    let (name, columns): (&str, &[&str]) = match args.what {
        Listed::Nodes => {
            ("nodes", &["name", "state", "tasks", "devices", "used", "promised", "failure_probability"])
        }
        Listed::Tasks => ("tasks", &["name", "state", "node", "priority", "submitted_seconds", "waits_for"]),
        Listed::Plans => ("plans", &["id", "state", "time_seconds", "effects", "waiting", "successor"]),
        Listed::Decisions => ("decisions", &["id", "time_seconds", "code", "sentence"]),
        Listed::Policies => (
            "policies",
            &["decides", "serves", "learned", "comparisons", "gain", "half_width", "unit", "note"],
        ),
        Listed::Audit => ("audit", &["unix_seconds", "actor", "action", "target", "detail"]),
    };
    let limit = if matches!(args.what, Listed::Policies | Listed::Audit) {
        String::new()
    } else {
        format!("?limit={}", args.limit)
    };
    let path = format!("/api/v1/{name}{limit}");
    let body = ask(&args.server, "GET", &path, &[], None)?;
    show(&args.server, &body, |body| {
        let mut table = output::table(columns);
        for item in body["items"].as_array().into_iter().flatten() {
            table.add_row(columns.iter().map(|column| plain(&item[column])).collect::<Vec<_>>());
        }
        let more =
            if body["next_cursor"].is_null() { "" } else { "there are more; --limit shows up to 1000\n" };
        format!("{table}\n{more}")
    })
}

pub(crate) fn explain(args: &ExplainArgs) -> Result<(), Failure> {
    let why_not = args.why_not.as_ref().map(|node| format!("?why_not={}", encoded(node)));
    let path = format!("/api/v1/explain/{}{}", encoded(&args.id), why_not.unwrap_or_default());
    let body = ask(&args.server, "GET", &path, &[], None)?;
    show(&args.server, &body, explanation)
}

pub(crate) fn trial(args: &TrialArgs) -> Result<(), Failure> {
    let body = ask(&args.server, "POST", "/api/v1/trials", &[], Some(json!({ "what": args.what })))?;
    show(&args.server, &body, |body| {
        format!("{}\nlook at {}: {}\n", plain(&body["did"]), plain(&body["at"]), plain(&body["look"]))
    })
}

/// Nodes with what their scores are made of; nothing where there are none.
fn candidates(head: &str, rows: &Value) -> String {
    let rows = rows.as_array().map_or(&[][..], Vec::as_slice);
    let Some(first) = rows.first() else { return String::new() };
    // All candidates for a task have the same terms.
    let terms = first["terms"].as_array().map_or(&[][..], Vec::as_slice);
    let codes: Vec<&str> = terms.iter().filter_map(|term| term["code"].as_str()).collect();
    let mut table = output::table(&[&[head, "score"][..], &codes, &["expected use", "safe"]].concat());
    for row in rows {
        let of_terms = row["terms"].as_array().into_iter().flatten().map(|term| plain(&term["value"]));
        let cells = [plain(&row["node"]), plain(&row["score"])].into_iter().chain(of_terms);
        table.add_row(cells.chain([plain(&row["expected_use"]), plain(&row["safe"])]).collect::<Vec<_>>());
    }
    format!("{table}\n")
}

fn explanation(body: &Value) -> String {
    let mut text = format!("{}\nreason: {}\n", plain(&body["sentence"]), plain(&body["code"]));
    if let Some(plan) = body["plan"].as_object() {
        text += &format!("effects: {}\n", plain(&plan["effects"]));
        for part in plan["parts"].as_array().into_iter().flatten() {
            for step in part["steps"].as_array().into_iter().flatten() {
                text += &format!("  {} ({})\n", plain(step), plain(&part["reason"]));
            }
        }
    }
    let why_not = &body["why_not"];
    for obstacle in why_not["obstacles"].as_array().into_iter().flatten() {
        text += &format!("in the way: {} ({})\n", plain(&obstacle["sentence"]), plain(&obstacle["code"]));
    }
    for fit in why_not["would_fit"].as_array().into_iter().flatten().chain([&body["would_fit"]]) {
        if !fit.is_null() {
            text += &format!("would fit on {} if {}\n", plain(&fit["node"]), plain(&fit["changes"]));
        }
    }
    if let Some(starts) = body["starts"].as_object() {
        text += &format!("{}\n", plain(&starts["sentence"]));
    }
    text += &candidates("weighed now", &why_not["weighed"]);
    let decisions = body["decisions"].as_array().map_or(&[][..], Vec::as_slice);
    if let Some(newest) = decisions.first() {
        text += &candidates("candidate", &newest["candidates"]);
        for rule in newest["ruled_out"].as_array().into_iter().flatten() {
            let named = rule["named"].as_array().map_or(&[][..], Vec::as_slice);
            let names: Vec<String> = named.iter().map(plain).collect();
            let more = if rule["nodes"].as_u64() > Some(named.len() as u64) { ", ..." } else { "" };
            let which =
                if names.is_empty() { String::new() } else { format!(": {}{more}", names.join(", ")) };
            let (nodes, code) = (plain(&rule["nodes"]), plain(&rule["rule"]));
            text += &format!("{nodes} nodes ruled out by {code}{which}\n");
        }
    }
    for decision in decisions {
        let (when, id) = (plain(&decision["time_seconds"]), plain(&decision["id"]));
        text += &format!("{when} s  {id}  {}\n", plain(&decision["sentence"]));
    }
    text
}

pub(super) fn show(
    server: &ServerArgs,
    body: &Value,
    text: impl Fn(&Value) -> String,
) -> Result<(), Failure> {
    match server.output {
        Shown::Json => output::print_json(body)?,
        Shown::Table => output::print(&text(body))?,
    }
    Ok(())
}

pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => {
            // What rounds to nothing has no sign.
            let text = format!("{:.3}", number.as_f64().unwrap_or_default());
            if text == "-0.000" { "0.000".to_owned() } else { text }
        }
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join("; "),
        other => other.to_string(),
    }
}

/// A name as a part of a path.
pub(super) fn encoded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let one = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    name.bytes().map(one).collect()
}

/// One request, one answer.
pub(super) fn ask(
    server: &ServerArgs,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<Value>,
) -> Result<Value, Failure> {
    let of_file = server.token_file.as_deref().map(token_file::read).transpose().map_err(Failure::Input)?;
    let token = of_file.or_else(|| kubectl::token().map(str::to_owned));
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = headers.to_vec();
    headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
    let (status, text) = exchange(server, method, path, &headers, body)?;
    let answer: Value = serde_json::from_str(&text)
        .with_context(|| format!("{} answers {status} and no JSON", server.server))?;
    if status < 400 {
        return Ok(answer);
    }
    let said = format!("{} (status {status})", plain(&answer["detail"]));
    let successor = answer["successor"].as_str().map(|plan| format!("; {plan} took its place"));
    let said = said + &successor.unwrap_or_default();
    Err(match status {
        409 | 412 => Failure::Stale(said),
        400..=499 => Failure::Input(said),
        _ => Failure::Other(anyhow::anyhow!(said)),
    })
}

fn exchange(
    args: &ServerArgs,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<Value>,
) -> Result<(u16, String), Failure> {
    let server = &args.server;
    let failed =
        || format!("no answer from {server}. Maybe `lepton serve` does not run, or --server names another");
    let mut stream = server.connect(args.ca_file.as_deref(), PATIENCE).map_err(|failure| match failure {
        Failure::Other(error) => Failure::Other(error.context(failed())),
        other => other,
    })?;
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n{more}\r\n{body}",
        server.authority(),
        body.len()
    );
    stream.write_all(request.as_bytes()).with_context(failed)?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer).with_context(failed)?;
    let (head, text) = answer.split_once("\r\n\r\n").with_context(failed)?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).with_context(failed)?;
    Ok((status, text.to_owned()))
}
