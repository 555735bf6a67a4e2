//! `lepton risk --logs`: messages that tell of faults, by node.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lepton_core::analyze::risk::{LogPatterns, NodeSigns, RiskModel, Severity, Sign};
use lepton_sim::readers::{read_log, read_whole_text};
use serde::Serialize;

use super::risk_telemetry::csv_field;
use crate::cli_risk::RiskArgs;
use crate::failure::Failure;
use crate::output::{self, OutputFormat};

/// Rows of the table.
const ROWS_SHOWN: usize = 60;
/// A list of patterns is at most so long.
const PATTERNS_BYTES_MAX: u64 = 1 << 20;
/// Nodes that are told apart; messages of more are counted as of one.
const NODES_MAX: usize = 1_000_000;

/// Messages of one kind on one node.
#[derive(Debug, Clone, Serialize)]
struct Found {
    name: String,
    severity: Severity,
    cause: String,
    count: u64,
    /// The first, as it stands in the log, shortened.
    example: String,
    /// Seconds of the first and the last, where the log tells the time.
    first_seconds: Option<f64>,
    last_seconds: Option<f64>,
}

#[derive(Debug, Default)]
struct Node {
    found: BTreeMap<String, Found>,
    signs: NodeSigns,
    last_seconds: i64,
}

#[derive(Debug, Serialize)]
struct NodeReport {
    node: String,
    critical: u64,
    errors: u64,
    warnings: u64,
    /// Chances of a failure within an hour, a day and a week of the last message, where the log tells the time.
    chances: Option<[f64; 3]>,
    messages: Vec<Found>,
}

#[derive(Debug, Serialize)]
struct Report {
    lines: u64,
    matched: u64,
    nodes: Vec<NodeReport>,
}

pub(super) fn run(args: &RiskArgs, logs: &[PathBuf]) -> Result<(), Failure> {
    let patterns = match &args.patterns {
        Some(path) => own_patterns(path)?,
        None => LogPatterns::built_in(),
    };
    let model = RiskModel::default();
    let mut nodes: BTreeMap<String, Node> = BTreeMap::new();
    let (mut lines, mut matched) = (0_u64, 0_u64);
    for path in logs {
        let default = path.file_stem().and_then(|s| s.to_str()).unwrap_or("node").to_owned();
        read_log(path, |message| {
            lines += 1;
            let Some(pattern) = patterns.find(message.text) else { return };
            matched += 1;
            let mut name = message.node.unwrap_or(&default);
            if nodes.len() >= NODES_MAX && !nodes.contains_key(name) {
                name = "other nodes";
            }
            if !nodes.contains_key(name) {
                nodes.insert(name.to_owned(), Node::default());
            }
            let Some(node) = nodes.get_mut(name) else { return };
            if let Some(seconds) = message.seconds {
                node.last_seconds = seconds as i64;
                node.signs.sign(seconds as i64, Sign::Message(pattern.severity), &model.prior);
            }
            let found = node.found.entry(pattern.name.clone()).or_insert_with(|| Found {
                name: pattern.name.clone(),
                severity: pattern.severity,
                cause: pattern.cause.clone(),
                count: 0,
                example: message.text.chars().take(160).collect(),
                first_seconds: message.seconds,
                last_seconds: None,
            });
            found.count += 1;
            found.last_seconds = message.seconds;
        })?;
    }
    let mut report =
        Report { lines, matched, nodes: nodes.into_iter().map(|(n, d)| of_node(n, d, &model)).collect() };
    report.nodes.sort_by_key(|n| std::cmp::Reverse((n.critical, n.errors, n.warnings)));
    match args.output {
        OutputFormat::Json => output::print_json(&report)?,
        OutputFormat::Csv => output::print(&csv(&report))?,
        OutputFormat::Table => output::print(&text(&report))?,
    }
    Ok(())
}

fn own_patterns(path: &Path) -> Result<LogPatterns, Failure> {
    let text = read_whole_text(path, PATTERNS_BYTES_MAX).map_err(|e| Failure::Input(e.to_string()))?;
    LogPatterns::parse(&text).map_err(|e| Failure::Input(format!("{}: {e}", path.display())))
}

fn of_node(name: String, node: Node, model: &RiskModel) -> NodeReport {
    let mut messages: Vec<Found> = node.found.into_values().collect();
    messages.sort_by(|a, b| b.severity.cmp(&a.severity).then(b.count.cmp(&a.count)));
    let count = |severity| messages.iter().filter(|m| m.severity == severity).map(|m| m.count).sum();
    let timed = messages.iter().any(|m| m.first_seconds.is_some());
    NodeReport {
        node: name,
        critical: count(Severity::Critical),
        errors: count(Severity::Error),
        warnings: count(Severity::Warning),
        chances: timed.then(|| model.assess(&node.signs, node.last_seconds).chances),
        messages,
    }
}

/// A severity as people read it.
fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn text(report: &Report) -> String {
    let mut table = output::table(&["node", "severity", "count", "message", "cause", "first"]);
    let rows = report.nodes.iter().flat_map(|n| n.messages.iter().map(move |m| (n, m)));
    for (node, found) in rows.clone().take(ROWS_SHOWN) {
        table.add_row([
            node.node.clone(),
            word(found.severity).to_owned(),
            found.count.to_string(),
            found.name.clone(),
            found.cause.clone(),
            found.example.chars().take(60).collect(),
        ]);
    }
    let more = rows.count().saturating_sub(ROWS_SHOWN);
    let more = if more > 0 { format!("{more} more rows: --output json or csv\n") } else { String::new() };
    let (lines, matched) = (report.lines, report.matched);
    format!("{table}\n{more}{matched} of {lines} messages tell of a fault.\n")
}

fn csv(report: &Report) -> String {
    let mut out = String::from("node,severity,message,cause,count,first_seconds,last_seconds,example\n");
    let or_empty = |seconds: Option<f64>| seconds.map_or_else(String::new, |s| s.to_string());
    for node in &report.nodes {
        for m in &node.messages {
            let (name, example) = (csv_field(&node.node), csv_field(&m.example));
            let (first, last) = (or_empty(m.first_seconds), or_empty(m.last_seconds));
            let (severity, kind, cause, count) =
                (word(m.severity), csv_field(&m.name), csv_field(&m.cause), m.count);
            out.push_str(&format!("{name},{severity},{kind},{cause},{count},{first},{last},{example}\n"));
        }
    }
    out
}
