//! `lepton generate reassignment`: makes an instance of the machine reassignment problem and writes its files.

use lepton_core::decide::rebalance::RebalanceProblem;
use lepton_sim::generate::{ReassignmentShape, reassignment};
use lepton_sim::writers::{write_reassignment_model, write_reassignment_placement};
use serde::Serialize;

use crate::cli_generate::ReassignmentArgs;
use crate::failure::Failure;
use crate::output::{self, OutputFormat};
use crate::result_files::{Overwrite, ResultFiles};

/// What was written.
#[derive(Debug, Serialize)]
struct Report {
    nodes: usize,
    tasks: usize,
    services: usize,
    resources: usize,
    transient: usize,
    dependencies: usize,
    balance_goals: usize,
    initial_cost: u64,
    lower_bound: u64,
    seed: u64,
}

pub(crate) fn run(args: &ReassignmentArgs) -> Result<(), Failure> {
    let mut files = ResultFiles::default();
    let model = files.claim("--model", &args.model, Overwrite::Yes)?;
    let assignment = files.claim("--assignment", &args.assignment, Overwrite::Yes)?;
    let problem = RebalanceProblem::new(reassignment(&shape(args)?, args.seed))
        .map_err(|e| Failure::Input(format!("no instance of this shape: {e}")))?;
    let parts = problem.parts();
    files.write(Some(&model), |out| write_reassignment_model(out, parts));
    files.write(Some(&assignment), |out| write_reassignment_placement(out, &parts.initial));
    let report = Report {
        nodes: parts.nodes.len(),
        tasks: parts.tasks.len(),
        services: parts.services.len(),
        resources: parts.resources.len(),
        transient: parts.resources.iter().filter(|r| r.transient).count(),
        dependencies: parts.services.iter().map(|s| s.depends_on.len()).sum(),
        balance_goals: parts.balance.len(),
        initial_cost: problem.cost(problem.initial()).total(),
        lower_bound: problem.lower_bound(),
        seed: args.seed,
    };
    match args.output {
        OutputFormat::Json => output::print_json(&report)?,
        OutputFormat::Csv => output::print(&csv(&report))?,
        OutputFormat::Table => output::print(&text(&report))?,
    }
    files.end()
}

fn shape(args: &ReassignmentArgs) -> Result<ReassignmentShape, Failure> {
    let (nodes, resources) = (args.nodes_count as usize, args.resources as usize);
    let default = ReassignmentShape::of_size(nodes, args.tasks_count as usize, resources);
    let given = |value: Option<u32>, default: usize| value.map_or(default, |v| v as usize);
    let locations = given(args.locations, default.locations);
    let shape = ReassignmentShape {
        transient: given(args.transient, default.transient),
        locations,
        neighbourhoods: given(args.neighbourhoods, locations.min(5)),
        service_tasks: args.service_tasks,
        dependent: args.dependent,
        balance_goals: if resources > 1 { args.balance_goals as usize } else { 0 },
        fill: args.fill,
        ..default
    };
    for (name, value, max, of) in [
        ("transient", shape.transient, resources, "resources"),
        ("locations", locations, nodes, "nodes"),
        ("neighbourhoods", shape.neighbourhoods, locations, "locations"),
    ] {
        if value > max {
            return Err(Failure::Input(format!("--{name} {value}: there are only {max} {of}")));
        }
    }
    Ok(shape)
}

fn rows(report: &Report) -> [(&'static str, u64); 10] {
    [
        ("nodes", report.nodes as u64),
        ("tasks", report.tasks as u64),
        ("services", report.services as u64),
        ("resources", report.resources as u64),
        ("transient resources", report.transient as u64),
        ("dependencies", report.dependencies as u64),
        ("balance goals", report.balance_goals as u64),
        ("cost of the running placement", report.initial_cost),
        ("no placement costs less than", report.lower_bound),
        ("seed", report.seed),
    ]
}

fn csv(report: &Report) -> String {
    let lines = rows(report).map(|(name, value)| format!("{name},{value}\n"));
    format!("what,value\n{}", lines.concat())
}

fn text(report: &Report) -> String {
    let mut table = output::table(&["what", "value"]);
    for (name, value) in rows(report) {
        table.add_row([name.to_owned(), value.to_string()]);
    }
    format!("{table}\n")
}
