//! `lepton rebalance`: reads a running placement, searches for a cheaper one, orders the way there, prints.

use lepton_core::model::counted;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use lepton_core::decide::rebalance::{
    Board, Budget, FrontPoint, OrderedMoves, PlanOptions, RebalanceOptions, RebalanceProblem, Stopped,
    Surroundings, rebalance,
};
use lepton_sim::readers::read_reassignment;
use lepton_sim::writers::write_reassignment_placement;

use super::reading::read_within;
use super::rebalance_report::{Outcome, csv, plan_document, report, text};
use super::rebalance_snapshot;
use crate::cli_rebalance::RebalanceArgs;
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
    let limit = args.evaluations.is_none().then_some(args.time_limit);
    let (from, placed) = (model.clone(), assignment.clone());
    let problem =
        read_within(limit, &model.display().to_string(), move || read_reassignment(&from, &placed))?;
    let shares = Shares::of(args, problem.task_count());
    let options = options(args, (started.elapsed().as_secs_f64(), shares.search_end));
    let board = Board::new(problem.cost(problem.initial()).total());
    let mut parts = Parts { stop: stop::flag(), started, limit, stopped: Vec::new() };
    let mut found =
        parts.run("search", 1.0, |bar, stopped| search(&problem, &options, (bar, &board, args), stopped));
    files.write(solution.as_ref(), |out| write_reassignment_placement(out, &found));
    let seconds = started.elapsed().as_secs_f64();
    let order = |parts: &mut Parts, found: &[u32], end: f64| {
        parts.run("plan", end, |bar, stopped| {
            bar.set_message("ordering the plan, Ctrl-C ends it with the safe steps so far");
            OrderedMoves::order_within(&problem, found, plan_options(args), stopped)
        })
    };
    let plan = args.needs_order().then(|| order(&mut parts, &found, shares.order_end));
    let mut plan = plan.transpose().map_err(anyhow::Error::from)?;
    let mut front = None;
    if args.pareto {
        let from = plan.as_ref().map_or(&found, |plan| &plan.placement).clone();
        let drawn = parts.run("front", shares.front_end, |bar, stopped| {
            bar.set_message("drawing the front, Ctrl-C ends it with the points so far");
            problem.front(&from, args.max_moves, (args.seed, options.threads), stopped)
        });
        let drawn = drawn.map_err(anyhow::Error::from)?;
        let cost_of = |placement: &[u32]| problem.cost(placement).total();
        if cost_of(&drawn.placement) < cost_of(&found) {
            found.clone_from(&drawn.placement);
            files.write(solution.as_ref(), |out| write_reassignment_placement(out, &found));
        }
        if let Some(plan) = &mut plan
            && cost_of(&drawn.placement) < plan.cost(&problem).total()
        {
            // The plan is the best that is known: of two, the one that safe steps bring down most.
            let again = order(&mut parts, &drawn.placement, 1.0).map_err(anyhow::Error::from)?;
            if again.cost(&problem).total() < plan.cost(&problem).total() {
                *plan = again;
            }
        }
        front = Some(up_to_the_plan(&problem, drawn.points, plan.as_ref()));
    }
    if let Some(plan) = &plan {
        files.write_json(plan_file.as_ref(), &plan_document(&problem, &found, plan));
        note_blocked(&problem, plan, parts.stopped.contains(&"plan"));
    }
    if parts.stopped.contains(&"front") {
        output::note("note: the front was stopped: it has the points found so far");
    }
    let report = report(Outcome {
        problem: &problem,
        options: &options,
        board: &board,
        found: &found,
        plan: plan.as_ref(),
        front,
        stopped: parts.stopped,
        seconds,
    });
    match args.output {
        OutputFormat::Json => output::print_json(&report)?,
        OutputFormat::Csv => output::print(&csv(&report))?,
        OutputFormat::Table => output::print(&text(&report, plan.as_ref()))?,
    }
    files.end()?;
    if stop::came() { Err(Failure::Stopped) } else { Ok(()) }
}

/// The points that are no cheaper than the plan, if there is one, and the plan itself: what safe steps do not reach is no
/// point.
fn up_to_the_plan(
    problem: &RebalanceProblem,
    mut points: Vec<FrontPoint>,
    plan: Option<&OrderedMoves>,
) -> Vec<FrontPoint> {
    if let Some(plan) = plan {
        let last = FrontPoint { moves: plan.moves(problem), cost: plan.cost(problem).total() };
        points.retain(|p| p.cost > last.cost && p.moves < last.moves);
        points.push(last);
    }
    points
}

fn plan_options(args: &RebalanceArgs) -> PlanOptions {
    PlanOptions {
        moves_max: args.max_moves,
        moves_per_wave: args.max_moves_per_wave.map(NonZeroUsize::get),
        moves_per_owner: args.max_moves_per_owner.map(NonZeroUsize::get),
        seed: args.seed,
    }
}

/// When the parts of the work end, as shares of the time limit.
struct Shares {
    search_end: f64,
    order_end: f64,
    front_end: f64,
}

/// Seconds that ordering takes for each task of an instance whose tasks mostly move, and the share of the limit that it
/// gets at least and at most.
const ORDER_SECONDS_PER_TASK: f64 = 1e-4;
const ORDER_SHARE_MIN: f64 = 0.1;
const ORDER_SHARE_MAX: f64 = 0.35;
/// Share for the front, and for ordering a cheaper placement that comes with it.
const FRONT_SHARE: f64 = 0.2;
const ORDER_AGAIN_SHARE: f64 = 0.05;
/// Share that is kept for writing and printing.
const LAST_SHARE: f64 = 0.02;

impl Shares {
    fn of(args: &RebalanceArgs, tasks: usize) -> Self {
        let order =
            (tasks as f64 * ORDER_SECONDS_PER_TASK / args.time_limit).clamp(ORDER_SHARE_MIN, ORDER_SHARE_MAX);
        let order = if args.needs_order() { order } else { 0.0 };
        let again = if args.needs_order() { ORDER_AGAIN_SHARE } else { 0.0 };
        let front_end = if args.pareto { 1.0 - LAST_SHARE - again } else { 1.0 - LAST_SHARE };
        let order_end = if args.pareto { front_end - FRONT_SHARE } else { front_end };
        Self { search_end: order_end - order, order_end, front_end }
    }
}

fn options(args: &RebalanceArgs, (seconds_spent, search_end): (f64, f64)) -> RebalanceOptions {
    let budget = match args.evaluations {
        Some(evaluations) => Budget::Evaluations(evaluations),
        // Reading counts: the limit is what the user waits.
        None => Budget::Seconds((args.time_limit * search_end - seconds_spent).max(0.001)),
    };
    RebalanceOptions {
        seed: args.seed,
        threads: usize::from(args.threads),
        islands: usize::from(args.islands_count()),
        budget,
        moves_max: args.max_moves,
        method: args.method.into(),
    }
}

/// The parts of the work, one after the other. The wish to stop ends them all with what they have, the time limit those
/// that it is over for.
struct Parts {
    stop: &'static AtomicBool,
    started: Instant,
    /// Seconds for the whole command; none with a budget of evaluations.
    limit: Option<f64>,
    /// Parts that were ended by the wish to stop.
    stopped: Vec<&'static str>,
}

impl Parts {
    /// Runs a part until it is done, or until the share `end` of the limit.
    fn run<T>(
        &mut self,
        name: &'static str,
        end: f64,
        part: impl FnOnce(&ProgressBar, Stopped<'_>) -> T,
    ) -> T {
        let bar = output::live_line();
        bar.enable_steady_tick(LOOK);
        let (stop, started, limit) = (self.stop, self.started, self.limit);
        let late = || limit.is_some_and(|limit| started.elapsed().as_secs_f64() >= limit * end);
        let result = part(&bar, &|| stop.load(Ordering::Relaxed) || late());
        bar.finish_and_clear();
        if self.stop.load(Ordering::Relaxed) && !self.stopped.contains(&name) {
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

fn note_blocked(problem: &RebalanceProblem, plan: &OrderedMoves, stopped: bool) {
    let (blocked, cost) = (plan.blocked.len(), plan.cost(problem).total());
    if stopped {
        output::note(&format!(
            "note: the ordering of the plan was stopped: {} not where the placement found has \
             them; the safe steps so far reach a cost of {cost}",
            counted(blocked, "task is", "tasks are")
        ));
    } else if blocked > 0 {
        output::note(&format!(
            "note: {} no safe way to where the placement found has them; the plan arranges the \
             others around that and reaches a cost of {cost}",
            counted(blocked, "task has", "tasks have")
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
        bar.set_message(format!(
            "cost {cost}, {}, {rate:.1} M evaluations/s, {until}",
            counted(moves, "move", "moves")
        ));
        thread::sleep(LOOK);
    }
}
