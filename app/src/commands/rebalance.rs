//! `lepton rebalance`: reads a running placement, searches for a cheaper one, orders the way there, prints.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use indicatif::ProgressBar;
use lepton_core::decide::rebalance::{
    Board, Budget, CostTerms, HistoryPoint, Method, RebalanceOptions, RebalancePlan, RebalanceProblem,
    RebalanceStep, Surroundings, rebalance,
};
use lepton_sim::readers::read_reassignment;
use serde::Serialize;

use super::rebalance_snapshot;
use crate::cli_rebalance::{RebalanceArgs, SearchMethod};
use crate::failure::Failure;
use crate::output::{self, OutputFormat};
use crate::stop;

/// Islands where the number must not depend on the machine.
const ISLANDS_DEFAULT: usize = 2;
/// Time between two looks at the board.
const LOOK: Duration = Duration::from_millis(100);

/// The result as JSON.
#[derive(Debug, Serialize)]
struct Report {
    initial_cost: u64,
    cost: u64,
    lower_bound: u64,
    breakdown: CostTerms,
    initial_breakdown: CostTerms,
    moves: usize,
    steps: usize,
    waves: u32,
    blocked: usize,
    feasible: bool,
    evaluations: u64,
    seconds: f64,
    seed: u64,
    threads: usize,
    islands: usize,
    history: Vec<HistoryPoint>,
}

/// The plan file.
#[derive(Debug, Serialize)]
struct PlanFile<'a> {
    initial_cost: u64,
    /// Cost after the last step.
    cost: u64,
    waves: u32,
    steps: &'a [RebalanceStep],
    /// Tasks that the search would move but for which no safe step was found.
    blocked: &'a [u32],
}

pub(crate) fn run(args: &RebalanceArgs) -> Result<(), Failure> {
    if let Some(path) = &args.snapshot {
        return rebalance_snapshot::run(args, path);
    }
    let (Some(model), Some(assignment)) = (&args.model, &args.assignment) else {
        return Err(Failure::Input(
            "expected --snapshot, or --format with --model and --assignment".to_owned(),
        ));
    };
    let started = Instant::now();
    let problem = read_reassignment(model, assignment)?;
    let options = options(args, started.elapsed().as_secs_f64());
    let board = Board::new(problem.cost(problem.initial()).total());
    let found = search(&problem, &options, &board, args)?;
    let seconds = started.elapsed().as_secs_f64();
    let plan = RebalancePlan::order(&problem, &found).map_err(anyhow::Error::from)?;
    if let Some(path) = &args.solution {
        write_solution(path, &found)?;
    }
    if let Some(path) = &args.plan {
        write_plan(path, &problem, &plan)?;
    }
    if !plan.blocked.is_empty() {
        let blocked = plan.blocked.len();
        output::note(&format!(
            "note: {blocked} tasks have no safe step to their new node; the plan leaves them out and reaches a \
             cost of {}",
            plan.cost(&problem).total()
        ));
    }
    let report = report(&problem, &options, &found, &plan, &board, seconds);
    match args.output {
        OutputFormat::Json => output::print_json(&report)?,
        OutputFormat::Csv => output::print(&csv(&report))?,
        OutputFormat::Table => output::print(&text(&report))?,
    }
    Ok(())
}

fn options(args: &RebalanceArgs, seconds_spent: f64) -> RebalanceOptions {
    let threads = usize::from(args.threads);
    let budget = match args.evaluations {
        Some(evaluations) => Budget::Evaluations(evaluations),
        // Reading counts: the limit is what the user waits.
        None => Budget::Seconds((args.time_limit - seconds_spent).max(0.001)),
    };
    let islands = args
        .islands
        .map_or_else(|| if args.evaluations.is_some() { ISLANDS_DEFAULT } else { threads }, usize::from);
    let method = match args.method {
        SearchMethod::Hybrid => Method::Hybrid,
        SearchMethod::LocalSearch => Method::LocalSearch,
        SearchMethod::Evolution => Method::Evolution,
    };
    RebalanceOptions { seed: args.seed, threads, islands, budget, moves_max: args.max_moves, method }
}

/// Runs the search beside a line of progress.
fn search(
    problem: &RebalanceProblem,
    options: &RebalanceOptions,
    board: &Board,
    args: &RebalanceArgs,
) -> Result<Vec<u32>, Failure> {
    let stop = stop::on_ctrl_c()?;
    let bar = output::live_line();
    let done = AtomicBool::new(false);
    let begun = Instant::now();
    let found = thread::scope(|scope| {
        scope.spawn(|| show(&bar, board, begun, args, &done));
        let surroundings = Surroundings {
            seconds: &|| begun.elapsed().as_secs_f64(),
            stopped: &|| stop.load(Ordering::Relaxed),
            board,
        };
        let found = rebalance(problem, options, &surroundings);
        done.store(true, Ordering::Relaxed);
        found
    });
    bar.finish_and_clear();
    Ok(found)
}

fn show(bar: &ProgressBar, board: &Board, begun: Instant, args: &RebalanceArgs, done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) {
        let seconds = begun.elapsed().as_secs_f64();
        let rate = board.evaluations() as f64 / seconds.max(0.001) / 1e6;
        let until = match args.evaluations {
            Some(evaluations) => format!(
                "{:.0} of {:.0} M evaluations",
                board.evaluations() as f64 / 1e6,
                evaluations as f64 / 1e6
            ),
            None => format!("{:.0} s left", (args.time_limit - seconds).max(0.0)),
        };
        let (cost, moves) = (board.best_cost(), board.moves());
        bar.set_message(format!("cost {cost}, {moves} moves, {rate:.1} M evaluations/s, {until}"));
        thread::sleep(LOOK);
    }
}

fn report(
    problem: &RebalanceProblem,
    options: &RebalanceOptions,
    found: &[u32],
    plan: &RebalancePlan,
    board: &Board,
    seconds: f64,
) -> Report {
    let (initial, now) = (problem.cost(problem.initial()), problem.cost(found));
    Report {
        initial_cost: initial.total(),
        cost: now.total(),
        lower_bound: problem.lower_bound(),
        breakdown: now,
        initial_breakdown: initial,
        moves: problem.moved_count(found),
        steps: plan.steps.len(),
        waves: plan.waves,
        blocked: plan.blocked.len(),
        feasible: problem.first_violation(found).is_none(),
        evaluations: board.evaluations(),
        seconds,
        seed: options.seed,
        threads: options.threads,
        islands: options.islands,
        history: board.history(),
    }
}

fn write_solution(path: &Path, placement: &[u32]) -> anyhow::Result<()> {
    let nodes: Vec<String> = placement.iter().map(u32::to_string).collect();
    std::fs::write(path, nodes.join(" ") + "\n").with_context(|| format!("cannot write {}", path.display()))
}

fn write_plan(path: &Path, problem: &RebalanceProblem, plan: &RebalancePlan) -> anyhow::Result<()> {
    let file = PlanFile {
        initial_cost: problem.cost(problem.initial()).total(),
        cost: plan.cost(problem).total(),
        waves: plan.waves,
        steps: &plan.steps,
        blocked: &plan.blocked,
    };
    let text = serde_json::to_string(&file).context("cannot write the plan as JSON")?;
    std::fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
}

/// The terms of the cost: name, before, after.
fn terms(report: &Report) -> [(&'static str, u64, u64); 6] {
    let (before, after) = (&report.initial_breakdown, &report.breakdown);
    [
        ("load", before.load, after.load),
        ("balance", before.balance, after.balance),
        ("task moves", before.task_move, after.task_move),
        ("service moves", before.service_move, after.service_move),
        ("node moves", before.node_move, after.node_move),
        ("total", report.initial_cost, report.cost),
    ]
}

fn csv(report: &Report) -> String {
    let lines = terms(report).map(|(term, before, after)| format!("{term},{before},{after}\n"));
    format!("term,before,after\n{}", lines.concat())
}

fn text(report: &Report) -> String {
    let mut table = output::table(&["term", "before", "after"]);
    for (name, before, after) in terms(report) {
        table.add_row([name.to_owned(), before.to_string(), after.to_string()]);
    }
    let mut text = format!("{table}\n\n");
    let fall = 100.0 * (1.0 - report.cost as f64 / (report.initial_cost as f64).max(1.0));
    let _ = writeln!(
        text,
        "{fall:.2}% cheaper by {} moves ({} steps in {} waves); no placement costs less than {}.",
        report.moves, report.steps, report.waves, report.lower_bound
    );
    let _ = writeln!(
        text,
        "{:.1} M moves evaluated in {:.1} s, seed {}.",
        report.evaluations as f64 / 1e6,
        report.seconds,
        report.seed
    );
    text
}
