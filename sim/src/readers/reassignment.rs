//! Reader of the machine reassignment format (ROADEF/EURO challenge 2012): whole numbers between blanks, no
//! names, no headers; line breaks carry no meaning, but no line may be longer than [`LINE_BYTES_MAX`].
//!
//! The model lists resources (transient or not, load weight), machines (neighbourhood, location, capacities,
//! safety capacities, move costs), services (spread, dependencies), processes (service, needs, move cost),
//! balance goals and three weights. The assignment lists a machine for each process. Machines become nodes,
//! processes tasks. Rules: every number is between 0 and 4294967295, every index exists, a machine moves to
//! itself at no cost, nothing follows the last number, and the assignment keeps all rules of the model.
//!
//! [`LINE_BYTES_MAX`]: super::LINE_BYTES_MAX

mod numbers;

use std::io::BufRead;
use std::path::Path;

use lepton_core::decide::rebalance::{
    BalanceGoal, MoveCosts, MoveWeights, ProblemParts, REBALANCE_AMOUNT_MAX, REBALANCE_NODES_MAX,
    REBALANCE_RESOURCES_MAX, REBALANCE_TASKS_MAX, RebalanceNode, RebalanceProblem, RebalanceService,
    RebalanceTask, ResourceRule,
};

use super::{InputError, open};
use numbers::Numbers;

/// Most dependencies of one service, and most balance goals.
const LIST_MAX: u64 = 100_000;

/// Reads a model and the running assignment of its processes.
///
/// # Errors
/// When a file cannot be read, a number is missing, left over, malformed or out of bounds (the message names
/// line, section and position), or the assignment breaks a rule of the model.
pub fn read_reassignment(model: &Path, assignment: &Path) -> Result<RebalanceProblem, InputError> {
    read_reassignment_from((model, open(model)?), (assignment, open(assignment)?))
}

/// The same over open readers; the paths are only named in errors.
///
/// # Errors
/// As [`read_reassignment`].
pub fn read_reassignment_from(
    model: (&Path, Box<dyn BufRead>),
    assignment: (&Path, Box<dyn BufRead>),
) -> Result<RebalanceProblem, InputError> {
    let model_path = model.0;
    let mut parts = read_model(&mut Numbers::new(model.0, model.1))?;
    parts.initial = read_placement_of(&mut Numbers::new(assignment.0, assignment.1), &parts)?;
    RebalanceProblem::new(parts).map_err(|e| {
        let breaks = matches!(e, lepton_core::decide::rebalance::ProblemError::InitialBreaks(_));
        let hint = "the assignment belongs to another model";
        let error = InputError::new(if breaks { assignment.0 } else { model_path }, e.to_string());
        if breaks { error.maybe(hint) } else { error }
    })
}

fn read_model(numbers: &mut Numbers<'_>) -> Result<ProblemParts, InputError> {
    let amount = REBALANCE_AMOUNT_MAX;
    let count = numbers.next("number of resources", 1, REBALANCE_RESOURCES_MAX as u64)?;
    let mut resources = Vec::new();
    for r in 0..count {
        resources.push(ResourceRule {
            transient: numbers.next_of("transient flag of resource", r, 0, 1)? == 1,
            load_weight: numbers.next_of("load weight of resource", r, 0, amount)?,
        });
    }
    let machines = numbers.next("number of machines", 1, REBALANCE_NODES_MAX as u64)?;
    let mut nodes = Vec::new();
    let mut move_costs = MoveCosts::for_nodes(machines as usize);
    let mut costs = Vec::new();
    for m in 0..machines {
        let neighbourhood =
            numbers.next_of("neighbourhood of machine", m, 0, REBALANCE_NODES_MAX as u64 - 1)?;
        let location = numbers.next_of("location of machine", m, 0, REBALANCE_NODES_MAX as u64 - 1)?;
        nodes.push(RebalanceNode {
            neighbourhood: neighbourhood as u32,
            location: location as u32,
            capacity: numbers.row("capacity of machine", m, resources.len())?,
            safety: numbers.row("safety capacity of machine", m, resources.len())?,
        });
        costs.clear();
        numbers.each_of_row("move cost of machine", m, machines as usize, |cost| costs.push(cost as u32))?;
        move_costs.push_row(&costs);
    }
    let count = numbers.next("number of services", 1, REBALANCE_TASKS_MAX as u64)?;
    let mut services = Vec::new();
    for s in 0..count {
        let spread_min = numbers.next_of("spread of service", s, 0, REBALANCE_NODES_MAX as u64)? as u32;
        let mut depends_on = Vec::new();
        for _ in 0..numbers.next_of("number of dependencies of service", s, 0, LIST_MAX)? {
            depends_on.push(numbers.next_of("dependency of service", s, 0, count - 1)? as u32);
        }
        services.push(RebalanceService { spread_min, depends_on });
    }
    let count = numbers.next("number of processes", 1, REBALANCE_TASKS_MAX as u64)?;
    let mut tasks = Vec::new();
    for p in 0..count {
        tasks.push(RebalanceTask {
            service: numbers.next_of("service of process", p, 0, services.len() as u64 - 1)? as u32,
            need: numbers.row("need of process", p, resources.len())?,
            move_cost: numbers.next_of("move cost of process", p, 0, amount)?,
        });
    }
    let mut balance = Vec::new();
    for b in 0..numbers.next("number of balance goals", 0, LIST_MAX)? {
        balance.push(BalanceGoal {
            of: numbers.next_of("first resource of balance goal", b, 0, resources.len() as u64 - 1)? as u32,
            to: numbers.next_of("second resource of balance goal", b, 0, resources.len() as u64 - 1)? as u32,
            target: numbers.next_of("target of balance goal", b, 0, amount)?,
            weight: numbers.next_of("weight of balance goal", b, 0, amount)?,
        });
    }
    let weights = MoveWeights {
        task: numbers.next("weight of process moves", 0, amount)?,
        service: numbers.next("weight of service moves", 0, amount)?,
        node: numbers.next("weight of machine moves", 0, amount)?,
    };
    numbers.end("the three weights")?;
    Ok(ProblemParts { resources, nodes, move_costs, services, tasks, balance, weights, initial: Vec::new() })
}

fn read_placement_of(numbers: &mut Numbers<'_>, parts: &ProblemParts) -> Result<Vec<u32>, InputError> {
    let mut initial = Vec::with_capacity(parts.tasks.len());
    for p in 0..parts.tasks.len() as u64 {
        initial.push(numbers.next_of("machine of process", p, 0, parts.nodes.len() as u64 - 1)? as u32);
    }
    numbers.end("a machine for each process of the model")?;
    Ok(initial)
}

#[cfg(test)]
mod tests;
