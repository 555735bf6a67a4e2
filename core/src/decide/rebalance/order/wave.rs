//! One wave: steps that may be carried out in any order and at the same time. No step counts on another: what
//! leaves frees nothing and is gone from every rule it upheld, what arrives needs its room and upholds none.
//! Steps that are passed over for a later wave count the same way, so that none that overtakes them can stand
//! in their way.

use std::collections::{HashMap, HashSet};

use super::super::ledger::add;
use super::super::problem::{Block, NOT_COUNTED};
use super::super::state::need;
use super::super::{PlacementState, RebalanceProblem};
use super::PlanOptions;

/// The steps of the wave so far, beside a state in which they are done already, and those passed over.
#[derive(Debug)]
pub(super) struct Wave<'p> {
    problem: &'p RebalanceProblem,
    options: PlanOptions,
    steps: usize,
    steps_of: HashMap<u32, usize>,
    tasks: HashSet<u32>,
    /// Rows by node: what is free but not to be used.
    kept: HashMap<u32, Vec<Block>>,
    /// Pairs of service and node that are not to be used though no task of the service is there.
    closed: HashSet<(u32, u32)>,
    /// By service: locations where a task stands that may not be there at another moment.
    unsure_locations: HashMap<u32, Vec<u32>>,
    /// By service and neighbourhood: tasks that are there now but may not be at another moment, and the
    /// other way round.
    unsure: HashMap<(u32, u32), u32>,
    possible: HashMap<(u32, u32), u32>,
}

impl<'p> Wave<'p> {
    pub(super) fn new(problem: &'p RebalanceProblem, options: PlanOptions) -> Self {
        Self {
            problem,
            options,
            steps: 0,
            steps_of: HashMap::new(),
            tasks: HashSet::new(),
            kept: HashMap::new(),
            closed: HashSet::new(),
            unsure_locations: HashMap::new(),
            unsure: HashMap::new(),
            possible: HashMap::new(),
        }
    }

    /// May no other step join?
    pub(super) fn is_full(&self) -> bool {
        self.options.moves_per_wave.is_some_and(|most| self.steps >= most.max(1))
    }

    /// Can the step, safe in `state` by itself, join the others?
    pub(super) fn takes(&self, state: &PlacementState<'_>, task: u32, to: u32) -> bool {
        let service = self.problem.service[task as usize];
        let of_service = self.steps_of.get(&service).copied().unwrap_or(0);
        let no_rows = vec![Block::default(); self.problem.blocks];
        let kept = self.kept.get(&to).unwrap_or(&no_rows);
        !self.is_full()
            && self.options.moves_per_owner.is_none_or(|most| of_service < most.max(1))
            && !self.tasks.contains(&task)
            && !self.closed.contains(&(service, to))
            && state.has_room(task, to, |b| kept[b])
            && self.keeps_spread(state, task, to)
            && self.keeps_dependencies(state, task, to)
    }

    /// Notes a step that was done.
    pub(super) fn add(&mut self, task: u32, from: u32, to: u32) {
        let problem = self.problem;
        self.steps += 1;
        *self.steps_of.entry(problem.service[task as usize]).or_default() += 1;
        let freed = need(problem, task, from == problem.initial()[task as usize]);
        self.note(task, (from, freed), to);
    }

    /// Notes a step that is left for a later wave.
    pub(super) fn pass_over(&mut self, task: u32, from: u32, to: u32) {
        let taken = need(self.problem, task, to == self.problem.initial()[task as usize]);
        self.note(task, (to, taken), from);
    }

    /// The task is not on the `absent` node in the state but may be at another moment, and may be missing on
    /// the `present` one.
    fn note(&mut self, task: u32, (absent, room): (u32, &[Block]), present: u32) {
        let problem = self.problem;
        let service = problem.service[task as usize];
        self.tasks.insert(task);
        self.closed.insert((service, absent));
        add(self.kept.entry(absent).or_insert_with(|| vec![Block::default(); problem.blocks]), room, 1.0);
        let location = |node: u32| problem.location[node as usize];
        if problem.spread_row[service as usize] != NOT_COUNTED && location(absent) != location(present) {
            self.unsure_locations.entry(service).or_default().push(location(present));
        }
        let neighbourhood = |node: u32| problem.neighbourhood[node as usize];
        if problem.dependency_row[service as usize] != NOT_COUNTED
            && neighbourhood(absent) != neighbourhood(present)
        {
            *self.unsure.entry((service, neighbourhood(present))).or_default() += 1;
            *self.possible.entry((service, neighbourhood(absent))).or_default() += 1;
        }
    }

    /// Unless this is its only step, the service must stand in locations enough without all those that step.
    fn keeps_spread(&self, state: &PlacementState<'_>, task: u32, to: u32) -> bool {
        let problem = self.problem;
        let service = problem.service[task as usize];
        let Some(others) = self.unsure_locations.get(&service) else { return true };
        let (from, to) = (state.placement()[task as usize], to);
        let (old, new) = (problem.location[from as usize], problem.location[to as usize]);
        if old == new {
            return true;
        }
        let mut unsure = others.clone();
        unsure.push(old);
        unsure.sort_unstable();
        let lost = unsure.chunk_by(|a, b| a == b).filter(|at| {
            let tasks = state.tasks_in_location(service, at[0]);
            tasks > 0 && tasks <= at.len() as u32
        });
        let sure = state.locations_used(service) - lost.count() as u32;
        sure >= problem.parts.services[service as usize].spread_min
    }

    fn keeps_dependencies(&self, state: &PlacementState<'_>, task: u32, to: u32) -> bool {
        let problem = self.problem;
        let service = problem.service[task as usize];
        let from = state.placement()[task as usize];
        let (old, new) = (problem.neighbourhood[from as usize], problem.neighbourhood[to as usize]);
        if old == new || problem.dependency_row[service as usize] == NOT_COUNTED {
            return true;
        }
        let noted = |tasks: &HashMap<(u32, u32), u32>, key| tasks.get(&key).copied().unwrap_or(0);
        let sure = |service: u32, neighbourhood: u32| {
            let now = state.tasks_in_neighbourhood(service, neighbourhood);
            now.saturating_sub(noted(&self.unsure, (service, neighbourhood)))
        };
        let possible = |service: u32, neighbourhood: u32| {
            let now = state.tasks_in_neighbourhood(service, neighbourhood);
            now + noted(&self.possible, (service, neighbourhood))
        };
        let needs = &problem.parts.services[service as usize].depends_on;
        let needed_by = &problem.needed_by[service as usize];
        needs.iter().all(|&on| on == service || sure(on, new) > 0)
            && (sure(service, old) > 1 || needed_by.iter().all(|&by| possible(by, old) == 0))
    }
}
