//! The search: members are placed one by one, of those kinds first that have the fewest places beside how many wait, each where it costs the
//! others least. Where that ends in a dead end, what was chosen otherwise at one step is tried, then at two, and so on (limited discrepancy
//! search, Harvey and Ginsberg, IJCAI 1995); states that were found hopeless are not looked into again.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::room::{Put, Room};
use super::rules::{Fit, Pairs};

/// More other choices than there are.
const FOR_GOOD: u32 = u32::MAX;

/// A search under way.
pub(super) struct Search<'a> {
    room: &'a mut Room,
    trail: Vec<Put>,
    /// States that have no way on with so many other choices, or at all ([`FOR_GOOD`]).
    hopeless: HashMap<u64, u32>,
    /// Looks at a kind on a spot that are left.
    looks: u64,
    /// Whether a way was left out because of the limit on other choices.
    is_cut: bool,
}

/// Where a kind that waits may stand.
struct Options {
    /// How many of it have a place at most, as far as is seen at once.
    places: u32,
    /// Spots on which one may be put now.
    now: Vec<usize>,
    /// Whether others that wait may open more to it.
    is_early: bool,
}

/// What is done next.
#[derive(Default)]
struct Choices {
    /// The kind of which one is placed.
    kind: usize,
    /// Where, the best first, of equal ones one.
    spots: Vec<usize>,
    /// Spots on which anybody who waits may ever stand.
    left: Vec<usize>,
}

impl<'a> Search<'a> {
    /// One that may look so often.
    pub(super) fn new(room: &'a mut Room, looks: u64) -> Self {
        Self { room, trail: Vec::new(), hopeless: HashMap::new(), looks, is_cut: false }
    }

    /// Places all, and says in which order; none where no way was found. With how many looks are left.
    pub(super) fn run(mut self) -> (Option<Vec<Put>>, u64) {
        let all: Vec<usize> = (0..self.room.spots.len()).collect();
        for others in 0.. {
            self.is_cut = false;
            if self.go_on(others, &all) {
                return (Some(self.trail), self.looks);
            }
            if !self.is_cut || self.looks == 0 {
                break;
            }
        }
        (None, self.looks)
    }

    /// Places all that wait on these spots, with at most so many choices that are not the best; all is as before where that fails.
    fn go_on(&mut self, others: u32, within: &[usize]) -> bool {
        if self.room.waiting() == 0 {
            return true;
        }
        let state = self.room.mark;
        if let Some(&tried) = self.hopeless.get(&state).filter(|tried| **tried >= others) {
            self.is_cut |= tried != FOR_GOOD;
            return false;
        }
        let was_cut = std::mem::take(&mut self.is_cut);
        let Choices { kind, spots, left } = self.choices(within).unwrap_or_default();
        for (number, spot) in spots.into_iter().enumerate() {
            let is_other = u32::from(number > 0);
            if is_other > others {
                self.is_cut = true;
                break;
            }
            let put = self.room.put(kind, spot);
            self.trail.push(put);
            if self.go_on(others - is_other, &left) {
                return true;
            }
            if let Some(put) = self.trail.pop() {
                self.room.take_back(&put);
            }
            if self.looks == 0 {
                return false;
            }
        }
        if self.looks > 0 {
            self.hopeless.insert(state, if self.is_cut { others } else { FOR_GOOD });
        }
        self.is_cut |= was_cut;
        false
    }

    /// Takes so many looks of what is left; whether there were as many.
    fn spend(&mut self, looks: usize) -> bool {
        self.looks = self.looks.saturating_sub(looks as u64);
        self.looks > 0
    }

    /// What is done next; none where it is clear that not all have room.
    fn choices(&mut self, within: &[usize]) -> Option<Choices> {
        let (all, left) = self.options(within)?;
        let waiting = |kind: usize| self.room.kinds[kind].waiting.len() as f64;
        let may_go = (0..all.len()).filter(|&kind| !all[kind].now.is_empty());
        let scarcity = |kind: usize| waiting(kind) / f64::from(all[kind].places);
        let kind = may_go.min_by(|&one, &other| {
            let early = all[one].is_early.cmp(&all[other].is_early);
            early.then(scarcity(other).total_cmp(&scarcity(one))).then(one.cmp(&other))
        })?;
        let mut marks = HashSet::new();
        let is_new = |at: &&usize| marks.insert(self.room.spots[**at].mark);
        let different: Vec<usize> = all[kind].now.iter().filter(is_new).copied().collect();
        if !self.spend(different.len() * all.len()) {
            return None;
        }
        let places: Vec<u32> = all.iter().map(|options| options.places).collect();
        let room = &mut *self.room;
        let mut spots: Vec<_> = different.into_iter().map(|at| (room.cost(kind, at, &places), at)).collect();
        spots.sort_by(|(one, at), (other, other_at)| {
            let order = one.wary.cmp(&other.wary).then(one.lost.total_cmp(&other.lost));
            order.then(one.left.total_cmp(&other.left)).then(at.cmp(other_at))
        });
        Some(Choices { kind, spots: spots.into_iter().map(|(_, at)| at).collect(), left })
    }

    /// What each kind may do, and the spots on which any may; none where it is clear that not all have room.
    fn options(&mut self, within: &[usize]) -> Option<(Vec<Options>, Vec<usize>)> {
        let count = self.room.kinds.len();
        if !self.spend(count * within.len()) {
            return None;
        }
        let room = &*self.room;
        let mut all: Vec<Options> = Vec::with_capacity(count);
        let mut used = vec![false; room.spots.len()];
        for kind in 0..count {
            let waiting = room.kinds[kind].waiting.len() as u32;
            let is_early = Pairs::waits_for_others(&room.kinds, kind);
            let mut options = Options { places: 0, now: Vec::new(), is_early };
            let mut parts = HashSet::new();
            for at in within.iter().copied().filter(|_| waiting > 0) {
                let fit = room.fit(kind, at);
                if fit == Fit::Never {
                    continue;
                }
                used[at] = true;
                options.places += match room.sole_part(kind, at) {
                    Some(part) => u32::from(parts.insert(part)),
                    None => room.spots[at].room[kind].min(waiting),
                };
                if fit == Fit::Now {
                    options.now.push(at);
                }
            }
            if options.places < waiting {
                return None;
            }
            all.push(options);
        }
        self.gather(&mut all)?;
        let room = &*self.room;
        let asked = room.asked();
        let mut free = vec![0; asked.len()];
        let left: Vec<usize> = within.iter().copied().filter(|&at| used[at]).collect();
        left.iter().for_each(|&at| room.add_free(at, &mut free));
        asked.iter().zip(free).all(|(asked, free)| *asked <= free).then_some((all, left))
    }

    /// Of kinds that will stand in one domain, whichever their first chooses, leaves only spots in domains with places for all of each; none
    /// where there is no such domain.
    fn gather(&self, all: &mut [Options]) -> Option<()> {
        let room = &*self.room;
        let kinds = (0..all.len()).filter(|&kind| !room.kinds[kind].waiting.is_empty());
        let gathered: Vec<(usize, &[usize])> =
            kinds.filter_map(|kind| Some((kind, room.gathers(kind)?))).collect();
        for &(kind, rule) in &gathered {
            let waiting = room.kinds[kind].waiting.len() as u32;
            let mut places = BTreeMap::<usize, u32>::new();
            for &at in &all[kind].now {
                let here = if room.sole_part(kind, at).is_some() { 1 } else { room.spots[at].room[kind] };
                *places.entry(room.domain(rule, at)?).or_default() += here.min(waiting);
            }
            all[kind].places = places.values().copied().max().unwrap_or(0);
            if all[kind].places < waiting {
                return None;
            }
            for &(other, _) in gathered.iter().filter(|&&(_, of_other)| of_other == rule) {
                let has_enough = |domain: usize| places.get(&domain).is_some_and(|&places| places >= waiting);
                all[other].now.retain(|&at| room.domain(rule, at).is_some_and(has_enough));
            }
        }
        Some(())
    }
}
