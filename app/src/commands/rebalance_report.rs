//! What `lepton rebalance` shows of a result: JSON, CSV, tables and the plan file.

use std::fmt::Write as _;

use lepton_core::decide::rebalance::{
    Board, CostTerms, FrontPoint, HistoryPoint, OrderedMoves, OrderedStep, RebalanceOptions,
    RebalanceProblem, StepKind,
};
use lepton_core::model::{Moving, PlanDocument, WorthUnit, counted};
use serde::Serialize;

use crate::output;

/// Rows of a table that stands for more.
const ROWS: usize = 10;

/// What a run has come to.
pub(crate) struct Outcome<'a> {
    pub(crate) problem: &'a RebalanceProblem,
    pub(crate) options: &'a RebalanceOptions,
    pub(crate) board: &'a Board,
    /// The placement found.
    pub(crate) found: &'a [u32],
    /// The ordered plan, if it was asked for.
    pub(crate) plan: Option<&'a OrderedMoves>,
    pub(crate) front: Option<Vec<FrontPoint>>,
    /// Parts of the work that were ended before they were done.
    pub(crate) stopped: Vec<&'static str>,
    /// Seconds until the search was over.
    pub(crate) seconds: f64,
}

/// The result as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    initial_cost: u64,
    /// Of the placement found.
    cost: u64,
    /// Of the placement that the plan reaches.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan_cost: Option<u64>,
    lower_bound: u64,
    breakdown: CostTerms,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan_breakdown: Option<CostTerms>,
    initial_breakdown: CostTerms,
    moves: usize,
    #[serde(flatten)]
    order: Option<Order>,
    feasible: bool,
    evaluations: u64,
    seconds: f64,
    seed: u64,
    threads: usize,
    islands: usize,
    history: Vec<HistoryPoint>,
    #[serde(skip_serializing_if = "Option::is_none")]
    front: Option<Vec<FrontPoint>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stopped: Vec<&'static str>,
}

/// What the ordering of a plan has come to.
#[derive(Debug, Serialize)]
struct Order {
    plan_moves: usize,
    steps: usize,
    waves: u32,
    dropped: usize,
    blocked: usize,
}

pub(crate) fn report(outcome: Outcome<'_>) -> Report {
    let Outcome { problem, options, board, found, plan, front, stopped, seconds } = outcome;
    let (initial, now) = (problem.cost(problem.initial()), problem.cost(found));
    let planned = plan.map(|plan| plan.cost(problem));
    Report {
        initial_cost: initial.total(),
        cost: now.total(),
        plan_cost: planned.map(|p| p.total()),
        lower_bound: problem.lower_bound(),
        breakdown: now,
        plan_breakdown: planned,
        initial_breakdown: initial,
        moves: problem.moved_count(found),
        order: plan.map(|plan| Order {
            plan_moves: plan.moves(problem),
            steps: plan.steps.len(),
            waves: plan.waves,
            dropped: plan.dropped.len(),
            blocked: plan.blocked.len(),
        }),
        feasible: problem.first_violation(found).is_none(),
        evaluations: board.evaluations(),
        seconds,
        seed: options.seed,
        threads: options.threads,
        islands: options.islands,
        history: board.history(),
        front,
        stopped,
    }
}

/// The plan as a file.
pub(crate) fn plan_document(problem: &RebalanceProblem, found: &[u32], plan: &OrderedMoves) -> PlanDocument {
    let cost_of = |placement: &[u32]| problem.cost(placement).total() as f64;
    let figures = [
        ("initial_cost", cost_of(problem.initial())),
        ("cost", cost_of(&plan.placement)),
        ("found_cost", cost_of(found)),
    ];
    PlanDocument {
        dropped: OrderedMoves::names(&plan.dropped),
        blocked: OrderedMoves::names(&plan.blocked),
        ..PlanDocument::of(&plan.plan(), Moving::StandTwice, 0).with_figures(WorthUnit::Cost, figures)
    }
}

/// The terms of the cost: name, before, found and, with a plan, by the plan.
fn terms(report: &Report) -> [(&'static str, Vec<u64>); 6] {
    let all = [Some(&report.initial_breakdown), Some(&report.breakdown), report.plan_breakdown.as_ref()];
    let of = |term: fn(&CostTerms) -> u64| all.into_iter().flatten().map(term).collect();
    [
        ("load", of(|t| t.load)),
        ("balance", of(|t| t.balance)),
        ("task moves", of(|t| t.task_move)),
        ("service moves", of(|t| t.service_move)),
        ("node moves", of(|t| t.node_move)),
        ("total", of(CostTerms::total)),
    ]
}

pub(crate) fn csv(report: &Report) -> String {
    let lines = terms(report).map(|(term, costs)| {
        let costs: Vec<String> = costs.iter().map(u64::to_string).collect();
        format!("{term},{}\n", costs.join(","))
    });
    let plan = if report.order.is_some() { ",plan" } else { "" };
    format!("term,before,after{plan}\n{}", lines.concat())
}

pub(crate) fn text(report: &Report, plan: Option<&OrderedMoves>) -> String {
    let columns = ["term", "before", "found", "by the plan"];
    let mut table = output::table(if plan.is_some() { &columns } else { &columns[..3] });
    for (name, costs) in terms(report) {
        table.add_row([name.to_owned()].into_iter().chain(costs.iter().map(u64::to_string)));
    }
    let mut text = format!("{table}\n\n");
    let _ = writeln!(
        text,
        "Found: {} cheaper by {}; no placement costs less than {}.",
        fall(report.initial_cost, report.cost),
        counted(report.moves, "move", "moves"),
        report.lower_bound
    );
    let _ = match (&report.order, report.plan_cost) {
        (Some(order), Some(cost)) => writeln!(
            text,
            "Plan: {} cheaper by {}, in {} and {}.",
            fall(report.initial_cost, cost),
            counted(order.plan_moves, "move", "moves"),
            counted(order.steps, "step", "steps"),
            counted(order.waves, "wave", "waves"),
        ),
        _ => writeln!(
            text,
            "No order of the moves was worked out: --plan FILE does that, and says which moves have no safe way."
        ),
    };
    let _ = writeln!(
        text,
        "{:.1} M moves evaluated in {:.1} s, seed {}.",
        report.evaluations as f64 / 1e6,
        report.seconds,
        report.seed
    );
    if let Some(plan) = plan.filter(|plan| !plan.steps.is_empty()) {
        let _ = write!(text, "\n{}", step_table(&plan.steps));
    }
    if let Some(front) = &report.front {
        let _ = write!(text, "\n{}", front_table(front));
    }
    text
}

fn fall(before: u64, after: u64) -> String {
    format!("{:.2}%", 100.0 * (1.0 - after as f64 / (before as f64).max(1.0)))
}

/// The first steps of the plan.
fn step_table(steps: &[OrderedStep]) -> String {
    let mut table = output::table(&["wave", "task", "from", "to", "gain", "cost", ""]);
    for step in steps.iter().take(ROWS) {
        let what = if step.kind == StepKind::StopOver { "stop-over" } else { "" };
        let numbers = [step.wave, step.task, step.from, step.to].map(|n| n.to_string());
        let money = [step.gain.to_string(), step.cost.to_string(), what.to_owned()];
        table.add_row(numbers.into_iter().chain(money));
    }
    let more = steps.len().saturating_sub(ROWS);
    let rest = if more > 0 {
        format!("and {}: --plan FILE writes all\n", counted(more, "more step", "more steps"))
    } else {
        String::new()
    };
    format!("{table}\n{rest}")
}

/// Some points of the front, evenly over the logarithm of the number of moves.
fn front_table(front: &[FrontPoint]) -> String {
    let mut table = output::table(&["moves", "cost", "cheaper"]);
    let (first, last) = (front.first().map_or(0, |p| p.cost), front.last().map_or(0, |p| p.moves));
    let wanted = (0..=ROWS).map(|i| (last as f64).powf(i as f64 / ROWS as f64).round() as usize);
    let mut rows: Vec<&FrontPoint> = front.first().into_iter().collect();
    rows.extend(wanted.filter_map(|moves| front.iter().rfind(|p| p.moves <= moves)));
    rows.dedup();
    for point in rows {
        table.add_row([point.moves.to_string(), point.cost.to_string(), fall(first, point.cost)]);
    }
    format!("{table}\n{} in all: --output json shows each\n", counted(front.len(), "point", "points"))
}
