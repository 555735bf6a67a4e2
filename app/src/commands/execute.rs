//! `lepton execute`: carries a plan out on a simulated cluster, as the loop would, and says what became of each step.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::anyhow;
use lepton_core::execute::{Actuator, carry_out};
use lepton_core::model::{Action, ClusterDocument, Outcome, Plan, Snapshot, StepResult, counted};
use lepton_sim::readers::{ClusterSnapshot, PlanFile, read_plan, read_reassignment, read_snapshot};
use lepton_sim::world::{RunningPlacement, StillCluster};
use lepton_sim::writers::write_reassignment_placement;
use serde::Serialize;

use crate::cli_execute::ExecuteArgs;
use crate::failure::Failure;
use crate::output::{self, OutputFormat};
use crate::result_files::{ResultFile, ResultFiles};

/// Steps that were not done and are shown in the table.
const ROWS: usize = 20;

pub(crate) fn run(args: &ExecuteArgs) -> Result<(), Failure> {
    let mut files = ResultFiles::beside_inputs([
        ("--snapshot", args.snapshot.as_deref()),
        ("--model", args.model.as_deref()),
        ("--assignment", args.assignment.as_deref()),
        ("--plan", Some(args.plan.as_path())),
    ]);
    let solution = files.claim_if_given("--solution", args.solution.as_deref())?;
    let PlanFile { moving, plan } = read_plan(&args.plan)?;
    let outcome = match (&args.snapshot, &args.model, &args.assignment) {
        (Some(path), ..) => {
            let ClusterSnapshot { time_seconds, cluster, expected } = read_snapshot(path)?;
            let mut world = StillCluster::new(cluster.clone(), moving);
            let outcome = carried_out(&plan, Snapshot::of_cluster(cluster, time_seconds), &mut world)?;
            if solution.is_some() {
                let document = ClusterDocument::of_cluster(world.cluster(), time_seconds);
                files.write_json(solution.as_ref(), &document.with_expected(world.cluster(), &expected));
            }
            outcome
        }
        (None, Some(model), Some(assignment)) => {
            on_running_placement((model, assignment), &plan, (&mut files, solution.as_ref()))?
        }
        _ => {
            return Err(Failure::Input(
                "expected --snapshot, or --format with --model and --assignment".to_owned(),
            ));
        }
    };
    let report = report(&plan, &outcome);
    match args.output {
        OutputFormat::Json => output::print_json(&report)?,
        OutputFormat::Csv => output::print(&csv(&report))?,
        OutputFormat::Table => output::print(&text(&report))?,
    }
    files.end()?;
    match report.steps - report.done {
        0 => Ok(()),
        left => Err(anyhow!("{left} of {} not done", counted(report.steps, "step was", "steps were")).into()),
    }
}

fn on_running_placement(
    (model, assignment): (&Path, &Path),
    plan: &Plan,
    (files, solution): (&mut ResultFiles, Option<&ResultFile>),
) -> Result<Outcome, Failure> {
    let problem = read_reassignment(model, assignment)?;
    let mut world = RunningPlacement::new(&problem).map_err(anyhow::Error::from)?;
    let outcome = carried_out(plan, world.snapshot().map_err(anyhow::Error::from)?, &mut world)?;
    files.write(solution, |out| write_reassignment_placement(out, world.placement()));
    Ok(outcome)
}

/// What becomes of the plan. In a simulated cluster nothing stays under way.
fn carried_out(plan: &Plan, mut belief: Snapshot, world: &mut dyn Actuator) -> anyhow::Result<Outcome> {
    let outcome = carry_out(plan, &mut belief, world, &mut Vec::new());
    match outcome.halted {
        Some(why) => Err(anyhow!(why)),
        None => Ok(outcome),
    }
}

/// The result as JSON.
#[derive(Debug, Serialize)]
struct Report<'a> {
    parts: usize,
    steps: usize,
    done: usize,
    refused: usize,
    undone: usize,
    not_tried: usize,
    results: Vec<Row<'a>>,
}

/// What became of a step.
#[derive(Debug, Serialize)]
struct Row<'a> {
    part: String,
    #[serde(flatten)]
    action: &'a Action,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

fn report<'a>(plan: &'a Plan, outcome: &'a Outcome) -> Report<'a> {
    let outcomes = outcome.results();
    let mut results = Vec::new();
    for part in &plan.parts {
        for (at, action) in part.steps.iter().enumerate() {
            let (result, why) = match outcomes.get(&part.key).and_then(|of_part| of_part.get(at)) {
                Some(StepResult::Done) => ("done", None),
                Some(StepResult::Underway) => ("under way", None),
                Some(StepResult::Refused(why)) => ("refused", Some(why.as_str())),
                Some(StepResult::Undone(why)) => ("undone", Some(why.as_str())),
                Some(StepResult::NotTried) | None => ("not tried", None),
            };
            results.push(Row { part: part.key.to_string(), action, result, why });
        }
    }
    let count = |result: &str| results.iter().filter(|row| row.result == result).count();
    Report {
        parts: plan.parts.len(),
        steps: results.len(),
        done: count("done"),
        refused: count("refused"),
        undone: count("undone"),
        not_tried: count("not tried"),
        results,
    }
}

/// The task or node of a step, where it comes from, where it goes.
fn places(action: &Action) -> [String; 3] {
    let what = match action {
        Action::Cordon { node } | Action::Uncordon { node } => node,
        Action::Place { task, .. } | Action::Migrate { task, .. } | Action::Preempt { task, .. } => task,
    };
    let spot = |spot: Option<&lepton_core::model::Spot>| spot.map(ToString::to_string).unwrap_or_default();
    [what.to_string(), spot(action.from()), spot(action.to())]
}

fn csv(report: &Report<'_>) -> String {
    let mut text = String::from("part,action,what,from,to,result,why\n");
    for Row { part, action, result, why } in &report.results {
        let [what, from, to] = places(action);
        let why = why.unwrap_or_default().replace('"', "\"\"");
        let _ = writeln!(text, "{part},{},{what},{from},{to},{result},\"{why}\"", action.kind().name());
    }
    text
}

fn text(report: &Report<'_>) -> String {
    let Report { parts, steps, done, refused, undone, not_tried, results } = report;
    let mut text = format!(
        "{done} of {} done, in {}",
        counted(*steps, "step", "steps"),
        counted(*parts, "part", "parts")
    );
    if done < steps {
        let _ = write!(text, "; {refused} refused, {undone} taken back, {not_tried} not tried");
    }
    text.push_str(".\n");
    let mut table = output::table(&["part", "step", "what", "from", "to", "result", "why"]);
    let left: Vec<&Row<'_>> = results.iter().filter(|row| row.result != "done").collect();
    for Row { part, action, result, why } in left.iter().take(ROWS) {
        let [what, from, to] = places(action);
        let step = action.kind().name().to_owned();
        let why = why.unwrap_or_default().to_owned();
        table.add_row([part.clone(), step, what, from, to, (*result).to_owned(), why]);
    }
    if !left.is_empty() {
        let _ = write!(text, "\n{table}\n");
    }
    if left.len() > ROWS {
        let _ = writeln!(text, "and {} more: --output json shows each", left.len() - ROWS);
    }
    text
}
