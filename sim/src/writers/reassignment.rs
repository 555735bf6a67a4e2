//! Writer of the machine reassignment format, as its reader ([`read_reassignment`]) takes it.
//!
//! [`read_reassignment`]: crate::readers::read_reassignment

use std::fmt::Display;
use std::io::{self, Write};

use lepton_core::decide::rebalance::ProblemParts;

/// Writes the model: everything but where the tasks run.
///
/// # Errors
/// When the output cannot be written.
pub fn write_reassignment_model(out: &mut impl Write, parts: &ProblemParts) -> io::Result<()> {
    writeln!(out, "{}", parts.resources.len())?;
    for resource in &parts.resources {
        writeln!(out, "{} {}", u8::from(resource.transient), resource.load_weight)?;
    }
    writeln!(out, "{}", parts.nodes.len())?;
    for (from, node) in (0_u32..).zip(&parts.nodes) {
        write!(out, "{} {}", node.neighbourhood, node.location)?;
        let amounts = node.capacity.iter().chain(&node.safety);
        row(out, amounts)?;
        let costs = (0..parts.nodes.len() as u32).map(|to| parts.move_costs.cost(from, to));
        row(out, costs)?;
        writeln!(out)?;
    }
    writeln!(out, "{}", parts.services.len())?;
    for service in &parts.services {
        write!(out, "{} {}", service.spread_min, service.depends_on.len())?;
        row(out, &service.depends_on)?;
        writeln!(out)?;
    }
    writeln!(out, "{}", parts.tasks.len())?;
    for task in &parts.tasks {
        write!(out, "{}", task.service)?;
        row(out, task.need.iter().chain([&task.move_cost]))?;
        writeln!(out)?;
    }
    writeln!(out, "{}", parts.balance.len())?;
    for goal in &parts.balance {
        writeln!(out, "{} {} {}\n{}", goal.of, goal.to, goal.target, goal.weight)?;
    }
    let weights = &parts.weights;
    writeln!(out, "{} {} {}", weights.task, weights.service, weights.node)?;
    out.flush()
}

/// Writes a placement: the node of each task.
///
/// # Errors
/// When the output cannot be written.
pub fn write_reassignment_placement(out: &mut impl Write, placement: &[u32]) -> io::Result<()> {
    for (i, node) in placement.iter().enumerate() {
        write!(out, "{}{node}", if i == 0 { "" } else { " " })?;
    }
    writeln!(out)?;
    out.flush()
}

fn row(out: &mut impl Write, values: impl IntoIterator<Item: Display>) -> io::Result<()> {
    values.into_iter().try_for_each(|value| write!(out, " {value}"))
}
