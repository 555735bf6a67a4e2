//! `lepton rebalance`: reads a running placement, searches for a cheaper one, orders the way there, prints.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use lepton_core::decide::rebalance::{
    Board, Budget, Method, PlanOptions, RebalanceOptions, RebalancePlan, RebalanceProblem, Stopped,
    Surroundings, rebalance,
};
use lepton_sim::readers::read_reassignment;
use lepton_sim::writers::write_reassignment_placement;

use super::rebalance_report::{Outcome, csv, report, text, write_plan};
use super::rebalance_snapshot;
use crate::cli_rebalance::{RebalanceArgs, SearchMethod};
use crate::failure::Failure;
use crate::output::{self, OutputFormat};
use crate::result_files::ResultFiles;
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
    let mut files = ResultFiles::beside_inputs([
        ("--model", Some(model.as_path())),
        ("--assignment", Some(assignment.as_path())),
    ]);
    let solution = files.claim_if_given("--solution", args.solution.as_deref())?;
    let plan_file = files.claim_if_given("--plan", args.plan.as_deref())?;
    let started = Instant::now();
    let problem = read_reassignment(model, assignment)?;
    let options = options(args, started.elapsed().as_secs_f64());
    let board = Board::new(problem.cost(problem.initial()).total());
    let mut parts = Parts { stop: stop::flag(), stopped: Vec::new() };
    let found = parts.run("search", |bar, stopped| search(&problem, &options, (bar, &board, args), stopped));
    files.write(solution.as_ref(), |out| write_reassignment_placement(out, &found));
    let seconds = started.elapsed().as_secs_f64();
    let plan_options = PlanOptions {
        moves_max: args.max_moves,
        moves_per_wave: args.max_moves_per_wave.map(NonZeroUsize::get),
        moves_per_owner: args.max_moves_per_owner.map(NonZeroUsize::get),
        seed: args.seed,
    };
    let plan = parts.run("plan", |bar, stopped| {
        bar.set_message("ordering the plan, Ctrl-C ends it with the safe steps so far");
        RebalancePlan::order_within(&problem, &found, plan_options, stopped)
    });
    let plan = plan.map_err(anyhow::Error::from)?;
    files.write(plan_file.as_ref(), |out| write_plan(out, &problem, &found, &plan));
    note_blocked(&problem, &plan, parts.stopped.contains(&"plan"));
    let front = args.pareto.then(|| {
        parts.run("front", |bar, stopped| {
            bar.set_message("drawing the front, Ctrl-C ends it with the points so far");
            problem.front(&plan.placement, args.seed, options.threads, stopped)
        })
    });
    let front = front.transpose().map_err(anyhow::Error::from)?;
    if parts.stopped.contains(&"front") {
        output::note("note: the front was stopped: it has the points found so far");
    }
    let report = report(Outcome {
        problem: &problem,
        options: &options,
        board: &board,
        found: &found,
        plan: &plan,
        front,
        stopped: parts.stopped,
        seconds,
    });
    match args.output {
        OutputFormat::Json => output::print_json(&report)?,
        OutputFormat::Csv => output::print(&csv(&report))?,
        OutputFormat::Table => output::print(&text(&report, &plan))?,
    }
    files.end()?;
    if stop::came() { Err(Failure::Stopped) } else { Ok(()) }
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

/// The parts of the work, one after the other. Ctrl-C ends the one that runs with what it has; the next one runs
/// all the same.
struct Parts {
    stop: &'static AtomicBool,
    /// Parts that were ended.
    stopped: Vec<&'static str>,
}

impl Parts {
    fn run<T>(&mut self, name: &'static str, part: impl FnOnce(&ProgressBar, Stopped<'_>) -> T) -> T {
        let bar = output::live_line();
        bar.enable_steady_tick(LOOK);
        let result = part(&bar, &|| self.stop.load(Ordering::Relaxed));
        bar.finish_and_clear();
        if self.stop.swap(false, Ordering::Relaxed) {
            self.stopped.push(name);
        }
        result
    }
}

/// Runs the search beside a line of progress.
fn search(
    problem: &RebalanceProblem,
    options: &RebalanceOptions,
    (bar, board, args): (&ProgressBar, &Board, &RebalanceArgs),
    stopped: Stopped<'_>,
) -> Vec<u32> {
    let done = AtomicBool::new(false);
    let begun = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| show(bar, board, begun, args, &done));
        let seconds = || begun.elapsed().as_secs_f64();
        let found = rebalance(problem, options, &Surroundings { seconds: &seconds, stopped, board });
        done.store(true, Ordering::Relaxed);
        found
    })
}

fn note_blocked(problem: &RebalanceProblem, plan: &RebalancePlan, stopped: bool) {
    let (blocked, cost) = (plan.blocked.len(), plan.cost(problem).total());
    if stopped {
        output::note(&format!(
            "note: the ordering of the plan was stopped: {blocked} tasks are not where the placement found has \
             them; the safe steps so far reach a cost of {cost}"
        ));
    } else if blocked > 0 {
        output::note(&format!(
            "note: {blocked} tasks have no safe way to where the placement found has them; the plan arranges the \
             others around them and reaches a cost of {cost}"
        ));
    }
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
