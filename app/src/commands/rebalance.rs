//! `lepton rebalance`: reads a running placement, searches for a cheaper one, orders the way there, prints.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use lepton_core::decide::rebalance::{
    Board, Budget, Method, PlanOptions, RebalanceOptions, RebalancePlan, RebalanceProblem, Surroundings,
    rebalance,
};
use lepton_sim::readers::read_reassignment;
use lepton_sim::writers::write_reassignment_placement;

use super::rebalance_report::{Outcome, csv, report, text, write_plan};
use super::rebalance_snapshot;
use crate::cli_rebalance::{RebalanceArgs, SearchMethod};
use crate::failure::Failure;
use crate::output::{self, OutputFormat};
use crate::stop;

/// Time between two looks at the board.
const LOOK: Duration = Duration::from_millis(100);

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
    let plan_options = PlanOptions {
        moves_max: args.max_moves,
        moves_per_wave: args.max_moves_per_wave.map(NonZeroUsize::get),
        moves_per_owner: args.max_moves_per_owner.map(NonZeroUsize::get),
        seed: args.seed,
    };
    let plan = RebalancePlan::order_within(&problem, &found, plan_options).map_err(anyhow::Error::from)?;
    let front = args.pareto.then(|| problem.front(&plan.placement, args.seed, options.threads));
    let front = front.transpose().map_err(anyhow::Error::from)?;
    if let Some(path) = &args.solution {
        output::write_file(path, |out| write_reassignment_placement(out, &found))?;
    }
    if let Some(path) = &args.plan {
        write_plan(path, &problem, &found, &plan)?;
    }
    if !plan.blocked.is_empty() {
        let blocked = plan.blocked.len();
        output::note(&format!(
            "note: {blocked} tasks have no safe way to where the placement found has them; the plan arranges the \
             others around them and reaches a cost of {}",
            plan.cost(&problem).total()
        ));
    }
    let report = report(Outcome {
        problem: &problem,
        options: &options,
        board: &board,
        found: &found,
        plan: &plan,
        front,
        seconds,
    });
    match args.output {
        OutputFormat::Json => output::print_json(&report)?,
        OutputFormat::Csv => output::print(&csv(&report))?,
        OutputFormat::Table => output::print(&text(&report, &plan))?,
    }
    Ok(())
}

fn options(args: &RebalanceArgs, seconds_spent: f64) -> RebalanceOptions {
    let budget = match args.evaluations {
        Some(evaluations) => Budget::Evaluations(evaluations),
        // Reading counts: the limit is what the user waits.
        None => Budget::Seconds((args.time_limit - seconds_spent).max(0.001)),
    };
    let method = match args.method {
        SearchMethod::Hybrid => Method::Hybrid,
        SearchMethod::LocalSearch => Method::LocalSearch,
        SearchMethod::Evolution => Method::Evolution,
    };
    RebalanceOptions {
        seed: args.seed,
        threads: usize::from(args.threads),
        islands: usize::from(args.islands_count()),
        budget,
        moves_max: args.max_moves,
        method,
    }
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
