//! A placement under search: rows of use, counters of every rule and the running cost, kept exact as tasks
//! shift and swap. A move is evaluated in time that depends on the number of resources and on the counters of
//! the services it touches, never on the number of nodes or tasks. What to try is not decided here.

use super::ledger::{Delta, Ledger};
use super::problem::{Block, LANES, NOT_COUNTED};
use super::{RebalanceProblem, RuleViolation};

/// A placement with everything needed to evaluate moves. Two tasks of a service never share a node; capacities may
/// be exceeded for a price, so that the search can pass through such placements. Spread and dependencies hold at
/// all times, unless they are given a price, too.
#[derive(Debug, Clone)]
pub struct PlacementState<'p> {
    pub(super) problem: &'p RebalanceProblem,
    pub(super) node_of: Vec<u32>,
    ledger: Ledger<'p>,
    /// Bit per service and node.
    hosts: Vec<u64>,
    host_words: usize,
    location_tasks: Vec<u32>,
    locations_used: Vec<u32>,
    neighbourhood_tasks: Vec<u32>,
    moved_of: Vec<u32>,
    /// Number of services by their number of moved tasks.
    moved_histogram: Vec<u32>,
    moved_max: u32,
    moved: u32,
    moves_max: u32,
    cost: f64,
    /// What moves count beyond their cost, as a multiple of it.
    emphasis: f64,
    /// Locations that services lack and services missing where another depends on them.
    broken_rules: u32,
    /// Price of each of these; infinite where none may be broken anew.
    rule_price: f64,
}

impl<'p> PlacementState<'p> {
    /// A placement of all tasks.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn new(problem: &'p RebalanceProblem, placement: &[u32]) -> Result<Self, RuleViolation> {
        match problem.first_violation(placement) {
            Some(violation) => Err(violation),
            None => Ok(Self::with_overload(problem, placement, u32::MAX)),
        }
    }

    /// A placement that may exceed capacities but keeps the other rules, and in which no more than
    /// `moves_max` tasks may come to stand elsewhere than where they run now.
    pub(super) fn with_overload(problem: &'p RebalanceProblem, placement: &[u32], moves_max: u32) -> Self {
        let mut state = Self::empty(problem, moves_max);
        state.fill(placement);
        state
    }

    fn empty(problem: &'p RebalanceProblem, moves_max: u32) -> Self {
        let (tasks, nodes, services) = (problem.task_count(), problem.nodes, problem.parts.services.len());
        let host_words = nodes.div_ceil(64);
        Self {
            problem,
            node_of: vec![0; tasks],
            ledger: Ledger::new(problem),
            hosts: vec![0; services * host_words],
            host_words,
            location_tasks: vec![0; problem.spread_rows * problem.locations],
            locations_used: vec![0; problem.spread_rows],
            neighbourhood_tasks: vec![0; problem.dependency_rows * problem.neighbourhoods],
            moved_of: vec![0; services],
            moved_histogram: Vec::new(),
            moved_max: 0,
            moved: 0,
            moves_max,
            cost: 0.0,
            emphasis: 0.0,
            broken_rules: 0,
            rule_price: f64::INFINITY,
        }
    }

    fn fill(&mut self, placement: &[u32]) {
        let problem = self.problem;
        let mut largest = vec![0_u32; problem.parts.services.len()];
        for (task, &node) in placement.iter().enumerate() {
            let (task, home) = (task as u32, problem.parts.initial[task]);
            largest[problem.service[task as usize] as usize] += 1;
            self.node_of[task as usize] = node;
            self.ledger.use_more(node, need(problem, task, false), 1.0);
            self.ledger.hold_more(node, need(problem, task, false), 1.0);
            self.count_in(problem.service[task as usize], node);
            if node != home {
                // What stays behind is the part of the need that is transient.
                self.ledger.hold_more(home, need(problem, task, false), 1.0);
                self.ledger.hold_more(home, need(problem, task, true), -1.0);
                self.moved_of[problem.service[task as usize] as usize] += 1;
                self.moved += 1;
                self.cost += self.task_part(task, node);
            }
        }
        self.moved_histogram = vec![0; largest.iter().max().map_or(0, |&m| m as usize) + 1];
        for &moved in &self.moved_of {
            self.moved_histogram[moved as usize] += 1;
        }
        self.moved_max = self.moved_of.iter().max().copied().unwrap_or(0);
        self.cost += f64::from(self.moved_max) * problem.parts.weights.service as f64;
        (0..problem.nodes as u32).for_each(|node| self.ledger.settle(node));
        self.cost += self.ledger.cost();
    }

    /// The cost, exact.
    pub fn cost(&self) -> u64 {
        self.cost as u64
    }

    /// The same in the search's own numbers.
    pub(super) fn cost_exact(&self) -> f64 {
        self.cost
    }

    /// Number of nodes that hold more than their capacity.
    pub fn nodes_over(&self) -> u32 {
        self.ledger.nodes_over()
    }

    /// Sets the price of each unit beyond a capacity: where it is broken the price grows by the factor, but
    /// it is nowhere below `floor` times the resource's weight (and exactly that where `reset`).
    pub fn adapt_penalties(&mut self, growth: f64, floor: f64, reset: bool) {
        self.ledger.adapt_penalties(growth, floor, reset);
    }

    /// Sets what moves count beyond their cost, as a multiple of it.
    pub(super) fn set_emphasis(&mut self, emphasis: f64) {
        self.emphasis = emphasis;
    }

    /// Node of each task.
    pub fn placement(&self) -> &[u32] {
        &self.node_of
    }

    /// Number of tasks that do not stand where they run now.
    pub fn moved(&self) -> u32 {
        self.moved
    }

    /// What shifting the task to the node would change, or `None` when a conflict, or a spread or dependency that
    /// has no price, forbids it, the task is there, or the penalised change is above `limit`.
    #[inline]
    pub fn shift_delta(&self, task: u32, to: u32, limit: f64) -> Option<Delta> {
        let problem = self.problem;
        let from = self.node_of[task as usize];
        let service = problem.service[task as usize];
        if self.is_host(service, to) {
            return None;
        }
        let home = problem.parts.initial[task as usize];
        let change = i32::from(to != home) - i32::from(from != home);
        if change > 0 && self.moved >= self.moves_max {
            return None;
        }
        let rules = self.rules_price(self.broken_change(service, from, to, None))?;
        let all = need(problem, task, false);
        let (leaving, entering) = (need(problem, task, from == home), need(problem, task, to == home));
        let mut delta = self.ledger.price(to, |b| all[b], |b| entering[b]).less(self.ledger.priced(to));
        delta.overload += rules;
        // Whatever the old node gives back, it is not more than it has.
        let refund = self.ledger.priced(from).penalised()
            + (1.0 + self.emphasis) * (self.task_part(task, from) + self.service_weight());
        if delta.penalised() - refund > limit {
            return None;
        }
        let moving = self.task_part(task, to) - self.task_part(task, from);
        let old = self
            .ledger
            .price(from, |b| negative(all[b]), |b| negative(leaving[b]))
            .less(self.ledger.priced(from));
        let moving = moving + self.service_part(&[(service, change)]);
        delta.cost += old.cost + moving;
        delta.overload += old.overload + self.emphasis * moving;
        (delta.penalised() <= limit).then_some(delta)
    }

    /// What exchanging the nodes of two tasks would change, or `None` when a conflict, or a spread or dependency that
    /// has no price, forbids it, they share a node, or the penalised change is above `limit`.
    #[inline]
    pub fn swap_delta(&self, a: u32, b: u32, limit: f64) -> Option<Delta> {
        let problem = self.problem;
        let (at_a, at_b) = (self.node_of[a as usize], self.node_of[b as usize]);
        let (service_a, service_b) = (problem.service[a as usize], problem.service[b as usize]);
        if at_a == at_b {
            return None;
        }
        if service_a != service_b && (self.is_host(service_a, at_b) || self.is_host(service_b, at_a)) {
            return None;
        }
        let (home_a, home_b) = (problem.parts.initial[a as usize], problem.parts.initial[b as usize]);
        let change_a = i32::from(at_b != home_a) - i32::from(at_a != home_a);
        let change_b = i32::from(at_a != home_b) - i32::from(at_b != home_b);
        if i64::from(self.moved) + i64::from(change_a + change_b) > i64::from(self.moves_max) {
            return None;
        }
        let rules = if service_a == service_b {
            0.0
        } else {
            let first = self.broken_change(service_a, at_a, at_b, None);
            self.rules_price(first + self.broken_change(service_b, at_b, at_a, Some(service_a)))?
        };
        let (need_a, need_b) = (need(problem, a, false), need(problem, b, false));
        let (a_out, a_in) = (need(problem, a, at_a == home_a), need(problem, a, at_b == home_a));
        let (b_out, b_in) = (need(problem, b, at_b == home_b), need(problem, b, at_a == home_b));
        let mut delta = self
            .ledger
            .price(at_b, |i| difference(need_a[i], need_b[i]), |i| difference(a_in[i], b_out[i]))
            .less(self.ledger.priced(at_b));
        delta.overload += rules;
        let moving = self.task_part(a, at_a) + self.task_part(b, at_b) + 2.0 * self.service_weight();
        let refund = self.ledger.priced(at_a).penalised() + (1.0 + self.emphasis) * moving;
        if delta.penalised() - refund > limit {
            return None;
        }
        let other = self
            .ledger
            .price(at_a, |i| difference(need_b[i], need_a[i]), |i| difference(b_in[i], a_out[i]))
            .less(self.ledger.priced(at_a));
        let moving = self.task_part(a, at_b) - self.task_part(a, at_a) + self.task_part(b, at_a)
            - self.task_part(b, at_b);
        let service = if service_a == service_b {
            self.service_part(&[(service_a, change_a + change_b)])
        } else {
            self.service_part(&[(service_a, change_a), (service_b, change_b)])
        };
        delta.cost += other.cost + moving + service;
        delta.overload += other.overload + self.emphasis * (moving + service);
        (delta.penalised() <= limit).then_some(delta)
    }

    /// What shifting one task and then another would change, step by step, or `None` when either step is
    /// forbidden or the penalised change of both is above `limit`. The state ends as it was.
    pub fn chain_delta(
        &mut self,
        first: (u32, u32),
        second: (u32, u32),
        limit: f64,
    ) -> Option<(Delta, Delta)> {
        let from = self.node_of[first.0 as usize];
        let there = self.shift_delta(first.0, first.1, f64::INFINITY)?;
        self.shift(first.0, first.1, there);
        let onward = self.shift_delta(second.0, second.1, limit - there.penalised());
        self.shift(first.0, from, Delta { cost: -there.cost, overload: -there.overload });
        onward.map(|onward| (there, onward))
    }

    /// Carries out a shift that [`shift_delta`](Self::shift_delta) has allowed and priced.
    pub fn shift(&mut self, task: u32, to: u32, delta: Delta) {
        self.relocate(task, to);
        self.cost += delta.cost;
    }

    /// Carries out a swap that [`swap_delta`](Self::swap_delta) has allowed and priced.
    pub fn swap(&mut self, a: u32, b: u32, delta: Delta) {
        let (at_a, at_b) = (self.node_of[a as usize], self.node_of[b as usize]);
        self.relocate(a, at_b);
        self.relocate(b, at_a);
        // Of two tasks of one service, the second has taken the first one's mark off.
        self.mark(self.problem.service[a as usize], at_b);
        self.cost += delta.cost;
    }

    fn relocate(&mut self, task: u32, to: u32) {
        let problem = self.problem;
        let from = self.node_of[task as usize];
        let home = problem.parts.initial[task as usize];
        let service = problem.service[task as usize];
        self.broken_rules =
            self.broken_rules.wrapping_add_signed(self.broken_change(service, from, to, None));
        self.ledger.use_more(from, need(problem, task, false), -1.0);
        self.ledger.use_more(to, need(problem, task, false), 1.0);
        self.ledger.hold_more(from, need(problem, task, from == home), -1.0);
        self.ledger.hold_more(to, need(problem, task, to == home), 1.0);
        self.ledger.settle(from);
        self.ledger.settle(to);
        self.count_out(service, from);
        self.count_in(service, to);
        match (from == home, to == home) {
            (true, false) => self.count_moved(service, 1),
            (false, true) => self.count_moved(service, -1),
            _ => {}
        }
        self.node_of[task as usize] = to;
    }

    fn count_moved(&mut self, service: u32, change: i32) {
        let moved = &mut self.moved_of[service as usize];
        self.moved_histogram[*moved as usize] -= 1;
        *moved = moved.wrapping_add_signed(change);
        self.moved_histogram[*moved as usize] += 1;
        self.moved_max = self.moved_max.max(*moved);
        while self.moved_max > 0 && self.moved_histogram[self.moved_max as usize] == 0 {
            self.moved_max -= 1;
        }
        self.moved = self.moved.wrapping_add_signed(change);
    }

    fn mark(&mut self, service: u32, node: u32) {
        self.hosts[service as usize * self.host_words + node as usize / 64] |= 1 << (node % 64);
    }

    fn count_in(&mut self, service: u32, node: u32) {
        let problem = self.problem;
        self.mark(service, node);
        let row = problem.spread_row[service as usize];
        if row != NOT_COUNTED {
            let at = row as usize * problem.locations + problem.location[node as usize] as usize;
            self.location_tasks[at] += 1;
            self.locations_used[row as usize] += u32::from(self.location_tasks[at] == 1);
        }
        let row = problem.dependency_row[service as usize];
        if row != NOT_COUNTED {
            let at = row as usize * problem.neighbourhoods + problem.neighbourhood[node as usize] as usize;
            self.neighbourhood_tasks[at] += 1;
        }
    }

    fn count_out(&mut self, service: u32, node: u32) {
        let problem = self.problem;
        self.hosts[service as usize * self.host_words + node as usize / 64] &= !(1 << (node % 64));
        let row = problem.spread_row[service as usize];
        if row != NOT_COUNTED {
            let at = row as usize * problem.locations + problem.location[node as usize] as usize;
            self.location_tasks[at] -= 1;
            self.locations_used[row as usize] -= u32::from(self.location_tasks[at] == 0);
        }
        let row = problem.dependency_row[service as usize];
        if row != NOT_COUNTED {
            let at = row as usize * problem.neighbourhoods + problem.neighbourhood[node as usize] as usize;
            self.neighbourhood_tasks[at] -= 1;
        }
    }

    #[inline]
    pub(super) fn is_host(&self, service: u32, node: u32) -> bool {
        self.hosts[service as usize * self.host_words + node as usize / 64] >> (node % 64) & 1 == 1
    }

    /// What the task would take of the node it goes to: at home, what is transient is held already.
    #[inline]
    pub(super) fn taken(&self, task: u32, to: u32) -> &'p [Block] {
        need(self.problem, task, to == self.problem.parts.initial[task as usize])
    }

    /// Would the node hold the task on top of what it holds and `more`?
    #[inline]
    pub(super) fn has_room(&self, task: u32, to: u32, more: impl Fn(usize) -> Block) -> bool {
        self.ledger.beyond(to).iter().zip(self.taken(task, to)).enumerate().all(|(b, (beyond, need))| {
            let more = more(b);
            (0..LANES).all(|l| beyond[l] + need[l] + more[l] <= 0.0)
        })
    }

    /// Tasks of the service in the location; 0 when its spread is not counted.
    pub(super) fn tasks_in_location(&self, service: u32, location: u32) -> u32 {
        let row = self.problem.spread_row[service as usize];
        let counted = row != NOT_COUNTED;
        if counted {
            self.location_tasks[row as usize * self.problem.locations + location as usize]
        } else {
            0
        }
    }

    /// Locations of the service; 0 when its spread is not counted.
    pub(super) fn locations_used(&self, service: u32) -> u32 {
        let row = self.problem.spread_row[service as usize];
        if row == NOT_COUNTED { 0 } else { self.locations_used[row as usize] }
    }

    /// Tasks of the service in the neighbourhood; 0 when it is part of no dependency.
    pub(super) fn tasks_in_neighbourhood(&self, service: u32, neighbourhood: u32) -> u32 {
        let problem = self.problem;
        let row = problem.dependency_row[service as usize];
        let counted = row != NOT_COUNTED;
        if counted {
            self.neighbourhood_tasks[row as usize * problem.neighbourhoods + neighbourhood as usize]
        } else {
            0
        }
    }

    /// Change of what moves cost when the task goes to the node.
    pub(super) fn moving_cost(&self, task: u32, to: u32) -> f64 {
        let (home, from) = (self.problem.parts.initial[task as usize], self.node_of[task as usize]);
        let change = i32::from(to != home) - i32::from(from != home);
        let service = self.problem.service[task as usize];
        self.task_part(task, to) - self.task_part(task, from) + self.service_part(&[(service, change)])
    }

    /// Does the service stand in enough locations when one of its tasks goes from node to node?
    #[inline]
    pub(super) fn keeps_spread(&self, service: u32, from: u32, to: u32) -> bool {
        self.lacking_change(service, from, to) <= 0
    }

    /// Change of the number of locations that the service lacks when one of its tasks goes from node to node.
    #[inline]
    fn lacking_change(&self, service: u32, from: u32, to: u32) -> i32 {
        let problem = self.problem;
        let row = problem.spread_row[service as usize];
        let (from, to) = (problem.location[from as usize], problem.location[to as usize]);
        if row == NOT_COUNTED || from == to {
            return 0;
        }
        let tasks = |location: u32| self.location_tasks[row as usize * problem.locations + location as usize];
        let used = self.locations_used[row as usize] as i32;
        let after = used + i32::from(tasks(to) == 0) - i32::from(tasks(from) == 1);
        let least = problem.parts.services[service as usize].spread_min as i32;
        (least - after).max(0) - (least - used).max(0)
    }

    /// Change of the number of broken rules (locations that services lack, services missing where another
    /// depends on them) when a task of the service goes from node to node; `other`: after a task of that service
    /// has gone the opposite way.
    #[inline]
    fn broken_change(&self, service: u32, from: u32, to: u32, other: Option<u32>) -> i32 {
        let problem = self.problem;
        let mut change = self.lacking_change(service, from, to);
        if problem.dependency_row[service as usize] == NOT_COUNTED {
            return change;
        }
        let (from, to) = (problem.neighbourhood[from as usize], problem.neighbourhood[to as usize]);
        if from == to {
            return change;
        }
        let tasks = |of: u32, neighbourhood: u32| {
            let row = problem.dependency_row[of as usize] as usize;
            let now = self.neighbourhood_tasks[row * problem.neighbourhoods + neighbourhood as usize] as i32;
            let sign = i32::from(neighbourhood == from) - i32::from(neighbourhood == to);
            now + sign * i32::from(Some(of) == other)
        };
        let needs = &problem.needs[service as usize];
        let needed_by = &problem.needed_by[service as usize];
        if tasks(service, to) == 0 {
            change += needs.iter().filter(|&&on| tasks(on, to) == 0).count() as i32;
            change -= needed_by.iter().filter(|&&by| tasks(by, to) > 0).count() as i32;
        }
        if tasks(service, from) == 1 {
            change -= needs.iter().filter(|&&on| tasks(on, from) == 0).count() as i32;
            change += needed_by.iter().filter(|&&by| tasks(by, from) > 0).count() as i32;
        }
        change
    }

    /// What so many more broken rules cost; `None` when there may be no more.
    #[inline]
    fn rules_price(&self, change: i32) -> Option<f64> {
        match change {
            0 => Some(0.0),
            1.. if self.rule_price.is_infinite() => None,
            _ => Some(f64::from(change) * self.rule_price),
        }
    }

    /// Number of locations that services lack, and of services missing where others depend on them.
    pub(super) fn broken_rules(&self) -> u32 {
        self.broken_rules
    }

    /// The price of a broken rule grows by the factor while one is broken, from `least` on.
    pub(super) fn grow_rule_price(&mut self, growth: f64, least: f64) {
        let now = if self.rule_price.is_finite() { self.rule_price } else { least };
        self.rule_price = if self.broken_rules > 0 { now * growth } else { now }.max(least);
    }

    /// Sets the price of each missing location and of each service missing in a neighbourhood where another
    /// depends on it; with an infinite price, as at the beginning, no more may be missing.
    pub(super) fn set_rule_price(&mut self, price: f64) {
        self.rule_price = price;
    }

    /// Cost of moving the task from home to the node.
    #[inline]
    fn task_part(&self, task: u32, node: u32) -> f64 {
        let problem = self.problem;
        let home = problem.parts.initial[task as usize];
        if node == home {
            return 0.0;
        }
        let way = problem.parts.move_costs.cost(home, node);
        problem.task_move_cost[task as usize] + f64::from(way) * problem.parts.weights.node as f64
    }

    /// Change of the service move cost when the numbers of moved tasks change in one service or two.
    #[inline]
    fn service_part(&self, changes: &[(u32, i32)]) -> f64 {
        if changes.iter().all(|&(_, change)| change == 0) {
            return 0.0;
        }
        let before = |service: u32| self.moved_of[service as usize];
        let largest =
            changes.iter().map(|&(s, change)| before(s).wrapping_add_signed(change)).max().unwrap_or(0);
        let mut after = self.moved_max;
        while after > largest {
            let touched = changes.iter().filter(|&&(s, _)| before(s) == after).count() as u32;
            if self.moved_histogram[after as usize] > touched {
                break;
            }
            after -= 1;
        }
        let after = after.max(largest);
        (f64::from(after) - f64::from(self.moved_max)) * self.problem.parts.weights.service as f64
    }

    fn service_weight(&self) -> f64 {
        self.problem.parts.weights.service as f64
    }
}

/// What the task needs; at home, what comes and goes with it is only the part that is not transient.
#[inline]
pub(super) fn need(problem: &RebalanceProblem, task: u32, at_home: bool) -> &[Block] {
    let start = (2 * task as usize + usize::from(at_home)) * problem.blocks;
    &problem.need[start..start + problem.blocks]
}

#[inline]
fn negative(block: Block) -> Block {
    block.map(|v| -v)
}

#[inline]
fn difference(a: Block, b: Block) -> Block {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2], a[3] - b[3]]
}
