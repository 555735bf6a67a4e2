//! A way from the running placement towards a target by single steps of which each keeps every rule. Tasks go
//! straight where they can; for one that cannot, what is in its way is moved first, on to its own target or,
//! where tasks wait for each other, to a stop-over. It decides nothing about waves or about what pays.

use super::super::ledger::add;
use super::super::problem::Block;
use super::super::state::need;
use super::super::{Delta, PlacementState, RebalanceProblem};
use super::PlanOptions;
use super::wave::Wave;
use super::work::Work;

/// One migration of a route.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Hop {
    pub(super) task: u32,
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) delta: Delta,
}

/// The steps so far, all of which can be taken back.
pub(super) struct Route<'p> {
    pub(super) state: PlacementState<'p>,
    target: Vec<u32>,
    hops: Vec<Hop>,
    /// Tasks by node and by service.
    on: Vec<Vec<u32>>,
    of: Vec<Vec<u32>>,
    /// Rows by node: what tasks will need that are not there yet.
    expected: Vec<Block>,
    /// Number of tasks that are not at their targets.
    waiting_count: usize,
    /// Tasks that have taken part in a step: number of their steps.
    hops_of: Vec<u32>,
    touched: usize,
    touched_max: usize,
    /// Tasks something is being cleared for: nothing moves them.
    busy: Vec<bool>,
    /// Steps still to be tried before the route gives up.
    tries: Work<'p>,
}

impl<'p> Route<'p> {
    /// No steps yet. At most `touched_max` different tasks may take part.
    pub(super) fn new(
        problem: &'p RebalanceProblem,
        target: &[u32],
        touched_max: usize,
        tries: Work<'p>,
    ) -> Self {
        let state = PlacementState::with_overload(problem, problem.initial(), u32::MAX);
        let (tasks, nodes) = (problem.task_count(), problem.node_count());
        let mut on = vec![Vec::new(); nodes];
        let mut of = vec![Vec::new(); problem.parts.services.len()];
        let mut expected = vec![Block::default(); nodes * problem.blocks];
        let mut waiting_count = 0;
        for (task, (&home, &to)) in problem.initial().iter().zip(target).enumerate() {
            on[home as usize].push(task as u32);
            of[problem.service[task] as usize].push(task as u32);
            if home != to {
                waiting_count += 1;
                let at = to as usize * problem.blocks;
                add(&mut expected[at..at + problem.blocks], need(problem, task as u32, false), 1.0);
            }
        }
        Self {
            state,
            target: target.to_vec(),
            hops: Vec::new(),
            on,
            of,
            expected,
            waiting_count,
            hops_of: vec![0; tasks],
            touched: 0,
            touched_max,
            busy: vec![false; tasks],
            tries,
        }
    }

    pub(super) fn hops(&self) -> &[Hop] {
        &self.hops
    }

    pub(super) fn place(&self, task: u32) -> u32 {
        self.state.placement()[task as usize]
    }

    /// Tasks that are not at their targets.
    pub(super) fn waiting(&self) -> Vec<u32> {
        (0..self.target.len() as u32).filter(|&t| self.waits(t)).collect()
    }

    fn waits(&self, task: u32) -> bool {
        self.place(task) != self.target[task as usize]
    }

    pub(super) fn has_stepped(&self, task: u32) -> bool {
        self.hops_of[task as usize] > 0
    }

    /// Has the task more than one step?
    pub(super) fn steps_often(&self, task: u32) -> bool {
        self.hops_of[task as usize] > 1
    }

    /// Is the task among those that may take part?
    pub(super) fn may_step(&self, task: u32) -> bool {
        self.has_stepped(task) || self.touched < self.touched_max
    }

    /// Brings as many tasks to their targets as it can. Large tasks go first: small ones find room later, too.
    pub(super) fn walk(&mut self) {
        let sizes = self.state.problem.task_sizes();
        loop {
            let mut waiting = self.waiting();
            waiting.sort_by(|&a, &b| sizes[b as usize].total_cmp(&sizes[a as usize]).then(a.cmp(&b)));
            let gone = self.go_straight(&mut waiting);
            // Ways are cleared before the last free room is filled up: short ones for some, else any for one.
            let cleared = gone < PASS_FEW && self.clear_for(&waiting, &DEPTHS[..1], CLEARED_MAX);
            if gone == 0 && !cleared && !self.clear_for(&waiting, &DEPTHS[1..], 1) {
                return;
            }
        }
    }

    /// One pass of steps to targets of which none counts on another: they will share a wave.
    fn go_straight(&mut self, waiting: &mut Vec<u32>) -> usize {
        let before = waiting.len();
        let mut wave = Wave::new(self.state.problem, PlanOptions::default());
        waiting.retain(|&task| {
            let (from, to) = (self.place(task), self.target[task as usize]);
            let done = wave.takes(&self.state, task, to) && self.hop(task, to);
            if done {
                wave.add(task, from, to);
            }
            !done
        });
        before - waiting.len()
    }

    /// Clears the way for at most so many of the tasks; a detour counts when fewer tasks wait after it.
    fn clear_for(&mut self, waiting: &[u32], depths: &[u32], tasks_max: usize) -> bool {
        let mut cleared = 0;
        for &depth in depths {
            for &task in waiting {
                if cleared == tasks_max || self.tries.is_over() {
                    return cleared > 0;
                }
                let (mark, before) = (self.hops.len(), self.waiting_count);
                if self.waits(task) && self.bring(task, self.target[task as usize], depth) {
                    self.send_on(mark);
                    if self.waiting_count < before {
                        cleared += 1;
                    } else {
                        self.take_back(mark);
                    }
                }
            }
        }
        cleared > 0
    }

    /// Sends tasks that were moved aside since `mark` to their targets, where they can.
    fn send_on(&mut self, mark: usize) {
        let mut aside: Vec<u32> = self.hops[mark..].iter().rev().map(|h| h.task).collect();
        loop {
            let before = self.waiting_count;
            aside.retain(|&task| self.waits(task) && !self.hop(task, self.target[task as usize]));
            if self.waiting_count == before {
                return;
            }
        }
    }

    /// The step, if it keeps every rule.
    pub(super) fn hop(&mut self, task: u32, to: u32) -> bool {
        let Some(delta) = self.safe_delta(task, to) else { return false };
        let from = self.place(task);
        self.relocate(task, to, delta);
        self.touched += usize::from(self.hops_of[task as usize] == 0);
        self.hops_of[task as usize] += 1;
        self.hops.push(Hop { task, from, to, delta });
        true
    }

    /// What a step would change, if it keeps every rule.
    pub(super) fn safe_delta(&mut self, task: u32, to: u32) -> Option<Delta> {
        self.tries.spend(1);
        if !self.may_step(task) {
            return None;
        }
        self.state.shift_delta(task, to, f64::INFINITY).filter(|d| d.overload <= 0.0)
    }

    pub(super) fn take_back(&mut self, mark: usize) {
        while self.hops.len() > mark {
            let Some(Hop { task, from, delta, .. }) = self.hops.pop() else { return };
            self.relocate(task, from, Delta { cost: -delta.cost, overload: -delta.overload });
            self.hops_of[task as usize] -= 1;
            self.touched -= usize::from(self.hops_of[task as usize] == 0);
        }
    }

    fn relocate(&mut self, task: u32, to: u32, delta: Delta) {
        let (from, waited) = (self.place(task), self.waits(task));
        self.state.shift(task, to, delta);
        self.on[from as usize].retain(|&t| t != task);
        self.on[to as usize].push(task);
        let waits = self.waits(task);
        if waited != waits {
            let problem = self.state.problem;
            let at = self.target[task as usize] as usize * problem.blocks;
            let sign = if waits { 1.0 } else { -1.0 };
            add(&mut self.expected[at..at + problem.blocks], need(problem, task, false), sign);
            self.waiting_count = if waits { self.waiting_count + 1 } else { self.waiting_count - 1 };
        }
    }

    /// Gets the task to the node, moving out of its way what can be moved, or leaves all as it was.
    fn bring(&mut self, task: u32, to: u32, depth: u32) -> bool {
        if self.busy[task as usize] || self.tries.is_over() {
            return false;
        }
        if self.hop(task, to) {
            return true;
        }
        if depth == 0 || self.place(task) == to {
            return false;
        }
        let mark = self.hops.len();
        self.busy[task as usize] = true;
        let mut arrived = false;
        for _ in 0..OBSTACLES_MAX {
            if arrived || !self.clear(task, to, depth - 1) {
                break;
            }
            arrived = self.hop(task, to);
        }
        self.busy[task as usize] = false;
        if !arrived {
            self.take_back(mark);
        }
        arrived
    }

    /// Removes one obstacle on the task's way.
    fn clear(&mut self, task: u32, to: u32, depth: u32) -> bool {
        let problem = self.state.problem;
        let (service, from) = (problem.service[task as usize], self.place(task));
        if self.state.is_host(service, to) {
            let twin = self.on[to as usize].iter().copied().find(|&t| problem.service[t as usize] == service);
            return twin.is_some_and(|twin| self.send_away(twin, to, false, depth));
        }
        if !self.state.has_room(task, to, |_| Block::default()) {
            return self.make_room(task, to, depth);
        }
        if !self.state.keeps_spread(service, from, to) {
            return self.spread_out(service, task, depth);
        }
        self.meet_dependencies(task, to, depth)
    }

    /// Sends one task off the node, those first that alone make room enough.
    fn make_room(&mut self, task: u32, to: u32, depth: u32) -> bool {
        let problem = self.state.problem;
        let mut guests: Vec<(bool, bool, u32)> = Vec::new();
        for &guest in &self.on[to as usize] {
            // At home, what is transient stays held.
            let given = need(problem, guest, to == problem.initial()[guest as usize]);
            let enough = self.state.has_room(task, to, |b| given[b].map(|v| -v));
            guests.push((!self.waits(guest), !enough, guest));
        }
        guests.sort_unstable();
        guests.into_iter().any(|(_, _, guest)| self.send_away(guest, to, false, depth))
    }

    /// Brings another task of the service to a location where it has none.
    fn spread_out(&mut self, service: u32, task: u32, depth: u32) -> bool {
        let problem = self.state.problem;
        let others = self.of[service as usize].clone();
        let location = |node: u32| problem.location[node as usize];
        others.into_iter().filter(|&other| other != task).any(|other| {
            let to = self.target[other as usize];
            self.waits(other)
                && self.state.tasks_in_location(service, location(to)) == 0
                && self.bring(other, to, depth)
        })
    }

    /// Brings what the task depends on to where it goes, and what depends on it away from where it stands.
    fn meet_dependencies(&mut self, task: u32, to: u32, depth: u32) -> bool {
        let problem = self.state.problem;
        let (service, from) = (problem.service[task as usize], self.place(task));
        let (old, new) = (problem.neighbourhood[from as usize], problem.neighbourhood[to as usize]);
        let spec = &problem.parts.services[service as usize];
        for &on in spec.depends_on.iter().filter(|&&on| on != service) {
            if self.state.tasks_in_neighbourhood(on, new) == 0 {
                return self.bring_one_of(on, new, depth);
            }
        }
        if self.bring_one_of(service, old, depth) {
            return true;
        }
        for &by in &problem.needed_by[service as usize] {
            if self.state.tasks_in_neighbourhood(by, old) > 0 {
                let there = self.of[by as usize].clone();
                let mut there = there.into_iter();
                return there.all(|t| {
                    problem.neighbourhood[self.place(t) as usize] != old
                        || self.send_away(t, self.place(t), true, depth)
                });
            }
        }
        false
    }

    /// Brings a task of the service that belongs into the neighbourhood there.
    fn bring_one_of(&mut self, service: u32, neighbourhood: u32, depth: u32) -> bool {
        let problem = self.state.problem;
        let tasks = self.of[service as usize].clone();
        tasks.into_iter().any(|task| {
            let to = self.target[task as usize];
            problem.neighbourhood[to as usize] == neighbourhood
                && problem.neighbourhood[self.place(task) as usize] != neighbourhood
                && self.bring(task, to, depth)
        })
    }

    /// Gets the task off the node (`far`: out of its neighbourhood): to its target, else to a stop-over.
    fn send_away(&mut self, task: u32, node: u32, far: bool, depth: u32) -> bool {
        if self.busy[task as usize] || self.tries.is_over() {
            return false;
        }
        let problem = self.state.problem;
        let target = self.target[task as usize];
        let neighbourhood = problem.neighbourhood[node as usize];
        let near = far && problem.neighbourhood[target as usize] == neighbourhood;
        if target != node && !near && self.bring(task, target, depth) {
            return true;
        }
        let mut best: Option<(bool, f64, u32)> = None;
        for to in 0..problem.node_count() as u32 {
            if far && problem.neighbourhood[to as usize] == neighbourhood {
                continue;
            }
            let Some(delta) = self.safe_delta(task, to) else { continue };
            let expected = &self.expected[to as usize * problem.blocks..];
            let harms = !self.state.has_room(task, to, |b| expected[b]);
            if best.is_none_or(|(h, cost, _)| (harms, delta.cost) < (h, cost)) {
                best = Some((harms, delta.cost, to));
            }
        }
        best.is_some_and(|(_, _, to)| self.hop(task, to))
    }
}

/// Lengths of the chains of obstacles that are tried, one after the other.
const DEPTHS: [u32; 4] = [1, 3, 8, 20];
/// Passes that bring fewer tasks to their targets are followed by clearing ways.
const PASS_FEW: usize = 30;
/// Most ways cleared between two passes.
const CLEARED_MAX: usize = 4;
/// Most obstacles removed for one task.
const OBSTACLES_MAX: u32 = 40;
