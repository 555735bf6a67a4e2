//! Processes by what they belong to, the largest first and bounded in number.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::sample::Sample;

/// Units that are shown as tasks of their own; the others count with the rest of the host.
pub(super) const UNITS_MAX: usize = 40;
/// What is shown already stays while it has this much of what would take its place: names that come and go tell nobody anything.
const STAYS: f64 = 2.0;

/// Processes that belong together.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Unit {
    /// Use of the processor, millicores.
    pub(super) millicores: f64,
    /// Memory that no other unit has, KiB.
    pub(super) memory_kib: u64,
    /// Whose its oldest process is.
    pub(super) user: u32,
    /// When that began, ticks after the start of the machine.
    pub(super) started_ticks: u64,
}

/// The units between two looks that are worth a name.
pub(super) fn units(before: &Sample, now: &Sample, shown: &BTreeSet<Rc<str>>) -> BTreeMap<Rc<str>, Unit> {
    let cores = now.cpu.cores as f64;
    let ticks_of_a_core = now.cpu.all_ticks.saturating_sub(before.cpu.all_ticks) as f64 / cores;
    let mut all = BTreeMap::<Rc<str>, Unit>::new();
    let mut processes: Vec<_> = now.processes.iter().collect();
    processes.sort_unstable_by_key(|(key, _)| **key);
    for (key, process) in processes {
        // One that began since the last look had nothing before.
        let had = before.processes.get(key).map_or(0, |before| before.ticks);
        let unit = all.entry(Rc::clone(&process.unit)).or_insert_with(|| Unit {
            user: process.user,
            started_ticks: key.1,
            ..Unit::default()
        });
        if key.1 < unit.started_ticks {
            (unit.user, unit.started_ticks) = (process.user, key.1);
        }
        unit.memory_kib += process.memory_kib;
        if ticks_of_a_core > 0.0 {
            unit.millicores += 1000.0 * process.ticks.saturating_sub(had) as f64 / ticks_of_a_core;
        }
    }
    let weight = |(name, unit): &(Rc<str>, Unit)| {
        let share =
            (unit.millicores / (1000.0 * cores)).max(unit.memory_kib as f64 / now.memory_kib.0 as f64);
        if shown.contains(name) { STAYS * share } else { share }
    };
    let mut ranked: Vec<(Rc<str>, Unit)> = all.into_iter().collect();
    // The sort keeps the order of names among equals.
    ranked.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
    ranked.truncate(UNITS_MAX);
    ranked.into_iter().collect()
}
