//! Two orders of starting in each other's shadow: both start the tasks that have ended lately, as they came and as long as they
//! ran, on as few devices as made them wait what they really waited under the order that served. What each makes them wait is
//! compared.
//!
//! It deliberately knows no nodes and none of the tasks beside these: what fits is what is free in all, and whoever fits may pass
//! those who do not, as in the loop.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::GuardOptions;
use crate::decide::queue::pass::Lately;
use crate::decide::queue::{JobFacts, Moment, QueuePolicy, scores_at};
use crate::model::{EndedTask, RecentTasks, Serving};

/// Added to the rule's mean wait before gains are taken as a share of it, seconds: a gain of seconds where nobody waits is none.
const SHORT_WAIT_SECONDS: f64 = 60.0;
/// How closely the devices of a comparison are found: to one part in so many.
const SCARCITY_STEPS: u64 = 100;
/// Sizes are counted in thousandths of a device.
const MILLI: f64 = 1000.0;

/// How the guard of an order of starting judges it: results are percent of the rule's mean wait.
pub const ORDER_GUARD: GuardOptions = GuardOptions { window: 20, least: 4, margin: 2.0, loss_max: 2.0 };

/// How many tasks are to have ended before orders are compared on them: more where more end at once.
pub fn compared_after(nodes: usize) -> usize {
    nodes.clamp(128, 1024)
}

/// What two policies reached on the same tasks: the waiting that each saves, in percent of the rule's, more being better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Compared {
    /// The learned policy.
    pub model: f64,
    /// The rule.
    pub rule: f64,
}

/// Compares a learned order with a rule on tasks that have ended under one of them; `None` where fewer than half of them said how
/// long they would run, and where both orders make the tasks wait the same: that says nothing.
pub fn compare_orders(
    recent: &RecentTasks,
    serving: Serving,
    model: &dyn QueuePolicy,
    rule: &dyn QueuePolicy,
) -> Option<Compared> {
    let mut tasks: Vec<EndedTask> = recent.ended().copied().collect();
    let says = tasks.iter().filter(|task| task.requested_seconds.is_some()).count();
    if 2 * says <= tasks.len() {
        return None;
    }
    tasks.sort_by_key(|task| task.submitted_seconds);
    let lately = Lately::from(recent);
    let (served, other) = if serving == Serving::Model { (model, rule) } else { (rule, model) };
    let (units, by_served) = as_scarce_as_it_was(&tasks, lately, served);
    let by_other = mean_wait(&tasks, units, lately, other);
    let (by_model, by_rule) =
        if serving == Serving::Model { (by_served, by_other) } else { (by_other, by_served) };
    if by_model == by_rule {
        return None;
    }
    let percent = |wait: f64| -100.0 * wait / (by_rule + SHORT_WAIT_SECONDS);
    Some(Compared { model: percent(by_model), rule: percent(by_rule) })
}

fn milli(task: &EndedTask) -> u64 {
    (task.size * MILLI).ceil() as u64
}

/// The fewest devices, in thousandths, on which the order that served makes the tasks wait no longer than they did, and what it
/// makes them wait there. Others stood beside them, so these are fewer than the cluster has.
fn as_scarce_as_it_was(tasks: &[EndedTask], lately: Lately, served: &dyn QueuePolicy) -> (u64, f64) {
    let waited =
        |t: &EndedTask| t.ended_seconds.saturating_sub(t.ran_seconds).saturating_sub(t.submitted_seconds);
    let waited = tasks.iter().map(waited).sum::<u64>() as f64 / tasks.len().max(1) as f64;
    let mut enough = held_at_once(tasks);
    let mut by_served = mean_wait(tasks, enough, lately, served);
    let mut too_few = tasks.iter().map(milli).max().unwrap_or(0).saturating_sub(1);
    while enough - too_few > (enough / SCARCITY_STEPS).max(1) {
        let between = too_few + (enough - too_few) / 2;
        let wait = mean_wait(tasks, between, lately, served);
        if wait <= waited {
            (enough, by_served) = (between, wait);
        } else {
            too_few = between;
        }
    }
    (enough, by_served)
}

/// The most that the tasks held at one moment, thousandths of a device; no less than the largest of them.
fn held_at_once(tasks: &[EndedTask]) -> u64 {
    let began = |task: &EndedTask| task.ended_seconds.saturating_sub(task.ran_seconds);
    // At the same second what ends goes first.
    let mut changes: Vec<(u64, bool, u64)> = Vec::with_capacity(2 * tasks.len());
    for task in tasks {
        changes.push((began(task), true, milli(task)));
        changes.push((began(task) + task.ran_seconds.max(1), false, milli(task)));
    }
    changes.sort_unstable();
    let (mut held, mut most) = (0, 0);
    for (_, begins, milli) in changes {
        held = if begins { held + milli } else { held - milli };
        most = most.max(held);
    }
    most
}

/// Mean wait of the tasks, seconds, when they are started in the policy's order. `tasks` are in order of submission.
fn mean_wait(tasks: &[EndedTask], units_milli: u64, lately: Lately, policy: &dyn QueuePolicy) -> f64 {
    let mut queue = Queue { policy, lately, units_milli, free_milli: units_milli, waiting: Vec::new() };
    let mut ends: BinaryHeap<Reverse<(u64, u64, u64)>> = BinaryHeap::new();
    let (mut next, mut waited) = (0, 0.0);
    while next < tasks.len() || !queue.waiting.is_empty() {
        let comes = tasks.get(next).map(|task| task.submitted_seconds);
        let leaves = ends.peek().map(|end| end.0.0);
        let Some(now) = comes.into_iter().chain(leaves).min() else { break };
        while let Some(task) = tasks.get(next).filter(|task| task.submitted_seconds == now) {
            queue.waiting.push((next, *task));
            next += 1;
        }
        while let Some(&Reverse((_, _, milli))) = ends.peek().filter(|end| end.0.0 == now) {
            queue.free_milli += milli;
            ends.pop();
        }
        for task in queue.start(now, &ends) {
            waited += now.saturating_sub(task.submitted_seconds) as f64;
            let asked = now.saturating_add(task.requested_seconds.unwrap_or(task.ran_seconds));
            ends.push(Reverse((now + task.ran_seconds.max(1), asked, milli(&task))));
        }
    }
    waited / tasks.len().max(1) as f64
}

struct Queue<'a> {
    policy: &'a dyn QueuePolicy,
    lately: Lately,
    units_milli: u64,
    free_milli: u64,
    /// Number and task, in order of submission.
    waiting: Vec<(usize, EndedTask)>,
}

impl Queue<'_> {
    /// Takes out what starts now, by priority and score. Running tasks end, are expected to end, and hold so much.
    fn start(&mut self, now: u64, running: &BinaryHeap<Reverse<(u64, u64, u64)>>) -> Vec<EndedTask> {
        let least = self.waiting.iter().map(|(_, task)| milli(task)).min();
        if least.is_none_or(|least| least > self.free_milli) {
            return Vec::new();
        }
        let unit = |milli: u64| milli as f64 / MILLI;
        let facts = self.waiting.iter().map(|(number, task)| {
            let requested = task.requested_seconds;
            JobFacts::waiting(*number as u32, task.submitted_seconds, requested, task.size)
        });
        let facts: Vec<JobFacts> = facts.collect();
        let ends = running.iter().map(|end| (end.0.1, unit(end.0.2)));
        let moment = Moment {
            now_seconds: now,
            units: unit(self.units_milli),
            free_units: unit(self.free_milli),
            lately: self.lately,
        };
        let scores = scores_at(self.policy, moment, &facts, ends);
        let mut order: Vec<usize> = (0..self.waiting.len()).collect();
        let priority = |&at: &usize| Reverse(self.waiting[at].1.priority);
        order.sort_by(|a, b| {
            priority(a).cmp(&priority(b)).then(scores[*a].total_cmp(&scores[*b])).then(a.cmp(b))
        });
        let mut started = vec![false; self.waiting.len()];
        for at in order {
            let milli = milli(&self.waiting[at].1);
            if milli <= self.free_milli {
                self.free_milli -= milli;
                started[at] = true;
            }
        }
        let mut starts = started.into_iter();
        self.waiting.extract_if(.., |_| starts.next() == Some(true)).map(|(_, task)| task).collect()
    }
}
