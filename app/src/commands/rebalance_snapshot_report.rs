//! What `lepton rebalance --snapshot` shows of a result: JSON, CSV, table and the plan.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use lepton_core::decide::defragment::{
    DefragmentPoint, DefragmentProblem, Defragmentation, OBJECTIVE_TERMS, Objective,
};
use lepton_core::decide::guard::Rehearsal;
use lepton_core::model::{
    ClassId, Cluster, Moving, Obstacle, PlanDocument, Serving, Waiting, WorthUnit, counted,
};
use serde::Serialize;

use crate::cli_rebalance::RebalanceArgs;
use crate::output::{self, OutputFormat};

/// What a run has come to.
pub(crate) struct Outcome<'a> {
    pub(crate) args: &'a RebalanceArgs,
    pub(crate) problem: &'a DefragmentProblem<'a>,
    /// As it was read, and as it is after the plan.
    pub(crate) cluster: &'a Cluster,
    pub(crate) after: &'a Cluster,
    pub(crate) found: &'a Defragmentation,
    /// Whether the learned worth counts; none where nothing of it could.
    pub(crate) rehearsal: Option<&'a Rehearsal>,
    pub(crate) front: Option<Vec<DefragmentPoint>>,
    pub(crate) rounds: usize,
    pub(crate) seconds: f64,
}

/// What keeps tasks waiting on the cluster as it is after the plan: a line for each cause.
fn why_tasks_wait(after: &Cluster, waiting: &[Waiting]) -> String {
    let class_of: HashMap<&str, ClassId> =
        after.waiting().map(|t| (&*after.task(t).name, after.task(t).class)).collect();
    let mut scarce: BTreeMap<ClassId, Option<&str>> = BTreeMap::new();
    let mut causes: BTreeMap<(Obstacle, Option<&str>), usize> = BTreeMap::new();
    for Waiting { task, obstacle } in waiting {
        let class = class_of.get(&**task).filter(|_| *obstacle == Obstacle::InsufficientResource);
        let resource =
            class.and_then(|&class| *scarce.entry(class).or_insert_with(|| after.scarcest_resource(class)));
        *causes.entry((*obstacle, resource)).or_insert(0) += 1;
    }
    let line = |((obstacle, resource), count): ((Obstacle, Option<&str>), usize)| {
        let wait = counted(count, "waits on", "wait on");
        match (obstacle, resource) {
            (Obstacle::Quota | Obstacle::Gang, _) => format!("{wait}: {obstacle}.\n"),
            (_, Some(resource)) => format!("{wait}: on most nodes too little `{resource}` is left.\n"),
            _ => format!("{wait}: on most nodes {obstacle}.\n"),
        }
    };
    causes.into_iter().map(line).collect()
}

/// The result as JSON.
#[derive(Debug, Serialize)]
struct Report<'a> {
    nodes: usize,
    tasks: usize,
    /// Tasks without a place before.
    waiting_before: usize,
    /// Tasks without a place after the plan.
    waiting: usize,
    placed: usize,
    moves: usize,
    steps: usize,
    waves: u32,
    /// Device capacity held by tasks, percent.
    allocated_percent_before: f64,
    allocated_percent: f64,
    /// Demand of the largest waiting task, devices.
    largest_waiting_devices_before: f64,
    largest_waiting_devices: f64,
    objective_before: f64,
    objective: f64,
    terms: Vec<Term>,
    /// Whether what is left is judged by its learned worth; null where tasks wait or worth has no weight.
    rehearsal: Option<&'a Rehearsal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    front: Option<Vec<DefragmentPoint>>,
    rounds: usize,
    seconds: f64,
    seed: u64,
    threads: u16,
    islands: u16,
}

/// A term of the objective.
#[derive(Debug, Serialize)]
struct Term {
    name: &'static str,
    unit: &'static str,
    weight: f64,
    before: f64,
    after: f64,
}

/// Prints the result in the form that was asked for.
pub(crate) fn show(outcome: &Outcome<'_>) -> anyhow::Result<()> {
    let report = report(outcome);
    match outcome.args.output {
        OutputFormat::Json => output::print_json(&report),
        OutputFormat::Csv => output::print(&csv(&report)),
        OutputFormat::Table => output::print(&text(&report, outcome)),
    }
}

fn report<'a>(outcome: &Outcome<'a>) -> Report<'a> {
    let Outcome { args, problem, cluster, after, found, .. } = outcome;
    Report {
        nodes: cluster.node_count(),
        tasks: cluster.tasks().len(),
        waiting_before: problem.pending().count(),
        waiting: found.plan.waiting.len(),
        placed: found.placed,
        moves: found.moves,
        steps: found.plan.steps().count(),
        waves: found.waves(),
        allocated_percent_before: allocated_percent(cluster),
        allocated_percent: allocated_percent(after),
        largest_waiting_devices_before: largest_waiting(cluster),
        largest_waiting_devices: largest_waiting(after),
        objective_before: found.cost[0],
        objective: found.cost[1],
        terms: terms(problem.objective(), found),
        rehearsal: outcome.rehearsal,
        front: outcome.front.clone(),
        rounds: outcome.rounds,
        seconds: outcome.seconds,
        seed: args.seed,
        threads: args.threads,
        islands: args.islands_count(),
    }
}

fn allocated_percent(cluster: &Cluster) -> f64 {
    100.0 * cluster.device_milli_held() as f64 / cluster.device_milli_capacity().max(1) as f64
}

fn largest_waiting(cluster: &Cluster) -> f64 {
    cluster.waiting().map(|t| cluster.demand(t).device_milli()).max().unwrap_or(0) as f64 / 1000.0
}

fn terms(objective: &Objective, found: &Defragmentation) -> Vec<Term> {
    let [before, after] = found.terms;
    let rows = OBJECTIVE_TERMS.iter().zip(objective.weights).zip(before).zip(after);
    rows.map(|(((term, weight), before), after)| Term {
        name: term.name,
        unit: term.unit,
        weight,
        before,
        after,
    })
    .collect()
}

/// The plan as a file.
pub(crate) fn plan_document(found: &Defragmentation, time_seconds: u64) -> PlanDocument {
    let figures = [("objective_before", found.cost[0]), ("objective", found.cost[1])];
    PlanDocument::of(&found.plan, Moving::StandTwice, time_seconds)
        .with_figures(WorthUnit::Objective, figures)
}

/// By what free capacity is judged, and why.
fn judged_by(rehearsal: &Rehearsal) -> String {
    let by = match rehearsal.decision.serving {
        Serving::Model => "its learned worth",
        Serving::Rule => "fragmentation",
    };
    format!(
        "What is left is judged by {by}: rehearsed in {} on {}, {}.",
        counted(rehearsal.sequences, "sequence", "sequences"),
        counted(rehearsal.nodes, "node", "nodes"),
        rehearsal.decision.reason
    )
}

fn csv(report: &Report<'_>) -> String {
    let mut text = String::from("term,weight,before,after\n");
    for Term { name, weight, before, after, .. } in &report.terms {
        let _ = writeln!(text, "{name},{weight},{before},{after}");
    }
    let _ = writeln!(text, "total,,{},{}", report.objective_before, report.objective);
    text
}

fn text(report: &Report<'_>, outcome: &Outcome<'_>) -> String {
    let Outcome { cluster, found, .. } = outcome;
    let mut table = output::table(&["term", "weight", "before", "after", "unit"]);
    for Term { name, unit, weight, before, after } in &report.terms {
        let row = [(*name).to_owned(), weight.to_string(), format!("{before:.2}"), format!("{after:.2}")];
        table.add_row(row.into_iter().chain([(*unit).to_owned()]));
    }
    let totals = [format!("{:.2}", report.objective_before), format!("{:.2}", report.objective)];
    let [before, after] = totals;
    table.add_row(["total".to_owned(), String::new(), before, after, "weighted".to_owned()]);
    let mut text = format!("{table}\n");
    let _ = writeln!(
        text,
        "{}, {}, {} of them waiting: {} placed by {}, {}.",
        counted(report.nodes, "node", "nodes"),
        counted(report.tasks, "task", "tasks"),
        report.waiting_before,
        report.placed,
        counted(report.moves, "move", "moves"),
        counted(report.waiting, "waits on", "wait on"),
    );
    let _ = writeln!(
        text,
        "Devices held: {:.2}% before, {:.2}% after. Largest waiting task: {} before, {} after.",
        report.allocated_percent_before,
        report.allocated_percent,
        counted(report.largest_waiting_devices_before, "device", "devices"),
        report.largest_waiting_devices
    );
    if report.waiting_before > 0 {
        text.push_str(
            "While tasks wait, what is left buys no move: it only decides between places as good.\n",
        );
    }
    if let Some(rehearsal) = outcome.rehearsal {
        let _ = writeln!(text, "{}", judged_by(rehearsal));
    }
    if report.moves > 0 {
        let _ = writeln!(text, "The steps can be carried out in {}.", counted(report.waves, "wave", "waves"));
    }
    text.push_str(&why_tasks_wait(outcome.after, &found.plan.waiting));
    let fixed = cluster.tasks().iter().filter(|t| t.do_not_disrupt).count();
    if fixed > 0 {
        let _ = writeln!(text, "{} may not be moved.", counted(fixed, "task", "tasks"));
    }
    let _ = writeln!(
        text,
        "{} in {:.1} s, seed {}. Every step of the plan was checked in its turn.",
        counted(report.rounds, "round", "rounds"),
        report.seconds,
        report.seed
    );
    if let Some(front) = &report.front {
        let mut table = output::table(&["moves", "placed", "objective"]);
        for point in front {
            let numbers =
                [point.moves.to_string(), point.placed.to_string(), format!("{:.2}", point.objective)];
            table.add_row(numbers);
        }
        let _ = write!(text, "\n{table}\n");
    }
    text
}
