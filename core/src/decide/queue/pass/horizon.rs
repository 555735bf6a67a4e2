//! What will be free when: what is free now, and everything that is expected to be given back or taken later.

use super::capacity::{Capacity, Claims, Free};

/// The time of something that is not expected to happen.
pub const NEVER: i64 = i64::MAX;

/// When a running unit is expected to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExpectedEnd {
    /// When, in seconds.
    pub at_seconds: i64,
    /// Its slot.
    pub slot: u32,
    /// Its size.
    pub size: u32,
}

/// When something that is out of service is expected back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedReturn {
    /// When, in seconds.
    pub at_seconds: i64,
    /// Size units that come back with it.
    pub units: u64,
    /// What comes back on which node.
    pub claims: Claims,
}

/// Something that will be given back or taken.
#[derive(Debug, Clone, Copy)]
struct Change {
    at_seconds: i64,
    takes: bool,
    units: i64,
    /// Position of its claims.
    claims: u32,
}

/// What is free now and later on a machine.
#[derive(Debug, Default)]
pub(super) struct Horizon {
    now_seconds: i64,
    free: Free,
    /// Ascending in time, what is given back before what is taken.
    changes: Vec<Change>,
    /// Claims of the changes; those from `used` on are kept for their memory.
    claims: Vec<Claims>,
    used: usize,
    /// Size units free from some second on, ascending: enough of them is necessary, not sufficient.
    units: Vec<(i64, i64)>,
    /// For the search: what is free at one time, what runs on from there, and the least of a span.
    level: Free,
    running: Free,
    least: Free,
}

impl Horizon {
    /// Looks ahead from now, when these ends and returns are expected; neither list lies before the next second.
    pub(super) fn begin<C: Capacity>(
        &mut self,
        capacity: &C,
        now_seconds: i64,
        ends: &[ExpectedEnd],
        returns: &[ExpectedReturn],
    ) {
        self.now_seconds = now_seconds;
        capacity.free(&mut self.free);
        self.changes.clear();
        self.used = 0;
        for end in ends {
            let at = self.spare_claims();
            capacity.held(end.slot, &mut self.claims[at]);
            self.changes.push(Change {
                at_seconds: end.at_seconds,
                takes: false,
                units: i64::from(end.size),
                claims: at as u32,
            });
        }
        for back in returns {
            let at = self.spare_claims();
            self.claims[at].clone_from(&back.claims);
            let units = back.units as i64;
            let at_seconds = back.at_seconds;
            self.changes.push(Change { at_seconds, takes: false, units, claims: at as u32 });
        }
        self.changes.sort_by_key(|c| c.at_seconds);
        self.units.clear();
        let mut free = capacity.free_units() as i64;
        self.units.push((now_seconds, free));
        for change in &self.changes {
            free += change.units;
            match self.units.last_mut() {
                Some(last) if last.0 == change.at_seconds => last.1 = free,
                _ => self.units.push((change.at_seconds, free)),
            }
        }
    }

    /// The first time at which `unit` fits, if nothing else starts, with where it would stand; `left` becomes what is
    /// left free then beside it. [`NEVER`] when it does not fit even when all have ended.
    pub(super) fn first_fit<C: Capacity>(
        &mut self,
        capacity: &mut C,
        unit: u32,
        size: u32,
        claims: &mut Claims,
        left: &mut Free,
    ) -> i64 {
        left.copy_from(&self.free);
        let mut changes = self.changes.iter().peekable();
        for &(at_seconds, free_units) in self.units.iter().skip(1) {
            while let Some(change) = changes.next_if(|c| c.at_seconds <= at_seconds) {
                left.give(&self.claims[change.claims as usize]);
            }
            if free_units >= i64::from(size) && capacity.lay_out(unit, size, left, claims) {
                left.take(claims);
                return at_seconds;
            }
        }
        NEVER
    }

    /// The first time from `from` on at which `unit` fits for `span` seconds in one place, with that place; [`NEVER`] when
    /// there is none. `wanted` is where it would rather stand if it fits there at that time.
    pub(super) fn first_span<C: Capacity>(
        &mut self,
        capacity: &mut C,
        ask: Ask,
        wanted: Option<(i64, &Claims)>,
        claims: &mut Claims,
    ) -> i64 {
        let Ask { unit, size, span_seconds, from_seconds } = ask;
        self.level.copy_from(&self.free);
        let mut at = 0;
        let mut start = earliest(&self.units, from_seconds, span_seconds, i64::from(size));
        while start != NEVER {
            while self.changes.get(at).is_some_and(|c| c.at_seconds <= start) {
                apply(&mut self.level, self.changes[at], &self.claims);
                at += 1;
            }
            self.find_least(at, start.saturating_add(span_seconds));
            if let Some((_, claimed)) = wanted.filter(|w| w.0 == start && self.least.covers(w.1)) {
                claims.clone_from(claimed);
                return start;
            }
            if capacity.lay_out(unit, size, &self.least, claims) {
                return start;
            }
            let next = self.units.partition_point(|step| step.0 <= start);
            start = match self.units.get(next) {
                Some(step) => earliest(&self.units, step.0, span_seconds, i64::from(size)),
                None => NEVER,
            };
        }
        NEVER
    }

    /// The least that is free on each node from the time of `level` until `until`, into `least`.
    fn find_least(&mut self, from: usize, until: i64) {
        self.least.copy_from(&self.level);
        self.running.copy_from(&self.level);
        for &change in self.changes[from..].iter().take_while(|c| c.at_seconds < until) {
            apply(&mut self.running, change, &self.claims);
            if change.takes {
                self.least.keep_least_at(&self.running, &self.claims[change.claims as usize]);
            }
        }
    }

    /// Whether all of `claims` is free throughout the span that was asked for last.
    pub(super) fn covers(&self, claims: &Claims) -> bool {
        self.least.covers(claims)
    }

    /// Takes out what a unit of `size` will hold from `from` until `until`.
    pub(super) fn reserve(&mut self, from: i64, until: i64, size: u32, claims: &Claims) {
        let at = self.spare_claims();
        self.claims[at].clone_from(claims);
        let units = i64::from(size);
        if from <= self.now_seconds {
            self.free.take(claims);
        } else {
            self.insert(Change { at_seconds: from, takes: true, units: -units, claims: at as u32 });
        }
        self.insert(Change { at_seconds: until, takes: false, units, claims: at as u32 });
        let first = split(&mut self.units, from);
        let last = split(&mut self.units, until);
        self.units[first..last].iter_mut().for_each(|step| step.1 -= units);
    }

    fn insert(&mut self, change: Change) {
        let key = |c: &Change| (c.at_seconds, c.takes);
        let at = self.changes.partition_point(|c| key(c) <= key(&change));
        self.changes.insert(at, change);
    }

    fn spare_claims(&mut self) -> usize {
        if self.used == self.claims.len() {
            self.claims.push(Claims::default());
        }
        self.used += 1;
        self.used - 1
    }
}

/// What is looked for: room for `unit`, of `size`, from `from_seconds` on, for a span of time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask {
    pub(super) unit: u32,
    pub(super) size: u32,
    pub(super) span_seconds: i64,
    pub(super) from_seconds: i64,
}

fn apply(free: &mut Free, change: Change, claims: &[Claims]) {
    let claims = &claims[change.claims as usize];
    if change.takes { free.take(claims) } else { free.give(claims) }
}

/// The earliest time from `from` on at which `size` units are free for `span` seconds; [`NEVER`] if never.
fn earliest(units: &[(i64, i64)], from: i64, span: i64, size: i64) -> i64 {
    let mut start = from;
    let first = units.partition_point(|p| p.0 <= from).saturating_sub(1);
    for (at, &(time, free)) in units.iter().enumerate().skip(first) {
        if time >= start.saturating_add(span) {
            return start;
        }
        if free < size {
            match units.get(at + 1) {
                Some(next) => start = next.0,
                None => return NEVER,
            }
        }
    }
    start
}

/// Makes sure that a step begins at `time` and returns its position; `time` is not before the first step.
fn split(units: &mut Vec<(i64, i64)>, time: i64) -> usize {
    let at = units.partition_point(|p| p.0 < time);
    if units.get(at).is_none_or(|p| p.0 != time) {
        let free = units[at.saturating_sub(1)].1;
        units.insert(at, (time, free));
    }
    at
}
