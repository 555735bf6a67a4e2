//! Reader of the openb format (Alibaba cluster-trace-gpu-v2023): a node list, a task list, and optionally
//! the arrival orders of a published study. All three are CSV, plain or compressed.
//!
//! It reads and checks; what is made of the rows is in [`crate::workload`].

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use super::{CsvTable, InputError, open};

/// Largest CPU amount of a node or task: ten million cores, in thousandths.
const CPU_MILLICORES_MAX: i64 = 10_000_000_000;
/// Largest memory amount of a node or task: one exbibyte, in MiB.
const MEMORY_MIB_MAX: i64 = 1 << 40;
/// Most GPUs of a node or task.
const GPUS_MAX: i64 = 64;
/// Most nodes, tasks and seeds of arrival orders in one file: far above any known cluster, far below what
/// fills the memory.
const NODES_MAX: usize = 1_000_000;
const TASKS_MAX: usize = 10_000_000;
const SEEDS_MAX: usize = 10_000;
/// Latest point in time accepted, in seconds: over 30,000 years.
const SECONDS_MAX: i64 = 1_000_000_000_000;

/// A row of the node list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenbNode {
    /// `sn`: unique name.
    pub name: String,
    /// `cpu_milli`: thousandths of a core.
    pub cpu_millicores: i64,
    /// `memory_mib`.
    pub memory_mib: i64,
    /// `gpu`: number of GPUs.
    pub gpus: usize,
    /// `model`: GPU model; empty without GPUs.
    pub model: String,
}

/// What a task list says of when a task got its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheduled {
    /// Nothing: the list has no such column.
    Unsaid,
    /// It never did.
    Never,
    /// Then, in seconds from the start of the trace.
    AtSeconds(i64),
}

/// A row of the task list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenbTask {
    /// `name`: unique name.
    pub name: String,
    /// `cpu_milli`: thousandths of a core.
    pub cpu_millicores: i64,
    /// `memory_mib`.
    pub memory_mib: i64,
    /// `num_gpu`: GPUs asked for.
    pub gpus: u16,
    /// `gpu_milli`: thousandths of each; 0 without GPUs, 1000 with several.
    pub gpu_milli: u16,
    /// `gpu_spec`: accepted models joined by `|`; empty accepts any.
    pub gpu_spec: String,
    /// `creation_time`: seconds from the start of the trace, where the file has it.
    pub creation_seconds: Option<i64>,
    /// `deletion_time`, likewise.
    pub deletion_seconds: Option<i64>,
    /// `scheduled_time`.
    pub scheduled: Scheduled,
    /// The line of the file it stands on.
    pub line: u64,
}

/// The arrival order of one run, and how nodes with equal scores rank.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Arrivals {
    /// Rows of the task list in order of arrival; a row may come again.
    pub order: Vec<u32>,
    /// Per node of the node list: its rank; the lowest wins among equal scores.
    pub node_rank: Vec<u32>,
}

/// Reads a node list: columns `sn`, `cpu_milli`, `memory_mib`, `gpu`, `model`.
///
/// # Errors
/// When the file cannot be read, a column is missing, a value is out of range, or a name occurs twice.
pub fn read_nodes(path: &Path) -> Result<Vec<OpenbNode>, InputError> {
    let mut table = CsvTable::open(path)?;
    let [name, cpu, memory, gpu, model] = columns(&table, ["sn", "cpu_milli", "memory_mib", "gpu", "model"])?;
    let mut names = HashSet::new();
    let mut nodes = Vec::new();
    while let Some(row) = table.next_row()? {
        let node = OpenbNode {
            name: row.name(name)?.to_owned(),
            cpu_millicores: row.integer(cpu, 0, CPU_MILLICORES_MAX)?,
            memory_mib: row.integer(memory, 0, MEMORY_MIB_MAX)?,
            gpus: row.integer(gpu, 0, GPUS_MAX)? as usize,
            model: row.text(model).to_owned(),
        };
        if node.gpus > 0 && node.model.is_empty() {
            return Err(row.error(model, format!("is empty, expected the model of its {} GPUs", node.gpus)));
        }
        if !names.insert(node.name.clone()) {
            return Err(row.error(name, "the node name is used twice, expected unique names"));
        }
        if nodes.len() == NODES_MAX {
            return Err(InputError::new(path, format!("has more than {NODES_MAX} nodes")).at_line(row.line()));
        }
        nodes.push(node);
    }
    if nodes.is_empty() {
        return Err(InputError::new(path, "has a header but no nodes, expected at least one row"));
    }
    Ok(nodes)
}

/// Reads a task list: columns `name`, `cpu_milli`, `memory_mib`, `num_gpu`, `gpu_milli`, and where present
/// `gpu_spec`, `creation_time`, `deletion_time`, `scheduled_time`. Times may have fractions and are rounded; `gpu_milli` may
/// be empty where a task has no GPUs.
///
/// # Errors
/// When the file cannot be read, a column is missing, a value is out of range or does not agree with the
/// number of GPUs, or a name occurs twice.
pub fn read_tasks(path: &Path) -> Result<Vec<OpenbTask>, InputError> {
    let mut table = CsvTable::open(path)?;
    let [name, cpu, memory, gpu, milli] =
        columns(&table, ["name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli"])?;
    let [spec, created, deleted, scheduled] =
        ["gpu_spec", "creation_time", "deletion_time", "scheduled_time"].map(|column| table.find(column));
    let mut names = HashSet::new();
    let mut tasks = Vec::new();
    while let Some(row) = table.next_row()? {
        let gpus = row.integer(gpu, 0, GPUS_MAX)?;
        let (least, most) = match gpus {
            0 => (0, 0),
            1 => (1, 1000),
            _ => (1000, 1000),
        };
        let gpu_milli = if gpus == 0 && row.text(milli).is_empty() {
            0
        } else {
            row.integer(milli, least, most).map_err(|e| {
                e.maybe(format!("`num_gpu` is wrong: {gpus} GPUs go with `gpu_milli` from {least} to {most}"))
            })?
        };
        let seconds = |column: Option<usize>| {
            column.map_or(Ok(None), |c| row.seconds_or_empty(c, -SECONDS_MAX, SECONDS_MAX))
        };
        let task = OpenbTask {
            name: row.name(name)?.to_owned(),
            cpu_millicores: row.integer(cpu, 0, CPU_MILLICORES_MAX)?,
            memory_mib: row.integer(memory, 0, MEMORY_MIB_MAX)?,
            gpus: gpus as u16,
            gpu_milli: gpu_milli as u16,
            gpu_spec: spec.map_or("", |c| row.text(c)).to_owned(),
            creation_seconds: seconds(created)?,
            deletion_seconds: seconds(deleted)?,
            scheduled: match (scheduled, seconds(scheduled)?) {
                (None, _) => Scheduled::Unsaid,
                (Some(_), at) => at.map_or(Scheduled::Never, Scheduled::AtSeconds),
            },
            line: row.line(),
        };
        if !names.insert(task.name.clone()) {
            return Err(row.error(name, "the task name is used twice, expected unique names"));
        }
        if tasks.len() == TASKS_MAX {
            return Err(InputError::new(path, format!("has more than {TASKS_MAX} tasks")).at_line(row.line()));
        }
        tasks.push(task);
    }
    if tasks.is_empty() {
        return Err(InputError::new(path, "has a header but no tasks, expected at least one row"));
    }
    Ok(tasks)
}

/// Reads arrival orders: two lines per seed, `seed,pods,row,row,...` and `seed,noderank,rank,rank,...`, for
/// a task list of `tasks` rows and a node list of `nodes` rows. Rows and ranks count from 0.
///
/// # Errors
/// When the file cannot be read, a line is of another form, a row is out of range, the ranks are no
/// permutation, or a seed lacks one of its lines.
pub fn read_arrivals(path: &Path, tasks: usize, nodes: usize) -> Result<BTreeMap<u64, Arrivals>, InputError> {
    // By seed: the tasks in order and the ranks of the nodes, as far as they have been read.
    type Lines = (Option<Vec<u32>>, Option<Vec<u32>>);
    let mut input = open(path)?;
    let mut found: BTreeMap<u64, Lines> = BTreeMap::new();
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        let read = std::io::BufRead::read_until(&mut input, b'\n', &mut bytes)
            .map_err(|e| super::csv_table::io_error(path, number, &e))?;
        if read == 0 {
            break;
        }
        let line = std::str::from_utf8(&bytes)
            .map_err(|e| InputError::new(path, format!("is not UTF-8 text: {e}")).at_line(number))?;
        if line.trim().is_empty() {
            continue;
        }
        let mut fields = line.trim_end().split(',');
        let wrong = |column: &str, value: &str, expected: String| {
            InputError::new(path, expected).at_line(number).in_column(column).with_value(value)
        };
        let seed = fields.next().unwrap_or("");
        let seed: u64 =
            seed.parse().map_err(|_| wrong("seed", seed, "expected a seed, a whole number".into()))?;
        let kind = fields.next().unwrap_or("");
        if found.len() == SEEDS_MAX && !found.contains_key(&seed) {
            let problem = format!("has arrival orders for more than {SEEDS_MAX} seeds");
            return Err(InputError::new(path, problem).at_line(number));
        }
        let entry = found.entry(seed).or_default();
        let (slot, count) = match kind {
            "pods" => (&mut entry.0, tasks),
            "noderank" => (&mut entry.1, nodes),
            _ => return Err(wrong("kind", kind, "expected `pods` or `noderank`".into())),
        };
        let numbers = fields.enumerate().map(|(i, field)| match field.parse::<u32>() {
            Ok(n) if (n as usize) < count => Ok(n),
            _ => {
                let expected = format!("expected a whole number from 0 to {}", count.saturating_sub(1));
                let error = wrong(&format!("field {}", i + 3), field, expected);
                Err(error.maybe("the file belongs to another node or task list"))
            }
        });
        let numbers: Vec<u32> = numbers.collect::<Result<_, _>>()?;
        if kind == "noderank" {
            let distinct: HashSet<u32> = numbers.iter().copied().collect();
            if distinct.len() != nodes || numbers.len() != nodes {
                let have = numbers.len();
                let expected = format!("has {have} ranks, expected each of 0 to {} once", nodes - 1);
                return Err(InputError::new(path, expected).at_line(number).in_column("noderank"));
            }
        }
        if slot.replace(numbers).is_some() {
            return Err(wrong("kind", kind, format!("seed {seed} has this line twice")));
        }
    }
    let whole = found.into_iter().map(|(seed, lines)| match lines {
        (Some(order), Some(node_rank)) => Ok((seed, Arrivals { order, node_rank })),
        (pods, _) => {
            let lacking = if pods.is_none() { "pods" } else { "noderank" };
            Err(InputError::new(path, format!("seed {seed} has no `{lacking}` line")))
        }
    });
    whole.collect()
}

fn columns<const N: usize>(table: &CsvTable, names: [&str; N]) -> Result<[usize; N], InputError> {
    let mut found = [0; N];
    for (slot, name) in found.iter_mut().zip(names) {
        *slot = table.column(name)?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
