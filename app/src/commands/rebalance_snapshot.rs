//! `lepton rebalance --snapshot`: reads a cluster, plans moves that make its waiting tasks fit, checks the plan step
//! by step, prints.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::Context;
use lepton_core::decide::defragment::{
    DefragmentOptions, DefragmentPlan, DefragmentProblem, DefragmentSurroundings, Effort, OBJECTIVE_TERMS,
    Objective, defragment,
};
use lepton_core::model::{Action, Cluster, ClusterDocument, Moving, Reason, Waiting, replay};
use lepton_sim::readers::{ClusterSnapshot, read_snapshot};
use serde::Serialize;

use crate::cli_rebalance::RebalanceArgs;
use crate::failure::Failure;
use crate::objective_file::read_objective;
use crate::output::{self, OutputFormat};
use crate::result_files::ResultFiles;
use crate::stop;

/// Share of the time limit that is kept for ordering, checking and writing.
const LAST_SHARE: f64 = 0.1;

/// The result as JSON.
#[derive(Debug, Serialize)]
struct Report {
    nodes: usize,
    tasks: usize,
    /// Tasks without a place before.
    waiting_before: usize,
    /// Tasks without a place after the plan.
    waiting: usize,
    placed: usize,
    moves: usize,
    steps: usize,
    /// Device capacity held by tasks, percent.
    allocated_percent_before: f64,
    allocated_percent: f64,
    /// Demand of the largest waiting task, devices.
    largest_waiting_devices_before: f64,
    largest_waiting_devices: f64,
    objective_before: f64,
    objective: f64,
    terms: Vec<Term>,
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

/// The plan file.
#[derive(Debug, Serialize)]
struct PlanFile<'a> {
    objective_before: f64,
    objective: f64,
    steps: Vec<PlanStep<'a>>,
    waiting: &'a [Waiting],
}

#[derive(Debug, Serialize)]
struct PlanStep<'a> {
    #[serde(flatten)]
    action: &'a Action,
    reason: Reason,
    gain: f64,
    cost: f64,
}

pub(crate) fn run(args: &RebalanceArgs, path: &Path) -> Result<(), Failure> {
    let mut files =
        ResultFiles::beside_inputs([("--snapshot", Some(path)), ("--objective", args.objective.as_deref())]);
    let solution = files.claim_if_given("--solution", args.solution.as_deref())?;
    let plan = files.claim_if_given("--plan", args.plan.as_deref())?;
    let started = Instant::now();
    let ClusterSnapshot { time_seconds, cluster, expected } = read_snapshot(path)?;
    let objective = args.objective.as_deref().map(read_objective).transpose()?.unwrap_or_default();
    let problem = DefragmentProblem::new(&cluster, &expected, objective);
    let options = options(args, &cluster, started.elapsed().as_secs_f64());
    let rounds = AtomicUsize::new(0);
    let found = search(args, &problem, &options, &rounds);
    let mut after = cluster.clone();
    replay(&found.plan, &mut after, Moving::StandTwice, |_, _| ())
        .context("the plan breaks a rule; this is a fault in Lepton")?;
    files.write_json(plan.as_ref(), &plan_file(&found));
    if solution.is_some() {
        let document = ClusterDocument::of_cluster(&after, time_seconds);
        files.write_json(solution.as_ref(), &document.with_expected(&after, &expected));
    }
    let report = Report {
        nodes: cluster.node_count(),
        tasks: cluster.tasks().len(),
        waiting_before: problem.pending().count(),
        waiting: found.plan.waiting.len(),
        placed: found.placed,
        moves: found.moves,
        steps: found.plan.steps().count(),
        allocated_percent_before: allocated_percent(&cluster),
        allocated_percent: allocated_percent(&after),
        largest_waiting_devices_before: largest_waiting(&cluster),
        largest_waiting_devices: largest_waiting(&after),
        objective_before: found.cost[0],
        objective: found.cost[1],
        terms: terms(&objective, &found),
        rounds: rounds.into_inner(),
        seconds: started.elapsed().as_secs_f64(),
        seed: args.seed,
        threads: args.threads,
        islands: args.islands_count(),
    };
    match args.output {
        OutputFormat::Json => output::print_json(&report)?,
        OutputFormat::Csv => output::print(&csv(&report))?,
        OutputFormat::Table => output::print(&text(&report, &cluster, &found))?,
    }
    files.end()?;
    if stop::came() { Err(Failure::Stopped) } else { Ok(()) }
}

fn options(args: &RebalanceArgs, cluster: &Cluster, seconds_spent: f64) -> DefragmentOptions {
    let effort = match args.evaluations {
        Some(rounds) => Effort::Rounds(rounds),
        // Reading and the end count: the limit is what the user waits.
        None => Effort::Seconds((args.time_limit * (1.0 - LAST_SHARE) - seconds_spent).max(0.001)),
    };
    DefragmentOptions {
        seed: args.seed,
        threads: usize::from(args.threads),
        islands: usize::from(args.islands_count()),
        effort,
        moves_max: args.max_moves.unwrap_or(cluster.tasks().len()),
    }
}

/// Runs the search with a line of progress.
fn search(
    args: &RebalanceArgs,
    problem: &DefragmentProblem<'_>,
    options: &DefragmentOptions,
    rounds: &AtomicUsize,
) -> DefragmentPlan {
    let stop = stop::flag();
    let bar = output::live_line();
    let begun = Instant::now();
    let best = Mutex::new(f64::INFINITY);
    let progress = |cost: f64, moves: usize| {
        let rounds = rounds.fetch_add(1, Ordering::Relaxed) + 1;
        let mut best = best.lock().unwrap_or_else(PoisonError::into_inner);
        if cost < *best {
            *best = cost;
            let until = match args.evaluations {
                Some(all) => format!("{rounds} of {all} rounds"),
                None => format!("{:.0} of {:.0} s", begun.elapsed().as_secs_f64(), args.time_limit),
            };
            bar.set_message(format!("objective {cost:.1}, {moves} moves, {until}"));
        }
        bar.tick();
    };
    let surroundings = DefragmentSurroundings {
        seconds: &|| begun.elapsed().as_secs_f64(),
        stopped: &|| stop.load(Ordering::Relaxed),
        progress: &progress,
    };
    let found = defragment(problem, options, &surroundings);
    bar.finish_and_clear();
    found
}

fn allocated_percent(cluster: &Cluster) -> f64 {
    100.0 * cluster.device_milli_held() as f64 / cluster.device_milli_capacity().max(1) as f64
}

fn largest_waiting(cluster: &Cluster) -> f64 {
    cluster.waiting().map(|t| cluster.demand(t).device_milli()).max().unwrap_or(0) as f64 / 1000.0
}

fn terms(objective: &Objective, found: &DefragmentPlan) -> Vec<Term> {
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

fn plan_file(found: &DefragmentPlan) -> PlanFile<'_> {
    let steps = found.plan.steps().map(|(part, action)| {
        let (reason, gain, cost) = (part.reason, part.gain, part.cost);
        PlanStep { action, reason, gain, cost }
    });
    PlanFile {
        objective_before: found.cost[0],
        objective: found.cost[1],
        steps: steps.collect(),
        waiting: &found.plan.waiting,
    }
}

fn csv(report: &Report) -> String {
    let mut text = String::from("term,weight,before,after\n");
    for Term { name, weight, before, after, .. } in &report.terms {
        let _ = writeln!(text, "{name},{weight},{before},{after}");
    }
    let _ = writeln!(text, "total,,{},{}", report.objective_before, report.objective);
    text
}

fn text(report: &Report, cluster: &Cluster, found: &DefragmentPlan) -> String {
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
        "{} nodes, {} tasks, {} of them waiting: {} placed by {} moves, {} wait on.",
        report.nodes, report.tasks, report.waiting_before, report.placed, report.moves, report.waiting
    );
    let _ = writeln!(
        text,
        "Devices held: {:.2}% before, {:.2}% after. Largest waiting task: {} devices before, {} after.",
        report.allocated_percent_before,
        report.allocated_percent,
        report.largest_waiting_devices_before,
        report.largest_waiting_devices
    );
    let mut obstacles = std::collections::BTreeMap::new();
    for waiting in &found.plan.waiting {
        *obstacles.entry(waiting.obstacle).or_insert(0) += 1;
    }
    for (obstacle, count) in obstacles {
        let _ = writeln!(text, "{count} wait on because of {obstacle:?} on most nodes.");
    }
    let fixed = cluster.tasks().iter().filter(|t| t.do_not_disrupt).count();
    if fixed > 0 {
        let _ = writeln!(text, "{fixed} tasks may not be moved.");
    }
    let _ = writeln!(
        text,
        "{} rounds in {:.1} s, seed {}. Every step of the plan was checked in its turn.",
        report.rounds, report.seconds, report.seed
    );
    text
}
