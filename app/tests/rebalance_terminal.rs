//! `lepton rebalance` on a terminal: the line of progress, and Ctrl-C. stdout goes to a file, as it does for those
//! who pipe the result on.

#![cfg(target_os = "linux")]

mod common;

use common::terminal::{CTRL_C, Terminal};
use common::{ASSIGNMENT, MODEL, document, read, scratch, written};
use serde_json::Value;

/// Rebalances the instance of that name and writes the result to the file of that name.
fn rebalance(name: &str, (model, assignment): (&str, &str), more: &[&str]) -> Terminal {
    let stdout = scratch(name);
    let (model, assignment) =
        (written(&format!("{name}-model"), model), written(&format!("{name}-assignment"), assignment));
    let mut words = vec!["rebalance", "--format", "roadef", "--model", &model, "--assignment", &assignment];
    words.extend(more);
    Terminal::open(&words, Some(&stdout), &[])
}

const EXAMPLE: (&str, &str) = (MODEL, ASSIGNMENT);

#[test]
fn the_line_of_progress_shows_cost_moves_rate_and_time_left() {
    let mut terminal = rebalance("progress", EXAMPLE, &["--time-limit", "2s", "--output", "json"]);
    terminal.wait_for("cost 2411, 2 moves, ");
    terminal.wait_for(" M evaluations/s, ");
    terminal.wait_for(" s left");
    assert_eq!(terminal.end(), Some(0), "{}", terminal.screen());
    let report = document(&scratch("progress"));
    assert_eq!((&report["cost"], &report["stopped"]), (&2411.into(), &Value::Null));
}

#[test]
fn ctrl_c_ends_the_search_with_the_best_plan_so_far() {
    let (solution, plan) = (scratch("s"), scratch("p"));
    let more = ["--time-limit", "60m", "--output", "json", "--solution", &solution, "--plan", &plan];
    let mut terminal = rebalance("stopped", EXAMPLE, &more);
    terminal.wait_for("cost 2411, 2 moves, ");
    terminal.press(CTRL_C);
    assert_eq!(terminal.end(), Some(130), "{}", terminal.screen());
    let report = document(&scratch("stopped"));
    assert_eq!(report["stopped"], serde_json::json!(["search", "plan"]), "all ends, with what is done");
    assert_eq!((&report["cost"], &report["feasible"]), (&2411.into(), &true.into()));
    assert!(report["seconds"].as_f64().is_some_and(|seconds| seconds < 3600.0));
    assert_eq!(read(&solution).trim(), "0 2 1");
    let plan = document(&plan);
    let cost = plan["figures"]["cost"].as_f64();
    assert_eq!((cost, plan["steps"].as_array().map(Vec::len)), (Some(2411.0), Some(2)));
}

#[test]
fn the_table_follows_the_line_of_progress_when_a_search_is_stopped() {
    let mut terminal = rebalance("table", EXAMPLE, &["--time-limit", "60m"]);
    terminal.wait_for("cost 2411");
    terminal.press(CTRL_C);
    assert_eq!(terminal.end(), Some(130), "{}", terminal.screen());
    let table = read(&scratch("table"));
    assert!(table.contains("42.60% cheaper by 2 moves"), "{table}");
    assert!(!table.contains('\u{1b}'), "no control sequences in what is piped on");
}

/// An instance whose plan takes seconds to order. Service 0 has a task on every node, so that none of these can move
/// by single steps, though the even ones would gain by changing places with the odd ones. The other tasks
/// gain nothing and move for nothing: they are arranged around those again and again.
fn hard_to_order() -> (String, String) {
    let (nodes, others) = (40, 960);
    let mut model = format!("2 0 1 0 10 {nodes} ");
    for node in 0..nodes {
        let no_distances = "0 ".repeat(nodes);
        model += &format!("0 {node} 1000 10 1000 {} {no_distances}", node % 2 * 10);
    }
    model += &format!("{} {}{} ", 1 + others, "1 0 ".repeat(1 + others), nodes + others);
    for node in 0..nodes {
        model += &format!("0 8 {} 1 ", 9 - node % 2 * 8);
    }
    for other in 0..others {
        model += &format!("{} 1 0 1 ", 1 + other);
    }
    model += "0 0 0 0";
    let homes = (0..nodes).chain((0..others).map(|other| other % nodes));
    (model, homes.map(|node| node.to_string()).collect::<Vec<_>>().join(" "))
}

#[test]
fn ctrl_c_while_the_plan_is_ordered_ends_it_with_the_steps_so_far() {
    let (model, assignment) = hard_to_order();
    let (solution, plan) = (scratch("ordering-s"), scratch("ordering-p"));
    let more = ["--evaluations", "1000000", "--output", "json", "--solution", &solution, "--plan", &plan];
    let mut terminal = rebalance("ordering", (&model, &assignment), &more);
    terminal.wait_for("ordering the plan");
    terminal.press(CTRL_C);
    assert_eq!(terminal.end(), Some(130), "{}", terminal.screen());
    assert!(terminal.screen().contains("the ordering of the plan was stopped"), "{}", terminal.screen());
    let report = document(&scratch("ordering"));
    assert_eq!(report["stopped"], serde_json::json!(["plan"]));
    assert!(report["cost"].as_u64() < report["initial_cost"].as_u64());
    assert!(report["blocked"].as_u64() > Some(0));
    assert!(report["plan_cost"].as_u64() <= report["initial_cost"].as_u64());
    assert_eq!(read(&solution).split_whitespace().count(), 1000, "what was found is kept");
    let plan = document(&plan);
    assert_eq!(plan["figures"]["cost"].as_f64(), report["plan_cost"].as_f64());
    assert!(report["plan_cost"].is_number());
}
