//! The queue passes beside a plain reference that shares nothing with them: first come first served, EASY and
//! conservative backfilling as their papers define them, from event to event, over nodes on which a gang takes one node or
//! whole nodes (a pool is one node). The random traces have round times, so that many things happen at the same second.

use lepton_core::decide::queue_policies::queue_policy;
use proptest::prelude::*;

use super::machine::{GangPlacement, GpuNodes, Machine, Pool, Topology};
use super::*;

/// A job of the reference: (submit, run, requested, size), in order of submission.
type Row = (i64, u32, u32, u32);

/// Units on nodes: (node, units).
type Place = Vec<(usize, i64)>;

/// A job that holds something for a while.
#[derive(Clone)]
struct Hold {
    job: usize,
    from: i64,
    /// When it is expected to let go, and when it really does.
    expected: i64,
    end: i64,
    place: Place,
}

/// The machine of the reference: nodes of equal size.
#[derive(Clone, Copy)]
struct Nodes {
    count: usize,
    units: i64,
}

impl Nodes {
    /// What is free on each node throughout `from..until` beside what holds and is promised; what runs past its request
    /// ends in the next second.
    fn free(self, holds: &[Hold], now: i64, from: i64, until: i64) -> Vec<i64> {
        let ends = |h: &Hold| h.expected.max(now + 1);
        let times = holds.iter().flat_map(|h| [h.from, ends(h)]).filter(|&t| from < t && t < until);
        let mut least = vec![self.units; self.count];
        for time in times.chain([from]) {
            let mut free = vec![self.units; self.count];
            for hold in holds.iter().filter(|h| h.from <= time && time < ends(h)) {
                hold.place.iter().for_each(|&(node, units)| free[node] -= units);
            }
            least.iter_mut().zip(free).for_each(|(least, free)| *least = free.min(*least));
        }
        least
    }

    /// Where `size` units go: on the fullest node that has room; a gang larger than a node on the first whole nodes, its rest
    /// on the emptiest other.
    fn place(self, free: &[i64], size: i64) -> Option<Place> {
        if size <= self.units {
            let node = (0..self.count).filter(|&n| free[n] >= size).min_by_key(|&n| free[n])?;
            return Some(vec![(node, size)]);
        }
        let mut whole = (0..self.count).filter(|&n| free[n] == self.units);
        let mut place: Place = Vec::new();
        for _ in 0..size / self.units {
            place.push((whole.next()?, self.units));
        }
        let rest = size % self.units;
        if rest > 0 {
            let others = (0..self.count).filter(|n| place.iter().all(|p| p.0 != *n) && free[*n] >= rest);
            place.push((others.min_by_key(|&n| -free[n])?, rest));
        }
        Some(place)
    }
}

fn fits(free: &[i64], place: &Place) -> bool {
    place.iter().all(|&(node, units)| free[node] >= units)
}

/// When each job starts.
fn reference(rows: &[Row], nodes: Nodes, backfill: Backfill) -> Vec<i64> {
    let mut starts = vec![NEVER; rows.len()];
    let (mut running, mut waiting): (Vec<Hold>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut promised: Vec<Hold> = Vec::new();
    let mut come = 0;
    while come < rows.len() || !waiting.is_empty() {
        let next_end = running.iter().map(|r| r.end).min();
        let now = rows.get(come).map(|r| r.0).into_iter().chain(next_end).min().expect("something happens");
        running.retain(|r| r.end > now);
        while rows.get(come).is_some_and(|r| r.0 <= now) {
            waiting.push(come);
            come += 1;
        }
        let pass = Moment { rows, nodes, now };
        let mut reserved = None;
        loop {
            let started = match backfill {
                Backfill::None => pass.head(&waiting, &running).into_iter().collect(),
                Backfill::Easy => pass.easy(&waiting, &running, &mut reserved).into_iter().collect(),
                Backfill::Conservative => pass.conservative(&waiting, &running, &mut promised),
            };
            for hold in &started {
                waiting.retain(|&w| w != hold.job);
                starts[hold.job] = now;
            }
            running.extend(started.iter().cloned());
            if started.is_empty() || backfill == Backfill::Conservative {
                break;
            }
        }
    }
    starts
}

/// The head's reservation: when, and what it leaves on each node then.
struct Reserved {
    shadow: i64,
    left: Vec<i64>,
}

struct Moment<'a> {
    rows: &'a [Row],
    nodes: Nodes,
    now: i64,
}

impl Moment<'_> {
    fn hold(&self, job: usize, from: i64, place: Place) -> Hold {
        let (_, run, requested, _) = self.rows[job];
        Hold { job, from, expected: from + i64::from(requested), end: from + i64::from(run), place }
    }

    fn size(&self, job: usize) -> i64 {
        i64::from(self.rows[job].3)
    }

    /// Where a job would stand now, whoever waits.
    fn place_now(&self, job: usize, running: &[Hold]) -> Option<Place> {
        self.nodes.place(&self.nodes.free(running, self.now, self.now, self.now + 1), self.size(job))
    }

    fn head(&self, waiting: &[usize], running: &[Hold]) -> Option<Hold> {
        let &head = waiting.first()?;
        Some(self.hold(head, self.now, self.place_now(head, running)?))
    }

    /// The first job that may start now under EASY: the head, or what does not delay the head. The head's reservation is
    /// made once in a moment.
    fn easy(&self, waiting: &[usize], running: &[Hold], reserved: &mut Option<Reserved>) -> Option<Hold> {
        if let Some(start) = self.head(waiting, running) {
            return Some(start);
        }
        if reserved.is_none() {
            *reserved = self.reserve(*waiting.first()?, running);
        }
        let Reserved { shadow, left } = reserved.as_mut()?;
        waiting[1..].iter().find_map(|&job| {
            let start = self.hold(job, self.now, self.place_now(job, running)?);
            if start.expected <= *shadow {
                return Some(start);
            }
            // Elsewhere, in what is free both now and then.
            let mut both = self.nodes.free(running, self.now, self.now, self.now + 1);
            both.iter_mut().zip(&*left).for_each(|(free, &left)| *free = left.min(*free));
            let elsewhere = || self.nodes.place(&both, self.size(job));
            let place = Some(start.place).filter(|place| fits(left, place)).or_else(elsewhere)?;
            place.iter().for_each(|&(node, units)| left[node] -= units);
            Some(self.hold(job, self.now, place))
        })
    }

    fn reserve(&self, head: usize, running: &[Hold]) -> Option<Reserved> {
        let ends = running.iter().map(|r| r.expected.max(self.now + 1));
        let at = |end: i64| self.nodes.free(running, self.now, end, end + 1);
        let shadow = ends.filter(|&end| self.nodes.place(&at(end), self.size(head)).is_some()).min()?;
        let mut left = at(shadow);
        self.nodes.place(&left, self.size(head))?.iter().for_each(|&(node, units)| left[node] -= units);
        Some(Reserved { shadow, left })
    }

    /// Who may start now under conservative backfilling: every job in turn is promised the first time and place at which it
    /// delays none of those before it, its old place if its time has not changed; whoever is promised now starts. Once
    /// nothing is free, the others keep the promise that they have.
    fn conservative(&self, waiting: &[usize], running: &[Hold], promised: &mut Vec<Hold>) -> Vec<Hold> {
        let now = self.now;
        let mut before = std::mem::take(promised);
        let mut started: Vec<Hold> = Vec::new();
        for &job in waiting {
            let runs: Vec<Hold> = running.iter().chain(&started).cloned().collect();
            if self.nodes.free(&runs, now, now, now + 1).iter().sum::<i64>() == 0 {
                break;
            }
            let kept = before.iter().position(|h| h.job == job).map(|at| before.remove(at));
            let span = i64::from(self.rows[job].2);
            let holds: Vec<Hold> = runs.iter().chain(promised.iter()).cloned().collect();
            let mut times: Vec<i64> = holds.iter().map(|h| h.expected.max(now + 1)).collect();
            times.push(now);
            times.sort_unstable();
            let found = times.into_iter().find_map(|from| {
                let free = self.nodes.free(&holds, now, from, from + span);
                let kept = kept.as_ref().filter(|h| h.from == from && fits(&free, &h.place));
                let place =
                    kept.map(|h| h.place.clone()).or_else(|| self.nodes.place(&free, self.size(job)))?;
                if from > now || kept.is_some() {
                    return Some((from, place));
                }
                // Where it would stand by itself, if that delays nobody.
                let own = self.place_now(job, &runs).filter(|own| fits(&free, own));
                Some((from, own.unwrap_or(place)))
            });
            let (from, place) = found.expect("at the end all is free");
            let hold = self.hold(job, from, place);
            if from == now { started.push(hold) } else { promised.push(hold) }
        }
        promised.extend(before);
        started
    }
}

fn simulated<M: Machine>(rows: &[Row], machine: M, backfill: Backfill) -> Vec<i64> {
    let mut jobs = Jobs { owners: vec![String::new()], ..Jobs::default() };
    for (id, &(submit_seconds, run_seconds, requested_seconds, size)) in (0..).zip(rows) {
        jobs.push(Job { id, submit_seconds, run_seconds, requested_seconds, size, owner: 0, priority: 0 });
    }
    let settings = Settings { backfill, ..Settings::default() };
    let policy = queue_policy("fcfs").expect("a known policy");
    Simulation::new(&jobs, machine, policy.as_ref(), &settings).run(&mut ()).start_seconds
}

#[test]
fn easy_counts_everything_that_ends_at_the_second_of_the_reservation() {
    // Two jobs of 2 end at 10, when 4 are to start on 6 units: 2 are left over, and a long job of 2 may start at once.
    let two = [(0, 10, 10, 2), (0, 10, 10, 2), (1, 50, 50, 4), (2, 100, 100, 2)];
    let one = [(0, 10, 10, 4), (1, 50, 50, 4), (2, 100, 100, 2)];
    for backfill in [Backfill::Easy, Backfill::Conservative] {
        assert_eq!(simulated(&two, Pool::new(6), backfill), [0, 0, 10, 2], "{backfill:?}");
        assert_eq!(
            simulated(&one, Pool::new(6), backfill),
            [0, 10, 2],
            "{backfill:?}: one job in place of the two"
        );
    }
}

/// Traces with round times; some jobs run shorter than they asked for, some longer.
fn round_trace(size_max: u32) -> impl Strategy<Value = Vec<Row>> {
    let job = (0i64..8, 1u32..5, 1u32..=size_max, prop_oneof![Just(0i64), -10i64..=20]);
    prop::collection::vec(job, 1..40).prop_map(|jobs| {
        let row = |(submit, run, size, more): (i64, u32, u32, i64)| {
            let requested = (i64::from(run * 10) + more / 10 * 10).max(10) as u32;
            (5 * submit, 10 * run, requested, size)
        };
        let mut rows: Vec<Row> = jobs.into_iter().map(row).collect();
        rows.sort_by_key(|r| r.0);
        rows
    })
}

const WAYS: [Backfill; 3] = [Backfill::None, Backfill::Easy, Backfill::Conservative];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn on_a_pool_every_job_starts_when_the_definition_says(
        rows in round_trace(8), units in prop::sample::select(vec![2u32, 4, 6, 8]),
    ) {
        let rows: Vec<Row> = rows.iter().map(|r| (r.0, r.1, r.2, r.3.min(units))).collect();
        let nodes = Nodes { count: 1, units: i64::from(units) };
        for backfill in WAYS {
            let simulated = simulated(&rows, Pool::new(units), backfill);
            prop_assert_eq!(simulated, reference(&rows, nodes, backfill), "{:?}", backfill);
        }
    }

    #[test]
    fn on_nodes_every_gang_starts_when_the_definition_says(
        rows in round_trace(12), per_node in prop::sample::select(vec![1u32, 2, 4]),
    ) {
        let nodes = Nodes { count: 3, units: i64::from(per_node) };
        let rows: Vec<Row> = rows.iter().map(|r| (r.0, r.1, r.2, r.3.min(3 * per_node))).collect();
        for backfill in WAYS {
            let machine = GpuNodes::new(3, per_node, GangPlacement::Consolidate, Topology::default());
            let simulated = simulated(&rows, machine, backfill);
            prop_assert_eq!(simulated, reference(&rows, nodes, backfill), "{:?}", backfill);
        }
    }

    /// With exact requests nobody starts later than was first promised: what starts behind a job delays it nowhere.
    #[test]
    fn on_nodes_conservative_backfilling_breaks_no_promise(rows in round_trace(12)) {
        let rows: Vec<Row> = rows.iter().map(|r| (r.0, r.1, r.1, r.3)).collect();
        let machine = || GpuNodes::new(3, 4, GangPlacement::Consolidate, Topology::default());
        let all = simulated(&rows, machine(), Backfill::Conservative);
        for count in 1..rows.len() {
            // The promise to the last of the first so many: when it starts if nobody comes after it.
            let alone = simulated(&rows[..count], machine(), Backfill::Conservative);
            prop_assert_eq!(&alone[..], &all[..count], "those that came after job {} changed something", count);
        }
    }
}
