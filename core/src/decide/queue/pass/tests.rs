//! Passes over a tiny machine: what is promised is kept, and victims are as few as can be.

use proptest::prelude::*;

use super::*;
use crate::decide::queue::FirstComeFirstServed;

/// Nodes on which a unit takes its size of one node. By itself it would rather have the last that fits, a layout is on the
/// first.
#[derive(Debug, Clone, Default)]
struct Shelf {
    free: Vec<i64>,
    total: u64,
    held: Vec<Option<(u32, i64)>>,
}

impl Shelf {
    fn new(nodes: &[i64]) -> Self {
        Self { free: nodes.to_vec(), total: nodes.iter().sum::<i64>() as u64, held: Vec::new() }
    }

    fn put(&mut self, slot: u32, node: u32, size: i64) -> bool {
        let fits = self.free[node as usize] >= size;
        if fits {
            self.free[node as usize] -= size;
            self.held.resize(self.held.len().max(slot as usize + 1), None);
            self.held[slot as usize] = Some((node, size));
        }
        fits
    }
}

impl Capacity for Shelf {
    const SIZE_DECIDES: bool = true;

    fn units(&self) -> u64 {
        self.total
    }

    fn free_units(&self) -> u64 {
        self.free.iter().sum::<i64>() as u64
    }

    fn free(&self, free: &mut Free) {
        free.reset(self.free.len(), 1);
        (0..self.free.len()).for_each(|node| free.row_mut(node)[0] = self.free[node]);
    }

    fn held(&self, slot: u32, claims: &mut Claims) {
        claims.reset(1);
        if let Some((node, size)) = self.held[slot as usize] {
            claims.add(node)[0] = size;
        }
    }

    fn lay_out(&mut self, _unit: u32, size: u32, free: &Free, claims: &mut Claims) -> bool {
        claims.reset(1);
        let node = free.amounts().iter().position(|&free| free >= i64::from(size));
        node.is_some_and(|node| {
            claims.add(node as u32)[0] = i64::from(size);
            true
        })
    }

    fn place(&mut self, slot: u32, _unit: u32, size: u32) -> bool {
        let node = self.free.iter().rposition(|&free| free >= i64::from(size));
        node.is_some_and(|node| self.put(slot, node as u32, i64::from(size)))
    }

    fn place_at(&mut self, slot: u32, _unit: u32, _size: u32, claims: &Claims) -> bool {
        claims.iter().next().is_some_and(|(node, size)| self.put(slot, node, size[0]))
    }

    fn release(&mut self, slot: u32) {
        if let Some((node, size)) = self.held[slot as usize].take() {
            self.free[node as usize] += size;
        }
    }
}

/// A unit: when it comes, how long it is expected to run and really runs, its size.
#[derive(Debug, Clone, Copy)]
struct Unit {
    submit: i64,
    expected: i64,
    run: i64,
    size: u32,
}

/// The tiny machine with what runs on it.
struct Yard<'a> {
    units: &'a [Unit],
    shelf: Shelf,
    now: i64,
    /// (unit, start) by slot.
    running: Vec<Option<(u32, i64)>>,
    start: Vec<Option<i64>>,
}

impl Site for Yard<'_> {
    type Capacity = Shelf;

    fn capacity(&self) -> &Shelf {
        &self.shelf
    }

    fn capacity_mut(&mut self) -> &mut Shelf {
        &mut self.shelf
    }

    fn now_seconds(&self) -> i64 {
        self.now
    }

    fn size(&self, unit: u32) -> u32 {
        self.units[unit as usize].size
    }

    fn expected_seconds(&self, unit: u32) -> i64 {
        self.units[unit as usize].expected
    }

    fn facts(&self, unit: u32) -> JobFacts {
        let Unit { submit, expected, size, .. } = self.units[unit as usize];
        JobFacts {
            unit,
            submit_seconds: submit as f64,
            requested_seconds: expected as f64,
            size: f64::from(size),
            attained_unit_seconds: 0.0,
            lost_seconds: 0.0,
            priority: 0.0,
            owner_share: 0.0,
            running: false,
            seconds_per_end: expected as f64,
        }
    }

    fn expected_ends(&self, ends: &mut Vec<ExpectedEnd>) {
        for (slot, running) in (0..).zip(&self.running) {
            if let &Some((unit, start)) = running {
                let Unit { expected, size, .. } = self.units[unit as usize];
                ends.push(ExpectedEnd { at_seconds: start + expected, slot, size });
            }
        }
    }

    fn spare_slot(&mut self) -> u32 {
        match self.running.iter().position(Option::is_none) {
            Some(slot) => slot as u32,
            None => {
                self.running.push(None);
                self.running.len() as u32 - 1
            }
        }
    }

    fn start(&mut self, unit: u32, slot: u32) {
        self.running[slot as usize] = Some((unit, self.now));
        self.start[unit as usize] = Some(self.now);
    }
}

/// A promise made in a pass: the unit, when it was to start, and whether it was the first that waited.
type Promise = (u32, i64, bool);

/// Runs all units to their end, first come first served; gives the starts and every promise made.
fn run(units: &[Unit], nodes: &[i64], backfill: Backfill) -> Result<(Vec<i64>, Vec<Promise>), TestCaseError> {
    let (shelf, start) = (Shelf::new(nodes), vec![None; units.len()]);
    let mut yard = Yard { units, shelf, now: 0, running: Vec::new(), start };
    let mut queue = WaitingQueue::new(&FirstComeFirstServed);
    let rules = PassRules { discipline: Discipline::Strict, backfill, depth_max: usize::MAX };
    let (mut pass, mut reserved, mut promises) = (Pass::default(), Vec::new(), Vec::new());
    let mut come = 0;
    loop {
        let end =
            |running: &Option<(u32, i64)>| running.map(|(unit, start)| start + units[unit as usize].run);
        let next_end = yard.running.iter().filter_map(end).min();
        let Some(now) = units.get(come).map(|u| u.submit).into_iter().chain(next_end).min() else { break };
        yard.now = now;
        for slot in 0..yard.running.len() {
            if end(&yard.running[slot]).is_some_and(|end| end <= now) {
                yard.running[slot] = None;
                yard.shelf.release(slot as u32);
            }
        }
        while units.get(come).is_some_and(|u| u.submit <= now) {
            queue.add(&yard.facts(come as u32));
            come += 1;
        }
        let first_waits = |yard: &Yard<'_>| (0..come as u32).find(|&u| yard.start[u as usize].is_none());
        pass.run(rules, &mut queue, &mut yard, &mut reserved);
        nothing_stands_in_the_way(&yard, &reserved)?;
        let first = first_waits(&yard);
        let told = reserved.iter().filter(|r| r.at_seconds != NEVER && r.found_seconds == now);
        promises.extend(told.map(|r| (r.unit, r.at_seconds, Some(r.unit) == first)));
    }
    let starts = yard.start.iter().map(|start| start.expect("everything starts")).collect();
    Ok((starts, promises))
}

/// When a reserved unit is to start, its place is free of all that runs and of all that is reserved before it.
fn nothing_stands_in_the_way(yard: &Yard<'_>, reserved: &[Reservation]) -> Result<(), TestCaseError> {
    let reserved: Vec<&Reservation> = reserved.iter().filter(|r| r.found_seconds == yard.now).collect();
    for (at, wanted) in
        reserved.iter().enumerate().filter(|r| r.1.at_seconds > yard.now && r.1.at_seconds != NEVER)
    {
        let mut free = Free::default();
        yard.shelf.free(&mut free);
        let mut claims = Claims::default();
        for (slot, &(unit, start)) in (0..).zip(&yard.running).filter_map(|(s, r)| Some((s, r.as_ref()?))) {
            if start + yard.expected_seconds(unit) <= wanted.at_seconds {
                yard.shelf.held(slot, &mut claims);
                free.give(&claims);
            }
        }
        for other in &reserved[..at] {
            let until = other.at_seconds.saturating_add(yard.expected_seconds(other.unit));
            if (other.at_seconds..until).contains(&wanted.at_seconds) {
                free.take(&other.claims);
            }
        }
        prop_assert!(free.covers(&wanted.claims), "{wanted:?} at {}", yard.now);
    }
    Ok(())
}

fn units(exact: bool) -> impl Strategy<Value = Vec<Unit>> {
    let unit = (0i64..12, 1i64..6, 0i64..4, 1u32..=4);
    prop::collection::vec(unit, 1..40).prop_map(move |units| {
        let unit = |(submit, run, more, size): (i64, i64, i64, u32)| {
            let expected = 10 * (run + if exact { 0 } else { more });
            Unit { submit: 5 * submit, expected, run: 10 * run, size }
        };
        let mut units: Vec<Unit> = units.into_iter().map(unit).collect();
        units.sort_by_key(|u| u.submit);
        units
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_first_that_waits_starts_no_later_than_promised(units in units(false), conservative in any::<bool>()) {
        let backfill = if conservative { Backfill::Conservative } else { Backfill::Easy };
        let (starts, promises) = run(&units, &[4, 4, 2], backfill)?;
        for (unit, at, _) in promises.into_iter().filter(|p| p.2) {
            prop_assert!(starts[unit as usize] <= at, "unit {unit} started at {}, promised {at}", starts[unit as usize]);
        }
    }

    #[test]
    fn with_exact_times_conservative_backfilling_keeps_every_promise(units in units(true)) {
        let (starts, promises) = run(&units, &[4, 4, 2], Backfill::Conservative)?;
        for (unit, at, _) in promises {
            prop_assert_eq!(starts[unit as usize], at, "unit {}", unit);
        }
    }

    #[test]
    fn backfilling_keeps_no_unit_from_starting(units in units(false)) {
        for backfill in [Backfill::None, Backfill::Easy, Backfill::Conservative] {
            let (starts, _) = run(&units, &[4, 4, 2], backfill)?;
            prop_assert!(starts.iter().zip(&units).all(|(start, unit)| *start >= unit.submit));
        }
    }

    #[test]
    fn victims_make_room_and_none_of_them_could_be_spared(
        running in prop::collection::vec(1u32..=4, 0..12), size in 1u32..=4,
    ) {
        let mut shelf = Shelf::new(&[4, 4, 4, 2]);
        let placed = |(slot, &size): (u32, &u32)| {
            shelf.place(slot, slot, size).then_some(Rank { unit: slot, size, slot: Some(slot) })
        };
        let behind: Vec<Rank> = (0..).zip(&running).filter_map(placed).collect();
        let fits_without = |victims: &[usize]| {
            let mut shelf = shelf.clone();
            victims.iter().for_each(|&v| shelf.release(behind[v].slot.expect("it runs")));
            shelf.place(99, 99, size)
        };
        let all: Vec<usize> = (0..behind.len()).collect();
        prop_assume!(!fits_without(&[]));
        let mut search = Victims::default();
        let Some(victims) = search.find(&mut shelf.clone(), 99, size, &behind) else {
            prop_assert!(!fits_without(&all));
            return Ok(());
        };
        prop_assert!(fits_without(victims));
        for spared in victims {
            let others: Vec<usize> = victims.iter().copied().filter(|v| v != spared).collect();
            prop_assert!(!fits_without(&others), "{spared} need not have gone");
        }
    }
}

#[test]
fn what_is_out_of_service_is_reserved_from_its_return_on() {
    // Both nodes are there, but the second one is down until 70; the first is in use until 30.
    struct Down<'a>(Yard<'a>);
    impl Site for Down<'_> {
        type Capacity = Shelf;
        fn capacity(&self) -> &Shelf {
            self.0.capacity()
        }
        fn capacity_mut(&mut self) -> &mut Shelf {
            self.0.capacity_mut()
        }
        fn now_seconds(&self) -> i64 {
            self.0.now_seconds()
        }
        fn size(&self, unit: u32) -> u32 {
            self.0.size(unit)
        }
        fn expected_seconds(&self, unit: u32) -> i64 {
            self.0.expected_seconds(unit)
        }
        fn facts(&self, unit: u32) -> JobFacts {
            self.0.facts(unit)
        }
        fn expected_ends(&self, ends: &mut Vec<ExpectedEnd>) {
            self.0.expected_ends(ends);
        }
        fn expected_returns(&self, returns: &mut Vec<ExpectedReturn>) {
            let mut claims = Claims::default();
            claims.reset(1);
            claims.add(1)[0] = 4;
            returns.push(ExpectedReturn { at_seconds: 70, units: 4, claims });
        }
        fn spare_slot(&mut self) -> u32 {
            self.0.spare_slot()
        }
        fn start(&mut self, unit: u32, slot: u32) {
            self.0.start(unit, slot);
        }
    }
    let unit = |expected, size| Unit { submit: 0, expected, run: expected, size };
    let units = [unit(30, 2), unit(100, 4), unit(50, 1), unit(90, 1)];
    let mut shelf = Shelf::new(&[2, 4]);
    shelf.free[1] = 0;
    let yard = Yard { units: &units, shelf, now: 0, running: Vec::new(), start: vec![None; 4] };
    let mut site = Down(yard);
    let mut queue = WaitingQueue::new(&FirstComeFirstServed);
    for unit in 0..4 {
        queue.add(&site.facts(unit));
    }
    let mut reserved = Vec::new();
    for (now, started) in [(0, [Some(0), None, None, None]), (30, [Some(0), None, Some(30), Some(30)])] {
        site.0.now = now;
        if now == 30 {
            site.0.running[0] = None;
            site.0.shelf.release(0);
        }
        let rules =
            PassRules { discipline: Discipline::Strict, backfill: Backfill::Conservative, depth_max: 9 };
        Pass::default().run(rules, &mut queue, &mut site, &mut reserved);
        assert_eq!(site.0.start, started, "at {now}");
    }
    assert_eq!(
        (reserved[0].unit, reserved[0].at_seconds),
        (1, 70),
        "the wide one has the node that comes back"
    );
}
