//! `lepton rebalance --snapshot`: reads a cluster, plans moves that make its waiting tasks fit, checks the plan step
//! by step. The result is shown by [`super::rebalance_snapshot_report`].

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Context;
use lepton_core::decide::defragment::{
    DefragmentOptions, DefragmentPoint, DefragmentProblem, DefragmentSurroundings, Defragmentation, Effort,
    Objective, WaveLimits, defragment, defragment_with_front,
};
use lepton_core::decide::guard::{Rehearsal, RehearsalOptions, rehearse};
use lepton_core::decide::policy::{Mix, PlacementModel};
use lepton_core::model::fragmentation::TargetWorkload;
use lepton_core::model::{Cluster, ClusterDocument, Moving, Serving, counted, replay};
use lepton_sim::readers::{ClusterSnapshot, read_snapshot};

use super::reading::read_within;
use super::rebalance_snapshot_report::{Outcome, plan_document, show};
use crate::cli_rebalance::RebalanceArgs;
use crate::failure::Failure;
use crate::objective_file::read_objective;
use crate::output;
use crate::result_files::ResultFiles;
use crate::stop;

/// Share of the time limit that is kept for checking and printing, and of the time for reading if that is more: what is
/// checked at the end is of the size of what was read.
const LAST_SHARE: f64 = 0.05;
const LAST_SHARE_OF_READING: f64 = 0.6;
/// The same for writing the cluster as it is after the plan.
const WRITING_SHARE_OF_READING: f64 = 1.0;

pub(crate) fn run(args: &RebalanceArgs, path: &Path) -> Result<(), Failure> {
    let mut files =
        ResultFiles::beside_inputs([("--snapshot", Some(path)), ("--objective", args.objective.as_deref())]);
    let solution = files.claim_if_given("--solution", args.solution.as_deref())?;
    let plan = files.claim_if_given("--plan", args.plan.as_deref())?;
    let started = Instant::now();
    let limit = args.evaluations.is_none().then_some(args.time_limit);
    let from = path.to_owned();
    let read = read_within(limit, &path.display().to_string(), move || read_snapshot(&from))?;
    let ClusterSnapshot { time_seconds, cluster, expected } = read;
    let objective = args.objective.as_deref().map(read_objective).transpose()?.unwrap_or_default();
    let model = PlacementModel::shipped();
    let rehearsal = rehearsal(&cluster, &expected, &objective, &model);
    let served = rehearsal.as_ref().filter(|r| r.decision.serving == Serving::Model).map(|_| &model);
    let problem = DefragmentProblem::new(&cluster, &expected, objective, served);
    let options = options(args, &cluster, started.elapsed().as_secs_f64());
    let rounds = AtomicUsize::new(0);
    let (found, front) = search(args, &problem, &options, &rounds);
    let mut after = cluster.clone();
    replay(&found.plan, &mut after, Moving::StandTwice, |_, _| ())
        .context("the plan breaks a rule; this is a fault in Lepton")?;
    files.write_json(plan.as_ref(), &plan_document(&found, time_seconds));
    if solution.is_some() {
        let document = ClusterDocument::of_cluster(&after, time_seconds);
        files.write_json(solution.as_ref(), &document.with_expected(&after, &expected));
    }
    let (rounds, seconds) = (rounds.into_inner(), started.elapsed().as_secs_f64());
    show(&Outcome {
        args,
        problem: &problem,
        cluster: &cluster,
        after: &after,
        found: &found,
        rehearsal: rehearsal.as_ref(),
        front,
        rounds,
        seconds,
    })?;
    files.end()?;
    if stop::came() { Err(Failure::Stopped) } else { Ok(()) }
}

/// Whether the learned worth may judge what is left: it serves where the learned placement shows in a rehearsal that it
/// knows this cluster and mix better than the rules do. None where worth does not count: no weight, nothing expected, or tasks wait.
fn rehearsal(
    cluster: &Cluster,
    expected: &TargetWorkload,
    objective: &Objective,
    model: &PlacementModel,
) -> Option<Rehearsal> {
    let counts = objective.counts_worth() && !expected.is_empty() && cluster.waiting().next().is_none();
    let mix = || Arc::new(Mix::new(cluster, expected));
    counts.then(|| rehearse(cluster, expected, &mix(), model, &RehearsalOptions::default()))
}

fn options(args: &RebalanceArgs, cluster: &Cluster, seconds_spent: f64) -> DefragmentOptions {
    let effort = match args.evaluations {
        Some(rounds) => Effort::Rounds(rounds),
        // Reading and the end count: the limit is what the user waits.
        None => {
            let writing = if args.solution.is_some() { WRITING_SHARE_OF_READING } else { 0.0 };
            let of_reading = seconds_spent * (LAST_SHARE_OF_READING + writing);
            let last = (args.time_limit * LAST_SHARE).max(of_reading);
            Effort::Seconds((args.time_limit - last - seconds_spent).max(0.001))
        }
    };
    let waves = WaveLimits {
        moves_per_wave: args.max_moves_per_wave.map(NonZeroUsize::get),
        moves_per_owner: args.max_moves_per_owner.map(NonZeroUsize::get),
    };
    DefragmentOptions {
        seed: args.seed,
        threads: usize::from(args.threads),
        islands: usize::from(args.islands_count()),
        effort,
        moves_max: args.max_moves.unwrap_or(cluster.tasks().len()),
        method: args.method.into(),
        waves,
    }
}

/// Runs the search with a line of progress.
fn search(
    args: &RebalanceArgs,
    problem: &DefragmentProblem<'_>,
    options: &DefragmentOptions,
    rounds: &AtomicUsize,
) -> (Defragmentation, Option<Vec<DefragmentPoint>>) {
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
            bar.set_message(format!("objective {cost:.1}, {}, {until}", counted(moves, "move", "moves")));
        }
        bar.tick();
    };
    let surroundings = DefragmentSurroundings {
        seconds: &|| begun.elapsed().as_secs_f64(),
        stopped: &|| stop.load(Ordering::Relaxed),
        progress: &progress,
    };
    let found = if args.pareto {
        let (found, front) = defragment_with_front(problem, options, &surroundings);
        (found, Some(front))
    } else {
        (defragment(problem, options, &surroundings), None)
    };
    bar.finish_and_clear();
    found
}
